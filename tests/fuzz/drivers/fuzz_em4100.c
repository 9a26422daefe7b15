/* Any bytes, cut anywhere, with pauses: each scan is a frame of the input with
 * a right check byte, a tag that stays is one scan, and the answers do not
 * depend on the cut. */
#include "drivers/em4100.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PAUSE = 0xfe, PAUSE_MS = 190, UID_LEN = 10 };

struct seen {
    struct ts_slice input;
    struct ts_mono now;
    size_t events;
    uint64_t hash;
    char last[UID_LEN]; /* the last frame's tag, and when */
    bool any;
    struct ts_mono at;
};

static void mix(struct seen *seen, const void *data, size_t len) {
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++)
        seen->hash = (seen->hash ^ bytes[i]) * UINT64_C(0x100000001b3);
}

static bool upper_hex(struct ts_slice text) {
    for (size_t i = 0; i < text.len; i++)
        if (!text.data[i] || !strchr("0123456789ABCDEF", text.data[i]))
            return false;
    return true;
}

/* STX and these digits in either case, perhaps with short pauses. */
static bool stands_at(struct ts_slice input, size_t at, struct ts_slice uid) {
    size_t same = 0;

    if (input.data[at] != 0x02)
        return false;
    while (++at < input.len && same < uid.len) {
        uint8_t c = input.data[at];
        if (c == PAUSE)
            continue;
        if (c != uid.data[same] && (c < 'a' || c - 0x20 != uid.data[same]))
            return false;
        same++;
    }
    return same == uid.len;
}

static bool stands_in(struct ts_slice input, struct ts_slice uid) {
    for (size_t at = 0; at < input.len; at++)
        if (stands_at(input, at, uid))
            return true;
    return false;
}

static void on_scan(void *ctx, const struct scan *scan) {
    struct seen *seen = ctx;

    if (scan->medium != SCAN_TAG || scan->text.len != UID_LEN ||
        scan->bits != 40 || !upper_hex(scan->text) ||
        !stands_in(seen->input, scan->text))
        abort();
    if (seen->any && memcmp(seen->last, scan->text.data, UID_LEN) == 0 &&
        seen->now.ms - seen->at.ms <= EM4100_PRESENT_MS)
        abort();
    memcpy(seen->last, scan->text.data, UID_LEN);
    seen->any = true;
    seen->at = seen->now;
    seen->events++;
    mix(seen, scan->text.data, scan->text.len);
}

static void on_reject(void *ctx, enum scan_error error, const char *hint) {
    struct seen *seen = ctx;

    if (error == SCAN_OK)
        abort();
    seen->events++;
    mix(seen, &error, sizeof error);
    mix(seen, hint, strlen(hint));
}

static void on_notice(void *ctx, const struct notice *notice) {
    struct seen *seen = ctx;

    if (notice->kind != NOTICE_PRESENT || !seen->any ||
        seen->now.ms - seen->at.ms > EM4100_PRESENT_MS)
        abort();
    seen->at = seen->now;
    seen->events++;
    mix(seen, &notice->kind, sizeof notice->kind);
}

static void on_send(void *ctx, struct ts_slice bytes) {
    (void)ctx;
    (void)bytes;
    abort(); /* the modules are never spoken to */
}

static struct seen play(const struct driver_profile *profile,
                        struct ts_slice bytes, size_t piece) {
    const struct driver *em4100 = driver_find("em4100");
    struct seen seen = {.input = bytes};
    struct driver_sink sink = {&seen, on_scan, on_reject, on_notice, on_send};
    void *state = ts_alloc(em4100->state_size);
    struct ts_mono at;
    size_t from = 0;

    memset(state, 0, em4100->state_size);
    em4100->open(state, profile, &sink);
    while (from < bytes.len) {
        size_t len = 0;
        while (from + len < bytes.len && len < piece &&
               bytes.data[from + len] != PAUSE)
            len++;
        if (len)
            em4100->feed(state, ts_slice_of(bytes.data + from, len), seen.now,
                         &sink);
        from += len;
        if (from < bytes.len && bytes.data[from] == PAUSE) {
            seen.now.ms += PAUSE_MS;
            from++;
        }
    }
    if (em4100->deadline(state, &at))
        em4100->expire(state, at, &sink);
    if (em4100->deadline(state, &at))
        abort();
    free(state);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    const struct driver_profile *rows = driver_find("em4100")->profiles;
    const struct driver_profile *profile = &rows[data[0] % 2];
    struct ts_slice bytes = ts_slice_of(data + 2, size - 2);
    struct seen whole = play(profile, bytes, bytes.len ? bytes.len : 1);
    struct seen cut = play(profile, bytes, (size_t)data[1] % 16 + 1);
    if (whole.events != cut.events || whole.hash != cut.hash)
        abort();
    return 0;
}
