/* A driver and the shop's rules behind one door: bytes in, one JSON object for
 * each scan or reject out. What `tessera decode` prints and what captures
 * expect. */
#ifndef TS_TOOLS_DECODER_H
#define TS_TOOLS_DECODER_H

#include "base/json.h"
#include "drivers/code/code.h"
#include "drivers/driver.h"

struct decoder_options {
    const struct driver *driver;
    const struct driver_profile *profile;
    const struct code_rules *rules; /* outlives the decoder, or NULL */
    unsigned repeat_ms;             /* 0: repeats are shown like any scan */
};

struct decoder_events {
    void *ctx;
    /* A line of output; borrowed. May hold a clear loyalty number, never a
     * digit of a payment card. */
    void (*event)(void *ctx, const json_t *event);
    /* Bytes for the reader; may be NULL. */
    void (*send)(void *ctx, struct ts_slice bytes);
};

struct decoder;

struct decoder *decoder_new(const struct decoder_options *options,
                            const struct decoder_events *events);
void decoder_free(struct decoder *decoder);
/* The port opens: what was half read is gone. */
void decoder_plug(struct decoder *decoder);
/* The port is gone: nothing more is due until it opens again. */
void decoder_unplug(struct decoder *decoder);
void decoder_feed(struct decoder *decoder, struct ts_slice bytes,
                  struct ts_mono now);
/* Runs what has become due up to `now`. */
void decoder_pass(struct decoder *decoder, struct ts_mono now);
/* Nothing more will come: runs whatever is still due. */
void decoder_finish(struct decoder *decoder);
/* Events so far, and how many of them are rejects. */
size_t decoder_count(const struct decoder *decoder);
size_t decoder_rejects(const struct decoder *decoder);

#endif
