#include "agent/visit.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *visit_kind_name(enum visit_kind kind) {
    return kind == VISIT_KIOSK ? "kiosk" : "checkout";
}

/* Items are made room for by the 32. */
static size_t room_for(size_t count) { return (count + 31) / 32 * 32; }

void visit_fini(struct visit *visit) {
    for (size_t i = 0; i < visit->item_count; i++)
        json_decref(visit->items[i].details);
    free(visit->items);
    *visit = (struct visit){0};
}

void visit_copy(struct visit *out, const struct visit *from) {
    visit_fini(out);
    *out = *from;
    if (!from->items)
        return;
    out->items = ts_alloc(room_for(from->item_count) * sizeof *out->items);
    memcpy(out->items, from->items, from->item_count * sizeof *out->items);
    for (size_t i = 0; i < out->item_count; i++)
        json_incref(out->items[i].details);
}

static void copy(char *out, size_t size, struct ts_slice text) {
    size_t len = text.len < size ? text.len : size - 1;

    if (len)
        memcpy(out, text.data, len);
    out[len] = 0;
}

static void open_visit(struct visit *visit, const struct visit_event *event) {
    visit_fini(visit);
    visit->open = true;
    visit->opened = event->time;
    copy(visit->id, sizeof visit->id, event->visit);
    visit->kind = ts_slice_equal(ts_json_text(event->data, "kind"),
                                 ts_slice_text("kiosk"))
                      ? VISIT_KIOSK
                      : VISIT_CHECKOUT;
}

static void take_card(struct visit *visit, const struct visit_event *event) {
    copy(visit->card, sizeof visit->card, ts_json_text(event->data, "card"));
    copy(visit->masked, sizeof visit->masked,
         ts_json_text(event->data, "masked"));
}

/* What the page shows of an item beside its code; NULL: nothing. */
static json_t *details_of(const json_t *data) {
    static const char *const names[] = {"weight_g", "price_minor", "currency",
                                        "add_on",   "lot",         "expiry"};
    json_t *details = NULL;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *value = json_object_get(data, names[i]);

        if (!json_is_integer(value) && !json_is_string(value))
            continue;
        if (!details)
            details = json_object();
        (void)json_object_set(details, names[i], value);
    }
    return details;
}

static void add_item(struct visit *visit, const struct visit_event *event) {
    struct visit_item *item;
    uint64_t quantity;

    visit->scanned++;
    if (visit->item_count == VISIT_ITEMS_MAX)
        return;
    if (visit->item_count % 32 == 0)
        visit->items =
            ts_realloc(visit->items,
                       room_for(visit->item_count + 1) * sizeof *visit->items);
    item = &visit->items[visit->item_count++];
    *item = (struct visit_item){.sequence = event->sequence, .quantity = 1};
    copy(item->journal, sizeof item->journal, ts_slice_text(event->journal));
    copy(item->gtin, sizeof item->gtin, ts_json_text(event->data, "gtin"));
    copy(item->code, sizeof item->code, ts_json_text(event->data, "code"));
    copy(item->symbology, sizeof item->symbology,
         ts_json_text(event->data, "symbology"));
    if (ts_json_count(event->data, "quantity", &quantity))
        item->quantity = (int64_t)quantity;
    item->details = details_of(event->data);
}

static void add_coupon(struct visit *visit, const struct visit_event *event) {
    if (visit->coupon_count < VISIT_COUPONS_MAX)
        copy(visit->coupons[visit->coupon_count++], VISIT_FIELD_TEXT,
             ts_json_text(event->data, "coupon"));
}

static void void_item(struct visit *visit, const struct visit_event *event) {
    char journal[TS_JOURNAL_TEXT];
    uint64_t sequence;
    struct visit_item *item;

    copy(journal, sizeof journal, ts_json_text(event->data, "journal"));
    if (ts_counter_parse(&sequence, ts_json_text(event->data, "sequence")) !=
        TS_OK)
        return;
    item = visit_item_find(visit, journal, sequence);
    if (item)
        item->voided = true;
}

static void close_visit(struct visit *visit, const struct visit_event *event) {
    (void)event;
    visit_fini(visit);
}

static const struct {
    const char *type;
    void (*apply)(struct visit *visit, const struct visit_event *event);
} steps[] = {
    {"card.presented", take_card}, {"item.scanned", add_item},
    {"item.voided", void_item},    {"coupon.presented", add_coupon},
    {"visit.closed", close_visit},
};

void visit_apply(struct visit *visit, const struct visit_event *event) {
    if (ts_slice_equal(event->type, ts_slice_text("visit.opened"))) {
        open_visit(visit, event);
        return;
    }
    if (!visit->open || !ts_slice_equal(event->visit, ts_slice_text(visit->id)))
        return;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (ts_slice_equal(event->type, ts_slice_text(steps[i].type))) {
            steps[i].apply(visit, event);
            return;
        }
}

struct visit_item *visit_item_find(const struct visit *visit,
                                   const char *journal, uint64_t sequence) {
    for (size_t i = 0; i < visit->item_count; i++)
        if (visit->items[i].sequence == sequence &&
            !strcmp(visit->items[i].journal, journal))
            return &visit->items[i];
    return NULL;
}

int64_t visit_pieces(const struct visit *visit) {
    int64_t pieces = 0;

    for (size_t i = 0; i < visit->item_count; i++)
        if (!visit->items[i].voided)
            pieces += visit->items[i].quantity;
    return pieces + (int64_t)(visit->scanned - visit->item_count);
}

static json_t *item_json(const struct visit_item *item) {
    char sequence[TS_COUNTER_TEXT];
    json_t *out;

    ts_counter_text(sequence, item->sequence);
    out = json_pack("{s:s,s:s,s:s,s:s,s:I,s:b}", "journal", item->journal,
                    "sequence", sequence, item->gtin[0] ? "gtin" : "code",
                    item->gtin[0] ? item->gtin : item->code, "symbology",
                    item->symbology, "quantity", (json_int_t)item->quantity,
                    "voided", item->voided ? 1 : 0);
    if (item->details)
        (void)json_object_update(out, item->details);
    return out;
}

json_t *visit_items_json(const struct visit *visit) {
    json_t *items = json_array();

    for (size_t i = 0; i < visit->item_count; i++)
        (void)json_array_append_new(items, item_json(&visit->items[i]));
    return items;
}

json_t *visit_coupons_json(const struct visit *visit) {
    json_t *coupons = json_array();

    for (size_t i = 0; i < visit->coupon_count; i++)
        (void)json_array_append_new(coupons, json_string(visit->coupons[i]));
    return coupons;
}
