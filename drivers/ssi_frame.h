/* Packets out of a byte stream that has no sync byte: by length, checksum and
 * silence. Deterministic byte by byte, however they are cut into reads. */
#ifndef TS_DRIVERS_SSI_FRAME_H
#define TS_DRIVERS_SSI_FRAME_H

#include "drivers/ssi.h"

enum { SSI_SAMPLE = 32 };

struct ssi_frame {
    size_t len;
    size_t taken;          /* handed out; goes at the next step */
    size_t lost;           /* bytes given up since the last packet */
    size_t noise;          /* of them 00 and FF: breaks, brown-outs */
    size_t text;           /* of them printable or a line end */
    enum scan_error error; /* of the lost bytes when a packet follows */
    bool checksum;         /* they began as a packet with a wrong checksum */
    bool fresh;            /* and told a message of its own */
    bool told;             /* more than anyone wants to read */
    bool silent;           /* nothing comes any more */
    uint8_t sample[SSI_SAMPLE];
    uint8_t bytes[SSI_PACKET_MAX];
};

enum ssi_step { SSI_STEP_NONE, SSI_STEP_PACKET, SSI_STEP_FAULT };

struct ssi_fault {
    enum scan_error error;
    const char *hint;
    bool resend; /* the scanner should send it again */
    bool raw;    /* text instead of packets: it was not set up */
    bool fresh;  /* it was no retransmission */
};

/* Zeroes it: what is half read may be a payment card. */
void ssi_frame_wipe(struct ssi_frame *frame);
/* After each byte, take steps until SSI_STEP_NONE. */
void ssi_frame_add(struct ssi_frame *frame, uint8_t byte);
/* SSI_SILENCE_MS have passed; then take steps. */
void ssi_frame_silence(struct ssi_frame *frame);
/* The packet's data stands until the next step. */
enum ssi_step ssi_frame_next(struct ssi_frame *frame, struct ssi_packet *packet,
                             struct ssi_fault *fault);
/* Bytes wait for more. */
bool ssi_frame_waits(const struct ssi_frame *frame);

#endif
