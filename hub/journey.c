#include "hub/journey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_INSTANTS = 256 };

enum { EVENTS, INSTANTS, FLOOR };

/* An event is its strongest identifier's; visits follow their card. A
 * contested or quarantined identifier names nobody while a weaker one does. */
const struct db_statement journey_statements[] = {
    [EVENTS] = {"journey_events",
                "SELECT e.shard, e.arrival FROM event_ident e WHERE e.ident_id "
                "IN (SELECT ident_id FROM ident WHERE person_id = $1 UNION ALL "
                "SELECT v.ident_id FROM ident v JOIN ident c ON c.ident_id = "
                "v.follows WHERE c.person_id = $1) AND NOT EXISTS (SELECT 1 "
                "FROM event_ident o JOIN ident i ON i.ident_id = o.ident_id "
                "WHERE o.shard = e.shard AND o.arrival = e.arrival AND o.rank "
                "< e.rank AND i.state IN ('ok', 'household')) GROUP BY "
                "e.shard, e.arrival ORDER BY MAX(e.time_ms) DESC, e.shard, "
                "e.arrival DESC LIMIT $2"},
    [INSTANTS] = {"journey_instants",
                  "SELECT uptime_ms, time_ms FROM store_clock WHERE shard = $1 "
                  "AND source = $2 AND boot = $3 ORDER BY uptime_ms LIMIT 256"},
    [FLOOR] = {"journey_floor",
               "SELECT time_ms FROM store_clock WHERE shard = $1 AND source = "
               "$2 AND arrival < $3 ORDER BY arrival DESC LIMIT 1"},
    {NULL, NULL}};

static int64_t between(const struct journey_instant *a,
                       const struct journey_instant *b, int64_t uptime_ms) {
    double part = (double)(uptime_ms - a->uptime_ms) /
                  (double)(b->uptime_ms - a->uptime_ms);

    return a->time_ms + (int64_t)(part * (double)(b->time_ms - a->time_ms));
}

static int64_t interpolate(const struct journey_instant *instants, size_t count,
                           int64_t uptime_ms) {
    const struct journey_instant *last = &instants[count - 1];

    if (uptime_ms <= instants[0].uptime_ms)
        return instants[0].time_ms - (instants[0].uptime_ms - uptime_ms);
    for (size_t i = 1; i < count; i++)
        if (uptime_ms <= instants[i].uptime_ms)
            return between(&instants[i - 1], &instants[i], uptime_ms);
    return last->time_ms + (uptime_ms - last->uptime_ms);
}

struct journey_place journey_place_event(const struct archive_event *event,
                                         const struct journey_instant *instants,
                                         size_t count, int64_t floor_ms) {
    struct journey_place place = {.time = event->time};

    if (!ts_slice_equal(event->clock, ts_slice_text("unset")))
        return place;
    place.corrected = true;
    if (count) {
        place.time.unix_ms = interpolate(instants, count, event->uptime.ms);
    } else {
        place.approximate = true;
        place.time.unix_ms = floor_ms ? floor_ms : event->received.unix_ms;
    }
    if (place.time.unix_ms > event->received.unix_ms)
        place.time = event->received;
    return place;
}

/* What is kept of an event for sorting and showing. */
struct entry {
    int64_t shard, arrival;
    int64_t time_ms, uptime_ms;
    char boot[16];
    char *source, *key;
    json_t *json;
};
struct list {
    struct entry *items;
    size_t count, cap;
};

static bool on_place(void *arg, const struct db_value *columns, size_t count) {
    struct list *list = arg;

    (void)count;
    if (list->count == list->cap)
        return false;
    memset(&list->items[list->count], 0, sizeof *list->items);
    list->items[list->count].shard = columns[0].number;
    list->items[list->count++].arrival = columns[1].number;
    return true;
}

struct instants {
    struct journey_instant list[MAX_INSTANTS];
    size_t count;
};

static bool on_instant(void *arg, const struct db_value *columns,
                       size_t count) {
    struct instants *instants = arg;

    (void)count;
    if (instants->count == MAX_INSTANTS)
        return false;
    instants->list[instants->count++] =
        (struct journey_instant){columns[0].number, columns[1].number};
    return true;
}

static bool on_number(void *arg, const struct db_value *columns, size_t count) {
    (void)count;
    *(int64_t *)arg = columns[0].number;
    return false;
}

static enum ts_status find_place(struct db *db, struct entry *entry,
                                 const struct archive_event *event,
                                 struct journey_place *place,
                                 struct ts_err *err) {
    struct instants instants = {.count = 0};
    int64_t floor_ms = 0;
    struct db_value boot[] = {db_int(entry->shard), db_cstr(entry->source),
                              db_cstr(entry->boot)};
    struct db_value before[] = {db_int(entry->shard), db_cstr(entry->source),
                                db_int(entry->arrival)};
    enum ts_status status = TS_OK;

    if (ts_slice_equal(event->clock, ts_slice_text("unset"))) {
        status = db_run(db, &journey_statements[INSTANTS], boot, 3, on_instant,
                        &instants, err);
        if (status == TS_OK && !instants.count)
            status = db_run(db, &journey_statements[FLOOR], before, 3,
                            on_number, &floor_ms, err);
    }
    if (status == TS_OK)
        *place =
            journey_place_event(event, instants.list, instants.count, floor_ms);
    return status;
}

static char *dup_slice(struct ts_slice text) {
    char *copy = ts_alloc(text.len + 1);

    if (text.len)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return copy;
}

static void set_text(json_t *object, const char *name, struct ts_slice text) {
    json_t *value =
        text.len ? json_stringn((const char *)text.data, text.len) : NULL;

    if (value)
        json_object_set_new(object, name, value);
}

/* "/stores/<store>/terminals/<terminal>" */
static void set_lane(json_t *json, const char *source) {
    const char *store = source + strlen("/stores/");
    const char *end = strstr(store, "/terminals/");

    if (!end)
        return;
    set_text(json, "store", ts_slice_of(store, (size_t)(end - store)));
    set_text(json, "terminal", ts_slice_text(end + strlen("/terminals/")));
}

static const json_t *data_of(const json_t *body) {
    static const char *const names[] = {"data", "properties", "traits"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const json_t *data = json_object_get(body, names[i]);
        if (json_object_size(data))
            return data;
    }
    return NULL;
}

static json_t *describe(const struct archive_event *event, const json_t *body,
                        const struct entry *entry) {
    char title[200];
    json_t *json = json_object();
    const json_t *data = data_of(body);

    journey_title(title, sizeof title, event, body);
    set_text(json, "channel", ts_slice_text(journey_channel(event, body)));
    if (strncmp(entry->source, "/stores/", 8) == 0)
        set_lane(json, entry->source);
    set_text(json, "type", event->type);
    set_text(json, "title", ts_slice_text(title));
    set_text(json, "event", ts_json_text(body, "event"));
    json_object_set_new(json, "data",
                        data ? json_deep_copy(data) : json_object());
    set_text(json, "visit", event->visit);
    set_text(json, "source", event->source);
    set_text(json, "key", event->key);
    return json;
}

static void add_times(json_t *json, const struct journey_place *place,
                      struct ts_wall original) {
    char text[TS_TIME_TEXT];

    ts_wall_text(text, place->time);
    json_object_set_new(json, "time", json_string(text));
    json_object_set_new(json, "approximate", json_boolean(place->approximate));
    if (place->corrected) {
        ts_wall_text(text, original);
        json_object_set_new(json, "original_time", json_string(text));
    }
}

/* The event as the archive has it, seen once more for its text. */
struct fill {
    struct entry *entry;
    struct archive_event event; /* numbers and short texts */
    char clock[16];
    bool found;
};

static bool on_archived(void *arg, const struct archive_event *event) {
    struct fill *fill = arg;
    struct entry *entry = fill->entry;
    struct ts_err err;
    json_t *body;

    entry->source = dup_slice(event->source);
    entry->key = dup_slice(event->key);
    snprintf(entry->boot, sizeof entry->boot, "%.*s", (int)event->boot.len,
             event->boot.len ? (const char *)event->boot.data : "");
    snprintf(fill->clock, sizeof fill->clock, "%.*s", (int)event->clock.len,
             event->clock.len ? (const char *)event->clock.data : "");
    fill->event = *event;
    fill->event.clock = ts_slice_text(fill->clock);
    if (ts_json_parse(&body, event->body, &err) == TS_OK) {
        entry->json = describe(event, body, entry);
        json_decref(body);
        fill->found = true;
    }
    return false;
}

static enum ts_status fill_entry(struct db *db, struct entry *entry,
                                 struct ts_err *err) {
    struct fill fill = {.entry = entry};
    struct journey_place place;
    enum ts_status status =
        archive_get(db, (unsigned)entry->shard, (uint64_t)entry->arrival,
                    on_archived, &fill, err);

    if (status != TS_OK || !fill.found)
        return status;
    status = find_place(db, entry, &fill.event, &place, err);
    if (status != TS_OK)
        return status;
    entry->time_ms = place.time.unix_ms;
    entry->uptime_ms = fill.event.uptime.ms;
    add_times(entry->json, &place, fill.event.time);
    return TS_OK;
}

static int order_of(int64_t a, int64_t b) { return (a > b) - (a < b); }

static int compare_entries(const void *left, const void *right) {
    const struct entry *a = left, *b = right;
    int order = order_of(a->time_ms, b->time_ms);

    if (!order)
        order = strcmp(a->source ? a->source : "", b->source ? b->source : "");
    if (!order)
        order = strcmp(a->boot, b->boot);
    if (!order)
        order = order_of(a->uptime_ms, b->uptime_ms);
    return order ? order : strcmp(a->key ? a->key : "", b->key ? b->key : "");
}

static json_t *take_json(struct list *list) {
    json_t *array = json_array();

    qsort(list->items, list->count, sizeof *list->items, compare_entries);
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].json)
            json_array_append(array, list->items[i].json);
    return array;
}

static void list_fini(struct list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].source);
        free(list->items[i].key);
        json_decref(list->items[i].json);
    }
    free(list->items);
}

enum ts_status journey_read(struct db *db, const char *person, size_t limit,
                            json_t **out, bool *more, struct ts_err *err) {
    struct list list = {.cap = limit + 1};
    struct db_value values[] = {db_cstr(person), db_int((int64_t)limit + 1)};
    enum ts_status status;
    size_t asked;

    list.items = ts_alloc(list.cap * sizeof *list.items);
    status = db_run(db, &journey_statements[EVENTS], values, 2, on_place, &list,
                    err);
    asked = list.count;
    if (list.count > limit)
        list.count = limit;
    for (size_t i = 0; i < list.count && status == TS_OK; i++)
        status = fill_entry(db, &list.items[i], err);
    if (status == TS_OK) {
        *more = asked > limit;
        *out = take_json(&list);
    }
    list_fini(&list);
    return status;
}
