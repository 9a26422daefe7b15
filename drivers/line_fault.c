#include "drivers/line.h"

#include "drivers/code/aim.h"

#include <string.h>

enum { PARITY_MIN_BYTES = 4, NOISE_MIN_BYTES = 4, BROKEN_MIN_DIGITS = 4 };

static bool odd_ones(uint8_t byte) {
    byte ^= (uint8_t)(byte >> 4);
    byte ^= (uint8_t)(byte >> 2);
    byte ^= (uint8_t)(byte >> 1);
    return byte & 1;
}

struct bit7 {
    size_t high; /* bytes with bit 7 */
    size_t odd;  /* bytes with an odd number of ones */
    bool text;   /* printable once bit 7 is gone */
};

static struct bit7 bit7_count(struct ts_slice bytes) {
    struct bit7 count = {.text = true};

    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t low = bytes.data[i] & 0x7f;
        count.high += bytes.data[i] >> 7;
        count.odd += odd_ones(bytes.data[i]);
        if ((low < 0x20 && (low < '\t' || low > '\r')) || low == 0x7f)
            count.text = false;
    }
    return count;
}

static struct line_fault parity_fault(struct ts_slice bytes) {
    static const struct line_fault none = {SCAN_OK, "", 0};
    struct bit7 count = bit7_count(bytes);

    if (bytes.len < PARITY_MIN_BYTES || !count.text || count.high == 0)
        return none;
    if (count.high == bytes.len)
        return (struct line_fault){
            SCAN_PARITY_BIT7,
            "bit 7 is always set: the reader sends 7 data "
            "bits; set it to 8 data bits, no parity",
            0};
    if (count.odd == 0)
        return (struct line_fault){
            SCAN_PARITY_BIT7,
            "the reader sends 7 data bits and even parity: set the port to "
            "data_bits 7, parity even, or the reader to 8N1",
            'E'};
    if (count.odd == bytes.len)
        return (struct line_fault){
            SCAN_PARITY_BIT7,
            "the reader sends 7 data bits and odd parity: set the port to "
            "data_bits 7, parity odd, or the reader to 8N1",
            'O'};
    return none;
}

/* A wrong speed stretches bits: runs of ones above runs of zeros. */
static bool is_stretched(uint8_t byte) {
    static const uint8_t stretched[] = {0x00, 0x80, 0xc0, 0xe0, 0xf0,
                                        0xf8, 0xfc, 0xfe, 0xff};
    return memchr(stretched, byte, sizeof stretched) != NULL;
}

/* Digits with NUL or FF among them, behind an AIM identifier or not: a break
 * of the line or of the supply within a number. */
static bool is_broken_number(struct ts_slice bytes) {
    size_t digits = 0;

    if (aim_well_formed(bytes))
        bytes = ts_slice_of(bytes.data + AIM_LENGTH, bytes.len - AIM_LENGTH);
    for (size_t i = 0; i < bytes.len; i++) {
        bool digit = bytes.data[i] >= '0' && bytes.data[i] <= '9';
        if (!digit && bytes.data[i] != 0x00 && bytes.data[i] != 0xff)
            return false;
        digits += digit;
    }
    return digits >= BROKEN_MIN_DIGITS && digits < bytes.len;
}

struct line_fault line_diagnose(struct ts_slice bytes) {
    size_t noise = 0;

    if (ts_utf8_valid(bytes) &&
        (!bytes.len || !memchr(bytes.data, 0, bytes.len)))
        return (struct line_fault){SCAN_OK, "", 0};
    struct line_fault parity = parity_fault(bytes);
    if (parity.error)
        return parity;
    if (is_broken_number(bytes))
        return (struct line_fault){
            SCAN_BAD_CHAR,
            "NUL or FF within a number: the reader's supply "
            "or cable breaks down for a moment",
            0};
    for (size_t i = 0; i < bytes.len; i++)
        noise += is_stretched(bytes.data[i]);
    if (bytes.len >= NOISE_MIN_BYTES && noise * 2 >= bytes.len)
        return (struct line_fault){
            SCAN_GARBAGE,
            "the speed is wrong: set the port's baud to that of "
            "the reader (9600 and 115200 are common)",
            0};
    return (struct line_fault){SCAN_OK, "", 0};
}

/* Bytes that the first byte of a UTF-8 sequence announces, itself included. */
static size_t utf8_announced(uint8_t first) {
    if (first >= 0xf0)
        return 4;
    if (first >= 0xe0)
        return 3;
    return first >= 0xc2 ? 2 : 1;
}

/* The text is UTF-8 up to a last character that may still be unfinished. */
static bool utf8_so_far(struct ts_slice bytes) {
    size_t tail = bytes.len;

    while (tail > 0 && bytes.len - tail < 4) {
        tail--;
        if ((bytes.data[tail] & 0xc0) != 0x80)
            break;
    }
    size_t have = bytes.len - tail;
    if (have && utf8_announced(bytes.data[tail]) > have)
        return ts_utf8_valid(ts_slice_of(bytes.data, tail));
    return ts_utf8_valid(bytes);
}

bool line_ends_in_parity(struct ts_slice bytes, const char *terminators) {
    if (bytes.len < PARITY_MIN_BYTES || bytes.data[bytes.len - 1] < 0x80)
        return false;
    char low = (char)(bytes.data[bytes.len - 1] & 0x7f);
    return low && strchr(terminators, low) && !utf8_so_far(bytes) &&
           parity_fault(bytes).error == SCAN_PARITY_BIT7;
}
