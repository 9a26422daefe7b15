/* The `msr` driver: magnetic stripe readers that send a swipe as text. */
#ifndef TS_DRIVERS_MSR_H
#define TS_DRIVERS_MSR_H

#include "drivers/driver.h"

extern const struct driver msr_driver;

/* How a reader lays out a swipe: `detail` of its profile. */
struct msr_layout {
    bool sentinels; /* start and end sentinels are sent; else one track bare */
};

/* What one swipe says, from its text without STX, ESC and line end. */
struct msr_swipe {
    struct ts_slice tracks[3]; /* data of each, empty where there is none */
    enum scan_error error;     /* SCAN_OK: at least one track was read */
};

/* `sensor`: the text may end in the card sensor's 0 or 1. Sentinels, LRC and
 * error markers: ISO/IEC 7811-6, and MagTek's and ID TECH's text output. Finds
 * no payment cards. */
struct msr_swipe msr_swipe_read(struct ts_slice text,
                                const struct msr_layout *layout, bool sensor);

#endif
