#include "support.h"

#include "agent/reader.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

/* A reader on a pty: the closing master is what an unplugged USB device looks
 * like. 4111... is a public test number. */
#define CARD "2501008336538"
#define ITEM "8001230000015"
#define PAN  "4111111111111111"

enum { PATIENCE_MS = 30000 };

struct fixture {
    char folder[FOLDER_TEXT];
    char path[128];
    char port[128];
    struct hand_clock clock;
    struct journal_options journal_options;
    struct event_base *loop;
    struct timekeeper keeper;
    struct ts_keys *keys;
    struct journal *journal;
    struct recorder *recorder;
    struct lane *lane;
    struct reader *reader;
    int master;
};

static const struct code_rule rule_table[] = {
    {.prefix = "25", .programme = "main", .length = 13, .mod10 = true},
};
static const struct code_rules rules = {.rules = rule_table, .count = 1};

static void plug(struct fixture *f) {
    struct termios raw;

    f->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    assert_true(f->master >= 0);
    assert_int_equal(grantpt(f->master), 0);
    assert_int_equal(unlockpt(f->master), 0);
    assert_int_equal(tcgetattr(f->master, &raw), 0);
    cfmakeraw(&raw);
    assert_int_equal(tcsetattr(f->master, TCSANOW, &raw), 0);
    assert_int_equal(symlink(ptsname(f->master), f->port), 0);
}

static void unplug(struct fixture *f) {
    (void)unlink(f->port);
    (void)close(f->master);
    f->master = -1;
}

static void start(struct fixture *f) {
    struct journal_report report;
    struct ts_err err = {0};
    struct recorder_options recorder = {
        .report = &report, .keeper = &f->keeper, .version = "1.2.3"};
    struct lane_options lane = {
        .store = "milano-01",
        .terminal = "milano-01-lane-3",
        .language = "it",
        .currency = "EUR",
        .timeout_s = 900,
        .kiosk_s = 20,
        .keeper = &f->keeper,
        .keys = f->keys,
    };
    struct reader_options reader = {
        .name = "scanner",
        .port = f->port,
        .driver = "line",
        .profile = "bel",
        .line = {9600, 8, 'N', 1, false},
        .repeat_ms = 700,
        .rules = &rules,
        .clock = &f->clock.clock,
    };

    if (journal_open(&f->journal, &f->journal_options, &report, &err) != TS_OK)
        fail_msg("%s", err.text);
    recorder.journal = lane.journal = f->journal;
    f->recorder = lane.recorder = recorder_new(f->loop, &recorder);
    assert_int_equal(lane_new(&f->lane, f->loop, &lane, &err), TS_OK);
    reader.lane = f->lane;
    for (int i = 0; i < OUTCOMES; i++)
        reader.tones[i] = driver_tone_default((enum scan_outcome)i);
    if (reader_new(&f->reader, f->loop, &reader, &err) != TS_OK)
        fail_msg("%s", err.text);
}

static void stop(struct fixture *f) {
    recorder_flush(f->recorder);
    reader_free(f->reader);
    recorder_free(f->recorder);
    lane_free(f->lane);
    journal_close(f->journal);
}

static int set_up(void **state) {
    struct fixture *f = ts_alloc(sizeof *f);
    uint8_t key[TS_KEY_BYTES] = {7};

    *f = (struct fixture){.master = -1};
    folder_make(f->folder);
    (void)snprintf(f->port, sizeof f->port, "%s/scanner", f->folder);
    hand_clock_init(&f->clock);
    f->journal_options = test_journal_options(f->folder, f->path, &f->clock);
    f->loop = event_base_new();
    timekeeper_init(&f->keeper, &f->clock.clock);
    f->keys = ts_keys_new(1, key);
    plug(f);
    start(f);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;

    stop(f);
    if (f->master >= 0)
        unplug(f);
    ts_keys_free(f->keys);
    event_base_free(f->loop);
    folder_remove(f->folder);
    free(f);
    return 0;
}

static void say(struct fixture *f, const char *bytes) {
    assert_int_equal(write(f->master, bytes, strlen(bytes)), strlen(bytes));
}

static void on_patience(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    (void)arg;
    fail_msg("what is waited for does not come");
}

/* Runs the loop until the condition holds. */
#define WAIT_FOR(f, condition)                                                 \
    do {                                                                       \
        struct timeval patience = {PATIENCE_MS / 1000, 0};                     \
        struct event *alarm = evtimer_new((f)->loop, on_patience, NULL);       \
        (void)evtimer_add(alarm, &patience);                                   \
        while (!(condition))                                                   \
            (void)event_base_loop((f)->loop, EVLOOP_ONCE);                     \
        event_free(alarm);                                                     \
    } while (0)

static struct reader_stats stats(struct fixture *f) {
    struct reader_stats out;

    reader_get_stats(f->reader, &out);
    return out;
}

static bool state_is(struct fixture *f, const char *state) {
    json_t *readers = lane_readers(f->lane);
    const char *is =
        json_string_value(json_object_get(json_array_get(readers, 0), "state"));
    bool same = !strcmp(is, state);

    json_decref(readers);
    return same;
}

static bool count_type(void *arg, const char *journal, uint64_t sequence,
                       struct ts_slice payload) {
    void **wanted = arg;
    char type[80];

    (void)journal;
    (void)sequence;
    (void)snprintf(type, sizeof type, "\"tessera.%s.v1\"",
                   (const char *)wanted[0]);
    if (memmem(payload.data, payload.len, type, strlen(type)))
        (*(unsigned *)wanted[1])++;
    return true;
}

static unsigned events(struct fixture *f, const char *type) {
    unsigned count = 0;
    void *wanted[2] = {(void *)(uintptr_t)type, &count};
    struct ts_err err;

    recorder_flush(f->recorder);
    assert_int_equal(journal_walk(f->journal, "", 0, count_type, wanted, &err),
                     TS_OK);
    return count;
}

/* The device hears of it: BEL after the commit. */
static bool beeped(struct fixture *f) {
    char byte;

    return read(f->master, &byte, 1) == 1;
}

static void test_scan_is_recorded_and_answered(void **state) {
    struct fixture *f = *state;

    assert_true(state_is(f, "attached"));
    say(f, ITEM "\r");
    WAIT_FOR(f, beeped(f));
    assert_int_equal(events(f, "item.scanned"), 1);
    assert_int_equal(events(f, "reader.attached"), 1);
}

static void test_repeat_is_one_scan(void **state) {
    struct fixture *f = *state;

    say(f, ITEM "\r" ITEM "\r");
    WAIT_FOR(f, stats(f).scans == 2);
    assert_int_equal(events(f, "item.scanned"), 1);
    assert_true(stats(f).repeats == 1);
    f->clock.mono_ms += 701;
    say(f, ITEM "\r");
    WAIT_FOR(f, stats(f).scans == 3);
    assert_int_equal(events(f, "item.scanned"), 2);
    /* Another code ends it. */
    say(f, CARD "\r" ITEM "\r");
    WAIT_FOR(f, stats(f).scans == 5);
    assert_int_equal(events(f, "item.scanned"), 3);
}

static void test_unplug_and_replug(void **state) {
    struct fixture *f = *state;

    say(f, "80012300"); /* half a scan: it goes with the device */
    unplug(f);
    WAIT_FOR(f, state_is(f, "detached"));
    plug(f);
    WAIT_FOR(f, state_is(f, "attached"));
    say(f, ITEM "\r");
    WAIT_FOR(f, stats(f).scans == 1);
    assert_int_equal(events(f, "item.scanned"), 1);
    assert_int_equal(events(f, "reader.detached"), 1);
    assert_int_equal(events(f, "reader.attached"), 2);
    assert_true(stats(f).openings == 2);
}

static void test_starts_without_its_device(void **state) {
    struct fixture *f = *state;

    stop(f);
    unplug(f);
    start(f);
    assert_true(state_is(f, "detached"));
    plug(f);
    WAIT_FOR(f, state_is(f, "attached"));
    say(f, ITEM "\r");
    WAIT_FOR(f, stats(f).scans == 1);
}

static void test_payment_card_leaves_nothing(void **state) {
    static const char *const secrets[] = {PAN, "411111", "11111111"};
    static const char *const files[] = {"", "-wal"};
    struct fixture *f = *state;

    say(f, PAN "\r");
    WAIT_FOR(f, stats(f).scans == 1);
    assert_int_equal(events(f, "payment_card.refused"), 1);
    for (size_t i = 0; i < 2; i++) {
        struct ts_buf bytes = {0};
        char path[160];

        (void)snprintf(path, sizeof path, "%s%s", f->path, files[i]);
        assert_int_equal(ts_file_read(&bytes, path, 64 << 20, NULL), TS_OK);
        for (size_t j = 0; j < sizeof secrets / sizeof *secrets; j++)
            assert_null(
                memmem(bytes.data, bytes.len, secrets[j], strlen(secrets[j])));
        ts_buf_fini(&bytes);
    }
}

static void test_rejects_are_counted(void **state) {
    struct fixture *f = *state;

    /* A check digit that fails, over and over: one event a minute. */
    for (int i = 0; i < 50; i++)
        say(f, "8001230000016\r");
    WAIT_FOR(f, stats(f).rejects == 50);
    assert_int_equal(events(f, "scan.rejected"), 1);
    f->clock.mono_ms += 60000;
    say(f, "8001230000016\r");
    WAIT_FOR(f, stats(f).rejects == 51);
    assert_int_equal(events(f, "scan.rejected"), 2);
}

static void test_unknown_driver(void **state) {
    struct ts_err err;

    (void)state;
    assert_int_equal(reader_check("foo", "generic", &err), TS_INVALID);
    assert_non_null(strstr(err.text, "there are: line"));
    assert_int_equal(reader_check("line", "foo", &err), TS_INVALID);
    assert_int_equal(reader_check("line", "generic", &err), TS_OK);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(test_scan_is_recorded_and_answered),
        CASE(test_repeat_is_one_scan),
        CASE(test_unplug_and_replug),
        CASE(test_starts_without_its_device),
        CASE(test_payment_card_leaves_nothing),
        CASE(test_rejects_are_counted),
        CASE(test_unknown_driver),
#undef CASE
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
