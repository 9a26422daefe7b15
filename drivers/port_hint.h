/* What a USB identity suggests. A hint only: bridges are generic, and one
 * reader changes its identity with its interface mode. */
#ifndef TS_DRIVERS_PORT_HINT_H
#define TS_DRIVERS_PORT_HINT_H

struct port_hint {
    const char *usb; /* "VVVV:PPPP", or "VVVV:" for any product */
    const char *driver;
    const char *profile;
    const char *what;
};

/* `usb` as in struct port_info; never NULL. */
const struct port_hint *port_hint_find(const char *usb);

#endif
