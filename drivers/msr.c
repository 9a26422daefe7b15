#include "drivers/msr.h"

#include "base/guard.h"
#include "drivers/line.h"

#include <string.h>

enum {
    STX = 0x02,
    ETX = 0x03,
    ESC = 0x1b,
    MSR_MAX_TEXT = 512, /* three full tracks are 226 characters */
    BINARY_GAP_MS = 250,
    COMPLETE_MS = 500 /* ends a swipe whose reader sends no CR */
};

struct msr {
    const struct driver_profile *profile;
    struct ts_mono last_byte;
    size_t len;
    bool stx;      /* the frame began with STX */
    bool esc;      /* ... with ESC: a sensor's digit may end it */
    bool skipping; /* an over-long frame: wait for its end */
    bool binary;   /* an encrypted frame: wait for silence */
    bool parity;   /* the last line had bit 7: so has what follows its CR */
    uint8_t text[MSR_MAX_TEXT];
};

static const struct msr_layout *layout_of(const struct msr *msr) {
    return msr->profile->detail;
}

/* The frame is over, whatever it was. */
static void frame_drop(struct msr *msr) {
    explicit_bzero(msr->text, sizeof msr->text);
    msr->len = 0;
    msr->stx = msr->esc = false;
}

static void msr_wipe(void *state) { frame_drop(state); }

static void msr_open(void *state, const struct driver_profile *profile,
                     const struct driver_sink *sink) {
    struct msr *msr = state;

    explicit_bzero(msr, sizeof *msr);
    msr->profile = profile;
    if (profile->on_open.len)
        sink->send(sink->ctx, profile->on_open);
}

static const char *hint_of(const struct msr *msr, enum scan_error error) {
    switch (error) {
    case SCAN_READ_ERROR:
        return "no track could be read: swipe again; if it stays, clean the "
               "reader's head";
    case SCAN_EMPTY:
        return "nothing is recorded on the stripe";
    case SCAN_BAD_LRC:
    case SCAN_BAD_CHAR:
    case SCAN_NO_END_SENTINEL:
        return "misread: swipe again, evenly and to the end";
    case SCAN_BAD_FRAME:
        return layout_of(msr)->sentinels
                   ? "no start sentinel: switch the reader's sentinels on, or "
                     "use the profile with -bare"
                   : "sentinels in a track: use the profile without -bare";
    case SCAN_TRUNCATED:
        return layout_of(msr)->sentinels
                   ? "half a swipe: swipe again, evenly and to the end"
                   : "the swipe has no end: set the reader's suffix to CR";
    default:
        return "";
    }
}

/* What may be a payment card goes to the classification, which refuses it:
 * without tracks when they cannot be trusted. */
static void frame_report(struct msr *msr, struct msr_swipe swipe,
                         const struct driver_sink *sink) {
    struct scan scan = {.medium = SCAN_STRIPE,
                        .text = ts_slice_of(msr->text, msr->len)};

    if (swipe.error && !ts_guard_refuses(scan.text, TS_CARRIER_STRIPE, NULL)) {
        sink->reject(sink->ctx, swipe.error, hint_of(msr, swipe.error));
    } else {
        memcpy(scan.tracks, swipe.tracks, sizeof scan.tracks);
        sink->scan(sink->ctx, &scan);
    }
}

/* Insert readers tell when a card is put in and pulled out. */
static bool sensor_told(const struct msr *msr, const struct driver_sink *sink) {
    if (!msr->esc || msr->len != 1 ||
        (msr->text[0] != '0' && msr->text[0] != '1'))
        return false;
    bool in = msr->text[0] == '1';
    sink->notice(sink->ctx,
                 &(struct notice){.kind = NOTICE_EVENT,
                                  .name = "msr_sensor",
                                  .code = in,
                                  .text = in ? "card in" : "card out",
                                  .hint = ""});
    return true;
}

/* One whole frame, or with an error already known what there is of it. */
static void frame_end(struct msr *msr, enum scan_error error,
                      const struct driver_sink *sink) {
    struct ts_slice text = ts_slice_of(msr->text, msr->len);
    struct line_fault fault = line_diagnose(text);
    struct msr_swipe swipe = {.error = error};

    msr->parity = fault.error == SCAN_PARITY_BIT7;
    if (fault.error) {
        sink->reject(sink->ctx, fault.error, fault.hint);
    } else if (!sensor_told(msr, sink)) {
        if (!error)
            swipe = msr_swipe_read(text, layout_of(msr), msr->esc);
        frame_report(msr, swipe, sink);
    }
    frame_drop(msr);
}

static void binary_begin(struct msr *msr) {
    frame_drop(msr);
    msr->binary = true;
}

/* Encrypting heads send STX, a length of two bytes and binary data: the
 * length's upper byte is a control character where text has none. */
static bool is_binary(const struct msr *msr, uint8_t byte) {
    if (!msr->stx || msr->esc || msr->len > 1 || byte >= 0x20)
        return false;
    if (byte == '\r' || byte == '\n')
        return false;
    return msr->len == 1 || (byte != STX && byte != ETX && byte != ESC);
}

/* Breaks and brown-outs ahead of a frame, and what follows the CR of a frame
 * with parity; takes STX and ESC. */
static bool framing_take(struct msr *msr, uint8_t byte) {
    if ((byte & 0x7f) == ESC)
        msr->esc = true;
    if ((byte & 0x7f) == STX)
        msr->stx = byte == STX;
    return byte < 0x20 || byte == 0x7f || byte == 0xff ||
           (byte & 0x7f) == ESC || (byte & 0x7f) == STX ||
           (msr->parity && (byte & 0x7f) < 0x20);
}

static void text_add(struct msr *msr, uint8_t byte,
                     const struct driver_sink *sink) {
    msr->text[msr->len++] = byte;
    if (line_ends_in_parity(ts_slice_of(msr->text, msr->len),
                            msr->profile->terminators)) {
        frame_end(msr, SCAN_OK, sink);
    } else if (msr->len == MSR_MAX_TEXT) {
        frame_end(msr, SCAN_OVERLONG, sink);
        msr->skipping = true;
    }
}

static void msr_byte(struct msr *msr, uint8_t byte,
                     const struct driver_sink *sink) {
    if (msr->binary)
        return;
    if (is_binary(msr, byte)) {
        binary_begin(msr);
    } else if (byte && strchr(msr->profile->terminators, byte)) {
        if (msr->len)
            frame_end(msr, SCAN_OK, sink);
        frame_drop(msr);
        msr->skipping = false;
    } else if (byte == STX) {
        if (msr->len)
            frame_end(msr, SCAN_TRUNCATED, sink);
        frame_drop(msr);
        msr->skipping = false;
        msr->stx = true;
    } else if (!msr->skipping && (msr->len || !framing_take(msr, byte))) {
        text_add(msr, byte, sink);
    }
}

/* The last track has its end sentinel, and perhaps one character behind it. */
static bool is_complete(const struct msr *msr) {
    return layout_of(msr)->sentinels && msr->len > 2 &&
           (msr->text[msr->len - 1] == '?' || msr->text[msr->len - 2] == '?');
}

static bool msr_deadline(const void *state, struct ts_mono *at) {
    const struct msr *msr = state;

    if (msr->binary)
        at->ms = msr->last_byte.ms + BINARY_GAP_MS;
    else if (msr->len)
        at->ms = msr->last_byte.ms +
                 (is_complete(msr) ? COMPLETE_MS : LINE_GIVE_UP_MS);
    else if (msr->skipping || msr->stx || msr->esc)
        at->ms = msr->last_byte.ms + LINE_GIVE_UP_MS;
    else
        return false;
    return true;
}

static void msr_expire(void *state, struct ts_mono now,
                       const struct driver_sink *sink) {
    struct msr *msr = state;
    struct ts_mono at;

    if (!msr_deadline(msr, &at) || now.ms < at.ms)
        return;
    if (msr->binary)
        sink->reject(sink->ctx, SCAN_BAD_FRAME,
                     "the reader sends encrypted frames: set it to plain text "
                     "for loyalty cards");
    else if (msr->len)
        frame_end(msr, is_complete(msr) ? SCAN_OK : SCAN_TRUNCATED, sink);
    frame_drop(msr);
    msr->binary = msr->skipping = false;
}

static void msr_feed(void *state, struct ts_slice bytes, struct ts_mono now,
                     const struct driver_sink *sink) {
    struct msr *msr = state;

    msr_expire(msr, now, sink);
    msr->last_byte = now;
    for (size_t i = 0; i < bytes.len; i++)
        msr_byte(msr, bytes.data[i], sink);
}

static const struct msr_layout with_sentinels = {.sentinels = true};
static const struct msr_layout bare = {.sentinels = false};

/* clang-format off */
static const struct driver_profile msr_profiles[] = {
    {.name = "magtek", .terminators = "\r\n\x03", .detail = &with_sentinels,
     .summary = "MagTek swipe and insert readers: 9600 8N1, CR"},
    {.name = "magtek-bare", .terminators = "\r\n\x03", .detail = &bare,
     .summary = "MagTek with its sentinels switched off: one track"},
    {.name = "idtech", .terminators = "\r\n\x03", .detail = &with_sentinels,
     .summary = "ID TECH, plain text output: 9600 8N1, CR"},
    {.name = "idtech-bare", .terminators = "\r\n\x03", .detail = &bare,
     .summary = "ID TECH with its sentinels switched off: one track"},
    {.name = NULL},
};
/* clang-format on */

const struct driver msr_driver = {
    .name = "msr",
    .summary = "magnetic stripes as text: MagTek, ID TECH",
    .profiles = msr_profiles,
    .state_size = sizeof(struct msr),
    .open = msr_open,
    .feed = msr_feed,
    .deadline = msr_deadline,
    .expire = msr_expire,
    .confirm = driver_answer_none,
    .refuse = driver_answer_none,
    .wipe = msr_wipe,
};
