/* What an erasure takes from the journal's copies. */
#include "journal_fixture.h"
#include "journal_vfs.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

struct seen {
    uint64_t rows, last;
    struct ts_buf bytes;
};

static bool see(void *arg, const char *journal, uint64_t sequence,
                struct ts_slice payload) {
    struct seen *seen = arg;

    (void)journal;
    seen->rows++;
    seen->last = sequence;
    return ts_buf_add(&seen->bytes, payload) == TS_OK;
}

#define CARD_A  "c1.uKCh5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqY"
#define CARD_B  "c1.AAAA5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqY"
#define VISIT_A "0192f3c4-0000-7000-8000-00000000000a"
#define VISIT_B "0192f3c4-0000-7000-8000-00000000000b"

/* A card when `card`, else an item; not committed. */
static void append_row(struct fixture *f, const char *visit, const char *card) {
    json_t *data = card ? json_pack("{s:s}", "card", card)
                        : json_pack("{s:s}", "gtin", "08001230000017");
    struct event event = {.type = card ? "card.presented" : "item.scanned",
                          .visit = visit,
                          .time = {f->clock.wall_ms},
                          .uptime = {f->clock.mono_ms},
                          .clock = EVENT_CLOCK_SET,
                          .data = data};
    struct ts_err err = {0};
    uint64_t sequence;

    if (journal_append(f->journal, JOURNAL_CARD, &event, &sequence, &err) !=
        TS_OK)
        fail_msg("%s", err.text);
    json_decref(data);
}

static void append_in(struct fixture *f, const char *visit, const char *card) {
    append_row(f, visit, card);
    assert_int_equal(journal_commit(f->journal, NULL), TS_OK);
}

static bool file_holds(const char *path, const char *suffix, const char *text) {
    struct ts_buf bytes = {0};
    char name[160];
    bool found;

    (void)snprintf(name, sizeof name, "%s%s", path, suffix);
    ts_buf_init(&bytes, 64 << 20);
    found = ts_file_read(&bytes, name, 64 << 20, NULL) == TS_OK && bytes.len &&
            memmem(bytes.data, bytes.len, text, strlen(text));
    ts_buf_fini(&bytes);
    return found;
}

static void test_erase(void **state) {
    struct fixture *f = *state;
    json_t *cards = json_pack("[s]", CARD_A);
    struct ts_err err = {0};
    struct seen seen = {.rows = 0};
    char id[TS_JOURNAL_TEXT];
    char aside[160];

    memcpy(id, journal_id(f->journal), sizeof id);
    append_in(f, VISIT_B, NULL);
    append_in(f, VISIT_A, NULL);
    append_in(f, VISIT_A, CARD_A);
    append_in(f, VISIT_B, CARD_B);
    append_in(f, VISIT_A, NULL);
    append_in(f, VISIT_A, CARD_A);
    (void)snprintf(aside, sizeof aside, "%s.damaged-20261121", f->path);
    assert_int_equal(close(open(aside, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)),
                     0);
    release(f, id, 5);
    assert_int_equal(journal_erase(f->journal, cards, &err), TS_OK);
    /* The unsent row stays: it travels, and the hub suppresses it. */
    assert_int_equal(journal_walk(f->journal, id, 1, see, &seen, &err), TS_OK);
    assert_true(seen.rows == 3 && seen.last == 6);
    assert_non_null(memmem(seen.bytes.data, seen.bytes.len, CARD_B, 46));
    ts_buf_fini(&seen.bytes);
    assert_true(stats(f).copies == 2 && stats(f).unsent == 1);
    assert_true(folder_count(f->folder, ".damaged-") == 0);
    release(f, id, 6);
    assert_int_equal(journal_erase(f->journal, cards, &err), TS_OK);
    assert_true(stats(f).copies == 2);
    assert_true(file_holds(f->path, "", CARD_B));
    assert_false(file_holds(f->path, "", CARD_A));
    assert_false(file_holds(f->path, "-wal", CARD_A));
    /* The numbers go on where they were. */
    journal_close(f->journal);
    open_journal(f);
    assert_string_equal(f->report.previous, id);
    assert_true(f->report.previous_last == 6 && stats(f).copies == 2);
    json_decref(cards);
}

static void on_done(void *arg) { *(bool *)arg = true; }

/* One turn of the lane's loop. */
static void turn(struct fixture *f) {
    struct pollfd fd = {.fd = journal_commit_fd(f->journal), .events = POLLIN};
    struct ts_err err;

    (void)poll(&fd, 1, 100);
    switch (journal_commit_end(f->journal, &err)) {
    case TS_OK:
    case TS_AGAIN:
        break;
    default:
        fail_msg("%s", err.text);
    }
}

static void begin_erase(struct fixture *f, bool *done) {
    json_t *cards = json_pack("[s]", CARD_A);

    assert_true(journal_erase_begin(f->journal, cards, on_done, done));
    assert_false(journal_erase_begin(f->journal, cards, NULL, NULL));
    json_decref(cards);
}

static void erase_to_the_end(struct fixture *f, const bool *done) {
    time_t end = time(NULL) + 60;

    while (!*done) {
        assert_true(time(NULL) < end);
        turn(f);
    }
}

/* What one thread reads. */
static struct {
    pthread_t thread;
    int64_t bytes;
} meter;

static int on_read(sqlite3_file *file, void *data, int len, sqlite3_int64 at) {
    if (pthread_equal(pthread_self(), meter.thread))
        meter.bytes += len;
    return vfs_real(file)->xRead(file, data, len, at);
}

static int meter_set_up(void **state) {
    meter.thread = pthread_self();
    vfs_begin(&(struct vfs_calls){.read = on_read});
    return journal_set_up(state);
}

static int meter_tear_down(void **state) {
    int rc = journal_tear_down(state);

    vfs_end();
    return rc;
}

static void append_items(struct fixture *f, int count) {
    json_t *data = json_pack("{s:s}", "gtin", "08001230000017");
    struct event event = {.type = "item.scanned",
                          .time = {f->clock.wall_ms},
                          .clock = EVENT_CLOCK_SET,
                          .data = data};
    uint64_t sequence;

    for (int i = 1; i <= count; i++) {
        assert_int_equal(
            journal_append(f->journal, JOURNAL_ITEM, &event, &sequence, NULL),
            TS_OK);
        if (i % 1000 == 0)
            assert_int_equal(journal_commit(f->journal, NULL), TS_OK);
    }
    json_decref(data);
}

static void reopen(struct fixture *f) {
    journal_close(f->journal);
    open_journal(f);
}

/* Copies are read by the writer alone, and a scan's commit goes in between. */
static void test_lane_goes_on(void **state) {
    struct fixture *f = *state;
    struct stat info;
    char id[TS_JOURNAL_TEXT];
    bool done = false;
    uint64_t scans = 0;

    memcpy(id, journal_id(f->journal), sizeof id);
    append_in(f, VISIT_A, CARD_A);
    append_items(f, 20000);
    append_in(f, VISIT_A, CARD_A);
    release(f, id, 20001); /* the last row is not the hub's yet */
    reopen(f);
    assert_int_equal(stat(f->path, &info), 0);
    meter.bytes = 0;
    begin_erase(f, &done);
    while (!done) {
        if (!journal_pending(f->journal) && scans < 20) {
            append_row(f, VISIT_B, CARD_B);
            assert_true(journal_commit_begin(f->journal));
            scans++;
        }
        turn(f);
    }
    assert_true(scans > 0);
    print_message("the loop read %lld of %lld bytes beside %llu scans\n",
                  (long long)meter.bytes, (long long)info.st_size,
                  (unsigned long long)scans);
    assert_true(meter.bytes > 0 && meter.bytes < info.st_size / 4);
    assert_true(stats(f).copies == 20000 && stats(f).unsent == 1 + scans);
}

static void test_reader_keeps_the_log(void **state) {
    struct fixture *f = *state;
    sqlite3 *db = NULL;
    bool done = false;

    append_in(f, VISIT_A, CARD_A);
    append_in(f, VISIT_B, CARD_B);
    release(f, journal_id(f->journal), 2);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "BEGIN; SELECT count(*) FROM rows", NULL, NULL, NULL),
        SQLITE_OK);
    begin_erase(f, &done);
    while (stats(f).copies > 1)
        turn(f);
    for (int i = 0; i < 3; i++) { /* the lane goes on */
        append_row(f, VISIT_B, CARD_B);
        assert_true(journal_commit_begin(f->journal));
        while (journal_pending(f->journal))
            turn(f);
    }
    assert_false(done);
    assert_true(file_holds(f->path, "-wal", CARD_A));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    erase_to_the_end(f, &done);
    assert_false(file_holds(f->path, "", CARD_A));
    assert_false(file_holds(f->path, "-wal", CARD_A));
    assert_true(stats(f).copies == 1 && stats(f).unsent == 3);
}

/* What the hub asks for again is no copy any more. */
static void test_asked_for_again(void **state) {
    struct fixture *f = *state;
    bool done = false;

    append_in(f, VISIT_A, CARD_A);
    append_in(f, VISIT_B, CARD_B);
    append_in(f, VISIT_A, CARD_A);
    release(f, journal_id(f->journal), 3);
    assert_int_equal(journal_tidy(f->journal, NULL), TS_OK);
    begin_erase(f, &done);
    release(f, journal_id(f->journal), 2);
    erase_to_the_end(f, &done);
    assert_true(stats(f).copies == 1 && stats(f).unsent == 1);
    assert_true(file_holds(f->path, "", CARD_A));
}

/* A file that is replaced meanwhile is looked through again. */
static void test_replaced_meanwhile(void **state) {
    struct fixture *f = *state;
    bool done = false;

    append_in(f, VISIT_A, CARD_A);
    append_in(f, VISIT_B, CARD_B);
    release(f, journal_id(f->journal), 2);
    assert_int_equal(journal_tidy(f->journal, NULL), TS_OK);
    begin_erase(f, &done);
    assert_int_equal(unlink(f->path), 0);
    journal_tidy_begin(f->journal);
    erase_to_the_end(f, &done);
    assert_true(stats(f).copies == 1);
    assert_false(file_holds(f->path, "", CARD_A));
    assert_false(file_holds(f->path, "-wal", CARD_A));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        JOURNAL_TEST(test_erase),
        cmocka_unit_test_setup_teardown(test_lane_goes_on, meter_set_up,
                                        meter_tear_down),
        JOURNAL_TEST(test_reader_keeps_the_log),
        JOURNAL_TEST(test_asked_for_again),
        JOURNAL_TEST(test_replaced_meanwhile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
