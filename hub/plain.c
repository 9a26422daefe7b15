#include "hub/plain.h"

#include "base/guard.h"
#include "base/token.h"
#include "sync/batch.h"

#include <stdlib.h>

/* What is called a card and is no token, anywhere in the event. */
static bool has_clear_card(const struct ts_plain *json, size_t event) {
    const struct ts_plain_node *nodes = json->nodes;

    for (size_t i = event + 1; i < nodes[event].next; i++) {
        bool card = ts_slice_equal(nodes[i].name, ts_slice_text("card")) ||
                    ts_slice_equal(nodes[i].name, ts_slice_text("card_was"));
        if (card && nodes[i].kind != TS_PLAIN_NULL &&
            !(nodes[i].kind == TS_PLAIN_STRING &&
              ts_token_valid(nodes[i].text)))
            return true;
    }
    return false;
}

static bool has_payment_card(const struct ts_plain *json, size_t event) {
    const struct ts_plain_node *nodes = json->nodes;

    for (size_t i = event + 1; i < nodes[event].next; i = nodes[i].next)
        if (!event_checked_member(nodes[i].name) &&
            ts_guard_refuses_plain(json, i))
            return true;
    return false;
}

static struct plain_event *add(struct plain_batch *batch) {
    if (batch->count == batch->cap) {
        batch->cap = batch->cap ? batch->cap * 2 : 64;
        batch->events =
            ts_realloc(batch->events, batch->cap * sizeof *batch->events);
    }
    return &batch->events[batch->count++];
}

static bool read_event(struct plain_batch *batch, size_t at) {
    struct plain_event *event = add(batch);

    if (batch->json.nodes[at].text.len > EVENT_MAX_BYTES ||
        event_parse_plain(&event->view, &batch->json, at, NULL) != TS_OK ||
        has_payment_card(&batch->json, at) || has_clear_card(&batch->json, at))
        return false;
    event->start = batch->bodies.len;
    if (ts_plain_canonical(&batch->bodies, &batch->json, at) != TS_OK)
        return false;
    event->len = batch->bodies.len - event->start;
    return true;
}

bool plain_batch_read(struct plain_batch *out, struct ts_slice text) {
    struct ts_plain *json = &out->json;

    out->count = 0;
    ts_buf_clear(&out->bodies);
    if (text.len > BATCH_MAX_BYTES || !ts_plain_read(json, text) ||
        json->nodes[0].kind != TS_PLAIN_ARRAY)
        return false;
    for (size_t i = 1; i < json->nodes[0].next; i = json->nodes[i].next)
        if (out->count == BATCH_MAX_EVENTS || !read_event(out, i))
            return false;
    return out->count;
}

void plain_batch_fini(struct plain_batch *batch) {
    ts_plain_fini(&batch->json);
    ts_buf_fini(&batch->bodies);
    free(batch->events);
    *batch = (struct plain_batch){.count = 0};
}

struct ts_slice plain_batch_body(const struct plain_batch *batch, size_t i) {
    const struct plain_event *event = &batch->events[i];

    return ts_slice_of(batch->bodies.data + event->start, event->len);
}
