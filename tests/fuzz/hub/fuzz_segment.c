/* Any JSON that a client may send: cleaned, read, its identifiers taken. What
 * was cleaned once holds nothing more to remove. */
#include "hub/identifiers.h"
#include "hub/segment.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const traits[] = {"loyalty_card", "card_number"};

static void read_item(json_t *item, const char *type) {
    static const struct identifier_rules rules = {
        .country_code = "39", .card_traits = traits, .card_trait_count = 2};
    struct segment_frame frame = {.source = "shop",
                                  .channel = "web",
                                  .received = {INT64_C(1795255200000)}};
    struct segment_event event;
    struct identifiers found;
    struct ts_err err;

    if (segment_read(&event, item, type, &frame, &err) != TS_OK)
        return;
    if (event.archive.time.unix_ms > frame.received.unix_ms ||
        event.body.len > SEGMENT_MAX_EVENT)
        abort();
    identifiers_read(&found, &event.archive, item, &rules);
    if (found.count > IDENT_MAX)
        abort();
    segment_event_fini(&event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t key[TS_KEY_BYTES] = {1};
    struct ts_keys *keys = ts_keys_new(1, key);
    struct segment_cards cards = {keys, "main", traits, 2};
    struct ts_err err;
    json_t *body, *item;
    size_t i;

    if (ts_json_parse(&body, ts_slice_of(data, size), &err) == TS_OK) {
        segment_clean(body, &cards);
        if (segment_clean(body, &cards) != 0)
            abort();
        json_array_foreach(json_object_get(body, "batch"), i, item) {
            if (json_is_object(item))
                segment_merge_outer(item, body);
            read_item(item, NULL);
        }
        read_item(body, "track");
        json_decref(body);
    }
    ts_keys_free(keys);
    return 0;
}
