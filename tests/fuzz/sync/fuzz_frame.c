/* zstd frames made by hand, so that the fuzzer need not find the format: what
 * the header claims and what the blocks expand to are both its choice. Input:
 * flags, window byte, eight bytes of stated size, then the blocks; each is a
 * kind, 16 bits of size in units of 8, and for a raw block its length in one
 * byte and its bytes. */
#include "sync/batch.h"

#include <stdlib.h>
#include <string.h>

enum {
    OUR_DICTIONARY = 1,
    OTHER_DICTIONARY = 2,
    SINGLE_SEGMENT = 4,
    TRUE_SIZE = 8,
    SIZE_FLAG = 0x30, /* how many bytes state the size: RFC 8878, 3.1.1.1.1 */
    TAIL = 0x40,
    HEAD = 10,
    MAX_BLOCKS = 4096
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(struct ts_buf *out, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i));
        if (ts_buf_add(out, ts_slice_of(&byte, 1)) != TS_OK)
            abort();
    }
}

/* 3 bytes of header: last block, kind, size. */
static void put_block(struct ts_buf *out, bool last, unsigned kind,
                      uint32_t size, struct ts_slice content) {
    put(out, (uint64_t)last | (uint64_t)kind << 1 | (uint64_t)size << 3, 3);
    if (ts_buf_add(out, content) != TS_OK)
        abort();
}

/* Appends the blocks; what they expand to is returned. */
static uint64_t put_blocks(struct ts_buf *out, struct ts_slice in) {
    uint64_t expands = 0;
    size_t at = 0;

    for (unsigned i = 0; i < MAX_BLOCKS && at + 4 <= in.len; i++) {
        unsigned kind = in.data[at] & 3;
        uint32_t size =
            (uint32_t)(in.data[at + 1] | in.data[at + 2] << 8) * 8 % 131073;
        size_t length = in.data[at + 3];
        at += 4;
        if (kind == 1) {
            uint8_t fill = (uint8_t)length;
            put_block(out, false, kind, size, ts_slice_of(&fill, 1));
            expands += size;
            continue;
        }
        if (length > in.len - at)
            length = in.len - at;
        put_block(out, false, kind, (uint32_t)length,
                  ts_slice_of(in.data + at, length));
        at += length;
        expands += length;
    }
    put_block(out, true, 0, 0, ts_slice_text(""));
    return expands;
}

static void put_frame(struct ts_buf *out, const struct batch_codec *codec,
                      struct ts_slice in) {
    static const uint8_t sizes[] = {0, 2, 4, 8};
    uint8_t flags = in.data[0];
    unsigned size_flag = (flags & SIZE_FLAG) >> 4;
    unsigned bytes = sizes[size_flag];
    uint32_t id = flags & OUR_DICTIONARY     ? batch_codec_dictionary(codec)
                  : flags & OTHER_DICTIONARY ? 77777
                                             : 0;
    bool single = flags & SINGLE_SEGMENT;
    struct ts_buf blocks = {0};
    uint64_t claimed;

    memcpy(&claimed, in.data + 2, sizeof claimed);
    if (flags & TRUE_SIZE)
        claimed =
            put_blocks(&blocks, ts_slice_of(in.data + HEAD, in.len - HEAD));
    else
        (void)put_blocks(&blocks, ts_slice_of(in.data + HEAD, in.len - HEAD));
    if (!bytes && single)
        bytes = 1;
    put(out, 0xfd2fb528, 4);
    put(out, size_flag << 6 | (single ? 0x20u : 0) | (id ? 3 : 0), 1);
    if (!single)
        put(out, in.data[1], 1);
    put(out, id, id ? 4 : 0);
    put(out, bytes == 2 ? claimed - 256 : claimed, bytes);
    if (ts_buf_add(out, ts_buf_slice(&blocks)) != TS_OK)
        abort();
    if (flags & TAIL)
        put(out, claimed, 4);
    ts_buf_fini(&blocks);
}

/* Whatever a frame claims: what is taken is an array within its limits, and
 * what is refused has left nothing. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct batch_codec *codec;
    struct ts_buf frame = {0};
    json_t *events = NULL;
    enum batch_refusal why;

    if (size < HEAD)
        return 0;
    if (!codec)
        codec = batch_codec_shipped();
    put_frame(&frame, codec, ts_slice_of(data, size));
    why = batch_decode(codec, ts_buf_slice(&frame), &events, NULL);
    if (why == BATCH_TAKEN ? json_array_size(events) < 1 ||
                                 json_array_size(events) > BATCH_MAX_EVENTS
                           : events != NULL)
        abort();
    if (why == BATCH_REFUSED_IDENTITY || why == BATCH_REFUSED_BUSY)
        abort();
    json_decref(events);
    ts_buf_fini(&frame);
    return 0;
}
