/* Frames, broken frames and text, cut anywhere: no crash, and the same scans
 * however the bytes are cut. */
#include "fuzz_talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Code letter, AIM letter and digit, then the text. */
static size_t wrap(uint8_t out[TALK_FRAME_MAX], struct ts_slice bytes) {
    enum { HEADER = 21, IDS = 3, IDS_AT = 17 };
    size_t ids = bytes.len < IDS ? bytes.len : IDS;
    size_t text = bytes.len - ids;
    size_t told = text + 1 + (HEADER - 7);

    (void)snprintf((char *)out, TALK_FRAME_MAX,
                   "\x16\xfe....\rMSGGET%04zujC0\x1d", text + 1);
    for (size_t i = 0; i < 4; i++)
        out[2 + i] = (uint8_t)(told >> (8 * i));
    if (bytes.len)
        memcpy(out + IDS_AT, bytes.data, ids);
    if (text)
        memcpy(out + HEADER, bytes.data + ids, text);
    out[HEADER + text] = '\r';
    return HEADER + text + 1;
}

static void check_sent(struct ts_slice bytes) {
    if (bytes.len < 3 || bytes.data[0] != 0x16)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct talk talk = {"dechdr", wrap, check_sent, false};

    fuzz_talk(&talk, ts_slice_of(data, size));
    return 0;
}
