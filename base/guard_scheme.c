#include "base/guard_scheme.h"

#include <string.h>

#define LEN(n) (1u << (n))

/* Issuer ranges as credit-card-type 10.3.0 lists them. `usual` are the
 * lengths that cards in use have: where a member is named an identifier, only
 * those count, because shop systems number orders with 12 to 18 digits. */
struct scheme {
    unsigned low, high; /* both of as many digits */
    unsigned prefix_len;
    unsigned lengths;
    unsigned usual;
    bool hard;
};

static const struct scheme schemes[] = {
    /* Visa */
    {4, 4, 1, LEN(13) | LEN(16) | LEN(18) | LEN(19), LEN(16) | LEN(19), true},
    /* Mastercard */
    {51, 55, 2, LEN(16), LEN(16), true},
    {2221, 2720, 4, LEN(16), LEN(16), true},
    /* American Express */
    {34, 34, 2, LEN(15), LEN(15), true},
    {37, 37, 2, LEN(15), LEN(15), true},
    /* UnionPay */
    {62, 62, 2, 0x3fu << 14, LEN(16) | LEN(19), true},
    {81, 81, 2, 0x3fu << 14, LEN(16) | LEN(19), true},
    /* Diners Club */
    {300, 305, 3, LEN(14) | LEN(16) | LEN(19), LEN(14) | LEN(16), false},
    {36, 36, 2, LEN(14) | LEN(16) | LEN(19), LEN(14) | LEN(16), false},
    {38, 39, 2, LEN(14) | LEN(16) | LEN(19), LEN(14) | LEN(16), false},
    /* Discover */
    {6011, 6011, 4, LEN(16) | LEN(19), LEN(16) | LEN(19), false},
    {644, 649, 3, LEN(16) | LEN(19), LEN(16) | LEN(19), false},
    {65, 65, 2, LEN(16) | LEN(19), LEN(16) | LEN(19), false},
    /* JCB */
    {2131, 2131, 4, 0xfu << 16, LEN(16), false},
    {1800, 1800, 4, 0xfu << 16, LEN(16), false},
    {3528, 3589, 4, 0xfu << 16, LEN(16), false},
    /* Maestro, and what shares its ranges: Elo, Hiper, RuPay */
    {50, 50, 2, 0xffu << 12, LEN(16) | LEN(19), false},
    {56, 59, 2, 0xffu << 12, LEN(16) | LEN(19), false},
    {6, 6, 1, 0xffu << 12, LEN(16) | LEN(19), false},
    /* Mir, Troy */
    {2200, 2204, 4, LEN(16), LEN(16), false},
    {9792, 9792, 4, LEN(16), LEN(16), false},
};

/* A masked digit may be any: it does not rule a range out. */
static bool in_range(const struct ts_pan *pan, const struct scheme *scheme) {
    unsigned low = 0;
    unsigned high = 0;

    for (unsigned i = 0; i < scheme->prefix_len; i++) {
        bool masked = pan->digit[i] == TS_PAN_MASKED;
        low = low * 10 + (masked ? 0 : pan->digit[i]);
        high = high * 10 + (masked ? 9 : pan->digit[i]);
    }
    return low <= scheme->high && high >= scheme->low;
}

static bool luhn_valid(const struct ts_pan *pan) {
    unsigned sum = 0;

    for (size_t i = 0; i < pan->len; i++) {
        unsigned digit = pan->digit[pan->len - 1 - i];
        if (i % 2) {
            digit *= 2;
            if (digit > 9)
                digit -= 9;
        }
        sum += digit;
    }
    return sum % 10 == 0;
}

bool ts_pan_ean13(const struct ts_pan *pan) {
    unsigned sum = 0;

    if (pan->len != 13 || pan->masked)
        return false;
    for (size_t i = 0; i < 13; i++)
        sum += pan->digit[i] * (i % 2 ? 3u : 1u);
    return sum % 10 == 0;
}

static bool allow_matches(const struct ts_pan *pan,
                          const struct ts_guard_allow *allow) {
    size_t len = strnlen(allow->prefix, sizeof allow->prefix);

    if (allow->length != pan->len || len < 6 || len > 10 || len > pan->len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (pan->digit[i] + '0' != allow->prefix[i])
            return false;
    return true;
}

bool ts_pan_is_allowed(const struct ts_pan *pan,
                       const struct ts_guard_rules *rules) {
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (schemes[i].hard && in_range(pan, &schemes[i]))
            return false;
    for (size_t i = 0; rules && i < rules->count; i++)
        if (allow_matches(pan, &rules->allow[i]))
            return true;
    return false;
}

static bool length_fits(const struct ts_pan *pan, const struct scheme *scheme,
                        enum ts_pan_place place) {
    if (place == TS_PAN_TRACK)
        return true;
    return (place == TS_PAN_NAMED_ID ? scheme->usual : scheme->lengths) >>
               pan->len &
           1;
}

bool ts_pan_is_card(const struct ts_pan *pan, enum ts_pan_place place,
                    const struct ts_guard_rules *rules) {
    bool found = false;

    if (pan->len < TS_PAN_MIN || pan->len > TS_PAN_MAX)
        return false;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes && !found; i++)
        found =
            in_range(pan, &schemes[i]) && length_fits(pan, &schemes[i], place);
    if (!found || ts_pan_is_allowed(pan, rules))
        return false;
    return place == TS_PAN_TRACK || place == TS_PAN_ACCOUNT || pan->masked ||
           luhn_valid(pan);
}
