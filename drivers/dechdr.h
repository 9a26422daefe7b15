/* The `dechdr` driver: Honeywell scanners that put a header with the length in
 * front of each scan, so that a line end within a 2D code is data. */
#ifndef TS_DRIVERS_DECHDR_H
#define TS_DRIVERS_DECHDR_H

#include "drivers/driver.h"

extern const struct driver dechdr_driver;

enum { DECHDR_SILENCE_MS = 500 }; /* within a frame; 250 bytes at 9600 baud */

#endif
