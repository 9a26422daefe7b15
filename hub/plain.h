/* Batches as they nearly always come: plain JSON in which every event has its
 * form and the guard finds nothing. They are read without a tree on the heap;
 * every other batch takes the way that can mend it and say what is wrong. */
#ifndef TS_HUB_PLAIN_H
#define TS_HUB_PLAIN_H

#include "base/json_plain.h"
#include "sync/event.h"

struct plain_event {
    struct event_view view;
    size_t start, len; /* its canonical bytes in `bodies` */
};

/* Zero-initialised is legal; reading again reuses the memory. Views borrow
 * from the text and from this. */
struct plain_batch {
    struct ts_plain json;
    struct plain_event *events;
    size_t count, cap;
    struct ts_buf bodies;
};

/* `text`: the JSON of the whole batch. False: take it the other way; the
 * content is undefined then. */
bool plain_batch_read(struct plain_batch *out,
                      struct ts_slice text) TS_MUST_USE;
void plain_batch_fini(struct plain_batch *batch);
/* The canonical bytes of an event. */
struct ts_slice plain_batch_body(const struct plain_batch *batch, size_t i);

#endif
