/* Every row of the driver table is well formed, and what `line` promises
 * beyond the captures. */
#include "drivers/driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STATE_MAX = 64 * 1024, GUARD = 64 };

struct seen {
    size_t scans, rejects;
    uint8_t sent[64]; /* the first of `sent_len` */
    size_t sent_len;
    const struct driver *driver; /* wiped inside the call when set */
    void *state;
};

static void on_scan(void *ctx, const struct scan *scan) {
    struct seen *seen = ctx;

    seen->scans++;
    assert_true(scan->text.len > 0);
    if (seen->driver)
        seen->driver->wipe(seen->state);
}

static void on_reject(void *ctx, enum scan_error error, const char *hint) {
    struct seen *seen = ctx;

    assert_int_not_equal(error, SCAN_OK);
    assert_non_null(hint);
    seen->rejects++;
}

static void on_notice(void *ctx, const struct notice *notice) {
    (void)ctx;
    assert_true((size_t)notice->kind < NOTICE_KINDS);
    assert_non_null(notice->name);
}

static void on_send(void *ctx, struct ts_slice bytes) {
    struct seen *seen = ctx;

    for (size_t i = 0; i < bytes.len; i++, seen->sent_len++)
        if (seen->sent_len < sizeof seen->sent)
            seen->sent[seen->sent_len] = bytes.data[i];
}

static struct driver_sink sink_of(struct seen *seen) {
    return (struct driver_sink){.ctx = seen,
                                .scan = on_scan,
                                .reject = on_reject,
                                .notice = on_notice,
                                .send = on_send};
}

static void test_rows_are_well_formed(void **state) {
    const struct driver *driver;

    (void)state;
    assert_non_null(driver_at(0));
    for (size_t i = 0; (driver = driver_at(i)) != NULL; i++) {
        assert_ptr_equal(driver_find(driver->name), driver);
        assert_true(strlen(driver->summary) > 10);
        assert_true(driver->state_size > 0 && driver->state_size <= STATE_MAX);
        assert_true(driver->open && driver->feed && driver->deadline &&
                    driver->expire && driver->confirm && driver->refuse &&
                    driver->wipe);
        assert_non_null(driver->profiles[0].name);
        for (const struct driver_profile *p = driver->profiles; p->name; p++) {
            assert_ptr_equal(driver_profile_find(driver, p->name), p);
            assert_non_null(p->terminators);
            if (driver == driver_find("line"))
                assert_true(p->terminators[0] || p->idle_ms);
        }
    }
    assert_null(driver_find("none"));
    assert_null(driver_profile_find(driver_at(0), "none"));
}

/* All bytes of the driver stay within its state, whatever comes in. */
static void test_state_has_its_size(void **state) {
    const struct driver *driver;

    (void)state;
    for (size_t i = 0; (driver = driver_at(i)) != NULL; i++) {
        uint8_t *memory = calloc(1, driver->state_size + GUARD);
        uint8_t bytes[5000];
        struct seen seen = {.scans = 0};
        struct driver_sink sink = sink_of(&seen);
        unsigned random = 1;

        memset(memory + driver->state_size, 0xa5, GUARD);
        driver->open(memory, driver->profiles, &sink);
        for (int64_t round = 0; round < 50; round++) {
            for (size_t b = 0; b < sizeof bytes; b++) {
                random = random * 1103515245 + 12345;
                bytes[b] = (uint8_t)(random >> 16);
            }
            driver->feed(memory, ts_slice_of(bytes, sizeof bytes),
                         (struct ts_mono){round}, &sink);
        }
        for (size_t b = 0; b < GUARD; b++)
            assert_int_equal(memory[driver->state_size + b], 0xa5);
        free(memory);
    }
}

static void feed(const struct driver *driver, void *memory, const char *text,
                 const struct driver_sink *sink) {
    driver->feed(memory, ts_slice_text(text), (struct ts_mono){0}, sink);
}

static void test_each_scan_is_answered_once(void **state) {
    const struct driver *line = driver_find("line");
    struct seen seen = {.scans = 0};
    struct driver_sink sink = sink_of(&seen);
    void *memory = calloc(1, line->state_size);

    (void)state;
    line->open(memory, driver_profile_find(line, "bel"), &sink);
    feed(line, memory, "a\rb\r", &sink);
    assert_int_equal(seen.scans, 2);
    line->confirm(memory, TONE_ONE, &sink);
    line->refuse(memory, TONE_ALARM, &sink);
    line->confirm(memory, TONE_ONE, &sink); /* nobody waits for it */
    assert_int_equal(seen.sent_len, 2);
    assert_memory_equal(seen.sent, "\x07\x15", 2);
    feed(line, memory, "c\r", &sink);
    line->open(memory, driver_profile_find(line, "bel"), &sink);
    line->confirm(memory, TONE_ONE, &sink); /* of before the reopening */
    assert_int_equal(seen.sent_len, 2);
    free(memory);
}

static void test_wipe_leaves_no_byte(void **state) {
    static const char card[] = "4111111111111111";
    const struct driver *line = driver_find("line");
    struct seen seen = {.scans = 0};
    struct driver_sink sink = sink_of(&seen);
    uint8_t *memory = calloc(1, line->state_size);

    (void)state;
    line->open(memory, line->profiles, &sink);
    feed(line, memory, card, &sink);
    assert_non_null(memmem(memory, line->state_size, card, 16));
    line->wipe(memory);
    assert_null(memmem(memory, line->state_size, card, 8));
    /* A whole line is gone once it was handed on. */
    feed(line, memory, card, &sink);
    feed(line, memory, "\r", &sink);
    assert_int_equal(seen.scans, 1);
    assert_null(memmem(memory, line->state_size, card, 8));
    free(memory);
}

static void test_wipe_within_a_scan(void **state) {
    const struct driver *line = driver_find("line");
    void *memory = calloc(1, line->state_size);
    struct seen seen = {.driver = line, .state = memory};
    struct driver_sink sink = sink_of(&seen);

    (void)state;
    line->open(memory, line->profiles, &sink);
    feed(line, memory, "]E00012345678905]E110\r96385074\r", &sink);
    assert_int_equal(seen.scans, 2); /* the wiped add-on is not made up */
    free(memory);
}

static void test_deadlines_come_from_the_profile(void **state) {
    const struct driver *line = driver_find("line");
    struct seen seen = {.scans = 0};
    struct driver_sink sink = sink_of(&seen);
    void *memory = calloc(1, line->state_size);
    struct ts_mono at;

    (void)state;
    line->open(memory, driver_profile_find(line, "silence"), &sink);
    assert_false(line->deadline(memory, &at));
    line->feed(memory, ts_slice_text("x"), (struct ts_mono){1000}, &sink);
    assert_true(line->deadline(memory, &at));
    assert_int_equal(at.ms, 1100);
    line->expire(memory, (struct ts_mono){1099}, &sink);
    assert_int_equal(seen.scans, 0);
    line->expire(memory, at, &sink);
    assert_int_equal(seen.scans, 1);
    assert_false(line->deadline(memory, &at));
    free(memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_well_formed),
        cmocka_unit_test(test_state_has_its_size),
        cmocka_unit_test(test_each_scan_is_answered_once),
        cmocka_unit_test(test_wipe_leaves_no_byte),
        cmocka_unit_test(test_wipe_within_a_scan),
        cmocka_unit_test(test_deadlines_come_from_the_profile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
