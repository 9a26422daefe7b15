/* What one transaction does to the file, in memory until the writer takes it.
 * Private to agent/journal*.c. */
#ifndef TS_AGENT_JOURNAL_GROUP_H
#define TS_AGENT_JOURNAL_GROUP_H

#include "agent/journal_store.h"

struct journal_step;

struct journal_group {
    struct journal_step *steps;
    size_t count, room;
    struct ts_buf bytes; /* payloads, keys and values */
    uint64_t rows;       /* new ones */
    int64_t row_bytes;
};

void group_fini(struct journal_group *group);
/* Keeps the memory for the next group. */
void group_clear(struct journal_group *group);

/* What its rows and values take, with STORE_ROW_OVERHEAD for each. */
int64_t group_memory(const struct journal_group *group);

/* A row with sequence 1 enters its journal too. */
void group_add_row(struct journal_group *group, const struct store_row *row);
/* An empty value removes the key. */
void group_put(struct journal_group *group, const char *key,
               struct ts_slice value);
void group_set_through(struct journal_group *group, const char *journal,
                       uint64_t through);
/* Rows up to `through`; `gone`: the journal's entry too. */
void group_drop_rows(struct journal_group *group, const char *journal,
                     uint64_t through, bool gone);
void group_drop_row(struct journal_group *group, const char *journal,
                    uint64_t sequence);

/* All steps in one transaction, durable when this answers TS_OK; else nothing
 * of them is there. */
enum ts_status group_write(const struct journal_group *group,
                           struct journal_store *store,
                           struct ts_err *err) TS_MUST_USE;

#endif
