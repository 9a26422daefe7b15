#include "sync/round_trip.h"

#include <stdlib.h>

void round_trip_add(struct round_trip *trip, int64_t took_ms) {
    int64_t off = took_ms - trip->smoothed_ms;

    if (trip->smoothed_ms) {
        trip->varies_ms += (llabs(off) - trip->varies_ms) / 4;
        trip->smoothed_ms += off / 8;
    } else {
        trip->varies_ms = took_ms / 2;
        trip->smoothed_ms = took_ms;
    }
}

int64_t round_trip_limit_ms(const struct round_trip *trip) {
    return trip->smoothed_ms + 4 * trip->varies_ms;
}
