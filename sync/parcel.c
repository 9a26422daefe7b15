#include "sync/parcel.h"

#include <stdlib.h>

struct parcel_press *parcel_press_new(void) {
    struct parcel_press *press = ts_alloc(sizeof *press);

    press->codec = batch_codec_shipped();
    batch_init(&press->batch);
    ts_buf_init(&press->out, 0);
    return press;
}

void parcel_press_rest(struct parcel_press *press) {
    batch_codec_rest(press->codec);
    batch_fini(&press->batch);
    ts_buf_fini(&press->out);
}

void parcel_press_free(struct parcel_press *press) {
    if (!press)
        return;
    parcel_press_rest(press);
    batch_codec_free(press->codec);
    free(press);
}

void parcel_init(struct parcel *parcel, const struct uplink_source *source,
                 size_t max_publish_bytes, bool compress,
                 struct parcel_press *press) {
    *parcel = (struct parcel){.source = source,
                              .press = press ? press : parcel_press_new(),
                              .own_press = !press,
                              .compress = compress,
                              .max_publish_bytes = max_publish_bytes};
}

void parcel_fini(struct parcel *parcel) {
    if (parcel->own_press)
        parcel_press_free(parcel->press);
}

uint32_t parcel_dictionary(const struct parcel *parcel) {
    return parcel->compress ? batch_codec_dictionary(parcel->press->codec) : 0;
}

struct gather {
    struct batch *batch;
    uint64_t from, first, last;
};

static bool gather_row(void *arg, uint64_t sequence, struct ts_slice payload) {
    struct gather *gather = arg;
    struct batch *batch = gather->batch;

    if (!gather->first)
        gather->first = sequence;
    if (sequence != gather->from + batch->events)
        return false;
    if (batch_add(batch, payload) != TS_OK) {
        if (batch->events || ts_buf_add_text(&batch->json, "[") != TS_OK ||
            ts_buf_add(&batch->json, payload) != TS_OK)
            return false;
        batch->events = 1;
        gather->last = sequence;
        return false;
    }
    gather->last = sequence;
    return true;
}

static enum ts_status gather_rows(struct parcel *parcel,
                                  const struct uplink_core_send *send,
                                  size_t max_rows,
                                  struct uplink_core_sent *sent,
                                  struct ts_err *err) {
    const struct uplink_source *source = parcel->source;
    struct gather gather = {&parcel->press->batch, send->from, 0, 0};
    enum ts_status status;

    batch_clear(&parcel->press->batch);
    status = source->read(source->ctx, send->journal, send->from, max_rows,
                          gather_row, &gather, err);
    *sent = (struct uplink_core_sent){gather.first, gather.last, 0};
    if (status != TS_OK)
        return status;
    return gather.last ? TS_OK : TS_CORRUPT;
}

static enum ts_status close_plain(struct parcel *parcel) {
    ts_buf_clear(&parcel->press->out);
    if (ts_buf_add(&parcel->press->out,
                   ts_buf_slice(&parcel->press->batch.json)) != TS_OK)
        return TS_FULL;
    return ts_buf_add_text(&parcel->press->out, "]");
}

static enum ts_status encode(struct parcel *parcel,
                             const struct uplink_core_send *send) {
    size_t limit = parcel->max_publish_bytes;

    if (send->max_bytes && send->max_bytes < limit &&
        parcel->press->batch.events > 1)
        limit = send->max_bytes;
    ts_buf_clear(&parcel->press->out);
    if (parcel->compress)
        return batch_finish(&parcel->press->batch, parcel->press->codec,
                            send->dictionary, limit, &parcel->press->out);
    return parcel->press->batch.json.len + 1 > limit ? TS_FULL
                                                     : close_plain(parcel);
}

/* Fewer rows until they fit. */
enum ts_status parcel_pack(struct parcel *parcel,
                           const struct uplink_core_send *send,
                           struct uplink_core_sent *sent, struct ts_err *err) {
    size_t rows = send->single ? 1 : BATCH_MAX_EVENTS;

    for (;;) {
        enum ts_status status = gather_rows(parcel, send, rows, sent, err);
        if (status != TS_OK)
            return status;
        if (encode(parcel, send) == TS_OK)
            return TS_OK;
        rows = parcel->press->batch.events / 2;
        if (rows == 0)
            break;
    }
    if (close_plain(parcel) != TS_OK)
        return ts_fail(err, TS_INVALID, "an event of %zu bytes",
                       parcel->press->batch.json.len);
    return TS_OK;
}
