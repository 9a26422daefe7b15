/* The canonical form is a fixed point. */
#include "base/json.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ts_buf once = {0};
    struct ts_buf twice = {0};
    json_t *value = NULL;
    json_t *again = NULL;
    struct ts_err err;

    if (ts_json_parse(&value, ts_slice_of(data, size), &err) != TS_OK)
        return 0;
    assert(ts_json_canonical(&once, value) == TS_OK);
    assert(ts_json_parse(&again, ts_buf_slice(&once), &err) == TS_OK);
    assert(ts_json_canonical(&twice, again) == TS_OK);
    assert(ts_slice_equal(ts_buf_slice(&once), ts_buf_slice(&twice)));
    json_decref(value);
    json_decref(again);
    ts_buf_fini(&once);
    ts_buf_fini(&twice);
    return 0;
}
