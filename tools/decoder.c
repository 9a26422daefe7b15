#include "tools/decoder.h"

#include "drivers/repeat.h"
#include "tools/describe.h"

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
    bool plugged;
    void *state;
};

static void emit(struct decoder *decoder, json_t *event) {
    decoder->count++;
    decoder->events.event(decoder->events.ctx, event);
    json_decref(event);
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
        emit(decoder, describe_kind("dup_debounced"));
        driver->confirm(decoder->state, driver_tone_default(OUTCOME_RECORDED),
                        &decoder->sink);
        return;
    }
    decoder->rejects += code.kind == CODE_REJECTED;
    emit(decoder,
         describe_scan(driver->name, scan, &code, decoder->options.rules));
    driver->confirm(
        decoder->state,
        driver_tone_default(taken ? outcome_of(&code) : OUTCOME_REFUSED),
        &decoder->sink);
    if (code.kind == CODE_PAYMENT_CARD)
        driver->wipe(decoder->state);
}

static void on_reject(void *ctx, enum scan_error error, const char *hint) {
    struct decoder *decoder = ctx;
    json_t *event = describe_kind("reject");

    describe_set_text(event, "error", scan_error_name(error));
    if (hint[0])
        describe_set_text(event, "hint", hint);
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
    {"nfc_data", "status", NULL, "data"}, {"nfc", NULL, "type", "uid"},
    {"revision", NULL, "text", NULL},     {"menu", NULL, "tag", NULL},
};

/* Upper-case, as the scan of a tag has it. */
static json_t *json_of_uid(struct ts_slice uid) {
    enum { UID_MAX = 32 };
    char text[2 * UID_MAX + 1];

    if (uid.len > UID_MAX)
        return describe_hex(uid);
    ts_hex(text, uid);
    for (char *c = text; *c; c++)
        *c = (char)(*c >= 'a' ? *c - 'a' + 'A' : *c);
    return json_string(text);
}

static void on_notice(void *ctx, const struct notice *notice) {
    struct decoder *decoder = ctx;
    struct notice_row row = {.text = "text", .code = "code", .data = "data"};

    /* A recording answers nothing, which says nothing of the reader. */
    if (notice->kind == NOTICE_SILENT && !decoder->events.send)
        return;
    json_t *event = describe_kind(notice->name);
    for (size_t i = 0; i < sizeof notice_rows / sizeof notice_rows[0]; i++)
        if (strcmp(notice_rows[i].name, notice->name) == 0)
            row = notice_rows[i];
    if (row.code && notice->code >= 0)
        describe_set(event, row.code, json_integer(notice->code));
    if (row.text && notice->text && notice->text[0])
        describe_set_text(event, row.text, notice->text);
    if (row.data && notice->data.len)
        describe_set(event, row.data,
                     strcmp(row.data, "uid") == 0 ? json_of_uid(notice->data)
                                                  : describe_hex(notice->data));
    if (notice->kind == NOTICE_WITHHELD) {
        describe_set(event, "payment_card_possible", json_true());
        describe_set(event, "emit", json_false());
    }
    if (notice->hint && notice->hint[0])
        describe_set_text(event, "hint", notice->hint);
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
    decoder->plugged = true;
    decoder->options.driver->open(decoder->state, decoder->options.profile,
                                  &decoder->sink);
}

void decoder_unplug(struct decoder *decoder) {
    decoder->plugged = false;
    decoder->options.driver->wipe(decoder->state);
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

    for (int i = 0; decoder->plugged && i < EXPIRIES_MAX; i++) {
        if (!driver->deadline(decoder->state, &due) || due.ms > now.ms)
            break;
        /* "At once" is said as an instant of the past. */
        if (due.ms > decoder->now.ms)
            decoder->now = due;
        driver->expire(decoder->state, decoder->now, &decoder->sink);
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
