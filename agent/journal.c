#include "agent/journal_private.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

const char *journal_class_name(enum journal_class class) {
    static const char *const names[] = {"telemetry", "item", "visit", "card",
                                        "notice"};

    return names[class];
}

const char *journal_disk_call_name(enum journal_disk_call call) {
    static const char *const names[] = {"open", "read", "write", "sync"};

    return names[call];
}

/* Per mille of max_bytes up to which a class is taken. */
static int64_t ceiling_of(const struct journal *journal,
                          enum journal_class class) {
    static const int64_t share[] = {800, 900, 950, 985, 1000};

    return journal->options.max_bytes / 1000 * share[class];
}

static int64_t waiting_bytes(const struct journal *journal) {
    return group_memory(&journal->job.group) + group_memory(&journal->open);
}

static enum ts_status fail_waiting(const struct journal *journal,
                                   struct ts_err *err) {
    return ts_fail(err, TS_FULL,
                   "the disk of %s does not answer: %lld MB wait for it; check "
                   "the disk, nothing more is recorded until then",
                   journal->path, (long long)(waiting_bytes(journal) >> 20));
}

bool journal_has_room(const struct journal *journal, enum journal_class class) {
    int64_t waiting = waiting_bytes(journal);

    return waiting < JOURNAL_WAITING_MAX_BYTES &&
           journal->unsent_bytes + waiting < ceiling_of(journal, class);
}

/* Leaves room for what the names of its companions add. */
enum { PATH_BYTES_MAX = 200 };

static enum ts_status lock_file(struct journal *journal, struct ts_err *err) {
    char path[300];

    if (strlen(journal->path) > PATH_BYTES_MAX)
        return ts_fail(err, TS_INVALID,
                       "the journal's path is longer than %d bytes: set a "
                       "shorter state_dir",
                       PATH_BYTES_MAX);
    (void)snprintf(path, sizeof path, "%s.lock", journal->path);
    journal->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (journal->lock_fd < 0)
        return ts_fail(err, TS_IO,
                       "cannot write %s (%s): create its folder and give it "
                       "to the agent's user",
                       path, strerror(errno));
    if (flock(journal->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return ts_fail(err, TS_DENIED,
                       "another agent holds %s: stop it, or set another "
                       "state_dir",
                       journal->path);
    return TS_OK;
}

/* Without reading them all: no hole, and rows as large as the first ones are.
 * Pages tell less: a long row has some of its own and does not fill them. */
static void estimate_amounts(struct journal *journal) {
    static const char row_bytes[] =
        "SELECT CAST(coalesce(avg(length(payload)),0) AS INTEGER) FROM "
        "(SELECT payload FROM rows LIMIT 1000)";
    int64_t each = store_number(&journal->store, row_bytes);

    if (each < 0)
        return;
    each += STORE_ROW_OVERHEAD;
    journal->copy_bytes = each * (int64_t)journal->copy_rows;
    journal->unsent_bytes = each * (int64_t)journal->unsent_rows;
}

static enum ts_status count_amounts(struct journal *journal,
                                    const struct journal_span *span,
                                    struct journal_amount *copies,
                                    struct journal_amount *unsent,
                                    struct ts_err *err) {
    uint64_t from = span->oldest ? span->oldest - 1 : span->newest;
    enum ts_status status = TS_OK;

    if (journal->estimate) {
        uint64_t all = span->newest - from;
        uint64_t held = span->newest - span->through;

        unsent->rows = held < all ? held : all;
        copies->rows = all - unsent->rows;
        return TS_OK;
    }
    status =
        source_amount(journal, span->journal, 0, span->through, copies, err);
    if (status == TS_OK)
        status = source_amount(journal, span->journal, span->through,
                               UINT64_MAX, unsent, err);
    return status;
}

static enum ts_status add_span(struct journal *journal, const char *name,
                               uint64_t through, struct ts_err *err) {
    struct journal_span span = {
        .through = through, .stored_through = through, .going = through};
    struct journal_amount copies = {0, 0};
    struct journal_amount unsent = {0, 0};
    enum ts_status status;

    (void)snprintf(span.journal, sizeof span.journal, "%s", name);
    span.oldest = source_first_from(journal, name, 1);
    span.newest = source_last(journal, name);
    if (span.newest < through)
        span.newest = through;
    status = count_amounts(journal, &span, &copies, &unsent, err);
    if (status != TS_OK)
        return status;
    span.holed = span.oldest &&
                 (journal->estimate ||
                  copies.rows + unsent.rows != span.newest - span.oldest + 1);
    journal->spans = ts_realloc(journal->spans, (journal->span_count + 1) *
                                                    sizeof *journal->spans);
    journal->spans[journal->span_count++] = span;
    journal->copy_bytes += copies.bytes;
    journal->copy_rows += copies.rows;
    journal->unsent_bytes += unsent.bytes;
    journal->unsent_rows += unsent.rows;
    return TS_OK;
}

/* Below zero: not carried over whole yet. */
static enum ts_status load_spans(struct journal *journal, struct ts_err *err) {
    static const char sql[] = "SELECT journal,through FROM journals "
                              "WHERE through>=0 ORDER BY place";
    sqlite3_stmt *statement = NULL;
    enum ts_status status = TS_OK;
    int step = SQLITE_DONE;

    if (sqlite3_prepare_v2(journal->store.db, sql, -1, &statement, NULL) !=
        SQLITE_OK)
        return store_fail(&journal->store, err);
    while (status == TS_OK && (step = sqlite3_step(statement)) == SQLITE_ROW)
        status =
            add_span(journal, (const char *)sqlite3_column_text(statement, 0),
                     (uint64_t)sqlite3_column_int64(statement, 1), err);
    if (status == TS_OK && step != SQLITE_DONE)
        status = store_fail(&journal->store, err);
    (void)sqlite3_finalize(statement);
    return status;
}

enum ts_status journal_load(struct journal *journal, struct ts_err *err) {
    enum ts_status status;

    journal->span_count = 0;
    journal->unsent_bytes = journal->copy_bytes = 0;
    journal->unsent_rows = journal->copy_rows = 0;
    status = load_spans(journal, err);
    if (status == TS_OK && journal->estimate)
        estimate_amounts(journal);
    return status;
}

void journal_begin_run(struct journal *journal) {
    ts_random_hex(journal->id, TS_JOURNAL_TEXT - 1);
    journal->newest = 0;
    journal->previous[0] = 0;
    journal->previous_last = 0;
    if (journal->span_count) {
        const struct journal_span *last =
            &journal->spans[journal->span_count - 1];
        memcpy(journal->previous, last->journal, sizeof journal->previous);
        journal->previous_last = last->newest;
    }
}

const char *journal_previous(const struct journal *journal, uint64_t *last) {
    *last = journal->previous_last;
    return journal->previous;
}

/* A damaged file tells how far the last run went, if it can. */
static void name_previous(struct journal *journal,
                          const struct salvage *salvage) {
    size_t count;
    const struct salvage_found *found = salvage_journals(salvage, &count);

    if (journal->span_count || !count)
        return;
    memcpy(journal->previous, found[count - 1].journal,
           sizeof journal->previous);
    journal->previous_last = found[count - 1].newest;
}

static enum ts_status open_store(struct journal *journal, bool damaged,
                                 struct journal_store *store,
                                 struct salvage **salvage, struct ts_err *err) {
    enum ts_status status =
        salvage_open(store, journal->path, damaged,
                     ts_clock_wall(journal->options.clock), err);

    if (status != TS_OK)
        return status;
    journal->estimate = store->unchecked;
    status = store_open_reader(&journal->store, journal->path, err);
    if (status == TS_OK)
        status = salvage_begin(salvage, store, journal->path, err);
    if (status == TS_OK)
        status = journal_load(journal, err);
    if (status == TS_OK) {
        journal_begin_run(journal);
        if (*salvage)
            name_previous(journal, *salvage);
    } else {
        salvage_free(*salvage);
        store_close(&journal->store);
        store_close(store);
    }
    return status;
}

/* A small damaged file is carried over before the lane begins, a large one
 * beside it. */
static enum ts_status open_stores(struct journal *journal,
                                  struct journal_report *report,
                                  struct ts_err *err) {
    struct journal_store store = {.disk = journal->disk};
    struct salvage *salvage = NULL;
    enum ts_status status = open_store(journal, false, &store, &salvage, err);

    if (status == TS_CORRUPT)
        status = open_store(journal, true, &store, &salvage, err);
    if (status == TS_OK)
        status = writer_start(&journal->writer, &store, salvage, err);
    if (status != TS_OK)
        return status;
    if (salvage) {
        writer_rest(journal->writer, JOURNAL_SALVAGE_FIRST_MS);
        journal_absorb(journal);
    }
    (void)journal_take_damage(journal, report);
    memcpy(report->previous, journal->previous, sizeof report->previous);
    report->previous_last = journal->previous_last;
    return status;
}

enum ts_status journal_open(struct journal **out,
                            const struct journal_options *options,
                            struct journal_report *report, struct ts_err *err) {
    struct journal *journal = ts_alloc(sizeof *journal);
    enum ts_status status;

    *journal = (struct journal){.options = *options, .lock_fd = -1};
    *report = (struct journal_report){0};
    ts_buf_init(&journal->scratch, EVENT_MAX_BYTES);
    journal->path = ts_strdup(options->path);
    journal->disk = journal->store.disk = disk_new();
    status = lock_file(journal, err);
    if (status == TS_OK)
        status = open_stores(journal, report, err);
    if (status != TS_OK) {
        journal_close(journal);
        return status;
    }
    *out = journal;
    return TS_OK;
}

void journal_close(struct journal *journal) {
    struct ts_err err;

    if (!journal)
        return;
    journal_erase_stop(journal);
    if (journal->writer) {
        (void)!journal_end_jobs(journal, &err);
        group_clear(&journal->open);
        journal_tidy_begin(journal);
        if (journal_end_jobs(journal, &err) != TS_OK)
            ts_log(TS_LOG_WARN, "journal", "%s", err.text);
    }
    /* The last to close it brings the log home into the file. */
    store_close(&journal->store);
    writer_stop(journal->writer);
    disk_free(journal->disk);
    if (journal->lock_fd >= 0)
        (void)close(journal->lock_fd);
    ts_buf_fini(&journal->scratch);
    group_fini(&journal->open);
    group_fini(&journal->job.group);
    free(journal->spans);
    free(journal->path);
    free(journal);
}

const char *journal_id(const struct journal *journal) { return journal->id; }

bool journal_pending(const struct journal *journal) {
    return journal->on_way || journal->open.count;
}

/* Nothing can become durable before the file is mended. */
static enum ts_status check_order(const struct journal *journal,
                                  struct ts_err *err) {
    if (journal->store.db ||
        (journal->on_way && journal->job.task == WRITER_REPLACE))
        return TS_OK;
    return ts_fail(err, TS_IO, "%s is out of order: see the log",
                   journal->path);
}

static enum ts_status refuse(struct journal *journal, enum journal_class class,
                             struct ts_err *err) {
    if (class < JOURNAL_CLASSES) {
        if (!journal->refusals[class].count++)
            journal->refusals[class].since =
                ts_clock_wall(journal->options.clock);
        journal->refused[class]++;
    }
    if (waiting_bytes(journal) >= JOURNAL_WAITING_MAX_BYTES)
        return fail_waiting(journal, err);
    return ts_fail(err, TS_FULL,
                   "the journal holds %lld MB that the hub has not taken: "
                   "bring the line up or raise journal.max_mb; no %s events "
                   "are recorded until then",
                   (long long)(journal->unsent_bytes >> 20),
                   journal_class_name(class));
}

static void add_row(struct journal *journal, enum journal_class class,
                    uint64_t sequence) {
    struct store_row row = {
        .sequence = sequence,
        .class = (int64_t) class,
        .codec = STORE_CODEC_JSON,
        .at = ts_clock_wall(journal->options.clock).unix_ms,
        .payload = ts_buf_slice(&journal->scratch),
    };

    memcpy(row.journal, journal->id, sizeof row.journal);
    group_add_row(&journal->open, &row);
}

enum ts_status journal_append(struct journal *journal, enum journal_class class,
                              const struct event *event, uint64_t *sequence,
                              struct ts_err *err) {
    uint64_t number =
        journal->newest + journal->job.group.rows + journal->open.rows + 1;
    struct ts_err own;
    enum ts_status status;

    if (!journal_has_room(journal, class))
        return refuse(journal, class, err);
    if (!err)
        err = &own;
    status = check_order(journal, err);
    if (status != TS_OK)
        return status;
    ts_buf_clear(&journal->scratch);
    status = event_encode(&journal->scratch, &journal->options.origin,
                          journal->id, number, event, err);
    if (status != TS_OK)
        return status;
    add_row(journal, class, number);
    *sequence = number;
    return TS_OK;
}

enum ts_status journal_put(struct journal *journal, const char *key,
                           struct ts_slice value, struct ts_err *err) {
    enum ts_status status = check_order(journal, err);

    if (status == TS_OK && waiting_bytes(journal) >= JOURNAL_WAITING_MAX_BYTES)
        status = fail_waiting(journal, err);
    if (status == TS_OK)
        group_put(&journal->open, key, value);
    return status;
}

enum ts_status journal_get(struct journal *journal, const char *key,
                           struct ts_buf *value) {
    enum ts_status status = TS_INVALID;
    sqlite3_stmt *statement;
    int step;

    if (!journal->store.db)
        return TS_IO;
    statement = store_prepare(&journal->store, STORE_GET);
    store_bind_text(statement, 1, key);
    step = sqlite3_step(statement);
    source_judge(journal, step);
    if (step == SQLITE_ROW) {
        ts_buf_clear(value);
        status = ts_buf_add(
            value, ts_slice_of(sqlite3_column_blob(statement, 0),
                               (size_t)sqlite3_column_bytes(statement, 0)));
    }
    (void)sqlite3_reset(statement);
    return status;
}

bool journal_take_damage(struct journal *journal,
                         struct journal_report *report) {
    if (!journal->damage_untold)
        return false;
    *report = journal->damage;
    journal->damage_untold = false;
    return true;
}

struct journal_refusal journal_refusals(const struct journal *journal,
                                        enum journal_class class) {
    return journal->refusals[class];
}

void journal_clear_refusals(struct journal *journal, enum journal_class class,
                            uint64_t count) {
    struct journal_refusal *refusal = &journal->refusals[class];

    refusal->count = refusal->count > count ? refusal->count - count : 0;
    refusal->since = ts_clock_wall(journal->options.clock);
}

void journal_rest(struct journal *journal) {
    ts_buf_fini(&journal->scratch);
    if (journal->store.db)
        (void)sqlite3_db_release_memory(journal->store.db);
    if (journal->writer)
        writer_trim(journal->writer);
}
