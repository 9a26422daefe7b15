/* Topic names: <root>/1/<shard>/<name>/<leaf> and <root>/1/<shard>/hub. */
#ifndef TS_SYNC_TOPIC_H
#define TS_SYNC_TOPIC_H

#include "base/ids.h"

enum { TOPIC_TEXT = 200, TOPIC_ROOT_TEXT = 33 };

enum topic_leaf {
    TOPIC_EVENTS,
    TOPIC_RESUME,
    TOPIC_ACKS,
    TOPIC_STATE,
    TOPIC_PULL,
    TOPIC_DESK,
    TOPIC_BELL, /* name is the store */
    TOPIC_HUB   /* no name */
};

struct topic {
    unsigned shard; /* 0 to 63 */
    char name[TS_NAME_TEXT];
    enum topic_leaf leaf;
};

/* Root: [a-z0-9-]{1,32}. */
bool topic_root_valid(struct ts_slice root);
void topic_text(char out[TOPIC_TEXT], const char *root, unsigned shard,
                const char *name, enum topic_leaf leaf);
/* The hub's subscription over all shards and names of one leaf. */
void topic_filter(char out[TOPIC_TEXT], const char *root, enum topic_leaf leaf);
enum ts_status topic_parse(struct topic *out, const char *root,
                           struct ts_slice text) TS_MUST_USE;

#endif
