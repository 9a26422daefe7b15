/* Rows of a journal made into one publish: as many as fit. */
#ifndef TS_SYNC_PARCEL_H
#define TS_SYNC_PARCEL_H

#include "sync/uplink_core.h"

/* What parcels are made with, some 2 MB in use. */
struct parcel_press {
    struct batch_codec *codec;
    struct batch batch;
    struct ts_buf out; /* what is to be published */
};

struct parcel {
    const struct uplink_source *source; /* borrowed */
    struct parcel_press *press;
    bool own_press, compress;
    size_t max_publish_bytes;
};

/* `press` is borrowed; NULL: one of its own. */
void parcel_init(struct parcel *parcel, const struct uplink_source *source,
                 size_t max_publish_bytes, bool compress,
                 struct parcel_press *press);
void parcel_fini(struct parcel *parcel);
/* The id of the dictionary that it sends with, or 0. */
uint32_t parcel_dictionary(const struct parcel *parcel);
/* Fills the press's `out` and *sent, but for its bytes. TS_CORRUPT: there is no
 * such row, sent->first is the next one. A row beyond all limits goes alone and
 * plain: the hub judges it. */
enum ts_status parcel_pack(struct parcel *parcel,
                           const struct uplink_core_send *send,
                           struct uplink_core_sent *sent,
                           struct ts_err *err) TS_MUST_USE;

#endif
