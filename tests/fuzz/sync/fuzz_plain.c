/* What is read without a tree means what it means with one. */
#include "tests/support/plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    (void)plain_agrees(ts_slice_of(data, size));
    return 0;
}
