#include "sync/proxy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The judgement of a piece is the judgement of the whole, or "more". */
static void try_pieces(struct ts_slice all, enum ts_status whole,
                       const struct proxy_reply *reply) {
    for (size_t cut = 0; cut < all.len; cut += 1 + all.len / 64) {
        struct proxy_reply piece = {0};
        enum ts_status status =
            proxy_reply_parse(&piece, ts_slice_of(all.data, cut));

        if (status == TS_AGAIN)
            continue;
        if (status != whole ||
            (status == TS_OK &&
             (piece.status != reply->status || piece.len != reply->len)))
            abort();
    }
}

static void try_texts(struct ts_slice all) {
    struct broker_address address;
    char text[512];

    if (all.len >= sizeof text)
        return;
    memcpy(text, all.data, all.len);
    text[all.len] = 0;
    if (proxy_url_parse(&address, text, NULL) == TS_OK && !address.port)
        abort();
    if (broker_address_parse(&address, text, 8883, NULL) == TS_OK &&
        (!address.port || !address.host[0]))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ts_slice all = ts_slice_of(data, size);
    struct proxy_reply reply = {0};
    enum ts_status status = proxy_reply_parse(&reply, all);

    if (status == TS_OK && (reply.len > size || reply.len > PROXY_REPLY_MAX ||
                            reply.status < 100 || reply.status > 599))
        abort();
    try_pieces(all, status, &reply);
    if (size)
        try_texts(all);
    return 0;
}
