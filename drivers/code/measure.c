#include "drivers/code/measure.h"

#include "drivers/code/ean.h"

#include <string.h>

enum { EAN_LEN = 13, PRICE_MAX = 5 };

/* Digit times the weight, plus or minus the tens of the product, modulo 10;
 * GS1 General Specifications 7.9.2. */
enum weight { TWO_MINUS, THREE, FIVE_PLUS, FIVE_MINUS };

static unsigned weighted(enum weight weight, unsigned digit) {
    unsigned product;

    switch (weight) {
    case TWO_MINUS:
        product = 2 * digit;
        return (product + 10 - product / 10) % 10;
    case THREE:
        return 3 * digit % 10;
    case FIVE_PLUS:
        product = 5 * digit;
        return (product + product / 10) % 10;
    default:
        product = 5 * digit;
        return (product + 10 - product / 10) % 10;
    }
}

static unsigned weighted_sum(struct ts_slice price,
                             const enum weight *weights) {
    unsigned sum = 0;

    for (size_t i = 0; i < price.len; i++)
        sum += weighted(weights[i], (unsigned)(price.data[i] - '0'));
    return sum;
}

char measure_price_verifier(struct ts_slice price) {
    static const enum weight four[] = {TWO_MINUS, TWO_MINUS, THREE, FIVE_MINUS};
    static const enum weight five[] = {FIVE_PLUS, TWO_MINUS, FIVE_MINUS,
                                       FIVE_PLUS, TWO_MINUS};
    unsigned missing;
    unsigned digit = 0;

    if (!ean_all_digits(price) || price.len < 4 || price.len > PRICE_MAX)
        return 0;
    if (price.len == 4)
        return (char)('0' + weighted(THREE, weighted_sum(price, four) % 10));
    missing = (10 - weighted_sum(price, five) % 10) % 10;
    while (weighted(FIVE_MINUS, digit) != missing)
        digit++;
    return (char)('0' + digit);
}

static size_t letters(const char *layout, char letter) {
    size_t count = 0;

    for (; *layout; layout++)
        count += *layout == letter;
    return count;
}

size_t measure_literals(const char *layout) {
    return strspn(layout, "0123456789");
}

const char *measure_fault(const char *layout) {
    size_t literals = measure_literals(layout);
    size_t price = letters(layout, 'P');
    size_t weight = letters(layout, 'W');

    if (strlen(layout) != EAN_LEN ||
        strspn(layout, "0123456789IPWVC") != EAN_LEN)
        return "a layout is 13 characters, one a digit: 0 to 9 as it stands, I "
               "item, P price, W weight, V price verifier, C check digit";
    if (layout[0] != '2' && strncmp(layout, "02", 2) != 0 &&
        strncmp(layout, "04", 2) != 0)
        return "a layout begins with 2, 02 or 04, the prefixes of a shop's own "
               "codes";
    if (strspn(layout + literals, "IPWVC") != EAN_LEN - literals)
        return "digits as they stand belong at the start of the layout";
    if (layout[EAN_LEN - 1] != 'C' || letters(layout, 'C') != 1)
        return "the last digit of the layout, and no other, is C";
    if (!letters(layout, 'I'))
        return "the layout has no digit of the item; write I for each";
    if (!price == !weight)
        return "a layout has either a price (P) or a weight (W)";
    if (letters(layout, 'V') > 1 ||
        (letters(layout, 'V') && price != 4 && price != 5))
        return "a price verifier is one digit, and only a price of 4 or 5 "
               "digits has one";
    return NULL;
}

const struct code_measure *measure_find(const struct code_rules *rules,
                                        const char ean_13[14]) {
    for (size_t i = 0; rules && i < rules->measure_count; i++) {
        const struct code_measure *measure = &rules->measures[i];
        size_t literals = measure_literals(measure->layout);
        if (literals && strncmp(measure->layout, ean_13, literals) == 0)
            return measure;
    }
    return NULL;
}

/* The digits that stand under `letter`, in their order. */
static size_t pick(char out[EAN_LEN + 1], const struct code_measure *measure,
                   const char *ean_13, char letter) {
    size_t len = 0;

    for (size_t i = 0; i < EAN_LEN && measure->layout[i]; i++)
        if (measure->layout[i] == letter)
            out[len++] = ean_13[i];
    out[len] = 0;
    return len;
}

static int64_t number_of(const char *digits) {
    int64_t number = 0;

    for (; *digits; digits++)
        number = number * 10 + (*digits - '0');
    return number;
}

static void set_gtin(struct code *out, const struct code_measure *measure,
                     const char *ean_13) {
    char *gtin = out->gtin;

    gtin[0] = '0';
    for (size_t i = 0; i < EAN_LEN; i++)
        gtin[i + 1] = strchr("PWV", measure->layout[i]) ? '0' : ean_13[i];
    gtin[EAN_LEN] = ean_check_digit(ts_slice_of(gtin, EAN_LEN));
    gtin[EAN_LEN + 1] = 0;
}

enum scan_error measure_read(struct code *out,
                             const struct code_measure *measure,
                             const char ean_13[14]) {
    char price[EAN_LEN + 1];
    char weight[EAN_LEN + 1];
    char verifier[EAN_LEN + 1];
    size_t price_len = pick(price, measure, ean_13, 'P');

    if (pick(verifier, measure, ean_13, 'V') &&
        verifier[0] != measure_price_verifier(ts_slice_of(price, price_len)))
        return SCAN_BAD_PRICE_VERIFIER;
    if (price_len) {
        out->has_price = true;
        out->price_minor = number_of(price);
    }
    if (pick(weight, measure, ean_13, 'W')) {
        out->has_weight = true;
        out->weight_g = number_of(weight);
    }
    set_gtin(out, measure, ean_13);
    return SCAN_OK;
}
