#include "drivers/code/watch.h"

#include "drivers/code/content.h"
#include "drivers/code/ean.h"

#include <string.h>

enum { GROUP_SEPARATOR = 0x1d };

static bool refuses(struct ts_slice text, const struct ts_guard_rules *rules) {
    return ts_guard_refuses(text, TS_CARRIER_TEXT, rules);
}

/* Each switch of the character set as one space: it joins and parts nothing
 * that a space would not. */
static bool refuses_without_eci(struct ts_slice text,
                                const struct ts_guard_rules *rules) {
    uint8_t plain[SCAN_MAX_TEXT];
    size_t len = 0;

    for (size_t at = 0; at < text.len && len < sizeof plain;) {
        bool eci = content_eci_at(text, at);
        plain[len++] = eci ? ' ' : text.data[at];
        at += eci ? CONTENT_ECI_LENGTH : 1;
    }
    bool found = refuses(ts_slice_of(plain, len), rules);
    explicit_bzero(plain, len);
    return found;
}

/* Codabar sends its start and stop letters, which make of a number what looks
 * like hex. */
static bool refuses_between_letters(struct ts_slice text,
                                    const struct ts_guard_rules *rules) {
    struct ts_slice inner = ts_slice_of(text.data + 1, text.len - 2);
    uint8_t last = inner.data[inner.len];

    return text.data[0] > '9' && last > '9' && ean_all_digits(inner) &&
           refuses(inner, rules);
}

bool watch_text(struct ts_slice text, const struct ts_guard_rules *rules) {
    return refuses(text, rules) ||
           (text.len > 2 && refuses_between_letters(text, rules)) ||
           (text.len && memchr(text.data, '\\', text.len) &&
            refuses_without_eci(text, rules));
}

bool watch_stripe(const struct scan *scan, const struct ts_guard_rules *rules) {
    bool found = ts_guard_refuses(scan->text, TS_CARRIER_STRIPE, rules);

    for (size_t i = 0; i < 3 && !found; i++)
        found = ts_guard_refuses(scan->tracks[i], TS_CARRIER_STRIPE, rules);
    return found;
}

/* Values that are numbers by their form, with a check digit of GS1's own: how
 * many leading digits of the value are one. */
struct known_form {
    char ai[5];
    size_t digits;
};

static size_t known_digits(const char *ai) {
    static const struct known_form forms[] = {
        {"00", 18},   {"01", 14},   {"02", 14},   {"03", 14},   {"253", 13},
        {"255", 13},  {"402", 17},  {"410", 13},  {"411", 13},  {"412", 13},
        {"413", 13},  {"414", 13},  {"415", 13},  {"416", 13},  {"417", 13},
        {"8003", 14}, {"8006", 18}, {"8017", 18}, {"8018", 18},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (strcmp(forms[i].ai, ai) == 0)
            return forms[i].digits;
    return 0;
}

static struct ts_slice behind(struct ts_slice text, size_t count) {
    if (count > text.len)
        count = text.len;
    return ts_slice_of(text.data + count, text.len - count);
}

/* Letters around the digits of a value make no hash of it. */
static bool digits_refused(struct ts_slice value,
                           const struct ts_guard_rules *rules) {
    bool found = false;

    while (value.len && !found) {
        size_t len = 0;
        while (len < value.len && value.data[len] >= '0' &&
               value.data[len] <= '9')
            len++;
        found = refuses(ts_slice_of(value.data, len), rules);
        value = behind(value, len + 1);
    }
    return found;
}

static bool values_refused(const struct gs1 *gs1,
                           const struct ts_guard_rules *rules) {
    for (size_t i = 0; i < gs1->count; i++) {
        const struct gs1_element *element = &gs1->elements[i];
        size_t known = known_digits(element->ai);
        struct ts_slice value = behind(element->value, known);
        if (watch_text(value, rules) || digits_refused(value, rules))
            return true;
    }
    return false;
}

/* With two to four leading digits that may be an AI, and without. */
static bool segment_refused(struct ts_slice segment,
                            const struct ts_guard_rules *rules) {
    bool found = watch_text(segment, rules);

    for (size_t ai = 2; ai <= 4 && ai < segment.len && !found; ai++)
        found = watch_text(behind(segment, ai), rules);
    return found;
}

/* Length with the AI of elements that need no separator, by their first two
 * digits; GS1 General Specifications 7.8.5. */
static size_t predefined_length(struct ts_slice text) {
    static const uint8_t lengths[100] = {
        [0] = 20,  [1] = 16,  [2] = 16,  [3] = 16,  [4] = 18,  [11] = 8,
        [12] = 8,  [13] = 8,  [14] = 8,  [15] = 8,  [16] = 8,  [17] = 8,
        [18] = 8,  [19] = 8,  [20] = 4,  [31] = 10, [32] = 10, [33] = 10,
        [34] = 10, [35] = 10, [36] = 10, [41] = 16,
    };
    if (text.len < 2 || text.data[0] < '0' || text.data[0] > '9' ||
        text.data[1] < '0' || text.data[1] > '9')
        return 0;
    return lengths[(text.data[0] - '0') * 10 + (text.data[1] - '0')];
}

static struct ts_slice segment_at(struct ts_slice text) {
    const uint8_t *end =
        text.len ? memchr(text.data, GROUP_SEPARATOR, text.len) : NULL;

    return ts_slice_of(text.data, end ? (size_t)(end - text.data) : text.len);
}

/* A string that breaks the rules may hold anything: each part between
 * separators, and each behind an element of fixed length, is looked at. */
static bool broken_string_refused(struct ts_slice text,
                                  const struct ts_guard_rules *rules) {
    bool found = watch_text(text, rules);

    while (text.len && !found) {
        struct ts_slice segment = segment_at(text);
        size_t used = predefined_length(segment);

        found = segment_refused(segment, rules);
        if (used == 0 || used >= segment.len)
            used = segment.len + 1;
        text = behind(text, used);
    }
    return found;
}

bool watch_elements(const struct gs1 *gs1, enum gs1_result result,
                    struct ts_slice text, const struct ts_guard_rules *rules) {
    return result == GS1_OK ? values_refused(gs1, rules)
                            : broken_string_refused(text, rules);
}

/* `part` lies within `text`: not decoded into a place of its own. */
static bool lies_within(struct ts_slice part, struct ts_slice text) {
    return part.len && part.data >= text.data &&
           part.data + part.len <= text.data + text.len;
}

/* The whole link, without the numbers that are GS1's by their form. */
static bool link_text_refused(const struct gs1 *gs1, struct ts_slice text,
                              const struct ts_guard_rules *rules) {
    uint8_t rest[SCAN_MAX_TEXT];

    if (text.len > sizeof rest)
        return true;
    memcpy(rest, text.data, text.len);
    for (size_t i = 0; i < gs1->count; i++) {
        const struct gs1_element *element = &gs1->elements[i];
        size_t known = known_digits(element->ai);
        if (known <= element->value.len && lies_within(element->value, text))
            memset(rest + (element->value.data - text.data), '#', known);
    }
    bool found = watch_text(ts_slice_of(rest, text.len), rules);
    explicit_bzero(rest, text.len);
    return found;
}

bool watch_link(const struct gs1 *gs1, enum gs1_result result,
                struct ts_slice text, const struct ts_guard_rules *rules) {
    if (result != GS1_OK)
        return watch_text(text, rules);
    return values_refused(gs1, rules) || link_text_refused(gs1, text, rules);
}
