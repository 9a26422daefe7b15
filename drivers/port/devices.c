#include "drivers/port/devices.h"

#include <stdlib.h>
#include <string.h>

#define ANY     0, 0
#define ONE(id) id, 0xffff

/* clang-format off */
/* Identities from the public list of USB ids; where a maker's manual or a
 * project in the field is the source, it is named. An exact row stands before
 * its vendor's. */
static const struct device devices[] = {
    {0x05e0, ONE(0x1701), DEVICE_KNOWN, "Zebra or Symbol reader in CDC mode",
     "line", "zebra", "zebra"},
    {0x05e0, ANY, DEVICE_LIKELY, "Zebra or Symbol reader",
     "line", "zebra", "zebra"},
    {0x0c2e, ONE(0x0700), DEVICE_KNOWN, "Metrologic MS7120",
     "line", "metrologic", "honeywell"},
    {0x0c2e, ONE(0x0720), DEVICE_KNOWN, "Metrologic MS7120",
     "line", "metrologic", "honeywell"},
    /* mik3y/usb-serial-for-android issue 334 */
    {0x0c2e, ONE(0x0b6a), DEVICE_KNOWN, "Honeywell Vuquest 3310 in CDC mode",
     "line", "honeywell", "honeywell"},
    {0x0c2e, ONE(0x0b81), DEVICE_KNOWN, "Honeywell Voyager 1400g",
     "line", "honeywell", "honeywell"},
    {0x0c2e, ANY, DEVICE_LIKELY, "Honeywell or Metrologic reader",
     "line", "honeywell", "honeywell"},
    {0x0536, ANY, DEVICE_LIKELY, "Hand Held Products reader",
     "line", "honeywell", "handheld-products"},
    {0x05f9, ONE(0x4204), DEVICE_KNOWN, "Datalogic Gryphon in COM mode",
     "line", "datalogic", "datalogic"},
    {0x05f9, ANY, DEVICE_LIKELY, "Datalogic or PSC reader",
     "line", "datalogic", "datalogic"},
    {0x080c, ANY, DEVICE_LIKELY, "Datalogic reader",
     "line", "datalogic", "datalogic"},
    /* The last two digits are the interface: 06 is CDC. */
    {0x1eab, 0x0006, 0x00ff, DEVICE_KNOWN, "Newland reader in CDC mode",
     "line", "newland", "newland"},
    {0x1eab, ANY, DEVICE_LIKELY, "Newland reader",
     "line", "newland", "newland"},
    {0x065a, ONE(0x0009), DEVICE_KNOWN, "Opticon reader in COM mode",
     "line", "opticon", "opticon"},
    {0x065a, ANY, DEVICE_LIKELY, "Opticon reader",
     "line", "opticon", "opticon"},
    /* sde1000/quicktill-serial-barcode-bridge */
    {0x0488, ONE(0x5788), DEVICE_KNOWN, "Netum or alike in COM mode",
     "line", "netum", "netum"},
    /* Code CR1428 manual p. 8 */
    {0x11fa, ONE(0x0204), DEVICE_KNOWN, "Code Corporation reader, virtual COM",
     "line", "code", "code"},
    {0x11fa, ONE(0x0214), DEVICE_KNOWN, "Code Corporation modem, virtual COM",
     "line", "code", "code"},
    {0x11fa, ONE(0x0215), DEVICE_KNOWN, "Code Corporation reader in CDC mode",
     "line", "code", "code"},
    {0x11fa, ANY, DEVICE_LIKELY, "Code Corporation reader",
     "line", "code", "code"},
    {0x0801, ANY, DEVICE_LIKELY, "MagTek stripe reader",
     "msr", "magtek", "magtek"},
    {0x0acd, ONE(0x0300), DEVICE_KNOWN, "ID TECH RS-232 adapter",
     "msr", "idtech", "idtech"},
    {0x0acd, ONE(0x0630), DEVICE_KNOWN, "ID TECH SPT3-355 in CDC mode",
     "msr", "idtech", "idtech"},
    {0x0acd, ANY, DEVICE_LIKELY, "ID TECH stripe reader",
     "msr", "idtech", "idtech"},
    {0x09d8, ONE(0x0420), DEVICE_KNOWN, "ELATEC TWN4 in CDC mode",
     "twn4", "auto", "elatec"},
    {0x09d8, ANY, DEVICE_LIKELY, "ELATEC card reader",
     "twn4", "auto", "elatec"},
    {0x0c27, ONE(0x232a), DEVICE_KNOWN, "rf IDEAS pcProx Plus in CDC mode",
     "line", "generic", "rfideas"},
    {0x0403, ONE(0x1234), DEVICE_KNOWN, "IronLogic card reader",
     "line", "generic", "ironlogic"},
    {0x0403, 0xb0c0, 0xfff0, DEVICE_KNOWN, "microSensys RFID reader",
     "line", "generic", "microsensys"},
    {0x10c4, ONE(0x8477), DEVICE_KNOWN, "Balluff RFID reader",
     "line", "generic", "balluff"},
    {0x0403, ANY, DEVICE_BRIDGE, "FTDI adapter", "line", "generic", "adapter"},
    {0x10c4, ANY, DEVICE_BRIDGE, "Silicon Labs CP210x adapter",
     "line", "generic", "adapter"},
    {0x1a86, ANY, DEVICE_BRIDGE, "WCH CH340 or CH343 adapter",
     "line", "generic", "adapter"},
    {0x067b, ANY, DEVICE_BRIDGE, "Prolific PL2303 adapter",
     "line", "generic", "adapter"},
    {0x04d8, ONE(0x00dd), DEVICE_BRIDGE, "Microchip MCP2221 adapter",
     "line", "generic", "adapter"},
    {0x0483, ONE(0x5740), DEVICE_BRIDGE, "ST virtual COM port of many makes",
     "line", "generic", "adapter"},
    {0x04b4, ONE(0x0008), DEVICE_BRIDGE, "Cypress virtual COM port",
     "line", "generic", "adapter"},
};
/* clang-format on */
enum { DEVICES = sizeof devices / sizeof devices[0] };

static const struct device device_none = {
    .trust = DEVICE_UNKNOWN,
    .what = "serial port",
    .driver = "line",
    .profile = "generic",
};

const struct device *device_find(const char *usb) {
    char *end;
    unsigned long vendor = strtoul(usb, &end, 16);

    if (end == usb || *end != ':')
        return &device_none;
    unsigned long product = strtoul(end + 1, NULL, 16);
    for (size_t i = 0; i < DEVICES; i++) {
        if (devices[i].vendor == vendor &&
            (product & devices[i].mask) == devices[i].product)
            return &devices[i];
    }
    return &device_none;
}

const struct device *device_at(size_t index) {
    return index < DEVICES ? &devices[index] : NULL;
}

const struct device_other *device_other(const struct device *device) {
    static const struct device_other others[] = {
        {"zebra", "ssi", "usb-cdc",
         "set to SSI, it keeps a scan until it is recorded"},
        {"honeywell", "dechdr", "honeywell",
         "with its header, a line end in a 2D code is data"},
        {"handheld-products", "dechdr", "honeywell",
         "with its header, a line end in a 2D code is data"},
    };

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (device->link && strcmp(others[i].link, device->link) == 0)
            return &others[i];
    }
    return NULL;
}

const char *device_trust_name(enum device_trust trust) {
    static const char *const names[] = {"known", "likely", "bridge", "unknown"};
    return names[trust];
}

const char *device_trust_reason(enum device_trust trust) {
    static const char *const reasons[] = {
        "vendor and product id are those of this device",
        "the vendor id is the maker's, the product id changes with the "
        "interface mode; the label tells the model",
        "a generic bridge: tell from the label of the reader, or use "
        "`tessera ports --try`",
        "nothing tells what is behind it: tell from the label of the reader, "
        "or use `tessera ports --try`",
    };
    return reasons[trust];
}
