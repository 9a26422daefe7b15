#include "agent/screen_parts.h"

#include "base/guard.h"
#include "base/ids.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

enum {
    RECEIPT_MAX = 64,
    WORD_MAX = 64,
    TEXT_MAX = 2000,
    SCORE_MAX = 10,
    SEQUENCE_DIGITS = 20
};

/* 999,999,999.99 in a currency of two decimals. */
static const json_int_t total_max = 99999999999;

static int http_code(enum ts_status status) {
    switch (status) {
    case TS_OK:
        return 200;
    case TS_INVALID:
        return 422;
    case TS_DENIED:
        return 403;
    case TS_CLOSED:
        return 409;
    case TS_AGAIN:
    case TS_FULL:
        return 503;
    default:
        return 500;
    }
}

/* A command that waits for the disk; the client may leave before. */
struct held {
    const struct screen_actions *actions;
    struct ts_http_request *request; /* NULL: gone */
};

static void on_gone(void *arg) { ((struct held *)arg)->request = NULL; }

static void on_settled(void *arg, enum ts_status status) {
    struct held *held = arg;
    json_t *ok = json_pack("{s:b}", "ok", 1);

    if (held->request && status == TS_OK)
        ts_http_reply_json(held->request, 200, ok);
    else if (held->request)
        ts_http_reply_error(held->request, http_code(status),
                            held->actions->trouble(held->actions->ctx));
    json_decref(ok);
    free(held);
}

/* The person at the screen is told what is durable. */
static void finish(const struct screen_actions *actions,
                   struct ts_http_request *request, enum ts_status status,
                   const struct ts_err *err) {
    struct held *held;

    if (status != TS_OK) {
        ts_http_reply_error(request, http_code(status), err->text);
        return;
    }
    held = ts_alloc(sizeof *held);
    *held = (struct held){actions, request};
    ts_http_defer(request, on_gone, held);
    actions->settle(actions->ctx, on_settled, held);
}

static void refuse(struct ts_http_request *request, const char *message) {
    ts_http_reply_error(request, 422, message);
}

/* A new reference to the body's object, or NULL after the answer. */
static json_t *take_body(struct ts_http_request *request) {
    struct ts_slice text;
    enum ts_status status = ts_http_body(request, &text);
    if (status != TS_OK) {
        ts_http_reply_error(request, status == TS_FULL ? 413 : 400,
                            status == TS_FULL
                                ? "the body is larger than 16 KiB"
                                : "the body could not be unpacked");
        return NULL;
    }
    struct ts_err err = {0};
    json_t *body = NULL;
    if (ts_json_parse(&body, text, &err) != TS_OK) {
        ts_http_reply_error(request, 400, err.text);
        return NULL;
    }
    if (!json_is_object(body)) {
        json_decref(body);
        ts_http_reply_error(request, 400, "send one JSON object");
        return NULL;
    }
    return body;
}

/* Text without control characters but the line end. */
static bool is_printable(struct ts_slice text, size_t max) {
    if (!text.data || text.len > max || !ts_utf8_valid(text))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if ((text.data[i] < 0x20 && text.data[i] != '\n') ||
            text.data[i] == 0x7f)
            return false;
    return true;
}

/* What a machine names: questions and purposes. */
static bool is_word(struct ts_slice text) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    if (!text.data || text.len == 0 || text.len > WORD_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!text.data[i] || !strchr(allowed, text.data[i]))
            return false;
    return true;
}

static bool is_currency(struct ts_slice text) {
    if (text.len != 3)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < 'A' || text.data[i] > 'Z')
            return false;
    return true;
}

static bool holds_payment_card(struct ts_slice text) {
    return ts_guard_refuses(text, TS_CARRIER_TEXT, NULL);
}

static const char *member(const json_t *body, const char *name) {
    return json_string_value(json_object_get(body, name));
}

/* NULL when the body may pass, else what to do. */
static const char *close_fault(const json_t *body) {
    struct ts_slice receipt = ts_json_text(body, "receipt");
    if (receipt.len == 0 || !is_printable(receipt, RECEIPT_MAX))
        return "receipt: 1 to 64 printable characters";
    if (holds_payment_card(receipt))
        return "receipt: this is a payment card number, which is never kept; "
               "enter the number on the receipt";
    const json_t *total = json_object_get(body, "total_minor");
    if (!json_is_integer(total) || json_integer_value(total) < 0 ||
        json_integer_value(total) > total_max)
        return "total_minor: a whole number of cents, 0 to 99999999999";
    if (json_object_get(body, "currency") &&
        !is_currency(ts_json_text(body, "currency")))
        return "currency: three capital letters such as EUR";
    return NULL;
}

void screen_post_close(const struct screen_actions *actions,
                       struct ts_http_request *request) {
    json_t *body = take_body(request);
    if (!body)
        return;
    const char *fault = close_fault(body);
    if (fault) {
        refuse(request, fault);
    } else {
        struct ts_err err = {0};
        json_int_t total =
            json_integer_value(json_object_get(body, "total_minor"));
        finish(actions, request,
               actions->visit_close(actions->ctx, member(body, "receipt"),
                                    (int64_t)total, member(body, "currency"),
                                    &err),
               &err);
    }
    json_decref(body);
}

void screen_post_cancel(const struct screen_actions *actions,
                        struct ts_http_request *request) {
    json_t *body = take_body(request);
    if (!body)
        return;
    struct ts_err err = {0};
    finish(actions, request, actions->visit_cancel(actions->ctx, &err), &err);
    json_decref(body);
}

static bool parse_sequence(struct ts_slice text, uint64_t *out) {
    if (text.len != SEQUENCE_DIGITS)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return value > 0;
}

static bool is_journal(struct ts_slice text) {
    uint8_t bytes[8];
    size_t len = 0;
    return text.len == 16 && ts_unhex(bytes, sizeof bytes, &len, text) == TS_OK;
}

void screen_post_void(const struct screen_actions *actions,
                      struct ts_http_request *request) {
    json_t *body = take_body(request);
    if (!body)
        return;
    uint64_t sequence = 0;
    if (!is_journal(ts_json_text(body, "journal"))) {
        refuse(request, "journal: 16 hex digits");
    } else if (!parse_sequence(ts_json_text(body, "sequence"), &sequence)) {
        refuse(request, "sequence: 20 digits, as in the view");
    } else {
        struct ts_err err = {0};
        finish(actions, request,
               actions->item_void(actions->ctx, member(body, "journal"),
                                  sequence, &err),
               &err);
    }
    json_decref(body);
}

static const char *feedback_fault(const json_t *body) {
    if (!is_word(ts_json_text(body, "question")))
        return "question: 1 to 64 of a-z 0-9 . _ -";
    const json_t *score = json_object_get(body, "score");
    if (!json_is_integer(score) || json_integer_value(score) < 0 ||
        json_integer_value(score) > SCORE_MAX)
        return "score: a whole number, 0 to 10";
    const json_t *text = json_object_get(body, "text");
    if (text && !is_printable(ts_json_text(body, "text"), TEXT_MAX))
        return "text: at most 2000 bytes, no control characters";
    if (text && holds_payment_card(ts_json_text(body, "text")))
        return "text: it holds a payment card number, which is never kept; "
               "leave it out";
    return NULL;
}

void screen_post_feedback(const struct screen_actions *actions,
                          struct ts_http_request *request) {
    json_t *body = take_body(request);
    if (!body)
        return;
    const char *fault = feedback_fault(body);
    if (fault) {
        refuse(request, fault);
    } else {
        struct ts_err err = {0};
        const char *text = member(body, "text");
        int score = (int)json_integer_value(json_object_get(body, "score"));
        finish(actions, request,
               actions->feedback(actions->ctx, member(body, "question"), score,
                                 text ? text : "", &err),
               &err);
    }
    json_decref(body);
}

void screen_post_consent(const struct screen_actions *actions,
                         struct ts_http_request *request) {
    json_t *body = take_body(request);
    if (!body)
        return;
    const json_t *granted = json_object_get(body, "granted");
    if (!is_word(ts_json_text(body, "purpose"))) {
        refuse(request, "purpose: 1 to 64 of a-z 0-9 . _ -");
    } else if (!json_is_boolean(granted)) {
        refuse(request, "granted: true or false");
    } else {
        struct ts_err err = {0};
        finish(actions, request,
               actions->consent(actions->ctx, member(body, "purpose"),
                                json_is_true(granted), &err),
               &err);
    }
    json_decref(body);
}
