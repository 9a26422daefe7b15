/* The rules for components of element strings, GS1 General Specifications 3
 * and 7. */
#include "drivers/code/gs1_parts.h"

#include <string.h>

static unsigned digit(uint8_t byte) { return byte - (unsigned)'0'; }

static bool is_digit(uint8_t byte) { return gs1_sets[byte] & GS1_N; }

static unsigned number(const uint8_t *at, size_t len) {
    unsigned value = 0;

    for (size_t i = 0; i < len; i++)
        value = value * 10 + digit(at[i]);
    return value;
}

static bool all_zero(const uint8_t *at, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (at[i] != '0')
            return false;
    }
    return true;
}

static const char *check_digit(struct ts_slice text) {
    unsigned sum = 0;
    const uint8_t *at = text.data + text.len;

    for (size_t left = text.len; left > 1; left -= 2) {
        at -= 2;
        sum += digit(at[1]) + 3 * digit(at[0]);
    }
    if (text.len % 2)
        sum += digit(text.data[0]);
    return sum % 10 ? "the check digit does not hold" : NULL;
}

static const char *prefix(struct ts_slice text) {
    enum { SHORTEST = 4 };
    static const char why[] = "no company prefix at the begin of the key";

    if (text.len < SHORTEST)
        return why;
    for (size_t i = 0; i < SHORTEST; i++) {
        if (!is_digit(text.data[i]))
            return why;
    }
    return NULL;
}

static const char *prefix_second(struct ts_slice text) {
    return prefix(ts_slice_of(text.data + 1, text.len - 1));
}

/* Weights are the primes, from the right. */
static const char *check_pair(struct ts_slice text) {
    static const uint16_t primes[] = {2,  3,  5,  7,  11, 13, 17, 19,
                                      23, 29, 31, 37, 41, 43, 47, 53,
                                      59, 61, 67, 71, 73, 79, 83};
    static const char order[] =
        "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
        "abcdefghijklmnopqrstuvwxyz";
    static const char pair[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    static const char why[] = "the two check characters do not hold";
    unsigned sum = 0;

    if (text.len < 3 || text.len - 2 > sizeof primes / sizeof primes[0])
        return why;
    for (size_t i = 0; i < text.len - 2; i++) {
        const char *found = strchr(order, text.data[i]);
        sum += (unsigned)(found - order) * primes[text.len - 3 - i];
    }
    sum %= 1021;
    if (text.data[text.len - 2] != (uint8_t)pair[sum / 32] ||
        text.data[text.len - 1] != (uint8_t)pair[sum % 32])
        return why;
    return NULL;
}

static unsigned month_days(unsigned year, unsigned month) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30,
                                   31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap ? 1U : 0U);
}

static const char *date(unsigned year, const uint8_t *month_day, unsigned low) {
    unsigned month = number(month_day, 2);
    unsigned day = number(month_day + 2, 2);

    if (month < 1 || month > 12)
        return "no such month";
    if (day < low || day > month_days(year, month))
        return "no such day of the month";
    return NULL;
}

/* A year of two digits lies within 51 years around now: 00 is 2000. */
static const char *date_open(struct ts_slice text) {
    return date(2000 + number(text.data, 2), text.data + 2, 0);
}

static const char *date_short(struct ts_slice text) {
    return date(2000 + number(text.data, 2), text.data + 2, 1);
}

static const char *date_long(struct ts_slice text) {
    return date(number(text.data, 4), text.data + 4, 1);
}

static const char *hour(struct ts_slice text) {
    return number(text.data, 2) > 23 ? "no such hour" : NULL;
}

static const char *sixty(struct ts_slice text) {
    return number(text.data, 2) > 59 ? "no such minute or second" : NULL;
}

static const char *hour_minute(struct ts_slice text) {
    const char *why = hour(text);

    return why ? why : sixty(ts_slice_of(text.data + 2, 2));
}

static const char *country(struct ts_slice text) {
    return gs1_list_country(number(text.data, 3)) ? NULL : "no such country";
}

static const char *country_or_999(struct ts_slice text) {
    return memcmp(text.data, "999", 3) == 0 ? NULL : country(text);
}

static const char *country_letters(struct ts_slice text) {
    return gs1_list_country_letters(text.data) ? NULL : "no such country";
}

static const char *currency(struct ts_slice text) {
    return gs1_list_currency(number(text.data, 3)) ? NULL : "no such currency";
}

static const char *package(struct ts_slice text) {
    return gs1_list_package(text) ? NULL : "no such package type";
}

static int iban_value(uint8_t byte) {
    if (is_digit(byte))
        return byte - '0';
    return byte >= 'A' && byte <= 'Z' ? byte - 'A' + 10 : -1;
}

/* ISO 13616: the first four characters move to the end, modulo 97 is 1. */
static const char *iban(struct ts_slice text) {
    enum { SHORTEST = 11 };
    unsigned rest = 0;

    if (text.len < SHORTEST || !gs1_list_country_letters(text.data))
        return "no IBAN";
    for (size_t i = 0; i < text.len; i++) {
        int value = iban_value(text.data[(i + 4) % text.len]);
        if (value < 0)
            return "no IBAN";
        rest = (rest * (value > 9 ? 100 : 10) + (unsigned)value) % 97;
    }
    return rest == 1 ? NULL : "the check digits of the IBAN do not hold";
}

static bool is_hex(uint8_t byte) {
    return is_digit(byte) || (byte >= 'A' && byte <= 'F') ||
           (byte >= 'a' && byte <= 'f');
}

static const char *percent(struct ts_slice text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '%')
            continue;
        if (text.len - i < 3 || !is_hex(text.data[i + 1]) ||
            !is_hex(text.data[i + 2]))
            return "a % that no two hex digits follow";
        i += 2;
    }
    return NULL;
}

static const char *latitude(struct ts_slice text) {
    return memcmp(text.data, "1800000000", 10) > 0 ? "no such latitude" : NULL;
}

static const char *longitude(struct ts_slice text) {
    return memcmp(text.data, "3600000000", 10) > 0 ? "no such longitude" : NULL;
}

static const char *one_of(struct ts_slice text, const char *allowed,
                          const char *why) {
    return strchr(allowed, text.data[0]) ? NULL : why;
}

static const char *yes_no(struct ts_slice text) {
    return one_of(text, "01", "neither 0 nor 1");
}

static const char *hyphen(struct ts_slice text) {
    return one_of(text, "-", "not a hyphen");
}

static const char *winding(struct ts_slice text) {
    return one_of(text, "019", "no such winding direction");
}

static const char *sex(struct ts_slice text) {
    return one_of(text, "0129", "no such code of a sex");
}

static const char *importer(struct ts_slice text) {
    return gs1_sets[text.data[0]] & GS1_Z ? NULL : "no such importer index";
}

/* 01 to 10 are assigned, 80 to 99 are for national use. */
static const char *medium(struct ts_slice text) {
    unsigned code = number(text.data, 2);

    return (code >= 1 && code <= 10) || code >= 80 ? NULL
                                                   : "no such media type";
}

static const char *nonzero(struct ts_slice text) {
    return all_zero(text.data, text.len) ? "zero is not allowed" : NULL;
}

static const char *zero(struct ts_slice text) {
    return all_zero(text.data, text.len) ? NULL : "must be zero";
}

static const char *not_all_digits(struct ts_slice text) {
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i]))
            return NULL;
    }
    return "needs a character that is no digit";
}

static const char *no_leading_zero(struct ts_slice text) {
    return text.data[0] == '0' ? "must not begin with 0" : NULL;
}

static const char *piece(struct ts_slice text) {
    size_t half = text.len / 2;
    const uint8_t *total = text.data + half;

    if (all_zero(text.data, half) || all_zero(total, half))
        return "piece or total is zero";
    return memcmp(text.data, total, half) > 0 ? "the piece exceeds the total"
                                              : NULL;
}

/* Three characters: "1/3". */
static const char *position(struct ts_slice text) {
    const uint8_t *at = text.data;

    if (at[1] != '/' || !is_digit(at[0]) || !is_digit(at[2]) || at[0] == '0')
        return "not a position such as 1/3";
    return at[0] > at[2] ? "the position exceeds the total" : NULL;
}

const char *gs1_rule_check(enum gs1_rule rule, struct ts_slice text) {
    static const char *(*const checks[GS1_RULES])(struct ts_slice) = {
        [GS1_RULE_CHECK_DIGIT] = check_digit,
        [GS1_RULE_CHECK_PAIR] = check_pair,
        [GS1_RULE_COUNTRY] = country,
        [GS1_RULE_COUNTRY_LETTERS] = country_letters,
        [GS1_RULE_COUNTRY_OR_999] = country_or_999,
        [GS1_RULE_COUPON] = gs1_coupon_check,
        [GS1_RULE_CURRENCY] = currency,
        [GS1_RULE_DATE] = date_short,
        [GS1_RULE_DATE_LONG] = date_long,
        [GS1_RULE_DATE_OPEN] = date_open,
        [GS1_RULE_HOUR] = hour,
        [GS1_RULE_HOUR_MINUTE] = hour_minute,
        [GS1_RULE_HYPHEN] = hyphen,
        [GS1_RULE_IBAN] = iban,
        [GS1_RULE_IMPORTER] = importer,
        [GS1_RULE_LATITUDE] = latitude,
        [GS1_RULE_LONGITUDE] = longitude,
        [GS1_RULE_MEDIUM] = medium,
        [GS1_RULE_NONZERO] = nonzero,
        [GS1_RULE_NOT_ALL_DIGITS] = not_all_digits,
        [GS1_RULE_NO_LEADING_ZERO] = no_leading_zero,
        [GS1_RULE_OFFER] = gs1_offer_check,
        [GS1_RULE_PACKAGE] = package,
        [GS1_RULE_PERCENT] = percent,
        [GS1_RULE_PIECE] = piece,
        [GS1_RULE_POSITION] = position,
        [GS1_RULE_PREFIX] = prefix,
        [GS1_RULE_PREFIX_SECOND] = prefix_second,
        [GS1_RULE_SEX] = sex,
        [GS1_RULE_SIXTY] = sixty,
        [GS1_RULE_WINDING] = winding,
        [GS1_RULE_YES_NO] = yes_no,
        [GS1_RULE_ZERO] = zero,
    };
    return checks[rule] ? checks[rule](text) : NULL;
}
