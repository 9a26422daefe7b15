/* What a line of a TWN4 or TWN3 says. Pure. */
#ifndef TS_DRIVERS_TWN4_PARTS_H
#define TS_DRIVERS_TWN4_PARTS_H

#include "drivers/driver.h"

enum {
    TWN4_ID_MIN = 3,
    TWN4_ID_MAX = 32,
    TWN4_LINE_MAX = 2 * TWN4_ID_MAX + 16
};

/* A row's detail: how the device is set up. */
struct twn4_form {
    bool polls;   /* simple protocol: the host asks */
    bool guesses; /* tells the forms apart where it can */
    bool bits;    /* HID Prox with its length in bits ahead */
};

enum twn4_kind {
    TWN4_ID,
    TWN4_DONE,   /* a command was carried out */
    TWN4_FAILED, /* it was not: `status` */
    TWN4_NONE,   /* no tag there */
    TWN4_BAD     /* `error` */
};

struct twn4_line {
    enum twn4_kind kind;
    enum scan_error error;
    uint8_t status;
    uint8_t type; /* tag type of the simple protocol, or 0 */
    unsigned bits;
    size_t len;
    uint8_t id[TWN4_ID_MAX];
};

/* `text` without its end, not empty. */
void twn4_line_read(struct twn4_line *out, struct ts_slice text,
                    const struct twn4_form *form);
/* SetTagTypes with a bit a type: low frequency from 40 on, high from 80. */
enum { TWN4_TYPES_TEXT = 22 };
void twn4_types_write(char out[TWN4_TYPES_TEXT], uint32_t low, uint32_t high);
/* What to search for: EM4102 and HID Prox; MIFARE, ISO 15693 and LEGIC. ISO
 * 14443 B is left out: no loyalty card, but bank and identity cards. */
enum { TWN4_LOW_TYPES = 0x201, TWN4_HIGH_TYPES = 0x0d };

/* "MIFARE", ..., or NULL when the line does not tell. */
const char *twn4_line_tech(const struct twn4_line *line);
/* May be a bank card, an identity card or a phone. */
bool twn4_line_private(const struct twn4_line *line);

#endif
