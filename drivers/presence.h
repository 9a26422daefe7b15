/* One presentation of a card is one event: which cards lie on a reader that is
 * asked again and again. Holds hashes, never an id. */
#ifndef TS_DRIVERS_PRESENCE_H
#define TS_DRIVERS_PRESENCE_H

#include "base/bytes.h"

enum {
    PRESENCE_CARDS = 2, /* two in one wallet may answer in turns */
    PRESENCE_MISSES = 3 /* polls without it: it was taken away */
};

/* One for each reader; zero-initialised is empty. */
struct presence {
    struct {
        uint64_t hash; /* 0: free */
        unsigned misses;
    } cards[PRESENCE_CARDS];
};

/* Never 0. */
uint64_t presence_hash(struct ts_slice id);
/* True when the card has lain there already. */
bool presence_holds(const struct presence *presence, uint64_t hash);
/* A poll saw this card, and none of the others: true when it came just now,
 * and is to be reported. */
bool presence_comes(struct presence *presence, uint64_t hash);
/* A poll saw this card (0: none), and none of the others. */
void presence_poll(struct presence *presence, uint64_t seen);
/* The card was reported; it replaces the one that was missed longest. */
void presence_add(struct presence *presence, uint64_t hash);

#endif
