/* The power goes at any instant of a day: all that beeped is in the journal,
 * whole, and in the archive once the lane is back, once and in its order; and
 * so it is when the power goes again while the lane comes back. */
#include "cuts.h"
#include "day.h"

#include "agent/desk.h"
#include "base/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

/* The machine that comes back, and the hub that it finds. */
struct back {
    const struct day *day;
    const struct cut *cut;
    struct fixture *lane;
    struct rejoin_hub hub;
    char hub_folder[FOLDER_TEXT];
    char hub_path[96];
    struct day_rows rows; /* told since the cut, over its runs */
    size_t safe;          /* of them, told before the power went again */
    struct power_notes notes;
    size_t twice, unanswered; /* for the report */
};

static void on_told(void *arg, const char *journal, uint64_t sequence,
                    const char *type) {
    struct back *back = arg;

    (void)type;
    day_rows_add(&back->rows, journal, sequence);
    atomic_store(&back->notes.value[DAY_TOLD], back->rows.count);
}

static void forget_rows(struct back *back, size_t from) {
    while (back->rows.count > from)
        ts_buf_fini(&back->rows.rows[--back->rows.count].body);
}

/* Where the rows of the day are in the journal: those that nobody aged. */
struct look {
    const struct back *back;
    size_t next; /* of the day */
};

static bool same(const struct day_row *row, const char *journal,
                 uint64_t sequence, struct ts_slice body) {
    return sequence == row->sequence && !strcmp(journal, row->journal) &&
           ts_slice_equal(body, ts_buf_slice(&row->body));
}

/* Every row that is there is a row of the day, whole and in its place. */
static bool look_at(void *arg, const char *journal, uint64_t sequence,
                    struct ts_slice payload) {
    struct look *look = arg;
    const struct day_rows *rows = &look->back->day->rows;
    struct ts_buf body = {0};
    json_t *json = NULL;
    size_t at = look->next;

    assert_int_equal(ts_json_parse(&json, payload, NULL), TS_OK);
    assert_int_equal(ts_json_canonical(&body, json), TS_OK);
    while (at < rows->count &&
           !same(&rows->rows[at], journal, sequence, ts_buf_slice(&body)))
        at++;
    json_decref(json);
    ts_buf_fini(&body);
    if (at == rows->count)
        fail_msg("step %zu: the journal holds %s-%llu, which is no row of the "
                 "day in its place",
                 look->back->cut->step, journal, (unsigned long long)sequence);
    look->next = at + 1;
    return true;
}

static void check_journal(struct back *back) {
    struct look look = {.back = back};
    struct ts_err err = {0};

    if (journal_walk(back->lane->journal, "", 0, look_at, &look, &err) != TS_OK)
        fail_msg("%s", err.text);
    back->unanswered +=
        look.next > power_noted(back->day->tape, back->cut->step, DAY_TOLD);
}

/* The agent starts on what the disk holds, and a person scans. */
static void come_back(struct back *back) {
    size_t first = back->rows.count;

    fixture_start(back->lane);
    if (folder_count(back->lane->folder, "damaged"))
        fail_msg("step %zu: called damaged after a power cut", back->cut->step);
    if (!first)
        check_journal(back);
    lane_on_recorded(back->lane->lane, on_told, back);
    fixture_scan_and_commit(back->lane, ITEM_A);
    assert_true(back->rows.count > first + 1);
    day_rows_read(&back->rows, first, back->lane->journal);
}

static void lay_hub(struct back *back) {
    size_t which = power_noted(back->day->tape, back->cut->step, DAY_HUB);
    const struct ts_buf *file = &back->day->hubs[which];
    int fd =
        open(back->hub_path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, file->data, file->len), file->len);
    (void)close(fd);
}

static void rejoin(struct back *back) {
    char url[128];
    struct rejoin *wire;

    (void)snprintf(url, sizeof url, "sqlite:%s", back->hub_path);
    rejoin_hub_open(&back->hub, url, &back->lane->clock.clock);
    wire = rejoin_new(&(struct rejoin_options){
        .hub = &back->hub,
        .terminal = DAY_TERMINAL,
        .store = DAY_STORE,
        .source = journal_source(back->lane->journal)});
    rejoin_up(wire);
    if (!rejoin_run(wire, 60000) || rejoin_status(wire).alarms)
        fail_msg("step %zu: the lane does not get rid of its rows: %s",
                 back->cut->step, rejoin_status(wire).alarm.text);
    rejoin_free(wire);
}

/* The archive in its order: the day up to some row, then what came after. */
struct reading {
    const struct back *back;
    size_t day, later;
};

static bool is_row(const struct day_row *row,
                   const struct archive_event *event) {
    char key[160];

    (void)snprintf(key, sizeof key, DAY_TERMINAL "/%s/%020llu", row->journal,
                   (unsigned long long)row->sequence);
    return ts_slice_equal(event->key, ts_slice_text(key)) &&
           ts_slice_equal(event->body, ts_buf_slice(&row->body));
}

static bool read_archive(void *arg, const struct archive_event *event) {
    struct reading *reading = arg;
    const struct day_rows *day = &reading->back->day->rows;
    const struct day_rows *later = &reading->back->rows;

    if (!reading->later && reading->day < day->count &&
        is_row(&day->rows[reading->day], event)) {
        reading->day++;
        return true;
    }
    /* Rows of a run that the power took again may be missing at its end. */
    while (reading->later < later->count &&
           !is_row(&later->rows[reading->later], event)) {
        assert_true(reading->later >= reading->back->safe);
        reading->later++;
    }
    if (reading->later == later->count)
        fail_msg("step %zu: the archive holds %.*s out of its place",
                 reading->back->cut->step, (int)event->key.len,
                 (const char *)event->key.data);
    reading->later++;
    return true;
}

static void check_counts(struct back *back) {
    static const struct db_statement nothing[] = {
        {"power_alarms", "SELECT COUNT(*) FROM alarm"},
        {"power_quarantine", "SELECT COUNT(*) FROM quarantine"},
        {"power_holes", "SELECT COUNT(*) FROM hole"},
        {"power_pending",
         "SELECT COUNT(*) FROM journal_link l LEFT JOIN lane_position p "
         "ON p.shard = l.shard AND p.terminal = l.terminal "
         "AND p.journal = l.previous "
         "WHERE COALESCE(p.through, 0) < l.previous_last"},
    };

    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        if (rejoin_hub_number(&back->hub, &nothing[i]) != 0)
            fail_msg("step %zu: %s", back->cut->step, nothing[i].name);
}

static void check_archive(struct back *back) {
    const struct day *day = back->day;
    size_t told = power_noted(day->tape, back->cut->step, DAY_TOLD);
    size_t step = power_noted(day->tape, back->cut->step, DAY_STEP);
    struct reading reading = {.back = back};

    rejoin_hub_walk(&back->hub, DAY_STORE, read_archive, &reading);
    if (reading.day < told)
        fail_msg("step %zu: %zu rows had beeped, %zu are archived",
                 back->cut->step, told, reading.day);
    assert_true(reading.day <= day->step_end[step]);
    assert_int_equal(reading.later, back->rows.count);
    check_counts(back);
}

/* The replica has what it says it has. */
static void check_desk(struct back *back) {
    struct desk_stats stats;
    struct desk *desk = NULL;
    struct ts_err err = {0};
    char path[160], key[TS_TOKEN_TEXT];

    (void)snprintf(path, sizeof path, "%s/desk.db", back->lane->folder);
    if (desk_open(&desk, path, &err) != TS_OK)
        fail_msg("%s", err.text);
    desk_get_stats(desk, &stats);
    assert_true(stats.position <= back->day->desk_told);
    for (unsigned i = 1; i <= DAY_DESK_RECORDS; i++) {
        json_t *found;

        day_desk_key(key, i);
        found = desk_find(desk, key, ts_clock_wall(&back->lane->clock.clock));
        assert_int_equal(found != NULL, i <= stats.position);
        json_decref(found);
    }
    desk_close(desk);
}

/* The power goes again while the agent comes back. */
static void cut_again(struct back *back) {
    struct power_tape *tape;
    struct power_disk *disk;
    size_t step;

    atomic_store(&back->notes.value[DAY_TOLD], 0);
    power_record(back->lane->folder, &back->notes);
    come_back(back);
    fixture_stop(back->lane);
    tape = power_stop();
    step = (size_t)(back->cut->seed % (power_steps(tape) + 1));
    disk = power_disk_new(tape);
    power_disk_play(disk, step);
    power_disk_cut(disk, back->cut->tear, back->cut->seed, back->lane->folder);
    back->safe = power_noted(tape, step, DAY_TOLD);
    power_disk_free(disk);
    power_tape_free(tape);
    back->twice++;
}

static void check_cut(struct back *back, const struct power_disk *disk) {
    forget_rows(back, 0);
    back->safe = 0;
    power_disk_cut(disk, back->cut->tear, back->cut->seed, back->lane->folder);
    if (back->cut->random && back->cut->seed % 3 == 0)
        cut_again(back);
    check_desk(back);
    lay_hub(back);
    come_back(back);
    rejoin(back);
    check_archive(back);
    rejoin_hub_close(&back->hub);
    fixture_stop(back->lane);
}

static void back_open(struct back *back, const struct day *day) {
    void *lane = NULL;

    *back = (struct back){.day = day};
    (void)fixture_set_up(&lane);
    back->lane = lane;
    back->lane->clock.wall_ms = day->lane->clock.wall_ms;
    fixture_stop(back->lane);
    day_move_lane(back->lane);
    cuts_folder(back->hub_folder);
    (void)snprintf(back->hub_path, sizeof back->hub_path, "%s/hub.db",
                   back->hub_folder);
}

static void back_close(struct back *back) {
    forget_rows(back, 0);
    free(back->rows.rows);
    folder_remove(back->hub_folder);
    fixture_start(back->lane);
    (void)fixture_tear_down((void *[]){back->lane});
}

static void test_a_day(void **state) {
    struct day day;
    struct back back;
    struct cuts cuts;
    struct power_disk *disk;

    (void)state;
    power_vfs_install();
    day_live(&day);
    back_open(&back, &day);
    cuts = cuts_plan(day.tape, 0);
    disk = power_disk_new(day.tape);
    for (size_t i = 0; i < cuts.count; i++) {
        back.cut = &cuts.cuts[i];
        power_disk_play(disk, back.cut->step);
        check_cut(&back, disk);
    }
    assert_true(cuts.syncs && cuts.writes && back.unanswered);
    print_message("%zu power cuts (at %zu of the syncs, before and behind, at "
                  "%zu writes, at %zu instants by lot, %zu of them twice; %zu "
                  "with rows whose answer had not gone) in %zu steps of the "
                  "disk; %zu events beeped, none lost\n",
                  cuts.count + back.twice, cuts.syncs, cuts.writes, cuts.random,
                  back.twice, back.unanswered, power_steps(day.tape),
                  day.rows.count);
    power_disk_free(disk);
    cuts_fini(&cuts);
    back_close(&back);
    day_fini(&day);
    power_vfs_remove();
}

/* A backlog has gone home and its copies have aged: the file gives the room
 * back to the disk. */
enum {
    BACKLOG_ROWS = 640,
    BACKLOG_BYTES = 28000,
    GROUP = 40,
    SMALL_PAGES = 1000,
    GIVE_BACK_CUTS = 24
};

static void fill(struct fixture *lane) {
    char *text = ts_alloc(BACKLOG_BYTES + 1);
    struct event event = {.type = "feedback.given"};
    struct ts_err err = {0};
    uint64_t sequence;

    memset(text, 'a', BACKLOG_BYTES);
    text[BACKLOG_BYTES] = 0;
    event.data =
        json_pack("{s:s,s:i,s:s}", "question", "nps", "score", 9, "text", text);
    for (int i = 0; i < BACKLOG_ROWS; i++) {
        event.time = ts_clock_wall(&lane->clock.clock);
        if (journal_append(lane->journal, JOURNAL_VISIT, &event, &sequence,
                           &err) != TS_OK ||
            ((i + 1) % GROUP == 0 &&
             journal_commit(lane->journal, &err) != TS_OK))
            fail_msg("%s", err.text);
    }
    json_decref((json_t *)event.data);
    free(text);
}

static void release_all(struct fixture *lane) {
    struct uplink_source source = journal_source(lane->journal);
    struct uplink_span spans[4];
    size_t count;
    struct ts_err err = {0};

    assert_int_equal(source.spans(source.ctx, spans, 4, &count, &err), TS_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(
            source.release(source.ctx, spans[i].journal, spans[i].newest, &err),
            TS_OK);
}

/* The file itself follows with the next checkpoint. */
static bool is_small(const struct fixture *lane) {
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    bool small = false;

    if (sqlite3_open_v2(lane->path, &db, SQLITE_OPEN_READONLY, NULL) ==
            SQLITE_OK &&
        sqlite3_prepare_v2(db, "PRAGMA page_count", -1, &statement, NULL) ==
            SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        small = sqlite3_column_int(statement, 0) <= SMALL_PAGES;
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    return small;
}

/* A job stops the rewriting, so that it is asked for seldom. */
static void wait_for_room(struct fixture *lane) {
    time_t end = time(NULL) + 120, again = 0;
    struct ts_err err = {0};

    while (!is_small(lane)) {
        assert_true(time(NULL) < end);
        if (time(NULL) >= again) {
            assert_int_equal(journal_tidy(lane->journal, &err), TS_OK);
            again = time(NULL) + 5;
        }
        (void)usleep(20000);
    }
}

static bool keep_place(void *arg, const char *journal, uint64_t sequence,
                       struct ts_slice payload) {
    struct day_row *last = arg;

    assert_true(payload.len > 0);
    assert_true(strcmp(journal, last->journal) != 0 ||
                sequence == last->sequence + 1);
    memcpy(last->journal, journal, TS_JOURNAL_TEXT);
    last->sequence = sequence;
    return true;
}

/* What remains is without a gap and ends no earlier than what was told. */
static void check_given_back(struct fixture *lane, uint64_t told) {
    struct day_row last = {.sequence = 0};
    struct ts_err err = {0};

    fixture_start(lane);
    assert_int_equal(folder_count(lane->folder, "damaged"), 0);
    assert_int_equal(
        journal_walk(lane->journal, "", 0, keep_place, &last, &err), TS_OK);
    assert_true(last.sequence >= told);
    fixture_stop(lane);
}

static struct power_tape *give_back(struct fixture *lane,
                                    struct power_notes *notes) {
    struct stat file;

    fixture_start(lane);
    fill(lane);
    release_all(lane);
    atomic_store(&notes->value[DAY_TOLD], BACKLOG_ROWS);
    fixture_stop(lane);
    power_record(lane->folder, notes);
    fixture_start(lane);
    lane->clock.wall_ms += 8 * INT64_C(86400000);
    wait_for_room(lane);
    fixture_stop(lane);
    assert_int_equal(stat(lane->path, &file), 0);
    assert_true(file.st_size <= (off_t)SMALL_PAGES * 4096);
    return power_stop();
}

static void test_room_is_given_back(void **state) {
    static const struct power_notes none;
    struct power_notes notes = none;
    struct fixture *lane;
    struct power_tape *tape;
    struct power_disk *disk;
    void *fresh = NULL;

    (void)state;
    power_vfs_install();
    (void)fixture_set_up(&fresh);
    lane = fresh;
    fixture_stop(lane);
    day_move_lane(lane);
    tape = give_back(lane, &notes);
    disk = power_disk_new(tape);
    for (size_t i = 0; i <= GIVE_BACK_CUTS; i++) {
        size_t step = power_steps(tape) * i / GIVE_BACK_CUTS;

        power_disk_play(disk, step);
        power_disk_cut(disk, (enum power_tear)(i % POWER_TEARS), i + 1,
                       lane->folder);
        check_given_back(lane, power_noted(tape, step, DAY_TOLD));
    }
    print_message("%d power cuts in %zu steps that give room back\n",
                  GIVE_BACK_CUTS + 1, power_steps(tape));
    power_disk_free(disk);
    power_tape_free(tape);
    fixture_start(lane);
    (void)fixture_tear_down(&fresh);
    power_vfs_remove();
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_day),
        cmocka_unit_test(test_room_is_given_back),
    };

    ts_log_set_level(TS_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
