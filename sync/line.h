/* One connection to the broker as a pipe in the loop: a UNIX socket on
 * libmosquitto's side, TCP (with TLS or bare, through a proxy or not) on the
 * other. libmosquitto sees
 * the socket only when the line stands, so its time-outs begin then. */
#ifndef TS_SYNC_LINE_H
#define TS_SYNC_LINE_H

#include "base/bytes.h"
#include "sync/brokers.h"
#include "sync/tls.h"

#include <event2/event.h>

struct line;

struct line_options {
    const struct broker_address *broker;
    const struct broker_address *proxy; /* or NULL */
    const char *proxy_file;             /* user:password for it, or NULL */
    unsigned first;          /* which of a name's addresses; see dial_options */
    const char *resolv_conf; /* see dial_options */
    struct tls *tls; /* NULL: bare TCP; borrowed, used by one line at a time */
    unsigned connect_timeout_ms; /* names, TCP, proxy and TLS together */
    const char *runtime_dir;     /* private folder for the socket's name */
};

struct line_events {
    void *ctx;
    /* Up: call line_attach now. */
    void (*on_ready)(void *ctx);
    /* Over, before or after on_ready; everything received has been written to
     * the UNIX socket before. Free the line then or later. */
    void (*on_closed)(void *ctx, const struct ts_err *reason);
};

struct line *line_open(struct event_base *loop,
                       const struct line_options *options,
                       const struct line_events *events);
void line_free(struct line *line);

/* Makes the socket, lets `connect_to` connect to its path (0: done), accepts,
 * checks that it was this process, and removes the name. */
enum ts_status line_attach(struct line *line,
                           int (*connect_to)(void *arg, const char *path),
                           void *arg, struct ts_err *err) TS_MUST_USE;
/* Moves what can be moved without waiting: before the program ends. */
void line_flush(struct line *line);
/* Bytes on the wire of a bare line; a TLS one counts in its tls. */
uint64_t line_bytes_in(const struct line *line);
uint64_t line_bytes_out(const struct line *line);

#endif
