/* What to send next, and what an answer means: the terminal's end of the sync
 * protocol as a state machine without I/O. Time is passed in; sending goes
 * through the port; nothing is released but on an ack that can be true. */
#ifndef TS_SYNC_UPLINK_CORE_H
#define TS_SYNC_UPLINK_CORE_H

#include "sync/flights.h"
#include "sync/pace.h"
#include "sync/uplink.h"

enum {
    UPLINK_WINDOW_MAX = FLIGHTS_MAX,
    UPLINK_JOURNALS_MAX = 4096, /* held at once; the rest waits, oldest first */
    UPLINK_BACKOFF_MS = 60000,  /* the longest wait between two offers */
    UPLINK_ASK_MS = 900000,     /* at rest: asks how far the hub's word goes */
    UPLINK_FRESH_ROWS = 32      /* so few unsent rows are no backlog */
};

struct uplink_core_send {
    const char *journal;
    uint64_t from;
    bool single;      /* one event only */
    bool dictionary;  /* allowed */
    size_t max_bytes; /* of the publish, should one event fit; 0: any */
};
struct uplink_core_sent {
    uint64_t first, last; /* contiguous */
    size_t bytes;         /* on the wire */
};

struct uplink_core_port {
    void *ctx;
    /* Publishes rows of one journal. TS_FULL: the line is busy, call
     * uplink_core_pump later. TS_CORRUPT: there is no row `from`; sent->first
     * is the next one there is (0: none), nothing was sent. */
    enum ts_status (*send)(void *ctx, const struct uplink_core_send *send,
                           struct uplink_core_sent *sent, struct ts_err *err);
    enum ts_status (*resume)(void *ctx, const struct message_resume *resume,
                             struct ts_err *err);
    /* An ack to a batch that was sent once: the hub's clock at `at`. */
    void (*hub_time)(void *ctx, struct ts_wall hubtime, struct ts_mono at,
                     int64_t error_ms);
    /* The hub has come back and our turn is there: `state` is to be told. */
    void (*greet)(void *ctx);
    uint32_t (*random)(void *ctx);
};

struct uplink_core_options {
    unsigned ack_timeout_ms;
    unsigned max_window;
    uint32_t spread_ms; /* over this the terminals greet a hub that is back */
    struct pace_options pace;
};

struct uplink_core;

struct uplink_core *uplink_core_new(const struct uplink_core_options *options,
                                    const struct uplink_source *source,
                                    const struct uplink_core_port *port);
void uplink_core_free(struct uplink_core *core);

/* A session begins: `resume` for every journal held, window 1, everything
 * unacknowledged is sent again. */
void uplink_core_up(struct uplink_core *core, struct ts_mono now);
/* The hub has come back: port.greet and then the same as uplink_core_up, after
 * a random part of spread_ms, since every other terminal hears it as well. */
void uplink_core_hub_back(struct uplink_core *core, struct ts_mono now);
void uplink_core_down(struct uplink_core *core);
/* New rows may be there. */
void uplink_core_notify(struct uplink_core *core, struct ts_mono now);
void uplink_core_on_ack(struct uplink_core *core, struct ts_mono now,
                        const struct message_ack *ack);
/* Whether the hub knows our dictionary. */
void uplink_core_set_dictionary(struct uplink_core *core, bool known);
/* Sends what may be sent; at the deadline, and when the line has room. */
void uplink_core_pump(struct uplink_core *core, struct ts_mono now);
/* When to pump at the latest; false: nothing is waited for. */
bool uplink_core_deadline(const struct uplink_core *core, struct ts_mono *at);

struct uplink_core_status {
    unsigned window, in_flight;
    uint64_t batches_sent, batches_resent, events_acked;
    uint64_t refused, alarms, timeouts;
    uint64_t unsent;        /* rows not acknowledged, all journals */
    bool answered;          /* the hub has answered in this session */
    enum pace_reason waits; /* rows wait on purpose, until `waits_until` */
    struct ts_mono waits_until;
    struct ts_err error; /* the last failure of source or line, or TS_OK */
    struct ts_err alarm; /* the last alarm, or TS_OK */
};
void uplink_core_get_status(const struct uplink_core *core,
                            struct uplink_core_status *out);
/* Error and alarm have been told; the counters stay. */
void uplink_core_forget_errors(struct uplink_core *core);
/* The oldest row that is not acknowledged; false: none. `newest` is the
 * journal that grows. */
bool uplink_core_oldest(const struct uplink_core *core,
                        char journal[TS_JOURNAL_TEXT], uint64_t *sequence);
void uplink_core_newest(const struct uplink_core *core,
                        char journal[TS_JOURNAL_TEXT]);

#endif
