#include "agent/lane_private.h"

static json_t *line_json(const struct lane *lane,
                         const struct journal_stats *stats) {
    return json_pack("{s:b,s:I,s:s}", "up", lane->line_up ? 1 : 0, "unsent",
                     (json_int_t)stats->unsent, "text", lane->line_text);
}

json_t *lane_readers(const struct lane *lane) {
    static const char *const states[] = {"detached", "attached", "faulted"};
    json_t *readers = json_array();

    for (size_t i = 0; i < lane->reader_count; i++)
        (void)json_array_append_new(
            readers, json_pack("{s:s,s:s,s:s}", "name", lane->readers[i].name,
                               "state", states[lane->readers[i].state], "text",
                               lane->readers[i].text));
    return readers;
}

const char *lane_card(const struct lane *lane) { return lane->shown.card; }

static json_t *card_json(const struct lane *lane) {
    json_t *member;

    if (!lane->shown.card[0])
        return json_null();
    member = lane_member(lane, lane->shown.card);
    return json_pack("{s:s,s:o,s:o}", "masked", lane->shown.masked, "member",
                     member ? member : json_null(), "offers",
                     lane_offers(lane, lane->shown.card));
}

static json_t *visit_json(const struct lane *lane) {
    char opened[TS_TIME_TEXT];

    if (!lane->shown.open)
        return json_null();
    ts_wall_text(opened, lane->shown.opened);
    return json_pack("{s:s,s:s,s:o,s:o,s:o,s:I}", "id", lane->shown.id,
                     "opened", opened, "card", card_json(lane), "items",
                     visit_items_json(&lane->shown), "coupons",
                     visit_coupons_json(&lane->shown), "count",
                     (json_int_t)visit_pieces(&lane->shown));
}

static json_t *notice_json(const struct lane *lane) {
    static const char *const kinds[] = {
        [TOLD_NONE] = "",
        [TOLD_RECORDED] = "recorded",
        [TOLD_MEMBER] = "member",
        [TOLD_OFFER] = "offer",
        [TOLD_COUPON] = "coupon",
        [TOLD_UNKNOWN] = "unknown",
        [TOLD_REJECTED] = "rejected",
        [TOLD_PAYMENT_CARD] = "payment_card",
        [TOLD_WITHHELD] = "withheld",
        [TOLD_FULL] = "full",
        [TOLD_FAILED] = "failed",
        [TOLD_CHECKIN] = "checkin",
        [TOLD_CLOSED] = "closed",
    };
    char at[TS_TIME_TEXT];

    if (lane->notice == TOLD_NONE)
        return json_null();
    ts_wall_text(at, lane->notice_at);
    return json_pack("{s:s,s:I,s:s,s:s}", "kind", kinds[lane->notice], "serial",
                     (json_int_t)lane->notice_serial, "at", at, "text",
                     lane->notice_text);
}

json_t *lane_view(struct lane *lane) {
    struct journal_stats stats = {0};
    struct ts_err err = {0};
    const char *trouble = recorder_trouble(lane->options.recorder);

    if (journal_get_stats(lane->options.journal, &stats, &err) != TS_OK &&
        !trouble[0])
        trouble = err.text;
    return json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:o,s:{s:b,s:s},s:o,s:o,s:o}", "store",
        lane->options.store, "terminal", lane->options.terminal, "kind",
        visit_kind_name(lane->options.kind), "language", lane->options.language,
        "currency", lane->options.currency, "line", line_json(lane, &stats),
        "journal", "ok", trouble[0] ? 0 : 1, "text",
        trouble[0] ? trouble : journal_warning(lane->options.journal),
        "readers", lane_readers(lane), "visit", visit_json(lane), "notice",
        notice_json(lane));
}
