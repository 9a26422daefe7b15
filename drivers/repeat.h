/* The same code twice within a moment is one reading: hand-held readers see a
 * label again before the hand has moved on. Holds a hash, never the text. */
#ifndef TS_DRIVERS_REPEAT_H
#define TS_DRIVERS_REPEAT_H

#include "drivers/driver.h"

enum { REPEAT_DEFAULT_MS = 300 };

/* One for each reader; zero-initialised is empty. */
struct repeat {
    uint64_t hash;
    struct ts_mono at;
    bool held;
};

/* True when `scan` equals the last one and came within `window_ms` of it; each
 * repeat extends the moment, another code ends it. 0: never. */
bool repeat_seen(struct repeat *repeat, const struct scan *scan,
                 struct ts_mono now, unsigned window_ms);

#endif
