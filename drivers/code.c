#include "drivers/code.h"

#include "drivers/aim.h"
#include "drivers/ean.h"

#include <string.h>

/* What a retail text turned out to be. */
struct retail {
    enum symbology symbology;
    enum scan_error error;
    char gtin[15]; /* "" where the text is none */
    bool claimed;  /* the text has the form of a retail code */
};

static struct retail retail_item(enum symbology symbology, const char *digits,
                                 size_t len) {
    struct retail retail = {.symbology = symbology, .claimed = true};
    memset(retail.gtin, '0', 14);
    memcpy(retail.gtin + 14 - len, digits, len);
    return retail;
}

static struct retail retail_bad(enum symbology symbology,
                                enum scan_error error) {
    return (struct retail){
        .symbology = symbology, .error = error, .claimed = true};
}

static struct retail retail_checked(enum symbology symbology,
                                    struct ts_slice digits) {
    if (!code_mod10_valid(digits))
        return retail_bad(symbology, SCAN_BAD_CHECK_DIGIT);
    return retail_item(symbology, (const char *)digits.data, digits.len);
}

static struct retail retail_upc_e(struct ts_slice digits) {
    char upc_a[13];
    if (digits.len != 8)
        return retail_bad(SYMBOLOGY_UPC_E, SCAN_BAD_LENGTH);
    if (!ean_expand_upc_e(upc_a, digits))
        return retail_bad(SYMBOLOGY_UPC_E, SCAN_BAD_CHECK_DIGIT);
    return retail_item(SYMBOLOGY_UPC_E, upc_a, 12);
}

/* One identifier stands for EAN-13, for UPC-A with a leading zero and for
 * UPC-E expanded; what can be suppressed was most likely printed so. */
static struct retail retail_ean_13(struct ts_slice digits) {
    enum symbology symbology = SYMBOLOGY_EAN_13;

    if (digits.len == 8)
        return retail_upc_e(digits);
    if (digits.len == 12)
        return retail_checked(SYMBOLOGY_UPC_A, digits);
    if (digits.len != 13)
        return retail_bad(symbology, SCAN_BAD_LENGTH);
    if (digits.data[0] == '0') {
        struct ts_slice upc_a = ts_slice_of(digits.data + 1, 12);
        symbology = ean_suppressible(upc_a) ? SYMBOLOGY_UPC_E : SYMBOLOGY_UPC_A;
    }
    return retail_checked(symbology, digits);
}

/* `]E3`, `]E5` and `]E6` carry the add-on in the same message. */
static struct ts_slice without_add_on(const char aim[4], struct ts_slice text) {
    size_t main_len = text.len;
    if (strcmp(aim, "]E3") == 0)
        main_len = 13;
    else if (strcmp(aim, "]E5") == 0 || strcmp(aim, "]E6") == 0)
        main_len = 8;
    if (text.len == main_len + 2 || text.len == main_len + 5)
        text.len = main_len;
    return text;
}

static struct retail retail_fixed(enum symbology symbology,
                                  struct ts_slice digits, size_t len) {
    if (digits.len != len)
        return retail_bad(symbology, SCAN_BAD_LENGTH);
    return retail_checked(symbology, digits);
}

/* The device said what it read. */
static struct retail retail_told(enum symbology symbology,
                                 const struct scan *scan) {
    struct ts_slice text = without_add_on(scan->aim, scan->text);
    struct retail none = {.symbology = symbology};

    switch (symbology) {
    case SYMBOLOGY_EAN_13:
    case SYMBOLOGY_EAN_8:
    case SYMBOLOGY_UPC_A:
    case SYMBOLOGY_UPC_E:
    case SYMBOLOGY_ITF_14:
        if (!ean_all_digits(text))
            return retail_bad(symbology, SCAN_BAD_CHAR);
        break;
    case SYMBOLOGY_ITF:
    case SYMBOLOGY_OTHER:
        if (text.len < 13 || text.len > 14 || !code_mod10_valid(text) ||
            (symbology == SYMBOLOGY_ITF && text.len != 14))
            return none;
        return retail_checked(symbology, text);
    default:
        return none;
    }
    if (symbology == SYMBOLOGY_EAN_13)
        return retail_ean_13(text);
    if (symbology == SYMBOLOGY_UPC_E)
        return retail_upc_e(text);
    if (symbology == SYMBOLOGY_EAN_8)
        return retail_fixed(symbology, text, 8);
    if (symbology == SYMBOLOGY_UPC_A)
        return retail_fixed(symbology, text, 12);
    return retail_fixed(symbology, text, 14);
}

/* Eight digits may be EAN-8 or UPC-E; when both hold, nobody can tell. */
static struct retail retail_guess_8(struct ts_slice digits) {
    struct retail ean = retail_checked(SYMBOLOGY_EAN_8, digits);
    struct retail upc = retail_upc_e(digits);

    if (!ean.error && !upc.error)
        return (struct retail){.symbology = SYMBOLOGY_UNKNOWN};
    return upc.error ? ean : upc;
}

static struct retail retail_guess(struct ts_slice text) {
    if (ean_all_digits(text)) {
        if (text.len == 8)
            return retail_guess_8(text);
        if (text.len == 12)
            return retail_checked(SYMBOLOGY_UPC_A, text);
        if (text.len == 13)
            return retail_checked(SYMBOLOGY_EAN_13, text);
        if (text.len == 14)
            return retail_checked(SYMBOLOGY_ITF_14, text);
    }
    return (struct retail){.symbology = SYMBOLOGY_UNKNOWN};
}

/* Only a text that has the form of its symbology counts as retail: an EAN-13
 * of sixteen digits does not exist. */
static enum ts_carrier carrier_of(enum symbology told,
                                  const struct retail *retail) {
    bool known = retail->claimed && retail->error != SCAN_BAD_LENGTH &&
                 retail->error != SCAN_BAD_CHAR && told != SYMBOLOGY_OTHER;
    if (symbology_is_gs1(told) || (told != SYMBOLOGY_UNKNOWN && known))
        return TS_CARRIER_RETAIL;
    return TS_CARRIER_TEXT;
}

static bool rule_fits(const struct code_rule *rule, struct ts_slice text) {
    size_t prefix = strlen(rule->prefix);

    if (rule->length && rule->length != text.len)
        return false;
    if (prefix > text.len || memcmp(rule->prefix, text.data, prefix) != 0)
        return false;
    return rule->skip < text.len && rule->take <= text.len - rule->skip;
}

static bool rule_beats(const struct code_rule *a, const struct code_rule *b) {
    size_t a_len = strlen(a->prefix);
    size_t b_len = b ? strlen(b->prefix) : 0;

    if (!b || a_len != b_len)
        return !b || a_len > b_len;
    return a->length && !b->length;
}

static const struct code_rule *rule_find(const struct code_rules *rules,
                                         struct ts_slice text) {
    const struct code_rule *best = NULL;

    for (size_t i = 0; rules && i < rules->count; i++) {
        if (rule_fits(&rules->rules[i], text) &&
            rule_beats(&rules->rules[i], best))
            best = &rules->rules[i];
    }
    return best;
}

/* 13 digits without an identifier are an EAN-13, whatever the rules say: a
 * dropped digit must not make another customer's card. */
static bool rule_excuses(const struct code_rule *rule, struct ts_slice text) {
    return rule && rule->length && !rule->mod10 && text.len != 13;
}

static void code_reject(struct code *out, enum scan_error error) {
    out->kind = CODE_REJECTED;
    out->error = error;
}

static void code_by_rule(struct code *out, const struct code_rule *rule,
                         struct ts_slice text) {
    if (rule->mod10 && !code_mod10_valid(text)) {
        code_reject(out, SCAN_BAD_CHECK_DIGIT);
        return;
    }
    size_t take = rule->take ? rule->take : text.len - rule->skip;
    struct ts_slice named = ts_slice_of(text.data + rule->skip, take);
    if (rule->item) {
        out->kind = CODE_ITEM;
        out->item = named;
        return;
    }
    out->kind = CODE_CARD;
    out->programme = rule->programme;
    out->number = named;
}

/* Digits with control characters among them are a line fault, not a text. */
static bool digits_with_noise(struct ts_slice text) {
    size_t noise = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c < 0x1c || c == 0x7f)
            noise++;
        else if (c < '0' || c > '9')
            return false;
    }
    return noise > 0 && noise < text.len;
}

void code_classify(struct code *out, const struct scan *scan,
                   const struct code_rules *rules) {
    enum symbology told =
        scan->aim[0] ? aim_symbology(scan->aim) : aim_of_code_id(scan->code_id);
    bool untold = !scan->aim[0] && told == SYMBOLOGY_UNKNOWN;
    struct retail retail =
        untold ? retail_guess(scan->text) : retail_told(told, scan);
    enum ts_carrier carrier = carrier_of(told, &retail);

    *out = (struct code){.kind = CODE_UNKNOWN};
    if (ts_guard_refuses(scan->text, carrier, rules ? &rules->guard : NULL)) {
        out->kind = CODE_PAYMENT_CARD;
        return;
    }
    out->symbology = retail.symbology;
    if (scan->continuation)
        return;
    const struct code_rule *rule = rule_find(rules, scan->text);
    if (retail.error && untold && rule_excuses(rule, scan->text)) {
        out->symbology = SYMBOLOGY_UNKNOWN;
    } else if (retail.error) {
        code_reject(out, retail.error);
        return;
    }
    if (untold && digits_with_noise(scan->text)) {
        code_reject(out, SCAN_BAD_CHAR);
        return;
    }
    if (rule) {
        code_by_rule(out, rule, scan->text);
    } else if (retail.gtin[0]) {
        out->kind = CODE_ITEM;
        memcpy(out->gtin, retail.gtin, sizeof out->gtin);
    }
}
