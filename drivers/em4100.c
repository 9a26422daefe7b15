#include "drivers/em4100.h"

#include <stdio.h>
#include <string.h>

enum {
    STX = 0x02,
    ETX = 0x03,
    ID_BYTES = 5,
    HEX_LEN = 12, /* the id and its check byte */
    GAP_MS = 200, /* silence in a frame; a whole one takes 17 ms */
    NOISE_MAX = 64
};

struct em4100 {
    struct ts_mono last_byte;
    struct ts_mono seen_at; /* the last frame of `id` */
    unsigned noise;         /* bytes outside frames, since the last good one */
    size_t len;
    bool inside;
    bool seen;
    uint8_t id[ID_BYTES];
    char hex[HEX_LEN + 2]; /* and CR LF */
};

static void frame_drop(struct em4100 *em) {
    explicit_bzero(em->hex, sizeof em->hex);
    em->len = 0;
    em->inside = false;
}

static void em4100_wipe(void *state) { frame_drop(state); }

static void em4100_open(void *state, const struct driver_profile *profile,
                        const struct driver_sink *sink) {
    (void)profile;
    (void)sink;
    explicit_bzero(state, sizeof(struct em4100));
}

static void frame_reject(struct em4100 *em, enum scan_error error,
                         const struct driver_sink *sink) {
    frame_drop(em);
    sink->reject(sink->ctx, error, "");
}

static bool still_there(struct em4100 *em, const uint8_t *id,
                        struct ts_mono now) {
    bool same = em->seen && memcmp(em->id, id, ID_BYTES) == 0 &&
                now.ms - em->seen_at.ms <= EM4100_PRESENT_MS;

    memcpy(em->id, id, ID_BYTES);
    em->seen = true;
    em->seen_at = now;
    return same;
}

static void tag_report(struct em4100 *em, const uint8_t *id, struct ts_mono now,
                       const struct driver_sink *sink) {
    char text[2 * ID_BYTES + 1];

    em->noise = 0;
    frame_drop(em);
    if (still_there(em, id, now)) {
        driver_tell(sink, NOTICE_PRESENT, "present", "", "");
        return;
    }
    (void)snprintf(text, sizeof text, "%02X%02X%02X%02X%02X", id[0], id[1],
                   id[2], id[3], id[4]);
    sink->scan(sink->ctx, &(struct scan){.medium = SCAN_TAG,
                                         .text = ts_slice_text(text),
                                         .tech = "EM4100",
                                         .bits = 8 * ID_BYTES});
}

/* ID-12 and ID-20 put CR LF ahead of ETX. */
static bool length_fits(const struct em4100 *em) {
    return em->len == HEX_LEN || (em->len == HEX_LEN + 2 &&
                                  memcmp(em->hex + HEX_LEN, "\r\n", 2) == 0);
}

static void frame_end(struct em4100 *em, struct ts_mono now,
                      const struct driver_sink *sink) {
    uint8_t bytes[ID_BYTES + 1];
    uint8_t sum = 0;
    size_t len;

    if (!length_fits(em)) {
        frame_reject(em, SCAN_BAD_LENGTH, sink);
        return;
    }
    if (ts_unhex(bytes, sizeof bytes, &len, ts_slice_of(em->hex, HEX_LEN)) !=
        TS_OK) {
        frame_reject(em, SCAN_BAD_CHAR, sink);
        return;
    }
    for (size_t i = 0; i < ID_BYTES; i++)
        sum ^= bytes[i];
    if (sum != bytes[ID_BYTES])
        frame_reject(em, SCAN_BAD_CHECKSUM, sink);
    else
        tag_report(em, bytes, now, sink);
}

/* Breaks and brown-outs between frames are nothing; a stream of them is. */
static void noise_take(struct em4100 *em, const struct driver_sink *sink) {
    if (++em->noise < NOISE_MAX)
        return;
    em->noise = 0;
    sink->reject(sink->ctx, SCAN_GARBAGE,
                 "no frame of a tag module: these send at 9600 baud, 8N1; "
                 "check the port's line and which reader is on it");
}

static void em4100_byte(struct em4100 *em, uint8_t byte, struct ts_mono now,
                        const struct driver_sink *sink) {
    if (byte == STX) {
        if (em->inside)
            frame_reject(em, SCAN_TRUNCATED, sink);
        em->inside = true;
    } else if (!em->inside) {
        noise_take(em, sink);
    } else if (byte == ETX) {
        frame_end(em, now, sink);
    } else if (em->len == sizeof em->hex) {
        frame_reject(em, SCAN_BAD_LENGTH, sink);
    } else {
        em->hex[em->len++] = (char)byte;
    }
}

static bool em4100_deadline(const void *state, struct ts_mono *at) {
    const struct em4100 *em = state;

    at->ms = em->last_byte.ms + GAP_MS;
    return em->inside;
}

static void em4100_expire(void *state, struct ts_mono now,
                          const struct driver_sink *sink) {
    struct em4100 *em = state;
    struct ts_mono at;

    if (em4100_deadline(em, &at) && now.ms >= at.ms)
        frame_reject(em, SCAN_TRUNCATED, sink);
}

static void em4100_feed(void *state, struct ts_slice bytes, struct ts_mono now,
                        const struct driver_sink *sink) {
    struct em4100 *em = state;

    em4100_expire(em, now, sink);
    em->last_byte = now;
    for (size_t i = 0; i < bytes.len; i++)
        em4100_byte(em, bytes.data[i], now, sink);
}

static const struct driver_profile em4100_profiles[] = {
    {.name = "rdm6300",
     .summary = "RDM6300 and its kin: 9600 8N1, 14 bytes",
     .terminators = "\x03"},
    {.name = "id12",
     .summary = "ID-12, ID-20 in ASCII: 9600 8N1, 16 bytes",
     .terminators = "\x03"},
    {.name = NULL},
};

const struct driver em4100_driver = {
    .name = "em4100",
    .summary = "125 kHz tags: RDM6300, ID-12, ID-20",
    .profiles = em4100_profiles,
    .state_size = sizeof(struct em4100),
    .open = em4100_open,
    .feed = em4100_feed,
    .deadline = em4100_deadline,
    .expire = em4100_expire,
    .confirm = driver_answer_none,
    .refuse = driver_answer_none,
    .wipe = em4100_wipe,
};
