/* The terminal's end of the sync protocol: sends what the journal holds, in
 * order, and releases it on the hub's word alone. */
#ifndef TS_SYNC_UPLINK_H
#define TS_SYNC_UPLINK_H

#include "sync/batch.h"
#include "sync/event.h"
#include "sync/message.h"
#include "sync/mqtt.h"
#include "sync/pace.h"

/* One journal that the terminal still holds rows of. */
struct uplink_span {
    char journal[TS_JOURNAL_TEXT];
    uint64_t oldest; /* lowest sequence held, acked copies included */
    uint64_t newest;
    uint64_t through; /* acked up to here; unsent = newest - through */
};

/* Where the rows are: the journal implements it. */
struct uplink_source {
    void *ctx;
    /* Journals held, oldest first; at most `max`. */
    enum ts_status (*spans)(void *ctx, struct uplink_span *out, size_t max,
                            size_t *count, struct ts_err *err);
    /* Calls `row` for the durable rows from `from` on, in order, until it
     * answers false or `max_rows` were given. */
    enum ts_status (*read)(void *ctx, const char *journal, uint64_t from,
                           size_t max_rows,
                           bool (*row)(void *arg, uint64_t sequence,
                                       struct ts_slice payload),
                           void *arg, struct ts_err *err);
    /* The hub has everything of `journal` up to `through`. Lower than before:
     * the hub was restored, rows count as unsent again. */
    enum ts_status (*release)(void *ctx, const char *journal, uint64_t through,
                              struct ts_err *err);
};

struct uplink;

/* What batches are made with, some 2 MB in use. Uplinks of one thread may
 * share one: it holds nothing between two calls. */
struct parcel_press;
struct parcel_press *parcel_press_new(void);
/* Gives the 2 MB back until the next batch needs them. */
void parcel_press_rest(struct parcel_press *press);
void parcel_press_free(struct parcel_press *press);

struct uplink_options {
    const char *root; /* topic root */
    struct event_origin origin;
    const char *version;
    const char *journal; /* of this run; NULL: the newest held */
    struct mqtt_options mqtt;
    size_t max_publish_bytes;
    unsigned ack_timeout_ms; /* first wait for an ack; doubles, jittered */
    unsigned max_window;
    /* The counter kept by on_session, 0 at first; counting goes on behind
     * it. */
    uint64_t first_session;
    bool compress;
    struct pace_options pace;   /* its clock is that of `mqtt` */
    struct parcel_press *press; /* borrowed; NULL: one of its own */
};

struct uplink_events {
    void *ctx;
    /* A session begins; the owner keeps the counter for the next start. */
    void (*on_session)(void *ctx, uint64_t session);
    /* Connected or not, and the text for the status page. */
    void (*on_line)(void *ctx, bool up, const char *text);
    /* Offset wall = monotonic + offset_ms, known to error_ms. */
    void (*on_hub_time)(void *ctx, struct ts_wall hubtime, struct ts_mono at,
                        int64_t error_ms);
    /* An answer to `pull`, or a `bell` (records NULL). */
    void (*on_desk)(void *ctx, const struct message_desk *desk);
    void (*on_bell)(void *ctx, const struct message_bell *bell);
    /* With TLS, beside on_hub_time, or NULL: the time that certificates are
     * checked against at least, see mqtt_trust_time. */
    void (*on_time_floor)(void *ctx, struct ts_wall floor);
};

enum ts_status uplink_new(struct uplink **out, struct event_base *loop,
                          const struct uplink_options *options,
                          const struct uplink_source *source,
                          const struct uplink_events *events,
                          struct ts_err *err) TS_MUST_USE;
void uplink_free(struct uplink *uplink);
void uplink_start(struct uplink *uplink);
/* New durable rows are there. Cheap; call after each commit. */
void uplink_notify(struct uplink *uplink);
/* The journal of this run, when it is not the one of the options any more: a
 * broken file was replaced. Cheap when nothing changed. */
void uplink_set_journal(struct uplink *uplink, const char *journal);
/* Publishes `state` offline, says DISCONNECT, stays down. */
void uplink_stop(struct uplink *uplink);
/* Asks the hub for desk records; dropped when the line is down. */
void uplink_pull(struct uplink *uplink, const struct message_pull *pull);

struct uplink_status {
    bool up;
    unsigned window, in_flight;
    uint64_t batches_sent, batches_resent, events_acked;
    uint64_t refused; /* acks that refused */
    /* Acks beyond what was sent, denied publishes and subscriptions. */
    uint64_t alarms;
    char broker[BROKER_TEXT];   /* in use, or tried next */
    enum pace_reason waits;     /* rows wait on purpose ... */
    struct ts_wall waits_until; /* ... until then */
    char last_error[TS_ERR_TEXT];
    struct mqtt_stats line;
};
void uplink_get_status(const struct uplink *uplink, struct uplink_status *out);

#endif
