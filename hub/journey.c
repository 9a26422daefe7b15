#include "hub/journey.h"

#include "hub/dating.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS };

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
    {NULL, NULL}};

/* What is kept of an event for sorting and showing. */
struct entry {
    int64_t shard, arrival;
    int64_t time_ms, error_ms, uptime_ms;
    int64_t first; /* arrival of the first listed event of its boot */
    int64_t order_ms;
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

static void add_times(json_t *json, const struct dating *place,
                      struct ts_wall original) {
    char text[TS_TIME_TEXT];

    ts_wall_text(text, place->time);
    json_object_set_new(json, "time", json_string(text));
    json_object_set_new(json, "approximate", json_boolean(place->approximate));
    if (place->error_ms >= 0)
        json_object_set_new(json, "error_ms", json_integer(place->error_ms));
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
    fill->event.source = ts_slice_text(entry->source);
    fill->event.boot = ts_slice_text(entry->boot);
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
    struct dating place;
    enum ts_status status =
        archive_get(db, (unsigned)entry->shard, (uint64_t)entry->arrival,
                    on_archived, &fill, err);

    if (status != TS_OK || !fill.found)
        return status;
    status = dating_find(db, &fill.event, &place, err);
    if (status != TS_OK)
        return status;
    entry->time_ms = place.time.unix_ms;
    entry->error_ms = place.error_ms;
    entry->uptime_ms = fill.event.uptime.ms;
    add_times(entry->json, &place, fill.event.time);
    return TS_OK;
}

static int order_of(int64_t a, int64_t b) { return (a > b) - (a < b); }

static int order_text(const char *a, const char *b) {
    return strcmp(a ? a : "", b ? b : "");
}

/* As the terminals wrote them: the boots of one by arrival, for what they say
 * of the time may be wrong, and each boot by its uptime. */
static int compare_written(const void *left, const void *right) {
    const struct entry *a = left, *b = right;
    int order = order_text(a->source, b->source);

    if (!order)
        order = order_of(a->first, b->first);
    if (!order)
        order = strcmp(a->boot, b->boot);
    if (!order)
        order = order_of(a->uptime_ms, b->uptime_ms);
    return order ? order : order_text(a->key, b->key);
}

static int compare_boots(const void *left, const void *right) {
    const struct entry *a = left, *b = right;
    int order = order_text(a->source, b->source);

    if (!order)
        order = strcmp(a->boot, b->boot);
    return order ? order : order_of(a->arrival, b->arrival);
}

static int compare_entries(const void *left, const void *right) {
    const struct entry *a = left, *b = right;
    int order = order_of(a->order_ms, b->order_ms);

    return order ? order : compare_written(left, right);
}

static bool same_terminal(const struct entry *a, const struct entry *b) {
    return a->boot[0] && b->boot[0] && !order_text(a->source, b->source);
}

/* With the earlier one's time it is no further from the truth than the larger
 * of both errors. */
static void adopt_time(struct entry *now, const struct entry *before) {
    char text[TS_TIME_TEXT];

    now->time_ms = before->time_ms;
    ts_wall_text(text, (struct ts_wall){now->time_ms});
    json_object_set_new(now->json, "time", json_string(text));
    if (now->error_ms < 0 || now->error_ms >= before->error_ms)
        return;
    now->error_ms = before->error_ms;
    json_object_set_new(now->json, "error_ms", json_integer(now->error_ms));
}

/* What a terminal wrote later never stands before what it wrote earlier, as
 * far as the errors of both allow it; its time is only moved where that makes
 * it no vaguer. */
static void keep_behind(struct entry *now, const struct entry *before) {
    int64_t behind_ms = before->order_ms - now->time_ms;
    bool vague = now->error_ms < 0 || before->error_ms < 0;

    if (behind_ms <= 0 ||
        (!vague && behind_ms > now->error_ms + before->error_ms))
        return;
    now->order_ms = before->order_ms;
    if (before->time_ms == before->order_ms && now->json &&
        (now->error_ms < 0 ||
         (before->error_ms >= 0 && (before->error_ms <= now->error_ms ||
                                    before->error_ms <= DATING_SURE_MS))))
        adopt_time(now, before);
}

static void set_order(struct list *list) {
    struct entry *items = list->items;

    qsort(items, list->count, sizeof *items, compare_boots);
    for (size_t i = 0; i < list->count; i++) {
        bool same = i && same_terminal(&items[i], &items[i - 1]) &&
                    !strcmp(items[i].boot, items[i - 1].boot);
        items[i].first = same ? items[i - 1].first : items[i].arrival;
    }
    qsort(items, list->count, sizeof *items, compare_written);
    for (size_t i = 0; i < list->count; i++) {
        items[i].order_ms = items[i].time_ms;
        if (i && same_terminal(&items[i], &items[i - 1]))
            keep_behind(&items[i], &items[i - 1]);
    }
}

static json_t *take_json(struct list *list) {
    json_t *array = json_array();

    set_order(list);
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
