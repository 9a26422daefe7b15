#include "gs1_pack.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char base64url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char digits10[] = "0123456789";
static const char lower16[] = "0123456789abcdef";
static const char upper16[] = "0123456789ABCDEF";

static void add(struct pack *pack, unsigned value, size_t count) {
    while (count-- > 0) {
        assert(pack->count + 1 < sizeof pack->bits);
        pack->bits[pack->count++] = value >> count & 1 ? '1' : '0';
    }
}

static size_t bits_of(double log_of_value) {
    return (size_t)ceil(log_of_value + 0.01);
}

/* Long division by two, from the last bit to the first. */
static void add_number(struct pack *pack, const char *value, size_t len) {
    size_t count = bits_of((double)len * log2(10));
    char left[128];

    assert(len < sizeof left && pack->count + count < sizeof pack->bits);
    memcpy(left, value, len);
    for (size_t i = count; i-- > 0;) {
        int rest = 0;
        for (size_t d = 0; d < len; d++) {
            int now = rest * 10 + (left[d] - '0');
            left[d] = (char)('0' + now / 2);
            rest = now % 2;
        }
        pack->bits[pack->count + i] = (char)('0' + rest);
    }
    pack->count += count;
}

static void add_letters(struct pack *pack, const char *value, size_t len,
                        const char *alphabet, size_t width) {
    for (size_t i = 0; i < len; i++)
        add(pack, (unsigned)(strchr(alphabet, value[i]) - alphabet), width);
}

static bool made_of(const char *value, size_t len, const char *alphabet) {
    return strspn(value, alphabet) >= len;
}

static unsigned encoding_of(const char *value, size_t len) {
    static const char *const alphabets[] = {digits10, lower16, upper16,
                                            base64url};
    unsigned encoding = 0;

    while (encoding < 4 && !made_of(value, len, alphabets[encoding]))
        encoding++;
    return encoding;
}

static void add_encoded(struct pack *pack, unsigned encoding, const char *value,
                        size_t len) {
    switch (encoding) {
    case 0:
        add_number(pack, value, len);
        break;
    case 1:
        add_letters(pack, value, len, lower16, 4);
        break;
    case 2:
        add_letters(pack, value, len, upper16, 4);
        break;
    case 3:
        add_letters(pack, value, len, base64url, 6);
        break;
    default:
        for (size_t i = 0; i < len; i++)
            add(pack, (unsigned char)value[i], 7);
    }
}

/* Answers how much of the value it took. */
static size_t add_component(struct pack *pack, const char *format,
                            const char *value) {
    bool number = format[0] == 'N';
    bool sized = format[1] == '.';
    size_t most = strtoul(format + (sized ? 3 : 1), NULL, 10);
    size_t len = sized ? strlen(value) : most;
    unsigned encoding = number ? 0 : encoding_of(value, len);

    assert(len <= most && strlen(value) >= len);
    if (!number)
        add(pack, encoding, 3);
    if (sized)
        add(pack, (unsigned)len, bits_of(log2((double)most)));
    add_encoded(pack, encoding, value, len);
    return len;
}

void pack_code(struct pack *pack, const char *hex) {
    add_letters(pack, hex, strlen(hex), upper16, 4);
}

void pack_value(struct pack *pack, const char *format, const char *value) {
    while (format) {
        value += add_component(pack, format, value);
        format = strchr(format, ' ');
        if (format)
            format++;
    }
    assert(!*value);
}

void pack_foreign(struct pack *pack, const char *name, const char *value) {
    unsigned encoding = encoding_of(value, strlen(value));

    add(pack, 15, 4);
    add(pack, (unsigned)strlen(name), 7);
    add_letters(pack, name, strlen(name), base64url, 6);
    add(pack, encoding, 3);
    add(pack, (unsigned)strlen(value), 7);
    add_encoded(pack, encoding, value, strlen(value));
}

void pack_text(const struct pack *pack, char *out) {
    size_t len = (pack->count + 5) / 6;

    for (size_t i = 0; i < len; i++) {
        unsigned value = 0;
        for (size_t bit = i * 6; bit < i * 6 + 6; bit++)
            value = value << 1 |
                    (bit < pack->count && pack->bits[bit] == '1' ? 1U : 0U);
        out[i] = base64url[value];
    }
    out[len] = 0;
}
