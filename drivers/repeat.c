#include "drivers/repeat.h"

#include <string.h>

static uint64_t fnv1a(uint64_t hash, const void *data, size_t len) {
    const uint8_t *bytes = data;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

bool repeat_seen(struct repeat *repeat, const struct scan *scan,
                 struct ts_mono now, unsigned window_ms) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    hash = fnv1a(hash, &scan->medium, sizeof scan->medium);
    hash = fnv1a(hash, &scan->symbology, sizeof scan->symbology);
    hash = fnv1a(hash, scan->aim, strlen(scan->aim));
    hash = fnv1a(hash, &scan->code_id, sizeof scan->code_id);
    hash = fnv1a(hash, scan->text.data, scan->text.len);
    bool same = window_ms && repeat->held && repeat->hash == hash &&
                now.ms - repeat->at.ms < (int64_t)window_ms;
    *repeat = (struct repeat){.hash = hash, .at = now, .held = true};
    return same;
}
