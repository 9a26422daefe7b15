/* The `em4100` driver: 125 kHz tag modules RDM6300, ID-12, ID-20. */
#ifndef TS_DRIVERS_EM4100_H
#define TS_DRIVERS_EM4100_H

#include "drivers/driver.h"

extern const struct driver em4100_driver;

/* A frame of the same tag this long after the one before: it still lies
 * there. The modules repeat it each 50 ms or so. */
enum { EM4100_PRESENT_MS = 500 };

#endif
