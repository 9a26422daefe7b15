#include "sync/parcel.h"

void parcel_init(struct parcel *parcel, const struct uplink_source *source,
                 size_t max_publish_bytes, bool compress) {
    *parcel = (struct parcel){.source = source,
                              .max_publish_bytes = max_publish_bytes};
    if (compress)
        parcel->codec = batch_codec_new(batch_dictionary);
    batch_init(&parcel->batch);
    ts_buf_init(&parcel->out, 0);
}

void parcel_fini(struct parcel *parcel) {
    batch_codec_free(parcel->codec);
    batch_fini(&parcel->batch);
    ts_buf_fini(&parcel->out);
}

uint32_t parcel_dictionary(const struct parcel *parcel) {
    return parcel->codec ? batch_codec_dictionary(parcel->codec) : 0;
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
    struct gather gather = {&parcel->batch, send->from, 0, 0};
    enum ts_status status;

    batch_clear(&parcel->batch);
    status = source->read(source->ctx, send->journal, send->from, max_rows,
                          gather_row, &gather, err);
    *sent = (struct uplink_core_sent){gather.first, gather.last, 0};
    if (status != TS_OK)
        return status;
    return gather.last ? TS_OK : TS_CORRUPT;
}

static enum ts_status close_plain(struct parcel *parcel) {
    ts_buf_clear(&parcel->out);
    if (ts_buf_add(&parcel->out, ts_buf_slice(&parcel->batch.json)) != TS_OK)
        return TS_FULL;
    return ts_buf_add_text(&parcel->out, "]");
}

static enum ts_status encode(struct parcel *parcel,
                             const struct uplink_core_send *send) {
    size_t limit = parcel->max_publish_bytes;

    if (send->max_bytes && send->max_bytes < limit && parcel->batch.events > 1)
        limit = send->max_bytes;
    ts_buf_clear(&parcel->out);
    if (parcel->codec)
        return batch_finish(&parcel->batch, parcel->codec, send->dictionary,
                            limit, &parcel->out);
    return parcel->batch.json.len + 1 > limit ? TS_FULL : close_plain(parcel);
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
        rows = parcel->batch.events / 2;
        if (rows == 0)
            break;
    }
    if (close_plain(parcel) != TS_OK)
        return ts_fail(err, TS_INVALID, "an event of %zu bytes",
                       parcel->batch.json.len);
    return TS_OK;
}
