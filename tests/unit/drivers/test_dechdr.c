/* Honeywell's framed mode: what the host says, and what it forgets. */
#include "drivers/dechdr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SET_UP "164d0d4445434844523121"
#define BEEP   "16070d"

struct host {
    const struct driver *driver;
    void *state;
    struct driver_sink sink;
    size_t scans, rejects, notices;
    enum scan_error error;
    char sent[256];
};

static void on_scan(void *ctx, const struct scan *scan) {
    struct host *host = ctx;

    assert_true(scan->text.len > 0);
    host->scans++;
}

static void on_reject(void *ctx, enum scan_error error, const char *hint) {
    struct host *host = ctx;

    assert_non_null(hint);
    host->error = error;
    host->rejects++;
}

static void on_notice(void *ctx, const struct notice *notice) {
    struct host *host = ctx;

    assert_string_equal(notice->name, "menu");
    host->notices++;
}

static void on_send(void *ctx, struct ts_slice bytes) {
    struct host *host = ctx;
    size_t len = strlen(host->sent);

    assert_true(len + 2 * bytes.len < sizeof host->sent);
    ts_hex(host->sent + len, bytes);
}

static void host_open(struct host *host, const char *profile) {
    *host = (struct host){.driver = driver_find("dechdr")};
    host->sink =
        (struct driver_sink){host, on_scan, on_reject, on_notice, on_send};
    host->state = calloc(1, host->driver->state_size);
    host->driver->open(host->state, driver_profile_find(host->driver, profile),
                       &host->sink);
}

static void feed(struct host *host, struct ts_slice bytes) {
    host->driver->feed(host->state, bytes, (struct ts_mono){0}, &host->sink);
}

static void feed_card(struct host *host, size_t len) {
    static const char frame[] = "\x16\xfe\x1f\0\0\0\rMSGGET0017jC0\x1d"
                                "4111111111111111\r";
    assert_true(len < sizeof frame);
    feed(host, ts_slice_of((const uint8_t *)frame, len));
}

static void assert_sent(struct host *host, const char *hex) {
    assert_string_equal(host->sent, hex);
    host->sent[0] = '\0';
}

static void test_the_header_is_asked_for(void **state) {
    struct host host;

    (void)state;
    host_open(&host, "honeywell");
    assert_sent(&host, SET_UP);
    feed(&host, ts_slice_text("DECHDR1\x06!"));
    assert_int_equal(host.notices, 1);
    feed(&host, ts_slice_text("8001120765741\r\n"));
    assert_int_equal(host.error, SCAN_BAD_FRAME);
    assert_sent(&host, SET_UP);
    free(host.state);
    host_open(&host, "as-is");
    feed(&host, ts_slice_text("8001120765741\r\n"));
    assert_sent(&host, "");
    free(host.state);
}

static void test_tones_are_counted(void **state) {
    struct host host;

    (void)state;
    host_open(&host, "as-is");
    feed_card(&host, 38);
    feed_card(&host, 38);
    assert_int_equal(host.scans, 2);
    host.driver->confirm(host.state, TONE_TWO, &host.sink);
    assert_sent(&host, BEEP BEEP);
    host.driver->refuse(host.state, TONE_ALARM, &host.sink);
    assert_sent(&host, BEEP BEEP BEEP BEEP BEEP);
    host.driver->confirm(host.state, TONE_ONE, &host.sink);
    assert_sent(&host, ""); /* nobody waits for it */
    free(host.state);
}

static void test_wipe_leaves_no_digit(void **state) {
    struct host host;
    size_t size = dechdr_driver.state_size;

    (void)state;
    host_open(&host, "as-is");
    feed_card(&host, 30);
    assert_non_null(memmem(host.state, size, "411111", 6));
    host.driver->wipe(host.state);
    assert_null(memmem(host.state, size, "411111", 6));
    feed_card(&host, 38);
    assert_int_equal(host.scans, 1);
    assert_null(memmem(host.state, size, "411111", 6));
    feed(&host, ts_slice_text("4111111111111111\r"));
    assert_null(memmem(host.state, size, "411111", 6));
    free(host.state);
}

static void test_a_text_without_end(void **state) {
    uint8_t text[5000];
    struct ts_mono at;
    struct host host;

    (void)state;
    host_open(&host, "as-is");
    memset(text, 'x', sizeof text);
    feed(&host, ts_slice_of(text, sizeof text));
    assert_int_equal(host.rejects, 1);
    assert_true(host.driver->deadline(host.state, &at));
    host.driver->expire(host.state, at, &host.sink);
    assert_false(host.driver->deadline(host.state, &at));
    assert_int_equal(host.rejects, 1);
    host.driver->feed(host.state, ts_slice_text("\r"), at, &host.sink);
    feed_card(&host, 38);
    assert_int_equal(host.scans, 1);
    free(host.state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_header_is_asked_for),
        cmocka_unit_test(test_tones_are_counted),
        cmocka_unit_test(test_wipe_leaves_no_digit),
        cmocka_unit_test(test_a_text_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
