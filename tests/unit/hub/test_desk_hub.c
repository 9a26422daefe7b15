#include "hub/desk.h"

#include "tests/unit/hub/engines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TOKEN "c1.uKCh5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqY"
#define OTHER "c1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const struct ts_wall now = {1795600000000};

static void put(struct db *db, const char *store, const char *key,
                const char *json) {
    struct desk_change change = {.store = store,
                                 .kind = DESK_PROFILE,
                                 .key = ts_slice_text(key),
                                 .now = now};
    json_t *value = NULL;
    struct ts_err err = {0};

    if (json)
        assert_int_equal(ts_json_parse(&value, ts_slice_text(json), &err),
                         TS_OK);
    change.value = value;
    if (desk_put(db, &change, &err) != TS_OK)
        fail_msg("%s", err.text);
    json_decref(value);
}

/* The answer, decoded; the caller gives it back with json_decref. */
static json_t *ask(struct db *db, const char *log, uint64_t after,
                   uint32_t limit, struct message_desk *out) {
    struct message_pull pull = {.after = after, .limit = limit};
    struct ts_buf text = {0};
    json_t *json = NULL;
    struct ts_err err = {0};

    (void)snprintf(pull.log, sizeof pull.log, "%s", log);
    if (desk_answer(db, "milano-01", &pull, now, &text, &err) != TS_OK ||
        ts_json_parse(&json, ts_buf_slice(&text), &err) != TS_OK ||
        message_desk_decode(out, json, &err) != TS_OK)
        fail_msg("%s", err.text);
    ts_buf_fini(&text);
    return json;
}

static struct message_desk_record record_at(const struct message_desk *desk,
                                            size_t index) {
    struct message_desk_record record;

    assert_int_equal(message_desk_record_decode(
                         &record, json_array_get(desk->records, index), NULL),
                     TS_OK);
    return record;
}

static void pages_in_order(struct db *db) {
    struct message_desk desk;
    char log[TS_JOURNAL_TEXT];
    json_t *json;

    put(db, "milano-01", "a", "1");
    put(db, "milano-01", "b", "2");
    put(db, "milano-01", "c", "3");
    put(db, "roma-01", "x", "9");
    json = ask(db, "", 0, 2, &desk);
    memcpy(log, desk.log, sizeof log);
    assert_true(desk.has_range && desk.more);
    assert_int_equal(desk.from, 0);
    assert_int_equal(desk.to, 2);
    assert_int_equal(json_array_size(desk.records), 2);
    json_decref(json);
    json = ask(db, log, 2, 2, &desk);
    assert_string_equal(desk.log, log);
    assert_false(desk.more);
    assert_int_equal(desk.from, 2);
    assert_int_equal(desk.to, 3);
    assert_int_equal(record_at(&desk, 0).position, 3);
    json_decref(json);
    json = ask(db, log, 3, 2, &desk);
    assert_int_equal(json_array_size(desk.records), 0);
    assert_int_equal(desk.to, 3);
    json_decref(json);
}

static void keys_are_compacted(struct db *db) {
    struct message_desk desk;
    json_t *json;

    put(db, "milano-01", "a", "1");
    put(db, "milano-01", "b", "2");
    put(db, "milano-01", "a", "3");
    put(db, "milano-01", "a", "3"); /* nothing new */
    json = ask(db, "", 0, 10, &desk);
    assert_int_equal(json_array_size(desk.records), 2);
    assert_int_equal(desk.to, 3);
    assert_int_equal(record_at(&desk, 1).position, 3);
    assert_int_equal(json_integer_value(record_at(&desk, 1).value), 3);
    json_decref(json);
    put(db, "milano-01", "b", NULL);
    put(db, "milano-01", "b", NULL);
    json = ask(db, "", 0, 10, &desk);
    assert_int_equal(desk.to, 4);
    assert_int_equal(record_at(&desk, 1).position, 4);
    assert_null(record_at(&desk, 1).value);
    json_decref(json);
}

static void another_log_starts_from_zero(struct db *db) {
    struct message_desk desk;
    json_t *json;

    put(db, "milano-01", "a", "1");
    json = ask(db, "00000000000000aa", 50, 10, &desk);
    assert_int_equal(desk.from, 0);
    assert_int_equal(json_array_size(desk.records), 1);
    json_decref(json);
}

static void restored_hub_renews_its_log(struct db *db) {
    struct message_desk desk;
    char log[TS_JOURNAL_TEXT];
    json_t *json;

    put(db, "milano-01", "a", "1");
    json = ask(db, "", 0, 10, &desk);
    memcpy(log, desk.log, sizeof log);
    json_decref(json);
    json = ask(db, log, 7, 10, &desk);
    assert_string_not_equal(desk.log, log);
    assert_int_equal(desk.from, 0);
    assert_int_equal(desk.to, 1);
    json_decref(json);
}

struct rung {
    size_t count, refuse_from;
    char last[TS_NAME_TEXT];
    uint64_t through;
};

static bool ring(void *arg, const char *store,
                 const struct message_bell *bell) {
    struct rung *rung = arg;

    if (rung->refuse_from && rung->count >= rung->refuse_from)
        return false;
    rung->count++;
    rung->through = bell->through;
    (void)snprintf(rung->last, sizeof rung->last, "%s", store);
    return true;
}

/* A log that has grown again behind its backup looks like the one that the
 * terminals know: only whoever put the backup back can tell. */
static void a_restored_hub_may_be_told_so(struct db *db) {
    struct message_desk desk;
    struct desk_bell_cursor cursor = {0};
    struct rung rung = {0};
    char log[TS_JOURNAL_TEXT];
    json_t *json;

    put(db, "milano-01", "a", "1");
    put(db, "roma-01", "x", "9");
    json = ask(db, "", 0, 10, &desk);
    memcpy(log, desk.log, sizeof log);
    json_decref(json);
    assert_int_equal(desk_renew(db, (struct ts_wall){now.unix_ms + 1}, NULL),
                     TS_OK);
    json = ask(db, log, 1, 10, &desk);
    assert_string_not_equal(desk.log, log);
    assert_int_equal(desk.from, 0);
    assert_int_equal(json_array_size(desk.records), 1);
    json_decref(json);
    cursor.changed = now;
    memcpy(cursor.store, "zzz", 4);
    assert_int_equal(desk_bells(db, &cursor, ring, &rung, NULL), TS_OK);
    assert_int_equal(rung.count, 2);
}

static void answers_fit_a_publish(struct db *db) {
    struct message_desk desk = {.more = true};
    static char value[20 * 1024];
    char key[16], log[TS_JOURNAL_TEXT] = "";
    uint64_t after = 0;
    size_t seen = 0;

    value[0] = '"';
    memset(value + 1, 'v', sizeof value - 3);
    value[sizeof value - 2] = '"';
    for (int i = 0; i < 20; i++) {
        (void)snprintf(key, sizeof key, "key-%d", i);
        put(db, "milano-01", key, value);
    }
    do {
        json_t *json = ask(db, log, after, 1000, &desk);
        char *text = json_dumps(json, JSON_COMPACT);
        assert_true(strlen(text) <= BATCH_MAX_PUBLISH);
        assert_true(desk.to > after);
        after = desk.to;
        memcpy(log, desk.log, sizeof log);
        seen += json_array_size(desk.records);
        free(text);
        json_decref(json);
    } while (desk.more);
    assert_int_equal(seen, 20);
}

static void wanted_cards_are_answered(struct db *db) {
    json_t *want = json_pack("[s, s]", TOKEN, OTHER);
    struct message_pull pull = {.limit = 10, .want = want};
    struct ts_buf text = {0};
    struct message_desk desk;
    json_t *json = NULL;

    put(db, "milano-01", TOKEN, "{\"name\":\"Ada\"}");
    put(db, "roma-01", OTHER, "{\"name\":\"Bea\"}");
    assert_int_equal(desk_answer(db, "milano-01", &pull, now, &text, NULL),
                     TS_OK);
    assert_int_equal(ts_json_parse(&json, ts_buf_slice(&text), NULL), TS_OK);
    assert_int_equal(message_desk_decode(&desk, json, NULL), TS_OK);
    assert_false(desk.has_range);
    assert_int_equal(json_array_size(desk.records), 2);
    assert_non_null(record_at(&desk, 0).value);
    assert_null(record_at(&desk, 1).value);
    json_decref(json);
    json_decref(want);
    ts_buf_fini(&text);
}

static void what_ran_out_is_not_sent(struct db *db) {
    struct desk_change change = {.store = "milano-01",
                                 .kind = DESK_OFFER,
                                 .key = ts_slice_text("o"),
                                 .has_expires = true,
                                 .expires = {now.unix_ms - 1},
                                 .now = now};
    struct message_desk desk = {.to = 0};
    json_t *value = json_true(), *json = NULL;

    change.value = value;
    assert_int_equal(desk_put(db, &change, NULL), TS_OK);
    json = ask(db, "", 0, 10, &desk);
    assert_int_equal(json_array_size(desk.records), 0);
    assert_int_equal(desk.to, 1);
    json_decref(json);
}

static void what_ran_out_hides_nothing_behind_it(struct db *db) {
    struct desk_change change = {.store = "milano-01",
                                 .kind = DESK_OFFER,
                                 .has_expires = true,
                                 .expires = {now.unix_ms - 1},
                                 .now = now};
    struct message_desk desk = {.more = true};
    json_t *value = json_true();
    size_t found = 0;
    char key[16], log[TS_JOURNAL_TEXT] = "";
    uint64_t after = 0;

    change.value = value;
    for (int i = 0; i < 5; i++) {
        (void)snprintf(key, sizeof key, "o-%d", i);
        change.key = ts_slice_text(key);
        assert_int_equal(desk_put(db, &change, NULL), TS_OK);
    }
    put(db, "milano-01", "a", "1");
    while (desk.more) {
        json_t *json = ask(db, log, after, 2, &desk);
        assert_true(desk.to > after);
        after = desk.to;
        memcpy(log, desk.log, sizeof log);
        for (size_t i = 0; i < json_array_size(desk.records); i++)
            found += json_integer_value(record_at(&desk, i).value) == 1;
        json_decref(json);
    }
    assert_int_equal(after, 6);
    assert_int_equal(found, 1);
}

/* An offer that is called back by its end: whoever has it lets it go. */
static void what_ran_out_is_taken_back(struct db *db) {
    struct desk_change change = {.store = "milano-01",
                                 .kind = DESK_OFFER,
                                 .key = ts_slice_text("o"),
                                 .has_expires = true,
                                 .expires = {now.unix_ms + 86400000},
                                 .now = now};
    struct message_desk desk = {.to = 0};
    json_t *value = json_true(), *json = NULL;
    char log[TS_JOURNAL_TEXT];

    change.value = value;
    assert_int_equal(desk_put(db, &change, NULL), TS_OK);
    json = ask(db, "", 0, 10, &desk);
    memcpy(log, desk.log, sizeof log);
    assert_int_equal(json_array_size(desk.records), 1);
    json_decref(json);
    change.expires.unix_ms = now.unix_ms - 1;
    assert_int_equal(desk_put(db, &change, NULL), TS_OK);
    json = ask(db, log, 1, 10, &desk);
    assert_int_equal(json_array_size(desk.records), 1);
    assert_int_equal(record_at(&desk, 0).position, 2);
    assert_null(record_at(&desk, 0).value);
    json_decref(json);
}

static void bells_ring_once(struct db *db) {
    struct desk_bell_cursor cursor = {0};
    struct rung rung = {.refuse_from = 1};

    put(db, "a-1", "k", "1");
    put(db, "b-1", "k", "1");
    put(db, "b-1", "l", "1");
    assert_int_equal(desk_bells(db, &cursor, ring, &rung, NULL), TS_OK);
    assert_string_equal(rung.last, "a-1");
    rung.refuse_from = 0;
    assert_int_equal(desk_bells(db, &cursor, ring, &rung, NULL), TS_OK);
    assert_int_equal(rung.count, 2);
    assert_string_equal(rung.last, "b-1");
    assert_int_equal(rung.through, 2);
    assert_int_equal(desk_bells(db, &cursor, ring, &rung, NULL), TS_OK);
    assert_int_equal(rung.count, 2);
}

static void with(const char *url, void (*run)(struct db *db)) {
    struct ts_err err = {0};
    struct db *db = NULL;

    if (db_open(&db, url, &err) != TS_OK)
        fail_msg("%s", err.text);
    run(db);
    db_close(db);
}

#define CASES(X)                                                               \
    X(pages_in_order)                                                          \
    X(keys_are_compacted)                                                      \
    X(another_log_starts_from_zero)                                            \
    X(restored_hub_renews_its_log)                                             \
    X(a_restored_hub_may_be_told_so)                                           \
    X(answers_fit_a_publish)                                                   \
    X(wanted_cards_are_answered)                                               \
    X(what_ran_out_is_not_sent)                                                \
    X(what_ran_out_hides_nothing_behind_it)                                    \
    X(what_ran_out_is_taken_back)                                              \
    X(bells_ring_once)
#define ON_BOTH(name)                                                          \
    static void test_##name(void **state) {                                    \
        with("sqlite::memory:", name);                                         \
        with(engines_postgres(*state), name);                                  \
    }
CASES(ON_BOTH)

static int start(void **state) {
    *state = engines_start();
    return 0;
}

static int stop(void **state) {
    engines_stop(*state);
    return 0;
}

int main(void) {
#define ROW(name) cmocka_unit_test(test_##name),
    const struct CMUnitTest tests[] = {CASES(ROW)};

    return cmocka_run_group_tests(tests, start, stop);
}
