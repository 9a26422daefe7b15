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
    bool holed;     /* rows were lost by damage, or erased */
    bool thinned;   /* rows of it are being erased */
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

/* What is to go of a person, from the asking to the end. */
enum journal_erasure_step {
    ERASURE_NONE,
    ERASURE_WAITS,    /* for the file to be in order */
    ERASURE_SEARCHES, /* the writer reads */
    ERASURE_DROPS,    /* the job is on its way */
    ERASURE_SCRUBS,   /* the writer scrubs */
    ERASURE_FAILED    /* until the next tidy */
};
struct journal_erasure {
    enum journal_erasure_step step;
    json_t *cards;
    void (*done)(void *arg);
    void *arg;
    struct search *found; /* what the job deletes */
    struct journal_amount going;
    struct ts_err err; /* of the last failure */
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
    struct journal_erasure erasure;
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
/* The next step of an erasure; nothing is on its way. */
void journal_erasure_go_on(struct journal *journal);
/* The job that deletes is durable. */
void journal_erasure_settle(struct journal *journal);
void journal_erasure_fail(struct journal *journal, const struct ts_err *err);
/* The file is replaced. */
void journal_erasure_restart(struct journal *journal);
/* What failed may try again. */
void journal_erasure_retry(struct journal *journal);

/* Acks have moved what the file does not know yet. */
bool journal_moved(const struct journal *journal);
/* The open group goes, with what acks have moved and what ages. */
void journal_give_group(struct journal *journal);
/* Ends jobs, and waits for what the writer does between them. */
enum ts_status journal_wait_for_rest(struct journal *journal,
                                     struct ts_err *err);
/* The job is handed over; nothing was on its way. */
void journal_give(struct journal *journal, enum writer_task task);
/* Waits for the job and a replacement that it asks for, but for nothing that
 * the writer does between jobs: that may take minutes. */
enum ts_status journal_end_jobs(struct journal *journal, struct ts_err *err);
/* What was carried over from a damaged file counts from now on. Nothing is on
 * its way. */
void journal_absorb(struct journal *journal);

#endif
