#include "day.h"

#include "cuts.h"

#include "agent/desk.h"
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum {
    RUNS = 4,
    VISITS = 9,
    HOUR_MS = 3600000,
    KEEP_MS = 5 * HOUR_MS,
    STEPS_MAX = 4096,
    PATIENCE_S = 60
};
#define DESK_LOG "00000000000000a1"

void day_rows_add(struct day_rows *rows, const char *journal,
                  uint64_t sequence) {
    struct day_row *row;

    if (rows->count == rows->room) {
        rows->room = rows->room ? rows->room * 2 : 256;
        rows->rows = ts_realloc(rows->rows, rows->room * sizeof *rows->rows);
    }
    row = &rows->rows[rows->count++];
    *row = (struct day_row){.sequence = sequence};
    memcpy(row->journal, journal, TS_JOURNAL_TEXT);
}

static bool read_body(void *arg, uint64_t sequence, struct ts_slice payload) {
    struct day_row *row = arg;
    json_t *json = NULL;

    assert_int_equal(sequence, row->sequence);
    assert_int_equal(ts_json_parse(&json, payload, NULL), TS_OK);
    assert_int_equal(ts_json_canonical(&row->body, json), TS_OK);
    json_decref(json);
    return false;
}

void day_rows_read(struct day_rows *rows, size_t first,
                   struct journal *journal) {
    struct uplink_source source = journal_source(journal);
    struct ts_err err = {0};

    for (size_t i = first; i < rows->count; i++) {
        struct day_row *row = &rows->rows[i];

        if (source.read(source.ctx, row->journal, row->sequence, 1, read_body,
                        row, &err) != TS_OK)
            fail_msg("%s", err.text);
        assert_true(row->body.len > 0);
    }
}

void day_rows_fini(struct day_rows *rows) {
    for (size_t i = 0; i < rows->count; i++)
        ts_buf_fini(&rows->rows[i].body);
    free(rows->rows);
}

static void on_recorded(void *arg, const char *journal, uint64_t sequence,
                        const char *type) {
    struct day *day = arg;

    (void)type;
    day_rows_add(&day->rows, journal, sequence);
    atomic_store(&day->notes.value[DAY_TOLD], day->rows.count);
}

static void begin_step(struct day *day) {
    assert_true(day->step_count < STEPS_MAX);
    atomic_store(&day->notes.value[DAY_STEP], day->step_count);
}

/* Everything of the step is answered, by the loop or by a flush in turns. */
static void end_step(struct day *day) {
    size_t first = day->step_count ? day->step_end[day->step_count - 1] : 0;
    time_t end = time(NULL) + PATIENCE_S;

    if (day->step_count % 2)
        recorder_flush(day->lane->recorder);
    while (journal_pending(day->lane->journal)) {
        assert_true(time(NULL) < end);
        (void)event_base_loop(day->lane->loop, EVLOOP_ONCE);
    }
    recorder_flush(day->lane->recorder);
    day_rows_read(&day->rows, first, day->lane->journal);
    day->step_end[day->step_count++] = day->rows.count;
}

static void scan_all(struct day *day, const char *const *texts, size_t count) {
    unsigned taken = day->lane->taken;

    begin_step(day);
    for (size_t i = 0; i < count; i++)
        fixture_scan(day->lane, texts[i]);
    end_step(day);
    assert_int_equal(day->lane->taken, taken + count);
    day->lane->clock.wall_ms += 20000;
    day->lane->clock.mono_ms += 20000;
}

static void scan(struct day *day, const char *text) { scan_all(day, &text, 1); }

static void pass_hours(struct day *day, int hours) {
    day->lane->clock.wall_ms += (int64_t)hours * HOUR_MS;
    day->lane->clock.mono_ms += (int64_t)hours * HOUR_MS;
}

/* What the hub holds now: its file, closed and whole. */
static void picture_hub(struct day *day) {
    char path[128];

    rejoin_hub_close(&day->hub);
    day->hubs = ts_realloc(day->hubs, (day->hub_count + 1) * sizeof *day->hubs);
    day->hubs[day->hub_count] = (struct ts_buf){0};
    (void)snprintf(path, sizeof path, "%s/hub.db", day->hub_folder);
    assert_int_equal(ts_file_read(&day->hubs[day->hub_count++], path,
                                  (size_t)64 << 20, NULL),
                     TS_OK);
    rejoin_hub_open(&day->hub, day->hub_url, &day->lane->clock.clock);
}

/* What was sent is the hub's, whenever the lane's power goes. */
static void exchange(struct day *day) {
    rejoin_free(day->wire);
    day->wire = NULL;
    atomic_store(&day->notes.value[DAY_HUB], day->hub_count);
    day->wire = rejoin_new(
        &(struct rejoin_options){.hub = &day->hub,
                                 .terminal = DAY_TERMINAL,
                                 .store = DAY_STORE,
                                 .source = journal_source(day->lane->journal),
                                 .max_publish_bytes = 700});
    rejoin_up(day->wire);
    assert_true(rejoin_run(day->wire, 60000));
    picture_hub(day);
}

static void tidy(struct day *day) {
    begin_step(day);
    recorder_tidy(day->lane->recorder);
    end_step(day);
}

void day_desk_key(char out[TS_TOKEN_TEXT], unsigned index) {
    (void)snprintf(out, TS_TOKEN_TEXT, "c1.%043u", index);
}

/* The next two records of the store's log. */
static void apply_desk(struct day *day) {
    unsigned from = (unsigned)day->desk_told;
    char first[TS_TOKEN_TEXT], second[TS_TOKEN_TEXT];
    struct message_desk message = {
        .log = DESK_LOG, .has_range = true, .from = from, .to = from + 2};
    struct desk_result result;
    struct ts_err err = {0};
    json_t *records;

    day_desk_key(first, from + 1);
    day_desk_key(second, from + 2);
    records =
        json_pack("[{s:i,s:s,s:s,s:{s:s}},{s:i,s:s,s:s,s:{s:s}}]", "position",
                  (int)from + 1, "kind", "profile", "key", first, "value",
                  "name", "Ada", "position", (int)from + 2, "kind", "profile",
                  "key", second, "value", "name", "Ugo");
    message.records = records;
    if (desk_apply(day->desk, &message, &result, &err) != TS_OK)
        fail_msg("%s", err.text);
    assert_true(result.changed);
    json_decref(records);
    day->desk_told = from + 2;
}

static void erase_card(struct day *day) {
    json_t *cards = json_pack("[s]", TOKEN_A);
    struct ts_err err = {0};

    if (journal_erase(day->lane->journal, cards, &err) != TS_OK)
        fail_msg("%s", err.text);
    json_decref(cards);
    begin_step(day);
    lane_erase_done(day->lane->lane, 3);
    end_step(day);
}

static void visit(struct day *day, unsigned number) {
    static const char *const group[] = {ITEM_A, ITEM_B, CARD_B, ITEM_A};
    const struct day_row *last;
    struct ts_err err = {0};

    scan(day, ITEM_A);
    scan(day, number % 2 ? CARD_A : "WHATEVER-1");
    scan_all(day, group, 4);
    last = &day->rows.rows[day->rows.count - 1];
    begin_step(day);
    assert_int_equal(
        lane_void(day->lane->lane, last->journal, last->sequence, &err), TS_OK);
    end_step(day);
    scan(day, PAN);
    begin_step(day);
    if (number % 3 == 2)
        assert_int_equal(lane_cancel(day->lane->lane, &err), TS_OK);
    else
        assert_int_equal(lane_close(day->lane->lane, "r-1", 1250, "EUR", &err),
                         TS_OK);
    lane_report_rejects(day->lane->lane, "scanner", "bad_checksum", number);
    end_step(day);
}

static void trade(struct day *day, unsigned run) {
    for (unsigned i = 0; i < VISITS; i++) {
        visit(day, i);
        if (i % 3 == 1)
            exchange(day);
        if (i % 4 == 3) {
            pass_hours(day, 2);
            tidy(day);
        }
        if (i == 4 && day->desk_told < DAY_DESK_RECORDS)
            apply_desk(day);
        if (i == 5 && run == 1)
            erase_card(day);
    }
}

static void be_kiosk(struct day *day) {
    static const char *const cards[] = {CARD_A, CARD_B, ITEM_A, CARD_A};
    struct ts_err err = {0};

    for (size_t i = 0; i < 4; i++)
        scan(day, cards[i]);
    begin_step(day);
    assert_int_equal(
        lane_feedback(day->lane->lane, "nps", 9, "very quick", &err), TS_OK);
    assert_int_equal(lane_consent(day->lane->lane, "email", true, &err), TS_OK);
    end_step(day);
    exchange(day);
}

static void start_run(struct day *day, enum visit_kind kind) {
    struct ts_err err = {0};
    char path[160];

    day->lane->options.kind = kind;
    fixture_start(day->lane);
    lane_on_recorded(day->lane->lane, on_recorded, day);
    (void)snprintf(path, sizeof path, "%s/desk.db", day->lane->folder);
    if (desk_open(&day->desk, path, &err) != TS_OK)
        fail_msg("%s", err.text);
    begin_step(day);
    lane_set_reader(day->lane->lane, "scanner", READER_ATTACHED, "ready");
    end_step(day);
}

/* The visit that is open stays open over the restart. */
static void stop_run(struct day *day) {
    scan(day, ITEM_B);
    rejoin_free(day->wire);
    day->wire = NULL;
    desk_close(day->desk);
    fixture_stop(day->lane);
}

void day_move_lane(struct fixture *lane) {
    folder_remove(lane->folder);
    cuts_folder(lane->folder);
    lane->journal_options =
        test_journal_options(lane->folder, lane->path, &lane->clock);
}

static void open_all(struct day *day) {
    void *lane = NULL;

    (void)fixture_set_up(&lane);
    day->lane = lane;
    fixture_stop(day->lane);
    day_move_lane(day->lane);
    day->lane->journal_options.keep_ms = KEEP_MS;
    cuts_folder(day->hub_folder);
    (void)snprintf(day->hub_url, sizeof day->hub_url, "sqlite:%s/hub.db",
                   day->hub_folder);
    rejoin_hub_open(&day->hub, day->hub_url, &day->lane->clock.clock);
    rejoin_hub_add(&day->hub, DAY_TERMINAL, DAY_STORE);
    picture_hub(day);
    day->step_end = ts_alloc(STEPS_MAX * sizeof *day->step_end);
}

void day_live(struct day *day) {
    *day = (struct day){.hub_count = 0};
    open_all(day);
    power_record(day->lane->folder, &day->notes);
    for (unsigned run = 0; run < RUNS; run++) {
        start_run(day, VISIT_CHECKOUT);
        trade(day, run);
        stop_run(day);
    }
    start_run(day, VISIT_KIOSK);
    be_kiosk(day);
    pass_hours(day, 4);
    tidy(day);
    stop_run(day);
    day->tape = power_stop();
}

void day_fini(struct day *day) {
    rejoin_hub_close(&day->hub);
    for (size_t i = 0; i < day->hub_count; i++)
        ts_buf_fini(&day->hubs[i]);
    free(day->hubs);
    day_rows_fini(&day->rows);
    free(day->step_end);
    power_tape_free(day->tape);
    folder_remove(day->hub_folder);
    fixture_start(day->lane);
    (void)fixture_tear_down((void *[]){day->lane});
}
