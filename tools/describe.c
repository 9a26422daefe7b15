#include "tools/describe.h"

#include "drivers/code/content.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void describe_set(json_t *object, const char *member, json_t *value) {
    /* jansson fails on a lack of memory or on text that is not UTF-8, and the
     * text was made UTF-8. */
    if (json_object_set_new(object, member, value) != 0)
        abort();
}

void describe_set_text(json_t *object, const char *member, const char *text) {
    describe_set(object, member, json_string(text));
}

json_t *describe_kind(const char *kind) {
    json_t *event = json_object();
    describe_set_text(event, "kind", kind);
    return event;
}

json_t *describe_hex(struct ts_slice data) {
    char *hex = ts_alloc(2 * data.len + 1);

    ts_hex(hex, data);
    json_t *value = json_stringn(hex, 2 * data.len);
    free(hex);
    return value;
}

/* What is no UTF-8 is shown as Latin-1, the default of 2D codes. */
static json_t *json_of_text(struct ts_slice text) {
    if (ts_utf8_valid(text))
        return json_stringn((const char *)text.data, text.len);
    char *wide = ts_alloc(2 * text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i];
        if (byte >= 0x80)
            wide[len++] = (char)(0xc0 | byte >> 6);
        wide[len++] = (char)(byte >= 0x80 ? 0x80 | (byte & 0x3f) : byte);
    }
    json_t *value = json_stringn(wide, len);
    free(wide);
    return value;
}

static void set_slice(json_t *object, const char *member,
                      struct ts_slice text) {
    describe_set(object, member, json_of_text(text));
}

static void describe_barcode(json_t *event, const struct scan *scan,
                             const struct code *code) {
    describe_set_text(event, "symbology", symbology_name(code->symbology));
    if (scan->aim[0])
        describe_set_text(event, "aim", scan->aim);
    if (scan->code_id)
        set_slice(event, "code_id", ts_slice_of(&scan->code_id, 1));
    set_slice(event, "text", scan->text);
    if (scan->continuation)
        describe_set(event, "continuation", json_true());
    if (!code->candidate_count)
        return;
    json_t *candidates = json_array();
    for (size_t i = 0; i < code->candidate_count; i++)
        (void)json_array_append_new(
            candidates, json_string(symbology_name(code->candidates[i])));
    describe_set(event, "candidates", candidates);
}

/* Up to `mark`; `rest` gets what is behind it. */
static struct ts_slice part_before(struct ts_slice text, char mark,
                                   struct ts_slice *rest) {
    const uint8_t *at = text.len ? memchr(text.data, mark, text.len) : NULL;
    size_t len = at ? (size_t)(at - text.data) : text.len;
    size_t used = at ? len + 1 : len;

    *rest = ts_slice_of(text.data + used, text.len - used);
    return ts_slice_of(text.data, len);
}

static void describe_track_1(json_t *event, struct ts_slice data) {
    json_t *track = json_object();

    set_slice(track, "format", ts_slice_of(data.data, 1));
    set_slice(track, "data", ts_slice_of(data.data + 1, data.len - 1));
    describe_set(event, "track1", track);
}

static void describe_track_2(json_t *event, struct ts_slice data) {
    enum { EXPIRY_DIGITS = 4 };
    json_t *track = json_object();
    struct ts_slice rest;

    set_slice(track, "id", part_before(data, '=', &rest));
    if (rest.len >= EXPIRY_DIGITS)
        set_slice(track, "exp", ts_slice_of(rest.data, EXPIRY_DIGITS));
    describe_set(event, "track2", track);
}

static void describe_stripe(json_t *event, const struct scan *scan) {
    json_t *track;

    if (scan->tracks[0].len)
        describe_track_1(event, scan->tracks[0]);
    if (scan->tracks[1].len)
        describe_track_2(event, scan->tracks[1]);
    if (!scan->tracks[2].len)
        return;
    track = json_object();
    set_slice(track, "data", scan->tracks[2]);
    describe_set(event, "track3", track);
}

/* The two ways in which the number of a 125 kHz tag is printed on it. */
static void describe_printed_number(json_t *event, struct ts_slice uid) {
    uint8_t id[5];
    size_t len = 0;
    char text[24];

    if (ts_unhex(id, sizeof id, &len, uid) != TS_OK || len != sizeof id)
        return;
    unsigned low = (unsigned)id[3] << 8 | id[4];
    unsigned long number =
        (unsigned long)id[1] << 24 | (unsigned long)id[2] << 16 | low;
    (void)snprintf(text, sizeof text, "%010lu", number);
    describe_set_text(event, "decimal", text);
    (void)snprintf(text, sizeof text, "%u,%u", id[2], low);
    describe_set_text(event, "wiegand26", text);
}

static void describe_tag(json_t *event, const struct scan *scan) {
    if (scan->tech)
        describe_set_text(event, "tech", scan->tech);
    if (scan->bits)
        describe_set(event, "bits", json_integer((json_int_t)scan->bits));
    set_slice(event, "uid", scan->text);
    if (scan->tech && strncmp(scan->tech, "EM41", 4) == 0)
        describe_printed_number(event, scan->text);
}

static void describe_ndef(json_t *event, const struct scan *scan) {
    json_t *records = json_array();
    json_t *record = json_object();

    if (scan->tech)
        describe_set_text(event, "tech", scan->tech);
    describe_set_text(record, "type", scan->language[0] ? "T" : "U");
    if (scan->language[0])
        describe_set_text(record, "lang", scan->language);
    set_slice(record, "text", scan->text);
    (void)json_array_append_new(records, record);
    describe_set(event, "records", records);
}

static void describe_card(json_t *event, const struct code *code) {
    json_t *card = json_object();

    describe_set_text(card, "programme", code->programme);
    set_slice(card, "number", code->number);
    describe_set(event, "card", card);
}

static void describe_goods(json_t *event, const struct code *code) {
    if (code->has_weight)
        describe_set(event, "weight_g", json_integer(code->weight_g));
    if (code->has_price)
        describe_set(event, "price_minor", json_integer(code->price_minor));
    if (code->currency[0])
        describe_set_text(event, "currency", code->currency);
    if (code->has_quantity)
        describe_set(event, "quantity", json_integer(code->quantity));
    if (code->lot[0])
        describe_set_text(event, "lot", code->lot);
    if (code->expiry[0])
        describe_set_text(event, "expiry", code->expiry);
    if (code->coupon[0])
        describe_set_text(event, "coupon", code->coupon);
    if (code->add_on[0])
        describe_set_text(event, "add_on", code->add_on);
}

static void describe_code(json_t *event, const struct code *code) {
    if (code->kind == CODE_REJECTED)
        describe_set_text(event, "error", scan_error_name(code->error));
    if (code->gtin[0])
        describe_set_text(event, "gtin", code->gtin);
    if (code->kind == CODE_CARD)
        describe_card(event, code);
    if (code->item.len)
        set_slice(event, "item", code->item);
    describe_goods(event, code);
}

/* As people write it: (01)08001120765741(10)ABC. */
static json_t *json_of_hri(const struct gs1 *gs1) {
    struct ts_buf text = {0};

    for (size_t i = 0; i < gs1->count; i++) {
        const struct gs1_element *element = &gs1->elements[i];
        if (ts_buf_printf(&text, "(%s)%.*s", element->ai,
                          (int)element->value.len,
                          (const char *)element->value.data) != TS_OK)
            abort();
    }
    json_t *value = json_of_text(ts_buf_slice(&text));
    ts_buf_fini(&text);
    return value;
}

static void describe_elements(json_t *event, const struct gs1 *gs1) {
    json_t *list = json_array();

    for (size_t i = 0; i < gs1->count; i++) {
        json_t *pair = json_array();
        (void)json_array_append_new(pair, json_string(gs1->elements[i].ai));
        (void)json_array_append_new(pair, json_of_text(gs1->elements[i].value));
        (void)json_array_append_new(list, pair);
    }
    describe_set(event, "gs1", list);
    describe_set(event, "gs1_hri", json_of_hri(gs1));
}

static void describe_link(json_t *event, const struct gs1 *gs1,
                          enum gs1_result result) {
    if (result == GS1_OK && gs1->compressed)
        describe_set_text(event, "dl", "compressed");
    else
        describe_set(event, "dl", json_boolean(result == GS1_OK));
}

static void describe_gs1(json_t *event, const struct scan *scan,
                         const struct code_rules *rules) {
    struct gs1 *gs1 = ts_alloc(sizeof *gs1);
    enum gs1_result result = code_gs1(gs1, scan, rules);

    if (result == GS1_OK)
        describe_elements(event, gs1);
    if (content_is_link(content_text(scan)) && !scan->continuation)
        describe_link(event, gs1, result);
    if (result == GS1_INVALID && gs1->fault[0])
        describe_set_text(event, "hint", gs1->fault);
    free(gs1);
}

/* Only the PN532 speaks NFC alone; the others read tags of any radio. */
static const char *kind_of(const char *driver, enum scan_medium medium) {
    switch (medium) {
    case SCAN_STRIPE:
        return "msr";
    case SCAN_TAG:
        return strcmp(driver, "pn532") == 0 ? "nfc" : "rfid";
    case SCAN_NDEF:
        return "ndef";
    default:
        return "barcode";
    }
}

json_t *describe_scan(const char *driver, const struct scan *scan,
                      const struct code *code, const struct code_rules *rules) {
    json_t *event = describe_kind(kind_of(driver, scan->medium));
    bool payment_card = code->kind == CODE_PAYMENT_CARD;

    describe_set(event, "payment_card", json_boolean(payment_card));
    if (payment_card)
        return event;
    if (scan->medium == SCAN_STRIPE)
        describe_stripe(event, scan);
    else if (scan->medium == SCAN_TAG)
        describe_tag(event, scan);
    else if (scan->medium == SCAN_NDEF)
        describe_ndef(event, scan);
    else
        describe_barcode(event, scan, code);
    if (scan->retransmission)
        describe_set(event, "retransmission", json_true());
    if (scan->medium == SCAN_BARCODE || scan->medium == SCAN_NDEF)
        describe_gs1(event, scan, rules);
    describe_code(event, code);
    return event;
}
