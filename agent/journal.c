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

/* Per mille of max_bytes up to which a class is taken. */
static int64_t ceiling_of(const struct journal *journal,
                          enum journal_class class) {
    static const int64_t share[] = {800, 900, 950, 985, 1000};

    return journal->options.max_bytes / 1000 * share[class];
}

bool journal_has_room(const struct journal *journal, enum journal_class class) {
    return journal->unsent_bytes + journal->group_bytes <
           ceiling_of(journal, class);
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

static enum ts_status add_span(struct journal *journal, const char *name,
                               uint64_t through, struct ts_err *err) {
    struct journal_span span = {.through = through, .stored_through = through};
    struct journal_amount held = {0, 0};
    enum ts_status status =
        source_amount(journal, name, 0, UINT64_MAX, &held, err);

    if (status != TS_OK)
        return status;
    (void)snprintf(span.journal, sizeof span.journal, "%s", name);
    span.oldest = source_first_from(journal, name, 1);
    span.newest = source_last(journal, name);
    if (span.newest < through)
        span.newest = through;
    span.holed = span.oldest && held.rows != span.newest - span.oldest + 1;
    journal->spans = ts_realloc(journal->spans, (journal->span_count + 1) *
                                                    sizeof *journal->spans);
    journal->spans[journal->span_count++] = span;
    return TS_OK;
}

static enum ts_status load_spans(struct journal *journal, struct ts_err *err) {
    sqlite3_stmt *statement = NULL;
    enum ts_status status = TS_OK;
    int step = SQLITE_DONE;

    journal->span_count = 0;
    if (sqlite3_prepare_v2(journal->store.db,
                           "SELECT journal,through FROM journals "
                           "ORDER BY place",
                           -1, &statement, NULL) != SQLITE_OK)
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

/* Bytes of what is unsent and of what is copy, over all spans. */
static enum ts_status load_bytes(struct journal *journal, struct ts_err *err) {
    enum ts_status status = TS_OK;

    journal->unsent_bytes = journal->copy_bytes = 0;
    journal->unsent_rows = journal->copy_rows = 0;
    for (size_t i = 0; status == TS_OK && i < journal->span_count; i++) {
        const struct journal_span *span = &journal->spans[i];
        struct journal_amount copies = {0, 0};
        struct journal_amount unsent = {0, 0};

        status = source_amount(journal, span->journal, 0, span->through,
                               &copies, err);
        if (status == TS_OK)
            status = source_amount(journal, span->journal, span->through,
                                   UINT64_MAX, &unsent, err);
        journal->copy_bytes += copies.bytes;
        journal->copy_rows += copies.rows;
        journal->unsent_bytes += unsent.bytes;
        journal->unsent_rows += unsent.rows;
    }
    return status;
}

static void begin_run(struct journal *journal, struct journal_report *report) {
    ts_random_hex(journal->id, TS_JOURNAL_TEXT - 1);
    journal->newest = 0;
    report->previous[0] = 0;
    report->previous_last = 0;
    if (journal->span_count) {
        const struct journal_span *last =
            &journal->spans[journal->span_count - 1];
        memcpy(report->previous, last->journal, sizeof report->previous);
        report->previous_last = last->newest;
    }
}

static enum ts_status open_store(struct journal *journal,
                                 struct journal_report *report,
                                 struct ts_err *err) {
    enum ts_status status;

    store_finish_salvage(journal->path);
    status = store_open(&journal->store, journal->path, err);
    if (status == TS_CORRUPT)
        status =
            store_salvage(&journal->store, journal->path,
                          ts_clock_wall(journal->options.clock), report, err);
    if (status == TS_OK)
        status = load_spans(journal, err);
    if (status == TS_OK)
        status = load_bytes(journal, err);
    if (status == TS_OK)
        begin_run(journal, report);
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
    status = lock_file(journal, err);
    if (status == TS_OK)
        status = open_store(journal, report, err);
    if (status != TS_OK) {
        journal_close(journal);
        return status;
    }
    *out = journal;
    return TS_OK;
}

void journal_close(struct journal *journal) {
    if (!journal)
        return;
    if (journal->store.db) {
        struct ts_err err;

        if (journal->group_open)
            store_rollback(&journal->store);
        journal->group_open = false;
        if (journal_tidy(journal, &err) != TS_OK)
            ts_log(TS_LOG_WARN, "journal", "%s", err.text);
        store_close(&journal->store);
    }
    if (journal->lock_fd >= 0)
        (void)close(journal->lock_fd);
    ts_buf_fini(&journal->scratch);
    free(journal->spans);
    free(journal->path);
    free(journal);
}

const char *journal_id(const struct journal *journal) { return journal->id; }

bool journal_pending(const struct journal *journal) {
    return journal->group_open;
}

/* The group cannot be saved any more: the commit will say so. */
static enum ts_status break_group(struct journal *journal, struct ts_err *err) {
    journal->group_error = *err;
    return err->status;
}

static enum ts_status open_group(struct journal *journal, struct ts_err *err) {
    enum ts_status status;

    if (journal->group_open) {
        if (journal->group_error.status != TS_OK && err)
            *err = journal->group_error;
        return journal->group_error.status;
    }
    if (!journal->store.db)
        return ts_fail(err, TS_IO, "%s is out of order: see the log",
                       journal->path);
    journal->group_error.status = TS_OK;
    journal->group_rows = 0;
    journal->group_bytes = 0;
    status = store_exec(&journal->store, "BEGIN IMMEDIATE", err);
    if (status == TS_CORRUPT)
        return journal_replace(journal, err);
    journal->group_open = status == TS_OK;
    return status;
}

static enum ts_status refuse(struct journal *journal, enum journal_class class,
                             struct ts_err *err) {
    if (class < JOURNAL_CLASSES) {
        if (!journal->refusals[class].count++)
            journal->refusals[class].since =
                ts_clock_wall(journal->options.clock);
        journal->refused[class]++;
    }
    return ts_fail(err, TS_FULL,
                   "the journal holds %lld MB that the hub has not taken: "
                   "bring the line up or raise journal.max_mb; no %s events "
                   "are recorded until then",
                   (long long)(journal->unsent_bytes >> 20),
                   journal_class_name(class));
}

static enum ts_status insert(struct journal *journal, enum journal_class class,
                             uint64_t sequence, struct ts_err *err) {
    struct store_row row = {
        .sequence = sequence,
        .class = (int64_t) class,
        .codec = STORE_CODEC_JSON,
        .at = ts_clock_wall(journal->options.clock).unix_ms,
        .payload = ts_buf_slice(&journal->scratch),
    };
    enum ts_status status = TS_OK;

    memcpy(row.journal, journal->id, sizeof row.journal);
    if (sequence == 1) {
        sqlite3_stmt *add = store_prepare(&journal->store, STORE_ADD_JOURNAL);

        store_bind_text(add, 1, journal->id);
        (void)sqlite3_bind_int64(add, 2, 0);
        status = store_run(&journal->store, add, err);
    }
    return status == TS_OK ? store_add_row(&journal->store, &row, err) : status;
}

enum ts_status journal_append(struct journal *journal, enum journal_class class,
                              const struct event *event, uint64_t *sequence,
                              struct ts_err *err) {
    uint64_t number;
    struct ts_err own;
    enum ts_status status;

    if (!journal_has_room(journal, class))
        return refuse(journal, class, err);
    if (!err)
        err = &own;
    status = open_group(journal, err);
    if (status != TS_OK)
        return status;
    number = journal->newest + journal->group_rows + 1;
    ts_buf_clear(&journal->scratch);
    status = event_encode(&journal->scratch, &journal->options.origin,
                          journal->id, number, event, err);
    if (status != TS_OK)
        return status;
    status = insert(journal, class, number, err);
    if (status != TS_OK)
        return break_group(journal, err);
    journal->group_rows++;
    journal->group_bytes += (int64_t)journal->scratch.len + STORE_ROW_OVERHEAD;
    *sequence = number;
    return TS_OK;
}

enum ts_status journal_put(struct journal *journal, const char *key,
                           struct ts_slice value, struct ts_err *err) {
    struct ts_err own;
    sqlite3_stmt *statement;
    enum ts_status status;

    if (!err)
        err = &own;
    status = open_group(journal, err);
    if (status != TS_OK)
        return status;
    statement =
        store_prepare(&journal->store, value.len ? STORE_PUT : STORE_REMOVE);
    store_bind_text(statement, 1, key);
    if (value.len)
        (void)sqlite3_bind_blob(statement, 2, value.data, (int)value.len,
                                SQLITE_STATIC);
    status = store_run(&journal->store, statement, err);
    return status == TS_OK ? TS_OK : break_group(journal, err);
}

enum ts_status journal_get(struct journal *journal, const char *key,
                           struct ts_buf *value) {
    enum ts_status status = TS_INVALID;
    sqlite3_stmt *statement;

    if (!journal->store.db)
        return TS_IO;
    statement = store_prepare(&journal->store, STORE_GET);
    store_bind_text(statement, 1, key);
    if (sqlite3_step(statement) == SQLITE_ROW) {
        ts_buf_clear(value);
        status = ts_buf_add(
            value, ts_slice_of(sqlite3_column_blob(statement, 0),
                               (size_t)sqlite3_column_bytes(statement, 0)));
    }
    (void)sqlite3_reset(statement);
    return status;
}

static enum ts_status store_through(struct journal *journal,
                                    struct ts_err *err) {
    for (size_t i = 0; i < journal->span_count; i++) {
        const struct journal_span *span = &journal->spans[i];
        sqlite3_stmt *statement;
        enum ts_status status;

        if (span->through == span->stored_through)
            continue;
        statement = store_prepare(&journal->store, STORE_SET_THROUGH);
        store_bind_text(statement, 1, span->journal);
        (void)sqlite3_bind_int64(statement, 2, (int64_t)span->through);
        status = store_run(&journal->store, statement, err);
        if (status != TS_OK)
            return status;
    }
    return TS_OK;
}

/* The group is durable: the numbers count from now on. */
static void settle(struct journal *journal,
                   const struct journal_ageing *ageing) {
    struct journal_span *current;

    for (size_t i = 0; i < journal->span_count; i++)
        journal->spans[i].stored_through = journal->spans[i].through;
    journal_ageing_settle(journal, ageing);
    if (!journal->group_rows)
        return;
    if (!journal->newest) {
        journal->spans = ts_realloc(journal->spans, (journal->span_count + 1) *
                                                        sizeof *journal->spans);
        current = &journal->spans[journal->span_count++];
        *current = (struct journal_span){.oldest = 1};
        memcpy(current->journal, journal->id, sizeof current->journal);
    }
    journal->newest += journal->group_rows;
    journal->spans[journal->span_count - 1].newest = journal->newest;
    journal->unsent_rows += journal->group_rows;
    journal->unsent_bytes += journal->group_bytes;
    journal->appended += journal->group_rows;
}

static enum ts_status finish_group(struct journal *journal,
                                   struct ts_err *err) {
    struct journal_ageing ageing = {0};
    enum ts_status status = journal->group_error.status;

    if (status != TS_OK)
        *err = journal->group_error;
    if (status == TS_OK)
        status = store_through(journal, err);
    if (status == TS_OK)
        status = journal_age(journal, &ageing, err);
    if (status == TS_OK)
        status = store_exec(&journal->store, "COMMIT", err);
    journal->group_open = false;
    if (status == TS_OK) {
        settle(journal, &ageing);
        journal->commits++;
    } else {
        store_rollback(&journal->store);
    }
    journal->group_rows = 0;
    journal->group_bytes = 0;
    return status;
}

static void mend(struct journal *journal) {
    struct ts_err err = {TS_CORRUPT, "a row does not fit its checksum"};

    if (journal->suspect && journal->store.db)
        (void)journal_replace(journal, &err);
}

enum ts_status journal_commit(struct journal *journal, struct ts_err *err) {
    struct ts_err own;
    enum ts_status status;

    if (!journal->group_open)
        return TS_OK;
    if (!err)
        err = &own;
    status = finish_group(journal, err);
    if (status == TS_CORRUPT)
        return journal_replace(journal, err);
    mend(journal);
    return status;
}

/* The old file is set aside, its rows move, and the run goes on under a new
 * id: the tail of the old one may be lost, and a number is given once. */
enum ts_status journal_replace(struct journal *journal, struct ts_err *err) {
    struct journal_report *report = &journal->damage;
    struct ts_err trouble;
    enum ts_status status;

    ts_log(TS_LOG_ERROR, "journal", "%s", err->text);
    store_close(&journal->store);
    journal->suspect = false;
    journal->group_open = false;
    journal->group_rows = 0;
    journal->group_bytes = 0;
    *report = (struct journal_report){0};
    status =
        store_salvage(&journal->store, journal->path,
                      ts_clock_wall(journal->options.clock), report, &trouble);
    if (status == TS_OK)
        status = load_spans(journal, &trouble);
    if (status == TS_OK)
        status = load_bytes(journal, &trouble);
    if (status != TS_OK) {
        ts_log(TS_LOG_ERROR, "journal", "%s", trouble.text);
        store_close(&journal->store);
        return ts_fail(err, TS_IO, "%s", trouble.text);
    }
    begin_run(journal, report);
    journal->damage_untold = true;
    return ts_fail(err, TS_CORRUPT,
                   "the journal was damaged and replaced; %llu events were "
                   "carried over, this one was not recorded: scan again",
                   (unsigned long long)report->salvaged);
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

static bool moved(const struct journal *journal) {
    for (size_t i = 0; i < journal->span_count; i++)
        if (journal->spans[i].through != journal->spans[i].stored_through)
            return true;
    return false;
}

static enum ts_status shrink(struct journal *journal, struct ts_err *err) {
    static const int64_t worth_bytes = 16 << 20;
    int64_t page = store_number(&journal->store, "PRAGMA page_size");
    int64_t unused = store_number(&journal->store, "PRAGMA freelist_count");
    int64_t all = store_number(&journal->store, "PRAGMA page_count");

    /* Rewriting much to free little would stall the lane. */
    if (journal->unsent_rows || unused * page < worth_bytes ||
        unused < all - all / 4)
        return TS_OK;
    return store_exec(&journal->store, "VACUUM", err);
}

/* After a replacement that the disk did not allow. */
static enum ts_status reopen(struct journal *journal, struct ts_err *err) {
    enum ts_status status;

    journal->damage = (struct journal_report){0};
    status = open_store(journal, &journal->damage, err);
    journal->damage_untold |= status == TS_OK;
    return status;
}

enum ts_status journal_tidy(struct journal *journal, struct ts_err *err) {
    enum ts_status status = TS_OK;

    if (journal->group_open)
        return TS_OK;
    if (!journal->store.db)
        return reopen(journal, err);
    mend(journal);
    if (moved(journal) || journal_age_due(journal)) {
        status = open_group(journal, err);
        if (status == TS_OK)
            status = journal_commit(journal, err);
    }
    return status == TS_OK ? shrink(journal, err) : status;
}
