/* A message out of packets: one DECODE_DATA, several with a continuation, or
 * the segments of cordless devices; and whether it was there before. */
#ifndef TS_DRIVERS_SSI_MESSAGE_H
#define TS_DRIVERS_SSI_MESSAGE_H

#include "drivers/ssi.h"

/* What is kept of the last packet to know it again. */
struct ssi_last {
    bool valid;
    bool hashed; /* a wiped one keeps no hash: it could be undone */
    uint8_t opcode;
    size_t len;
    uint16_t sum;
    uint32_t hash;
    struct ts_mono at;
};

struct ssi_message {
    bool open; /* half of it is there */
    bool overlong;
    uint8_t type;
    size_t want; /* segments: length of the whole; else 0 */
    size_t segment;
    size_t len;
    struct ts_mono at; /* of the last packet */
    uint8_t text[SCAN_MAX_TEXT];
};

enum ssi_progress {
    SSI_PROGRESS_DONE, /* `type`, `text` and `len` are whole */
    SSI_PROGRESS_MORE, /* the rest is to come */
    SSI_PROGRESS_EMPTY,
    SSI_PROGRESS_OVERLONG,
    SSI_PROGRESS_ODD /* a segment that fits nothing */
};

/* True: `packet` does not go on with what is open. */
bool ssi_message_interrupts(const struct ssi_message *message,
                            const struct ssi_packet *packet);
enum ssi_progress ssi_message_add(struct ssi_message *message,
                                  const struct ssi_packet *packet,
                                  struct ts_mono now);
void ssi_message_wipe(struct ssi_message *message);

bool ssi_last_is(const struct ssi_last *last, const struct ssi_packet *packet,
                 struct ts_mono now);
void ssi_last_set(struct ssi_last *last, const struct ssi_packet *packet,
                  struct ts_mono now);
void ssi_last_wipe(struct ssi_last *last);

#endif
