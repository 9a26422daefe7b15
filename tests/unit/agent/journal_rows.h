/* Rows for the tests of the journal: made, committed and read back. */
#ifndef TS_TESTS_AGENT_JOURNAL_ROWS_H
#define TS_TESTS_AGENT_JOURNAL_ROWS_H

#include "journal_fixture.h"

/* The same file under a journal of its own. */
void reopen(struct fixture *f);

enum ts_status append_to(struct journal *journal,
                         const struct hand_clock *clock,
                         enum journal_class class, uint64_t *sequence,
                         struct ts_err *err);
uint64_t append(struct fixture *f);
void commit(struct fixture *f);
/* ... and commits. */
void append_many(struct fixture *f, size_t count);

/* Collects what a walk gives; checks that journal and number are the row's. */
struct seen {
    uint64_t rows;
    uint64_t last;
    char journal[TS_JOURNAL_TEXT];
    bool contiguous;
    struct ts_buf bytes;
};
bool see(void *arg, const char *journal, uint64_t sequence,
         struct ts_slice payload);
/* All rows from the first one of journal `from`; seen->bytes is the caller's.
 */
enum ts_status walk(struct fixture *f, const char *from, struct seen *seen);
/* Of the newest journal. */
struct uplink_span only_span(struct fixture *f);
/* For a reader of rows: `arg` is two numbers, how many and the last one. */
bool count_row(void *arg, uint64_t sequence, struct ts_slice payload);
int64_t now_ms(void);

#endif
