#include "hub/profile.h"

#include "base/ids.h"
#include "hub/desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_TEXT = 64, MAX_PLACES = 64 };

enum { PLACES, NAMES };

/* Visits are what followed the card; a store is part of their source. */
const struct db_statement profile_statements[] = {
    [PLACES] = {"profile_places",
                "SELECT c.value, x.source, MIN(e.time_ms), COUNT(DISTINCT "
                "x.visit) FROM ident me JOIN ident c ON c.person_id = "
                "me.person_id AND c.type = 'card' JOIN event_ident e ON "
                "e.ident_id = c.ident_id JOIN event x ON x.shard = e.shard AND "
                "x.arrival = e.arrival WHERE me.ident_id = $1 AND x.channel = "
                "'store' GROUP BY c.value, x.source ORDER BY c.value, x.source "
                "LIMIT 64"},
    [NAMES] = {"profile_names",
               "SELECT x.body FROM ident me JOIN ident i ON i.person_id = "
               "me.person_id JOIN event_ident e ON e.ident_id = i.ident_id "
               "JOIN event x ON x.shard = e.shard AND x.arrival = e.arrival "
               "WHERE me.ident_id = $1 AND x.type = 'identify' ORDER BY "
               "x.time_ms DESC LIMIT 20"},
    {NULL, NULL}};

struct place {
    char card[80], store[TS_NAME_TEXT];
    int64_t since_ms, visits;
};
struct places {
    struct place list[MAX_PLACES];
    size_t count;
};

static struct place *place_of(struct places *places, struct ts_slice card,
                              struct ts_slice store) {
    struct place *place;

    for (size_t i = 0; i < places->count; i++)
        if (ts_slice_equal(card, ts_slice_text(places->list[i].card)) &&
            ts_slice_equal(store, ts_slice_text(places->list[i].store)))
            return &places->list[i];
    if (places->count == MAX_PLACES)
        return NULL;
    place = &places->list[places->count++];
    memset(place, 0, sizeof *place);
    snprintf(place->card, sizeof place->card, "%.*s", (int)card.len,
             (const char *)card.data);
    snprintf(place->store, sizeof place->store, "%.*s", (int)store.len,
             (const char *)store.data);
    return place;
}

static struct ts_slice store_in(struct ts_slice source) {
    static const char start[] = "/stores/";
    size_t skip = sizeof start - 1;
    const uint8_t *end;

    if (source.len <= skip || memcmp(source.data, start, skip) != 0)
        return (struct ts_slice){NULL, 0};
    end = memchr(source.data + skip, '/', source.len - skip);
    return ts_slice_of(source.data + skip,
                       end ? (size_t)(end - source.data) - skip
                           : source.len - skip);
}

static bool on_place(void *arg, const struct db_value *columns, size_t count) {
    struct ts_slice store = store_in(columns[1].bytes);
    struct place *place;

    (void)count;
    if (!store.len)
        return true;
    place = place_of(arg, columns[0].bytes, store);
    if (!place)
        return false;
    if (!place->visits || columns[2].number < place->since_ms)
        place->since_ms = columns[2].number;
    place->visits += columns[3].number;
    return true;
}

static bool on_name(void *arg, const struct db_value *columns, size_t count) {
    static const char *const names[] = {"first_name", "firstName", "firstname",
                                        "given_name"};
    char *out = arg;
    struct ts_err err;
    json_t *body;

    (void)count;
    if (ts_json_parse(&body, columns[0].bytes, &err) != TS_OK)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names && !*out; i++) {
        struct ts_slice name =
            ts_json_text(json_object_get(body, "traits"), names[i]);
        if (name.len && name.len < NAME_TEXT) {
            memcpy(out, name.data, name.len);
            out[name.len] = '\0';
        }
    }
    json_decref(body);
    return !*out;
}

static enum ts_status put(struct db *db, const struct places *places,
                          const char *name, struct ts_wall now,
                          struct ts_err *err) {
    enum ts_status status = TS_OK;

    for (size_t i = 0; i < places->count && status == TS_OK; i++) {
        const struct place *place = &places->list[i];
        char since[TS_TIME_TEXT];
        json_t *value;
        ts_wall_text(since, (struct ts_wall){place->since_ms});
        value = json_pack("{s:s, s:I}", "since", since, "visits",
                          (json_int_t)place->visits);
        if (*name)
            json_object_set_new(value, "name", json_string(name));
        status =
            desk_put(db,
                     &(struct desk_change){.store = place->store,
                                           .kind = DESK_PROFILE,
                                           .key = ts_slice_text(place->card),
                                           .value = value,
                                           .now = now},
                     err);
        json_decref(value);
    }
    return status;
}

enum ts_status profile_publish(struct db *db, int64_t ident,
                               const struct archive_event *event,
                               struct ts_wall now, struct ts_err *err) {
    struct places *places;
    char name[NAME_TEXT] = "";
    struct db_value id = db_int(ident);
    enum ts_status status;

    /* Items and pages change nothing that a desk shows. */
    if (!ts_slice_equal(event->type, ts_slice_text("card.presented")) &&
        !ts_slice_equal(event->type, ts_slice_text("identify")))
        return TS_OK;
    places = ts_alloc(sizeof *places);
    places->count = 0;
    status =
        db_run(db, &profile_statements[PLACES], &id, 1, on_place, places, err);
    if (status == TS_OK && places->count)
        status =
            db_run(db, &profile_statements[NAMES], &id, 1, on_name, name, err);
    if (status == TS_OK)
        status = put(db, places, name, now, err);
    free(places);
    return status;
}
