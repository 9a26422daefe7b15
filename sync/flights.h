/* The batches that are sent and not answered, in the order of their sending.
 * Pure. */
#ifndef TS_SYNC_FLIGHTS_H
#define TS_SYNC_FLIGHTS_H

#include "base/ids.h"

#include <stdbool.h>
#include <stddef.h>

enum { FLIGHTS_MAX = 64 };

struct flight {
    char journal[TS_JOURNAL_TEXT];
    uint64_t first, last;
    int64_t sent_at_ms;
    bool fresh; /* no row of it was ever sent before */
    bool dictionary;
};

/* All zero at first. */
struct flights {
    struct flight list[FLIGHTS_MAX];
    size_t count;
};

/* Room for one more, to be filled; the caller knows that there is. */
struct flight *flights_add(struct flights *flights);
/* Of one journal, or of all (NULL). */
void flights_forget(struct flights *flights, const char *journal);
/* The first of the journal, or NULL. */
const struct flight *flights_first(const struct flights *flights,
                                   const char *journal);
/* One of the journal begins behind `through` + 1. */
bool flights_beyond(const struct flights *flights, const char *journal,
                    uint64_t through);
/* Those of the journal up to `through` have landed; false: none. *exact is the
 * last of them, and not fresh unless it is the only one and ends there. */
bool flights_land(struct flights *flights, const char *journal,
                  uint64_t through, struct flight *exact);

#endif
