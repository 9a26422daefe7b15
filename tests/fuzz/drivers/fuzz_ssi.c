/* A scanner that says anything, to a host that answers anything: no crash, no
 * packet of ours that is not well formed, an answer for each scan, and the
 * same however the bytes are cut. */
#include "drivers/ssi.h"
#include "fuzz_talk.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Opcode, status, then the data. */
static size_t wrap(uint8_t out[TALK_FRAME_MAX], struct ts_slice bytes) {
    enum { DATA_MAX = SSI_LENGTH_MAX - SSI_HEADER };
    struct ssi_packet packet = {.opcode = SSI_DECODE_DATA};

    if (bytes.len > 0)
        packet.opcode = bytes.data[0];
    if (bytes.len > 1)
        packet.status = bytes.data[1];
    if (bytes.len > 2)
        packet.data = ts_slice_of(bytes.data + 2, bytes.len - 2);
    if (packet.data.len > DATA_MAX)
        packet.data.len = DATA_MAX;
    return ssi_encode(out, &packet);
}

static void check_sent(struct ts_slice bytes) {
    if (bytes.len == 1 && bytes.data[0] == 0)
        return;
    if (bytes.len < SSI_HEADER + 2 || bytes.data[0] + (size_t)2 != bytes.len ||
        bytes.data[2] != SSI_HOST)
        abort();
    uint16_t sum = ssi_checksum(ts_slice_of(bytes.data, bytes.data[0]));
    if (bytes.data[bytes.len - 2] != sum >> 8 ||
        bytes.data[bytes.len - 1] != (sum & 0xff))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct talk talk = {"ssi", wrap, check_sent, true};

    fuzz_talk(&talk, ts_slice_of(data, size));
    return 0;
}
