#include "drivers/twn4_parts.h"

#include <stdio.h>
#include <string.h>

enum {
    TYPE_EM4102 = 0x40,
    TYPE_HID_PROX = 0x49,
    TYPE_MIFARE = 0x80, /* all of ISO/IEC 14443 type A */
    TYPE_ISO14443B = 0x81,
    TYPE_ISO15693 = 0x82,
    TYPE_LEGIC = 0x83,
    UID_RANDOM = 0x08,
    REPLY_HEAD = 5, /* status, found, type, bits, length */
    BITS_MIN = 26   /* the shortest format of HID Prox */
};

static const struct {
    uint8_t type;
    const char *name;
} techs[] = {
    {TYPE_EM4102, "EM4102"},     {TYPE_HID_PROX, "HID Prox"},
    {TYPE_MIFARE, "MIFARE"},     {TYPE_ISO14443B, "ISO14443B"},
    {TYPE_ISO15693, "ISO15693"}, {TYPE_LEGIC, "LEGIC"},
};

static const char *tech_name(uint8_t type) {
    for (size_t i = 0; i < sizeof techs / sizeof techs[0]; i++)
        if (techs[i].type == type)
            return techs[i].name;
    return NULL;
}

const char *twn4_line_tech(const struct twn4_line *line) {
    return tech_name(line->type);
}

bool twn4_line_private(const struct twn4_line *line) {
    return line->type == TYPE_ISO14443B ||
           (line->type == TYPE_MIFARE && line->len == 4 &&
            line->id[0] == UID_RANDOM);
}

void twn4_types_write(char out[TWN4_TYPES_TEXT], uint32_t low, uint32_t high) {
    uint64_t types = (uint64_t)high << 32 | low;
    size_t at = (size_t)snprintf(out, TWN4_TYPES_TEXT, "0502");

    for (unsigned shift = 0; shift < 64; shift += 8)
        at += (size_t)snprintf(out + at, TWN4_TYPES_TEXT - at, "%02X",
                               (unsigned)(types >> shift & 0xff));
    (void)snprintf(out + at, TWN4_TYPES_TEXT - at, "\r");
}

static void line_bad(struct twn4_line *line, enum scan_error error) {
    line->kind = TWN4_BAD;
    line->error = error;
}

static void line_id(struct twn4_line *line, struct ts_slice id, unsigned bits) {
    if (id.len < TWN4_ID_MIN || id.len > TWN4_ID_MAX) {
        line_bad(line, SCAN_BAD_LENGTH);
        return;
    }
    line->kind = TWN4_ID;
    line->bits = bits;
    line->len = id.len;
    memcpy(line->id, id.data, id.len);
}

static void reply_read(struct twn4_line *line, struct ts_slice bytes) {
    line->status = bytes.data[0];
    if (line->status != 0) {
        line->kind = TWN4_FAILED;
    } else if (bytes.len == 1) {
        line->kind = TWN4_DONE;
    } else if (bytes.len == 2 && bytes.data[1] == 0) {
        line->kind = TWN4_NONE;
    } else if (bytes.data[1] != 1) {
        line_bad(line, SCAN_BAD_FRAME);
    } else if (bytes.len < REPLY_HEAD ||
               bytes.data[4] != bytes.len - REPLY_HEAD ||
               (bytes.data[3] + 7) / 8 != bytes.data[4]) {
        line_bad(line, SCAN_BAD_LENGTH);
    } else {
        line->type = bytes.data[2];
        line_id(line,
                ts_slice_of(bytes.data + REPLY_HEAD, bytes.len - REPLY_HEAD),
                bytes.data[3]);
    }
}

/* No id begins with 00 01 and a tag type but by chance. */
static bool looks_like_reply(struct ts_slice bytes) {
    if (bytes.data[0] != 0)
        return false;
    if (bytes.len <= 2)
        return bytes.len == 1 || bytes.data[1] == 0;
    return bytes.data[1] == 1 && tech_name(bytes.data[2]);
}

/* The length in bits, then as many bits, the last byte filled up with 0. */
static bool has_bits(struct ts_slice bytes, bool surely) {
    unsigned bits = bytes.data[0];
    unsigned spare = (8 - bits % 8) % 8;

    if (bits < BITS_MIN || bytes.len != 1 + (bits + 7) / 8 ||
        (surely && spare == 0))
        return false;
    return (bytes.data[bytes.len - 1] & ((1U << spare) - 1)) == 0;
}

/* An IndiTag: colon, five bytes and the two's complement of their sum. */
static void inditag_read(struct twn4_line *line, struct ts_slice bytes) {
    uint8_t sum = 0;

    for (size_t i = 0; i < bytes.len; i++)
        sum = (uint8_t)(sum + bytes.data[i]);
    if (sum != 0) {
        line_bad(line, SCAN_BAD_CHECKSUM);
        return;
    }
    line_id(line, ts_slice_of(bytes.data, bytes.len - 1),
            8 * (unsigned)(bytes.len - 1));
}

void twn4_line_read(struct twn4_line *out, struct ts_slice text,
                    const struct twn4_form *form) {
    bool colon = text.data[0] == ':';
    uint8_t bytes[TWN4_LINE_MAX / 2];
    size_t len = 0;

    *out = (struct twn4_line){.kind = TWN4_BAD, .error = SCAN_BAD_CHAR};
    for (size_t i = colon; i < text.len; i++)
        if (!text.data[i] || !strchr("0123456789abcdefABCDEF", text.data[i]))
            return;
    struct ts_slice hex = ts_slice_of(text.data + colon, text.len - colon);
    if (ts_unhex(bytes, sizeof bytes, &len, hex) != TS_OK || len == 0) {
        line_bad(out, SCAN_BAD_LENGTH);
        return;
    }
    struct ts_slice all = ts_slice_of(bytes, len);
    if (colon) {
        inditag_read(out, all);
    } else if (form->polls || (form->guesses && looks_like_reply(all))) {
        reply_read(out, all);
    } else if ((form->bits || form->guesses) && has_bits(all, form->guesses)) {
        out->type = TYPE_HID_PROX;
        line_id(out, ts_slice_of(bytes + 1, len - 1), bytes[0]);
    } else {
        line_id(out, all, 8 * (unsigned)len);
    }
    explicit_bzero(bytes, sizeof bytes);
}
