/* What agent/journal*.c share. */
#ifndef TS_AGENT_JOURNAL_PRIVATE_H
#define TS_AGENT_JOURNAL_PRIVATE_H

#include "agent/journal_writer.h"

/* How long a start, and who has no loop, waits for what a damaged file gives.
 */
enum { JOURNAL_SALVAGE_FIRST_MS = 500, JOURNAL_REST_MS = 60000 };
/* In memory, while the disk does not take it: some 10,000 events. */
enum { JOURNAL_WAITING_MAX_BYTES = 4 << 20 };

/* A journal with an entry in the file. The last one is the current run's as
 * soon as it has a durable row. */
struct journal_span {
    char journal[TS_JOURNAL_TEXT];
    uint64_t oldest, newest; /* oldest 0: no row left */
    uint64_t through, stored_through;
    uint64_t going; /* through, on its way to the disk */
    bool holed;     /* rows were lost by damage */
};

/* What one transaction removes of the copies. */
enum { JOURNAL_AGE_SPANS = 8 };
struct journal_ageing {
    size_t count;
    struct {
        size_t span;
        uint64_t cut;
        bool gone; /* no row left: the entry goes too */
    } spans[JOURNAL_AGE_SPANS];
    struct journal_amount total;
};

struct journal {
    struct journal_options options;
    char *path;
    int lock_fd;
    struct journal_disk *disk;
    struct journal_store store; /* for reading; db NULL: out of order */
    struct journal_writer *writer;
    struct ts_buf scratch;
    char id[TS_JOURNAL_TEXT];
    uint64_t newest; /* durable rows of this run */
    char previous[TS_JOURNAL_TEXT];
    uint64_t previous_last;
    struct journal_span *spans;
    size_t span_count;
    int64_t unsent_bytes, copy_bytes;
    uint64_t unsent_rows, copy_rows;
    struct journal_group open; /* what the next commit takes */
    struct writer_job job;     /* the writer's while on_way */
    bool on_way;
    struct journal_ageing ageing; /* of the job */
    struct journal_refusal refusals[JOURNAL_CLASSES];
    uint64_t refused[JOURNAL_CLASSES];
    uint64_t commits, appended;
    void (*on_release)(void *arg);
    void *on_release_arg;
    bool estimate; /* the file is too large to be counted at the start */
    bool suspect;  /* a reader saw damage: */
    struct ts_err suspicion;
    struct ts_err warning; /* "" or what stands in the way of a restart */
    bool damage_untold;
    struct journal_report damage;
};

/* Rows with after < sequence <= to. */
enum ts_status source_amount(struct journal *journal, const char *name,
                             uint64_t after, uint64_t to,
                             struct journal_amount *out,
                             struct ts_err *err) TS_MUST_USE;
/* A step of the reading connection that is neither a row nor the end: damage is
 * mended at the next commit or tidy. Before the statement is reset. */
void source_judge(struct journal *journal, int step);
/* 0: none. */
uint64_t source_first_from(struct journal *journal, const char *name,
                           uint64_t from);
uint64_t source_last(struct journal *journal, const char *name);

bool journal_age_due(struct journal *journal);
/* Adds to `group` that the oldest copies over the bounds go. */
void journal_age(struct journal *journal, struct journal_ageing *ageing,
                 struct journal_group *group);
/* ... when they are gone. */
void journal_ageing_settle(struct journal *journal,
                           const struct journal_ageing *ageing);

/* From the reading connection: what the file holds. */
enum ts_status journal_load(struct journal *journal, struct ts_err *err);
/* Draws the id of this run; the spans tell of the one before. */
void journal_begin_run(struct journal *journal);
/* The job is handed over; nothing was on its way. */
void journal_give(struct journal *journal, enum writer_task task);
/* Waits for the job and a replacement that it asks for, but for nothing that
 * the writer does between jobs: that may take minutes. */
enum ts_status journal_end_jobs(struct journal *journal, struct ts_err *err);
/* What was carried over from a damaged file counts from now on. Nothing is on
 * its way. */
void journal_absorb(struct journal *journal);

#endif
