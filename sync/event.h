/* A store event on the wire: CloudEvents 1.0 JSON with the house's
 * extensions (docs/protocol.md, "Journal and events"). */
#ifndef TS_SYNC_EVENT_H
#define TS_SYNC_EVENT_H

#include "base/ids.h"
#include "base/json.h"
#include "base/json_plain.h"

enum { EVENT_MAX_BYTES = 32 * 1024 };

enum event_clock { EVENT_CLOCK_UNSET, EVENT_CLOCK_SET, EVENT_CLOCK_CORRECTED };

/* Who speaks: the same for all events of one run of a terminal. */
struct event_origin {
    char store[TS_NAME_TEXT];
    char terminal[TS_NAME_TEXT];
    char boot[TS_BOOT_TEXT];
};

/* What happened, before it has a number. */
struct event {
    const char *type; /* "card.presented": without "tessera." and ".v1" */
    struct ts_wall time;
    struct ts_mono uptime;
    enum event_clock clock;
    const char *visit; /* UUID, or NULL */
    json_t *data;      /* object, borrowed */
};

/* Appends the final bytes of the event; they never change afterwards.
 * TS_FULL over EVENT_MAX_BYTES, TS_INVALID for a type the protocol lacks. */
enum ts_status event_encode(struct ts_buf *out,
                            const struct event_origin *origin,
                            const char journal[TS_JOURNAL_TEXT],
                            uint64_t sequence, const struct event *event,
                            struct ts_err *err) TS_MUST_USE;

/* An event as read; text members are borrowed from the JSON. */
struct event_view {
    char store[TS_NAME_TEXT];
    char terminal[TS_NAME_TEXT];
    char journal[TS_JOURNAL_TEXT];
    uint64_t sequence;
    struct ts_slice source;
    struct ts_slice type; /* short form, without "tessera." and ".v1" */
    struct ts_wall time;
    char boot[TS_BOOT_TEXT];
    struct ts_mono uptime;
    enum event_clock clock;
    struct ts_slice visit; /* or empty */
    const json_t *data;    /* NULL from event_parse_plain */
};

/* Everything that the protocol asks of an event: attributes, id made of
 * journal and sequence, known clock word, data an object. Unknown members and
 * unknown types of the form tessera.<name>.v<n> pass. */
enum ts_status event_parse(struct event_view *out, const json_t *object,
                           struct ts_err *err) TS_MUST_USE;
/* The same of JSON that was read without a tree; `*out` is undefined when it
 * is refused. */
enum ts_status event_parse_plain(struct event_view *out,
                                 const struct ts_plain *plain, size_t at,
                                 struct ts_err *err) TS_MUST_USE;
/* A member of an event whose form these check. */
bool event_checked_member(struct ts_slice name);

/* True for the types of the protocol (short form). */
bool event_type_known(struct ts_slice type);

#endif
