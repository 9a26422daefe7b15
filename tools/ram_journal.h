/* A terminal's journal in memory that keeps the promise of the one on disk
 * (agent/journal.h): rows are numbered when appended, durable from the commit,
 * and what a kill takes is exactly what was not committed. */
#ifndef TS_TOOLS_RAM_JOURNAL_H
#define TS_TOOLS_RAM_JOURNAL_H

#include "sync/uplink.h"

struct ram_journal;

/* Told of each row that the hub's word released for the first time. */
struct ram_journal_watch {
    void *ctx;
    void (*released)(void *ctx, int64_t committed_us);
};

/* `keep`: rows kept as copies behind the hub's word. */
struct ram_journal *ram_journal_new(size_t keep,
                                    const struct ram_journal_watch *watch);
void ram_journal_free(struct ram_journal *journal);

/* A run begins under a new name; the one before it, if any, has ended. */
void ram_journal_begin(struct ram_journal *journal);
/* Of this run; lent until the next begin. */
const char *ram_journal_id(const struct ram_journal *journal);
/* The number that the next row gets. */
uint64_t ram_journal_next(const struct ram_journal *journal);
/* The run before this one and its last durable number; false: there is none. */
bool ram_journal_previous(const struct ram_journal *journal,
                          const char **previous, uint64_t *last);
/* The bytes are copied; not yet durable. */
void ram_journal_append(struct ram_journal *journal, struct ts_slice event);
/* All since the last commit is durable; `now_us` is any monotonic clock. */
void ram_journal_commit(struct ram_journal *journal, int64_t now_us);
/* kill -9: uncommitted rows are gone, and so is what was noted of the hub's
 * word since the last commit. */
void ram_journal_kill(struct ram_journal *journal);

struct uplink_source ram_journal_source(struct ram_journal *journal);

struct ram_journal_stats {
    uint64_t recorded; /* durable, all runs */
    uint64_t pending;  /* appended, not durable */
    uint64_t lost;     /* taken by kills before they were durable */
    uint64_t unsent;   /* durable, without the hub's word */
    size_t held_bytes;
};
void ram_journal_get_stats(const struct ram_journal *journal,
                           struct ram_journal_stats *out);

/* What a run recorded, for the judgement at the end: one digest a row. */
struct ram_run_view {
    const char *journal;
    uint64_t newest;         /* durable */
    const uint64_t *digests; /* [0] is of sequence 1 */
};
size_t ram_journal_runs(const struct ram_journal *journal);
struct ram_run_view ram_journal_run(const struct ram_journal *journal,
                                    size_t index);
/* The first 8 bytes of the SHA-256 of the event's canonical JSON. */
uint64_t ram_journal_digest(struct ts_slice event);

#endif
