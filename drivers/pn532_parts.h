/* What the parts of the PN532 driver share: the conversation with the chip
 * (pn532.c), the card in its field (pn532_card.c) and answers that nobody waits
 * for (pn532_show.c). */
#ifndef TS_DRIVERS_PN532_PARTS_H
#define TS_DRIVERS_PN532_PARTS_H

#include "drivers/driver.h"
#include "drivers/ndef.h"
#include "drivers/pn532_frame.h"
#include "drivers/pn532_tag.h"
#include "drivers/presence.h"

enum {
    PN532_PAUSE_MS = 100, /* between two looks into the field */
    PN532_READ_BYTES = 16 /* four pages */
};

/* The command in flight, or what is waited for. */
enum pn532_step {
    STEP_WAKE,
    STEP_FIRMWARE,
    STEP_RETRIES,
    STEP_LIST,
    STEP_READ,
    STEP_RELEASE,
    STEP_PAUSE,
    STEP_QUIET,
    STEP_SILENT
};

/* A card whose memory could not be read yet. */
struct pn532_trouble {
    uint64_t card; /* 0: none */
    unsigned tries;
    enum scan_error error;
};

struct pn532 {
    const struct driver_profile *profile;
    struct pn532_frame frame;
    struct ts_mono last_byte;
    struct ts_mono due;
    enum pn532_step step;
    bool clocked; /* the time is known: not before the first call after open */
    bool acked;   /* the command in flight was taken */
    bool late;    /* an answer to an earlier command may still come */
    bool reading; /* `memory` belongs to `target` */
    bool ready;   /* set up since the port was opened */
    bool heard;   /* a frame since then: it is one of these chips */
    bool told;    /* its silence */
    bool first;   /* no look since the port was opened found nothing: the card
                     may have been read before, by an agent that was killed */
    unsigned tries;
    unsigned nacks;
    unsigned silent; /* set-ups in a row that failed */
    struct ts_mono now;
    uint8_t command[PN532_COMMAND_MAX];
    size_t command_len;
    struct pn532_target target;
    struct presence presence;
    struct pn532_trouble trouble;
    size_t memory_len;
    size_t memory_size; /* of the tag's data area */
    uint8_t memory[NDEF_MEMORY_MAX + PN532_READ_BYTES];
    struct ndef_text text;
    char uid[PN532_UID_TEXT]; /* of the card that is being reported */
    char revision[24];
};

#define COMMAND(...)                                                           \
    ts_slice_of((const uint8_t[]){__VA_ARGS__},                                \
                sizeof((const uint8_t[]){__VA_ARGS__}))

void pn532_wipe(void *state);
/* Nothing is in flight until then. */
void pn532_wait(struct pn532 *chip, enum pn532_step step, unsigned ms);
void pn532_command(struct pn532 *chip, enum pn532_step step,
                   struct ts_slice command, const struct driver_sink *sink);
/* Looks into the field. */
void pn532_list(struct pn532 *chip, const struct driver_sink *sink);
void pn532_say(const struct driver_sink *sink, enum notice_kind kind,
               const char *name, const char *text);

/* Answers to InListPassiveTarget and InDataExchange. */
void pn532_on_list(struct pn532 *chip, struct ts_slice answer,
                   const struct driver_sink *sink);
void pn532_on_read(struct pn532 *chip, struct ts_slice answer,
                   const struct driver_sink *sink);
void pn532_field_empty(struct pn532 *chip, const struct driver_sink *sink);
/* The card in hand was not read whole: looks again, it may still lie there. */
void pn532_card_failed(struct pn532 *chip, enum scan_error error);

/* An answer that does not belong to the command in flight, or one of the
 * set-up: for people who look at the wire. */
void pn532_show(uint8_t code, struct ts_slice answer,
                const struct driver_sink *sink);

#endif
