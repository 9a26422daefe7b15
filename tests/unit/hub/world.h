/* A small company for the tests of what is derived: a database in memory, a
 * clock that the test sets, events written as JSON. */
#ifndef TS_TESTS_HUB_WORLD_H
#define TS_TESTS_HUB_WORLD_H

#include "base/ids.h"
#include "hub/derive.h"
#include "hub/people.h"
#include "hub/segment.h"

struct world {
    struct db *db;
    struct ts_keys *keys;
    struct ts_wall now; /* when the next event is received */
    struct ts_clock clock;
    struct identity_rules rules;
    struct segment_cards cards;
    struct derive_options derive;
    struct people people;
};

void world_open(struct world *world);
/* The same in another database. */
void world_open_at(struct world *world, const char *url);
void world_close(struct world *world);

/* Archives an online event of the source "shop"; a second later than the one
 * before. */
void world_online(struct world *world, const char *json);
/* Archives an event of a lane: `card` NULL: none. */
struct world_scan {
    const char *store, *terminal, *boot, *visit, *clock, *type, *data;
    int64_t time_ms, uptime_ms;
    uint64_t sequence;
};
void world_store(struct world *world, const struct world_scan *scan);
void world_token(const struct world *world, const char *number,
                 char out[TS_TOKEN_TEXT]);
/* Derives everything that waits, shards in order or backwards. */
void world_derive(struct world *world, bool backwards);
/* The person's id, or "" when nobody. */
void world_person(struct world *world, const char *type, const char *value,
                  char out[TS_UUID_TEXT]);
json_t *world_lookup(struct world *world, const char *type, const char *value);
/* Identifiers, persons, states and evidence as one text that is the same for
 * the same answer. */
char *world_picture(struct world *world);

#endif
