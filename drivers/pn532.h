/* NXP PN532 on a high-speed UART: 115200 8N1. The host asks, the chip answers;
 * it keeps nothing, so a card that was not recorded is read again as long as
 * it lies there. */
#ifndef TS_DRIVERS_PN532_H
#define TS_DRIVERS_PN532_H

#include "drivers/driver.h"

extern const struct driver pn532_driver;

#endif
