/* What every fuzz target of the small payloads does with one. */
#ifndef TS_TESTS_FUZZ_SYNC_FUZZ_PAYLOAD_H
#define TS_TESTS_FUZZ_SYNC_FUZZ_PAYLOAD_H

#include "sync/message.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes what was read and reads it again: the second text is the first. */
#define FUZZ_TRY(name)                                                         \
    static void try_##name(const json_t *json) {                               \
        struct message_##name first;                                           \
        struct message_##name second;                                          \
        struct ts_buf a = {0};                                                 \
        struct ts_buf b = {0};                                                 \
        json_t *again = NULL;                                                  \
        if (message_##name##_decode(&first, json, NULL) != TS_OK)              \
            return;                                                            \
        message_##name##_encode(&a, &first);                                   \
        if (ts_json_parse(&again, ts_buf_slice(&a), NULL) != TS_OK ||          \
            message_##name##_decode(&second, again, NULL) != TS_OK)            \
            abort();                                                           \
        message_##name##_encode(&b, &second);                                  \
        if (!ts_slice_equal(ts_buf_slice(&a), ts_buf_slice(&b)))               \
            abort();                                                           \
        json_decref(again);                                                    \
        ts_buf_fini(&a);                                                       \
        ts_buf_fini(&b);                                                       \
    }

/* A target of its own for one payload. */
#define FUZZ_PAYLOAD(name)                                                     \
    FUZZ_TRY(name)                                                             \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {             \
        json_t *json = NULL;                                                   \
        if (ts_json_parse(&json, ts_slice_of(data, size), NULL) != TS_OK)      \
            return 0;                                                          \
        try_##name(json);                                                      \
        json_decref(json);                                                     \
        return 0;                                                              \
    }

#endif
