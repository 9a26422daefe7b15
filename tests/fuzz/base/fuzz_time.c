/* What is written is read back as the same instant. */
#include "base/time.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* A year of clearance, since an offset may lead out of the years. */
    static const int64_t low = -62104000000000;
    static const int64_t high = 253370000000000;
    struct ts_wall at;
    struct ts_wall again;
    char text[TS_TIME_TEXT];

    if (ts_wall_parse(&at, ts_slice_of(data, size)) != TS_OK)
        return 0;
    ts_wall_text(text, at);
    assert(ts_wall_parse(&again, ts_slice_text(text)) == TS_OK);
    assert(at.unix_ms < low || at.unix_ms > high ||
           at.unix_ms == again.unix_ms);
    return 0;
}
