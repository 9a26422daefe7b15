/* What a scan means now. */
#include "agent/lane_private.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A scan on its way to the disk. */
struct on_the_way {
    struct lane *lane;
    lane_answer *answer;
    void *arg;
    enum scan_outcome outcome;
    enum lane_notice notice;
    char text[LANE_NOTICE_TEXT];
};

/* The event that a scan makes, and what the person is told. */
struct meaning {
    enum journal_class class;
    const char *type;
    json_t *data;
    bool of_visit; /* opens one */
    enum scan_outcome outcome;
    enum lane_notice notice;
    char text[LANE_NOTICE_TEXT];
};

static void on_scan_done(void *arg, enum ts_status status) {
    struct on_the_way *scan = arg;
    bool taken = status == TS_OK;

    if (taken)
        lane_set_notice(scan->lane, scan->notice, scan->text);
    else
        lane_set_notice(scan->lane, status == TS_FULL ? TOLD_FULL : TOLD_FAILED,
                        recorder_trouble(scan->lane->options.recorder));
    scan->answer(scan->arg, taken, taken ? scan->outcome : OUTCOME_REFUSED);
    free(scan);
}

static void set_text(json_t *data, const char *name, const char *text) {
    (void)json_object_set_new(data, name, json_string(text));
}

static void set_number(json_t *data, const char *name, int64_t number) {
    (void)json_object_set_new(data, name, json_integer((json_int_t)number));
}

static const char *symbology_of(const struct lane_scan *scan) {
    return symbology_name(scan->code->symbology);
}

static json_t *scan_data(const struct lane_scan *scan) {
    return json_pack("{s:s,s:s}", "reader", scan->reader, "symbology",
                     symbology_of(scan));
}

/* The clear number ends here: token and last four go on. */
static enum ts_status mean_card(const struct lane *lane,
                                const struct lane_scan *scan,
                                struct meaning *out, struct ts_err *err) {
    const struct ts_keys *keys = lane->options.keys;
    struct ts_slice programme = ts_slice_text(scan->code->programme);
    char token[TS_TOKEN_TEXT];
    char masked[24];
    enum ts_status status =
        ts_token_card(token, keys, 0, programme, scan->code->number);

    if (status != TS_OK)
        return ts_fail(err, status,
                       "the card rule of programme %s takes no "
                       "letter or digit of this card: check its "
                       "skip and take",
                       scan->code->programme);
    ts_card_masked(masked, scan->code->number);
    *out = (struct meaning){.class = JOURNAL_CARD,
                            .type = "card.presented",
                            .data = json_pack("{s:s,s:s,s:s,s:s}", "reader",
                                              scan->reader, "card", token,
                                              "masked", masked, "symbology",
                                              symbology_of(scan)),
                            .of_visit = true};
    if (ts_keys_count(keys) > 1 &&
        ts_token_card(token, keys, 1, programme, scan->code->number) == TS_OK)
        set_text(out->data, "card_was", token);
    (void)snprintf(out->text, sizeof out->text, "%s", masked);
    return TS_OK;
}

static enum ts_status mean_unknown(const struct lane *lane,
                                   const struct lane_scan *scan,
                                   struct meaning *out, struct ts_err *err) {
    char print[TS_TOKEN_TEXT];

    (void)err;
    *out = (struct meaning){.class = JOURNAL_ITEM,
                            .type = "code.unknown",
                            .data = scan_data(scan),
                            .outcome = OUTCOME_UNKNOWN,
                            .notice = TOLD_UNKNOWN};
    ts_token_print(print, lane->options.keys, scan->text);
    set_number(out->data, "length", (int64_t)scan->text.len);
    set_text(out->data, "print", print);
    (void)snprintf(out->text, sizeof out->text, "%s", symbology_of(scan));
    return TS_OK;
}

static void add_item_details(const struct lane *lane, const struct code *code,
                             json_t *data) {
    if (code->has_weight)
        set_number(data, "weight_g", code->weight_g);
    if (code->has_price) {
        set_number(data, "price_minor", code->price_minor);
        set_text(data, "currency",
                 code->currency[0] ? code->currency : lane->options.currency);
    }
    if (code->add_on[0])
        set_text(data, "add_on", code->add_on);
    if (code->lot[0])
        set_text(data, "lot", code->lot);
    if (code->expiry[0])
        set_text(data, "expiry", code->expiry);
}

static enum ts_status mean_item(const struct lane *lane,
                                const struct lane_scan *scan,
                                struct meaning *out, struct ts_err *err) {
    const struct code *code = scan->code;

    if (!code->gtin[0] &&
        (code->item.len >= VISIT_CODE_TEXT || !ts_utf8_valid(code->item)))
        return mean_unknown(lane, scan, out, err);
    *out = (struct meaning){.class = JOURNAL_ITEM,
                            .type = "item.scanned",
                            .data = scan_data(scan),
                            .of_visit = true,
                            .outcome = OUTCOME_RECORDED,
                            .notice = TOLD_RECORDED};
    set_number(out->data, "quantity",
               code->has_quantity && code->quantity > 0 ? code->quantity : 1);
    if (code->gtin[0])
        set_text(out->data, "gtin", code->gtin);
    else
        (void)json_object_set_new(
            out->data, "code",
            json_stringn((const char *)code->item.data, code->item.len));
    add_item_details(lane, code, out->data);
    return TS_OK;
}

static enum ts_status mean_coupon(const struct lane *lane,
                                  const struct lane_scan *scan,
                                  struct meaning *out, struct ts_err *err) {
    const char *coupon = scan->code->coupon;

    if (!coupon[0] || !ts_utf8_valid(ts_slice_text(coupon)))
        return mean_unknown(lane, scan, out, err);
    *out = (struct meaning){.class = JOURNAL_VISIT,
                            .type = "coupon.presented",
                            .data = scan_data(scan),
                            .of_visit = true,
                            .outcome = OUTCOME_RECORDED,
                            .notice = TOLD_COUPON};
    set_text(out->data, "coupon", coupon);
    (void)snprintf(out->text, sizeof out->text, "%s", coupon);
    return TS_OK;
}

static enum ts_status mean_payment_card(const struct lane *lane,
                                        const struct lane_scan *scan,
                                        struct meaning *out,
                                        struct ts_err *err) {
    (void)lane;
    (void)err;
    *out = (struct meaning){.class = JOURNAL_TELEMETRY,
                            .type = "payment_card.refused",
                            .data = json_pack("{s:s}", "reader", scan->reader),
                            .outcome = OUTCOME_REFUSED,
                            .notice = TOLD_PAYMENT_CARD};
    return TS_OK;
}

static enum ts_status mean(const struct lane *lane,
                           const struct lane_scan *scan, struct meaning *out,
                           struct ts_err *err) {
    static enum ts_status (*const of[])(const struct lane *,
                                        const struct lane_scan *,
                                        struct meaning *, struct ts_err *) = {
        [CODE_ITEM] = mean_item,
        [CODE_CARD] = mean_card,
        [CODE_COUPON] = mean_coupon,
        [CODE_UNKNOWN] = mean_unknown,
        [CODE_PAYMENT_CARD] = mean_payment_card,
    };

    return of[scan->code->kind](lane, scan, out, err);
}

/* What the desk knows of a card decides what its holder hears. */
static void greet(const struct lane *lane, struct meaning *meaning) {
    const char *card =
        json_string_value(json_object_get(meaning->data, "card"));
    json_t *member;
    json_t *offers;

    if (!card)
        return;
    member = lane_member(lane, card);
    offers = lane_offers(lane, card);
    meaning->outcome = member ? OUTCOME_MEMBER : OUTCOME_RECORDED;
    meaning->notice = member ? TOLD_MEMBER : TOLD_RECORDED;
    if (json_array_size(offers)) {
        meaning->outcome = OUTCOME_OFFER;
        meaning->notice = TOLD_OFFER;
    }
    if (lane->options.kind == VISIT_KIOSK)
        meaning->notice = TOLD_CHECKIN;
    json_decref(member);
    json_decref(offers);
}

/* Each card at a kiosk is a visit of its own. */
static enum ts_status begin_checkin(struct lane *lane, struct ts_err *err) {
    if (!lane->visit.open || !lane->visit.card[0])
        return TS_OK;
    return lane_end_visit(lane, JOURNAL_CARD,
                          json_pack("{s:s}", "outcome", "done"), NULL, err);
}

static void end_checkin(struct lane *lane, const char *reader) {
    struct lane_record checkin = {JOURNAL_CARD, "checkin.made",
                                  json_pack("{s:s}", "reader", reader), NULL,
                                  NULL};

    /* The card is on its way and answers for the scan. */
    if (lane_record(lane, &checkin, NULL) != TS_OK)
        ts_log(TS_LOG_WARN, "lane", "a check-in was not recorded: %s",
               recorder_trouble(lane->options.recorder));
}

static enum ts_status record(struct lane *lane, const struct lane_scan *scan,
                             const struct meaning *meaning,
                             struct on_the_way *way, struct ts_err *err) {
    struct lane_record record = {meaning->class, meaning->type, meaning->data,
                                 on_scan_done, way};
    bool checkin =
        scan->code->kind == CODE_CARD && lane->options.kind == VISIT_KIOSK;
    enum ts_status status = checkin ? begin_checkin(lane, err) : TS_OK;

    if (status == TS_OK && meaning->of_visit)
        status = lane_need_visit(lane, meaning->class, err);
    if (status == TS_OK) {
        json_incref(meaning->data);
        status = lane_record(lane, &record, err);
    }
    if (status != TS_OK)
        return status;
    lane_remember(lane, scan->reader, meaning->type, meaning->data);
    if (checkin)
        end_checkin(lane, scan->reader);
    return TS_OK;
}

static struct on_the_way *send_off(struct lane *lane,
                                   const struct lane_scan *scan,
                                   const struct meaning *meaning) {
    struct on_the_way *way = ts_alloc(sizeof *way);

    *way = (struct on_the_way){.lane = lane,
                               .answer = scan->answer,
                               .arg = scan->arg,
                               .outcome = meaning->outcome,
                               .notice = meaning->notice};
    memcpy(way->text, meaning->text, sizeof way->text);
    return way;
}

void lane_take_scan(struct lane *lane, const struct lane_scan *scan) {
    struct meaning meaning = {.data = NULL};
    struct ts_err err = {0};
    enum ts_status status = mean(lane, scan, &meaning, &err);
    struct on_the_way *way;

    greet(lane, &meaning);
    way = send_off(lane, scan, &meaning);
    if (status == TS_OK)
        status = record(lane, scan, &meaning, way, &err);
    if (status != TS_OK)
        recorder_answer(lane->options.recorder, status, on_scan_done, way);
    json_decref(meaning.data);
    lane_arm_timeout(lane);
}

bool lane_take_again(struct lane *lane, const struct lane_scan *scan,
                     unsigned within_ms) {
    struct meaning meaning = {.data = NULL};
    bool again = mean(lane, scan, &meaning, NULL) == TS_OK &&
                 lane_remembers(lane, scan->reader, meaning.type, meaning.data,
                                within_ms);

    if (again) {
        greet(lane, &meaning);
        recorder_answer(lane->options.recorder, TS_OK, on_scan_done,
                        send_off(lane, scan, &meaning));
    }
    json_decref(meaning.data);
    return again;
}

static void on_later_done(void *arg, enum ts_status status) {
    struct on_the_way *scan = arg;

    scan->answer(scan->arg, status == TS_OK, scan->outcome);
    free(scan);
}

void lane_answer_later(struct lane *lane, bool taken, enum scan_outcome outcome,
                       lane_answer *answer, void *arg) {
    struct on_the_way *way = ts_alloc(sizeof *way);

    *way = (struct on_the_way){
        .lane = lane, .answer = answer, .arg = arg, .outcome = outcome};
    recorder_answer(lane->options.recorder, taken ? TS_OK : TS_INVALID,
                    on_later_done, way);
}
