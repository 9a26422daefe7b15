/* Creator CRT-571 and CRT-591, the card readers of kiosks. Manual, "Communi-
 * cation format": F2, address, length of two bytes, text, 03, XOR of all. The
 * host asks whether a card lies in the field and acknowledges the answer. */
#include "drivers/crt591.h"

#include "drivers/presence.h"

#include <stdio.h>
#include <string.h>

enum { STX = 0xf2, ETX = 0x03, HEAD = 4, TAIL = 2, TEXT_MAX = 128 };
enum { POLL_MS = 250, ANSWER_MS = 1000, SILENT_AFTER = 3 };
/* An answer: 'P', 60 30, status of three, kind of card, ATQA of two, length
 * and bytes of the UID, SAK. */
enum { UID_LENGTH_AT = 9, UID_AT = 10, UID_MAX = 10, SAK_ISO_DEP = 0x20 };
static const uint8_t found[] = {'P', 0x60, 0x30};

struct crt591 {
    struct ts_mono poll_at;
    struct presence presence;
    unsigned unanswered;
    bool looked; /* since the opening: a card at the first look may be in the
                    journal already */
    size_t len;
    uint8_t frame[HEAD + TEXT_MAX + TAIL];
};

static void crt_wipe(void *state) {
    struct crt591 *crt = state;

    explicit_bzero(crt->frame, sizeof crt->frame);
    crt->len = 0;
}

static void crt_open(void *state, const struct driver_profile *profile,
                     const struct driver_sink *sink) {
    (void)profile;
    (void)sink;
    explicit_bzero(state, sizeof(struct crt591));
}

static void card_report(struct crt591 *crt, struct ts_slice uid,
                        const struct driver_sink *sink) {
    char text[2 * UID_MAX + 1];

    if (!presence_comes(&crt->presence, presence_hash(uid)))
        return;
    for (size_t i = 0; i < uid.len; i++)
        (void)snprintf(text + 2 * i, 3, "%02X", uid.data[i]);
    sink->scan(sink->ctx, &(struct scan){.medium = SCAN_TAG,
                                         .text = ts_slice_text(text),
                                         .tech = "MIFARE",
                                         .bits = (unsigned)uid.len * 8,
                                         .retransmission = !crt->looked});
}

/* Whoever is withheld is one presentation: a phone draws a new number each
 * time. */
static void card_withhold(struct crt591 *crt, const struct driver_sink *sink) {
    uint64_t anyone = presence_hash(ts_slice_text("withheld"));

    if (!presence_comes(&crt->presence, anyone))
        return;
    driver_tell(sink, NOTICE_WITHHELD, "nfc", "",
                "this may be a bank card or a phone: nothing was read; use the "
                "loyalty card or its code");
}

static void answer_read(struct crt591 *crt, struct ts_slice text,
                        const struct driver_sink *sink) {
    if (text.len <= UID_AT || memcmp(text.data, found, sizeof found) != 0) {
        presence_poll(&crt->presence, 0);
        return;
    }
    size_t len = text.data[UID_LENGTH_AT];
    if (len == 0 || len > UID_MAX || text.len != UID_AT + len + 1)
        sink->reject(sink->ctx, SCAN_BAD_LENGTH, "");
    else if (text.data[UID_AT + len] & SAK_ISO_DEP)
        card_withhold(crt, sink);
    else
        card_report(crt, ts_slice_of(text.data + UID_AT, len), sink);
}

static void frame_read(struct crt591 *crt, const struct driver_sink *sink) {
    static const uint8_t ack[] = {0x06};
    uint8_t check = 0;

    for (size_t i = 0; i < crt->len; i++)
        check ^= crt->frame[i];
    if (crt->unanswered > SILENT_AFTER)
        driver_tell(sink, NOTICE_READY, "ready", "", "");
    crt->unanswered = 0;
    if (check || crt->frame[crt->len - TAIL] != ETX) {
        sink->reject(sink->ctx, check ? SCAN_BAD_CHECKSUM : SCAN_BAD_FRAME, "");
        return;
    }
    sink->send(sink->ctx, ts_slice_of(ack, sizeof ack));
    answer_read(crt, ts_slice_of(crt->frame + HEAD, crt->len - HEAD - TAIL),
                sink);
    crt->looked = true;
}

static void crt_feed(void *state, struct ts_slice bytes, struct ts_mono now,
                     const struct driver_sink *sink) {
    struct crt591 *crt = state;

    for (size_t i = 0; i < bytes.len; i++) {
        if (crt->len == 0 && bytes.data[i] != STX)
            continue; /* ACK, NAK, noise: the answer or its lack tells all */
        crt->frame[crt->len++] = bytes.data[i];
        size_t text = (size_t)crt->frame[2] << 8 | crt->frame[3];
        if (crt->len < HEAD ||
            (text <= TEXT_MAX && crt->len < HEAD + text + TAIL))
            continue;
        if (text > TEXT_MAX)
            sink->reject(sink->ctx, SCAN_BAD_LENGTH, "");
        else
            frame_read(crt, sink);
        crt_wipe(crt);
        crt->poll_at.ms = now.ms + POLL_MS;
    }
}

static bool crt_deadline(const void *state, struct ts_mono *at) {
    *at = ((const struct crt591 *)state)->poll_at;
    return true;
}

static void crt_expire(void *state, struct ts_mono now,
                       const struct driver_sink *sink) {
    static const uint8_t ask[] = {STX,  0,    0,   3,   'C',
                                  0x60, 0x30, ETX, 0xe1 /* XOR of all */};
    struct crt591 *crt = state;

    if (now.ms < crt->poll_at.ms)
        return;
    if (crt->len)
        sink->reject(sink->ctx, SCAN_TRUNCATED, "");
    crt_wipe(crt);
    if (crt->unanswered++ == SILENT_AFTER)
        driver_tell(
            sink, NOTICE_SILENT, "silent", "",
            "the reader does not answer: check its power, its cable and baud");
    sink->send(sink->ctx, ts_slice_of(ask, sizeof ask));
    crt->poll_at.ms = now.ms + ANSWER_MS;
}

static const struct driver_profile crt_profiles[] = {
    {.name = "mifare",
     .summary = "Creator CRT-571, CRT-591: the number of a MIFARE card",
     .terminators = ""},
    {.name = NULL},
};

const struct driver crt591_driver = {
    .name = "crt591",
    .summary = "kiosk card readers: Creator CRT-571 and CRT-591",
    .profiles = crt_profiles,
    .state_size = sizeof(struct crt591),
    .open = crt_open,
    .feed = crt_feed,
    .deadline = crt_deadline,
    .expire = crt_expire,
    .confirm = driver_answer_none,
    .refuse = driver_answer_none,
    .wipe = crt_wipe,
};
