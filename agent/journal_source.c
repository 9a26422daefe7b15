#include "agent/journal_private.h"

#include <string.h>

static void set_suspect(struct journal *journal, const struct ts_err *err) {
    if (!journal->suspect)
        journal->suspicion = *err;
    journal->suspect = true;
}

void source_judge(struct journal *journal, int step) {
    struct ts_err err;

    if (step != SQLITE_ROW && step != SQLITE_DONE &&
        store_fail(&journal->store, &err) == TS_CORRUPT)
        set_suspect(journal, &err);
}

enum ts_status source_amount(struct journal *journal, const char *name,
                             uint64_t after, uint64_t to,
                             struct journal_amount *out, struct ts_err *err) {
    sqlite3_stmt *statement = store_prepare(&journal->store, STORE_BYTES);
    enum ts_status status = TS_OK;
    int step;

    store_bind_text(statement, 1, name);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)after);
    (void)sqlite3_bind_int64(statement, 3,
                             to > INT64_MAX ? INT64_MAX : (int64_t)to);
    step = sqlite3_step(statement);
    if (step == SQLITE_ROW) {
        out->bytes = sqlite3_column_int64(statement, 0);
        out->rows = (uint64_t)sqlite3_column_int64(statement, 1);
    } else {
        status = store_fail(&journal->store, err);
    }
    source_judge(journal, step);
    (void)sqlite3_reset(statement);
    return status;
}

uint64_t source_first_from(struct journal *journal, const char *name,
                           uint64_t from) {
    sqlite3_stmt *statement = store_prepare(&journal->store, STORE_FIRST_FROM);
    uint64_t first = 0;
    int step;

    store_bind_text(statement, 1, name);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)from);
    step = sqlite3_step(statement);
    if (step == SQLITE_ROW)
        first = (uint64_t)sqlite3_column_int64(statement, 0);
    source_judge(journal, step);
    (void)sqlite3_reset(statement);
    return first;
}

uint64_t source_last(struct journal *journal, const char *name) {
    sqlite3_stmt *statement = store_prepare(&journal->store, STORE_LAST);
    uint64_t last = 0;
    int step;

    store_bind_text(statement, 1, name);
    step = sqlite3_step(statement);
    if (step == SQLITE_ROW)
        last = (uint64_t)sqlite3_column_int64(statement, 0);
    source_judge(journal, step);
    (void)sqlite3_reset(statement);
    return last;
}

static struct journal_span *find_span(struct journal *journal,
                                      const char *name) {
    for (size_t i = 0; i < journal->span_count; i++)
        if (!strcmp(journal->spans[i].journal, name))
            return &journal->spans[i];
    return NULL;
}

/* Rows that damage took are told as a hole as soon as they are next. */
static uint64_t told_oldest(struct journal *journal,
                            const struct journal_span *span) {
    uint64_t next;

    if (!span->holed || span->through >= span->newest)
        return span->oldest;
    next = source_first_from(journal, span->journal, span->through + 1);
    return next > span->through + 1 ? next : span->oldest;
}

static enum ts_status spans(void *ctx, struct uplink_span *out, size_t max,
                            size_t *count, struct ts_err *err) {
    struct journal *journal = ctx;
    size_t spare = journal->span_count > max ? journal->span_count - max : 0;

    *count = 0;
    if (!journal->store.db)
        return ts_fail(err, TS_IO, "%s is out of order", journal->path);
    for (size_t i = 0; i < journal->span_count && *count < max; i++) {
        const struct journal_span *span = &journal->spans[i];

        if (!span->oldest)
            continue;
        if (spare && span->through >= span->newest) {
            spare--;
            continue;
        }
        memcpy(out[*count].journal, span->journal, TS_JOURNAL_TEXT);
        out[*count].oldest = told_oldest(journal, span);
        out[*count].newest = span->newest;
        out[*count].through = span->through;
        (*count)++;
    }
    return TS_OK;
}

static sqlite3_stmt *start_read(struct journal *journal,
                                const struct journal_span *span,
                                uint64_t from) {
    sqlite3_stmt *statement = store_prepare(&journal->store, STORE_READ);

    store_bind_text(statement, 1, span->journal);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)from);
    (void)sqlite3_bind_int64(statement, 3, (int64_t)span->newest);
    return statement;
}

/* Damage seen by a reader is mended at the next commit or tidy. */
static enum ts_status suspect(struct journal *journal, struct ts_err *err) {
    struct ts_err own;

    if (!err)
        err = &own;
    (void)ts_fail(err, TS_CORRUPT,
                  "%s is damaged (a row does not fit its checksum)",
                  journal->path);
    set_suspect(journal, err);
    return TS_CORRUPT;
}

static enum ts_status end_read(struct journal *journal, sqlite3_stmt *statement,
                               int step, struct ts_err *err) {
    enum ts_status status = TS_OK;

    if (step != SQLITE_DONE && step != SQLITE_ROW)
        status = store_fail(&journal->store, err);
    source_judge(journal, step);
    (void)sqlite3_reset(statement);
    return status;
}

/* The parameters are those of uplink_source.
 * NOLINTBEGIN(readability-function-size) */
static enum ts_status
read_rows(void *ctx, const char *name, uint64_t from, size_t max_rows,
          bool (*row)(void *arg, uint64_t sequence, struct ts_slice payload),
          void *arg, struct ts_err *err) {
    struct journal *journal = ctx;
    const struct journal_span *span = find_span(journal, name);
    sqlite3_stmt *statement;
    struct store_row stored;
    uint64_t expected = 0;
    int step = SQLITE_DONE;

    if (!journal->store.db || !span)
        return ts_fail(err, TS_INVALID, "journal %s is not held", name);
    statement = start_read(journal, span, from);
    for (size_t i = 0; i < max_rows; i++) {
        step = sqlite3_step(statement);
        if (step != SQLITE_ROW)
            break;
        if (!store_row_get(statement, &stored)) {
            (void)sqlite3_reset(statement);
            return suspect(journal, err);
        }
        /* A batch has no hole. */
        if ((expected && stored.sequence != expected) ||
            !row(arg, stored.sequence, stored.payload))
            break;
        expected = stored.sequence + 1;
    }
    return end_read(journal, statement, step, err);
}
/* NOLINTEND(readability-function-size) */

static bool all_taken(const struct journal *journal) {
    for (size_t i = 0; i < journal->span_count; i++)
        if (journal->spans[i].through < journal->spans[i].newest)
            return false;
    return true;
}

static enum ts_status release(void *ctx, const char *name, uint64_t through,
                              struct ts_err *err) {
    struct journal *journal = ctx;
    struct journal_span *span = find_span(journal, name);
    struct journal_amount amount = {0, 0};
    enum ts_status status;
    bool forward;

    if (!journal->store.db || !span)
        return ts_fail(err, TS_INVALID, "journal %s is not held", name);
    if (through > span->newest)
        return ts_fail(err, TS_INVALID,
                       "the hub acknowledges %llu of journal %s, which ends "
                       "at %llu",
                       (unsigned long long)through, name,
                       (unsigned long long)span->newest);
    forward = through > span->through;
    if (!forward && journal->on_way &&
        (journal->ageing.count || journal->job.scrub))
        return ts_fail(err, TS_AGAIN,
                       "copies of %s are being removed: what the hub asks for "
                       "again is looked for in a moment",
                       journal->path);
    status = source_amount(journal, name, forward ? span->through : through,
                           forward ? through : span->through, &amount, err);
    if (status != TS_OK)
        return status;
    journal->unsent_bytes -= forward ? amount.bytes : -amount.bytes;
    journal->copy_bytes += forward ? amount.bytes : -amount.bytes;
    journal->unsent_rows = forward ? journal->unsent_rows - amount.rows
                                   : journal->unsent_rows + amount.rows;
    journal->copy_rows = forward ? journal->copy_rows + amount.rows
                                 : journal->copy_rows - amount.rows;
    span->through = through;
    if (all_taken(journal)) { /* whatever was estimated at the start */
        journal->unsent_bytes = 0;
        journal->unsent_rows = 0;
    }
    if (journal->on_release)
        journal->on_release(journal->on_release_arg);
    return TS_OK;
}

void journal_on_release(struct journal *journal, void (*call)(void *arg),
                        void *arg) {
    journal->on_release = call;
    journal->on_release_arg = arg;
}

struct uplink_source journal_source(struct journal *journal) {
    return (struct uplink_source){journal, spans, read_rows, release};
}

static enum ts_status walk_span(struct journal *journal,
                                const struct journal_span *span, uint64_t from,
                                bool (*row)(void *arg, const char *name,
                                            uint64_t sequence,
                                            struct ts_slice payload),
                                void *arg, struct ts_err *err) {
    sqlite3_stmt *statement = start_read(journal, span, from);
    struct store_row stored;
    int step;

    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        if (!store_row_get(statement, &stored)) {
            (void)sqlite3_reset(statement);
            return suspect(journal, err);
        }
        if (!row(arg, span->journal, stored.sequence, stored.payload))
            break;
    }
    return end_read(journal, statement, step, err);
}

enum ts_status journal_walk(struct journal *journal, const char *from_journal,
                            uint64_t from_sequence,
                            bool (*row)(void *arg, const char *name,
                                        uint64_t sequence,
                                        struct ts_slice payload),
                            void *arg, struct ts_err *err) {
    const struct journal_span *start = find_span(journal, from_journal);
    enum ts_status status = TS_OK;

    if (!journal->store.db || (!start && from_journal[0]))
        return ts_fail(err, TS_INVALID, "journal %s is not held", from_journal);
    for (size_t i = start ? (size_t)(start - journal->spans) : 0;
         status == TS_OK && i < journal->span_count; i++)
        status = walk_span(journal, &journal->spans[i],
                           &journal->spans[i] == start ? from_sequence : 0, row,
                           arg, err);
    return status;
}

enum ts_status journal_walk_back(struct journal *journal, size_t max_rows,
                                 bool (*row)(void *arg, const char *name,
                                             uint64_t sequence,
                                             struct ts_slice payload),
                                 void *arg, struct ts_err *err) {
    struct store_row stored;
    bool more = true;
    enum ts_status status = TS_OK;

    if (!journal->store.db)
        return ts_fail(err, TS_IO, "%s is out of order", journal->path);
    for (size_t i = journal->span_count; status == TS_OK && more && i-- > 0;) {
        sqlite3_stmt *statement =
            store_prepare(&journal->store, STORE_READ_BACK);
        int step = SQLITE_DONE;

        store_bind_text(statement, 1, journal->spans[i].journal);
        while (more && max_rows > 0 &&
               (step = sqlite3_step(statement)) == SQLITE_ROW) {
            if (!store_row_get(statement, &stored)) {
                (void)sqlite3_reset(statement);
                return suspect(journal, err);
            }
            max_rows--;
            more = row(arg, stored.journal, stored.sequence, stored.payload);
        }
        more = more && max_rows > 0;
        status = end_read(journal, statement, step, err);
    }
    return status;
}

static void find_oldest_unsent(struct journal *journal,
                               struct journal_stats *out) {
    for (size_t i = 0; !out->has_oldest && i < journal->span_count; i++) {
        const struct journal_span *span = &journal->spans[i];
        sqlite3_stmt *statement;
        int step;

        if (span->through >= span->newest)
            continue;
        statement = store_prepare(&journal->store, STORE_AT);
        store_bind_text(statement, 1, span->journal);
        (void)sqlite3_bind_int64(statement, 2, (int64_t)span->through);
        (void)sqlite3_bind_int64(statement, 3, INT64_MIN);
        (void)sqlite3_bind_int64(statement, 4, INT64_MAX);
        step = sqlite3_step(statement);
        out->has_oldest = step == SQLITE_ROW;
        source_judge(journal, step);
        if (out->has_oldest)
            out->oldest_unsent.unix_ms = sqlite3_column_int64(statement, 0);
        (void)sqlite3_reset(statement);
    }
}

uint64_t journal_disk_errors(const struct journal *journal,
                             enum journal_disk_call call) {
    return disk_errors(journal->disk, call);
}

const char *journal_warning(const struct journal *journal) {
    return journal->warning.text;
}

enum ts_status journal_get_stats(struct journal *journal,
                                 struct journal_stats *out,
                                 struct ts_err *err) {
    if (!journal->store.db)
        return ts_fail(err, TS_IO, "%s is out of order: see the log",
                       journal->path);
    *out = (struct journal_stats){
        .unsent =
            journal->unsent_rows + journal->job.group.rows + journal->open.rows,
        .copies = journal->copy_rows,
        .bytes = journal->unsent_bytes + journal->copy_bytes,
        .commits = journal->commits,
        .appended = journal->appended,
        .disk_bytes = disk_bytes(journal->disk),
        .disk_syncs = disk_syncs(journal->disk),
    };
    memcpy(out->refused, journal->refused, sizeof out->refused);
    find_oldest_unsent(journal, out);
    return TS_OK;
}
