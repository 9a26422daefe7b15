#include "agent/journal_writer.h"

#include "agent/journal_scrub.h"
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    CHECKPOINT_PAGES = 1000,
    /* Between two tries to scrub, from one to ever longer ones. */
    SCRUB_PAUSE_MS = 50,
    SCRUB_PAUSE_MAX_MS = 5000
};

struct journal_writer {
    struct journal_store store; /* the thread's */
    int log_pages;              /* in the log of the file; the thread's */
    bool log_stays;             /* ... it could not be emptied */
    struct salvage *salvage;    /* the thread's */
    bool check;                 /* a large file is being read, from here: */
    char check_journal[TS_JOURNAL_TEXT];
    uint64_t check_sequence;
    pthread_t thread;
    int fd;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    struct writer_job *given;
    bool busy, ended, stop;
    bool trim;                /* the memory of the connection is to go */
    bool chore;               /* there is something to do between jobs */
    bool shrinks;             /* ... also this: room goes back to the disk */
    struct salvage *salvaged; /* whole, not taken yet */
    struct journal_report report;
    bool salvages;
    struct search *search; /* the thread's until it has ended */
    bool searched;
    struct ts_err search_err; /* how it ended */
    bool scrubs, scrubbed;
    int64_t scrub_at_ms;
    int scrub_pause_ms;
    struct ts_err damage; /* found between jobs, not told yet */
};

static int on_log(void *arg, sqlite3 *db, const char *name, int pages) {
    (void)db;
    (void)name;
    ((struct journal_writer *)arg)->log_pages = pages;
    return SQLITE_OK;
}

static void watch(struct journal_writer *writer) {
    if (writer->store.db)
        (void)sqlite3_wal_hook(writer->store.db, on_log, writer);
    writer->log_pages = 0;
}

static int64_t now_ms(void) {
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct timespec time_of(int64_t ms) {
    return (struct timespec){ms / 1000, ms % 1000 * 1000000};
}

static enum ts_status commit(struct journal_writer *writer,
                             struct writer_job *job) {
    if (!writer->store.db)
        return ts_fail(&job->err, TS_IO, "%s is out of order: see the log",
                       writer->store.path);
    if (store_is_gone(&writer->store))
        return ts_fail(&job->err, TS_CORRUPT,
                       "%s was deleted or exchanged under the agent: it goes "
                       "on with a new one and what it still has of the old "
                       "one; stop the agent before you touch its folder",
                       writer->store.path);
    return group_write(&job->group, &writer->store, &job->err);
}

static void set_salvage(struct journal_writer *writer,
                        struct salvage *salvage) {
    writer->salvage = salvage;
    (void)pthread_mutex_lock(&writer->lock);
    writer->salvages = salvage != NULL;
    writer->chore = salvage || writer->check;
    (void)pthread_mutex_unlock(&writer->lock);
}

/* The next damaged file that waits beside this one. */
static void look_for_salvage(struct journal_writer *writer) {
    struct salvage *salvage = NULL;
    struct ts_err err;

    if (salvage_begin(&salvage, &writer->store, writer->store.path, &err) !=
        TS_OK)
        ts_log(TS_LOG_ERROR, "journal", "%s", err.text);
    set_salvage(writer, salvage);
}

static void unlink_companion(const char *path, const char *suffix) {
    char name[sizeof((struct journal_store *)0)->path + 8];

    (void)snprintf(name, sizeof name, "%s%s", path, suffix);
    (void)unlink(name);
}

/* Of a deleted file all is there as long as this connection is. */
static void leave_store(struct journal_writer *writer) {
    struct journal_store *store = &writer->store;
    sqlite3 *db = store->db;

    if (writer->salvage && !salvage_is_adopted(writer->salvage)) {
        salvage_free(writer->salvage);
        writer->salvage = NULL;
    }
    if (writer->salvage)
        salvage_rewind(writer->salvage);
    if (!store_is_gone(store)) {
        store_close(store);
        return;
    }
    store->db = NULL;
    store_close(store); /* its statements */
    unlink_companion(store->path, "-wal");
    unlink_companion(store->path, "-shm");
    if (writer->salvage)
        salvage_queue(writer->salvage, salvage_adopt(db));
    else
        writer->salvage = salvage_adopt(db);
}

/* What was found or begun in a file that is left. */
static void forget_chores(struct journal_writer *writer) {
    (void)pthread_mutex_lock(&writer->lock);
    writer->damage = (struct ts_err){0};
    search_free(writer->search);
    writer->search = NULL;
    writer->searched = writer->scrubs = writer->scrubbed = false;
    (void)pthread_mutex_unlock(&writer->lock);
}

static enum ts_status replace(struct journal_writer *writer,
                              struct writer_job *job) {
    bool damaged = job->task == WRITER_REPLACE;
    enum ts_status status;
    char path[sizeof writer->store.path];

    memcpy(path, writer->store.path, sizeof path);
    leave_store(writer);
    forget_chores(writer);
    status = salvage_open(&writer->store, path, damaged, job->now, &job->err);
    memcpy(writer->store.path, path, sizeof path);
    watch(writer);
    writer->check = status == TS_OK && writer->store.unchecked;
    if (status == TS_OK && !writer->salvage)
        look_for_salvage(writer);
    else
        set_salvage(writer, writer->salvage);
    return status;
}

static void perform(struct journal_writer *writer, struct writer_job *job) {
    job->err = (struct ts_err){0};
    job->status =
        job->task == WRITER_COMMIT ? commit(writer, job) : replace(writer, job);
}

/* Told once: the log grows until it works again. */
static void note_checkpoint(struct journal_writer *writer, int code) {
    bool well = code == SQLITE_OK || code == SQLITE_BUSY;

    if (!well && !writer->log_stays)
        ts_log(TS_LOG_ERROR, "journal",
               "the log of %s does not go into the file and grows (%s): check "
               "the disk",
               writer->store.path, sqlite3_errmsg(writer->store.db));
    writer->log_stays = !well;
}

static void checkpoint(struct journal_writer *writer) {
    note_checkpoint(writer, sqlite3_wal_checkpoint_v2(writer->store.db, NULL,
                                                      SQLITE_CHECKPOINT_PASSIVE,
                                                      NULL, NULL));
    writer->log_pages = 0;
}

/* What nobody waits for. */
static void follow_up(struct journal_writer *writer) {
    if (writer->store.db && writer->log_pages >= CHECKPOINT_PAGES)
        checkpoint(writer);
}

/* The lock is held. */
static void tell(struct journal_writer *writer) {
    static const uint64_t one = 1;

    (void)pthread_cond_broadcast(&writer->changed);
    /* Cannot fail: the counter is taken back each time. */
    (void)!write(writer->fd, &one, sizeof one);
}

static void do_job(struct journal_writer *writer, struct writer_job *job) {
    bool wants;

    perform(writer, job);
    wants = job->shrink && job->status == TS_OK &&
            store_wants_shrink(&writer->store);
    (void)pthread_mutex_lock(&writer->lock);
    writer->shrinks = writer->store.db && (writer->shrinks || wants);
    /* What the disk did not take before is tried again. */
    writer->chore = job->status == TS_OK && (writer->salvage || writer->check);
    if (job->scrub && job->status == TS_OK) {
        writer->scrubs = true;
        writer->scrub_at_ms = 0;
        writer->scrub_pause_ms = SCRUB_PAUSE_MS;
    }
    writer->ended = true;
    tell(writer);
    (void)pthread_mutex_unlock(&writer->lock);
    follow_up(writer);
}

/* One at a time: the next ends when this one is taken. */
static void end_salvage(struct journal_writer *writer) {
    struct journal_report report;
    struct salvage *later;
    bool ended;

    (void)pthread_mutex_lock(&writer->lock);
    ended = !writer->salvaged;
    writer->chore = false;
    (void)pthread_mutex_unlock(&writer->lock);
    if (!ended)
        return;
    salvage_finish(writer->salvage, &report);
    later = salvage_take_later(writer->salvage);
    (void)pthread_mutex_lock(&writer->lock);
    writer->salvaged = writer->salvage;
    writer->report = report;
    tell(writer);
    (void)pthread_mutex_unlock(&writer->lock);
    if (later)
        set_salvage(writer, later);
    else
        look_for_salvage(writer);
}

static void rest_from(struct journal_writer *writer, enum ts_status status,
                      const struct ts_err *err) {
    if (status != TS_CORRUPT)
        ts_log(TS_LOG_ERROR, "journal", "%s", err->text);
    (void)pthread_mutex_lock(&writer->lock);
    writer->chore = false;
    if (status == TS_CORRUPT)
        writer->damage = *err;
    tell(writer);
    (void)pthread_mutex_unlock(&writer->lock);
}

/* A piece of what can wait. */
static void do_chore(struct journal_writer *writer) {
    struct ts_err err;
    enum ts_status status;

    if (writer->salvage)
        status = salvage_step(writer->salvage, &writer->store, &err);
    else
        status = store_check_step(&writer->store, writer->check_journal,
                                  &writer->check_sequence, &err);
    if (status == TS_OK && writer->salvage) {
        end_salvage(writer);
    } else if (status == TS_OK) {
        writer->check = false;
        set_salvage(writer, NULL);
    } else if (status != TS_AGAIN) {
        rest_from(writer, status, &err);
    }
    follow_up(writer);
}

/* A piece of what is given back to the disk; the file ends earlier when the
 * log has gone into it. */
static void do_shrink(struct journal_writer *writer) {
    struct ts_err err;
    enum ts_status status = store_shrink_step(&writer->store, &err);

    (void)pthread_mutex_lock(&writer->lock);
    writer->shrinks = status == TS_AGAIN;
    (void)pthread_mutex_unlock(&writer->lock);
    if (status == TS_OK)
        checkpoint(writer);
    else if (status != TS_AGAIN)
        ts_log(TS_LOG_WARN, "journal", "%s", err.text);
    follow_up(writer);
}

static void do_search(struct journal_writer *writer) {
    struct ts_err err = {0};
    enum ts_status status = search_step(writer->search, &writer->store, &err);

    if (status == TS_AGAIN)
        return;
    (void)pthread_mutex_lock(&writer->lock);
    writer->searched = true;
    writer->search_err = err;
    if (status == TS_CORRUPT)
        writer->damage = err;
    tell(writer);
    (void)pthread_mutex_unlock(&writer->lock);
}

/* Nobody waits for it but who was told that it is done. */
static void do_scrub(struct journal_writer *writer) {
    struct ts_err err;
    bool done = scrub_file(&writer->store, &err) == TS_OK;
    int pause = writer->scrub_pause_ms;

    if (!done && pause < SCRUB_PAUSE_MAX_MS && pause * 2 >= SCRUB_PAUSE_MAX_MS)
        ts_log(TS_LOG_WARN, "journal", "%s", err.text);
    pause = pause * 2 < SCRUB_PAUSE_MAX_MS ? pause * 2 : SCRUB_PAUSE_MAX_MS;
    (void)pthread_mutex_lock(&writer->lock);
    writer->scrub_pause_ms = pause;
    writer->scrub_at_ms = now_ms() + pause;
    writer->scrubs = !done;
    writer->scrubbed = done;
    if (done)
        tell(writer);
    (void)pthread_mutex_unlock(&writer->lock);
}

/* What is left of a deleted file goes with this thread. */
static bool must_finish(const struct journal_writer *writer) {
    return writer->chore && writer->salvage &&
           salvage_is_adopted(writer->salvage);
}

/* The lock is held: it is memory alone. */
static void trim(struct journal_writer *writer) {
    writer->trim = false;
    if (writer->store.db)
        (void)sqlite3_db_release_memory(writer->store.db);
}

typedef void writer_chore(struct journal_writer *writer);

/* The most urgent thing to do between jobs; NULL: none. The lock is held. */
static writer_chore *next_chore(const struct journal_writer *writer) {
    if (writer->chore)
        return do_chore;
    if (!writer->store.db)
        return NULL;
    if (writer->search && !writer->searched)
        return do_search;
    if (writer->scrubs && now_ms() >= writer->scrub_at_ms)
        return do_scrub;
    return writer->shrinks ? do_shrink : NULL;
}

/* The lock is held. */
static void wait_for_work(struct journal_writer *writer) {
    struct timespec until = time_of(writer->scrub_at_ms);

    if (writer->scrubs && writer->store.db)
        (void)pthread_cond_timedwait(&writer->changed, &writer->lock, &until);
    else
        (void)pthread_cond_wait(&writer->changed, &writer->lock);
}

static void *run(void *arg) {
    struct journal_writer *writer = arg;

    (void)pthread_mutex_lock(&writer->lock);
    while (writer->given || !writer->stop || must_finish(writer)) {
        struct writer_job *job = writer->given;
        writer_chore *chore = job ? NULL : next_chore(writer);

        if (!job && writer->trim)
            trim(writer);
        if (!job && !chore) {
            wait_for_work(writer);
            continue;
        }
        writer->given = NULL;
        writer->busy = true;
        (void)pthread_mutex_unlock(&writer->lock);
        if (job)
            do_job(writer, job);
        else
            chore(writer);
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
                            struct salvage *take_salvage, struct ts_err *err) {
    struct journal_writer *writer = ts_alloc(sizeof *writer);
    pthread_condattr_t by_monotonic;
    int code;

    *writer =
        (struct journal_writer){.store = *take_store,
                                .salvage = take_salvage,
                                .salvages = take_salvage,
                                .check = take_store->unchecked,
                                .chore = take_salvage || take_store->unchecked};
    watch(writer);
    (void)pthread_mutex_init(&writer->lock, NULL);
    (void)pthread_condattr_init(&by_monotonic);
    (void)pthread_condattr_setclock(&by_monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&writer->changed, &by_monotonic);
    (void)pthread_condattr_destroy(&by_monotonic);
    writer->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    code = writer->fd < 0 ? errno : start_thread(writer);
    if (code != 0) {
        if (writer->fd >= 0)
            (void)close(writer->fd);
        salvage_free(writer->salvage);
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
    salvage_free(writer->salvage);
    salvage_free(writer->salvaged);
    search_free(writer->search);
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

void writer_trim(struct journal_writer *writer) {
    (void)pthread_mutex_lock(&writer->lock);
    writer->trim = true;
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
    (void)!read(writer->fd, &count, sizeof count);
    (void)pthread_mutex_unlock(&writer->lock);
    return ended;
}

/* The lock is held. */
static bool is_at_work(const struct journal_writer *writer) {
    return writer->busy || writer->given || writer->chore || writer->shrinks ||
           (writer->search && !writer->searched) || writer->scrubs;
}

void writer_rest(struct journal_writer *writer, int max_ms) {
    struct timespec until = time_of(now_ms() + max_ms);
    int code = 0;

    (void)pthread_mutex_lock(&writer->lock);
    while (code == 0 && !writer->salvaged && is_at_work(writer))
        code = pthread_cond_timedwait(&writer->changed, &writer->lock, &until);
    (void)pthread_mutex_unlock(&writer->lock);
}

struct salvage *writer_take_salvage(struct journal_writer *writer,
                                    struct journal_report *report) {
    struct salvage *salvage;

    (void)pthread_mutex_lock(&writer->lock);
    salvage = writer->salvaged;
    writer->salvaged = NULL;
    *report = writer->report;
    writer->chore |= salvage && writer->salvages;
    (void)pthread_cond_broadcast(&writer->changed);
    (void)pthread_mutex_unlock(&writer->lock);
    return salvage;
}

void writer_search(struct journal_writer *writer, struct search *take_search) {
    (void)pthread_mutex_lock(&writer->lock);
    search_free(writer->search);
    writer->search = take_search;
    writer->searched = false;
    (void)pthread_cond_broadcast(&writer->changed);
    (void)pthread_mutex_unlock(&writer->lock);
}

struct search *writer_take_search(struct journal_writer *writer,
                                  struct ts_err *err) {
    struct search *search = NULL;

    (void)pthread_mutex_lock(&writer->lock);
    if (writer->searched) {
        search = writer->search;
        *err = writer->search_err;
        writer->search = NULL;
        writer->searched = false;
    }
    (void)pthread_mutex_unlock(&writer->lock);
    return search;
}

bool writer_take_scrubbed(struct journal_writer *writer) {
    bool scrubbed;

    (void)pthread_mutex_lock(&writer->lock);
    scrubbed = writer->scrubbed;
    writer->scrubbed = false;
    (void)pthread_mutex_unlock(&writer->lock);
    return scrubbed;
}

bool writer_salvages(struct journal_writer *writer) {
    bool salvages;

    (void)pthread_mutex_lock(&writer->lock);
    salvages = writer->salvages || writer->salvaged;
    (void)pthread_mutex_unlock(&writer->lock);
    return salvages;
}

bool writer_take_damage(struct journal_writer *writer, struct ts_err *damage) {
    bool damaged;

    (void)pthread_mutex_lock(&writer->lock);
    damaged = writer->damage.status != TS_OK;
    *damage = writer->damage;
    writer->damage = (struct ts_err){0};
    (void)pthread_mutex_unlock(&writer->lock);
    return damaged;
}

int writer_fd(const struct journal_writer *writer) { return writer->fd; }
