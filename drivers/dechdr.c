#include "drivers/dechdr.h"

#include "drivers/code/aim.h"
#include "drivers/line.h"

#include <assert.h>
#include <string.h>

/* 16 FE, four bytes of length (little end first) of all that follows the CR
 * behind them, CR, "MSGGET", four digits of the length of text and last CR,
 * code letter, AIM letter and digit, GS, text, CR. */
enum {
    SYN = 0x16,
    MARK = 0xfe,
    GS = 0x1d,
    PREFIX = 7, /* up to the first CR */
    DIGITS_AT = 13,
    CODE_ID_AT = 17,
    GS_AT = 20,
    HEADER = 21,
    AFTER_PREFIX = HEADER - PREFIX
};

struct dechdr {
    const struct driver_profile *profile;
    struct ts_mono last_byte;
    unsigned unanswered;
    bool skipping; /* what is too long for a text, up to a silence */
    size_t len;    /* of the frame or text so far */
    size_t behind; /* bytes behind it, to be looked at again */
    uint8_t bytes[HEADER + SCAN_MAX_TEXT];
};

static void dechdr_wipe(void *state) {
    struct dechdr *dechdr = state;

    explicit_bzero(dechdr->bytes, dechdr->len + dechdr->behind);
    dechdr->len = dechdr->behind = 0;
}

/* Lets go of `count` bytes in front; all others are looked at again. */
static void dechdr_drop(struct dechdr *dechdr, size_t count) {
    size_t left = dechdr->len + dechdr->behind - count;

    memmove(dechdr->bytes, dechdr->bytes + count, left);
    explicit_bzero(dechdr->bytes + left, count);
    dechdr->len = 0;
    dechdr->behind = left;
}

static void dechdr_open(void *state, const struct driver_profile *profile,
                        const struct driver_sink *sink) {
    struct dechdr *dechdr = state;

    explicit_bzero(dechdr, sizeof *dechdr);
    dechdr->profile = profile;
    if (profile->on_open.len)
        sink->send(sink->ctx, profile->on_open);
}

static size_t told_length(const uint8_t *bytes) {
    return (size_t)bytes[2] | (size_t)bytes[3] << 8 | (size_t)bytes[4] << 16 |
           (size_t)bytes[5] << 24;
}

/* Text and its CR; 0: no digits. */
static size_t told_text(const uint8_t *bytes) {
    size_t value = 0;

    for (size_t i = DIGITS_AT; i < CODE_ID_AT; i++) {
        if (bytes[i] < '0' || bytes[i] > '9')
            return 0;
        value = value * 10 + (size_t)(bytes[i] - '0');
    }
    return value;
}

/* These bytes can be the beginning of a frame. */
static bool begins_frame(const uint8_t *bytes, size_t len) {
    static const uint8_t fixed[] = {SYN, MARK, 0,   0,   0,   0,  '\r',
                                    'M', 'S',  'G', 'G', 'E', 'T'};

    for (size_t i = 0; i < len && i < sizeof fixed; i++) {
        if (fixed[i] && bytes[i] != fixed[i])
            return false;
    }
    if (len < PREFIX)
        return true;
    size_t told = told_length(bytes);
    return told > AFTER_PREFIX && told <= AFTER_PREFIX + SCAN_MAX_TEXT;
}

static bool is_good(const uint8_t *bytes, size_t len) {
    return told_text(bytes) == len - HEADER && bytes[GS_AT] == GS &&
           bytes[len - 1] == '\r';
}

static void dechdr_reject(const struct driver_sink *sink, enum scan_error error,
                          const char *hint) {
    sink->reject(sink->ctx, error, hint);
}

static void dechdr_emit(struct dechdr *dechdr, const struct driver_sink *sink) {
    const uint8_t *bytes = dechdr->bytes;
    struct scan scan = {
        .text = ts_slice_of(bytes + HEADER, dechdr->len - HEADER - 1),
        .code_id = (char)bytes[CODE_ID_AT]};
    uint8_t aim[AIM_LENGTH] = {']', bytes[CODE_ID_AT + 1],
                               bytes[CODE_ID_AT + 2]};

    if (scan.text.len == 0) {
        dechdr_reject(sink, SCAN_EMPTY, "");
        return;
    }
    if (aim_well_formed(ts_slice_of(aim, sizeof aim)))
        memcpy(scan.aim, aim, sizeof aim);
    scan.symbology = aim_of_code_id(scan.code_id);
    dechdr->unanswered++;
    sink->scan(sink->ctx, &scan);
}

/* Where another frame begins within what is none: behind all, if nowhere. */
static size_t next_frame(const struct dechdr *dechdr) {
    size_t at = 1;

    while (at < dechdr->len &&
           (dechdr->bytes[at] != SYN ||
            !begins_frame(dechdr->bytes + at, dechdr->len - at)))
        at++;
    return at;
}

static void frame_bad(struct dechdr *dechdr, enum scan_error error,
                      const struct driver_sink *sink) {
    dechdr_reject(sink, error, "");
    if (dechdr->len)
        dechdr_drop(dechdr, next_frame(dechdr));
}

static bool is_noise(uint8_t byte) {
    return byte < 0x20 || byte == 0x7f || byte == 0xff;
}

/* What came outside a frame is over. */
static void text_end(struct dechdr *dechdr, const struct driver_sink *sink) {
    struct ts_slice text = ts_slice_of(dechdr->bytes, dechdr->len);
    struct line_fault fault = line_diagnose(text);

    dechdr_drop(dechdr, dechdr->len);
    if (fault.error) {
        dechdr_reject(sink, fault.error, fault.hint);
        return;
    }
    dechdr_reject(sink, SCAN_BAD_FRAME,
                  "the scanner sends text without a header: scan again; if "
                  "this stays, scan \"DECHDR1.\" from its manual, or use "
                  "driver \"line\"");
    if (dechdr->profile->on_open.len)
        sink->send(sink->ctx, dechdr->profile->on_open);
}

static bool text_answered(struct dechdr *dechdr,
                          const struct driver_sink *sink) {
    struct line_answer answer;

    if (!line_answer_parse(&answer, LINE_ANSWERS_MENU,
                           ts_slice_of(dechdr->bytes, dechdr->len)))
        return false;
    dechdr_drop(dechdr, dechdr->len);
    sink->notice(
        sink->ctx,
        &(struct notice){.kind = answer.ok ? NOTICE_ACK : NOTICE_NAK,
                         .name = "menu",
                         .code = answer.code,
                         .text = answer.tag,
                         .hint = answer.ok ? ""
                                           : "the scanner does not know this "
                                             "header: use driver \"line\""});
    return true;
}

/* A byte outside a frame was added. */
static void text_grow(struct dechdr *dechdr, const struct driver_sink *sink) {
    uint8_t last = dechdr->bytes[dechdr->len - 1];

    if (dechdr->len == 1 && is_noise(last)) {
        dechdr_drop(dechdr, 1);
    } else if (last == '\r' || last == '\n') {
        text_end(dechdr, sink);
    } else if (!text_answered(dechdr, sink) &&
               dechdr->len == sizeof dechdr->bytes) {
        text_end(dechdr, sink);
        dechdr->skipping = true;
    }
}

static void frame_grow(struct dechdr *dechdr, const struct driver_sink *sink) {
    if (!begins_frame(dechdr->bytes, dechdr->len)) {
        frame_bad(dechdr, SCAN_BAD_FRAME, sink);
        return;
    }
    if (dechdr->len < HEADER ||
        dechdr->len < PREFIX + told_length(dechdr->bytes))
        return;
    if (!is_good(dechdr->bytes, dechdr->len)) {
        frame_bad(dechdr, SCAN_BAD_FRAME, sink);
        return;
    }
    dechdr_emit(dechdr, sink);
    dechdr_drop(dechdr, dechdr->len);
}

/* A frame begins in the middle of a text: the text has no end. */
static bool text_breaks(const struct dechdr *dechdr) {
    return dechdr->len && dechdr->bytes[0] != SYN &&
           dechdr->bytes[dechdr->len] == SYN;
}

static void dechdr_settle(struct dechdr *dechdr,
                          const struct driver_sink *sink) {
    while (dechdr->behind) {
        if (text_breaks(dechdr)) {
            text_end(dechdr, sink);
            continue;
        }
        dechdr->len++;
        dechdr->behind--;
        if (dechdr->bytes[0] == SYN)
            frame_grow(dechdr, sink);
        else
            text_grow(dechdr, sink);
    }
}

static bool dechdr_deadline(const void *state, struct ts_mono *at) {
    const struct dechdr *dechdr = state;

    if (dechdr->len == 0 && !dechdr->skipping)
        return false;
    at->ms = dechdr->last_byte.ms + DECHDR_SILENCE_MS;
    return true;
}

static void dechdr_expire(void *state, struct ts_mono now,
                          const struct driver_sink *sink) {
    struct dechdr *dechdr = state;
    struct ts_mono due;

    if (!dechdr_deadline(dechdr, &due) || now.ms < due.ms)
        return;
    dechdr->skipping = false;
    while (dechdr->len) {
        if (dechdr->bytes[0] == SYN)
            frame_bad(dechdr, SCAN_TRUNCATED, sink);
        else
            text_end(dechdr, sink);
        dechdr_settle(dechdr, sink);
    }
}

static void dechdr_feed(void *state, struct ts_slice bytes, struct ts_mono now,
                        const struct driver_sink *sink) {
    struct dechdr *dechdr = state;

    dechdr_expire(dechdr, now, sink);
    dechdr->last_byte = now;
    for (size_t i = 0; i < bytes.len && !dechdr->skipping; i++) {
        dechdr->bytes[dechdr->len + dechdr->behind++] = bytes.data[i];
        dechdr_settle(dechdr, sink);
    }
}

/* The scanner keeps nothing: both answers only sound. */
static void dechdr_answer(void *state, enum driver_tone tone,
                          const struct driver_sink *sink) {
    struct dechdr *dechdr = state;

    assert((size_t)tone < TONES);
    if (dechdr->unanswered == 0)
        return;
    dechdr->unanswered--;
    if (dechdr->profile->tones[tone].len)
        sink->send(sink->ctx, dechdr->profile->tones[tone]);
}

/* clang-format off */
#define BYTES(text) {(const uint8_t *)(text), sizeof(text) - 1}

/* SYN BEL CR beeps once: the count tells low (4) and alarm (5). */
#define BEEP "\x16\x07\r"
#define TONES_ALL {[TONE_ONE] = BYTES(BEEP), [TONE_TWO] = BYTES(BEEP BEEP), \
    [TONE_THREE] = BYTES(BEEP BEEP BEEP), \
    [TONE_LOW] = BYTES(BEEP BEEP BEEP BEEP), \
    [TONE_ALARM] = BYTES(BEEP BEEP BEEP BEEP BEEP)}

#define LINE_115200 {.baud = 115200, .data_bits = 8, .parity = 'N', \
    .stop_bits = 1}

#define TRIGGER {.trigger_on = BYTES("\x16T\r"), \
    .trigger_off = BYTES("\x16U\r")}

static const struct driver_profile dechdr_profiles[] = {
    /* The mark of exclamation sets it until the scanner is switched off and
     * wears out no memory; after that the first text asks for it again. */
    {.name = "honeywell",
     .summary = "Honeywell Xenon, Voyager, Genesis: the header is switched on",
     .line = LINE_115200, .terminators = "\r",
     .on_open = BYTES("\x16M\rDECHDR1!"), .tones = TONES_ALL,
     .commands = TRIGGER},
    {.name = "as-is",
     .summary = "the header was switched on by a programming code",
     .line = LINE_115200, .terminators = "\r", .tones = TONES_ALL,
     .commands = TRIGGER},
    {.name = NULL},
};
/* clang-format on */

const struct driver dechdr_driver = {
    .name = "dechdr",
    .summary = "Honeywell scanners with a header that tells the length: a "
               "line end in a 2D code is data",
    .profiles = dechdr_profiles,
    .state_size = sizeof(struct dechdr),
    .open = dechdr_open,
    .feed = dechdr_feed,
    .deadline = dechdr_deadline,
    .expire = dechdr_expire,
    .confirm = dechdr_answer,
    .refuse = dechdr_answer,
    .wipe = dechdr_wipe,
};
