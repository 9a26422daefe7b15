#include "tools/decoder.h"

#include "drivers/repeat.h"

#include <stdlib.h>
#include <string.h>

struct decoder {
    struct decoder_options options;
    struct decoder_events events;
    struct driver_sink sink;
    struct repeat repeat;
    struct ts_mono now;
    size_t count;
    size_t rejects;
    void *state;
};

static void set(json_t *object, const char *member, json_t *value) {
    /* jansson fails on a lack of memory or on text that is not UTF-8, and the
     * text was made UTF-8. */
    if (json_object_set_new(object, member, value) != 0)
        abort();
}

static void set_text(json_t *object, const char *member, const char *text) {
    set(object, member, json_string(text));
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

static void emit(struct decoder *decoder, json_t *event) {
    decoder->count++;
    decoder->events.event(decoder->events.ctx, event);
    json_decref(event);
}

static json_t *event_new(const char *kind) {
    json_t *event = json_object();
    set_text(event, "kind", kind);
    return event;
}

static void describe_card(json_t *event, const struct code *code) {
    json_t *card = json_object();
    set_text(card, "programme", code->programme);
    set(card, "number", json_of_text(code->number));
    set(event, "card", card);
}

static json_t *describe(const struct scan *scan, const struct code *code) {
    json_t *event = event_new("barcode");

    set(event, "payment_card", json_boolean(code->kind == CODE_PAYMENT_CARD));
    if (code->kind == CODE_PAYMENT_CARD)
        return event;
    set_text(event, "symbology", symbology_name(code->symbology));
    if (scan->aim[0])
        set_text(event, "aim", scan->aim);
    if (scan->code_id)
        set(event, "code_id", json_stringn(&scan->code_id, 1));
    set(event, "text", json_of_text(scan->text));
    if (scan->continuation)
        set(event, "continuation", json_true());
    if (code->kind == CODE_REJECTED)
        set_text(event, "error", scan_error_name(code->error));
    if (code->gtin[0])
        set_text(event, "gtin", code->gtin);
    if (code->kind == CODE_CARD)
        describe_card(event, code);
    if (code->item.len)
        set(event, "item", json_of_text(code->item));
    return event;
}

static enum scan_outcome outcome_of(const struct code *code) {
    if (code->kind == CODE_CARD)
        return OUTCOME_MEMBER;
    return code->kind == CODE_UNKNOWN ? OUTCOME_UNKNOWN : OUTCOME_RECORDED;
}

static void on_scan(void *ctx, const struct scan *scan) {
    struct decoder *decoder = ctx;
    const struct driver *driver = decoder->options.driver;
    struct code code;

    code_classify(&code, scan, decoder->options.rules);
    bool taken = code.kind != CODE_REJECTED && code.kind != CODE_PAYMENT_CARD;
    if (taken && repeat_seen(&decoder->repeat, scan, decoder->now,
                             decoder->options.repeat_ms)) {
        emit(decoder, event_new("dup_debounced"));
        driver->confirm(decoder->state, driver_tone_default(OUTCOME_RECORDED),
                        &decoder->sink);
        return;
    }
    decoder->rejects += code.kind == CODE_REJECTED;
    emit(decoder, describe(scan, &code));
    if (taken)
        driver->confirm(decoder->state, driver_tone_default(outcome_of(&code)),
                        &decoder->sink);
    else
        driver->refuse(decoder->state, driver_tone_default(OUTCOME_REFUSED),
                       &decoder->sink);
    if (code.kind == CODE_PAYMENT_CARD)
        driver->wipe(decoder->state);
}

static void on_reject(void *ctx, enum scan_error error, const char *hint) {
    struct decoder *decoder = ctx;
    json_t *event = event_new("reject");

    set_text(event, "error", scan_error_name(error));
    if (hint[0])
        set_text(event, "hint", hint);
    decoder->rejects++;
    emit(decoder, event);
}

/* Which members a notice has: what its code and its text are called. */
struct notice_row {
    const char *name;
    const char *code;
    const char *text;
    const char *data;
};

static const struct notice_row notice_rows[] = {
    {"nak", "cause", "name", NULL},       {"event", "code", NULL, NULL},
    {"partial", NULL, "symbology", NULL}, {"pn_rsp", NULL, "cmd", NULL},
    {"nfc_data", "status", NULL, "data"}, {"nfc", NULL, "type", NULL},
    {"revision", NULL, "text", NULL},     {"menu", NULL, "tag", NULL},
};

static json_t *json_of_hex(struct ts_slice data) {
    static const char digits[] = "0123456789abcdef";
    char *hex = ts_alloc(2 * data.len + 1);

    for (size_t i = 0; i < data.len; i++) {
        hex[2 * i] = digits[data.data[i] >> 4];
        hex[2 * i + 1] = digits[data.data[i] & 15];
    }
    json_t *value = json_stringn(hex, 2 * data.len);
    free(hex);
    return value;
}

static void on_notice(void *ctx, const struct notice *notice) {
    struct decoder *decoder = ctx;
    struct notice_row row = {.text = "text", .code = "code", .data = "data"};
    json_t *event = event_new(notice->name);

    for (size_t i = 0; i < sizeof notice_rows / sizeof notice_rows[0]; i++)
        if (strcmp(notice_rows[i].name, notice->name) == 0)
            row = notice_rows[i];
    if (row.code && notice->code >= 0)
        set(event, row.code, json_integer(notice->code));
    if (row.text && notice->text && notice->text[0])
        set_text(event, row.text, notice->text);
    if (row.data && notice->data.len)
        set(event, row.data, json_of_hex(notice->data));
    if (notice->hint && notice->hint[0])
        set_text(event, "hint", notice->hint);
    emit(decoder, event);
}

static void on_send(void *ctx, struct ts_slice bytes) {
    struct decoder *decoder = ctx;

    if (decoder->events.send)
        decoder->events.send(decoder->events.ctx, bytes);
}

struct decoder *decoder_new(const struct decoder_options *options,
                            const struct decoder_events *events) {
    struct decoder *decoder = ts_alloc(sizeof *decoder);

    decoder->options = *options;
    decoder->events = *events;
    decoder->sink = (struct driver_sink){.ctx = decoder,
                                         .scan = on_scan,
                                         .reject = on_reject,
                                         .notice = on_notice,
                                         .send = on_send};
    decoder->state = ts_alloc(options->driver->state_size);
    decoder_plug(decoder);
    return decoder;
}

void decoder_free(struct decoder *decoder) {
    if (!decoder)
        return;
    decoder->options.driver->wipe(decoder->state);
    free(decoder->state);
    free(decoder);
}

void decoder_plug(struct decoder *decoder) {
    decoder->options.driver->open(decoder->state, decoder->options.profile,
                                  &decoder->sink);
}

void decoder_feed(struct decoder *decoder, struct ts_slice bytes,
                  struct ts_mono now) {
    decoder->now = now;
    decoder->options.driver->feed(decoder->state, bytes, now, &decoder->sink);
}

/* A driver may set a new deadline at each; one that never gets anywhere is
 * our own mistake and must not hang a tool. */
void decoder_pass(struct decoder *decoder, struct ts_mono now) {
    enum { EXPIRIES_MAX = 1000 };
    const struct driver *driver = decoder->options.driver;
    struct ts_mono due;

    for (int i = 0; i < EXPIRIES_MAX; i++) {
        if (!driver->deadline(decoder->state, &due) || due.ms > now.ms)
            break;
        decoder->now = due;
        driver->expire(decoder->state, due, &decoder->sink);
    }
    decoder->now = now;
}

void decoder_finish(struct decoder *decoder) {
    enum { LATER_MS = 3600 * 1000 };
    decoder_pass(decoder, (struct ts_mono){decoder->now.ms + LATER_MS});
}

size_t decoder_count(const struct decoder *decoder) { return decoder->count; }

size_t decoder_rejects(const struct decoder *decoder) {
    return decoder->rejects;
}
