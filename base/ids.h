/* Names and numbers of the house: terminals, stores, shards, journals,
 * counters, UUIDs. */
#ifndef TS_BASE_IDS_H
#define TS_BASE_IDS_H

#include "base/bytes.h"
#include "base/time.h"

enum {
    TS_NAME_TEXT = 49,    /* terminal and store: [a-z0-9-]{1,48} and NUL */
    TS_JOURNAL_TEXT = 17, /* 16 hex digits and NUL */
    TS_COUNTER_TEXT = 21, /* 20 digits and NUL */
    TS_UUID_TEXT = 37,
    TS_SHARDS = 64
};

/* Ends the program when the kernel gives no randomness. */
void ts_random(void *out, size_t len);
/* `digits` lower-case hex digits and a NUL; never what base/guard.h takes for a
 * payment card. */
void ts_random_hex(char *out, size_t digits);

/* [a-z0-9-]{1,48}; "hub" and "hub-*" are reserved and refused. */
bool ts_name_valid(struct ts_slice name);
bool ts_journal_valid(struct ts_slice journal);

/* CRC-32 of the store id modulo 64: 0 to 63, fixed for ever. */
unsigned ts_shard(struct ts_slice id);

void ts_counter_text(char out[TS_COUNTER_TEXT], uint64_t value);
/* Exactly 20 digits, at most 2^53 - 1 (a JSON number carries it). */
enum ts_status ts_counter_parse(uint64_t *out,
                                struct ts_slice text) TS_MUST_USE;

/* UUID version 7, RFC 9562 section 5.7. */
void ts_uuid7(char out[TS_UUID_TEXT], struct ts_wall now);

#endif
