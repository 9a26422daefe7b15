#include "sync/batch.h"
#include "sync/event.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is taken is an array within its limits, and each event is read or
 * refused. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct batch_codec *codec;
    json_t *events = NULL;
    size_t index;
    const json_t *event;

    if (!codec)
        codec = batch_codec_shipped();
    if (batch_decode(codec, ts_slice_of(data, size), &events, NULL) !=
        BATCH_TAKEN) {
        if (events)
            abort();
        return 0;
    }
    if (json_array_size(events) < 1 ||
        json_array_size(events) > BATCH_MAX_EVENTS)
        abort();
    json_array_foreach(events, index, event) {
        struct event_view view;
        if (!json_is_object(event))
            abort();
        if (event_parse(&view, event, NULL) == TS_OK && view.sequence == 0)
            abort();
    }
    json_decref(events);
    return 0;
}
