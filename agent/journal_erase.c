/* What an erased person's card leaves in the copies of acked rows. */
#include "agent/journal_private.h"

#include <assert.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct hit {
    size_t span;
    uint64_t sequence;
    int64_t bytes;
};

struct erasure {
    struct journal *journal;
    const json_t *cards;
    json_t *visits; /* in which one of the cards was presented */
    struct hit *hits;
    size_t count, room;
};

static bool names_card(const struct erasure *erasure, struct ts_slice payload) {
    size_t index;
    const json_t *card;

    json_array_foreach(erasure->cards, index, card) {
        size_t len = json_string_length(card);
        if (len &&
            memmem(payload.data, payload.len, json_string_value(card), len))
            return true;
    }
    return false;
}

/* "" outside of a visit. event_encode writes the member ahead of data. */
static void visit_of(char out[TS_UUID_TEXT], struct ts_slice payload) {
    static const char member[] = "\"visit\":\"";
    const size_t skip = sizeof member - 1;
    const uint8_t *end = payload.data + payload.len;
    const uint8_t *at = memmem(payload.data, payload.len, member, skip);

    out[0] = 0;
    if (!at || (size_t)(end - at) < skip + TS_UUID_TEXT - 1)
        return;
    memcpy(out, at + skip, TS_UUID_TEXT - 1);
    out[TS_UUID_TEXT - 1] = 0;
}

static void add_hit(struct erasure *erasure, size_t span,
                    const struct store_row *row) {
    if (erasure->count == erasure->room) {
        erasure->room = erasure->room ? erasure->room * 2 : 64;
        erasure->hits =
            ts_realloc(erasure->hits, erasure->room * sizeof *erasure->hits);
    }
    erasure->hits[erasure->count++] = (struct hit){
        span, row->sequence, (int64_t)row->payload.len + STORE_ROW_OVERHEAD};
}

static void look_for_card(struct erasure *erasure, size_t span,
                          const struct store_row *row) {
    char visit[TS_UUID_TEXT];

    if (!names_card(erasure, row->payload))
        return;
    add_hit(erasure, span, row);
    visit_of(visit, row->payload);
    if (visit[0])
        (void)json_object_set_new(erasure->visits, visit, json_true());
}

static void look_for_visit(struct erasure *erasure, size_t span,
                           const struct store_row *row) {
    char visit[TS_UUID_TEXT];

    visit_of(visit, row->payload);
    if (json_object_get(erasure->visits, visit) &&
        !names_card(erasure, row->payload))
        add_hit(erasure, span, row);
}

typedef void copy_look(struct erasure *erasure, size_t span,
                       const struct store_row *row);

static enum ts_status each_copy(struct erasure *erasure, copy_look *look,
                                struct ts_err *err) {
    struct journal *journal = erasure->journal;
    enum ts_status status = TS_OK;

    for (size_t i = 0; status == TS_OK && i < journal->span_count; i++) {
        sqlite3_stmt *statement = store_prepare(&journal->store, STORE_READ);
        struct store_row row;
        int step;

        store_bind_text(statement, 1, journal->spans[i].journal);
        (void)sqlite3_bind_int64(statement, 2, 0);
        (void)sqlite3_bind_int64(statement, 3,
                                 (int64_t)journal->spans[i].stored_through);
        while ((step = sqlite3_step(statement)) == SQLITE_ROW)
            if (store_row_get(statement, &row))
                look(erasure, i, &row);
        if (step != SQLITE_DONE)
            status = store_fail(&journal->store, err);
        (void)sqlite3_reset(statement);
    }
    return status;
}

/* The log of the file must not hold the pages as they were. */
static enum ts_status drop_hits(struct erasure *erasure, struct ts_err *err) {
    struct journal *journal = erasure->journal;

    for (size_t i = 0; i < erasure->count; i++)
        group_drop_row(&journal->job.group,
                       journal->spans[erasure->hits[i].span].journal,
                       erasure->hits[i].sequence);
    journal->job.scrub = true;
    journal->ageing = (struct journal_ageing){0};
    journal_give(journal, WRITER_COMMIT);
    return journal_end_jobs(journal, err);
}

static void settle(struct erasure *erasure) {
    struct journal *journal = erasure->journal;

    for (size_t i = 0; i < erasure->count; i++) {
        journal->copy_bytes -= erasure->hits[i].bytes;
        journal->copy_rows--;
    }
    for (size_t i = 0; erasure->count && i < journal->span_count; i++) {
        struct journal_span *span = &journal->spans[i];
        span->oldest = source_first_from(journal, span->journal, 1);
        span->holed = true;
    }
}

/* What was readable in them lives on in the journal. */
static void drop_set_aside(const struct journal *journal) {
    char pattern[300];
    glob_t found;

    (void)snprintf(pattern, sizeof pattern, "%s.damaged-*", journal->path);
    if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            (void)unlink(found.gl_pathv[i]);
    globfree(&found);
}

enum ts_status journal_erase(struct journal *journal, const json_t *cards,
                             struct ts_err *err) {
    struct erasure erasure = {.journal = journal, .cards = cards};
    enum ts_status status;

    assert(!journal_pending(journal));
    /* What is known to be a copy must be so after a crash too. */
    journal_tidy_begin(journal);
    status = journal_end_jobs(journal, err);
    if (status != TS_OK)
        return status;
    if (!journal->store.db)
        return ts_fail(err, TS_IO, "%s is out of order: see the log",
                       journal->path);
    if (writer_salvages(journal->writer))
        return ts_fail(err, TS_AGAIN,
                       "a damaged journal is still being carried over: the "
                       "erase waits for it");
    erasure.visits = json_object();
    status = each_copy(&erasure, look_for_card, err);
    if (status == TS_OK && json_object_size(erasure.visits))
        status = each_copy(&erasure, look_for_visit, err);
    if (status == TS_OK && erasure.count)
        status = drop_hits(&erasure, err);
    if (status == TS_OK) {
        settle(&erasure);
        drop_set_aside(journal);
    }
    json_decref(erasure.visits);
    free(erasure.hits);
    return status;
}
