#include "tests/fuzz/sync/fuzz_payload.h"

FUZZ_TRY(desk)

static void try_records(const json_t *json) {
    size_t index;
    const json_t *item;

    json_array_foreach(json_object_get(json, "records"), index, item) {
        struct message_desk_record record;
        struct message_desk_record again;
        json_t *written;
        if (message_desk_record_decode(&record, item, NULL) != TS_OK)
            continue;
        written = message_desk_record_json(&record);
        if (message_desk_record_decode(&again, written, NULL) != TS_OK ||
            again.position != record.position || again.kind != record.kind ||
            !ts_slice_equal(again.key, record.key))
            abort();
        json_decref(written);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_t *json = NULL;

    if (ts_json_parse(&json, ts_slice_of(data, size), NULL) != TS_OK)
        return 0;
    try_desk(json);
    try_records(json);
    json_decref(json);
    return 0;
}
