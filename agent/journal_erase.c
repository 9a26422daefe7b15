/* What an erased person's card leaves in the copies of acked rows: looked for
 * by the writer between jobs, deleted by a job, then scrubbed. */
#include "agent/journal_private.h"

#include <assert.h>
#include <string.h>

static struct journal_span *span_of(struct journal *journal, const char *name) {
    for (size_t i = 0; i < journal->span_count; i++)
        if (!strcmp(journal->spans[i].journal, name))
            return &journal->spans[i];
    return NULL;
}

static void begin_search(struct journal *journal) {
    struct journal_erasure *erasure = &journal->erasure;
    struct search *search = search_new(erasure->cards);

    for (size_t i = 0; i < journal->span_count; i++)
        search_add(search, journal->spans[i].journal,
                   journal->spans[i].stored_through);
    erasure->step = ERASURE_SEARCHES;
    writer_search(journal->writer, search);
}

/* What is known to be a copy must be so after a crash too. */
static void begin(struct journal *journal) {
    if (!journal->store.db || journal->suspect ||
        writer_salvages(journal->writer))
        return;
    if (!journal_moved(journal))
        begin_search(journal);
    else if (!journal->open.count)
        journal_give_group(journal);
}

/* Copies may have aged since they were found, or the hub asks for them again.
 */
static bool is_copy(struct journal *journal, const struct search_hit *hit) {
    const struct journal_span *span = span_of(journal, hit->journal);

    return span && span->oldest && hit->sequence >= span->oldest &&
           hit->sequence <= span->through &&
           hit->sequence <= span->stored_through;
}

static void drop_hits(struct journal *journal) {
    struct journal_erasure *erasure = &journal->erasure;
    size_t count;
    const struct search_hit *hits = search_hits(erasure->found, &count);

    for (size_t i = 0; i < count; i++)
        if (is_copy(journal, &hits[i])) {
            group_drop_row(&journal->job.group, hits[i].journal,
                           hits[i].sequence);
            erasure->going.bytes += hits[i].bytes;
            erasure->going.rows++;
            span_of(journal, hits[i].journal)->thinned = true;
        }
    erasure->step = ERASURE_DROPS;
    journal->job.scrub = true;
    journal->ageing = (struct journal_ageing){0};
    journal_give(journal, WRITER_COMMIT);
}

static void end_search(struct journal *journal) {
    struct journal_erasure *erasure = &journal->erasure;
    struct ts_err err;

    search_free(erasure->found);
    erasure->found = writer_take_search(journal->writer, &err);
    if (!erasure->found)
        return;
    erasure->going = (struct journal_amount){0};
    if (err.status == TS_OK)
        drop_hits(journal);
    else
        journal_erasure_fail(journal, &err);
}

static void end_erasure(struct journal *journal) {
    struct journal_erasure ended = journal->erasure;

    journal->erasure = (struct journal_erasure){.step = ERASURE_NONE};
    json_decref(ended.cards);
    if (ended.done)
        ended.done(ended.arg);
}

void journal_erasure_go_on(struct journal *journal) {
    assert(!journal->on_way);
    switch (journal->erasure.step) {
    case ERASURE_WAITS:
        begin(journal);
        break;
    case ERASURE_SEARCHES:
        end_search(journal);
        break;
    case ERASURE_SCRUBS:
        if (writer_take_scrubbed(journal->writer))
            end_erasure(journal);
        break;
    default:
        break;
    }
}

void journal_erasure_settle(struct journal *journal) {
    struct journal_erasure *erasure = &journal->erasure;

    if (erasure->step != ERASURE_DROPS)
        return;
    erasure->step = ERASURE_SCRUBS;
    search_free(erasure->found);
    erasure->found = NULL;
    journal->copy_bytes -= erasure->going.bytes;
    journal->copy_rows -= erasure->going.rows;
    for (size_t i = 0; i < journal->span_count; i++) {
        struct journal_span *span = &journal->spans[i];

        if (!span->thinned)
            continue;
        span->thinned = false;
        span->oldest = source_first_from(journal, span->journal, 1);
        span->holed = true;
    }
}

static void start_anew(struct journal *journal,
                       enum journal_erasure_step from) {
    struct journal_erasure *erasure = &journal->erasure;

    search_free(erasure->found);
    erasure->found = NULL;
    for (size_t i = 0; i < journal->span_count; i++)
        journal->spans[i].thinned = false;
    erasure->step = from;
}

void journal_erasure_fail(struct journal *journal, const struct ts_err *err) {
    if (journal->erasure.step == ERASURE_NONE)
        return;
    journal->erasure.err = *err;
    start_anew(journal, ERASURE_FAILED);
}

void journal_erasure_restart(struct journal *journal) {
    if (journal->erasure.step != ERASURE_NONE)
        start_anew(journal, ERASURE_WAITS);
}

void journal_erasure_retry(struct journal *journal) {
    if (journal->erasure.step == ERASURE_FAILED)
        journal->erasure.step = ERASURE_WAITS;
}

void journal_erase_stop(struct journal *journal) {
    start_anew(journal, ERASURE_NONE);
    json_decref(journal->erasure.cards);
    journal->erasure = (struct journal_erasure){.step = ERASURE_NONE};
}

bool journal_erase_begin(struct journal *journal, const json_t *cards,
                         void (*done)(void *arg), void *arg) {
    if (journal->erasure.step != ERASURE_NONE)
        return false;
    journal->erasure = (struct journal_erasure){.step = ERASURE_WAITS,
                                                .cards = json_deep_copy(cards),
                                                .done = done,
                                                .arg = arg};
    if (!journal->on_way)
        journal_erasure_go_on(journal);
    return true;
}

enum ts_status journal_erase(struct journal *journal, const json_t *cards,
                             struct ts_err *err) {
    enum journal_erasure_step before = ERASURE_NONE;
    enum ts_status status = TS_OK;

    assert(!journal_pending(journal));
    if (!journal_erase_begin(journal, cards, NULL, NULL))
        return ts_fail(err, TS_AGAIN, "another erase of %s is under way",
                       journal->path);
    while (status == TS_OK && journal->erasure.step != ERASURE_NONE &&
           journal->erasure.step != ERASURE_FAILED &&
           journal->erasure.step != before) {
        before = journal->erasure.step;
        status = journal_wait_for_rest(journal, err);
    }
    if (journal->erasure.step == ERASURE_NONE)
        return status;
    if (status == TS_OK && journal->erasure.step == ERASURE_FAILED)
        return ts_fail(err, journal->erasure.err.status, "%s",
                       journal->erasure.err.text);
    return status != TS_OK
               ? status
               : ts_fail(err, TS_AGAIN,
                         "the erase of %s goes on when its disk, or who "
                         "reads it, lets it",
                         journal->path);
}
