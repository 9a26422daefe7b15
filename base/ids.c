#include "base/ids.h"

#include "base/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void ts_random(void *out, size_t len) {
    uint8_t *p = out;

    while (len) {
        ssize_t got = getrandom(p, len, 0);
        if (got <= 0) {
            (void)fprintf(stderr, "the kernel gives no randomness\n");
            abort();
        }
        p += got;
        len -= (size_t)got;
    }
}

static void draw_hex(char *out, size_t digits) {
    static const char hex[] = "0123456789abcdef";

    ts_random(out, digits);
    for (size_t i = 0; i < digits; i++)
        out[i] = hex[(unsigned char)out[i] & 15];
    out[digits] = 0;
}

/* One in 11,000 of 16 digits would be removed as a card by whoever reads it. */
void ts_random_hex(char *out, size_t digits) {
    do {
        draw_hex(out, digits);
    } while (ts_guard_refuses(ts_slice_text(out), TS_CARRIER_TEXT, NULL));
}

bool ts_name_valid(struct ts_slice name) {
    if (name.len < 1 || name.len >= TS_NAME_TEXT)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return !(name.len == 3 && !memcmp(name.data, "hub", 3)) &&
           !(name.len > 3 && !memcmp(name.data, "hub-", 4));
}

bool ts_journal_valid(struct ts_slice journal) {
    if (journal.len != TS_JOURNAL_TEXT - 1)
        return false;
    for (size_t i = 0; i < journal.len; i++) {
        uint8_t c = journal.data[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
            return false;
    }
    return true;
}

unsigned ts_shard(struct ts_slice id) { return ts_crc32(id) % TS_SHARDS; }

void ts_counter_text(char out[TS_COUNTER_TEXT], uint64_t value) {
    (void)snprintf(out, TS_COUNTER_TEXT, "%020llu", (unsigned long long)value);
}

enum ts_status ts_counter_parse(uint64_t *out, struct ts_slice text) {
    static const uint64_t ceiling = (1ULL << 53) - 1;
    uint64_t value = 0;

    if (text.len != TS_COUNTER_TEXT - 1)
        return TS_INVALID;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || value > ceiling)
            return TS_INVALID;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (value > ceiling)
        return TS_INVALID;
    *out = value;
    return TS_OK;
}

void ts_uuid7(char out[TS_UUID_TEXT], struct ts_wall now) {
    uint8_t bytes[16];
    char hex[33];
    uint64_t ms = (uint64_t)now.unix_ms;

    ts_random(bytes, sizeof bytes);
    for (int i = 0; i < 6; i++)
        bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    bytes[6] = (uint8_t)(0x70 | (bytes[6] & 0x0f));
    bytes[8] = (uint8_t)(0x80 | (bytes[8] & 0x3f));
    ts_hex(hex, ts_slice_of(bytes, sizeof bytes));
    (void)snprintf(out, TS_UUID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
                   hex + 12, hex + 16, hex + 20);
}
