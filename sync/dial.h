/* A TCP connection by name, without ever blocking: evdns (or a numeric
 * address, or /etc/hosts), then the addresses one after the other, each with a
 * short head start before the next is tried beside it (RFC 8305). */
#ifndef TS_SYNC_DIAL_H
#define TS_SYNC_DIAL_H

#include "base/bytes.h"

#include <event2/event.h>

enum {
    DIAL_ADDRESSES_MAX = 8, /* of one name; those beyond are not tried */
    DIAL_HEAD_START_MS = 250,
    DIAL_LOOKUP_MS = 6000 /* for the name */
};

struct dial;

struct dial_options {
    const char *host;
    uint16_t port;
    /* Which address has the first head start; counts round the list. Another
     * one at each attempt, because one that takes connections may still be
     * dead. */
    unsigned first;
    const char *resolv_conf; /* NULL: /etc/resolv.conf */
};

/* `fd` is connected, non-blocking, with TCP_NODELAY, and the receiver's; or
 * -1 and `err` says why. Called once, by the loop, never by dial_new. */
typedef void dial_done(void *ctx, int fd, const struct ts_err *err);

struct dial *dial_new(struct event_base *loop,
                      const struct dial_options *options, dial_done *done,
                      void *ctx);
/* Before `done` it cancels. Legal inside `done`. */
void dial_free(struct dial *dial);
/* What it waits for at present, for the text of a timeout. */
const char *dial_stage(const struct dial *dial);

#endif
