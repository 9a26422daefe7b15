/* How long an answer may take, from how long answers took: the smoothed round
 * trip and four times its variation (RFC 6298, clause 2). No I/O; time is
 * passed in. */
#ifndef TS_SYNC_ROUND_TRIP_H
#define TS_SYNC_ROUND_TRIP_H

#include <stdint.h>

struct round_trip {
    int64_t smoothed_ms, varies_ms; /* 0 before the first */
};

void round_trip_add(struct round_trip *trip, int64_t took_ms);
/* 0 before the first. */
int64_t round_trip_limit_ms(const struct round_trip *trip);

#endif
