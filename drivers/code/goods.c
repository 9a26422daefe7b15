#include "drivers/code/goods.h"

#include "drivers/code/currency.h"
#include "drivers/code/ean.h"

#include <stdio.h>
#include <string.h>

enum { GTIN_DIGITS = 14, DATE_DIGITS = 6, NUMBER_DIGITS_MAX = 15 };

static bool number_read(int64_t *out, struct ts_slice digits) {
    if (digits.len > NUMBER_DIGITS_MAX || !ean_all_digits(digits))
        return false;
    *out = 0;
    for (size_t i = 0; i < digits.len; i++)
        *out = *out * 10 + (digits.data[i] - '0');
    return true;
}

/* `digits` have `has` decimal places; answers the number with `wants`, rounded.
 * False, and 0: none, or one that no number of the protocol holds. */
static bool number_scale(int64_t *out, struct ts_slice digits, unsigned has,
                         unsigned wants) {
    static const int64_t end = INT64_C(1) << 53;
    int64_t number = 0;

    *out = 0;
    if (!number_read(&number, digits))
        return false;
    for (; has < wants; has++)
        if (__builtin_mul_overflow(number, 10, &number))
            return false;
    for (; has > wants + 1; has--)
        number /= 10;
    if (has > wants)
        number = (number + 5) / 10;
    if (number >= end)
        return false;
    *out = number;
    return true;
}

/* The fourth digit of the AI. */
static unsigned decimals_of(const struct gs1_element *element) {
    char digit = element->ai[3];
    return digit >= '0' && digit <= '9' ? (unsigned)(digit - '0') : 0;
}

static void weight_read(struct code *out, const struct gs1 *gs1) {
    enum { GRAM_DECIMALS = 3 };
    const struct gs1_element *kilograms = gs1_family(gs1, "310");

    out->has_weight =
        kilograms && number_scale(&out->weight_g, kilograms->value,
                                  decimals_of(kilograms), GRAM_DECIMALS);
}

static bool price_plain(struct code *out, const struct gs1_element *amount,
                        const struct currency *shops) {
    return number_scale(&out->price_minor, amount->value, decimals_of(amount),
                        shops ? shops->decimals : CURRENCY_DECIMALS);
}

static bool price_with_currency(struct code *out,
                                const struct gs1_element *amount) {
    enum { CURRENCY_DIGITS = 3 };
    struct ts_slice value = amount->value;
    const struct currency *currency;
    int64_t number = 0;

    if (value.len <= CURRENCY_DIGITS ||
        !number_read(&number, ts_slice_of(value.data, CURRENCY_DIGITS)))
        return false;
    currency = currency_find((unsigned)number);
    if (!currency || !number_scale(&out->price_minor,
                                   ts_slice_of(value.data + CURRENCY_DIGITS,
                                               value.len - CURRENCY_DIGITS),
                                   decimals_of(amount), currency->decimals))
        return false;
    memcpy(out->currency, currency->letters, sizeof out->currency);
    return true;
}

static void price_read(struct code *out, const struct gs1 *gs1,
                       const struct currency *shops) {
    const struct gs1_element *plain = gs1_family(gs1, "392");
    const struct gs1_element *told = gs1_family(gs1, "393");

    if (told)
        out->has_price = price_with_currency(out, told);
    else if (plain)
        out->has_price = price_plain(out, plain, shops);
}

static unsigned days_of(unsigned year, unsigned month) {
    static const unsigned days[] = {31, 28, 31, 30, 31, 30,
                                    31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && year % 4 == 0 ? 1 : 0);
}

/* Day 00 is the last of the month. Nothing on sale is of the last century. */
static void expiry_read(struct code *out, const struct gs1 *gs1) {
    struct ts_slice date = gs1_value(gs1, "17");
    int64_t number = 0;

    if (!date.len)
        date = gs1_value(gs1, "15");
    if (date.len != DATE_DIGITS || !number_read(&number, date))
        return;
    unsigned year = 2000 + (unsigned)number / 10000;
    unsigned month = (unsigned)number / 100 % 100;
    unsigned day = (unsigned)number % 100;
    if (month < 1 || month > 12)
        return;
    if (day == 0)
        day = days_of(year, month);
    (void)snprintf(out->expiry, sizeof out->expiry, "%04u-%02u-%02u",
                   year % 10000, month, day);
}

static void text_read(char *out, size_t size, struct ts_slice value) {
    (void)snprintf(out, size, "%.*s", (int)value.len,
                   value.len ? (const char *)value.data : "");
}

void goods_details(struct code *out, const struct gs1 *gs1,
                   const struct code_rules *rules) {
    struct ts_slice count = gs1_value(gs1, "30");

    weight_read(out, gs1);
    price_read(out, gs1, rules ? rules->currency : NULL);
    out->has_quantity = count.len && number_read(&out->quantity, count);
    text_read(out->lot, sizeof out->lot, gs1_value(gs1, "10"));
    expiry_read(out, gs1);
}

bool goods_read(struct code *out, const struct gs1 *gs1,
                const struct code_rules *rules) {
    struct ts_slice gtin = gs1_value(gs1, "01");

    /* A piece of an item: its GTIN, then which piece of how many. */
    if (!gtin.len)
        gtin = gs1_value(gs1, "8006");
    if (gtin.len < GTIN_DIGITS)
        return false;
    out->kind = CODE_ITEM;
    text_read(out->gtin, sizeof out->gtin, ts_slice_of(gtin.data, GTIN_DIGITS));
    goods_details(out, gs1, rules);
    return true;
}
