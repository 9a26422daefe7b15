#include "world.h"

#include "base/ids.h"
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const traits[] = {"loyalty_card", "card_number"};
static const char *const own_domains[] = {"shop.example"};
static const char *const kiosks[] = {"kiosk"};

static struct ts_wall world_now(void *ctx) {
    return ((struct world *)ctx)->now;
}
static struct ts_mono world_mono(void *ctx) {
    return (struct ts_mono){((struct world *)ctx)->now.unix_ms};
}

void world_open(struct world *world) {
    world_open_at(world, "sqlite::memory:");
}

void world_open_at(struct world *world, const char *url) {
    static const uint8_t key[TS_KEY_BYTES] = {1, 2, 3};
    struct ts_err err;

    ts_log_set_level(TS_LOG_WARN);
    memset(world, 0, sizeof *world);
    if (db_open(&world->db, url, &err) != TS_OK)
        fail_msg("%s", err.text);
    world->keys = ts_keys_new(1, key);
    world->now.unix_ms = INT64_C(1795255200000);
    world->clock = (struct ts_clock){world, world_now, world_mono, NULL};
    world->cards = (struct segment_cards){world->keys, "main", traits, 2};
    world->rules.identifiers =
        (struct identifier_rules){.country_code = "39",
                                  .own_domains = own_domains,
                                  .own_domain_count = 1,
                                  .card_traits = traits,
                                  .card_trait_count = 2,
                                  .shared_sources = kiosks,
                                  .shared_source_count = 1};
    world->rules.limits = resolve_defaults;
    world->derive = (struct derive_options){.db = world->db,
                                            .rules = &world->rules,
                                            .clock = &world->clock,
                                            .slice = 7,
                                            .poll_ms = 50};
    world->people =
        (struct people){world->db, &world->rules, world->keys, "main"};
}

void world_close(struct world *world) {
    db_close(world->db);
    ts_keys_free(world->keys);
}

static void put(struct world *world, struct archive_event *event) {
    enum archive_outcome outcome = ARCHIVE_CONFLICT;
    struct ts_err err;

    if (db_begin(world->db, &err) != TS_OK ||
        archive_put(world->db, event, &outcome, &err) != TS_OK ||
        db_commit(world->db, &err) != TS_OK)
        fail_msg("%s", err.text);
    assert_int_equal(outcome, ARCHIVE_NEW);
}

void world_online(struct world *world, const char *json) {
    struct segment_frame frame = {.source = "shop",
                                  .channel = "web",
                                  .kind = SEGMENT_SERVER,
                                  .received = world->now};
    struct segment_event event;
    struct ts_err err;
    json_t *item;

    world->now.unix_ms += 1000;
    if (ts_json_parse(&item, ts_slice_text(json), &err) != TS_OK)
        fail_msg("%s in %s", err.text, json);
    if (json_object_get(item, "kiosk")) {
        json_object_del(item, "kiosk");
        frame.source = "kiosk";
    }
    segment_clean(item, &world->cards);
    if (segment_read(&event, item, NULL, &frame, &err) != TS_OK)
        fail_msg("%s in %s", err.text, json);
    put(world, &event.archive);
    segment_event_fini(&event);
    json_decref(item);
}

void world_store(struct world *world, const struct world_scan *scan) {
    char key[160], source[160], body[1024];
    struct archive_event event = {
        .shard = ts_shard(ts_slice_text(scan->store)),
        .type = ts_slice_text(scan->type),
        .channel = ts_slice_text("store"),
        .time = {scan->time_ms},
        .received = world->now,
        .visit = ts_slice_text(scan->visit ? scan->visit : ""),
        .boot = ts_slice_text(scan->boot),
        .uptime = {scan->uptime_ms},
        .clock = ts_slice_text(scan->clock ? scan->clock : "set")};

    world->now.unix_ms += 1000;
    snprintf(key, sizeof key, "%s/00000000%s/%020llu", scan->terminal,
             scan->boot, (unsigned long long)scan->sequence);
    snprintf(source, sizeof source, "/stores/%s/terminals/%s", scan->store,
             scan->terminal);
    snprintf(body, sizeof body, "{\"data\":%s,\"type\":\"tessera.%s.v1\"}",
             scan->data ? scan->data : "{}", scan->type);
    event.key = ts_slice_text(key);
    event.source = ts_slice_text(source);
    event.body = ts_slice_text(body);
    put(world, &event);
}

void world_token(const struct world *world, const char *number,
                 char out[TS_TOKEN_TEXT]) {
    assert_int_equal(ts_token_card(out, world->keys, 0, ts_slice_text("main"),
                                   ts_slice_text(number)),
                     TS_OK);
}

void world_derive(struct world *world, bool backwards) {
    for (unsigned i = 0; i < TS_SHARDS; i++) {
        unsigned shard = backwards ? TS_SHARDS - 1 - i : i;
        size_t taken = 1;
        while (taken) {
            struct ts_err err;
            if (derive_step(&world->derive, shard, &taken, &err) != TS_OK)
                fail_msg("%s", err.text);
        }
    }
}

json_t *world_lookup(struct world *world, const char *type, const char *value) {
    json_t *answer = NULL;
    struct ts_err err;

    if (people_lookup(&world->people, type, value, 0, &answer, &err) != TS_OK)
        fail_msg("%s", err.text);
    return answer;
}

void world_person(struct world *world, const char *type, const char *value,
                  char out[TS_UUID_TEXT]) {
    json_t *answer = world_lookup(world, type, value);

    snprintf(out, TS_UUID_TEXT, "%s",
             answer ? json_string_value(json_object_get(answer, "person"))
                    : "");
    json_decref(answer);
}

static const struct db_statement picture[] = {
    {"picture_idents",
     "SELECT i.type, i.value, i.person_id, i.state, i.first_ms, i.last_ms, "
     "i.events, f.value, p.since_ms, p.last_ms FROM ident i LEFT JOIN ident f "
     "ON f.ident_id = i.follows LEFT JOIN person p ON p.person_id = "
     "i.person_id ORDER BY i.type, i.value"},
    {"picture_edges",
     "SELECT CASE WHEN a.type || a.value < b.type || b.value THEN a.value ELSE "
     "b.value END, CASE WHEN a.type || a.value < b.type || b.value THEN "
     "b.value ELSE a.value END, e.rule, e.first_ms, e.first_key, e.last_ms, "
     "e.events, e.active FROM edge e JOIN ident a ON a.ident_id = e.ident_a "
     "JOIN ident b ON b.ident_id = e.ident_b ORDER BY 1, 2, 3"},
    {"picture_persons", "SELECT person_id, since_ms, last_ms FROM person ORDER "
                        "BY person_id"},
    {NULL, NULL}};

static bool on_row(void *arg, const struct db_value *columns, size_t count) {
    struct ts_buf *out = arg;

    for (size_t i = 0; i < count; i++) {
        enum ts_status status =
            columns[i].kind == DB_INT
                ? ts_buf_printf(out, "%lld|", (long long)columns[i].number)
                : ts_buf_printf(out, "%.*s|", (int)columns[i].bytes.len,
                                columns[i].kind == DB_NULL
                                    ? ""
                                    : (const char *)columns[i].bytes.data);
        assert_int_equal(status, TS_OK);
    }
    return ts_buf_add_text(out, "\n") == TS_OK;
}

char *world_picture(struct world *world) {
    struct ts_buf out = {0};
    struct ts_err err;
    char *text;

    for (size_t i = 0; picture[i].name; i++)
        if (db_run(world->db, &picture[i], NULL, 0, on_row, &out, &err) !=
            TS_OK)
            fail_msg("%s", err.text);
    text = ts_strdup(ts_buf_text(&out));
    ts_buf_fini(&out);
    return text;
}
