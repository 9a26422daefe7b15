/* Frames of the PN532: normal, extended, ACK, NACK and error, with a preamble
 * of any length. Source: NXP UM0701-02, 6.2.1. */
#ifndef TS_DRIVERS_PN532_FRAME_H
#define TS_DRIVERS_PN532_FRAME_H

#include "base/bytes.h"

enum {
    PN532_DATA_MAX = 265, /* TFI, code and 263 bytes of an extended frame */
    PN532_COMMAND_MAX = 16,
    PN532_FRAME_MAX = PN532_COMMAND_MAX + 8
};

enum pn532_frame_kind {
    PN532_NOTHING, /* not whole yet */
    PN532_ACK,
    PN532_NACK,
    PN532_ERROR, /* it does not understand our last frame */
    PN532_DATA,  /* data[0] is the TFI */
    PN532_BAD_LENGTH,
    PN532_BAD_CHECKSUM
};

/* Takes bytes one by one; zero-initialised is ready. After a bad frame it
 * looks for the next 00 FF. */
struct pn532_frame {
    uint8_t phase;
    bool zero;       /* the last byte may begin a start code */
    uint8_t head[5]; /* what follows the start code, up to the length sum */
    uint8_t head_len;
    uint8_t sum;
    size_t want;
    size_t len;
    uint8_t data[PN532_DATA_MAX];
};

enum pn532_frame_kind pn532_frame_take(struct pn532_frame *frame, uint8_t byte);
/* Within a frame: silence now means that its rest was lost. */
bool pn532_frame_open(const struct pn532_frame *frame);
void pn532_frame_wipe(struct pn532_frame *frame);

/* The frame for a command (code and parameters, without TFI, at most
 * PN532_COMMAND_MAX - 1 bytes); answers its length. */
size_t pn532_frame_write(uint8_t out[PN532_FRAME_MAX], struct ts_slice command);

extern const struct ts_slice pn532_ack;
extern const struct ts_slice pn532_nack;
/* Ahead of a command: brings the chip out of its power-down (UM0701-02,
 * 7.2.11), with time for its clock to start. */
extern const struct ts_slice pn532_wake_up;

#endif
