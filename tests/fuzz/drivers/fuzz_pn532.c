/* A chip that says anything: no crash, the same however the bytes are cut, and
 * nothing sent but whole frames of the few commands that the driver needs. No
 * card is ever asked for more than pages of memory: no key, no selection of an
 * application, no write. */
#include "drivers/pn532_frame.h"
#include "drivers/pn532_tag.h"
#include "fuzz_talk.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An answer: code and data; nothing at all is an ACK. */
static size_t wrap(uint8_t out[TALK_FRAME_MAX], struct ts_slice bytes) {
    size_t len = bytes.len + 1;
    uint8_t sum = PN532_RESPONSE;
    size_t at = 3;

    if (bytes.len == 0) {
        memcpy(out, pn532_ack.data, pn532_ack.len);
        return pn532_ack.len;
    }
    memcpy(out, "\0\0\xff", 3);
    if (len > 0xff) {
        memset(out + at, 0xff, 2);
        out[at + 2] = (uint8_t)(len >> 8);
        out[at + 3] = (uint8_t)len;
        out[at + 4] = (uint8_t) - (out[at + 2] + out[at + 3]);
        at += 5;
    } else {
        out[at++] = (uint8_t)len;
        out[at++] = (uint8_t)-len;
    }
    out[at++] = PN532_RESPONSE;
    memcpy(out + at, bytes.data, bytes.len);
    at += bytes.len;
    for (size_t i = 0; i < bytes.len; i++)
        sum = (uint8_t)(sum + bytes.data[i]);
    out[at++] = (uint8_t)-sum;
    out[at++] = 0;
    return at;
}

static bool is_allowed(struct ts_slice command) {
    static const uint8_t read_page[] = {PN532_DATA_EXCHANGE, 1, 0x30};

    switch (command.data[0]) {
    case PN532_SAM_CONFIGURATION:
    case PN532_GET_FIRMWARE:
    case PN532_RF_CONFIGURATION:
    case PN532_LIST_TARGET:
    case PN532_RELEASE:
        return true;
    default:
        return command.len == sizeof read_page + 1 &&
               memcmp(command.data, read_page, sizeof read_page) == 0;
    }
}

static void check_sent(struct ts_slice bytes) {
    enum { HEAD = 6, TAIL = 2 };
    uint8_t sum = 0;

    if (ts_slice_equal(bytes, pn532_wake_up) ||
        ts_slice_equal(bytes, pn532_ack) || ts_slice_equal(bytes, pn532_nack))
        return;
    if (bytes.len < HEAD + 1 + TAIL || memcmp(bytes.data, "\0\0\xff", 3) != 0 ||
        bytes.data[3] + (size_t)7 != bytes.len ||
        (uint8_t)(bytes.data[3] + bytes.data[4]) != 0 || bytes.data[5] != 0xd4)
        abort();
    for (size_t i = HEAD - 1; i < bytes.len; i++)
        sum = (uint8_t)(sum + bytes.data[i]);
    if (sum != 0 ||
        !is_allowed(ts_slice_of(bytes.data + HEAD, bytes.len - HEAD - TAIL)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct talk talk = {"pn532", wrap, check_sent, false};

    fuzz_talk(&talk, ts_slice_of(data, size));
    return 0;
}
