/* Copies that name a card, and those of the same visits, found in pieces by the
 * writer's thread: a lane keeps up to 64 MB of them. Private to
 * agent/journal*.c. */
#ifndef TS_AGENT_JOURNAL_SEARCH_H
#define TS_AGENT_JOURNAL_SEARCH_H

#include "agent/journal_store.h"

struct search;

/* A copy that is to go. */
struct search_hit {
    char journal[TS_JOURNAL_TEXT];
    uint64_t sequence;
    int64_t bytes; /* with STORE_ROW_OVERHEAD */
};

/* `cards`: texts, copied. */
struct search *search_new(const json_t *cards);
void search_free(struct search *search);
/* Its rows up to `through` are looked at. */
void search_add(struct search *search, const char *journal, uint64_t through);
/* A piece. TS_AGAIN: there are more; TS_OK: all are read; TS_CORRUPT: a row
 * that cannot be read may be one of them. */
enum ts_status search_step(struct search *search, struct journal_store *store,
                           struct ts_err *err) TS_MUST_USE;
const struct search_hit *search_hits(const struct search *search,
                                     size_t *count);

#endif
