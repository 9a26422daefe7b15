#include "drivers/code/code.h"

#include "drivers/code/content.h"
#include "drivers/code/coupon.h"
#include "drivers/code/ean.h"
#include "drivers/code/goods.h"
#include "drivers/code/loyalty.h"
#include "drivers/code/measure.h"
#include "drivers/code/retail.h"
#include "drivers/code/watch.h"

#include <string.h>

enum { GROUP_SEPARATOR = 0x1d };

enum form {
    FORM_TEXT,     /* a retail code or any text */
    FORM_ELEMENTS, /* GS1 element string */
    FORM_LINK      /* a URI: perhaps a GS1 Digital Link */
};

/* A text as it was read, before it means anything. */
struct reading {
    const struct scan *scan;
    enum symbology told;
    bool untold;
    struct ts_slice text;     /* without character set switches ahead */
    struct ts_slice elements; /* the element string, with both parts of a
                                 composite */
    struct retail retail;
    enum form form;
    enum gs1_result result;
};

static void code_reject(struct code *out, enum scan_error error) {
    out->kind = CODE_REJECTED;
    out->error = error;
}

static enum form form_of(const struct reading *reading) {
    if (reading->scan->continuation || reading->retail.gtin[0] ||
        reading->retail.error)
        return FORM_TEXT;
    if (symbology_is_gs1(reading->told))
        return FORM_ELEMENTS;
    return content_is_link(reading->text) ? FORM_LINK : FORM_TEXT;
}

/* A reader without identifiers may have dropped the separator too: a recipient
 * (8018) is told from its instance (8019) by its length and check digit. */
static enum gs1_result parse_gsrn_and_srin(struct gs1 *gs1,
                                           struct ts_slice text) {
    enum { GSRN_LEN = 22, SRIN_LEN_MAX = 10 };
    struct ts_slice rest;

    if (text.len <= GSRN_LEN + 4 || text.len > GSRN_LEN + 4 + SRIN_LEN_MAX ||
        memcmp(text.data, "8018", 4) != 0 ||
        memcmp(text.data + GSRN_LEN, "8019", 4) != 0)
        return GS1_INVALID;
    rest = ts_slice_of(text.data + GSRN_LEN + 4, text.len - GSRN_LEN - 4);
    if (!ean_all_digits(rest) ||
        gs1_parse(gs1, ts_slice_of(text.data, GSRN_LEN)) != GS1_OK)
        return GS1_INVALID;
    gs1->elements[gs1->count++] = (struct gs1_element){"8019", 0, rest};
    return GS1_OK;
}

/* Both parts are one string; it stands where decoded values do. */
static struct ts_slice join_composite(struct gs1 *gs1, struct ts_slice text) {
    struct ts_slice linear = text;
    struct ts_slice rest = content_cut_composite(&linear);

    if (!rest.data || text.len > sizeof gs1->values)
        return text;
    memcpy(gs1->values, linear.data, linear.len);
    gs1->values[linear.len] = GROUP_SEPARATOR;
    memcpy(gs1->values + linear.len + 1, rest.data, rest.len);
    return ts_slice_of(gs1->values, linear.len + 1 + rest.len);
}

static enum gs1_result parse_elements(struct gs1 *gs1, const struct scan *scan,
                                      struct ts_slice text) {
    enum gs1_result result = gs1_parse(gs1, text);

    if (result == GS1_INVALID && !scan->aim[0] &&
        parse_gsrn_and_srin(gs1, text) == GS1_OK)
        return GS1_OK;
    return result;
}

static void reading_parse(struct reading *reading, struct gs1 *gs1) {
    struct ts_slice composite = reading->retail.composite;

    if (reading->form == FORM_ELEMENTS) {
        reading->elements = join_composite(gs1, reading->text);
        reading->result = parse_elements(gs1, reading->scan, reading->elements);
    } else if (reading->form == FORM_LINK) {
        reading->result = gs1_parse_link(gs1, reading->text);
    } else if (composite.data) {
        reading->result = gs1_parse(gs1, composite);
    }
}

static void reading_take(struct reading *reading, struct gs1 *gs1,
                         const struct scan *scan) {
    *reading = (struct reading){
        .scan = scan,
        .told = content_symbology(scan),
        .untold = content_untold(scan),
        .text = content_text(scan),
        .result = GS1_ABSENT,
    };
    reading->retail =
        retail_read(reading->told, scan->aim, reading->untold, reading->text);
    reading->form = form_of(reading);
    reading_parse(reading, gs1);
}

static bool reading_refused(const struct reading *reading,
                            const struct gs1 *gs1,
                            const struct code_rules *rules) {
    const struct ts_guard_rules *guard = rules ? &rules->guard : NULL;
    const struct retail *retail = &reading->retail;

    if (reading->form == FORM_ELEMENTS)
        return watch_elements(gs1, reading->result, reading->elements, guard);
    if (reading->form == FORM_LINK)
        return watch_link(gs1, reading->result, reading->text, guard);
    if (retail->composite.data &&
        watch_elements(gs1, reading->result, retail->composite, guard))
        return true;
    return !retail->sure && watch_text(reading->scan->text, guard);
}

/* Where the digits were decoded into a place of their own, they move along. */
static void number_keep(struct code *out, struct ts_slice text) {
    const uint8_t *number = out->number.data;

    if (out->kind != CODE_CARD || out->number.len > sizeof out->digits ||
        (number >= text.data && number < text.data + text.len))
        return;
    memcpy(out->digits, number, out->number.len);
    out->number.data = (const uint8_t *)out->digits;
}

/* The account that the shop gave to the person who shows it, (8018). */
static bool mean_gsrn(struct code *out, const struct reading *reading,
                      const struct gs1 *gs1, const struct code_rules *rules) {
    struct ts_slice gsrn = gs1_value(gs1, "8018");
    const struct code_rule *rule = NULL;

    if (reading->form == FORM_ELEMENTS || loyalty_host(rules, gs1->host))
        rule = loyalty_find(rules, CODE_CARRIER_GSRN, gsrn);
    if (!rule)
        return false;
    loyalty_apply(out, rule, gsrn);
    number_keep(out, reading->text);
    return true;
}

/* Element strings and Digital Links. */
static void mean_gs1(struct code *out, const struct reading *reading,
                     const struct gs1 *gs1, const struct code_rules *rules) {
    const struct code_rule *rule =
        loyalty_find(rules, CODE_CARRIER_TEXT, reading->text);

    /* A link that the shop itself names needs not be GS1's. */
    if (reading->result == GS1_INVALID &&
        (reading->form == FORM_ELEMENTS || !rule))
        code_reject(out, reading->form == FORM_LINK ? SCAN_DL_INVALID
                                                    : SCAN_GS1_INVALID);
    else if (reading->result == GS1_OK && mean_gsrn(out, reading, gs1, rules))
        return;
    else if (rule)
        loyalty_apply(out, rule, reading->text);
    else if (reading->result == GS1_OK && !coupon_of_gs1(out, gs1))
        (void)goods_read(out, gs1, rules);
}

/* What the digits of a retail code mean without a rule. */
static void mean_retail(struct code *out, const struct retail *retail,
                        const struct code_rules *rules) {
    const struct code_measure *measure = NULL;
    char ean_13[14];

    if (!retail->gtin[0])
        return;
    if (retail_ean_13(ean_13, retail)) {
        if (coupon_of_ean_13(out, ean_13))
            return;
        measure = measure_find(rules, ean_13);
    }
    out->kind = CODE_ITEM;
    memcpy(out->gtin, retail->gtin, sizeof out->gtin);
    if (!measure)
        return;
    enum scan_error error = measure_read(out, measure, ean_13);
    if (error) {
        out->gtin[0] = 0;
        code_reject(out, error);
    }
}

/* 13 digits without an identifier are an EAN-13, whatever the rules say: a
 * dropped digit must not make another customer's card. */
static bool rule_excuses(const struct code_rule *rule, struct ts_slice text) {
    return rule && rule->length && !rule->mod10 && text.len != 13;
}

static void mean_text(struct code *out, const struct reading *reading,
                      const struct gs1 *gs1, const struct code_rules *rules) {
    const struct retail *retail = &reading->retail;
    const struct code_rule *rule =
        loyalty_find(rules, CODE_CARRIER_TEXT, retail->digits);

    if (retail->error && reading->untold &&
        rule_excuses(rule, retail->digits)) {
        out->symbology = SYMBOLOGY_UNKNOWN;
    } else if (retail->error) {
        code_reject(out, retail->error);
        return;
    }
    if (reading->result == GS1_INVALID) {
        code_reject(out, SCAN_GS1_INVALID);
        return;
    }
    if (reading->untold && content_is_noise(reading->text)) {
        code_reject(out, SCAN_BAD_CHAR);
        return;
    }
    if (rule)
        loyalty_apply(out, rule, retail->digits);
    else
        mean_retail(out, retail, rules);
    if (out->kind == CODE_ITEM && reading->result == GS1_OK)
        goods_details(out, gs1, rules);
}

static void mean_add_on(struct code *out, const struct reading *reading) {
    struct ts_slice add_on = reading->retail.add_on;

    if (add_on.len == 0)
        add_on = reading->scan->add_on;
    if (out->kind == CODE_ITEM && add_on.len > 0 &&
        add_on.len < sizeof out->add_on)
        memcpy(out->add_on, add_on.data, add_on.len);
}

static void mean_reading(struct code *out, const struct reading *reading,
                         const struct gs1 *gs1,
                         const struct code_rules *rules) {
    out->symbology = reading->retail.symbology;
    if (reading->scan->continuation)
        return;
    out->candidate_count = reading->retail.candidate_count;
    memcpy(out->candidates, reading->retail.candidates, sizeof out->candidates);
    if (reading->form == FORM_TEXT) {
        mean_text(out, reading, gs1, rules);
        mean_add_on(out, reading);
    } else {
        mean_gs1(out, reading, gs1, rules);
    }
}

static void classify_text(struct code *out, const struct scan *scan,
                          const struct code_rules *rules) {
    struct reading reading;
    struct gs1 gs1;

    gs1.count = 0;
    reading_take(&reading, &gs1, scan);
    if (reading_refused(&reading, &gs1, rules))
        out->kind = CODE_PAYMENT_CARD;
    else
        mean_reading(out, &reading, &gs1, rules);
    explicit_bzero(&gs1, sizeof gs1);
}

static void classify_stripe(struct code *out, const struct scan *scan,
                            const struct code_rules *rules) {
    if (watch_stripe(scan, rules ? &rules->guard : NULL))
        out->kind = CODE_PAYMENT_CARD;
    else
        (void)loyalty_stripe(out, scan, rules);
}

static void classify_tag(struct code *out, const struct scan *scan,
                         const struct code_rules *rules) {
    const struct code_rule *rule =
        loyalty_find(rules, CODE_CARRIER_UID, scan->text);

    if (watch_text(scan->text, rules ? &rules->guard : NULL))
        out->kind = CODE_PAYMENT_CARD;
    else if (rule)
        loyalty_apply(out, rule, scan->text);
}

void code_classify(struct code *out, const struct scan *scan,
                   const struct code_rules *rules) {
    *out = (struct code){.kind = CODE_UNKNOWN};
    if (scan->medium == SCAN_STRIPE)
        classify_stripe(out, scan, rules);
    else if (scan->medium == SCAN_TAG)
        classify_tag(out, scan, rules);
    else
        classify_text(out, scan, rules);
}

enum gs1_result code_gs1(struct gs1 *out, const struct scan *scan,
                         const struct code_rules *rules) {
    struct reading reading;

    out->count = 0;
    out->fault[0] = 0;
    if (scan->medium == SCAN_STRIPE || scan->medium == SCAN_TAG)
        return GS1_ABSENT;
    reading_take(&reading, out, scan);
    if (!reading_refused(&reading, out, rules))
        return reading.result;
    explicit_bzero(out, sizeof *out);
    return GS1_ABSENT;
}
