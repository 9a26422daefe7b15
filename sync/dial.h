/* A TCP connection by name, without ever blocking: evdns (or a numeric
 * address, or /etc/hosts), then each address in turn. */
#ifndef TS_SYNC_DIAL_H
#define TS_SYNC_DIAL_H

#include "base/bytes.h"

#include <event2/event.h>

struct dial;

/* `fd` is connected, non-blocking, with TCP_NODELAY, and the receiver's; or
 * -1 and `err` says why. Called once, by the loop, never by dial_new. */
typedef void dial_done(void *ctx, int fd, const struct ts_err *err);

struct dial *dial_new(struct event_base *loop, const char *host, uint16_t port,
                      dial_done *done, void *ctx);
/* Before `done` it cancels. Legal inside `done`. */
void dial_free(struct dial *dial);
/* What it waits for at present, for the text of a timeout. */
const char *dial_stage(const struct dial *dial);

#endif
