/* Waits counted in buckets that grow with them: any number of them in a fixed
 * space, a percentile to within 3 percent. */
#ifndef TS_TOOLS_LATENCY_H
#define TS_TOOLS_LATENCY_H

#include "base/json.h"

enum { LATENCY_BUCKETS = 1152 };

struct latency {
    uint64_t count;
    uint64_t buckets[LATENCY_BUCKETS];
};

void latency_add(struct latency *latency, int64_t us);
/* Microseconds that `share` (0 to 1) of the waits do not pass; 0: none. */
uint64_t latency_at(const struct latency *latency, double share);
void latency_join(struct latency *latency, const struct latency *other);
/* [[bucket, count], ...], a new reference. */
json_t *latency_json(const struct latency *latency);
void latency_read(struct latency *out, const json_t *json);

#endif
