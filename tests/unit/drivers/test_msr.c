/* What the stripe driver promises beyond its captures. */
#include "drivers/code/code.h"
#include "drivers/driver.h"
#include "drivers/msr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct seen {
    size_t scans, rejects, notices, sent;
    size_t payment, cards, rest; /* what the scans are */
    enum scan_error error;       /* of the last reject */
    char track_2[64];            /* of the last scan */
    const struct driver *driver; /* wiped inside the call when set */
    void *state;
};

static const struct code_rule club = {.prefix = "980123",
                                      .programme = "club",
                                      .carrier = CODE_CARRIER_STRIPE,
                                      .length = 16};
static const struct code_rules rules = {.rules = &club, .count = 1};

static void on_scan(void *ctx, const struct scan *scan) {
    struct seen *seen = ctx;
    struct code code;

    code_classify(&code, scan, &rules);
    seen->scans++;
    seen->payment += code.kind == CODE_PAYMENT_CARD;
    seen->cards += code.kind == CODE_CARD;
    seen->rest += code.kind != CODE_PAYMENT_CARD && code.kind != CODE_CARD;
    (void)snprintf(seen->track_2, sizeof seen->track_2, "%.*s",
                   (int)scan->tracks[1].len,
                   (const char *)scan->tracks[1].data);
    if (seen->driver)
        seen->driver->wipe(seen->state);
}

static void on_reject(void *ctx, enum scan_error error, const char *hint) {
    struct seen *seen = ctx;

    assert_non_null(hint);
    seen->rejects++;
    seen->error = error;
}

static void on_notice(void *ctx, const struct notice *notice) {
    struct seen *seen = ctx;

    assert_int_equal(notice->kind, NOTICE_EVENT);
    seen->notices++;
}

static void on_send(void *ctx, struct ts_slice bytes) {
    struct seen *seen = ctx;

    seen->sent += bytes.len;
}

/* A driver with its state, and what came out of it. */
struct bench {
    struct seen seen;
    struct driver_sink sink;
    uint8_t *state;
};

static void bench_open(struct bench *bench) {
    memset(bench, 0, sizeof *bench);
    bench->sink = (struct driver_sink){&bench->seen, on_scan, on_reject,
                                       on_notice, on_send};
    bench->state = calloc(1, msr_driver.state_size);
    msr_driver.open(bench->state, msr_driver.profiles, &bench->sink);
}

static void bench_feed(struct bench *bench, const void *bytes, size_t len) {
    msr_driver.feed(bench->state, ts_slice_of(bytes, len), (struct ts_mono){0},
                    &bench->sink);
}

static void bench_expire(struct bench *bench) {
    struct ts_mono at;

    if (msr_driver.deadline(bench->state, &at))
        msr_driver.expire(bench->state, at, &bench->sink);
}

static bool state_holds(const struct bench *bench, const char *text) {
    return memmem(bench->state, msr_driver.state_size, text, strlen(text));
}

static const char payment[] =
    "\x02\x1b%B5425233430109903^ROSSI/MARIO^29121010000?"
    ";5425233430109903=29121010000?0\r\x03";

static void test_wipe_leaves_no_byte(void **state) {
    struct bench bench;

    (void)state;
    for (size_t len = 8; len < sizeof payment - 1; len++) {
        bench_open(&bench);
        bench_feed(&bench, payment, len);
        if (len >= 12 && bench.seen.scans == 0)
            assert_true(state_holds(&bench, "54252334"));
        msr_driver.wipe(bench.state);
        assert_false(state_holds(&bench, "5425"));
        assert_false(state_holds(&bench, "9903"));
        free(bench.state);
    }
}

static void test_nothing_stays_of_a_swipe(void **state) {
    struct bench bench;

    (void)state;
    bench_open(&bench);
    bench_feed(&bench, payment, sizeof payment - 1);
    assert_int_equal(bench.seen.payment, 1);
    assert_int_equal(bench.seen.scans, 1);
    assert_false(state_holds(&bench, "5425"));
    msr_driver.confirm(bench.state, TONE_ALARM, &bench.sink);
    msr_driver.refuse(bench.state, TONE_ALARM, &bench.sink);
    assert_int_equal(bench.seen.sent, 0);
    free(bench.state);
}

static void test_wiped_within_a_scan(void **state) {
    static const char swipes[] =
        ";9801234567890121=49?\r;9801234567890139=49?\r";
    struct bench bench;

    (void)state;
    bench_open(&bench);
    bench.seen.driver = &msr_driver;
    bench.seen.state = bench.state;
    bench_feed(&bench, swipes, sizeof swipes - 1);
    assert_int_equal(bench.seen.cards, 2);
    free(bench.state);
}

/* Whatever happens to one byte of a payment card's swipe: it is never a
 * customer's card, and it ends. */
static void test_a_damaged_payment_card_is_no_card(void **state) {
    char swipe[sizeof payment - 1];
    struct bench bench;
    size_t refused = 0;

    (void)state;
    for (size_t at = 0; at < sizeof swipe; at++)
        for (int byte = 0; byte < 256; byte++) {
            memcpy(swipe, payment, sizeof swipe);
            swipe[at] = (char)byte;
            bench_open(&bench);
            bench_feed(&bench, swipe, sizeof swipe);
            bench_expire(&bench);
            assert_int_equal(bench.seen.cards, 0);
            assert_true(bench.seen.scans + bench.seen.rejects > 0);
            assert_false(state_holds(&bench, "5425"));
            refused += bench.seen.payment > 0;
            free(bench.state);
        }
    /* The rest is told as misread: bit 7, control characters, a reader that
     * restarts in the middle. */
    assert_true(refused > sizeof swipe * 256 * 6 / 10);
}

/* The check character finds each single misread digit. */
static void test_a_misread_card_with_lrc_is_no_other_card(void **state) {
    static const char good[] = ";9801234567890121=4912?";
    static const char digits[] = "0123456789:<=>";
    char swipe[sizeof good + 2];
    struct bench bench;
    unsigned lrc = 0;

    (void)state;
    for (size_t i = 0; i + 1 < sizeof good; i++)
        lrc ^= (unsigned char)good[i] & 15u;
    for (size_t at = 1; at + 2 < sizeof good; at++)
        for (const char *other = digits; *other; other++) {
            (void)snprintf(swipe, sizeof swipe, "%s%c\r", good,
                           (char)(lrc + '0'));
            bool same = swipe[at] == *other;
            swipe[at] = *other;
            bench_open(&bench);
            bench_feed(&bench, swipe, strlen(swipe));
            assert_int_equal(bench.seen.cards, same);
            assert_int_equal(bench.seen.rejects + bench.seen.payment, !same);
            free(bench.state);
        }
}

static void test_times(void **state) {
    struct bench bench;
    struct ts_mono at;

    (void)state;
    bench_open(&bench);
    assert_false(msr_driver.deadline(bench.state, &at));
    bench_feed(&bench, ";2222", 5);
    assert_true(msr_driver.deadline(bench.state, &at));
    assert_int_equal(at.ms, 2000);
    bench_feed(&bench, "?", 1);
    assert_true(msr_driver.deadline(bench.state, &at));
    assert_int_equal(at.ms, 500);
    msr_driver.expire(bench.state, (struct ts_mono){499}, &bench.sink);
    assert_int_equal(bench.seen.scans, 0);
    msr_driver.expire(bench.state, at, &bench.sink);
    assert_int_equal(bench.seen.scans, 1);
    assert_string_equal(bench.seen.track_2, "2222");
    assert_false(msr_driver.deadline(bench.state, &at));
    free(bench.state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wipe_leaves_no_byte),
        cmocka_unit_test(test_nothing_stays_of_a_swipe),
        cmocka_unit_test(test_wiped_within_a_scan),
        cmocka_unit_test(test_a_damaged_payment_card_is_no_card),
        cmocka_unit_test(test_a_misread_card_with_lrc_is_no_other_card),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
