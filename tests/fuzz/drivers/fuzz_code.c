/* Any reading of any medium: a payment card leaves nothing behind, what is
 * named lies within what was read, and nothing that is told holds a card. */
#include "drivers/code/code.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct code_rule list[] = {
    {.prefix = "25", .programme = "main", .length = 13, .mod10 = true},
    {.prefix = "L", .programme = "club", .skip = 2, .take = 4},
    {.prefix = "4", .programme = "trap", .length = 16},
    {.prefix = "E", .item = true, .skip = 1},
    {.prefix = "", .programme = "eight", .length = 8},
    {.prefix = "9",
     .programme = "gsrn",
     .length = 18,
     .skip = 4,
     .carrier = CODE_CARRIER_GSRN},
    {.prefix = "977200",
     .programme = "stripe",
     .length = 16,
     .carrier = CODE_CARRIER_STRIPE},
    {.prefix = "0", .programme = "tag", .carrier = CODE_CARRIER_UID},
};
static const struct code_measure measures[] = {
    {"21IIIIVPPPPPC"}, {"28IIIIIWWWWWC"}, {"2IIIIIIPPPPPC"}};
static const char *const hosts[] = {"a.example"};
static const struct code_rules rules = {
    .rules = list,
    .count = sizeof list / sizeof list[0],
    .measures = measures,
    .measure_count = 3,
    .link_hosts = hosts,
    .link_host_count = 1,
};

static bool within(struct ts_slice part, struct ts_slice text) {
    return part.data >= text.data &&
           part.data + part.len <= text.data + text.len;
}

static void check_named(const struct code *code, struct ts_slice part,
                        const struct scan *scan) {
    struct ts_slice digits = ts_slice_of(code->digits, sizeof code->digits);
    bool known =
        part.len == 0 || within(part, scan->text) || within(part, digits);

    for (size_t i = 0; i < 3; i++)
        known = known || within(part, scan->tracks[i]);
    if (!known)
        abort();
}

static bool is_bare(const struct code *code) {
    return !code->gtin[0] && !code->number.len && !code->item.len &&
           !code->programme && !code->coupon[0] && !code->lot[0] &&
           !code->expiry[0] && !code->has_weight && !code->has_price &&
           !code->has_quantity;
}

static bool holds_card(struct ts_slice text, enum ts_carrier carrier) {
    return ts_guard_refuses(text, carrier, NULL);
}

/* Texts that are no retail or GS1 code by their form hold no card. */
static void check_clean(const struct code *code, const struct scan *scan) {
    if (scan->medium == SCAN_STRIPE) {
        for (size_t i = 0; i < 3; i++)
            if (holds_card(scan->tracks[i], TS_CARRIER_STRIPE))
                abort();
        return;
    }
    if (holds_card(ts_slice_text(code->lot), TS_CARRIER_TEXT))
        abort();
    if (code->kind == CODE_UNKNOWN && code->symbology == SYMBOLOGY_UNKNOWN &&
        !memmem(scan->text.data, scan->text.len, "://", 3) &&
        holds_card(scan->text, TS_CARRIER_TEXT))
        abort();
}

static void check(const struct code *code, const struct scan *scan) {
    check_named(code, code->number, scan);
    check_named(code, code->item, scan);
    if (code->kind == CODE_PAYMENT_CARD) {
        if (!is_bare(code) || code->digits[0] || code->symbology)
            abort();
        return;
    }
    if (code->kind == CODE_REJECTED && (!is_bare(code) || !code->error))
        abort();
    if (code->kind == CODE_CARD && (!code->programme || !code->number.len))
        abort();
    if (code->kind == CODE_ITEM && !code->gtin[0] == !code->item.len)
        abort();
    if (!code->coupon[0] != (code->kind != CODE_COUPON))
        abort();
    if (code->gtin[0] && !code_mod10_valid(ts_slice_text(code->gtin)))
        abort();
    check_clean(code, scan);
}

static void check_gs1(const struct scan *scan, const struct code *code) {
    static struct gs1 gs1;
    enum gs1_result result = code_gs1(&gs1, scan, &rules);

    if (code->kind == CODE_PAYMENT_CARD && result != GS1_ABSENT)
        abort();
    if (code->error == SCAN_GS1_INVALID && result != GS1_INVALID)
        abort();
    if (result != GS1_OK)
        return;
    for (size_t i = 0; i < gs1.count; i++) {
        struct ts_slice ai = ts_slice_text(gs1.elements[i].ai);
        struct ts_slice value = gs1.elements[i].value;
        if (ai.data[0] == '9' && holds_card(value, TS_CARRIER_TEXT))
            abort();
    }
}

/* Up to two line feeds part the tracks. */
static void tracks_cut(struct scan *scan) {
    struct ts_slice rest = scan->text;

    for (size_t i = 0; i < 3; i++) {
        const uint8_t *end =
            rest.len ? memchr(rest.data, '\n', rest.len) : NULL;
        size_t len = end ? (size_t)(end - rest.data) : rest.len;
        scan->tracks[i] = ts_slice_of(rest.data, len);
        len += end ? 1 : 0;
        rest = ts_slice_of(rest.data + len, rest.len - len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct scan scan = {.code_id = 0};
    struct code code;

    if (size < 4 || size > SCAN_MAX_TEXT)
        return 0;
    if (data[0] & 1)
        memcpy(scan.aim, (char[]){']', (char)data[1], (char)data[2]}, 3);
    else if (data[0] & 2)
        scan.code_id = (char)data[1];
    else if (data[0] & 8)
        scan.symbology = (enum symbology)(data[1] % SYMBOLOGIES);
    scan.continuation = data[0] & 4;
    scan.medium = (enum scan_medium)(data[0] >> 4 & 3);
    scan.text = ts_slice_of(data + 3, size - 3);
    if (scan.medium == SCAN_STRIPE)
        tracks_cut(&scan);
    code_classify(&code, &scan, &rules);
    check(&code, &scan);
    check_gs1(&scan, &code);
    code_classify(&code, &scan, NULL);
    check(&code, &scan);
    return 0;
}
