/* Room is given back to a disk that is slow. */
#include "journal_fixture.h"
#include "journal_vfs.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Writes wait behind the next sync while the gate is armed: the sync of a
 * commit passes, what follows it waits. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool armed, shut, waits;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .changed = PTHREAD_COND_INITIALIZER};

static int on_write(sqlite3_file *file, const void *data, int len,
                    sqlite3_int64 at) {
    (void)pthread_mutex_lock(&gate.lock);
    while (gate.shut) {
        gate.waits = true;
        (void)pthread_cond_broadcast(&gate.changed);
        (void)pthread_cond_wait(&gate.changed, &gate.lock);
    }
    (void)pthread_mutex_unlock(&gate.lock);
    return vfs_real(file)->xWrite(file, data, len, at);
}

static int on_sync(sqlite3_file *file, int flags) {
    (void)pthread_mutex_lock(&gate.lock);
    gate.shut |= gate.armed;
    (void)pthread_mutex_unlock(&gate.lock);
    return vfs_real(file)->xSync(file, flags);
}

static int gate_set_up(void **state) {
    vfs_begin(&(struct vfs_calls){.write = on_write, .sync = on_sync});
    return journal_set_up(state);
}

static void gate_move(bool armed) {
    (void)pthread_mutex_lock(&gate.lock);
    gate.armed = armed;
    gate.shut = gate.waits = false;
    (void)pthread_cond_broadcast(&gate.changed);
    (void)pthread_mutex_unlock(&gate.lock);
}

static int gate_tear_down(void **state) {
    int rc;

    gate_move(false);
    rc = journal_tear_down(state);
    vfs_end();
    return rc;
}

static void wait_at_gate(void) {
    struct timespec until;
    int code = 0;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 60;
    (void)pthread_mutex_lock(&gate.lock);
    while (!gate.waits && code == 0)
        code = pthread_cond_timedwait(&gate.changed, &gate.lock, &until);
    (void)pthread_mutex_unlock(&gate.lock);
    assert_int_equal(code, 0);
}

static void append_many(struct fixture *f, size_t count) {
    char filler[800];
    json_t *data;
    struct event event = {.type = "item.scanned",
                          .time = {f->clock.wall_ms},
                          .clock = EVENT_CLOCK_SET};
    uint64_t sequence;

    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = 0;
    data = json_pack("{s:s}", "code", filler);
    event.data = data;
    for (size_t i = 0; i < count; i++)
        assert_int_equal(
            journal_append(f->journal, JOURNAL_ITEM, &event, &sequence, NULL),
            TS_OK);
    json_decref(data);
    assert_int_equal(journal_commit(f->journal, NULL), TS_OK);
}

static int64_t file_bytes(const struct fixture *f) {
    struct stat info;

    assert_int_equal(stat(f->path, &info), 0);
    return info.st_size;
}

/* A long outage is over: much room, few rows. */
static void fill_and_release(struct fixture *f) {
    f->options.keep_bytes = 20000;
    journal_close(f->journal);
    open_journal(f);
    for (uint64_t i = 1; i <= 40; i++)
        append_many(f, 1000);
    release(f, journal_id(f->journal), stats(f).unsent);
    for (uint64_t rows = 40001; stats(f).copies > 100; rows++) {
        append_many(f, 1); /* copies go in the transaction of what comes */
        release(f, journal_id(f->journal), rows);
    }
}

/* A commit waits for one piece of it at most, and what an idle lane does each
 * ten seconds does not begin the work again. */
static void test_commit_goes_between(void **state) {
    struct fixture *f = *state;
    int64_t full;
    enum ts_status status;

    fill_and_release(f);
    full = file_bytes(f);
    gate_move(true);
    journal_tidy_begin(f->journal);
    assert_int_equal(journal_commit_wait(f->journal, NULL), TS_OK);
    wait_at_gate();
    journal_tidy_begin(f->journal);
    do { /* each time one sync passes */
        gate_move(true);
        status = journal_commit_end(f->journal, NULL);
    } while (status == TS_AGAIN);
    assert_int_equal(status, TS_OK);
    wait_at_gate(); /* the next piece */
    assert_true(file_bytes(f) == full);
    gate_move(false);
    assert_int_equal(journal_tidy(f->journal, NULL), TS_OK);
    assert_true(file_bytes(f) < full / 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_commit_goes_between, gate_set_up,
                                        gate_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
