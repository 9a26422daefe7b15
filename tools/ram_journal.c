#include "tools/ram_journal.h"

#include "base/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct row {
    uint8_t *bytes;
    uint32_t len;
    int64_t committed_us;
};

/* Rows and digests stand for the sequences from 1 on; rows up to `dropped`
 * are gone. */
struct run {
    char journal[TS_JOURNAL_TEXT];
    uint64_t newest;   /* durable */
    uint64_t appended; /* the rest is pending */
    uint64_t through;
    uint64_t noted; /* `through` as the last commit wrote it */
    uint64_t told;  /* up to here the watch was told */
    uint64_t dropped;
    struct row *rows; /* [0] is dropped + 1 */
    size_t row_room;
    uint64_t *digests;
    size_t digest_room;
};

struct ram_journal {
    struct ram_journal_watch watch;
    size_t keep, copies, bytes;
    uint64_t recorded, lost;
    struct run *runs;
    size_t count, room;
};

struct ram_journal *ram_journal_new(size_t keep,
                                    const struct ram_journal_watch *watch) {
    struct ram_journal *journal = ts_alloc(sizeof *journal);

    journal->keep = keep;
    journal->watch = *watch;
    return journal;
}

static struct run *last_run(const struct ram_journal *journal) {
    assert(journal->count > 0);
    return &journal->runs[journal->count - 1];
}

static void free_row(struct ram_journal *journal, struct row *row) {
    journal->bytes -= row->len;
    free(row->bytes);
}

void ram_journal_free(struct ram_journal *journal) {
    if (!journal)
        return;
    for (size_t i = 0; i < journal->count; i++) {
        struct run *run = &journal->runs[i];
        for (uint64_t r = 0; r < run->appended - run->dropped; r++)
            free_row(journal, &run->rows[r]);
        free(run->rows);
        free(run->digests);
    }
    free(journal->runs);
    free(journal);
}

void ram_journal_begin(struct ram_journal *journal) {
    struct run *run;

    if (journal->count == journal->room) {
        journal->room = journal->room ? journal->room * 2 : 1;
        journal->runs =
            ts_realloc(journal->runs, journal->room * sizeof *journal->runs);
    }
    run = &journal->runs[journal->count++];
    *run = (struct run){0};
    ts_random_hex(run->journal, TS_JOURNAL_TEXT - 1);
}

const char *ram_journal_id(const struct ram_journal *journal) {
    return last_run(journal)->journal;
}

uint64_t ram_journal_next(const struct ram_journal *journal) {
    return last_run(journal)->appended + 1;
}

/* A run of which nothing became durable left no trace on a disk either. */
bool ram_journal_previous(const struct ram_journal *journal,
                          const char **previous, uint64_t *last) {
    for (size_t i = journal->count; i-- > 1;)
        if (journal->runs[i - 1].newest) {
            *previous = journal->runs[i - 1].journal;
            *last = journal->runs[i - 1].newest;
            return true;
        }
    return false;
}

uint64_t ram_journal_digest(struct ts_slice event) {
    uint8_t hash[TS_HASH_BYTES];
    uint64_t digest;
    struct ts_buf canonical = {0};
    json_t *json = NULL;

    if (ts_json_parse(&json, event, NULL) == TS_OK &&
        ts_json_canonical(&canonical, json) == TS_OK)
        event = ts_buf_slice(&canonical);
    ts_hash(hash, &event, 1);
    json_decref(json);
    ts_buf_fini(&canonical);
    memcpy(&digest, hash, sizeof digest);
    return digest;
}

static void make_room(struct run *run) {
    size_t held = run->appended - run->dropped;

    if (held == run->row_room) {
        run->row_room = run->row_room ? run->row_room * 2 : 8;
        run->rows = ts_realloc(run->rows, run->row_room * sizeof *run->rows);
    }
    if (run->appended == run->digest_room) {
        run->digest_room = run->digest_room ? run->digest_room * 2 : 32;
        run->digests =
            ts_realloc(run->digests, run->digest_room * sizeof *run->digests);
    }
}

void ram_journal_append(struct ram_journal *journal, struct ts_slice event) {
    struct run *run = last_run(journal);
    struct row row = {.bytes = ts_alloc(event.len), .len = (uint32_t)event.len};

    memcpy(row.bytes, event.data, event.len);
    make_room(run);
    run->rows[run->appended - run->dropped] = row;
    run->digests[run->appended] = ram_journal_digest(event);
    run->appended++;
    journal->bytes += event.len;
}

void ram_journal_commit(struct ram_journal *journal, int64_t now_us) {
    struct run *run = last_run(journal);

    journal->recorded += run->appended - run->newest;
    for (; run->newest < run->appended; run->newest++)
        run->rows[run->newest - run->dropped].committed_us = now_us;
    for (size_t i = 0; i < journal->count; i++)
        journal->runs[i].noted = journal->runs[i].through;
}

static void drop_rows(struct ram_journal *journal, struct run *run,
                      uint64_t count) {
    size_t left = run->appended - run->dropped - count;

    for (uint64_t i = 0; i < count; i++)
        free_row(journal, &run->rows[i]);
    memmove(run->rows, run->rows + count, left * sizeof *run->rows);
    run->dropped += count;
    journal->copies -= count;
    if (!left) {
        free(run->rows);
        run->rows = NULL;
        run->row_room = 0;
    }
}

/* Old copies go first. */
static void prune(struct ram_journal *journal) {
    for (size_t i = 0; i < journal->count && journal->copies > journal->keep;
         i++) {
        struct run *run = &journal->runs[i];
        uint64_t acked =
            run->through > run->dropped ? run->through - run->dropped : 0;
        uint64_t over = journal->copies - journal->keep;

        if (acked)
            drop_rows(journal, run, acked < over ? acked : over);
    }
}

static void count_copies(struct ram_journal *journal) {
    journal->copies = 0;
    for (size_t i = 0; i < journal->count; i++)
        if (journal->runs[i].through > journal->runs[i].dropped)
            journal->copies +=
                journal->runs[i].through - journal->runs[i].dropped;
}

void ram_journal_kill(struct ram_journal *journal) {
    struct run *run = last_run(journal);

    journal->lost += run->appended - run->newest;
    while (run->appended > run->newest) {
        run->appended--;
        free_row(journal, &run->rows[run->appended - run->dropped]);
    }
    /* What is gone from the disk was acknowledged all the same. */
    for (size_t i = 0; i < journal->count; i++) {
        run = &journal->runs[i];
        run->through = run->noted > run->dropped ? run->noted : run->dropped;
    }
    count_copies(journal);
}

static enum ts_status spans(void *ctx, struct uplink_span *out, size_t max,
                            size_t *count, struct ts_err *err) {
    struct ram_journal *journal = ctx;

    (void)err;
    *count = 0;
    for (size_t i = 0; i < journal->count && *count < max; i++) {
        const struct run *run = &journal->runs[i];
        struct uplink_span *span = &out[*count];

        if (run->newest <= run->dropped)
            continue;
        memcpy(span->journal, run->journal, TS_JOURNAL_TEXT);
        span->oldest = run->dropped + 1;
        span->newest = run->newest;
        span->through = run->through;
        (*count)++;
    }
    return TS_OK;
}

static struct run *find_run(struct ram_journal *journal, const char *name) {
    for (size_t i = journal->count; i-- > 0;)
        if (!strcmp(journal->runs[i].journal, name))
            return &journal->runs[i];
    return NULL;
}

/* The parameters are those of uplink_source.
 * NOLINTBEGIN(readability-function-size) */
static enum ts_status
read_rows(void *ctx, const char *name, uint64_t from, size_t max_rows,
          bool (*row)(void *arg, uint64_t sequence, struct ts_slice payload),
          void *arg, struct ts_err *err) {
    const struct run *run = find_run(ctx, name);

    if (!run)
        return ts_fail(err, TS_INVALID, "journal %s is not held", name);
    if (from <= run->dropped)
        from = run->dropped + 1;
    for (; max_rows && from <= run->newest; from++, max_rows--) {
        const struct row *found = &run->rows[from - run->dropped - 1];
        if (!row(arg, from, ts_slice_of(found->bytes, found->len)))
            break;
    }
    return TS_OK;
}

/* NOLINTEND(readability-function-size) */

static void tell_released(struct ram_journal *journal, struct run *run,
                          uint64_t through) {
    for (; run->told < through; run->told++)
        journal->watch.released(
            journal->watch.ctx,
            run->rows[run->told - run->dropped].committed_us);
}

static enum ts_status release(void *ctx, const char *name, uint64_t through,
                              struct ts_err *err) {
    struct ram_journal *journal = ctx;
    struct run *run = find_run(journal, name);

    if (!run)
        return ts_fail(err, TS_INVALID, "journal %s is not held", name);
    if (through > run->newest)
        through = run->newest;
    run->through = through;
    count_copies(journal);
    tell_released(journal, run, through);
    prune(journal);
    return TS_OK;
}

struct uplink_source ram_journal_source(struct ram_journal *journal) {
    return (struct uplink_source){journal, spans, read_rows, release};
}

void ram_journal_get_stats(const struct ram_journal *journal,
                           struct ram_journal_stats *out) {
    *out = (struct ram_journal_stats){.recorded = journal->recorded,
                                      .lost = journal->lost,
                                      .held_bytes = journal->bytes};
    for (size_t i = 0; i < journal->count; i++) {
        const struct run *run = &journal->runs[i];
        out->pending += run->appended - run->newest;
        out->unsent += run->newest - run->through;
    }
}

size_t ram_journal_runs(const struct ram_journal *journal) {
    return journal->count;
}

struct ram_run_view ram_journal_run(const struct ram_journal *journal,
                                    size_t index) {
    const struct run *run = &journal->runs[index];

    assert(index < journal->count);
    return (struct ram_run_view){run->journal, run->newest, run->digests};
}
