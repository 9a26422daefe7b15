/* Made-up store events of a day's trade, the same for the same seed: they
 * train the batch dictionary and measure what an event costs on the wire.
 * Types, members and their order are those that the agent writes. */
#ifndef TS_TOOLS_EVENT_SAMPLES_H
#define TS_TOOLS_EVENT_SAMPLES_H

#include "sync/event.h"

/* One terminal with its customers. Seeds of the same thousand are one company:
 * one assortment, one way to name things. */
struct event_sampler;

struct event_sampler *event_sampler_new(uint64_t seed);
void event_sampler_free(struct event_sampler *sampler);
const struct event_origin *
event_sampler_origin(const struct event_sampler *sampler);
/* What happens next, lent until the next call; `journal` and `sequence` are
 * what it will be appended under. */
const struct event *event_sampler_draw(struct event_sampler *sampler,
                                       const char *journal, uint64_t sequence);
/* Appends the next event of the sampler's own journal. */
void event_sampler_next(struct event_sampler *sampler, struct ts_buf *out);

#endif
