#include "drivers/line.h"

#include "drivers/code/aim.h"

#include <assert.h>
#include <string.h>

/* A line without an identifier right behind one that had it is the rest of a
 * 2D text that holds the terminator. */
enum { CONTINUATION_MS = 250 };

struct line {
    const struct driver_profile *profile;
    struct ts_mono last_byte;
    struct ts_mono last_aim; /* end of the last line with an identifier */
    size_t len;
    unsigned unanswered;
    bool had_aim;
    bool skipping; /* an over-long line: wait for its end */
    bool parity;   /* the last line had bit 7: so has its line feed */
    uint8_t text[SCAN_MAX_TEXT];
};

static void line_wipe(void *state) {
    struct line *line = state;

    explicit_bzero(line->text, line->len);
    line->len = 0;
}

static void line_open(void *state, const struct driver_profile *profile,
                      const struct driver_sink *sink) {
    struct line *line = state;

    explicit_bzero(line, sizeof *line);
    line->profile = profile;
    if (profile->on_open.len)
        sink->send(sink->ctx, profile->on_open);
}

static void line_reject(const struct driver_sink *sink, enum scan_error error,
                        const char *hint) {
    sink->reject(sink->ctx, error, hint);
}

static void line_emit(struct line *line, const struct scan *scan,
                      const struct driver_sink *sink) {
    line->unanswered++;
    sink->scan(sink->ctx, scan);
}

static struct ts_slice slice_after(struct ts_slice text, size_t count) {
    return ts_slice_of(text.data + count, text.len - count);
}

static bool is_add_on(struct ts_slice text) {
    bool digits = text.len == AIM_LENGTH + 2 || text.len == AIM_LENGTH + 5;

    for (size_t i = AIM_LENGTH; digits && i < text.len; i++)
        digits = text.data[i] >= '0' && text.data[i] <= '9';
    return digits && (memcmp(text.data, "]E1", AIM_LENGTH) == 0 ||
                      memcmp(text.data, "]E2", AIM_LENGTH) == 0);
}

/* Some readers send UPC-A and its add-on as two messages in one line:
 * "]E0" and 13 digits, "]E1" and 2 digits. */
static void add_on_split(struct scan *scan) {
    enum { MAIN_LEN = 13 };

    if (strcmp(scan->aim, "]E0") != 0 || scan->text.len < MAIN_LEN)
        return;
    struct ts_slice rest = slice_after(scan->text, MAIN_LEN);
    if (!is_add_on(rest))
        return;
    scan->add_on = slice_after(rest, AIM_LENGTH);
    scan->text.len = MAIN_LEN;
}

/* Fills identifier, code letter and text. */
static enum scan_error line_parse(struct line *line, struct scan *scan) {
    const char *code_ids = line->profile->code_ids;
    struct ts_slice text = ts_slice_of(line->text, line->len);

    *scan = (struct scan){.code_id = 0};
    if (code_ids && text.data[0] < 0x80 && strchr(code_ids, text.data[0])) {
        scan->code_id = (char)text.data[0];
        text = slice_after(text, 1);
    }
    if (text.len && text.data[0] == ']') {
        if (!aim_well_formed(text))
            return SCAN_BAD_AIM;
        memcpy(scan->aim, text.data, AIM_LENGTH);
        text = slice_after(text, AIM_LENGTH);
    }
    scan->text = text;
    /* An element string may be empty, which makes it a wrong one. */
    bool whole = text.len || symbology_is_gs1(aim_symbology(scan->aim));
    return whole ? SCAN_OK : SCAN_TRUNCATED;
}

static void line_mark(struct line *line, struct scan *scan,
                      struct ts_mono now) {
    if (scan->aim[0]) {
        line->had_aim = true;
        line->last_aim = now;
        return;
    }
    bool follows =
        line->had_aim && now.ms - line->last_aim.ms <= CONTINUATION_MS;
    scan->continuation = line->profile->sends_aim || follows;
}

static void line_ignore(const struct driver_sink *sink) {
    driver_tell(sink, NOTICE_IGNORED, "modem_probe", "",
                "a program takes the reader for a modem: install "
                "60-tessera-readers.rules, or stop ModemManager");
}

/* One whole line, without its end. */
static void line_end(struct line *line, struct ts_mono now,
                     const struct driver_sink *sink) {
    struct ts_slice text = ts_slice_of(line->text, line->len);
    struct line_fault fault = line_diagnose(text);
    struct scan scan;

    line->parity = fault.error == SCAN_PARITY_BIT7;
    if (fault.error) {
        line_reject(sink, fault.error, fault.hint);
    } else if (line_is_modem_probe(text)) {
        line_ignore(sink);
    } else {
        enum scan_error error = line_parse(line, &scan);
        if (error) {
            line_reject(sink, error, "");
        } else {
            line_mark(line, &scan, now);
            add_on_split(&scan);
            line_emit(line, &scan, sink);
        }
    }
    line_wipe(line);
}

static void line_overlong(struct line *line, const struct driver_sink *sink) {
    struct line_fault fault = line_diagnose(ts_slice_of(line->text, line->len));

    if (!fault.error)
        fault =
            (struct line_fault){SCAN_OVERLONG,
                                "no line end in 4096 bytes: set the reader's "
                                "suffix to CR",
                                0};
    line_reject(sink, fault.error, fault.hint);
    line_wipe(line);
    line->skipping = true;
}

/* Breaks, brown-outs and protocol characters ahead of a line; XON, XOFF and
 * the separators FS to US are data. */
static bool is_idle_noise(const struct line *line, uint8_t byte) {
    if (byte == 0x11 || byte == 0x13)
        return false;
    if (line->parity && (byte == 0x8d || byte == 0x8a))
        return true;
    return byte < 0x1c || byte == 0x7f || byte == 0xff;
}

/* The line so far is the answer to a command: it has no line end. */
static bool line_answered(struct line *line, const struct driver_sink *sink) {
    const struct line_detail *detail = line->profile->detail;
    struct ts_slice text = ts_slice_of(line->text, line->len);
    struct line_answer answer;

    if (!detail || !line_answer_parse(&answer, detail->answers, text))
        return false;
    line_wipe(line);
    sink->notice(sink->ctx,
                 &(struct notice){.kind = answer.ok ? NOTICE_ACK : NOTICE_NAK,
                                  .name = "menu",
                                  .code = answer.code,
                                  .text = answer.tag,
                                  .hint = answer.ok
                                              ? ""
                                              : "the reader does not know this "
                                                "command or value"});
    return true;
}

static void line_byte(struct line *line, uint8_t byte, struct ts_mono now,
                      const struct driver_sink *sink) {
    if (byte && strchr(line->profile->terminators, byte)) {
        if (line->len)
            line_end(line, now, sink);
        line->skipping = false;
        return;
    }
    if (line->skipping || (line->len == 0 && is_idle_noise(line, byte)))
        return;
    line->text[line->len++] = byte;
    if (line_answered(line, sink))
        return;
    struct ts_slice text = ts_slice_of(line->text, line->len);
    if (line_ends_in_parity(text, line->profile->terminators))
        line_end(line, now, sink);
    else if (line->len == SCAN_MAX_TEXT)
        line_overlong(line, sink);
}

static bool line_deadline(const void *state, struct ts_mono *at) {
    const struct line *line = state;
    unsigned idle_ms = line->profile->idle_ms;

    if (line->len == 0 && !line->skipping)
        return false;
    at->ms = line->last_byte.ms + (idle_ms ? idle_ms : LINE_GIVE_UP_MS);
    return true;
}

static void line_expire(void *state, struct ts_mono now,
                        const struct driver_sink *sink) {
    struct line *line = state;
    struct ts_mono at;

    if (!line_deadline(line, &at) || now.ms < at.ms)
        return;
    line->skipping = false;
    if (line->len == 0)
        return;
    struct line_fault fault = line_diagnose(ts_slice_of(line->text, line->len));
    if (line->profile->idle_ms || fault.error) {
        line_end(line, now, sink);
        return;
    }
    line_reject(sink, SCAN_TRUNCATED,
                "the line has no end: set the reader's suffix to CR, or use "
                "profile \"silence\"");
    line_wipe(line);
}

static void line_feed(void *state, struct ts_slice bytes, struct ts_mono now,
                      const struct driver_sink *sink) {
    struct line *line = state;

    line_expire(line, now, sink);
    line->last_byte = now;
    for (size_t i = 0; i < bytes.len; i++)
        line_byte(line, bytes.data[i], now, sink);
}

/* Both answers sound alike for a reader that keeps nothing. A scan from
 * before a reopening has nobody to answer. */
static void line_answer(void *state, enum driver_tone tone,
                        const struct driver_sink *sink) {
    struct line *line = state;

    assert((size_t)tone < TONES);
    if (line->unanswered == 0)
        return;
    line->unanswered--;
    struct ts_slice beep = line->profile->tones[tone];
    if (beep.len)
        sink->send(sink->ctx, beep);
}

const struct driver line_driver = {
    .name = "line",
    .summary = "text lines: barcode readers that end a scan with CR, LF or TAB",
    .profiles = line_profiles,
    .state_size = sizeof(struct line),
    .open = line_open,
    .feed = line_feed,
    .deadline = line_deadline,
    .expire = line_expire,
    .confirm = line_answer,
    .refuse = line_answer,
    .wipe = line_wipe,
};
