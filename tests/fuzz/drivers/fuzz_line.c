/* Any bytes, cut anywhere, under any profile: no crash, bounded answers, and
 * the same scans however the bytes are cut. */
#include "drivers/code/aim.h"
#include "drivers/driver.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

    /* An element string may be empty, which makes it a wrong one. */
    if ((scan->text.len == 0 && !symbology_is_gs1(aim_symbology(scan->aim))) ||
        scan->text.len >= SCAN_MAX_TEXT)
        abort();
    seen->events++;
    mix(seen, scan->aim, strlen(scan->aim));
    mix(seen, scan->text.data, scan->text.len);
}

static void on_reject(void *ctx, enum scan_error error, const char *hint) {
    struct seen *seen = ctx;

    seen->events++;
    mix(seen, &error, sizeof error);
    mix(seen, hint, strlen(hint));
}

static void on_notice(void *ctx, const struct notice *notice) {
    struct seen *seen = ctx;

    seen->events++;
    mix(seen, notice->name, strlen(notice->name));
    mix(seen, notice->text, strlen(notice->text));
}

static void on_send(void *ctx, struct ts_slice bytes) {
    (void)ctx;
    (void)bytes;
}

static struct seen play(const struct driver_profile *profile,
                        struct ts_slice bytes, size_t piece) {
    const struct driver *line = driver_find("line");
    struct seen seen = {.events = 0};
    struct driver_sink sink = {.ctx = &seen,
                               .scan = on_scan,
                               .reject = on_reject,
                               .notice = on_notice,
                               .send = on_send};
    void *state = ts_alloc(line->state_size);
    struct ts_mono at = {0};

    line->open(state, profile, &sink);
    for (size_t from = 0; from < bytes.len; from += piece) {
        size_t len = bytes.len - from < piece ? bytes.len - from : piece;
        line->feed(state, ts_slice_of(bytes.data + from, len), at, &sink);
    }
    if (line->deadline(state, &at))
        line->expire(state, at, &sink);
    if (line->deadline(state, &at))
        abort();
    free(state);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t profiles = 1;

    if (size < 2)
        return 0;
    const struct driver_profile *rows = driver_find("line")->profiles;
    while (rows[profiles].name)
        profiles++;
    const struct driver_profile *profile = &rows[data[0] % profiles];
    struct ts_slice bytes = ts_slice_of(data + 2, size - 2);
    struct seen whole = play(profile, bytes, bytes.len ? bytes.len : 1);
    struct seen cut = play(profile, bytes, (size_t)data[1] % 16 + 1);
    if (whole.events != cut.events || whole.hash != cut.hash)
        abort();
    return 0;
}
