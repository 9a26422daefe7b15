#include "tools/capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct capture capture;
    struct ts_err err;

    if (capture_parse(&capture, ts_slice_of(data, size), &err) == TS_OK)
        capture_fini(&capture);
    return 0;
}
