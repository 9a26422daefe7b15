/* SHA-256 (FIPS 180-4). */
#ifndef TS_BASE_HASH_H
#define TS_BASE_HASH_H

#include "base/bytes.h"

enum { TS_HASH_BYTES = 32, TS_HASH_TEXT = 2 * TS_HASH_BYTES + 1 };

/* Of the `count` parts, one behind the other. */
void ts_hash(uint8_t out[TS_HASH_BYTES], const struct ts_slice *parts,
             size_t count);

#endif
