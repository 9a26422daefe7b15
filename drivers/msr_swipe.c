#include "drivers/msr.h"

#include <string.h>

enum { TRACKS = 3, NO_LRC = -1 };

/* Longest data without sentinels and LRC; the alphabet, which the check
 * character is computed over with `mask`. */
struct track_form {
    size_t max;
    uint8_t low, high, mask;
    uint8_t start; /* on the card; readers send others for track 3 */
};

static const struct track_form forms[TRACKS] = {
    {76, 0x20, 0x5f, 0x3f, '%'},
    {37, 0x30, 0x3f, 0x0f, ';'},
    {104, 0x30, 0x3f, 0x0f, ';'},
};

struct reading {
    struct ts_slice rest;
    struct msr_swipe swipe;
    unsigned seen;   /* a bit for each track that began */
    unsigned failed; /* ... that the reader marks as unreadable */
    bool sensor;
};

static bool is_start(uint8_t byte) { return byte && strchr("%;+!", byte); }

static bool is_sensor(uint8_t byte) { return byte == '0' || byte == '1'; }

/* Track 3 has the start sentinel of track 2 on the card. */
static int track_of(uint8_t byte, unsigned seen) {
    if (byte == '%')
        return 0;
    if (byte == ';')
        return seen & 2 ? 2 : 1;
    return byte == '+' || byte == '!' ? 2 : -1;
}

static void skip(struct ts_slice *rest, size_t count) {
    rest->data += count;
    rest->len -= count;
}

/* Some readers send the format code of track 1 in lower case. */
static uint8_t as_upper(uint8_t byte) {
    return byte >= 'a' && byte <= 'z' ? (uint8_t)(byte - 0x20) : byte;
}

static enum scan_error data_check(struct ts_slice data, int track) {
    const struct track_form *form = &forms[track];

    if (data.len > form->max)
        return SCAN_BAD_LENGTH;
    for (size_t i = 0; i < data.len; i++) {
        uint8_t byte = data.data[i];
        if (i == 0 && track == 0)
            byte = as_upper(byte);
        if (byte < form->low || byte > form->high)
            return SCAN_BAD_CHAR;
    }
    return SCAN_OK;
}

/* The exclusive or of the characters' bits, start to end sentinel. */
static int lrc_of(struct ts_slice data, int track) {
    const struct track_form *form = &forms[track];
    unsigned lrc = (unsigned)(form->start ^ '?');

    for (size_t i = 0; i < data.len; i++)
        lrc ^=
            (unsigned)((i ? data.data[i] : as_upper(data.data[0])) - form->low);
    return (int)((lrc & form->mask) + form->low);
}

/* What stands behind an end sentinel: nothing, the next track, the check
 * character, the sensor's digit. */
static enum scan_error trailer_take(struct reading *reading, int lrc) {
    struct ts_slice *rest = &reading->rest;

    if (rest->len == 0)
        return SCAN_OK;
    bool alone =
        rest->len == 1 || is_start(rest->data[1]) ||
        (rest->len == 2 && reading->sensor && is_sensor(rest->data[1]));
    uint8_t byte = rest->data[0];
    if (alone && byte == lrc) {
        skip(rest, 1);
        return SCAN_OK;
    }
    if (is_start(byte))
        return SCAN_OK;
    if (rest->len == 1 && reading->sensor && is_sensor(byte)) {
        skip(rest, 1);
        return SCAN_OK;
    }
    return alone && lrc != NO_LRC ? SCAN_BAD_LRC : SCAN_BAD_FRAME;
}

static enum scan_error track_take(struct reading *reading) {
    struct ts_slice *rest = &reading->rest;
    int track = track_of(rest->data[0], reading->seen);
    size_t len = 0;

    if (track < 0 || reading->seen >> track & 1)
        return SCAN_BAD_FRAME;
    reading->seen |= 1u << track;
    skip(rest, 1);
    while (len < rest->len && rest->data[len] != '?' &&
           !is_start(rest->data[len]))
        len++;
    if (len == rest->len || rest->data[len] != '?')
        return SCAN_NO_END_SENTINEL;
    struct ts_slice data = ts_slice_of(rest->data, len);
    skip(rest, len + 1);
    if (data.len == 1 && data.data[0] == 'E') {
        reading->failed |= 1u << track;
        return trailer_take(reading, NO_LRC);
    }
    enum scan_error error = data_check(data, track);
    if (error)
        return error;
    reading->swipe.tracks[track] = data;
    return trailer_take(reading, lrc_of(data, track));
}

static bool all_empty(const struct msr_swipe *swipe) {
    return !swipe->tracks[0].len && !swipe->tracks[1].len &&
           !swipe->tracks[2].len;
}

static enum scan_error tracks_take(struct reading *reading) {
    enum scan_error error = SCAN_OK;

    while (!error && reading->rest.len)
        error = track_take(reading);
    if (error)
        return error;
    /* The sensor's digit ahead of the end leaves a swipe without tracks. */
    if (!all_empty(&reading->swipe))
        return SCAN_OK;
    return reading->failed ? SCAN_READ_ERROR : SCAN_EMPTY;
}

/* Without sentinels only the characters tell the track. */
static enum scan_error bare_take(struct reading *reading) {
    struct ts_slice data = reading->rest;

    if (data.len <= TRACKS && data.data[0] == 'E' &&
        data.data[data.len - 1] == 'E' && data.data[data.len / 2] == 'E')
        return SCAN_READ_ERROR;
    if (is_start(data.data[0]) || memchr(data.data, '?', data.len))
        return SCAN_BAD_FRAME;
    int track = data_check(data, 1) == SCAN_BAD_CHAR ? 0 : 1;
    enum scan_error error = data_check(data, track);
    if (!error)
        reading->swipe.tracks[track] = data;
    return error;
}

struct msr_swipe msr_swipe_read(struct ts_slice text,
                                const struct msr_layout *layout, bool sensor) {
    struct reading reading = {.rest = text, .sensor = sensor};
    enum scan_error error;

    if (text.len == 0)
        error = SCAN_EMPTY;
    else
        error = layout->sentinels ? tracks_take(&reading) : bare_take(&reading);
    if (error)
        return (struct msr_swipe){.error = error};
    return reading.swipe;
}
