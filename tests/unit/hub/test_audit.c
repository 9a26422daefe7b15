#include "hub/audit.h"

#include "hub/lane.h"
#include "hub/take.h"
#include "tests/unit/hub/engines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct ts_wall now = {5000};

static void put(struct db *db, unsigned shard, const char *key) {
    struct archive_event event = {.shard = shard,
                                  .key = ts_slice_text(key),
                                  .source = ts_slice_text("/stores/s"),
                                  .type = ts_slice_text("item.scanned"),
                                  .channel = ts_slice_text("store"),
                                  .clock = ts_slice_text("set"),
                                  .body = ts_slice_text("{}")};
    enum archive_outcome outcome;
    struct ts_err err = {0};

    if (db_begin(db, &err) != TS_OK ||
        archive_put(db, &event, &outcome, &err) != TS_OK ||
        db_commit(db, &err) != TS_OK)
        fail_msg("%s", err.text);
}

static bool take_key(void *arg, const struct archive_event *event) {
    struct ts_buf *text = arg;

    assert_int_equal(ts_buf_printf(text, "%u:%.*s ", event->shard,
                                   (int)event->key.len, event->key.data),
                     TS_OK);
    return event->key.data[event->key.len - 1] != '!';
}

static void what_came_after_the_mark(struct db *db) {
    struct audit_mark mark;
    struct ts_buf text = {0};

    put(db, 7, "old");
    assert_int_equal(audit_mark_now(db, now, &mark, NULL), TS_OK);
    put(db, 63, "z");
    put(db, 7, "b");
    put(db, 7, "a");
    put(db, 0, "n");
    assert_int_equal(audit_events(db, &mark, take_key, &text, NULL), TS_OK);
    assert_string_equal(ts_buf_text(&text), "0:n 7:b 7:a 63:z ");
    ts_buf_clear(&text);
    put(db, 0, "end!");
    assert_int_equal(audit_events(db, &mark, take_key, &text, NULL), TS_OK);
    assert_string_equal(ts_buf_text(&text), "0:n 0:end! ");
    ts_buf_fini(&text);
}

/* More than one page of a shard. */
static void pages_join(struct db *db) {
    struct audit_mark mark;
    struct ts_buf text = {0};
    size_t seen = 0;

    assert_int_equal(audit_mark_now(db, now, &mark, NULL), TS_OK);
    for (int i = 0; i < 4001; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%05d", i);
        put(db, 3, key);
    }
    assert_int_equal(audit_events(db, &mark, take_key, &text, NULL), TS_OK);
    for (const char *at = ts_buf_text(&text); *at; at++)
        seen += *at == ' ';
    assert_int_equal(seen, 4001);
    assert_non_null(strstr(ts_buf_text(&text), "3:01999 3:02000 3:02001 "));
    ts_buf_fini(&text);
}

static void take_count(void *arg, struct ts_slice name, uint64_t value) {
    assert_int_equal(ts_buf_printf(arg, "%.*s=%llu ", (int)name.len, name.data,
                                   (unsigned long long)value),
                     TS_OK);
}

static void counters_are_summed(struct db *db) {
    uint64_t counts[TAKE_COUNTERS] = {[TAKE_ARCHIVED] = 3, [TAKE_GAPS] = 1};
    struct ts_buf text = {0};

    assert_int_equal(take_flush_counts(db, 1, counts, NULL), TS_OK);
    assert_int_equal(take_flush_counts(db, 9, counts, NULL), TS_OK);
    assert_int_equal(audit_counts(db, take_count, &text, NULL), TS_OK);
    assert_string_equal(ts_buf_text(&text), "archived=6 gaps=2 ");
    ts_buf_fini(&text);
}

static void take_note(void *arg, const struct audit_note *note) {
    assert_int_equal(ts_buf_printf(arg, "%.*s/%.*s/%.*s/%llu ",
                                   (int)note->kind.len, note->kind.data,
                                   (int)note->subject.len, note->subject.data,
                                   (int)note->text.len, note->text.data,
                                   (unsigned long long)note->count),
                     TS_OK);
}

static void notes_since(struct db *db) {
    struct lane lane = {.terminal = "t", .journal = "00000000000000aa"};
    struct ts_buf text = {0};
    struct ts_wall old = {4999};

    assert_int_equal(
        archive_alarm(db, 1, "clone", ts_slice_text("t"), "why", now, NULL),
        TS_OK);
    assert_int_equal(
        archive_alarm(db, 1, "conflict", ts_slice_text("t"), "no", old, NULL),
        TS_OK);
    assert_int_equal(lane_hole(db, &lane, 5, 8, now, NULL), TS_OK);
    assert_int_equal(archive_quarantine(db, 1, ts_slice_text("src"),
                                        ts_slice_text("bad"), now,
                                        ts_slice_text("raw"), NULL),
                     TS_OK);
    for (int what = AUDIT_ALARMS; what <= AUDIT_QUARANTINE; what++)
        assert_int_equal(
            audit_notes(db, (enum audit_what)what, now, take_note, &text, NULL),
            TS_OK);
    assert_string_equal(ts_buf_text(&text),
                        "clone/t/why/1 hole/t/00000000000000aa/4 "
                        "quarantine/src/bad/1 ");
    ts_buf_fini(&text);
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
ON_BOTH(what_came_after_the_mark)
ON_BOTH(pages_join)
ON_BOTH(counters_are_summed)
ON_BOTH(notes_since)

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
        cmocka_unit_test(test_what_came_after_the_mark),
        cmocka_unit_test(test_pages_join),
        cmocka_unit_test(test_counters_are_summed),
        cmocka_unit_test(test_notes_since),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
