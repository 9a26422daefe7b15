/* The seven small payloads and the topic in one input; the longer payloads
 * have a target of their own each. */
#include "sync/topic.h"
#include "tests/fuzz/sync/fuzz_payload.h"

FUZZ_TRY(ack)
FUZZ_TRY(resume)
FUZZ_TRY(state)
FUZZ_TRY(pull)
FUZZ_TRY(desk)
FUZZ_TRY(bell)
FUZZ_TRY(hub)

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
    json_decref(json);
    return 0;
}
