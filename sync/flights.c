#include "sync/flights.h"

#include <assert.h>
#include <string.h>

static bool is_of(const struct flight *flight, const char *journal) {
    return !journal || !strcmp(flight->journal, journal);
}

struct flight *flights_add(struct flights *flights) {
    assert(flights->count < FLIGHTS_MAX);
    return &flights->list[flights->count++];
}

void flights_forget(struct flights *flights, const char *journal) {
    size_t kept = 0;

    for (size_t i = 0; i < flights->count; i++)
        if (!is_of(&flights->list[i], journal))
            flights->list[kept++] = flights->list[i];
    flights->count = kept;
}

const struct flight *flights_first(const struct flights *flights,
                                   const char *journal) {
    for (size_t i = 0; i < flights->count; i++)
        if (is_of(&flights->list[i], journal))
            return &flights->list[i];
    return NULL;
}

bool flights_beyond(const struct flights *flights, const char *journal,
                    uint64_t through) {
    for (size_t i = 0; i < flights->count; i++)
        if (is_of(&flights->list[i], journal) &&
            flights->list[i].first > through + 1)
            return true;
    return false;
}

bool flights_land(struct flights *flights, const char *journal,
                  uint64_t through, struct flight *exact) {
    size_t kept = 0;
    size_t landed = 0;

    for (size_t i = 0; i < flights->count; i++) {
        const struct flight *flight = &flights->list[i];
        if (!is_of(flight, journal) || flight->last > through) {
            flights->list[kept++] = *flight;
            continue;
        }
        landed++;
        *exact = *flight;
    }
    flights->count = kept;
    if (landed != 1 || exact->last != through)
        exact->fresh = false;
    return landed > 0;
}
