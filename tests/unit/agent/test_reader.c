#include "support.h"

#include "agent/reader.h"
#include "base/log.h"

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
    const struct driver *driver; /* of the test's own, or NULL */
    unsigned group_ms;
    unsigned log_lines;
    char heard[64];
    size_t heard_len;
};

/* A made-up protocol of lines: "!3" is a notice of kind 3, "~TEXT" a scan that
 * the device sent before. It answers '0' to '5' for a tone, 'R' in front for a
 * refusal. */
struct talker {
    char line[64];
    size_t len;
};

static void talker_open(void *state, const struct driver_profile *profile,
                        const struct driver_sink *sink) {
    (void)state;
    (void)profile;
    (void)sink;
}

static void talker_line(const char *line, const struct driver_sink *sink) {
    struct scan scan = {.retransmission = line[0] == '~'};
    struct notice notice = {.name = "boot", .code = -1, .text = "", .hint = ""};

    scan.text = ts_slice_text(line + scan.retransmission);
    if (line[0] == '!') {
        notice.kind = (enum notice_kind)strtol(line + 1, NULL, 10);
        sink->notice(sink->ctx, &notice);
    } else {
        sink->scan(sink->ctx, &scan);
    }
}

static void talker_feed(void *state, struct ts_slice bytes, struct ts_mono now,
                        const struct driver_sink *sink) {
    struct talker *talker = state;

    (void)now;
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.data[i] != '\r') {
            talker->line[talker->len++] = (char)bytes.data[i];
            continue;
        }
        talker->line[talker->len] = 0;
        talker->len = 0;
        talker_line(talker->line, sink);
    }
}

static bool talker_deadline(const void *state, struct ts_mono *at) {
    (void)state;
    (void)at;
    return false;
}

static void talker_confirm(void *state, enum driver_tone tone,
                           const struct driver_sink *sink) {
    char answer = (char)('0' + tone);

    (void)state;
    sink->send(sink->ctx, ts_slice_of(&answer, 1));
}

static void talker_refuse(void *state, enum driver_tone tone,
                          const struct driver_sink *sink) {
    sink->send(sink->ctx, ts_slice_text("R"));
    talker_confirm(state, tone, sink);
}

static void talker_wipe(void *state) { (void)state; }

static const struct driver_profile talker_profiles[] = {{.name = "made"},
                                                        {.name = NULL}};
static const struct driver talker_driver = {
    .name = "talker",
    .profiles = talker_profiles,
    .state_size = sizeof(struct talker),
    .open = talker_open,
    .feed = talker_feed,
    .deadline = talker_deadline,
    .confirm = talker_confirm,
    .refuse = talker_refuse,
    .wipe = talker_wipe,
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
        .report = &report,
        .keeper = &f->keeper,
        .version = "1.2.3",
        .group_ms = f->group_ms,
    };
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
        .own_driver = f->driver,
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
    memcpy(f->keeper.boot, TEST_BOOT, sizeof TEST_BOOT);
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
    (void)snprintf(type, sizeof type, "\"tessera.%s", (const char *)wanted[0]);
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

static void restart_with(struct fixture *f, const struct driver *driver) {
    stop(f);
    f->driver = driver;
    start(f);
}

/* What the device heard since the last expect_answer. */
static const char *listen_to(struct fixture *f) {
    ssize_t got = read(f->master, f->heard + f->heard_len,
                       sizeof f->heard - 1 - f->heard_len);

    f->heard_len += got > 0 ? (size_t)got : 0;
    f->heard[f->heard_len] = 0;
    return f->heard;
}

static void expect_answer(struct fixture *f, const char *answer) {
    WAIT_FOR(f, strlen(listen_to(f)) >= strlen(answer));
    assert_string_equal(f->heard, answer);
    f->heard_len = 0;
}

static char *notice_kind(struct fixture *f) {
    json_t *view = lane_view(f->lane);
    char *kind = ts_strdup(json_string_value(
        json_object_get(json_object_get(view, "notice"), "kind")));

    json_decref(view);
    return kind;
}

static void count_line(void *ctx, enum ts_log_level level, const char *line) {
    struct fixture *f = ctx;

    (void)level;
    f->log_lines += strstr(line, "scanner: boot") != NULL;
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

/* Two of one code in one reading: neither is told to be recorded when the
 * journal has no room. */
static void test_repeat_of_what_was_refused(void **state) {
    struct fixture *f = *state;
    bool full = false;

    f->journal_options.max_bytes = 60000;
    restart_with(f, &talker_driver);
    while (!full) {
        f->clock.mono_ms += 701;
        f->heard_len = 0;
        say(f, ITEM "\r");
        WAIT_FOR(f, listen_to(f)[0] == '1' || !strcmp(f->heard, "R5"));
        full = f->heard[0] == 'R';
    }
    f->heard_len = 0;
    say(f, "8001230000022\r8001230000022\r");
    expect_answer(f, "R5R5");
    /* What is refused for good is done with all the same. */
    say(f, "8001230000016\r");
    expect_answer(f, "5");
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

/* One that is lost as soon as it is open is tried ever more seldom: after
 * 250, 500 and 1,000 ms at the earliest. */
static void test_loose_contact_backs_off(void **state) {
    struct fixture *f = *state;
    int64_t began = ts_clock_mono(ts_clock_system()).ms;

    for (uint64_t i = 1; i <= 3; i++) {
        unplug(f);
        WAIT_FOR(f, stats(f).unplugged == i);
        plug(f);
        WAIT_FOR(f, stats(f).openings == i + 1);
    }
    assert_true(ts_clock_mono(ts_clock_system()).ms - began >= 1500);
    /* One that has stood for a while begins anew. */
    f->clock.mono_ms += 60000;
    unplug(f);
    WAIT_FOR(f, state_is(f, "detached"));
    plug(f);
    WAIT_FOR(f, state_is(f, "attached"));
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

/* The signal never comes before what it tells of is on disk. */
static void test_tone_follows_the_commit(void **state) {
    struct fixture *f = *state;

    f->group_ms = 600000; /* nobody commits but this test */
    restart_with(f, &talker_driver);
    recorder_flush(f->recorder);
    say(f, ITEM "\r");
    WAIT_FOR(f, stats(f).scans == 1);
    assert_true(journal_pending(f->journal));
    assert_string_equal(listen_to(f), "");
    recorder_flush(f->recorder);
    expect_answer(f, "1");
    assert_int_equal(events(f, "item.scanned"), 1);
    f->group_ms = 0;
}

static void test_tones_tell_what_became_of_it(void **state) {
    struct fixture *f = *state;

    restart_with(f, &talker_driver);
    say(f, ITEM "\r");
    expect_answer(f, "1");
    say(f, "WHATEVER\r");
    expect_answer(f, "4");
    say(f, PAN "\r");
    expect_answer(f, "5");
    say(f, "8001230000016\r"); /* its check digit fails */
    expect_answer(f, "5");
}

/* The agent is restarted between its commit and its answer. */
static void test_sent_again_after_a_restart(void **state) {
    struct fixture *f = *state;

    restart_with(f, &talker_driver);
    say(f, ITEM "\r");
    expect_answer(f, "1");
    restart_with(f, &talker_driver);
    say(f, "~" ITEM "\r");
    expect_answer(f, "1");
    assert_int_equal(events(f, "item.scanned"), 1);
    assert_true(stats(f).retransmissions == 1);
    /* The journal holds another one: this one was never recorded. */
    say(f, "~8001230000022\r");
    expect_answer(f, "1");
    assert_int_equal(events(f, "item.scanned"), 2);
    /* The same person scans the same thing once more. */
    f->clock.mono_ms += 701;
    say(f, "8001230000022\r");
    expect_answer(f, "1");
    assert_int_equal(events(f, "item.scanned"), 3);
    assert_true(stats(f).retransmissions == 1);
    assert_true(stats(f).repeats == 0);
}

static void test_withheld_card(void **state) {
    struct fixture *f = *state;
    char withheld[8];
    char *kind;

    (void)snprintf(withheld, sizeof withheld, "!%d\r", NOTICE_WITHHELD);
    restart_with(f, &talker_driver);
    for (int i = 0; i < 5; i++)
        say(f, withheld);
    WAIT_FOR(f, stats(f).notices[NOTICE_WITHHELD] == 5);
    assert_int_equal(events(f, "scan.rejected"), 1);
    kind = notice_kind(f);
    assert_string_equal(kind, "withheld");
    free(kind);
    f->clock.mono_ms += 60000;
    say(f, withheld);
    WAIT_FOR(f, stats(f).notices[NOTICE_WITHHELD] == 6);
    assert_int_equal(events(f, "scan.rejected"), 2);
    assert_true(stats(f).rejects == 0);
}

/* A device that talks without end fills neither log nor journal. */
static void test_notices_in_a_flood(void **state) {
    struct fixture *f = *state;
    char boot[8];
    unsigned rows;

    restart_with(f, &talker_driver);
    rows = events(f, "");
    ts_log_set_sink(count_line, f);
    (void)snprintf(boot, sizeof boot, "!%d\r", NOTICE_BOOT);
    for (int i = 0; i < 300; i++) {
        say(f, boot);
        WAIT_FOR(f, stats(f).notices[NOTICE_BOOT] == (uint64_t)i + 1);
    }
    assert_int_equal(f->log_lines, 1);
    f->clock.mono_ms += 60000;
    say(f, boot);
    WAIT_FOR(f, stats(f).notices[NOTICE_BOOT] == 301);
    assert_int_equal(f->log_lines, 2);
    ts_log_set_sink(NULL, NULL);
    assert_int_equal(events(f, ""), rows);
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
        CASE(test_repeat_of_what_was_refused),
        CASE(test_unplug_and_replug),
        CASE(test_loose_contact_backs_off),
        CASE(test_starts_without_its_device),
        CASE(test_payment_card_leaves_nothing),
        CASE(test_rejects_are_counted),
        CASE(test_tone_follows_the_commit),
        CASE(test_tones_tell_what_became_of_it),
        CASE(test_sent_again_after_a_restart),
        CASE(test_withheld_card),
        CASE(test_notices_in_a_flood),
        CASE(test_unknown_driver),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
