/* What people do at the screen. */
#include "agent/lane_private.h"

#include "base/guard.h"

#include <string.h>

enum {
    RECEIPT_MAX = 64,
    WORD_MAX = 64,
    FEEDBACK_MAX = 2000,
    SCORE_MAX = 10,
    NUMBER_RUN = 8
};
static const int64_t total_max_minor = 1000000000000;

static bool printable(const char *text, size_t max) {
    size_t len = strlen(text);

    if (len < 1 || len > max)
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] < ' ' || text[i] > '~')
            return false;
    return true;
}

static bool currency_valid(const char *text) {
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3 && !text[3];
}

static bool holds_payment_card(const char *text) {
    return ts_guard_refuses(ts_slice_text(text), TS_CARRIER_TEXT, NULL);
}

/* [a-z0-9._-]{1,64}: names of questions and purposes. */
static bool word(const char *text) {
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789._-");

    return len >= 1 && len <= WORD_MAX && !text[len] &&
           !holds_payment_card(text);
}

static enum ts_status need_open(const struct lane *lane, struct ts_err *err) {
    if (lane->visit.open)
        return TS_OK;
    return ts_fail(err, TS_INVALID,
                   "no visit is open: scan a card or an item first");
}

static enum ts_status record(struct lane *lane, const char *type,
                             json_t *take_data, struct ts_err *err) {
    struct lane_record what = {JOURNAL_VISIT, type, take_data, NULL, NULL};
    enum ts_status status = lane_record(lane, &what, err);

    lane_arm_timeout(lane);
    return status;
}

static void on_closed(void *arg, enum ts_status status) {
    if (status == TS_OK)
        lane_set_notice(arg, TOLD_CLOSED, "");
}

static enum ts_status check_close(const struct lane *lane, const char *receipt,
                                  int64_t total_minor, const char *currency,
                                  struct ts_err *err) {
    if (!printable(receipt, RECEIPT_MAX))
        return ts_fail(err, TS_INVALID,
                       "the receipt number must be 1 to %d printable ASCII "
                       "characters",
                       RECEIPT_MAX);
    if (holds_payment_card(receipt))
        return ts_fail(err, TS_INVALID,
                       "the receipt number holds a payment card number: send "
                       "the number printed on the receipt");
    if (total_minor < 0 || total_minor > total_max_minor)
        return ts_fail(err, TS_INVALID,
                       "the total must be 0 to %lld in the smallest unit of "
                       "the currency",
                       (long long)total_max_minor);
    if (!currency_valid(currency))
        return ts_fail(err, TS_INVALID,
                       "the currency must be three capital letters, as EUR");
    return need_open(lane, err);
}

enum ts_status lane_close(struct lane *lane, const char *receipt,
                          int64_t total_minor, const char *currency,
                          struct ts_err *err) {
    enum ts_status status;

    if (!currency || !currency[0])
        currency = lane->options.currency;
    status = check_close(lane, receipt, total_minor, currency, err);
    if (status != TS_OK)
        return status;
    return lane_end_visit(
        lane, JOURNAL_VISIT,
        json_pack("{s:s,s:s,s:I,s:s}", "outcome", "paid", "receipt", receipt,
                  "total_minor", (json_int_t)total_minor, "currency", currency),
        on_closed, err);
}

enum ts_status lane_cancel(struct lane *lane, struct ts_err *err) {
    enum ts_status status = need_open(lane, err);

    if (status != TS_OK)
        return status;
    return lane_end_visit(lane, JOURNAL_VISIT,
                          json_pack("{s:s}", "outcome", "cancelled"), NULL,
                          err);
}

enum ts_status lane_void(struct lane *lane, const char *journal,
                         uint64_t sequence, struct ts_err *err) {
    const struct visit_item *item;
    char text[TS_COUNTER_TEXT];
    enum ts_status status = need_open(lane, err);

    if (status != TS_OK)
        return status;
    item = visit_item_find(&lane->visit, journal, sequence);
    if (!item)
        return ts_fail(err, TS_INVALID, "this item is not in the basket");
    if (item->voided)
        return ts_fail(err, TS_INVALID, "this item is voided already");
    ts_counter_text(text, sequence);
    return record(
        lane, "item.voided",
        json_pack("{s:s,s:s}", "journal", item->journal, "sequence", text),
        err);
}

/* People write card numbers into free text: long runs of digits go. */
static json_t *masked_text(const char *text) {
    struct ts_buf copy = {0};
    json_t *out = NULL;

    if (ts_buf_add_text(&copy, text) == TS_OK) {
        ts_guard_mask(copy.data, copy.len, NUMBER_RUN);
        out = json_stringn((const char *)copy.data, copy.len);
    }
    ts_buf_fini(&copy);
    return out;
}

enum ts_status lane_feedback(struct lane *lane, const char *question, int score,
                             const char *text, struct ts_err *err) {
    json_t *data;

    if (!word(question))
        return ts_fail(err, TS_INVALID,
                       "the question must be 1 to %d of a-z, 0-9, dot, dash "
                       "and underscore",
                       WORD_MAX);
    if (score < 0 || score > SCORE_MAX)
        return ts_fail(err, TS_INVALID, "the score must be 0 to %d", SCORE_MAX);
    if (!text)
        text = "";
    if (strlen(text) > FEEDBACK_MAX || !ts_utf8_valid(ts_slice_text(text)))
        return ts_fail(err, TS_INVALID,
                       "the text must be UTF-8 of at most %d bytes",
                       FEEDBACK_MAX);
    if (holds_payment_card(text))
        return ts_fail(err, TS_INVALID,
                       "the text holds a payment card number: leave it out");
    data = json_pack("{s:s,s:i}", "question", question, "score", score);
    if (text[0])
        (void)json_object_set_new(data, "text", masked_text(text));
    return record(lane, "feedback.given", data, err);
}

enum ts_status lane_consent(struct lane *lane, const char *purpose,
                            bool granted, struct ts_err *err) {
    if (!word(purpose))
        return ts_fail(err, TS_INVALID,
                       "the purpose must be 1 to %d of a-z, 0-9, dot, dash "
                       "and underscore",
                       WORD_MAX);
    if (!lane->visit.open || !lane->visit.card[0])
        return ts_fail(err, TS_INVALID,
                       "no card is presented: scan the card whose holder "
                       "consents first");
    return record(lane, "consent.changed",
                  json_pack("{s:s,s:b,s:s}", "purpose", purpose, "granted",
                            granted ? 1 : 0, "card", lane->visit.card),
                  err);
}
