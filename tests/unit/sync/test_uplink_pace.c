/* The uplink under a ceiling, in quiet hours, and a thousand of them when the
 * hub comes back; in virtual time, with a hub that answers at once. */
#include "sync/uplink_core.h"

#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROW_BYTES = 30, BATCH_EXTRA = 80, SPREAD_MS = 2000, TERMINALS = 1000 };

static const char journal[] = "00000000000000aa";

struct terminal {
    struct uplink_core *core;
    struct ts_mono now;
    struct ts_wall wall; /* of the shop's clock, moves with `now` */
    struct ts_clock clock;
    uint32_t random;
    uint64_t newest, through;
    uint64_t sent_last; /* not answered yet; 0: nothing */
    uint64_t batches, bytes, largest;
    unsigned greetings, resumes;
    int64_t greeted_ms;
};

static struct ts_wall wall_of(void *ctx) {
    return ((struct terminal *)ctx)->wall;
}

static uint32_t draw(void *ctx) {
    struct terminal *t = ctx;

    t->random ^= t->random << 13;
    t->random ^= t->random >> 17;
    t->random ^= t->random << 5;
    return t->random;
}

static struct ts_wall noon(void) {
    struct ts_wall wall;

    assert_int_equal(
        ts_wall_parse(&wall, ts_slice_text("2026-01-10T12:00:00.000Z")), TS_OK);
    return wall;
}

static enum ts_status spans(void *ctx, struct uplink_span *out, size_t max,
                            size_t *count, struct ts_err *err) {
    const struct terminal *t = ctx;

    (void)err;
    assert_true(max > 0);
    *count = t->newest > 0;
    memcpy(out->journal, journal, sizeof journal);
    out->oldest = 1;
    out->newest = t->newest;
    out->through = t->through;
    return TS_OK;
}

static enum ts_status release(void *ctx, const char *of, uint64_t through,
                              struct ts_err *err) {
    struct terminal *t = ctx;

    (void)of;
    (void)err;
    t->through = through;
    return TS_OK;
}

static enum ts_status send_rows(void *ctx, const struct uplink_core_send *send,
                                struct uplink_core_sent *sent,
                                struct ts_err *err) {
    struct terminal *t = ctx;
    uint64_t rows = send->single ? 1 : 1000;

    (void)err;
    if (send->max_bytes && send->max_bytes < BATCH_EXTRA + rows * ROW_BYTES)
        rows = send->max_bytes > BATCH_EXTRA + ROW_BYTES
                   ? (send->max_bytes - BATCH_EXTRA) / ROW_BYTES
                   : 1;
    if (rows > t->newest - send->from + 1)
        rows = t->newest - send->from + 1;
    *sent = (struct uplink_core_sent){send->from, send->from + rows - 1,
                                      BATCH_EXTRA + rows * ROW_BYTES};
    t->sent_last = sent->last;
    t->bytes += sent->bytes;
    t->largest = rows > t->largest ? rows : t->largest;
    t->batches++;
    return TS_OK;
}

static enum ts_status send_resume(void *ctx,
                                  const struct message_resume *resume,
                                  struct ts_err *err) {
    struct terminal *t = ctx;

    (void)resume;
    (void)err;
    t->resumes++;
    return TS_OK;
}

static void hub_time(void *ctx, struct ts_wall hubtime, struct ts_mono at,
                     int64_t error_ms) {
    (void)ctx;
    (void)hubtime;
    (void)at;
    (void)error_ms;
}

static void greet(void *ctx) {
    struct terminal *t = ctx;

    t->greetings++;
    t->greeted_ms = t->now.ms;
}

static void start(struct terminal *t, uint32_t seed,
                  const struct pace_options *pace) {
    struct uplink_source source = {t, spans, NULL, release};
    struct uplink_core_port port = {t,        send_rows, send_resume,
                                    hub_time, greet,     draw};
    struct uplink_core_options options = {.ack_timeout_ms = 5000,
                                          .max_window = 8,
                                          .spread_ms = SPREAD_MS,
                                          .pace = *pace};

    t->random = seed * 2654435761U + 1;
    t->now.ms = 1000000;
    t->clock = (struct ts_clock){.ctx = t, .wall = wall_of};
    options.pace.clock = &t->clock;
    t->core = uplink_core_new(&options, &source, &port);
    uplink_core_up(t->core, t->now);
}

static void answer(struct terminal *t) {
    struct message_ack ack = {.through = t->sent_last, .window = 8};

    memcpy(ack.journal, journal, sizeof journal);
    t->sent_last = 0;
    uplink_core_on_ack(t->core, t->now, &ack);
}

/* To `until_ms`; each send is answered at once. */
static void run(struct terminal *t, int64_t until_ms) {
    struct ts_mono at;

    for (;;) {
        while (t->sent_last)
            answer(t);
        if (!uplink_core_deadline(t->core, &at) || at.ms > until_ms)
            break;
        at.ms = at.ms > t->now.ms ? at.ms : t->now.ms + 1;
        t->wall.unix_ms += at.ms - t->now.ms;
        t->now = at;
        uplink_core_pump(t->core, t->now);
    }
    t->wall.unix_ms += until_ms - t->now.ms;
    t->now.ms = until_ms;
}

static void append(struct terminal *t, uint64_t rows) {
    t->newest += rows;
    uplink_core_notify(t->core, t->now);
}

static struct uplink_core_status status_of(const struct terminal *t) {
    struct uplink_core_status status;

    uplink_core_get_status(t->core, &status);
    return status;
}

static void test_backlog_travels_full(void **state) {
    struct terminal t = {.newest = 10500};
    struct pace_options pace = {.max_bytes_per_s = 0};

    (void)state;
    start(&t, 1, &pace);
    run(&t, t.now.ms + 1);
    assert_int_equal(t.through, 10500);
    assert_int_equal(t.batches, 11);
    assert_int_equal(t.largest, 1000);
    append(&t, 1);
    assert_int_equal(t.batches, 12); /* at once, and alone */
    run(&t, t.now.ms + 1);
    uplink_core_free(t.core);
}

static void test_ceiling(void **state) {
    struct terminal t = {.newest = 20000};
    struct pace_options pace = {.max_bytes_per_s = 4000};
    int64_t begin;
    uint64_t batches;

    (void)state;
    start(&t, 2, &pace);
    begin = t.now.ms;
    run(&t, begin + 60000);
    assert_in_range(t.bytes, 60 * 4000 - 8000, 60 * 4000 + 12000);
    assert_int_equal(status_of(&t).waits, PACE_CEILING);
    assert_in_range(status_of(&t).waits_until.ms, t.now.ms, t.now.ms + 3000);
    while (t.through < t.newest && t.now.ms < begin + 600000)
        run(&t, t.now.ms + 1000);
    assert_int_equal(t.through, 20000);
    assert_in_range(t.now.ms - begin, t.bytes / 4 - 4000, t.bytes / 4 + 2000);
    assert_int_equal(status_of(&t).waits, PACE_GO);
    /* Right behind the backlog a scan does not wait. */
    batches = t.batches;
    append(&t, 1);
    assert_int_equal(t.batches, batches + 1);
    uplink_core_free(t.core);
}

static void test_quiet_hours(void **state) {
    struct terminal t = {.newest = 5000};
    struct pace_options pace = {.quiet_count = 1,
                                .quiet = {{12 * 60, 14 * 60}}};

    (void)state;
    t.wall = noon();
    start(&t, 3, &pace);
    assert_true(t.resumes == 1); /* the greeting is no backlog */
    run(&t, t.now.ms + 7199000);
    assert_int_equal(t.batches, 0);
    assert_int_equal(status_of(&t).waits, PACE_QUIET_HOURS);
    assert_int_equal(status_of(&t).waits_until.ms, t.now.ms + 1000);
    run(&t, t.now.ms + 1000);
    assert_int_equal(t.through, 5000);
    assert_int_equal(status_of(&t).waits, PACE_GO);
    uplink_core_free(t.core);
}

static void test_fresh_in_quiet_hours(void **state) {
    struct terminal t = {.newest = 3};
    struct pace_options pace = {.quiet_count = 1,
                                .quiet = {{12 * 60, 14 * 60}}};

    (void)state;
    t.wall = noon();
    start(&t, 4, &pace);
    run(&t, t.now.ms + 1);
    for (int i = 0; i < 100; i++) {
        append(&t, 1);
        assert_true(t.sent_last > 0);
        run(&t, t.now.ms + 5000);
    }
    assert_int_equal(t.through, 103);
    append(&t, UPLINK_FRESH_ROWS + 1);
    assert_int_equal(t.sent_last, 0);
    uplink_core_free(t.core);
}

/* A clock that is set back in quiet hours is noticed. */
static void test_clock_steps(void **state) {
    struct terminal t = {.newest = 500};
    struct pace_options pace = {.quiet_count = 1,
                                .quiet = {{12 * 60, 14 * 60}}};

    (void)state;
    t.wall = noon();
    start(&t, 5, &pace);
    run(&t, t.now.ms + 1000);
    t.wall.unix_ms -= 3600000;
    run(&t, t.now.ms + 61000);
    assert_int_equal(t.through, 500);
    uplink_core_free(t.core);
}

static int by_time(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* The most that come within `span_ms`. */
static size_t most_within(int64_t *times, size_t count, int64_t span_ms) {
    size_t most = 0;
    size_t from = 0;

    qsort(times, count, sizeof *times, by_time);
    for (size_t i = 0; i < count; i++) {
        while (times[i] - times[from] >= span_ms)
            from++;
        most = i - from + 1 > most ? i - from + 1 : most;
    }
    return most;
}

/* A hub comes back, and says so twice: every terminal greets it once, and of a
 * thousand no more than a tenth in any twentieth of the spread. */
static void test_hub_back_for_a_thousand(void **state) {
    static struct terminal terminals[TERMINALS];
    int64_t times[TERMINALS];
    struct pace_options pace = {.max_bytes_per_s = 0};
    struct ts_mono back;

    (void)state;
    for (uint32_t i = 0; i < TERMINALS; i++) {
        struct terminal *t = &terminals[i];
        *t = (struct terminal){.newest = 7};
        start(t, i + 1, &pace);
        run(t, t->now.ms + 1000);
        assert_int_equal(t->greetings, 0);
        back = t->now;
        uplink_core_hub_back(t->core, t->now);
        if (!t->greetings) /* the shortest wait is none */
            uplink_core_hub_back(t->core, t->now);
        append(t, 1); /* does not wait for the greeting */
        assert_true(t->sent_last == 8 || t->greetings);
        run(t, back.ms + SPREAD_MS);
        assert_int_equal(t->greetings, 1);
        assert_int_equal(t->resumes, 2);
        assert_int_equal(t->through, 8);
        times[i] = t->greeted_ms - back.ms;
        uplink_core_free(t->core);
    }
    assert_true(most_within(times, TERMINALS, SPREAD_MS / 20) < TERMINALS / 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backlog_travels_full),
        cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_quiet_hours),
        cmocka_unit_test(test_fresh_in_quiet_hours),
        cmocka_unit_test(test_clock_steps),
        cmocka_unit_test(test_hub_back_for_a_thousand),
    };

    (void)setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
