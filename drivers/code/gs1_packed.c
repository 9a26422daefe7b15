/* The compressed form of a GS1 Digital Link: a string of bits in base64url.
 * Each AI is two to four digits of four bits, or one of the optimisation codes
 * that stand for several; then come its components. */
#include "drivers/code/gs1_parts.h"

#include <stdio.h>
#include <string.h>

struct bits {
    struct ts_slice text; /* base64url: six bits a character */
    size_t at;            /* bit */
    bool failed;          /* read over the end, or what is no code */
};

/* How the characters of a component are written. */
enum encoding { DIGITS, HEX_LOWER, HEX_UPPER, BASE64URL, ASCII, ENCODINGS };

/* A component as it is packed: neighbours of one kind are one. */
struct field {
    bool number;
    bool sized; /* a length goes ahead */
    uint8_t most;
};

static const char base64url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static unsigned sextet(uint8_t byte) {
    return (unsigned)(strchr(base64url, byte) - base64url);
}

static size_t bits_left(const struct bits *b) {
    return b->failed ? 0 : b->text.len * 6 - b->at;
}

/* At most 64. */
static uint64_t bits_take(struct bits *b, size_t count) {
    uint64_t value = 0;

    if (bits_left(b) < count) {
        b->failed = true;
        return 0;
    }
    while (count) {
        size_t have = 6 - b->at % 6;
        size_t use = count < have ? count : have;
        unsigned part = sextet(b->text.data[b->at / 6]) >> (have - use);
        value = value << use | (part & ((1U << use) - 1));
        b->at += use;
        count -= use;
    }
    return value;
}

static size_t length_bits(unsigned most) {
    size_t bits = 0;

    for (; most; most >>= 1)
        bits++;
    return bits;
}

/* As many as 10 to the power of `digits` needs; for none, one. */
static size_t number_bits(size_t digits) {
    return (digits * 3321929 + 1009999) / 1000000;
}

/* Appends to the value that `out` is building. */
static void put(struct gs1 *out, struct bits *b, uint8_t byte) {
    if (out->used == sizeof out->values)
        b->failed = true;
    else
        out->values[out->used++] = byte;
}

/* digits = digits * 2^count + add */
static bool digits_shift(uint8_t *digits, size_t len, size_t count,
                         uint64_t add) {
    for (size_t i = len; i-- > 0;) {
        uint64_t value = ((uint64_t)(digits[i] - '0') << count) + add;
        digits[i] = (uint8_t)('0' + value % 10);
        add = value / 10;
    }
    return add == 0;
}

/* A binary number as `len` decimal digits; leading zeros are part of it. */
static void take_number(struct gs1 *out, struct bits *b, size_t len) {
    enum { STEP = 48 };
    size_t begin = out->used;
    size_t left = number_bits(len);

    for (size_t i = 0; i < len; i++)
        put(out, b, '0');
    while (left && !b->failed) {
        size_t count = left < STEP ? left : STEP;
        uint64_t add = bits_take(b, count);
        if (!digits_shift(out->values + begin, len, count, add))
            b->failed = true;
        left -= count;
    }
}

static void take_text(struct gs1 *out, struct bits *b, enum encoding encoding,
                      size_t len) {
    static const struct {
        uint8_t bits;
        const char *alphabet; /* NULL: the number is the character */
    } rows[ENCODINGS] = {
        [HEX_LOWER] = {4, "0123456789abcdef"},
        [HEX_UPPER] = {4, "0123456789ABCDEF"},
        [BASE64URL] = {6, base64url},
        [ASCII] = {7, NULL},
    };
    if (encoding == DIGITS) {
        take_number(out, b, len);
        return;
    }
    for (size_t i = 0; i < len && !b->failed; i++) {
        uint64_t code = bits_take(b, rows[encoding].bits);
        const char *alphabet = rows[encoding].alphabet;
        put(out, b, (uint8_t)(alphabet ? alphabet[code] : (char)code));
    }
}

static enum encoding take_encoding(struct bits *b) {
    uint64_t encoding = bits_take(b, 3);

    if (encoding >= ENCODINGS)
        b->failed = true;
    return b->failed ? ASCII : (enum encoding)encoding;
}

static void take_field(struct gs1 *out, struct bits *b,
                       const struct field *field) {
    enum encoding encoding = field->number ? DIGITS : take_encoding(b);
    size_t len = field->most;

    if (field->sized)
        len = bits_take(b, length_bits(field->most));
    if (len > field->most)
        b->failed = true;
    if (!b->failed)
        take_text(out, b, encoding, len);
}

/* Characters take in a length that varies, numbers do not; whatever may be
 * left out has a length. */
static bool field_joins(const struct field *field,
                        const struct gs1_part *part) {
    bool number = part->set == GS1_N;

    if (!field->most || number != field->number)
        return false;
    bool sized = part->low < part->high || part->optional;
    return !number || sized == field->sized;
}

static void take_fields(struct gs1 *out, struct bits *b,
                        const struct gs1_ai *ai) {
    struct field field = {.most = 0};

    for (const struct gs1_part *part = ai->parts; part->set; part++) {
        bool sized = part->low < part->high || part->optional;
        if (!field_joins(&field, part)) {
            if (field.most)
                take_field(out, b, &field);
            field = (struct field){.number = part->set == GS1_N};
        }
        field.sized = field.sized || sized;
        field.most = (uint8_t)(field.most + part->high);
    }
    take_field(out, b, &field);
}

static bool take_element(struct gs1 *out, struct bits *b, const char *digits) {
    size_t begin = out->used;
    uint8_t row = gs1_ai_exact(ts_slice_text(digits));

    if (!row)
        return false;
    take_fields(out, b, gs1_ai_at(row));
    if (b->failed)
        return false;
    struct ts_slice value = ts_slice_of(out->values + begin, out->used - begin);
    return !gs1_value_check(gs1_ai_at(row), value) &&
           gs1_take(out, row, (const uint8_t *)digits, value);
}

/* An AI that begins with `digits`, four bits each. */
static bool take_single(struct gs1 *out, struct bits *b, unsigned code) {
    char digits[5] = {(char)('0' + code / 16), (char)('0' + code % 16)};
    size_t len = 2;

    while (!gs1_ai_find(ts_slice_of(digits, len))) {
        if (len == 4)
            return false;
        uint64_t next = bits_take(b, 4);
        if (b->failed || next > 9)
            return false;
        digits[len++] = (char)('0' + next);
    }
    return take_element(out, b, digits);
}

/* Codes that stand for AIs that often come together. The last digit of a
 * family counts up from the first code. */
static const struct {
    uint8_t code;
    uint8_t last;
    char ais[4][5];
} optimised[] = {
    {0x0a, 0x0a, {"01", "22"}},
    {0x0b, 0x0b, {"01", "10"}},
    {0x0c, 0x0c, {"01", "21"}},
    {0x0d, 0x0d, {"01", "17"}},
    {0x0e, 0x0e, {"01", "7003"}},
    {0x0f, 0x0f, {"01", "30"}},
    {0x1a, 0x1a, {"01", "10", "21", "17"}},
    {0x1b, 0x1b, {"01", "15"}},
    {0x1c, 0x1c, {"01", "11"}},
    {0x1d, 0x1d, {"01", "16"}},
    {0x1e, 0x1e, {"01", "91"}},
    {0x1f, 0x1f, {"01", "10", "15"}},
    {0x2a, 0x2f, {"01", "3100"}},
    {0x3a, 0x3f, {"01", "3200"}},
    {0x9a, 0x9a, {"8010", "8011"}},
    {0x9b, 0x9b, {"8017", "8019"}},
    {0x9c, 0x9c, {"8018", "8019"}},
    {0x9d, 0x9d, {"414", "254"}},
    {0xa0, 0xa9, {"01", "3920"}},
    {0xc0, 0xc9, {"255", "3900"}},
    {0xca, 0xcd, {"255", "3940"}},
};

static bool take_several(struct gs1 *out, struct bits *b, unsigned code) {
    size_t row = 0;
    size_t rows = sizeof optimised / sizeof optimised[0];

    while (row < rows && code > optimised[row].last)
        row++;
    if (row == rows || code < optimised[row].code)
        return false;
    for (size_t i = 0; i < 4 && optimised[row].ais[i][0]; i++) {
        char digits[5];
        memcpy(digits, optimised[row].ais[i], sizeof digits);
        if (digits[3])
            digits[3] = (char)(digits[3] + (int)(code - optimised[row].code));
        if (!take_element(out, b, digits))
            return false;
    }
    return true;
}

/* A name and a value that are the resolver's: read and dropped. `code` held
 * the mark of four bits and the first four of the length. */
static bool skip_foreign(struct gs1 *out, struct bits *b, unsigned code) {
    enum { LENGTH_BITS = 7 };
    size_t begin = out->used;
    size_t name = (code % 16) << 3 | bits_take(b, 3);

    take_text(out, b, BASE64URL, name);
    enum encoding encoding = take_encoding(b);
    size_t len = bits_take(b, LENGTH_BITS);
    if (!b->failed)
        take_text(out, b, encoding, len);
    out->used = begin;
    return !b->failed;
}

static bool take_next(struct gs1 *out, struct bits *b) {
    unsigned code = (unsigned)bits_take(b, 8);

    if (code / 16 <= 9 && code % 16 <= 9)
        return take_single(out, b, code);
    if (code / 16 == 0xf)
        return skip_foreign(out, b, code);
    return take_several(out, b, code);
}

bool gs1_unpack(struct gs1 *out, struct ts_slice text) {
    struct bits b = {.text = text};

    for (size_t i = 0; i < text.len; i++) {
        if (!(gs1_sets[text.data[i]] & GS1_Z))
            return false;
    }
    size_t begin = out->count;
    while (bits_left(&b) > 8) {
        if (!take_next(out, &b))
            return false;
    }
    /* Filled up with zeros to a whole character, or byte. */
    return bits_take(&b, bits_left(&b)) == 0 && !b.failed && out->count > begin;
}
