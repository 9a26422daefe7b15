#include "journal_rows.h"

#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

static void test_group(void **state) {
    struct fixture *f = *state;
    struct seen seen;

    assert_true(append(f) == 1);
    assert_true(append(f) == 2);
    assert_true(journal_pending(f->journal));
    /* Not durable: nobody reads it, and the hub has not got it. */
    assert_int_equal(walk(f, "", &seen), TS_OK);
    assert_true(seen.rows == 0);
    assert_true(stats(f).unsent == 2);
    commit(f);
    assert_false(journal_pending(f->journal));
    assert_true(append(f) == 3);
    commit(f);
    assert_true(stats(f).unsent == 3);
    assert_true(stats(f).commits == 2);
    assert_int_equal(walk(f, journal_id(f->journal), &seen), TS_OK);
    assert_true(seen.rows == 3 && seen.contiguous);
    ts_buf_fini(&seen.bytes);
}

static void test_reopen_is_a_new_journal(void **state) {
    struct fixture *f = *state;
    char first[TS_JOURNAL_TEXT];
    struct seen seen;

    assert_string_equal(f->report.previous, "");
    memcpy(first, journal_id(f->journal), sizeof first);
    append_many(f, 5);
    (void)append(f); /* never committed: its number is free */
    reopen(f);
    assert_string_not_equal(journal_id(f->journal), first);
    assert_string_equal(f->report.previous, first);
    assert_true(f->report.previous_last == 5);
    assert_true(append(f) == 1);
    commit(f);
    assert_int_equal(walk(f, first, &seen), TS_OK);
    assert_true(seen.rows == 6 && seen.contiguous);
    ts_buf_fini(&seen.bytes);
    /* A run that recorded nothing is no journal. */
    reopen(f);
    memcpy(first, f->report.previous, sizeof first);
    reopen(f);
    assert_string_equal(f->report.previous, first);
}

static void test_values_share_the_group(void **state) {
    struct fixture *f = *state;
    struct ts_buf value = {0};

    assert_int_equal(journal_get(f->journal, "visit", &value), TS_INVALID);
    assert_int_equal(journal_put(f->journal, "visit", ts_slice_text("a"), NULL),
                     TS_OK);
    reopen(f); /* without a commit it is gone */
    assert_int_equal(journal_get(f->journal, "visit", &value), TS_INVALID);
    assert_int_equal(journal_put(f->journal, "visit", ts_slice_text("b"), NULL),
                     TS_OK);
    commit(f);
    reopen(f);
    assert_int_equal(journal_get(f->journal, "visit", &value), TS_OK);
    assert_string_equal(ts_buf_text(&value), "b");
    assert_int_equal(journal_put(f->journal, "visit", ts_slice_text(""), NULL),
                     TS_OK);
    commit(f);
    assert_int_equal(journal_get(f->journal, "visit", &value), TS_INVALID);
    ts_buf_fini(&value);
}

static void test_second_opener(void **state) {
    struct fixture *f = *state;
    struct journal *second;
    struct journal_report report;
    struct ts_err err = {0};

    assert_int_equal(journal_open(&second, &f->options, &report, &err),
                     TS_DENIED);
    assert_non_null(strstr(err.text, "another agent holds"));
}

static void test_missing_folder(void **state) {
    struct fixture *f = *state;
    struct journal_options options = f->options;
    struct journal *journal;
    struct journal_report report;
    struct ts_err err = {0};

    options.path = "/nonexistent/folder/journal.db";
    assert_int_equal(journal_open(&journal, &options, &report, &err), TS_IO);
    assert_non_null(strstr(err.text, "create its folder"));
}

static void test_release_and_lowered_through(void **state) {
    struct fixture *f = *state;
    struct uplink_span span;
    struct uplink_source source;

    append_many(f, 10);
    release(f, journal_id(f->journal), 7);
    span = only_span(f);
    assert_true(span.oldest == 1 && span.newest == 10 && span.through == 7);
    assert_true(stats(f).unsent == 3 && stats(f).copies == 7);
    /* The hub was restored from an older backup. */
    release(f, journal_id(f->journal), 2);
    assert_true(stats(f).unsent == 8 && stats(f).copies == 2);
    source = journal_source(f->journal);
    assert_int_equal(
        source.release(source.ctx, journal_id(f->journal), 11, NULL),
        TS_INVALID);
    /* What an ack moved is kept without a new event. */
    assert_int_equal(journal_tidy(f->journal, NULL), TS_OK);
    reopen(f);
    assert_true(only_span(f).through == 2);
    assert_true(stats(f).unsent == 8 && stats(f).copies == 2);
}

static void test_oldest_unsent(void **state) {
    struct fixture *f = *state;
    int64_t first = f->clock.wall_ms;

    append_many(f, 2);
    assert_true(stats(f).has_oldest);
    assert_true(stats(f).oldest_unsent.unix_ms == first);
    f->clock.wall_ms += 5000;
    append_many(f, 1);
    release(f, journal_id(f->journal), 2);
    assert_true(stats(f).oldest_unsent.unix_ms == first + 5000);
    release(f, journal_id(f->journal), 3);
    assert_false(stats(f).has_oldest);
}

/* The hub falls back while the disk removes what it asks for again. */
static void test_lowered_while_copies_go(void **state) {
    struct fixture *f = *state;
    struct uplink_source source;
    struct ts_err err;

    f->options.keep_bytes = 500;
    reopen(f);
    append_many(f, 10);
    release(f, journal_id(f->journal), 10);
    (void)append(f);
    assert_true(journal_commit_begin(f->journal));
    source = journal_source(f->journal);
    assert_int_equal(
        source.release(source.ctx, journal_id(f->journal), 0, &err), TS_AGAIN);
    assert_int_equal(journal_commit_wait(f->journal, NULL), TS_OK);
    assert_true(stats(f).copies < 10);
    release(f, journal_id(f->journal), 0);
    assert_true(stats(f).copies == 0);
    assert_true(stats(f).unsent < 11);
    release(f, journal_id(f->journal), 11);
    assert_true(stats(f).unsent == 0);
}

static void test_copies_age(void **state) {
    struct fixture *f = *state;
    struct uplink_span span;

    append_many(f, 10);
    release(f, journal_id(f->journal), 6);
    f->clock.wall_ms += f->options.keep_ms + 1;
    append_many(f, 1);
    span = only_span(f);
    /* Age bounds copies only: what is unsent stays, however old. */
    assert_true(span.oldest == 7 && span.newest == 11);
    assert_true(stats(f).copies == 0 && stats(f).unsent == 5);
    release(f, journal_id(f->journal), 11);
    f->clock.wall_ms += f->options.keep_ms + 1;
    assert_int_equal(journal_tidy(f->journal, NULL), TS_OK);
    /* The last row stays, so that the next run can name it. */
    assert_true(only_span(f).oldest == 11);
    reopen(f);
    assert_true(f->report.previous_last == 11);
    append_many(f, 1);
    assert_int_equal(journal_tidy(f->journal, NULL), TS_OK);
    span = only_span(f);
    assert_string_equal(span.journal, journal_id(f->journal));
    assert_true(stats(f).copies == 0 && stats(f).unsent == 1);
}

/* A wall clock that was wrong, or is, makes no copy old: an open visit is
 * folded from copies. */
static void test_copies_of_a_lying_clock(void **state) {
    struct fixture *f = *state;
    const int64_t now = f->clock.wall_ms;

    f->clock.synchronised = false;
    f->clock.wall_ms = 40000;
    append_many(f, 3);
    release(f, journal_id(f->journal), 3);
    f->clock.wall_ms = now + 31536000000;
    append_many(f, 3);
    release(f, journal_id(f->journal), 6);
    assert_int_equal(journal_tidy(f->journal, NULL), TS_OK);
    assert_true(only_span(f).oldest == 1);
    f->clock.wall_ms = now;
    f->clock.synchronised = true;
    assert_int_equal(journal_tidy(f->journal, NULL), TS_OK);
    assert_true(only_span(f).oldest == 1);
    /* They are as old as the first row behind them whose time is right. */
    append_many(f, 2);
    release(f, journal_id(f->journal), 8);
    f->clock.wall_ms += f->options.keep_ms - 1;
    assert_int_equal(journal_tidy(f->journal, NULL), TS_OK);
    assert_true(only_span(f).oldest == 1);
    f->clock.wall_ms += 2;
    assert_int_equal(journal_tidy(f->journal, NULL), TS_OK);
    assert_true(only_span(f).oldest == 8);
}

static void test_copies_bounded_by_size(void **state) {
    struct fixture *f = *state;

    f->options.keep_bytes = 20000;
    reopen(f);
    append_many(f, 400);
    release(f, journal_id(f->journal), 350);
    append_many(f, 1);
    assert_true(stats(f).copies > 0 && stats(f).copies < 60);
    assert_true(stats(f).unsent == 51);
}

static void test_full_by_class(void **state) {
    static const enum journal_class order[] = {JOURNAL_TELEMETRY, JOURNAL_ITEM,
                                               JOURNAL_VISIT, JOURNAL_CARD};
    struct fixture *f = *state;
    struct ts_err err = {0};
    uint64_t sequence;

    f->options.max_bytes = 200000;
    reopen(f);
    for (size_t i = 0; i < 4; i++) {
        enum ts_status status;

        do {
            status =
                append_to(f->journal, &f->clock, order[i], &sequence, &err);
        } while (status == TS_OK);
        assert_int_equal(status, TS_FULL);
        assert_non_null(strstr(err.text, "journal.max_mb"));
        commit(f);
        for (size_t j = 0; j < 4; j++)
            assert_int_equal(journal_has_room(f->journal, order[j]), j > i);
        assert_true(stats(f).refused[order[i]] == 1);
        assert_true(journal_refusals(f->journal, order[i]).count == 1);
    }
    /* Room is reserved for the report. */
    assert_true(journal_has_room(f->journal, JOURNAL_NOTICE));
    assert_int_equal(
        append_to(f->journal, &f->clock, JOURNAL_NOTICE, &sequence, &err),
        TS_OK);
    commit(f);
    release(f, journal_id(f->journal), sequence);
    assert_true(journal_has_room(f->journal, JOURNAL_TELEMETRY));
}

/* A disk that takes nothing must not fill the memory. */
static void test_what_waits_is_bounded(void **state) {
    struct fixture *f = *state;
    struct ts_err err = {0};
    uint64_t sequence;
    enum ts_status status = TS_OK;

    for (int i = 0; i < 100000 && status == TS_OK; i++)
        status =
            append_to(f->journal, &f->clock, JOURNAL_CARD, &sequence, &err);
    assert_int_equal(status, TS_FULL);
    assert_non_null(strstr(err.text, "does not answer"));
    assert_true(stats(f).refused[JOURNAL_CARD] == 1);
    commit(f);
    assert_int_equal(
        append_to(f->journal, &f->clock, JOURNAL_CARD, &sequence, &err), TS_OK);
}

static void test_values_that_wait_are_bounded(void **state) {
    struct fixture *f = *state;
    enum ts_status status = TS_OK;
    struct ts_err err = {0};
    uint64_t sequence;
    int puts = 0;

    for (; status == TS_OK && puts < 100000; puts++)
        status =
            journal_put(f->journal, "session", ts_slice_text("12345678"), &err);
    assert_int_equal(status, TS_FULL);
    assert_non_null(strstr(err.text, "does not answer"));
    assert_int_equal(
        append_to(f->journal, &f->clock, JOURNAL_CARD, &sequence, &err),
        TS_FULL);
    commit(f);
    assert_int_equal(
        journal_put(f->journal, "session", ts_slice_text("9"), &err), TS_OK);
    commit(f);
}

/* After a long outage the disk has its room back. */
static void test_room_is_given_back(void **state) {
    struct fixture *f = *state;
    struct stat full;
    struct stat now;
    uint64_t rows;
    int64_t deadline;

    f->options.keep_bytes = 20000;
    reopen(f);
    while (stats(f).bytes < 24 << 20)
        append_many(f, 1000);
    release(f, journal_id(f->journal), stats(f).unsent);
    reopen(f);
    assert_int_equal(stat(f->path, &full), 0);
    assert_true(full.st_size > 24 << 20);
    do {
        assert_int_equal(journal_tidy(f->journal, NULL), TS_OK);
        (void)append(f); /* copies go in the transaction of what comes */
        commit(f);
        release(f, journal_id(f->journal), only_span(f).newest);
    } while (stats(f).copies > 200);
    rows = stats(f).appended;
    now = full;
    /* A tidy that comes between two pieces does not begin anew, and a commit
     * goes in between them. */
    for (deadline = now_ms() + 60000; now_ms() < deadline;) {
        assert_int_equal(journal_tidy(f->journal, NULL), TS_OK);
        (void)append(f);
        commit(f);
        rows++;
        release(f, journal_id(f->journal), only_span(f).newest);
        assert_int_equal(stat(f->path, &now), 0);
        if (now.st_size < full.st_size / 3)
            break;
    }
    assert_true(now.st_size < full.st_size / 3);
    assert_true(stats(f).appended == rows);
    reopen(f);
    assert_true(append(f) == 1);
    commit(f);
}

/* Copies that go with the next insert cost no sync of their own; nor do values
 * and what an ack moved. */
static void test_one_sync_for_all(void **state) {
    struct fixture *f = *state;
    uint64_t syncs;

    append_many(f, 10);
    release(f, journal_id(f->journal), 9);
    f->clock.wall_ms += f->options.keep_ms + 1;
    syncs = stats(f).disk_syncs;
    (void)append(f);
    assert_int_equal(journal_put(f->journal, "visit", ts_slice_text("a"), NULL),
                     TS_OK);
    commit(f);
    assert_true(stats(f).copies == 0);
    assert_true(stats(f).disk_syncs == syncs + 1);
    assert_true(stats(f).disk_bytes > 0);
}

static void test_read_for_the_line(void **state) {
    struct fixture *f = *state;
    struct uplink_source source = journal_source(f->journal);
    uint64_t numbers[2] = {0, 0};

    append_many(f, 30);
    (void)append(f); /* in the open group: not for the line */
    assert_int_equal(source.read(source.ctx, journal_id(f->journal), 11, 10,
                                 count_row, numbers, NULL),
                     TS_OK);
    assert_true(numbers[0] == 10 && numbers[1] == 20);
    assert_int_equal(source.read(source.ctx, journal_id(f->journal), 21, 100,
                                 count_row, numbers, NULL),
                     TS_OK);
    assert_true(numbers[0] == 20 && numbers[1] == 30);
}

/* A child appends in groups and tells each durable number; it is killed after
 * some of them. Whatever it told is there, without a hole. */
static void child_appends(struct fixture *f, int out, uint64_t seed) {
    for (;;) {
        uint64_t size = draw(&seed) % 5 + 1;
        uint64_t sequence = 0;

        for (uint64_t i = 0; i < size; i++)
            sequence = append(f);
        commit(f);
        if (write(out, &sequence, sizeof sequence) != sizeof sequence)
            _exit(0);
    }
}

static uint64_t run_and_kill(struct fixture *f, uint64_t seed) {
    uint64_t confirmed = 0;
    uint64_t groups = draw(&seed) % 40 + 1;
    int pipes[2];
    pid_t child;
    int status;

    assert_int_equal(pipe(pipes), 0);
    child = fork();
    if (child == 0) {
        (void)close(pipes[0]);
        open_journal(f);
        child_appends(f, pipes[1], seed);
    }
    (void)close(pipes[1]);
    for (uint64_t i = 0; i < groups; i++)
        assert_int_equal(read(pipes[0], &confirmed, sizeof confirmed),
                         sizeof confirmed);
    (void)kill(child, SIGKILL);
    while (read(pipes[0], &confirmed, sizeof confirmed) == sizeof confirmed)
        continue;
    (void)close(pipes[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    return confirmed;
}

static void test_kill(void **state) {
    struct fixture *f = *state;

    for (uint64_t round = 0; round < 25; round++) {
        struct seen seen;
        uint64_t confirmed;

        journal_close(f->journal);
        f->journal = NULL;
        confirmed = run_and_kill(f, round * 7919 + 1);
        open_journal(f);
        assert_false(f->report.damaged);
        assert_true(f->report.previous_last >= confirmed);
        assert_int_equal(walk(f, f->report.previous, &seen), TS_OK);
        assert_true(seen.contiguous && seen.rows == f->report.previous_last);
        ts_buf_fini(&seen.bytes);
    }
}

static void test_read_while_written(void **state) {
    struct fixture *f = *state;
    struct seen seen = {.contiguous = true};
    struct ts_err err = {0};

    append_many(f, 12);
    assert_int_equal(journal_read_file(f->path, "", 0, see, &seen, &err),
                     TS_OK);
    assert_true(seen.rows == 12 && seen.contiguous);
    ts_buf_fini(&seen.bytes);
    assert_int_equal(
        journal_read_file("/nonexistent/journal.db", "", 0, see, &seen, &err),
        TS_IO);
    append_many(f, 1);
}

static void test_newer_format(void **state) {
    struct fixture *f = *state;
    struct ts_err err = {0};
    int fd;

    journal_close(f->journal);
    f->journal = NULL;
    /* user_version stands at offset 60 of the file header. */
    fd = open(f->path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "\0\0\0\x63", 4, 60), 4);
    (void)close(fd);
    assert_int_equal(journal_open(&f->journal, &f->options, &f->report, &err),
                     TS_INVALID);
    assert_non_null(strstr(err.text, "newer version"));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        JOURNAL_TEST(test_group),
        JOURNAL_TEST(test_reopen_is_a_new_journal),
        JOURNAL_TEST(test_values_share_the_group),
        JOURNAL_TEST(test_second_opener),
        JOURNAL_TEST(test_missing_folder),
        JOURNAL_TEST(test_release_and_lowered_through),
        JOURNAL_TEST(test_oldest_unsent),
        JOURNAL_TEST(test_lowered_while_copies_go),
        JOURNAL_TEST(test_copies_age),
        JOURNAL_TEST(test_copies_of_a_lying_clock),
        JOURNAL_TEST(test_copies_bounded_by_size),
        JOURNAL_TEST(test_full_by_class),
        JOURNAL_TEST(test_read_for_the_line),
        JOURNAL_TEST(test_kill),
        JOURNAL_TEST(test_what_waits_is_bounded),
        JOURNAL_TEST(test_values_that_wait_are_bounded),
        JOURNAL_TEST(test_room_is_given_back),
        JOURNAL_TEST(test_one_sync_for_all),
        JOURNAL_TEST(test_read_while_written),
        JOURNAL_TEST(test_newer_format),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
