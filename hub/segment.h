/* Bodies of the Segment HTTP Tracking API become archive events. Pure: no
 * clock, database or network. The guard and the tokeniser run first, so that
 * nothing that leaves here holds a payment card or a clear loyalty number. */
#ifndef TS_HUB_SEGMENT_H
#define TS_HUB_SEGMENT_H

#include "base/token.h"
#include "hub/archive.h"

enum {
    SEGMENT_MAX_EVENT = 32 * 1024,
    SEGMENT_MAX_BATCH = 2500,
    SEGMENT_MAX_MESSAGE_ID = 100
};

/* Whose clock stamped the events; AUTO asks the library that sent them. */
enum segment_kind { SEGMENT_AUTO, SEGMENT_DEVICE, SEGMENT_SERVER };

/* How the shop names a loyalty card in its online events. */
struct segment_cards {
    const struct ts_keys *keys;
    const char *programme;
    const char *const *traits; /* members of traits and properties */
    size_t trait_count;
};

/* What one request says for all of its events. */
struct segment_frame {
    const char *source;  /* name of the online source */
    const char *channel; /* of the source, "web" or "app" or "email" ... */
    enum segment_kind kind;
    struct ts_wall received;
    bool has_sent;
    struct ts_wall sent;
};

/* Text members live as long as the event. */
struct segment_event {
    struct archive_event archive;
    struct ts_buf key, source, body;
};

/* Wipes payment cards and puts tokens in the place of loyalty numbers, in the
 * whole value. Answers how many payment cards were removed. */
size_t segment_clean(json_t *value, const struct segment_cards *cards);

/* Merges the batch's `context` and `integrations` under the item's own. */
void segment_merge_outer(json_t *item, const json_t *outer);

/* `item` has been cleaned; `type` names the call ("track") for the routes of
 * one event and is NULL in a batch. TS_INVALID with a text for the sender
 * when it is not an event. */
enum ts_status segment_read(struct segment_event *out, json_t *item,
                            const char *type, const struct segment_frame *frame,
                            struct ts_err *err) TS_MUST_USE;
void segment_event_fini(struct segment_event *event);

#endif
