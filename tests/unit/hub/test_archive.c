#include "hub/archive.h"

#include "hub/rows.h"
#include "tests/unit/hub/engines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct archive_event sample = {
    .shard = 7,
    .time = {1000},
    .received = {2000},
    .uptime = {30},
};

static struct archive_event event_of(const char *key, const char *body) {
    struct archive_event event = sample;

    event.key = ts_slice_text(key);
    event.source = ts_slice_text("/stores/s/terminals/t");
    event.type = ts_slice_text("card.presented");
    event.channel = ts_slice_text("store");
    event.clock = ts_slice_text("set");
    event.body = ts_slice_text(body);
    return event;
}

struct sought {
    struct ts_slice key;
    uint64_t arrival;
};

static bool is_sought(void *arg, const struct archive_event *event) {
    struct sought *sought = arg;

    if (ts_slice_equal(event->key, sought->key))
        sought->arrival = event->arrival;
    return true;
}

/* *arrival: of the event that has the key now. */
static enum archive_outcome put(struct db *db, unsigned shard, const char *key,
                                const char *body, uint64_t *arrival) {
    struct archive_event event = event_of(key, body);
    enum archive_outcome outcome = ARCHIVE_CONFLICT;
    struct sought sought = {event.key, 0};
    struct ts_err err = {0};

    event.shard = shard;
    if (db_begin(db, &err) != TS_OK ||
        archive_put(db, &event, &outcome, &err) != TS_OK ||
        db_commit(db, &err) != TS_OK)
        fail_msg("%s", err.text);
    if (archive_after(db, shard, 0, 100, is_sought, &sought, &err) != TS_OK)
        fail_msg("%s", err.text);
    *arrival = sought.arrival;
    return outcome;
}

static void once_and_for_ever(struct db *db) {
    uint64_t arrival;

    assert_int_equal(put(db, 7, "t/j/1", "{\"a\":1}", &arrival), ARCHIVE_NEW);
    assert_int_equal(arrival, 1);
    assert_int_equal(put(db, 7, "t/j/2", "{\"a\":2}", &arrival), ARCHIVE_NEW);
    assert_int_equal(arrival, 2);
    assert_int_equal(put(db, 7, "t/j/1", "{\"a\":1}", &arrival),
                     ARCHIVE_DUPLICATE);
    assert_int_equal(arrival, 1);
    assert_int_equal(put(db, 7, "t/j/1", "{\"a\":9}", &arrival),
                     ARCHIVE_CONFLICT);
    assert_int_equal(put(db, 8, "t/j/1", "{\"a\":1}", &arrival), ARCHIVE_NEW);
    assert_int_equal(arrival, 1);
    assert_int_equal(put(db, 7, "t/j/3", "{\"a\":3}", &arrival), ARCHIVE_NEW);
    assert_int_equal(arrival, 3);
}

struct seen {
    size_t count, stop_after;
    uint64_t arrivals[8];
    char last[32];
};

static bool see(void *arg, const struct archive_event *event) {
    struct seen *seen = arg;

    assert_int_equal(event->shard, 7);
    assert_int_equal(event->time.unix_ms, 1000);
    assert_int_equal(event->received.unix_ms, 2000);
    assert_int_equal(event->uptime.ms, 30);
    assert_int_equal(event->visit.len, 0);
    assert_true(ts_slice_equal(event->type, ts_slice_text("card.presented")));
    seen->arrivals[seen->count++] = event->arrival;
    memcpy(seen->last, event->body.data, event->body.len);
    seen->last[event->body.len] = 0;
    return seen->count != seen->stop_after;
}

static void reading_follows_arrival(struct db *db) {
    struct seen seen = {0};
    uint64_t arrival;

    (void)put(db, 7, "t/j/2", "{\"b\":2}", &arrival);
    (void)put(db, 7, "t/j/1", "{\"b\":1}", &arrival);
    (void)put(db, 9, "t/j/1", "{\"b\":0}", &arrival);
    (void)put(db, 7, "t/j/3", "{\"b\":3}", &arrival);
    assert_int_equal(archive_after(db, 7, 1, 10, see, &seen, NULL), TS_OK);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.arrivals[0], 2);
    assert_int_equal(seen.arrivals[1], 3);
    assert_string_equal(seen.last, "{\"b\":3}");
    seen = (struct seen){.stop_after = 1};
    assert_int_equal(archive_after(db, 7, 0, 10, see, &seen, NULL), TS_OK);
    assert_int_equal(seen.count, 1);
    seen = (struct seen){0};
    assert_int_equal(archive_get(db, 7, 2, see, &seen, NULL), TS_OK);
    assert_string_equal(seen.last, "{\"b\":1}");
    assert_int_equal(archive_after(db, 7, 3, 10, see, &seen, NULL), TS_OK);
    assert_int_equal(seen.count, 1);
}

struct kept {
    int64_t rows, times, bytes;
    char reason[128];
};

static bool kept_row(void *arg, const struct db_value *columns, size_t count) {
    struct kept *kept = arg;

    (void)count;
    kept->rows++;
    kept->times = columns[0].number;
    kept->bytes = columns[1].number;
    column_copy(kept->reason, sizeof kept->reason, &columns[2]);
    return true;
}

static void quarantine_counts_and_cuts(struct db *db) {
    static const struct db_statement all = {
        "all", "SELECT times, length(raw), reason FROM quarantine"};
    static uint8_t large[200 * 1024];
    struct ts_slice source = ts_slice_text("/stores/s/terminals/t");
    struct kept kept = {0};

    memset(large, 'x', sizeof large);
    for (int i = 0; i < 2; i++)
        assert_int_equal(archive_quarantine(db, 7, source, ts_slice_text("why"),
                                            (struct ts_wall){5},
                                            ts_slice_of(large, sizeof large),
                                            NULL),
                         TS_OK);
    assert_int_equal(db_run(db, &all, NULL, 0, kept_row, &kept, NULL), TS_OK);
    assert_int_equal(kept.rows, 1);
    assert_int_equal(kept.times, 2);
    assert_int_equal(kept.bytes, 128 * 1024);
    assert_string_equal(kept.reason, "why (cut: 131072 of 204800 bytes kept)");
}

static void alarm_is_one_row(struct db *db) {
    static const struct db_statement all = {
        "alarms", "SELECT times, last_ms, text FROM alarm"};
    struct kept kept = {0};

    for (int i = 1; i <= 3; i++)
        assert_int_equal(archive_alarm(db, 7, "clone", ts_slice_text("t"),
                                       "text", (struct ts_wall){i}, NULL),
                         TS_OK);
    assert_int_equal(db_run(db, &all, NULL, 0, kept_row, &kept, NULL), TS_OK);
    assert_int_equal(kept.rows, 1);
    assert_int_equal(kept.times, 3);
    assert_int_equal(kept.bytes, 3);
}

static void with(const char *url, void (*run)(struct db *db)) {
    struct ts_err err = {0};
    struct db *db = NULL;

    if (db_open(&db, url, &err) != TS_OK)
        fail_msg("%s", err.text);
    run(db);
    db_close(db);
}

#define ON_BOTH(name)                                                          \
    static void test_##name(void **state) {                                    \
        with("sqlite::memory:", name);                                         \
        with(engines_postgres(*state), name);                                  \
    }
ON_BOTH(once_and_for_ever)
ON_BOTH(reading_follows_arrival)
ON_BOTH(quarantine_counts_and_cuts)
ON_BOTH(alarm_is_one_row)

static int start(void **state) {
    *state = engines_start();
    return 0;
}

static int stop(void **state) {
    engines_stop(*state);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once_and_for_ever),
        cmocka_unit_test(test_reading_follows_arrival),
        cmocka_unit_test(test_quarantine_counts_and_cuts),
        cmocka_unit_test(test_alarm_is_one_row),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
