/* Reads one batch as it was published, in any of its forms, from standard
 * input and writes its events as JSON. */
#include "sync/batch.h"

#include <stdio.h>
#include <stdlib.h>

int main(void) {
    uint8_t *payload = ts_alloc(BATCH_MAX_BYTES);
    size_t len = fread(payload, 1, BATCH_MAX_BYTES, stdin);
    struct batch_codec *codec = batch_codec_shipped();
    json_t *events = NULL;
    struct ts_err err = {0};
    enum batch_refusal refusal =
        batch_decode(codec, ts_slice_of(payload, len), &events, &err);

    if (refusal == BATCH_TAKEN)
        (void)json_dumpf(events, stdout, JSON_COMPACT);
    else
        (void)fprintf(stderr, "%s: %s\n", batch_refusal_name(refusal),
                      err.text);
    json_decref(events);
    batch_codec_free(codec);
    free(payload);
    return refusal == BATCH_TAKEN ? EXIT_SUCCESS : EXIT_FAILURE;
}
