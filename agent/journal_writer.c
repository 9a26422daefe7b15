#include "agent/journal_writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { CHECKPOINT_PAGES = 1000 };

struct journal_writer {
    struct journal_store store; /* the thread's */
    int log_pages;              /* in the log of the file; the thread's */
    pthread_t thread;
    int fd;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    struct writer_job *given;
    bool busy, ended, stop;
};

static int on_log(void *arg, sqlite3 *db, const char *name, int pages) {
    (void)db;
    (void)name;
    ((struct journal_writer *)arg)->log_pages = pages;
    return SQLITE_OK;
}

static bool somebody_waits(struct journal_writer *writer) {
    bool waits;

    (void)pthread_mutex_lock(&writer->lock);
    waits = writer->given || writer->stop;
    (void)pthread_mutex_unlock(&writer->lock);
    return waits;
}

/* Stops a VACUUM when a job comes: it changes nothing and is asked for again.
 */
static int on_progress(void *arg) { return somebody_waits(arg); }

static void watch(struct journal_writer *writer) {
    if (writer->store.db)
        (void)sqlite3_wal_hook(writer->store.db, on_log, writer);
    writer->log_pages = 0;
}

static enum ts_status scrub(struct journal_writer *writer,
                            struct writer_job *job) {
    return store_exec(&writer->store, "PRAGMA wal_checkpoint(TRUNCATE)",
                      &job->err);
}

static enum ts_status commit(struct journal_writer *writer,
                             struct writer_job *job) {
    enum ts_status status;

    if (!writer->store.db)
        return ts_fail(&job->err, TS_IO, "%s is out of order: see the log",
                       writer->store.path);
    status = group_write(&job->group, &writer->store, &job->err);
    if (status == TS_OK && job->scrub)
        status = scrub(writer, job);
    return status;
}

static enum ts_status replace(struct journal_writer *writer,
                              struct writer_job *job) {
    enum ts_status status;
    char path[sizeof writer->store.path];

    memcpy(path, writer->store.path, sizeof path);
    store_close(&writer->store);
    status = store_mend(&writer->store, path, job->task == WRITER_REPLACE,
                        job->now, &job->report, &job->err);
    memcpy(writer->store.path, path, sizeof path);
    watch(writer);
    return status;
}

static void perform(struct journal_writer *writer, struct writer_job *job) {
    job->err = (struct ts_err){0};
    job->status =
        job->task == WRITER_COMMIT ? commit(writer, job) : replace(writer, job);
}

static void shrink(struct journal_writer *writer) {
    static const int64_t worth_bytes = 16 << 20;
    int64_t page = store_number(&writer->store, "PRAGMA page_size");
    int64_t unused = store_number(&writer->store, "PRAGMA freelist_count");
    int64_t all = store_number(&writer->store, "PRAGMA page_count");
    struct ts_err err;
    enum ts_status status;

    /* Rewriting much to free little would wear the disk. */
    if (unused * page < worth_bytes || unused < all - all / 4)
        return;
    sqlite3_progress_handler(writer->store.db, 1000, on_progress, writer);
    status = store_exec(&writer->store, "VACUUM", &err);
    sqlite3_progress_handler(writer->store.db, 0, NULL, NULL);
    (void)status;
}

/* What nobody waits for. */
static void follow_up(struct journal_writer *writer, bool want_shrink) {
    if (!writer->store.db)
        return;
    if (want_shrink && !somebody_waits(writer))
        shrink(writer);
    if (writer->log_pages >= CHECKPOINT_PAGES) {
        (void)sqlite3_wal_checkpoint_v2(writer->store.db, NULL,
                                        SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        writer->log_pages = 0;
    }
}

static void tell(struct journal_writer *writer) {
    static const uint64_t one = 1;

    writer->ended = true;
    (void)pthread_cond_broadcast(&writer->changed);
    /* Cannot fail: the counter is taken back at each end. */
    (void)!write(writer->fd, &one, sizeof one);
}

static void *run(void *arg) {
    struct journal_writer *writer = arg;

    (void)pthread_mutex_lock(&writer->lock);
    for (;;) {
        struct writer_job *job = writer->given;
        bool want_shrink;

        if (!job && writer->stop)
            break;
        if (!job) {
            (void)pthread_cond_wait(&writer->changed, &writer->lock);
            continue;
        }
        writer->given = NULL;
        writer->busy = true;
        (void)pthread_mutex_unlock(&writer->lock);
        perform(writer, job);
        want_shrink = job->shrink && job->status == TS_OK;
        (void)pthread_mutex_lock(&writer->lock);
        tell(writer);
        (void)pthread_mutex_unlock(&writer->lock);
        follow_up(writer, want_shrink);
        (void)pthread_mutex_lock(&writer->lock);
        writer->busy = false;
        (void)pthread_cond_broadcast(&writer->changed);
    }
    (void)pthread_mutex_unlock(&writer->lock);
    return NULL;
}

/* Signals are the loop's. */
static int start_thread(struct journal_writer *writer) {
    sigset_t all;
    sigset_t old;
    int code;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    code = pthread_create(&writer->thread, NULL, run, writer);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return code;
}

enum ts_status writer_start(struct journal_writer **out,
                            const struct journal_store *take_store,
                            struct ts_err *err) {
    struct journal_writer *writer = ts_alloc(sizeof *writer);
    int code;

    *writer = (struct journal_writer){.store = *take_store};
    watch(writer);
    (void)pthread_mutex_init(&writer->lock, NULL);
    (void)pthread_cond_init(&writer->changed, NULL);
    writer->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    code = writer->fd < 0 ? errno : start_thread(writer);
    if (code != 0) {
        if (writer->fd >= 0)
            (void)close(writer->fd);
        store_close(&writer->store);
        free(writer);
        return ts_fail(err, TS_IO,
                       "the journal's writer does not start (%s): raise the "
                       "limits of tasks and open files",
                       strerror(code));
    }
    *out = writer;
    return TS_OK;
}

void writer_stop(struct journal_writer *writer) {
    if (!writer)
        return;
    (void)pthread_mutex_lock(&writer->lock);
    writer->stop = true;
    (void)pthread_cond_broadcast(&writer->changed);
    (void)pthread_mutex_unlock(&writer->lock);
    (void)pthread_join(writer->thread, NULL);
    store_close(&writer->store);
    (void)close(writer->fd);
    (void)pthread_cond_destroy(&writer->changed);
    (void)pthread_mutex_destroy(&writer->lock);
    free(writer);
}

void writer_give(struct journal_writer *writer, struct writer_job *job) {
    (void)pthread_mutex_lock(&writer->lock);
    writer->given = job;
    (void)pthread_cond_broadcast(&writer->changed);
    (void)pthread_mutex_unlock(&writer->lock);
}

bool writer_take(struct journal_writer *writer, bool wait) {
    uint64_t count;
    bool ended;

    (void)pthread_mutex_lock(&writer->lock);
    while (wait && !writer->ended)
        (void)pthread_cond_wait(&writer->changed, &writer->lock);
    ended = writer->ended;
    writer->ended = false;
    if (ended)
        (void)!read(writer->fd, &count, sizeof count);
    (void)pthread_mutex_unlock(&writer->lock);
    return ended;
}

void writer_rest(struct journal_writer *writer) {
    (void)pthread_mutex_lock(&writer->lock);
    while (writer->busy || writer->given)
        (void)pthread_cond_wait(&writer->changed, &writer->lock);
    (void)pthread_mutex_unlock(&writer->lock);
}

int writer_fd(const struct journal_writer *writer) { return writer->fd; }
