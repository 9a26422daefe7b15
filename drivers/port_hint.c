#include "drivers/port_hint.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Identities from the public list of USB ids (hwdata); an exact one stands
 * before its vendor's. */
static const struct port_hint hints[] = {
    {"05e0:", "line", "zebra", "Zebra or Symbol barcode reader"},
    {"0c2e:", "line", "honeywell", "Honeywell or Metrologic barcode reader"},
    {"0536:", "line", "honeywell", "Hand Held Products barcode reader"},
    {"05f9:", "line", "datalogic", "Datalogic or PSC barcode reader"},
    {"080c:", "line", "datalogic", "Datalogic barcode reader"},
    {"1eab:", "line", "newland", "Newland barcode reader"},
    {"065a:", "line", "opticon", "Opticon barcode reader"},
    {"0488:5788", "line", "generic", "Netum barcode reader"},
    {"0403:", "line", "generic", "FTDI adapter: any reader may be behind it"},
    {"10c4:", "line", "generic", "CP210x adapter: any reader may be behind it"},
    {"1a86:", "line", "generic", "CH340 adapter: any reader may be behind it"},
    {"067b:", "line", "generic", "PL2303 adapter: any reader may be behind it"},
    {"0483:5740", "line", "generic", "USB serial device of unknown make"},
};
static const struct port_hint hint_none = {
    "", "line", "generic", "serial port: any reader may be behind it"};

const struct port_hint *port_hint_find(const char *usb) {
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        if (strncasecmp(hints[i].usb, usb, strlen(hints[i].usb)) == 0)
            return &hints[i];
    }
    return &hint_none;
}
