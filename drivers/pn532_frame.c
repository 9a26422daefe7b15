#include "drivers/pn532_frame.h"

#include <assert.h>
#include <string.h>

enum phase { HUNTING, HEAD, DATA };
enum { HOST_TO_CHIP = 0xd4, ERROR_CODE = 0x7f };

#define BYTES(text)                                                            \
    { (const uint8_t *)(text), sizeof(text) - 1 }

const struct ts_slice pn532_ack = BYTES("\0\0\xff\0\xff\0");
const struct ts_slice pn532_nack = BYTES("\0\0\xff\xff\0\0");
const struct ts_slice pn532_wake_up = BYTES("\x55\x55\0\0\0\0\0\0\0\0\0\0\0\0");

static enum pn532_frame_kind frame_end(struct pn532_frame *frame,
                                       enum pn532_frame_kind kind) {
    frame->phase = HUNTING;
    frame->zero = false;
    return kind;
}

static enum pn532_frame_kind head_length(struct pn532_frame *frame,
                                         size_t want) {
    if (want == 0 || want > PN532_DATA_MAX)
        return frame_end(frame, PN532_BAD_LENGTH);
    frame->want = want;
    frame->len = 0;
    frame->sum = 0;
    frame->phase = DATA;
    return PN532_NOTHING;
}

/* 00 FF is an ACK, FF 00 a NACK, FF FF leads to a length of two bytes. */
static enum pn532_frame_kind take_head(struct pn532_frame *frame,
                                       uint8_t byte) {
    uint8_t *head = frame->head;

    head[frame->head_len++] = byte;
    if (frame->head_len == 2) {
        if (head[0] == 0x00 && head[1] == 0xff)
            return frame_end(frame, PN532_ACK);
        if (head[0] == 0xff && head[1] == 0x00)
            return frame_end(frame, PN532_NACK);
        if (head[0] == 0xff && head[1] == 0xff)
            return PN532_NOTHING;
        if ((uint8_t)(head[0] + head[1]) != 0)
            return frame_end(frame, PN532_BAD_LENGTH);
        return head_length(frame, head[0]);
    }
    if (frame->head_len < sizeof frame->head)
        return PN532_NOTHING;
    if ((uint8_t)(head[2] + head[3] + head[4]) != 0)
        return frame_end(frame, PN532_BAD_LENGTH);
    return head_length(frame, (size_t)(head[2] << 8 | head[3]));
}

static enum pn532_frame_kind take_data(struct pn532_frame *frame,
                                       uint8_t byte) {
    frame->sum = (uint8_t)(frame->sum + byte);
    if (frame->len < frame->want) {
        frame->data[frame->len++] = byte;
        return PN532_NOTHING;
    }
    if (frame->sum != 0)
        return frame_end(frame, PN532_BAD_CHECKSUM);
    bool error = frame->len == 1 && frame->data[0] == ERROR_CODE;
    return frame_end(frame, error ? PN532_ERROR : PN532_DATA);
}

enum pn532_frame_kind pn532_frame_take(struct pn532_frame *frame,
                                       uint8_t byte) {
    if (frame->phase == HEAD)
        return take_head(frame, byte);
    if (frame->phase == DATA)
        return take_data(frame, byte);
    if (frame->zero && byte == 0xff) {
        frame->phase = HEAD;
        frame->head_len = 0;
    }
    frame->zero = byte == 0x00;
    return PN532_NOTHING;
}

bool pn532_frame_open(const struct pn532_frame *frame) {
    return frame->phase != HUNTING;
}

void pn532_frame_wipe(struct pn532_frame *frame) {
    explicit_bzero(frame, sizeof *frame);
}

size_t pn532_frame_write(uint8_t out[PN532_FRAME_MAX],
                         struct ts_slice command) {
    size_t len = command.len + 1;
    uint8_t sum = HOST_TO_CHIP;

    assert(command.len > 0 && len <= PN532_COMMAND_MAX);
    memcpy(out,
           (uint8_t[]){0, 0, 0xff, (uint8_t)len, (uint8_t)(0x100 - len),
                       HOST_TO_CHIP},
           6);
    for (size_t i = 0; i < command.len; i++) {
        out[6 + i] = command.data[i];
        sum = (uint8_t)(sum + command.data[i]);
    }
    out[6 + command.len] = (uint8_t)(0x100 - sum);
    out[7 + command.len] = 0;
    return command.len + 8;
}
