/* What staff and customers see: the checkout and kiosk pages, the view that
 * they draw, and the commands that they send. HTTP and server-sent events for
 * browsers on this machine alone: the address is loopback, Host must name it
 * (against DNS rebinding) and Origin, when sent, must be our own. */
#ifndef TS_AGENT_SCREEN_H
#define TS_AGENT_SCREEN_H

#include "base/bytes.h"

#include <event2/event.h>
#include <jansson.h>

typedef void screen_settled(void *arg, enum ts_status status);

/* What the screen needs of the terminal. A command that is not TS_OK fills
 * `err` with a text for the person at the screen. */
struct screen_actions {
    void *ctx;
    json_t *(*view)(void *ctx);   /* a new reference, never NULL */
    json_t *(*status)(void *ctx); /* a new reference, never NULL */
    enum ts_status (*metrics)(void *ctx, struct ts_buf *out);
    /* `currency` is NULL when the page left it to the terminal. */
    enum ts_status (*visit_close)(void *ctx, const char *receipt,
                                  int64_t total_minor, const char *currency,
                                  struct ts_err *err);
    enum ts_status (*visit_cancel)(void *ctx, struct ts_err *err);
    enum ts_status (*item_void)(void *ctx, const char *journal,
                                uint64_t sequence, struct ts_err *err);
    enum ts_status (*feedback)(void *ctx, const char *question, int score,
                               const char *text, struct ts_err *err);
    enum ts_status (*consent)(void *ctx, const char *purpose, bool granted,
                              struct ts_err *err);
    /* Calls `done` once when what the commands before it recorded is durable,
     * or cannot become so. */
    void (*settle)(void *ctx, screen_settled *done, void *arg);
    /* What is wrong with the recording and what to do. */
    const char *(*trouble)(void *ctx);
};

struct screen_options {
    const char *address;  /* loopback; NULL: 127.0.0.1 */
    uint16_t port;        /* 0: any free one */
    bool kiosk;           /* which page "/" answers */
    unsigned max_streams; /* open pages; 0: 16 */
};

struct screen;

/* `actions` is copied; its ctx outlives the screen. TS_INVALID when the
 * address is not of this machine. */
enum ts_status screen_start(struct screen **out, struct event_base *loop,
                            const struct screen_options *options,
                            const struct screen_actions *actions,
                            struct ts_err *err) TS_MUST_USE;
void screen_stop(struct screen *screen);
uint16_t screen_port(const struct screen *screen);

/* For lane_on_change and lane_on_recorded: `screen` is a struct screen. Many
 * changes in one turn of the loop are sent as one view. */
void screen_on_change(void *screen);
void screen_on_recorded(void *screen, const char *journal, uint64_t sequence,
                        const char *type);

#endif
