#include "tests/unit/hub/intake_bench.h"

#include "hub/registry.h"

#include <stdio.h>
#include <string.h>

/* One batch of each of some terminals, taken together. */
enum { CROWD = 5 };
struct crowd {
    struct topic topics[CROWD];
    struct ts_buf texts[CROWD];
    struct intake_item items[CROWD];
};

static void crowd_open(struct crowd *crowd, struct bench *bench) {
    memset(crowd, 0, sizeof *crowd);
    for (unsigned i = 0; i < CROWD; i++) {
        struct topic *topic = &crowd->topics[i];
        char store[32];
        struct sample sample = {
            .sequence = 1, .store = store, .terminal = topic->name};

        (void)snprintf(store, sizeof store, "roma-0%u", i % 3);
        (void)snprintf(topic->name, sizeof topic->name, "roma-lane-%u", i);
        topic->shard = ts_shard(ts_slice_text(store));
        topic->leaf = TOPIC_EVENTS;
        assert_int_equal(
            registry_add(bench->db, topic->name, store, wall_fixed(NULL), NULL),
            TS_OK);
        assert_int_equal(ts_buf_add_text(&crowd->texts[i], "["), TS_OK);
        event_text(&crowd->texts[i], &sample);
        assert_int_equal(ts_buf_add_text(&crowd->texts[i], "]"), TS_OK);
        crowd->items[i] = (struct intake_item){
            .topic = topic, .payload = ts_buf_slice(&crowd->texts[i])};
    }
}

static void crowd_close(struct crowd *crowd) {
    for (unsigned i = 0; i < CROWD; i++) {
        intake_reply_fini(&crowd->items[i].reply);
        ts_buf_fini(&crowd->texts[i]);
    }
}

static void assert_no_replies(const struct crowd *crowd) {
    for (unsigned i = 0; i < CROWD; i++) {
        assert_false(crowd->items[i].reply.any);
        assert_int_equal(crowd->items[i].reply.payload.len, 0);
    }
}

static void group_is_one_commit(struct bench *bench) {
    struct crowd crowd;
    struct ts_err err = {0};
    size_t taken = 0;

    crowd_open(&crowd, bench);
    if (intake_group(bench->intake, crowd.items, CROWD, &taken, &err) != TS_OK)
        fail_msg("%s", err.text);
    assert_int_equal(taken, CROWD);
    for (unsigned i = 0; i < CROWD; i++) {
        keep_reply(bench, &crowd.items[i].reply);
        assert_ack(bench, 1, BATCH_TAKEN);
    }
    assert_int_equal(events(bench), CROWD);
    assert_int_equal(bench->woken, 3); /* once a shard */
    assert_int_equal(ask_number(bench, "SELECT COUNT(*) FROM take_count "
                                       "WHERE name = 'archived'"),
                     3);
    assert_int_equal(ask_number(bench, "SELECT SUM(value) FROM take_count "
                                       "WHERE name = 'archived'"),
                     CROWD);
    crowd_close(&crowd);
}

/* Of one lane, in the order in which they came. */
static void group_keeps_the_order(struct bench *bench) {
    struct crowd crowd;
    size_t taken = 0;

    crowd_open(&crowd, bench);
    for (unsigned i = 0; i < CROWD; i++) {
        crowd.topics[i] = crowd.topics[0];
        ts_buf_clear(&crowd.texts[i]);
        assert_int_equal(ts_buf_add_text(&crowd.texts[i], "["), TS_OK);
        event_text(&crowd.texts[i], &(struct sample){.store = "roma-00",
                                                     .terminal = "roma-lane-0",
                                                     .sequence = i + 1});
        assert_int_equal(ts_buf_add_text(&crowd.texts[i], "]"), TS_OK);
        crowd.items[i].payload = ts_buf_slice(&crowd.texts[i]);
    }
    assert_int_equal(
        intake_group(bench->intake, crowd.items, CROWD, &taken, NULL), TS_OK);
    for (unsigned i = 0; i < CROWD; i++) {
        keep_reply(bench, &crowd.items[i].reply);
        assert_ack(bench, i + 1, BATCH_TAKEN);
    }
    assert_int_equal(events(bench), CROWD);
    crowd_close(&crowd);
}

static void run_sql(struct bench *bench, const struct db_statement *statement) {
    struct ts_err err = {0};

    if (db_run(bench->db, statement, NULL, 0, NULL, NULL, &err) != TS_OK)
        fail_msg("%s", err.text);
}

/* The third must go to quarantine, and there is none. */
static void group_fails_as_a_whole(struct bench *bench) {
    static const struct db_statement away = {
        "away", "ALTER TABLE quarantine RENAME TO elsewhere"};
    struct crowd crowd;
    struct intake_reply reply;
    struct ts_err err = {0};
    size_t taken = 0;

    crowd_open(&crowd, bench);
    crowd.topics[2] = crowd.topics[1];
    run_sql(bench, &away);
    assert_int_equal(
        intake_group(bench->intake, crowd.items, CROWD, &taken, &err),
        TS_INVALID);
    assert_int_equal(taken, 0);
    assert_no_replies(&crowd);
    assert_false(db_in_transaction(bench->db));
    assert_int_equal(events(bench) + bench->woken, 0);
    /* One by one, only that one is left. */
    for (unsigned i = 0; i < CROWD; i++) {
        assert_int_equal(intake_message(bench->intake, &crowd.topics[i],
                                        crowd.items[i].payload, false, &reply,
                                        NULL),
                         i == 2 ? TS_INVALID : TS_OK);
        assert_int_equal(reply.any, i != 2);
        intake_reply_fini(&reply);
    }
    assert_int_equal(events(bench), CROWD - 1);
    crowd_close(&crowd);
}

static void lost_lease_stops_a_group(struct bench *bench) {
    static const struct db_statement taken_over = {
        "taken_over", "UPDATE shard_lease SET epoch = epoch + 1"};
    struct crowd crowd;
    struct ts_err err = {0};
    size_t taken = 0;

    crowd_open(&crowd, bench);
    run_sql(bench, &taken_over);
    assert_int_equal(
        intake_group(bench->intake, crowd.items, CROWD, &taken, &err),
        TS_DENIED);
    assert_no_replies(&crowd);
    assert_int_equal(events(bench), 0);
    crowd_close(&crowd);
}

static struct ts_mono mono_runs(void *ctx) {
    static struct ts_mono now;

    (void)ctx;
    now.ms += INTAKE_GROUP_MOST_MS;
    return now;
}

/* Each look at the clock is a whole turn later. */
static void slow_group_ends_early(struct bench *bench) {
    static const struct ts_clock runs = {NULL, wall_fixed, mono_runs, always};
    struct intake_options options = {.db = bench->db,
                                     .lease = &bench->lease,
                                     .metrics = bench->metrics,
                                     .clock = &runs,
                                     .window = 16};
    struct intake *slow = intake_new(&options);
    struct crowd crowd;
    size_t taken = 0;

    crowd_open(&crowd, bench);
    assert_int_equal(intake_group(slow, crowd.items, CROWD, &taken, NULL),
                     TS_OK);
    assert_int_equal(taken, 1);
    assert_true(crowd.items[0].reply.any);
    assert_false(crowd.items[1].reply.any);
    assert_int_equal(events(bench), 1);
    crowd_close(&crowd);
    intake_free(slow);
}

/* A constraint that is looked at by the commit alone. */
static void test_failed_commit_answers_nothing(void **state_of) {
    static const struct db_statement steps[] = {
        {"f0", "PRAGMA foreign_keys = ON"},
        {"f1", "CREATE TABLE owner (id INTEGER PRIMARY KEY)"},
        {"f2", "CREATE TABLE owned (id INTEGER REFERENCES owner (id) "
               "DEFERRABLE INITIALLY DEFERRED)"},
        {"f3", "CREATE TRIGGER late AFTER INSERT ON event BEGIN "
               "INSERT INTO owned VALUES (7); END"},
        {"f4", "INSERT INTO owner VALUES (7)"},
    };
    struct bench bench;
    struct crowd crowd;
    size_t taken = 0;

    (void)state_of;
    bench_open(&bench, "sqlite::memory:");
    crowd_open(&crowd, &bench);
    for (size_t i = 0; i < 4; i++)
        run_sql(&bench, &steps[i]);
    assert_int_not_equal(
        intake_group(bench.intake, crowd.items, CROWD, &taken, NULL), TS_OK);
    assert_no_replies(&crowd);
    assert_int_equal(taken, 0);
    assert_int_equal(events(&bench) + bench.woken, 0);
    run_sql(&bench, &steps[4]);
    assert_int_equal(
        intake_group(bench.intake, crowd.items, CROWD, &taken, NULL), TS_OK);
    assert_true(crowd.items[CROWD - 1].reply.any);
    assert_int_equal(events(&bench), CROWD);
    crowd_close(&crowd);
    bench_close(&bench);
}

#define CASES(X)                                                               \
    X(group_is_one_commit)                                                     \
    X(group_keeps_the_order)                                                   \
    X(group_fails_as_a_whole)                                                  \
    X(lost_lease_stops_a_group)                                                \
    X(slow_group_ends_early)
CASES(ON_BOTH)

int main(void) {
#define ROW(name) cmocka_unit_test(test_##name),
    const struct CMUnitTest tests[] = {
        CASES(ROW) cmocka_unit_test(test_failed_commit_answers_nothing)};

    return cmocka_run_group_tests(tests, intake_bench_start, intake_bench_stop);
}
