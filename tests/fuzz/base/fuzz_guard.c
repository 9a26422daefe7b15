/* What was scrubbed holds no card any more, and masking leaves no run. */
#include "base/guard.h"
#include "base/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void scrub(struct ts_slice text) {
    json_t *value = NULL;

    if (ts_json_parse(&value, text, NULL) != TS_OK)
        return;
    (void)ts_guard_scrub_json(value);
    assert(ts_guard_scrub_json(value) == 0);
    json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct ts_guard_allow allow = {"645020", 12};
    static const struct ts_guard_rules rules = {&allow, 1};
    struct ts_slice text = ts_slice_of(data, size);
    uint8_t *copy = malloc(size + 1);
    json_t *string;

    (void)ts_guard_refuses(text, TS_CARRIER_STRIPE, &rules);
    assert(!ts_guard_refuses(text, TS_CARRIER_RETAIL, NULL));
    scrub(text);
    if (ts_guard_refuses(text, TS_CARRIER_TEXT, NULL) && ts_utf8_valid(text)) {
        string = json_stringn((const char *)data, size);
        assert(ts_guard_scrub_json(string) == 1);
        json_decref(string);
    }
    memcpy(copy, data, size);
    ts_guard_mask(copy, size, 1);
    for (size_t i = 0; i < size; i++)
        assert(copy[i] < '0' || copy[i] > '9');
    free(copy);
    return 0;
}
