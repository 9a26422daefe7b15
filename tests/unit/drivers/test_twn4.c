/* What the TWN4 driver promises beyond the captures. */
#include "drivers/driver.h"
#include "drivers/twn4_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SENT_MAX = 64 * 1024 };

struct reader {
    const struct driver *driver;
    void *state;
    struct driver_sink sink;
    struct ts_mono now;
    size_t scans, rejects;
    size_t notices[NOTICE_KINDS];
    size_t sent_len;
    char sent[SENT_MAX];
};

static void on_scan(void *ctx, const struct scan *scan) {
    struct reader *reader = ctx;

    assert_int_equal(scan->medium, SCAN_TAG);
    reader->scans++;
}

static void on_reject(void *ctx, enum scan_error error, const char *hint) {
    struct reader *reader = ctx;

    assert_true(error != SCAN_OK && hint);
    reader->rejects++;
}

static void on_notice(void *ctx, const struct notice *notice) {
    struct reader *reader = ctx;

    reader->notices[notice->kind]++;
}

static void on_send(void *ctx, struct ts_slice bytes) {
    struct reader *reader = ctx;

    assert_true(reader->sent_len + bytes.len < SENT_MAX);
    memcpy(reader->sent + reader->sent_len, bytes.data, bytes.len);
    reader->sent_len += bytes.len;
    reader->sent[reader->sent_len] = '\0';
}

static int set_up(void **state) {
    struct reader *reader = calloc(1, sizeof *reader);

    reader->driver = driver_find("twn4");
    reader->state = calloc(1, reader->driver->state_size);
    reader->sink =
        (struct driver_sink){reader, on_scan, on_reject, on_notice, on_send};
    reader->now.ms = 7000;
    *state = reader;
    return 0;
}

static int tear_down(void **state) {
    struct reader *reader = *state;

    free(reader->state);
    free(reader);
    return 0;
}

static void open_as(struct reader *reader, const char *profile) {
    reader->driver->open(reader->state,
                         driver_profile_find(reader->driver, profile),
                         &reader->sink);
}

static void say(struct reader *reader, const char *text) {
    reader->driver->feed(reader->state, ts_slice_text(text), reader->now,
                         &reader->sink);
}

static void next(struct reader *reader) {
    struct ts_mono at;

    assert_true(reader->driver->deadline(reader->state, &at));
    if (at.ms > reader->now.ms)
        reader->now = at;
    reader->driver->expire(reader->state, reader->now, &reader->sink);
}

static void sent_is(struct reader *reader, const char *text) {
    assert_string_equal(reader->sent, text);
    reader->sent_len = 0;
    reader->sent[0] = '\0';
}

static void test_commands_byte_for_byte(void **state) {
    struct reader *reader = *state;
    char types[TWN4_TYPES_TEXT];

    twn4_types_write(types, 0, 1);
    assert_string_equal(types, "05020000000001000000\r");
    open_as(reader, "simple");
    sent_is(reader, "0502010200000D000000\r");
    say(reader, "00\r");
    sent_is(reader, "0400030000\r");
    say(reader, "00\r");
    sent_is(reader, "050020\r");
    assert_int_equal(reader->notices[NOTICE_READY], 1);
}

static void test_tones(void **state) {
    static const struct {
        enum driver_tone tone;
        bool taken;
        size_t commands;
    } rows[] = {
        {TONE_NONE, true, 0},  {TONE_ONE, true, 3}, {TONE_TWO, true, 4},
        {TONE_THREE, true, 5}, {TONE_LOW, true, 1}, {TONE_ALARM, false, 5},
    };
    struct reader *reader = *state;

    open_as(reader, "simple");
    say(reader, "00\r00\r");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char tag[] = "0001402805010203040A\r";
        size_t commands = 0;
        tag[19] = (char)('0' + i);
        say(reader, tag);
        assert_int_equal(reader->scans, i + 1);
        reader->sent_len = 0;
        if (rows[i].taken)
            reader->driver->confirm(reader->state, rows[i].tone, &reader->sink);
        else
            reader->driver->refuse(reader->state, rows[i].tone, &reader->sink);
        for (size_t c = 0; c < reader->sent_len; c++)
            commands += reader->sent[c] == '\r';
        assert_int_equal(commands, rows[i].commands);
        for (size_t c = 0; c < commands; c++)
            say(reader, "00\r");
        next(reader); /* the next search */
    }
    /* Nobody waits for an answer any more. */
    reader->sent_len = 0;
    reader->driver->confirm(reader->state, TONE_ONE, &reader->sink);
    assert_int_equal(reader->sent_len, 0);
}

/* A reader that never says that it has beeped is searched all the same. */
static void test_a_tone_without_answer(void **state) {
    struct reader *reader = *state;
    int64_t from = reader->now.ms;

    open_as(reader, "simple");
    say(reader, "00\r00\r000140280501020304FF\r");
    reader->driver->confirm(reader->state, TONE_ONE, &reader->sink);
    reader->sent_len = 0;
    while (reader->sent_len == 0)
        next(reader);
    sent_is(reader, "050020\r");
    assert_in_range(reader->now.ms - from, 1000, 6000);
}

static void test_an_hour_of_silence(void **state) {
    struct reader *reader = *state;
    int64_t end = reader->now.ms + INT64_C(3600000);
    int calls = 0;

    open_as(reader, "simple");
    next(reader); /* learns the time */
    while (reader->now.ms < end) {
        struct ts_mono at;
        assert_true(reader->driver->deadline(reader->state, &at));
        assert_true(at.ms > reader->now.ms);
        next(reader);
        calls++;
        reader->sent_len = 0;
    }
    assert_true(calls < 3000);
    assert_int_equal(reader->notices[NOTICE_SILENT], 1);
}

static void test_listeners_have_no_timer(void **state) {
    static const char *const profiles[] = {"auto", "standard", "twn3"};
    struct reader *reader = *state;
    struct ts_mono at;

    for (size_t i = 0; i < 3; i++) {
        open_as(reader, profiles[i]);
        assert_false(reader->driver->deadline(reader->state, &at));
        say(reader, "04A1B2C3D4E5F6\r");
        assert_false(reader->driver->deadline(reader->state, &at));
        say(reader, "04");
        assert_true(reader->driver->deadline(reader->state, &at));
        reader->driver->expire(reader->state, at, &reader->sink);
        assert_int_equal(reader->rejects, i + 1);
        assert_false(reader->driver->deadline(reader->state, &at));
    }
    assert_int_equal(reader->sent_len, 0);
}

static void test_wipe_leaves_no_byte(void **state) {
    struct reader *reader = *state;

    open_as(reader, "auto");
    say(reader, "04A1B2C3");
    assert_non_null(
        memmem(reader->state, reader->driver->state_size, "A1B2", 4));
    reader->driver->wipe(reader->state);
    assert_null(memmem(reader->state, reader->driver->state_size, "A1B2", 4));
    say(reader, "04A1B2C3D4E5F6\r");
    assert_int_equal(reader->scans, 1);
    assert_null(memmem(reader->state, reader->driver->state_size, "A1B2", 4));
}

#define WITH_READER(test)                                                      \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_READER(test_commands_byte_for_byte),
        WITH_READER(test_tones),
        WITH_READER(test_a_tone_without_answer),
        WITH_READER(test_an_hour_of_silence),
        WITH_READER(test_listeners_have_no_timer),
        WITH_READER(test_wipe_leaves_no_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
