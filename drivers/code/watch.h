/* The payment-card guard over one reading, by what carried it: a code that is
 * retail or GS1 by its form is no payment card, what its parts hold may be. */
#ifndef TS_DRIVERS_CODE_WATCH_H
#define TS_DRIVERS_CODE_WATCH_H

#include "drivers/code/code.h"

/* Any text, also with switches of the character set inside. */
bool watch_text(struct ts_slice text, const struct ts_guard_rules *rules);
/* All tracks of a swipe. */
bool watch_stripe(const struct scan *scan, const struct ts_guard_rules *rules);
/* Element strings: `gs1` was read from `text`, well or not. */
bool watch_elements(const struct gs1 *gs1, enum gs1_result result,
                    struct ts_slice text, const struct ts_guard_rules *rules);
/* The same of a Digital Link. */
bool watch_link(const struct gs1 *gs1, enum gs1_result result,
                struct ts_slice text, const struct ts_guard_rules *rules);

#endif
