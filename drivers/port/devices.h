/* USB devices that are readers, or that readers stand behind. A hint only:
 * bridges are generic, and one reader changes its product id with its
 * interface mode. */
#ifndef TS_DRIVERS_PORT_DEVICES_H
#define TS_DRIVERS_PORT_DEVICES_H

#include <stddef.h>
#include <stdint.h>

/* How far the identity tells what the device is. */
enum device_trust {
    DEVICE_KNOWN,  /* vendor and product are those of a reader */
    DEVICE_LIKELY, /* the vendor makes readers */
    DEVICE_BRIDGE, /* a serial adapter: any reader may be behind it */
    DEVICE_UNKNOWN /* no USB identity, or one of nobody we know */
};

struct device {
    uint16_t vendor;
    uint16_t product, mask; /* fits when (id & mask) == product */
    enum device_trust trust;
    const char *what;
    const char *driver, *profile;
    const char *link; /* name under /dev/tessera, or NULL: none */
};

/* The first row that fits `usb` ("VVVV:PPPP", or ""); never NULL. */
const struct device *device_find(const char *usb);
/* The table; `index` past the end: NULL. */
const struct device *device_at(size_t index);

/* What the same make also speaks, once its set-up codes switch it over. */
struct device_other {
    const char *link; /* the make */
    const char *driver, *profile;
    const char *why;
};
/* NULL: nothing else. */
const struct device_other *device_other(const struct device *device);

/* "known", "likely", "bridge", "unknown". */
const char *device_trust_name(enum device_trust trust);
/* Why the suggestion is as sure as it is, and what to do about it. */
const char *device_trust_reason(enum device_trust trust);

#endif
