/* Yesterday's image of a lane, a cloned image, a hub restored from a copy:
 * nothing that beeped and is on any disk is lost, and whoever looks at the hub
 * sees what happened. */
#include "rejoin.h"
#include "shelf.h"
#include "viewer.h"

#include "base/log.h"
#include "hub/rows.h"
#include "tests/unit/agent/lane_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define STORE    "milano-01"
#define TERMINAL "milano-01-lane-3"
#define FIRST    "9f2c6a1be07d4455"
#define SECOND   "9f2c6a1be07d4466"
#define GTIN     "08001230000015"
enum { BYTES_MAX = 64 << 20, CALM_MS = 60000 };

static struct ts_wall wall_fixed(void *ctx) {
    (void)ctx;
    return (struct ts_wall){1795600000000};
}
static struct ts_mono mono_fixed(void *ctx) {
    (void)ctx;
    return (struct ts_mono){5000};
}
static bool always(void *ctx) {
    (void)ctx;
    return true;
}
static const struct ts_clock fixed = {NULL, wall_fixed, mono_fixed, always};

struct bench {
    char folder[FOLDER_TEXT];
    char path[96], url[112];
    struct rejoin_hub hub;
    struct viewer *viewer;
    struct ts_buf image; /* of a file */
    struct ts_buf log;   /* of the file's log, for one taken while it runs */
};

static void open_hub(struct bench *bench) {
    rejoin_hub_open(&bench->hub, bench->url, &fixed);
    rejoin_hub_add(&bench->hub, TERMINAL, STORE);
    bench->viewer = viewer_new(&bench->hub, bench->folder);
}

static void close_hub(struct bench *bench) {
    viewer_free(bench->viewer);
    rejoin_hub_close(&bench->hub);
}

static int set_up(void **state) {
    struct bench *bench = ts_alloc(sizeof *bench);

    *bench = (struct bench){.viewer = NULL};
    folder_make(bench->folder);
    (void)snprintf(bench->path, sizeof bench->path, "%s/hub.db", bench->folder);
    (void)snprintf(bench->url, sizeof bench->url, "sqlite:%s", bench->path);
    open_hub(bench);
    *state = bench;
    return 0;
}

static int tear_down(void **state) {
    struct bench *bench = *state;

    close_hub(bench);
    ts_buf_fini(&bench->image);
    ts_buf_fini(&bench->log);
    folder_remove(bench->folder);
    free(bench);
    return 0;
}

static void copy_out(struct ts_buf *out, const char *path) {
    ts_buf_clear(out);
    assert_int_equal(ts_file_read(out, path, BYTES_MAX, NULL), TS_OK);
}

static void copy_in(const struct ts_buf *bytes, const char *path) {
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes->data, 1, bytes->len, file), bytes->len);
    assert_int_equal(fclose(file), 0);
}

static void log_path(char out[160], const char *path) {
    (void)snprintf(out, 160, "%s-wal", path);
}

/* An image of a file that is in use. */
static void take_image(struct bench *bench, const char *path) {
    char log[160];

    log_path(log, path);
    copy_out(&bench->image, path);
    copy_out(&bench->log, log);
}

static void put_image(const struct bench *bench, const char *path) {
    char log[160];

    log_path(log, path);
    copy_in(&bench->image, path);
    if (bench->log.len)
        copy_in(&bench->log, log);
    else
        (void)unlink(log);
}

static struct fixture *lane_new_on(void) {
    void *lane = NULL;

    (void)fixture_set_up(&lane);
    return lane;
}

static void lane_end(struct fixture *lane) {
    (void)fixture_tear_down((void *[]){lane});
}

static void scan_some(struct fixture *lane, unsigned count) {
    while (count-- > 0)
        fixture_scan_and_commit(lane, count % 2 ? ITEM_A : ITEM_B);
}

static struct uplink_core_status run(struct bench *bench,
                                     struct uplink_source source) {
    struct rejoin *wire =
        rejoin_new(&(struct rejoin_options){.hub = &bench->hub,
                                            .terminal = TERMINAL,
                                            .store = STORE,
                                            .source = source,
                                            .max_publish_bytes = 700});
    struct uplink_core_status status;

    rejoin_up(wire);
    assert_true(rejoin_run(wire, CALM_MS));
    status = rejoin_status(wire);
    rejoin_free(wire);
    return status;
}

static struct uplink_core_status sync_lane(struct bench *bench,
                                           struct fixture *lane) {
    return run(bench, journal_source(lane->journal));
}

static int64_t events(struct bench *bench) {
    static const struct db_statement count = {"restored_events",
                                              "SELECT COUNT(*) FROM event"};

    return rejoin_hub_number(&bench->hub, &count);
}

static int64_t quarantined(struct bench *bench) {
    static const struct db_statement count = {
        "restored_quarantine", "SELECT COUNT(*) FROM quarantine"};

    return rejoin_hub_number(&bench->hub, &count);
}

static void expect_alarm(struct bench *bench, const char *kind, bool there) {
    json_t *alarm = viewer_alarm(bench->viewer, kind, TERMINAL);
    json_t *lane;

    assert_int_equal(alarm != NULL, there);
    if (!there)
        return;
    /* The list of the lanes marks it. */
    lane =
        json_array_get(viewer_ask(bench->viewer, "/api/stores", "stores"), 0);
    lane = json_array_get(json_object_get(lane, "lanes"), 0);
    assert_true(json_integer_value(json_object_get(lane, "alarms")) > 0);
}

/* All that the lane's file holds is in the archive as well. */
static bool is_archived(void *arg, const char *journal, uint64_t sequence,
                        struct ts_slice payload) {
    static const struct db_statement one = {
        "restored_one", "SELECT COUNT(*) FROM event WHERE event_key = $1"};
    struct bench *bench = arg;
    char key[160];
    struct db_value value;
    int64_t count = 0;
    struct ts_err err = {0};

    (void)payload;
    (void)snprintf(key, sizeof key, TERMINAL "/%s/%020llu", journal,
                   (unsigned long long)sequence);
    value = db_cstr(key);
    assert_int_equal(
        db_run(bench->hub.db, &one, &value, 1, row_number, &count, &err),
        TS_OK);
    assert_int_equal(count, 1);
    return true;
}

static void expect_all_archived(struct bench *bench, struct fixture *lane) {
    struct ts_err err = {0};

    assert_int_equal(
        journal_walk(lane->journal, "", 0, is_archived, bench, &err), TS_OK);
}

static void test_yesterdays_image(void **state) {
    struct bench *bench = *state;
    struct fixture *lane = lane_new_on();
    int64_t before;

    scan_some(lane, 5);
    (void)sync_lane(bench, lane);
    fixture_stop(lane);
    copy_out(&bench->image, lane->path);
    fixture_start(lane);
    scan_some(lane, 4);
    (void)sync_lane(bench, lane);
    expect_all_archived(bench, lane);
    before = events(bench);
    expect_alarm(bench, "clone", false);
    fixture_stop(lane);
    put_image(bench, lane->path);
    fixture_start(lane);
    scan_some(lane, 3);
    assert_int_equal(sync_lane(bench, lane).alarms, 0);
    expect_all_archived(bench, lane);
    assert_int_equal(events(bench), before + 1 + 3); /* and terminal.started */
    assert_int_equal(quarantined(bench), 0);
    expect_alarm(bench, "clone", true);
    expect_alarm(bench, "hole", false);
    expect_alarm(bench, "conflict", false);
    lane_end(lane);
}

/* The image ends in the midst of a run of which the hub has more. */
static void test_image_of_a_running_lane(void **state) {
    struct bench *bench = *state;
    struct fixture *lane = lane_new_on();
    struct uplink_core_status status;
    int64_t before;

    scan_some(lane, 5);
    take_image(bench, lane->path);
    scan_some(lane, 6);
    (void)sync_lane(bench, lane);
    expect_all_archived(bench, lane);
    before = events(bench);
    fixture_stop(lane);
    put_image(bench, lane->path);
    fixture_start(lane);
    scan_some(lane, 2);
    status = sync_lane(bench, lane);
    assert_int_equal(status.alarms, 1);
    assert_non_null(strstr(status.alarm.text, "restored from an image"));
    expect_all_archived(bench, lane);
    assert_int_equal(events(bench), before + 1 + 2);
    assert_int_equal(quarantined(bench), 0);
    expect_alarm(bench, "rewound", true);
    expect_alarm(bench, "hole", false);
    lane_end(lane);
}

static void say_state(struct bench *bench, const char *boot, uint64_t session) {
    struct shelf none;
    struct rejoin *wire;
    struct message_state state = {.online = true,
                                  .session = session,
                                  .version = "1",
                                  .store = STORE,
                                  .journal = FIRST};

    memcpy(state.boot, boot, strlen(boot) + 1);
    shelf_init(&none, STORE, TERMINAL, boot);
    wire = rejoin_new(&(struct rejoin_options){.hub = &bench->hub,
                                               .terminal = TERMINAL,
                                               .store = STORE,
                                               .source = shelf_source(&none)});
    rejoin_say_state(wire, &state);
    (void)rejoin_run(wire, CALM_MS);
    rejoin_free(wire);
}

/* Two machines start from one disk, which holds rows that were never sent. */
static void test_cloned_image(void **state) {
    struct bench *bench = *state;
    struct fixture *lane = lane_new_on(), *clone = lane_new_on();
    int64_t before;

    scan_some(lane, 4);
    fixture_stop(lane);
    fixture_stop(clone);
    copy_out(&bench->image, lane->path);
    put_image(bench, clone->path);
    fixture_start(lane);
    fixture_start(clone);
    for (int turn = 0; turn < 3; turn++) {
        scan_some(lane, 2);
        scan_some(clone, 3);
        (void)sync_lane(bench, lane);
        (void)sync_lane(bench, clone);
    }
    expect_all_archived(bench, lane);
    expect_all_archived(bench, clone);
    before = events(bench);
    (void)sync_lane(bench, lane);
    assert_int_equal(events(bench), before);
    assert_int_equal(quarantined(bench), 0);
    expect_alarm(bench, "clone", true);
    lane_end(lane);
    lane_end(clone);
}

/* A machine was copied while it ran: both write on in one journal. */
static void test_clone_of_a_running_machine(void **state) {
    struct bench *bench = *state;
    struct shelf lane, clone;

    shelf_init(&lane, STORE, TERMINAL, "5d1e88c2");
    shelf_init(&clone, STORE, TERMINAL, "5d1e88c2");
    shelf_begin(&lane, FIRST);
    shelf_begin(&clone, FIRST);
    for (int i = 0; i < 5; i++) {
        shelf_scan(&lane, GTIN);
        shelf_scan(&clone, i < 3 ? GTIN : "08001230000022");
    }
    (void)run(bench, shelf_source(&lane));
    assert_int_equal(events(bench), 6);
    assert_int_equal(quarantined(bench), 0);
    (void)run(bench, shelf_source(&clone));
    /* What is not the same is kept, beside what came first. */
    assert_int_equal(events(bench), 6);
    assert_int_equal(quarantined(bench), 2);
    expect_alarm(bench, "conflict", true);
    assert_true(viewer_metric(bench->viewer,
                              "tessera_take_total{outcome=\"conflicts\"}") ==
                2);
    assert_int_equal(json_array_size(viewer_ask(
                         bench->viewer, "/api/quarantine", "quarantine")),
                     2);
    shelf_fini(&lane);
    shelf_fini(&clone);
}

static void test_boots_in_turns(void **state) {
    static const char *const boots[] = {"aaaaaaaa", "bbbbbbbb", "cccccccc",
                                        "dddddddd"};
    struct bench *bench = *state;

    for (size_t i = 0; i < 4; i++)
        say_state(bench, boots[i], i + 1);
    expect_alarm(bench, "clone", false); /* restarts of one machine */
    say_state(bench, boots[0], 5);
    expect_alarm(bench, "clone", true);
}

static void copy_hub(struct bench *bench) {
    close_hub(bench);
    copy_out(&bench->image, bench->path);
    open_hub(bench);
}

static void restore_hub(struct bench *bench) {
    close_hub(bench);
    put_image(bench, bench->path);
    open_hub(bench);
}

/* The session goes on; the hub says that it is back. */
static void test_hub_restored(void **state) {
    struct bench *bench = *state;
    struct fixture *lane = lane_new_on();
    struct rejoin *wire;
    int64_t before;

    scan_some(lane, 5);
    (void)sync_lane(bench, lane);
    copy_hub(bench);
    wire = rejoin_new(
        &(struct rejoin_options){.hub = &bench->hub,
                                 .terminal = TERMINAL,
                                 .store = STORE,
                                 .source = journal_source(lane->journal)});
    rejoin_up(wire);
    scan_some(lane, 6);
    rejoin_notify(wire);
    assert_true(rejoin_run(wire, CALM_MS));
    before = events(bench);
    restore_hub(bench);
    assert_true(events(bench) < before);
    rejoin_hub_back(wire);
    assert_true(rejoin_run(wire, CALM_MS));
    assert_int_equal(events(bench), before);
    expect_all_archived(bench, lane);
    expect_alarm(bench, "hole", false);
    expect_alarm(bench, "clone", false);
    assert_int_equal(quarantined(bench), 0);
    rejoin_free(wire);
    lane_end(lane);
}

static uint64_t newest_of(const struct fixture *lane, uint64_t *oldest) {
    struct uplink_source source = journal_source(lane->journal);
    struct uplink_span spans[8];
    size_t count;
    struct ts_err err = {0};

    assert_int_equal(source.spans(source.ctx, spans, 8, &count, &err), TS_OK);
    assert_true(count > 0);
    *oldest = spans[count - 1].oldest;
    return spans[count - 1].newest;
}

static void age_copies(struct fixture *lane) {
    struct ts_err err = {0};

    lane->clock.wall_ms += 8 * INT64_C(86400000);
    lane->clock.mono_ms += 8 * INT64_C(86400000);
    recorder_flush(lane->recorder);
    assert_int_equal(journal_tidy(lane->journal, &err), TS_OK);
}

static void expect_range(const json_t *list, const char *journal,
                         uint64_t first, uint64_t last) {
    const json_t *row = json_array_get(list, 0);

    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(json_string_value(json_object_get(row, "journal")),
                        journal);
    assert_int_equal(json_integer_value(json_object_get(row, "first")), first);
    assert_int_equal(json_integer_value(json_object_get(row, "last")), last);
}

static void test_hub_restored_beyond_the_copies(void **state) {
    struct bench *bench = *state;
    struct fixture *lane = lane_new_on();
    uint64_t oldest, kept;

    scan_some(lane, 5);
    (void)sync_lane(bench, lane);
    kept = newest_of(lane, &oldest);
    copy_hub(bench);
    scan_some(lane, 6);
    (void)sync_lane(bench, lane);
    age_copies(lane);
    scan_some(lane, 2);
    (void)newest_of(lane, &oldest);
    assert_true(oldest > kept + 1);
    restore_hub(bench);
    (void)sync_lane(bench, lane);
    expect_all_archived(bench, lane);
    expect_alarm(bench, "hole", true);
    expect_range(viewer_ask(bench->viewer, "/api/holes", "holes"),
                 journal_id(lane->journal), kept + 1, oldest - 1);
    assert_true(viewer_metric(bench->viewer,
                              "tessera_take_total{outcome=\"holes\"}") == 1);
    /* Once: the next session finds nothing new. */
    (void)sync_lane(bench, lane);
    assert_int_equal(rejoin_hub_alarms(&bench->hub, "hole"), 1);
    lane_end(lane);
}

/* A run of which the lane has no row left; the next one names it. */
static void test_hub_restored_beyond_a_journal(void **state) {
    struct bench *bench = *state;
    struct fixture *lane = lane_new_on();
    char journal[TS_JOURNAL_TEXT];
    uint64_t oldest, kept, newest;

    scan_some(lane, 5);
    (void)sync_lane(bench, lane);
    kept = newest_of(lane, &oldest);
    copy_hub(bench);
    scan_some(lane, 6);
    (void)sync_lane(bench, lane);
    newest = newest_of(lane, &oldest);
    memcpy(journal, journal_id(lane->journal), sizeof journal);
    fixture_restart(lane);
    scan_some(lane, 1);
    age_copies(lane);
    restore_hub(bench);
    (void)sync_lane(bench, lane);
    expect_all_archived(bench, lane);
    expect_range(viewer_ask(bench->viewer, "/api/holes", "pending"), journal,
                 kept + 1, newest);
    lane_end(lane);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    static const struct CMUnitTest tests[] = {
        TEST(test_yesterdays_image),
        TEST(test_image_of_a_running_lane),
        TEST(test_cloned_image),
        TEST(test_clone_of_a_running_machine),
        TEST(test_boots_in_turns),
        TEST(test_hub_restored),
        TEST(test_hub_restored_beyond_the_copies),
        TEST(test_hub_restored_beyond_a_journal),
    };

    ts_log_set_level(TS_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
