/* The `crt591` driver: MIFARE cards in the motor readers of kiosks. */
#ifndef TS_DRIVERS_CRT591_H
#define TS_DRIVERS_CRT591_H

#include "drivers/driver.h"

extern const struct driver crt591_driver;

#endif
