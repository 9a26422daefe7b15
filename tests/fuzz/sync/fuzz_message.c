#include "sync/message.h"
#include "sync/topic.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes what was read and reads it again: the second text is the first. */
#define TRY(name)                                                              \
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

TRY(ack)
TRY(resume)
TRY(state)
TRY(pull)
TRY(desk)
TRY(bell)
TRY(hub)

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

static void try_topic(struct ts_slice text) {
    struct topic topic;
    char again[TOPIC_TEXT];

    if (topic_parse(&topic, "tessera", text) != TS_OK)
        return;
    topic_text(again, "tessera", topic.shard, topic.name, topic.leaf);
    if (!ts_slice_equal(text, ts_slice_text(again)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_t *json = NULL;

    try_topic(ts_slice_of(data, size));
    if (ts_json_parse(&json, ts_slice_of(data, size), NULL) != TS_OK)
        return 0;
    try_ack(json);
    try_resume(json);
    try_state(json);
    try_pull(json);
    try_desk(json);
    try_bell(json);
    try_hub(json);
    try_records(json);
    json_decref(json);
    return 0;
}
