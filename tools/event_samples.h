/* Made-up store events that look like a day's trade, the same for the same
 * seed: they train the batch dictionary and measure it. */
#ifndef TS_TOOLS_EVENT_SAMPLES_H
#define TS_TOOLS_EVENT_SAMPLES_H

#include "sync/event.h"

/* One terminal with its customers. */
struct event_sampler;

struct event_sampler *event_sampler_new(uint64_t seed);
void event_sampler_free(struct event_sampler *sampler);
/* Appends the next event of the terminal's journal. */
void event_sampler_next(struct event_sampler *sampler, struct ts_buf *out);

#endif
