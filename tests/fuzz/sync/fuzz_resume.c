#include "tests/fuzz/sync/fuzz_payload.h"

FUZZ_PAYLOAD(resume)
