/* Answers of any content, whole and broken, cut anywhere: no crash, numbers of
 * hex digits only, and the same events however the bytes are cut. */
#include "drivers/crt591.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 140, FRAME_MAX = TEXT_MAX + 6, TURN_MS = 300 };

static void mix(uint64_t *hash, const void *data, size_t len) {
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++)
        *hash = (*hash ^ bytes[i]) * UINT64_C(0x100000001b3);
}

static void on_scan(void *ctx, const struct scan *scan) {
    if (scan->text.len == 0 || scan->text.len > 20 ||
        scan->bits != scan->text.len * 4)
        abort();
    for (size_t i = 0; i < scan->text.len; i++)
        if (!scan->text.data[i] ||
            !strchr("0123456789ABCDEF", scan->text.data[i]))
            abort();
    mix(ctx, scan->text.data, scan->text.len);
}

static void on_reject(void *ctx, enum scan_error error, const char *hint) {
    (void)hint;
    mix(ctx, &error, sizeof error);
}

static void on_notice(void *ctx, const struct notice *notice) {
    if (notice->data.len || notice->text[0])
        abort(); /* of a card that was withheld nothing is told */
    mix(ctx, notice->name, strlen(notice->name));
}

static void on_send(void *ctx, struct ts_slice bytes) {
    mix(ctx, bytes.data, bytes.len);
}

static size_t wrap(uint8_t out[FRAME_MAX], struct ts_slice text) {
    size_t len = text.len < TEXT_MAX ? text.len : TEXT_MAX;

    memcpy(out, (uint8_t[]){0xf2, 0, 0, (uint8_t)len}, 4);
    memcpy(out + 4, text.data, len);
    out[4 + len] = 0x03;
    out[5 + len] = 0;
    for (size_t i = 0; i < 5 + len; i++)
        out[5 + len] ^= out[i];
    return len + 6;
}

/* Each piece of the input begins with its length; an odd one comes as a whole
 * frame. */
static uint64_t play(struct ts_slice script, size_t piece) {
    uint64_t hash = 1;
    struct driver_sink sink = {&hash, on_scan, on_reject, on_notice, on_send};
    void *state = ts_alloc(crt591_driver.state_size);
    struct ts_mono now = {0};

    crt591_driver.open(state, crt591_driver.profiles, &sink);
    while (script.len) {
        uint8_t frame[FRAME_MAX];
        size_t len = script.data[0] / 2;
        bool framed = script.data[0] & 1;
        script = ts_slice_of(script.data + 1, script.len - 1);
        if (len > script.len)
            len = script.len;
        struct ts_slice bytes = ts_slice_of(script.data, len);
        if (framed)
            bytes = ts_slice_of(frame, wrap(frame, bytes));
        for (size_t at = 0; at < bytes.len; at += piece)
            crt591_driver.feed(
                state,
                ts_slice_of(bytes.data + at,
                            bytes.len - at < piece ? bytes.len - at : piece),
                now, &sink);
        script = ts_slice_of(script.data + len, script.len - len);
        now.ms += TURN_MS;
        crt591_driver.expire(state, now, &sink);
        struct ts_mono at;
        if (!crt591_driver.deadline(state, &at) || at.ms <= now.ms)
            abort();
    }
    free(state);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    struct ts_slice script = ts_slice_of(data + 1, size - 1);
    if (play(script, FRAME_MAX) != play(script, data[0] % 8 + 1u))
        abort();
    return 0;
}
