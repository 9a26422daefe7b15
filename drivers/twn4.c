#include "drivers/twn4.h"

#include "drivers/presence.h"
#include "drivers/twn4_parts.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
    REPLY_MS = 1000,  /* a search through all tag types takes a third */
    PAUSE_MS = 100,   /* between two searches */
    HALF_MS = 200,    /* silence within a line */
    PRESENT_MS = 500, /* a reader that repeats an id: the tag stays */
    TONE_MS = 5000,   /* for the longest tone */
    BACKOFF_MIN_MS = 250,
    BACKOFF_MAX_MS = 5000,
    SILENT_TRIES = 3, /* set-ups without an answer until it is told */
    TRIES = 2
};

/* The command in flight, or what is waited for. */
enum step {
    STEP_LISTEN,
    STEP_TYPES,
    STEP_LIGHTS,
    STEP_SEARCH,
    STEP_PAUSE,
    STEP_SILENT
};

/* Outputs 0 (red) and 1 (green), no pull resistor, push-pull. */
#define SET_LIGHTS                                                             \
    "0400"                                                                     \
    "03"                                                                       \
    "00"                                                                       \
    "00"                                                                       \
    "\r"
/* Up to 32 bytes of id. */
#define SEARCH_TAG "050020\r"

struct twn4 {
    const struct driver_profile *profile;
    const struct twn4_form *form;
    struct ts_mono now, due, last_byte;
    enum step step;
    bool clocked;  /* the time is known: not before the first call after open */
    bool ready;    /* set up since the port was opened */
    bool heard;    /* a line of hex since then: it is one of these readers */
    bool told;     /* its silence */
    bool first;    /* no search since the port was opened found nothing: the tag
                      may have been read before, by an agent that was killed */
    bool skipping; /* an over-long line: wait for its end */
    unsigned tries;
    unsigned silent; /* set-ups in a row that failed */
    unsigned unanswered;
    unsigned tone_replies;  /* still to come */
    struct ts_mono tone_at; /* when the tone was asked for */
    struct presence presence;
    struct ts_mono seen_at; /* listening: the last line of `seen` */
    uint64_t seen;
    size_t len;
    char line[TWN4_LINE_MAX];
    char id[2 * TWN4_ID_MAX + 1]; /* of the tag that is being reported */
};

static void line_drop(struct twn4 *reader) {
    explicit_bzero(reader->line, sizeof reader->line);
    reader->len = 0;
}

static void twn4_wipe(void *state) {
    struct twn4 *reader = state;

    line_drop(reader);
    explicit_bzero(reader->id, sizeof reader->id);
}

static void wait(struct twn4 *reader, enum step step, unsigned ms) {
    reader->step = step;
    reader->due.ms = reader->now.ms + ms;
}

static void command_write(struct twn4 *reader, const struct driver_sink *sink) {
    char types[TWN4_TYPES_TEXT];
    const char *text = types;

    if (reader->step == STEP_TYPES)
        twn4_types_write(types, TWN4_LOW_TYPES, TWN4_HIGH_TYPES);
    else
        text = reader->step == STEP_LIGHTS ? SET_LIGHTS : SEARCH_TAG;
    reader->due.ms = reader->now.ms + REPLY_MS;
    sink->send(sink->ctx, ts_slice_text(text));
}

static void command(struct twn4 *reader, enum step step,
                    const struct driver_sink *sink) {
    reader->step = step;
    reader->tries = 1;
    command_write(reader, sink);
}

static void say(const struct driver_sink *sink, enum notice_kind kind,
                const char *name, const char *hint) {
    sink->notice(
        sink->ctx,
        &(struct notice){
            .kind = kind, .name = name, .code = -1, .text = "", .hint = hint});
}

static void rest(struct twn4 *reader, const struct driver_sink *sink) {
    unsigned ms = (unsigned)BACKOFF_MIN_MS
                  << (reader->silent < 5 ? reader->silent : 5);

    reader->silent++;
    reader->tone_replies = 0;
    wait(reader, STEP_SILENT, ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS);
    if (reader->silent < SILENT_TRIES || reader->told ||
        (reader->heard && !reader->ready))
        return;
    reader->told = true;
    say(sink, NOTICE_SILENT, "silent",
        reader->ready ? "the card reader has stopped answering: check its "
                        "power and its cable"
                      : "the card reader does not answer: load the simple "
                        "protocol into it, or use profile \"standard\"");
}

static void on_ready(struct twn4 *reader, const struct driver_sink *sink) {
    reader->ready = true;
    reader->told = false;
    reader->silent = 0;
    say(sink, NOTICE_READY, "ready", "");
    command(reader, STEP_SEARCH, sink);
}

/* A command was carried out, or the lights were refused: some have none. */
static void on_done(struct twn4 *reader, const struct driver_sink *sink) {
    if (reader->step == STEP_TYPES)
        command(reader, STEP_LIGHTS, sink);
    else if (reader->step == STEP_LIGHTS)
        on_ready(reader, sink);
    else if (reader->tone_replies)
        reader->tone_replies--;
}

static void on_failed(struct twn4 *reader, uint8_t status,
                      const struct driver_sink *sink) {
    sink->notice(sink->ctx, &(struct notice){.kind = NOTICE_NAK,
                                             .name = "nak",
                                             .code = status,
                                             .text = "",
                                             .hint = ""});
    if (reader->step == STEP_TYPES)
        rest(reader, sink);
    else
        on_done(reader, sink);
}

static bool is_known(struct twn4 *reader, const struct twn4_line *line) {
    uint64_t tag = presence_hash(ts_slice_of(line->id, line->len));
    bool known;

    if (twn4_line_private(line))
        tag = 1; /* a phone draws a new number each time */
    if (reader->form->polls)
        return !presence_comes(&reader->presence, tag);
    known = reader->seen == tag &&
            reader->now.ms - reader->seen_at.ms <= PRESENT_MS;
    reader->seen = tag;
    reader->seen_at = reader->now;
    return known;
}

static void on_tag(struct twn4 *reader, const struct twn4_line *line,
                   const struct driver_sink *sink) {
    char *id = reader->id;
    bool first = reader->first;

    reader->first = false;
    if (is_known(reader, line)) {
        say(sink, NOTICE_PRESENT, "present", "");
        return;
    }
    if (twn4_line_private(line)) {
        say(sink, NOTICE_WITHHELD, "rfid",
            "this may be a bank card, an identity card or a phone: nothing "
            "was kept; use the loyalty card or its code");
        return;
    }
    for (size_t i = 0; i < line->len; i++)
        (void)snprintf(id + 2 * i, 3, "%02X", line->id[i]);
    reader->unanswered++;
    sink->scan(sink->ctx, &(struct scan){.medium = SCAN_TAG,
                                         .text = ts_slice_text(id),
                                         .tech = twn4_line_tech(line),
                                         .bits = line->bits,
                                         .retransmission = first});
    explicit_bzero(reader->id, sizeof reader->id);
}

static void line_act(struct twn4 *reader, const struct twn4_line *line,
                     const struct driver_sink *sink) {
    bool searched = reader->step == STEP_SEARCH;

    switch (line->kind) {
    case TWN4_ID:
        if (searched)
            wait(reader, STEP_PAUSE, PAUSE_MS);
        on_tag(reader, line, sink);
        break;
    case TWN4_NONE:
        if (searched)
            wait(reader, STEP_PAUSE, PAUSE_MS);
        reader->first = false;
        presence_poll(&reader->presence, 0);
        say(sink, NOTICE_ABSENT, "none", "");
        break;
    case TWN4_DONE:
        say(sink, NOTICE_ACK, "ack", "");
        on_done(reader, sink);
        break;
    case TWN4_FAILED:
        on_failed(reader, line->status, sink);
        break;
    default:
        sink->reject(sink->ctx, line->error,
                     line->error == SCAN_BAD_CHAR
                         ? "not a line of hex digits: set the reader to send "
                           "ids in hex with CR, or use driver \"line\""
                         : "");
        break;
    }
}

static void line_end(struct twn4 *reader, const struct driver_sink *sink) {
    struct twn4_line line;

    twn4_line_read(&line, ts_slice_of(reader->line, reader->len), reader->form);
    line_drop(reader);
    reader->heard = reader->heard || line.kind != TWN4_BAD;
    line_act(reader, &line, sink);
    explicit_bzero(&line, sizeof line);
}

static void twn4_byte(struct twn4 *reader, uint8_t byte,
                      const struct driver_sink *sink) {
    if (byte == '\r' || byte == '\n') {
        reader->skipping = false;
        if (reader->len)
            line_end(reader, sink);
        return;
    }
    /* Breaks and brown-outs ahead of a line. */
    if (reader->skipping || (reader->len == 0 && (!byte || byte == 0xff)))
        return;
    if (reader->len == sizeof reader->line) {
        line_drop(reader);
        reader->skipping = true;
        sink->reject(sink->ctx, SCAN_OVERLONG,
                     "no line end: set the reader's suffix to CR");
        return;
    }
    reader->line[reader->len++] = (char)byte;
}

static void twn4_open(void *state, const struct driver_profile *profile,
                      const struct driver_sink *sink) {
    struct twn4 *reader = state;

    explicit_bzero(reader, sizeof *reader);
    reader->profile = profile;
    reader->form = profile->detail;
    reader->first = reader->form->polls;
    if (reader->form->polls)
        command(reader, STEP_TYPES, sink);
}

/* The port was opened at a time that only the next call tells. */
static void clock_start(struct twn4 *reader, struct ts_mono now) {
    reader->now = now;
    if (!reader->clocked)
        reader->due.ms += now.ms;
    reader->clocked = true;
}

static bool twn4_deadline(const void *state, struct ts_mono *at) {
    const struct twn4 *reader = state;
    bool half = reader->len > 0 || reader->skipping;
    int64_t half_at = reader->last_byte.ms + HALF_MS;

    at->ms = reader->clocked ? reader->due.ms : 0;
    if (half && (!reader->form->polls || half_at < at->ms))
        at->ms = half_at;
    return half || reader->form->polls;
}

static void half_expire(struct twn4 *reader, const struct driver_sink *sink) {
    bool told = reader->skipping;

    reader->skipping = false;
    line_drop(reader);
    if (!told)
        sink->reject(sink->ctx, SCAN_TRUNCATED,
                     "the line has no end: set the reader's suffix to CR");
}

static void step_expire(struct twn4 *reader, const struct driver_sink *sink) {
    bool sounding =
        reader->tone_replies && reader->now.ms - reader->tone_at.ms < TONE_MS;

    switch (reader->step) {
    case STEP_PAUSE:
        if (sounding) {
            wait(reader, STEP_PAUSE, PAUSE_MS);
            break;
        }
        reader->tone_replies = 0;
        command(reader, STEP_SEARCH, sink);
        break;
    case STEP_SILENT:
        command(reader, STEP_TYPES, sink);
        break;
    default:
        if (reader->tries++ < TRIES)
            command_write(reader, sink);
        else
            rest(reader, sink);
        break;
    }
}

static void twn4_expire(void *state, struct ts_mono now,
                        const struct driver_sink *sink) {
    struct twn4 *reader = state;

    clock_start(reader, now);
    if ((reader->len || reader->skipping) &&
        now.ms - reader->last_byte.ms >= HALF_MS)
        half_expire(reader, sink);
    if (reader->form->polls && now.ms >= reader->due.ms)
        step_expire(reader, sink);
}

static void twn4_feed(void *state, struct ts_slice bytes, struct ts_mono now,
                      const struct driver_sink *sink) {
    struct twn4 *reader = state;

    clock_start(reader, now);
    if ((reader->len || reader->skipping) &&
        now.ms - reader->last_byte.ms >= HALF_MS)
        half_expire(reader, sink);
    reader->last_byte = now;
    for (size_t i = 0; i < bytes.len; i++)
        twn4_byte(reader, bytes.data[i], sink);
}

/* A tag keeps nothing: both answers differ in their tone alone. */
static void twn4_answer(void *state, enum driver_tone tone,
                        const struct driver_sink *sink) {
    struct twn4 *reader = state;

    assert((size_t)tone < TONES);
    if (reader->unanswered == 0)
        return;
    reader->unanswered--;
    struct ts_slice sound = reader->profile->tones[tone];
    if (sound.len == 0)
        return;
    for (size_t i = 0; i < sound.len; i++)
        reader->tone_replies += sound.data[i] == '\r';
    reader->tone_at = reader->now;
    sink->send(sink->ctx, sound);
}

/* clang-format off */
#define BYTES(text) {(const uint8_t *)(text), sizeof(text) - 1}

/* Set and clear an output; Beep: volume, then hertz, ms on and ms off in
 * little endian. */
#define RED_ON "0402" "01" "\r"
#define RED_OFF "0403" "01" "\r"
#define GREEN_ON "0402" "02" "\r"
#define GREEN_OFF "0403" "02" "\r"
#define HIGH "0407" "50" "6009" "6400" "3200" "\r" /* 2400 Hz, 100, 50 */
#define LOW "0407" "50" "5802" "9001" "3200" "\r"  /* 600 Hz, 400, 50 */

static const struct twn4_form guesses = {.guesses = true};
static const struct twn4_form standard = {.polls = false};
static const struct twn4_form with_bits = {.bits = true};
static const struct twn4_form simple = {.polls = true};

static const struct driver_profile twn4_profiles[] = {
    {.name = "auto", .summary = "TWN4 or TWN3 that sends by itself, any form",
     .line = {9600, 8, 'N', 1, false}, .terminators = "\r\n",
     .detail = &guesses},
    {.name = "standard", .summary = "TWN4 standard app: hex and CR",
     .line = {9600, 8, 'N', 1, false}, .terminators = "\r\n",
     .detail = &standard},
    {.name = "simple", .summary = "TWN4 simple protocol in ASCII",
     .line = {9600, 8, 'N', 1, false}, .terminators = "\r\n",
     .tones = {[TONE_ONE] = BYTES(GREEN_ON HIGH GREEN_OFF),
               [TONE_TWO] = BYTES(GREEN_ON HIGH HIGH GREEN_OFF),
               [TONE_THREE] = BYTES(GREEN_ON HIGH HIGH HIGH GREEN_OFF),
               [TONE_LOW] = BYTES(LOW),
               [TONE_ALARM] = BYTES(RED_ON LOW LOW LOW RED_OFF)},
     .detail = &simple},
    {.name = "twn3", .summary = "TWN3: HID Prox with its length in bits ahead",
     .line = {9600, 8, 'N', 1, false}, .terminators = "\r\n",
     .detail = &with_bits},
    {.name = NULL},
};
/* clang-format on */

const struct driver twn4_driver = {
    .name = "twn4",
    .summary = "RFID and NFC: ELATEC TWN4 and TWN3",
    .profiles = twn4_profiles,
    .state_size = sizeof(struct twn4),
    .open = twn4_open,
    .feed = twn4_feed,
    .deadline = twn4_deadline,
    .expire = twn4_expire,
    .confirm = twn4_answer,
    .refuse = twn4_answer,
    .wipe = twn4_wipe,
};
