/* ELATEC TWN4 and TWN3: ids as lines of hex, or TWN4's simple protocol in its
 * ASCII form, where the host asks for a tag, lights and beeps. */
#ifndef TS_DRIVERS_TWN4_H
#define TS_DRIVERS_TWN4_H

#include "drivers/driver.h"

extern const struct driver twn4_driver;

#endif
