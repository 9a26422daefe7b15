#include "tools/latency.h"

/* Values below twice this are exact. */
#define EXACT ((size_t)32)

static size_t bucket_of(uint64_t us) {
    unsigned shift = 0;
    size_t at;

    while (us >> shift >= 2 * EXACT)
        shift++;
    at = us < EXACT ? (size_t)us : shift * EXACT + (size_t)(us >> shift);
    return at < LATENCY_BUCKETS ? at : LATENCY_BUCKETS - 1;
}

/* The largest value of the bucket. */
static uint64_t value_of(size_t bucket) {
    size_t shift = bucket < 2 * EXACT ? 0 : bucket / EXACT - 1;
    uint64_t mantissa = bucket - shift * EXACT;

    return ((mantissa + 1) << shift) - 1;
}

void latency_add(struct latency *latency, int64_t us) {
    latency->buckets[bucket_of(us > 0 ? (uint64_t)us : 0)]++;
    latency->count++;
}

uint64_t latency_at(const struct latency *latency, double share) {
    uint64_t wanted = (uint64_t)((double)latency->count * share + 0.5);
    uint64_t seen = 0;

    if (!latency->count)
        return 0;
    for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
        seen += latency->buckets[i];
        if (seen >= (wanted ? wanted : 1))
            return value_of(i);
    }
    return value_of(LATENCY_BUCKETS - 1);
}

void latency_join(struct latency *latency, const struct latency *other) {
    latency->count += other->count;
    for (size_t i = 0; i < LATENCY_BUCKETS; i++)
        latency->buckets[i] += other->buckets[i];
}

json_t *latency_json(const struct latency *latency) {
    json_t *pairs = json_array();

    for (size_t i = 0; i < LATENCY_BUCKETS; i++)
        if (latency->buckets[i])
            (void)json_array_append_new(
                pairs, json_pack("[I,I]", (json_int_t)i,
                                 (json_int_t)latency->buckets[i]));
    return pairs;
}

void latency_read(struct latency *out, const json_t *json) {
    size_t index;
    const json_t *pair;

    *out = (struct latency){0};
    json_array_foreach(json, index, pair) {
        size_t at = (size_t)json_integer_value(json_array_get(pair, 0));
        uint64_t count = (uint64_t)json_integer_value(json_array_get(pair, 1));
        if (at >= LATENCY_BUCKETS)
            continue;
        out->buckets[at] += count;
        out->count += count;
    }
}
