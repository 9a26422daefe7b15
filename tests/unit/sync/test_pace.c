/* When rows may leave, in virtual time. The zone is Rome's, so that a day has
 * 23 or 25 hours when the clocks change. */
#include "sync/pace.h"

#include "cmocka_all.h"

#include <stdlib.h>
#include <time.h>

static struct ts_wall wall_of(void *ctx) { return *(struct ts_wall *)ctx; }

static struct ts_wall at(const char *text) {
    struct ts_wall wall;

    assert_int_equal(ts_wall_parse(&wall, ts_slice_text(text)), TS_OK);
    return wall;
}

static void test_hours_text(void **state) {
    static const char *const wrong[] = {"",
                                        "12:00",
                                        "12:00-12:00",
                                        "24:00-06:00",
                                        "12:60-14:00",
                                        "12:00-25:00",
                                        "12:00_14:00",
                                        "12.00-14:00",
                                        "1:000-14:00",
                                        "12:00-14:000"};
    struct pace_hours hours;
    struct ts_err err;

    (void)state;
    assert_int_equal(
        pace_hours_parse(&hours, ts_slice_text("12:05-24:00"), &err), TS_OK);
    assert_int_equal(hours.from_min, 725);
    assert_int_equal(hours.to_min, 1440);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(
            pace_hours_parse(&hours, ts_slice_text(wrong[i]), &err),
            TS_INVALID);
}

static void test_no_limit(void **state) {
    struct pace pace;
    struct pace_options options = {.max_bytes_per_s = 0};
    struct pace_word word;

    (void)state;
    pace_init(&pace, &options);
    pace_spend(&pace, (struct ts_mono){5}, 100000000);
    word = pace_ask(&pace, (struct ts_mono){5}, false);
    assert_int_equal(word.reason, PACE_GO);
    assert_int_equal(word.max_bytes, 0);
}

/* A backlog that always has a batch of the size that is allowed. */
static uint64_t drain(struct pace *pace, int64_t from_ms, int64_t ms) {
    uint64_t bytes = 0;
    int64_t now_ms = from_ms;

    while (now_ms < from_ms + ms) {
        struct ts_mono now = {now_ms};
        struct pace_word word = pace_ask(pace, now, false);
        if (word.reason != PACE_GO) {
            assert_true(word.ask_at_ms > now_ms);
            now_ms = word.ask_at_ms;
            continue;
        }
        assert_true(word.max_bytes > 0);
        pace_spend(pace, now, word.max_bytes);
        bytes += word.max_bytes;
    }
    return bytes;
}

/* The rate, and at most the burst of the begin and the batch of the end. */
static void test_ceiling(void **state) {
    static const uint32_t rates[] = {256, 1000, 12345, 1000000, PACE_RATE_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct pace pace;
        struct pace_options options = {.max_bytes_per_s = rates[i]};
        uint64_t burst = rates[i] * 2ULL < 4096 ? 4096 : rates[i] * 2ULL;
        uint64_t fair = rates[i] * 600ULL;
        uint64_t got;

        pace_init(&pace, &options);
        got = drain(&pace, 77, 600000);
        assert_in_range(got, fair - burst, fair + burst + burst / 2);
    }
}

/* Behind any batch of a backlog a lone scan goes at once; but scans alone
 * cannot pass the ceiling for long. */
static void test_fresh_under_ceiling(void **state) {
    struct pace pace;
    struct pace_options options = {.max_bytes_per_s = 1000};
    uint64_t fresh = 0;

    (void)state;
    pace_init(&pace, &options);
    (void)drain(&pace, 1, 60000);
    for (int64_t ms = 60001; ms < 660001; ms += 10) {
        struct ts_mono now = {ms};
        if (pace_ask(&pace, now, true).reason != PACE_GO)
            continue;
        if (ms == 60001)
            assert_int_equal(pace_ask(&pace, now, false).reason, PACE_CEILING);
        pace_spend(&pace, now, 180);
        fresh += 180;
    }
    assert_in_range(fresh, 590000, 610000);
}

static struct pace_word quiet_at(const char *text, const char *span,
                                 bool fresh) {
    struct ts_wall wall = at(text);
    struct ts_clock clock = {.ctx = &wall, .wall = wall_of};
    struct pace_options options = {.quiet_count = 1, .clock = &clock};
    struct pace pace;

    assert_int_equal(
        pace_hours_parse(&options.quiet[0], ts_slice_text(span), NULL), TS_OK);
    pace_init(&pace, &options);
    return pace_ask(&pace, (struct ts_mono){1000}, fresh);
}

static void test_quiet_hours(void **state) {
    /* Local time is UTC+1 in winter, +2 in summer. `minutes` still to wait. */
    static const struct {
        const char *at, *span;
        int64_t minutes;
    } cases[] = {
        {"2026-01-10T10:59:59.999Z", "12:00-14:00", 0},
        {"2026-01-10T11:00:00.000Z", "12:00-14:00", 120},
        {"2026-01-10T12:59:00.000Z", "12:00-14:00", 1},
        {"2026-01-10T13:00:00.000Z", "12:00-14:00", 0},
        {"2026-07-10T10:00:00.000Z", "12:00-14:00", 120},
        {"2026-01-10T22:00:00.000Z", "22:00-06:00", 420},
        {"2026-01-11T04:00:00.000Z", "22:00-06:00", 60},
        {"2026-01-10T12:00:00.000Z", "22:00-06:00", 0},
        {"2026-01-10T22:00:00.000Z", "20:00-24:00", 60},
        {"2026-01-10T23:00:00.000Z", "20:00-24:00", 0},
        /* Clocks go forward, and back, in this night. */
        {"2026-03-28T22:00:00.000Z", "22:00-06:00", 360},
        {"2026-10-24T21:00:00.000Z", "22:00-06:00", 480},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pace_word word = quiet_at(cases[i].at, cases[i].span, false);
        assert_int_equal(word.reason,
                         cases[i].minutes ? PACE_QUIET_HOURS : PACE_GO);
        if (!cases[i].minutes)
            continue;
        assert_int_equal(word.until_ms, 1000 + cases[i].minutes * 60000);
        /* The wall clock may step: asked again within a minute. */
        assert_in_range(word.ask_at_ms, 1001, 61000);
    }
    assert_int_equal(
        quiet_at("2026-01-10T11:30:00.000Z", "12:00-14:00", true).reason,
        PACE_GO);
}

/* In quiet hours a backlog trickles; what left before is not paid for. */
static void test_quiet_trickle(void **state) {
    struct ts_wall wall = at("2026-01-10T10:00:00.000Z");
    struct ts_clock clock = {.ctx = &wall, .wall = wall_of};
    struct pace_options options = {.quiet_count = 1,
                                   .quiet_bytes_per_s = 1024,
                                   .quiet = {{12 * 60, 14 * 60}},
                                   .clock = &clock};
    struct pace pace;
    struct pace_word word;
    uint64_t got;

    (void)state;
    pace_init(&pace, &options);
    for (int i = 0; i < 1000; i++)
        pace_spend(&pace, (struct ts_mono){1000}, 30000);
    wall = at("2026-01-10T11:00:00.000Z");
    got = drain(&pace, 1000, 600000);
    assert_in_range(got, 600 * 1024 - 8192, 600 * 1024 + 8192);
    word = pace_ask(&pace, (struct ts_mono){601000}, false);
    assert_int_equal(word.reason, PACE_QUIET_HOURS);
    assert_int_equal(word.until_ms, 601000 + 7200000);
    assert_in_range(word.ask_at_ms, 601001, 603000);
}

static void test_spread(void **state) {
    (void)state;
    assert_int_equal(pace_spread(0, UINT32_MAX), 0);
    assert_int_equal(pace_spread(2000, 0), 0);
    assert_int_equal(pace_spread(2000, UINT32_MAX), 2000);
    assert_int_equal(pace_spread(2000, 1U << 31), 1000);
    assert_int_equal(pace_spread(UINT32_MAX, UINT32_MAX), UINT32_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hours_text),
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_fresh_under_ceiling),
        cmocka_unit_test(test_quiet_hours),
        cmocka_unit_test(test_quiet_trickle),
        cmocka_unit_test(test_spread),
    };

    (void)setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
