/* Any bytes, cut anywhere, with pauses, under any profile: the same swipes
 * however the bytes are cut, tracks that lie within the swipe, payment cards
 * only as scans, and no run of digits in the state once a swipe is over or the
 * port is closed. */
#include "base/guard.h"
#include "drivers/driver.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RUN = 6, PAUSE = 0xfe, PAUSE_MS = 300 };

struct seen {
    size_t events;
    uint64_t hash;
};

static void mix(struct seen *seen, const void *data, size_t len) {
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++)
        seen->hash = (seen->hash ^ bytes[i]) * UINT64_C(0x100000001b3);
}

static void on_scan(void *ctx, const struct scan *scan) {
    struct seen *seen = ctx;
    const uint8_t *end = scan->text.data + scan->text.len;

    if (scan->medium != SCAN_STRIPE || scan->text.len == 0)
        abort();
    seen->events++;
    mix(seen, scan->text.data, scan->text.len);
    for (int i = 0; i < 3; i++) {
        struct ts_slice track = scan->tracks[i];
        mix(seen, &track.len, sizeof track.len);
        if (track.len &&
            (track.data < scan->text.data || track.data + track.len > end))
            abort();
    }
    bool any =
        scan->tracks[0].len || scan->tracks[1].len || scan->tracks[2].len;
    if (!any && !ts_guard_refuses(scan->text, TS_CARRIER_STRIPE, NULL))
        abort();
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

    if (notice->kind != NOTICE_EVENT || notice->data.len)
        abort();
    seen->events++;
    mix(seen, &notice->code, sizeof notice->code);
}

static void on_send(void *ctx, struct ts_slice bytes) {
    (void)ctx;
    (void)bytes;
    abort(); /* these readers are never spoken to */
}

static bool holds_digits(const uint8_t *bytes, size_t len) {
    size_t run = 0;

    for (size_t i = 0; i < len; i++) {
        uint8_t low = bytes[i] & 0x7f;
        run = low >= '0' && low <= '9' ? run + 1 : 0;
        if (run >= RUN)
            return true;
    }
    return false;
}

/* A pause is a byte of the input, so that it falls between the same bytes
 * whatever the cut. */
static struct seen play(const struct driver_profile *profile,
                        struct ts_slice bytes, size_t piece) {
    const struct driver *msr = driver_find("msr");
    struct seen seen = {.events = 0};
    struct driver_sink sink = {&seen, on_scan, on_reject, on_notice, on_send};
    uint8_t *state = ts_alloc(msr->state_size);
    struct ts_mono at = {0};
    size_t from = 0;

    memset(state, 0, msr->state_size);
    msr->open(state, profile, &sink);
    while (from < bytes.len) {
        size_t len = 0;
        while (from + len < bytes.len && len < piece &&
               bytes.data[from + len] != PAUSE)
            len++;
        if (len)
            msr->feed(state, ts_slice_of(bytes.data + from, len), at, &sink);
        from += len;
        if (from < bytes.len && bytes.data[from] == PAUSE) {
            at.ms += PAUSE_MS;
            from++;
        }
    }
    msr->feed(state, ts_slice_text("\r"), at, &sink);
    if (!msr->deadline(state, &at) && holds_digits(state, msr->state_size))
        abort();
    for (int i = 0; i < 2 && msr->deadline(state, &at); i++)
        msr->expire(state, at, &sink);
    if (msr->deadline(state, &at) || holds_digits(state, msr->state_size))
        abort();
    free(state);
    return seen;
}

/* The plug is pulled in the middle of a swipe. */
static void pull(const struct driver_profile *profile, struct ts_slice bytes) {
    const struct driver *msr = driver_find("msr");
    struct seen seen = {.events = 0};
    struct driver_sink sink = {&seen, on_scan, on_reject, on_notice, on_send};
    uint8_t *state = ts_alloc(msr->state_size);

    memset(state, 0, msr->state_size);
    msr->open(state, profile, &sink);
    msr->feed(state, bytes, (struct ts_mono){0}, &sink);
    msr->wipe(state);
    if (holds_digits(state, msr->state_size))
        abort();
    free(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t profiles = 1;

    if (size < 2)
        return 0;
    const struct driver_profile *rows = driver_find("msr")->profiles;
    while (rows[profiles].name)
        profiles++;
    const struct driver_profile *profile = &rows[data[0] % profiles];
    struct ts_slice bytes = ts_slice_of(data + 2, size - 2);
    struct seen whole = play(profile, bytes, bytes.len ? bytes.len : 1);
    struct seen cut = play(profile, bytes, (size_t)data[1] % 16 + 1);
    if (whole.events != cut.events || whole.hash != cut.hash)
        abort();
    pull(profile, bytes);
    return 0;
}
