/* The `ssi` driver: Zebra's Simple Serial Interface, packets both ways. The
 * scanner deletes a scan on our ACK, so the ACK waits for `confirm`. */
#ifndef TS_DRIVERS_SSI_H
#define TS_DRIVERS_SSI_H

#include "drivers/driver.h"

extern const struct driver ssi_driver;

/* The rows of ssi_profiles.c; the first is the default. */
extern const struct driver_profile ssi_profiles[];

enum {
    SSI_HEADER = 4,       /* length, opcode, source, status */
    SSI_LENGTH_MAX = 255, /* without the checksum */
    SSI_PACKET_MAX = SSI_LENGTH_MAX + 2,
    SSI_SILENCE_MS = 200,      /* between two bytes of a packet */
    SSI_ANSWER_MS = 2000,      /* to a command of ours */
    SSI_PARTIAL_MS = 3000,     /* for the rest of a long code */
    SSI_RETRANSMIT_MS = 30000, /* two repeats at the longest time-out */
    SSI_LED_MS = 1000,
    SSI_WAKE_MS = 100,
    SSI_SILENT_RETRY_MS = 10000
};

enum ssi_opcode {
    SSI_MULTIPACKET_SEGMENT = 0x73,
    SSI_MULTIPACKET_ACK = 0x74,
    SSI_MGMT_COMMAND = 0x80,
    SSI_SCANNER_INIT_REPLY = 0x91,
    SSI_REQUEST_REVISION = 0xa3,
    SSI_REPLY_REVISION = 0xa4,
    SSI_IMAGE_DATA = 0xb1,
    SSI_VIDEO_DATA = 0xb4,
    SSI_PARAM_SEND = 0xc6,
    SSI_PARAM_REQUEST = 0xc7,
    SSI_PARAM_DEFAULTS = 0xc8,
    SSI_CMD_ACK = 0xd0,
    SSI_CMD_NAK = 0xd1,
    SSI_FLUSH_QUEUE = 0xd2,
    SSI_CAPABILITIES_REQUEST = 0xd3,
    SSI_CAPABILITIES_REPLY = 0xd4,
    SSI_BATCH_DATA = 0xd6,
    SSI_START_SESSION = 0xe4,
    SSI_STOP_SESSION = 0xe5,
    SSI_BEEP = 0xe6,
    SSI_LED_ON = 0xe7,
    SSI_LED_OFF = 0xe8,
    SSI_SCAN_ENABLE = 0xe9,
    SSI_SCAN_DISABLE = 0xea,
    SSI_DECODE_DATA = 0xf3,
    SSI_REMOTE_KEY = 0xf5,
    SSI_EVENT = 0xf6,
    SSI_IMAGER_MODE = 0xf7
};

enum ssi_source { SSI_DECODER = 0x00, SSI_HOST = 0x04 };

/* All other bits are of no meaning here; cordless devices set some. */
enum ssi_status {
    SSI_RETRANSMIT = 0x01,
    SSI_CONTINUATION = 0x02,
    SSI_PERMANENT = 0x08
};

enum ssi_cause {
    SSI_RESEND = 0x01,
    SSI_BAD_CONTEXT = 0x02,
    SSI_DENIED = 0x06,
    SSI_CANCEL = 0x0a
};
/* "RESEND", ... or "unknown". */
const char *ssi_cause_name(int cause);

struct ssi_packet {
    uint8_t opcode;
    uint8_t source;
    uint8_t status;
    struct ts_slice data;
};

/* Two's complement of the sum. */
uint16_t ssi_checksum(struct ts_slice bytes);
/* The bytes on the wire; `data` is at most SSI_LENGTH_MAX - SSI_HEADER. */
size_t ssi_encode(uint8_t out[SSI_PACKET_MAX], const struct ssi_packet *packet);

struct ssi_type {
    enum symbology symbology;
    char aim; /* letter of its AIM identifier, or 0 */
};
/* By the bar code type byte of DECODE_DATA, supplements included. */
struct ssi_type ssi_type_of(uint8_t byte);

/* What sets the scanner up, one command a row; the last has opcode 0. */
struct ssi_command {
    uint8_t opcode;
    uint8_t len;
    uint8_t data[6];
    const char *name;
    /* What a person should know when the scanner will not have it, or NULL. */
    const char *declined;
};

/* `detail` of a profile. */
struct ssi_setup {
    const struct ssi_command *commands; /* NULL: it is set up already */
    bool wake;
};

#endif
