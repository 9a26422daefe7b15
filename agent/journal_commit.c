/* Groups on their way to the disk, and what becomes of a file that breaks. */
#include "agent/journal_private.h"

#include "base/log.h"

#include <assert.h>
#include <string.h>

void journal_give(struct journal *journal, enum writer_task task) {
    assert(!journal->on_way);
    journal->job.task = task;
    journal->job.now = ts_clock_wall(journal->options.clock);
    journal->on_way = true;
    writer_give(journal->writer, &journal->job);
}

static void add_throughs(struct journal *journal, struct journal_group *group) {
    for (size_t i = 0; i < journal->span_count; i++) {
        struct journal_span *span = &journal->spans[i];

        span->going = span->through;
        if (span->through != span->stored_through)
            group_set_through(group, span->journal, span->through);
    }
}

/* Throughs and copies that are over their bounds cost no sync of their own. */
void journal_give_group(struct journal *journal) {
    struct journal_group group = journal->job.group;

    journal->job.group = journal->open;
    journal->open = group;
    add_throughs(journal, &journal->job.group);
    journal_age(journal, &journal->ageing, &journal->job.group);
    journal_give(journal, WRITER_COMMIT);
}

/* The run goes on under a new id: the tail of the old one may be lost, and a
 * number is given once. */
static void give_replacement(struct journal *journal, enum writer_task task) {
    journal->suspect = false;
    journal_erasure_restart(journal);
    group_clear(&journal->open);
    store_close(&journal->store);
    journal_begin_run(journal);
    journal->span_count = 0;
    journal_give(journal, task);
}

static void add_current_span(struct journal *journal) {
    struct journal_span *current;

    journal->spans = ts_realloc(journal->spans, (journal->span_count + 1) *
                                                    sizeof *journal->spans);
    current = &journal->spans[journal->span_count++];
    *current = (struct journal_span){.oldest = 1};
    memcpy(current->journal, journal->id, sizeof current->journal);
}

/* The group is durable: the numbers count from now on. */
static void settle(struct journal *journal) {
    const struct journal_group *group = &journal->job.group;

    for (size_t i = 0; i < journal->span_count; i++)
        journal->spans[i].stored_through = journal->spans[i].going;
    journal_ageing_settle(journal, &journal->ageing);
    if (journal->job.scrub)
        journal_erasure_settle(journal);
    journal->commits += group->count != 0;
    if (!group->rows)
        return;
    if (!journal->newest)
        add_current_span(journal);
    journal->newest += group->rows;
    journal->spans[journal->span_count - 1].newest = journal->newest;
    journal->unsent_rows += group->rows;
    journal->unsent_bytes += group->row_bytes;
    journal->appended += group->rows;
}

static void mend_if_suspect(struct journal *journal) {
    if (!journal->suspect || journal->open.count)
        return;
    if (store_is_gone(&journal->store))
        ts_log(TS_LOG_ERROR, "journal",
               "%s is deleted or exchanged under the agent: it goes on with a "
               "new one and what it still has of the old one; stop the agent "
               "before you touch its folder",
               journal->path);
    else
        ts_log(TS_LOG_ERROR, "journal", "%s; it is set aside",
               journal->suspicion.text);
    give_replacement(journal, WRITER_REPLACE);
}

/* What was appended behind a group that failed fails with it: its numbers
 * would leave a hole. */
static enum ts_status end_commit(struct journal *journal, struct ts_err *err) {
    enum ts_status status = journal->job.status;

    if (status == TS_OK)
        settle(journal);
    else
        group_clear(&journal->open);
    if (status != TS_OK && journal->job.scrub)
        journal_erasure_fail(journal, &journal->job.err);
    group_clear(&journal->job.group);
    journal->job.scrub = journal->job.shrink = false;
    if (status == TS_OK) {
        mend_if_suspect(journal);
        return TS_OK;
    }
    if (status != TS_CORRUPT)
        return ts_fail(err, status, "%s", journal->job.err.text);
    ts_log(TS_LOG_ERROR, "journal", "%s", journal->job.err.text);
    give_replacement(journal, WRITER_REPLACE);
    return ts_fail(err, TS_CORRUPT,
                   "the journal was damaged and is replaced; this was not "
                   "recorded: scan again");
}

static enum ts_status end_replacement(struct journal *journal,
                                      struct ts_err *err) {
    enum ts_status status = journal->job.status;

    if (status != TS_OK)
        (void)ts_fail(err, status, "%s", journal->job.err.text);
    else
        status = store_open_reader(&journal->store, journal->path, err);
    journal->estimate = false;
    if (status == TS_OK)
        status = journal_load(journal, err);
    if (status != TS_OK) {
        store_close(&journal->store);
        group_clear(&journal->open);
        return TS_IO;
    }
    if (journal->job.task == WRITER_REOPEN)
        journal_begin_run(journal);
    return TS_OK;
}

/* What the writer has done between jobs. */
static void look_beside(struct journal *journal) {
    if (journal->on_way)
        return;
    journal_absorb(journal);
    journal_erasure_go_on(journal);
}

static enum ts_status end_job(struct journal *journal, bool wait,
                              struct ts_err *err) {
    struct ts_err own;
    enum ts_status status;

    if (!journal->on_way)
        return TS_OK;
    if (!writer_take(journal->writer, wait))
        return TS_AGAIN;
    journal->on_way = false;
    if (!err)
        err = &own;
    status = journal->job.task == WRITER_COMMIT ? end_commit(journal, err)
                                                : end_replacement(journal, err);
    look_beside(journal);
    return status;
}

static bool is_held(const struct journal *journal, const char *name) {
    for (size_t i = 0; i < journal->span_count; i++)
        if (!strcmp(journal->spans[i].journal, name))
            return true;
    return false;
}

static void absorb_journal(struct journal *journal,
                           const struct salvage_found *found, size_t at) {
    struct journal_span *span;
    uint64_t rows = found->copies.rows + found->unsent.rows;

    journal->spans = ts_realloc(journal->spans, (journal->span_count + 1) *
                                                    sizeof *journal->spans);
    span = &journal->spans[at];
    memmove(span + 1, span, (journal->span_count - at) * sizeof *span);
    journal->span_count++;
    *span = (struct journal_span){.oldest = found->oldest,
                                  .newest = found->newest,
                                  .through = found->through,
                                  .stored_through = found->through,
                                  .going = found->through,
                                  .holed = rows !=
                                           found->newest - found->oldest + 1};
    memcpy(span->journal, found->journal, sizeof span->journal);
    if (span->newest < span->through)
        span->newest = span->through;
    journal->copy_bytes += found->copies.bytes;
    journal->copy_rows += found->copies.rows;
    journal->unsent_bytes += found->unsent.bytes;
    journal->unsent_rows += found->unsent.rows;
}

/* Rows were added to journals that are held, or journals in between: an older
 * copy of the file had been put in its place, or it was deleted twice. */
static void load_again(struct journal *journal) {
    struct ts_err err;

    if (journal_load(journal, &err) == TS_OK)
        return;
    ts_log(TS_LOG_ERROR, "journal", "%s", err.text);
    store_close(&journal->store); /* the next tidy opens it again */
}

void journal_absorb(struct journal *journal) {
    struct journal_report report;
    struct ts_err damage;
    struct salvage *salvage = writer_take_salvage(journal->writer, &report);
    const struct salvage_found *found;
    size_t count;
    size_t at = 0;
    bool grew;

    if (writer_take_damage(journal->writer, &damage)) {
        journal->suspect = true;
        journal->suspicion = damage;
    }
    if (!salvage)
        return;
    found = salvage_journals(salvage, &count);
    grew = salvage_follows(salvage);
    for (size_t i = 0; i < count; i++)
        grew |= found[i].oldest && is_held(journal, found[i].journal);
    for (size_t i = 0; !grew && i < count; i++)
        if (found[i].oldest)
            absorb_journal(journal, &found[i], at++);
    if (grew)
        load_again(journal);
    journal->damage = report;
    journal->damage_untold = true;
    salvage_free(salvage);
}

bool journal_commit_begin(struct journal *journal) {
    if (journal->on_way)
        return false;
    if (journal->open.count)
        journal_give_group(journal);
    return true;
}

enum ts_status journal_commit_end(struct journal *journal, struct ts_err *err) {
    if (journal->on_way)
        return end_job(journal, false, err);
    /* Something else was told. */
    (void)writer_take(journal->writer, false);
    look_beside(journal);
    return TS_OK;
}

enum ts_status journal_commit_wait(struct journal *journal,
                                   struct ts_err *err) {
    return end_job(journal, true, err);
}

int journal_commit_fd(const struct journal *journal) {
    return writer_fd(journal->writer);
}

enum ts_status journal_end_jobs(struct journal *journal, struct ts_err *err) {
    struct ts_err later;
    enum ts_status status = end_job(journal, true, err);

    /* A replacement follows by itself. */
    while (journal->on_way)
        if (end_job(journal, true, &later) != TS_OK)
            status = ts_fail(err, TS_IO, "%s", later.text);
    return status;
}

enum ts_status journal_wait_for_rest(struct journal *journal,
                                     struct ts_err *err) {
    enum ts_status status = journal_end_jobs(journal, err);

    writer_rest(journal->writer, JOURNAL_REST_MS);
    look_beside(journal);
    return status;
}

enum ts_status journal_commit(struct journal *journal, struct ts_err *err) {
    enum ts_status status = journal_wait_for_rest(journal, err);

    if (status != TS_OK || !journal->open.count)
        return status;
    journal_give_group(journal);
    return journal_wait_for_rest(journal, err);
}

bool journal_moved(const struct journal *journal) {
    for (size_t i = 0; i < journal->span_count; i++)
        if (journal->spans[i].through != journal->spans[i].stored_through)
            return true;
    return false;
}

/* What is open stays open: nobody would notice before the next start. */
static void look_at_rights(struct journal *journal) {
    struct ts_err err = {0};

    if (!journal->store.db)
        return;
    if (store_check_rights(&journal->store, &err) != TS_OK)
        disk_count_error(journal->disk, JOURNAL_DISK_OPEN);
    if (err.text[0] && strcmp(err.text, journal->warning.text) != 0)
        ts_log(TS_LOG_ERROR, "journal", "%s", err.text);
    else if (!err.text[0] && journal->warning.text[0])
        ts_log(TS_LOG_INFO, "journal", "%s can be opened again", journal->path);
    journal->warning = err;
}

void journal_tidy_begin(struct journal *journal) {
    if (journal_pending(journal))
        return;
    look_at_rights(journal);
    journal->suspect |= store_is_gone(&journal->store);
    mend_if_suspect(journal);
    journal_erasure_retry(journal);
    look_beside(journal);
    if (journal->on_way)
        return;
    if (!journal->store.db) {
        give_replacement(journal, WRITER_REOPEN);
        return;
    }
    journal->job.shrink = !journal->unsent_rows;
    if (journal_moved(journal) || journal_age_due(journal) ||
        journal->job.shrink)
        journal_give_group(journal);
}

enum ts_status journal_tidy(struct journal *journal, struct ts_err *err) {
    if (journal_pending(journal))
        return TS_OK;
    journal_tidy_begin(journal);
    return journal_wait_for_rest(journal, err);
}
