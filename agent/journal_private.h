/* What agent/journal*.c share. */
#ifndef TS_AGENT_JOURNAL_PRIVATE_H
#define TS_AGENT_JOURNAL_PRIVATE_H

#include "agent/journal_store.h"

/* A journal with an entry in the file. The last one is the current run's as
 * soon as it has a durable row. */
struct journal_span {
    char journal[TS_JOURNAL_TEXT];
    uint64_t oldest, newest; /* oldest 0: no row left */
    uint64_t through, stored_through;
    bool holed; /* rows were lost by damage */
};

struct journal {
    struct journal_options options;
    char *path;
    int lock_fd;
    struct journal_store store;
    struct ts_buf scratch;
    char id[TS_JOURNAL_TEXT];
    uint64_t newest; /* durable rows of this run */
    struct journal_span *spans;
    size_t span_count;
    int64_t unsent_bytes, copy_bytes;
    uint64_t unsent_rows, copy_rows;
    bool group_open;
    struct ts_err group_error;
    uint64_t group_rows;
    int64_t group_bytes;
    struct journal_refusal refusals[JOURNAL_CLASSES];
    uint64_t refused[JOURNAL_CLASSES];
    uint64_t commits, appended;
    void (*on_release)(void *arg);
    void *on_release_arg;
    bool suspect; /* a reader saw damage */
    bool damage_untold;
    struct journal_report damage;
};

struct journal_amount {
    int64_t bytes;
    uint64_t rows;
};

/* Rows with after < sequence <= to. */
enum ts_status source_amount(struct journal *journal, const char *name,
                             uint64_t after, uint64_t to,
                             struct journal_amount *out,
                             struct ts_err *err) TS_MUST_USE;
/* 0: none. */
uint64_t source_first_from(struct journal *journal, const char *name,
                           uint64_t from);
uint64_t source_last(struct journal *journal, const char *name);

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
bool journal_age_due(const struct journal *journal);
/* Deletes the oldest copies over the bounds, inside the open transaction. */
enum ts_status journal_age(struct journal *journal,
                           struct journal_ageing *ageing,
                           struct ts_err *err) TS_MUST_USE;
void journal_ageing_settle(struct journal *journal,
                           const struct journal_ageing *ageing);

/* After TS_CORRUPT: sets the file aside and goes on. Answers TS_CORRUPT. */
enum ts_status journal_replace(struct journal *journal, struct ts_err *err);

#endif
