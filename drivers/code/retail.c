#include "drivers/code/retail.h"

#include "drivers/code/content.h"
#include "drivers/code/ean.h"

#include <string.h>

static struct retail of_item(enum symbology symbology, const char *digits,
                             size_t len) {
    struct retail retail = {.symbology = symbology};

    memset(retail.gtin, '0', 14);
    memcpy(retail.gtin + 14 - len, digits, len);
    return retail;
}

static struct retail of_fault(enum symbology symbology, enum scan_error error) {
    return (struct retail){.symbology = symbology, .error = error};
}

static struct retail of_checked(enum symbology symbology,
                                struct ts_slice digits) {
    if (!code_mod10_valid(digits))
        return of_fault(symbology, SCAN_BAD_CHECK_DIGIT);
    return of_item(symbology, (const char *)digits.data, digits.len);
}

static struct retail of_upc_e(struct ts_slice digits) {
    char upc_a[13];

    if (digits.data[0] > '1')
        return of_fault(SYMBOLOGY_UPC_E, SCAN_BAD_NUMBER_SYSTEM);
    if (!ean_expand_upc_e(upc_a, digits))
        return of_fault(SYMBOLOGY_UPC_E, SCAN_BAD_CHECK_DIGIT);
    return of_item(SYMBOLOGY_UPC_E, upc_a, 12);
}

/* Nothing but the number system is wrong: the rest is a UPC-E. */
static bool wrong_number_system(struct ts_slice digits) {
    char other[8];
    char upc_a[13];
    bool fits = false;

    memcpy(other, digits.data, sizeof other);
    for (char system = '0'; system <= '1' && digits.data[0] > '1'; system++) {
        other[0] = system;
        fits = fits || ean_expand_upc_e(upc_a, ts_slice_of(other, 8));
    }
    return fits;
}

/* One identifier stands for EAN-13, for UPC-A with a leading zero and for
 * UPC-E expanded; what can be suppressed was most likely printed so. */
static struct retail of_ean_13(struct ts_slice digits) {
    enum symbology symbology = SYMBOLOGY_EAN_13;

    if (digits.len == 8)
        return of_upc_e(digits);
    if (digits.len == 12)
        return of_checked(SYMBOLOGY_UPC_A, digits);
    if (digits.len != 13)
        return of_fault(symbology, SCAN_BAD_LENGTH);
    if (digits.data[0] == '0') {
        struct ts_slice upc_a = ts_slice_of(digits.data + 1, 12);
        symbology = ean_suppressible(upc_a) ? SYMBOLOGY_UPC_E : SYMBOLOGY_UPC_A;
    }
    return of_checked(symbology, digits);
}

/* A reader may be set up to send the code as the EAN-13 that it also is. */
static struct retail of_fixed(enum symbology symbology, struct ts_slice digits,
                              size_t len) {
    if (digits.len != len && digits.len != 13)
        return of_fault(symbology, SCAN_BAD_LENGTH);
    for (size_t i = 0; digits.len == 13 && i < 13 - len; i++)
        if (digits.data[i] != '0')
            return of_fault(symbology, SCAN_BAD_LENGTH);
    return of_checked(symbology, digits);
}

static struct retail of_told_upc_e(struct ts_slice digits) {
    if (digits.len == 12)
        return of_checked(SYMBOLOGY_UPC_E, digits);
    if (digits.len == 13)
        return of_fixed(SYMBOLOGY_UPC_E, digits, 12);
    return digits.len == 8 ? of_upc_e(digits)
                           : of_fault(SYMBOLOGY_UPC_E, SCAN_BAD_LENGTH);
}

/* A symbology with an add-on, and what it is without. */
struct with_add_on {
    enum symbology whole;
    enum symbology base;
    size_t add_on;
};

static const struct with_add_on add_ons[] = {
    {SYMBOLOGY_EAN_13_2, SYMBOLOGY_EAN_13, 2},
    {SYMBOLOGY_EAN_13_5, SYMBOLOGY_EAN_13, 5},
    {SYMBOLOGY_EAN_8_2, SYMBOLOGY_EAN_8, 2},
    {SYMBOLOGY_EAN_8_5, SYMBOLOGY_EAN_8, 5},
    {SYMBOLOGY_UPC_A_2, SYMBOLOGY_UPC_A, 2},
    {SYMBOLOGY_UPC_A_5, SYMBOLOGY_UPC_A, 5},
    {SYMBOLOGY_UPC_E_2, SYMBOLOGY_UPC_E, 2},
    {SYMBOLOGY_UPC_E_5, SYMBOLOGY_UPC_E, 5},
};

static const struct with_add_on *add_on_find(enum symbology told) {
    for (size_t i = 0; i < sizeof add_ons / sizeof add_ons[0]; i++)
        if (add_ons[i].whole == told)
            return &add_ons[i];
    return NULL;
}

/* `]E3`, `]E5` and `]E6` carry the add-on in the same message, as type bytes
 * of their own do. */
static struct ts_slice cut_add_on(const struct with_add_on *row,
                                  const char aim[4], struct ts_slice *text) {
    size_t main_len = text->len;

    if (row && text->len > row->add_on)
        main_len = text->len - row->add_on;
    else if (strcmp(aim, "]E3") == 0)
        main_len = 13;
    else if (strcmp(aim, "]E5") == 0 || strcmp(aim, "]E6") == 0)
        main_len = 8;
    if (text->len != main_len + 2 && text->len != main_len + 5)
        return ts_slice_of(NULL, 0);
    size_t len = text->len - main_len;
    text->len = main_len;
    return ts_slice_of(text->data + main_len, len);
}

static struct retail read_told(enum symbology told, struct ts_slice digits) {
    switch (told) {
    case SYMBOLOGY_EAN_13:
        return of_ean_13(digits);
    case SYMBOLOGY_EAN_8:
        return of_fixed(told, digits, 8);
    case SYMBOLOGY_UPC_A:
        return of_fixed(told, digits, 12);
    case SYMBOLOGY_UPC_E:
        return of_told_upc_e(digits);
    default:
        return digits.len == 14 ? of_checked(told, digits)
                                : of_fault(told, SCAN_BAD_LENGTH);
    }
}

/* Symbologies of which only some texts are retail codes. Under a type byte
 * DataBar may come without the AI that it holds. */
static struct retail read_loose(enum symbology told, const char aim[4],
                                struct ts_slice text) {
    bool book = told == SYMBOLOGY_BOOKLAND || told == SYMBOLOGY_ISSN;
    bool databar = !aim[0] && (told == SYMBOLOGY_GS1_DATABAR ||
                               told == SYMBOLOGY_GS1_DATABAR_LIMITED);
    bool thirteen = book || told == SYMBOLOGY_OTHER;
    bool fourteen = databar || told == SYMBOLOGY_OTHER || told == SYMBOLOGY_ITF;
    struct retail retail = {.symbology = told};

    if (((thirteen && text.len == 13) || (fourteen && text.len == 14)) &&
        code_mod10_valid(text)) {
        retail = of_checked(told, text);
        retail.sure = told != SYMBOLOGY_OTHER;
    }
    retail.digits = text;
    return retail;
}

/* An identifier of Interleaved 2 of 5 says no more than that a check digit was
 * verified: only 14 digits are an ITF-14. */
static enum symbology told_base(enum symbology told, struct ts_slice text) {
    const struct with_add_on *row = add_on_find(told);

    if (told == SYMBOLOGY_ITF_14 && text.len != 14)
        return SYMBOLOGY_ITF;
    return row ? row->base : told;
}

static bool is_retail(enum symbology base) {
    return base == SYMBOLOGY_EAN_13 || base == SYMBOLOGY_EAN_8 ||
           base == SYMBOLOGY_UPC_A || base == SYMBOLOGY_UPC_E ||
           base == SYMBOLOGY_ITF_14;
}

static struct retail read_by_device(enum symbology told, const char aim[4],
                                    struct ts_slice text) {
    enum symbology base = told_base(told, text);
    const struct with_add_on *row = add_on_find(told);
    struct retail retail;

    if (!is_retail(base))
        return read_loose(base, aim, text);
    struct ts_slice composite = content_cut_composite(&text);
    struct ts_slice add_on = cut_add_on(row, aim, &text);
    bool digits =
        ean_all_digits(text) && (add_on.len == 0 || ean_all_digits(add_on));
    retail = digits ? read_told(base, text) : of_fault(base, SCAN_BAD_CHAR);
    if (row)
        retail.symbology = told;
    retail.digits = text;
    retail.add_on = add_on;
    retail.composite = composite;
    retail.sure = retail.gtin[0];
    return retail;
}

/* Eight digits may be EAN-8 or UPC-E; when both hold, nobody can tell. */
static struct retail guess_8(struct ts_slice digits) {
    struct retail ean = of_checked(SYMBOLOGY_EAN_8, digits);
    struct retail upc = of_upc_e(digits);
    struct retail best = upc.error ? ean : upc;

    if (ean.error && wrong_number_system(digits))
        best = upc;
    if (!ean.error && !upc.error)
        best = (struct retail){.symbology = SYMBOLOGY_UNKNOWN};
    if (!ean.error)
        best.candidates[best.candidate_count++] = SYMBOLOGY_EAN_8;
    if (!upc.error)
        best.candidates[best.candidate_count++] = SYMBOLOGY_UPC_E;
    return best;
}

static struct retail guess(struct ts_slice text) {
    if (ean_all_digits(text)) {
        if (text.len == 8)
            return guess_8(text);
        if (text.len == 12)
            return of_checked(SYMBOLOGY_UPC_A, text);
        if (text.len == 13)
            return of_checked(SYMBOLOGY_EAN_13, text);
        if (text.len == 14)
            return of_checked(SYMBOLOGY_ITF_14, text);
    }
    return (struct retail){.symbology = SYMBOLOGY_UNKNOWN};
}

struct retail retail_read(enum symbology told, const char aim[4], bool untold,
                          struct ts_slice text) {
    if (!untold)
        return read_by_device(told, aim, text);
    struct retail retail = guess(text);
    retail.digits = text;
    return retail;
}

bool retail_ean_13(char out[14], const struct retail *retail) {
    const struct with_add_on *row = add_on_find(retail->symbology);

    switch (row ? row->base : retail->symbology) {
    case SYMBOLOGY_EAN_13:
    case SYMBOLOGY_UPC_A:
    case SYMBOLOGY_BOOKLAND:
    case SYMBOLOGY_ISSN:
        break;
    default:
        return false;
    }
    if (!retail->gtin[0])
        return false;
    memcpy(out, retail->gtin + 1, 14);
    return true;
}
