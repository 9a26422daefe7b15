/* Our commands to the scanner, one at a time: set-up, tones, lights. */
#ifndef TS_DRIVERS_SSI_LINK_H
#define TS_DRIVERS_SSI_LINK_H

#include "drivers/ssi.h"

enum { SSI_QUEUE = 64, SSI_REVISION = 64 };

enum ssi_phase {
    SSI_WAKING, /* the wake-up byte is out */
    SSI_SET_UP, /* commands go out one after the other */
    SSI_READY,  /* all are answered */
    SSI_SILENT  /* none is: try again later */
};

enum ssi_flight { SSI_FLIGHT_NONE, SSI_FLIGHT_SETUP, SSI_FLIGHT_TONE };

struct ssi_link {
    const struct ssi_setup *setup;
    struct ts_mono now; /* as far as anybody told */
    bool timed;         /* somebody did */
    bool told_silent;
    enum ssi_phase phase;
    struct ts_mono phase_due; /* while waking or silent */
    size_t command;
    unsigned tries;
    const char *lacks; /* what a person should know of the set-up, or NULL */
    enum ssi_flight flight;
    struct ts_mono flight_due;
    uint8_t flying; /* its opcode */
    bool lit;
    struct ts_mono dark_due;
    size_t queued; /* bytes, of whole packets */
    uint8_t queue[SSI_QUEUE];
    char revision[SSI_REVISION];
};

/* The port opened. */
void ssi_link_open(struct ssi_link *link, const struct ssi_setup *setup,
                   const struct driver_sink *sink);
/* The set-up from its beginning; the scanner is awake. */
void ssi_link_restart(struct ssi_link *link, const struct driver_sink *sink);
void ssi_link_tick(struct ssi_link *link, struct ts_mono now,
                   const struct driver_sink *sink);
bool ssi_link_deadline(const struct ssi_link *link, struct ts_mono *at);
/* The scanner took what is in flight, or answered it. */
void ssi_link_taken(struct ssi_link *link, const struct driver_sink *sink);
/* The scanner would not. */
void ssi_link_declined(struct ssi_link *link, int cause,
                       const struct driver_sink *sink);
void ssi_link_revision(struct ssi_link *link, struct ts_slice text);
/* Packets that may be lost: a beep, a light. */
void ssi_link_say(struct ssi_link *link, struct ts_slice packets,
                  const struct driver_sink *sink);
/* What a person should know when the scanner will not have the command in
 * flight, or "". */
const char *ssi_link_hint(const struct ssi_link *link);
void ssi_send(const struct driver_sink *sink, const struct ssi_packet *packet);

#endif
