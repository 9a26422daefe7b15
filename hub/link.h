/* The hub's end of the broker: its session, its retained topics, and the
 * queue in front of intake. */
#ifndef TS_HUB_LINK_H
#define TS_HUB_LINK_H

#include "hub/config.h"
#include "hub/intake.h"

struct link;

struct link_options {
    struct event_base *loop;
    const struct hub_config *config;
    struct intake *intake;
    struct db *db;
    const struct lease *lease;
    struct ts_metrics *metrics;
    /* The lease is lost: the program must end. */
    void (*on_lost)(void *ctx, const struct ts_err *reason);
    void *ctx;
};

void link_declare(struct ts_metrics *metrics);
enum ts_status link_open(struct link **out, const struct link_options *options,
                         struct ts_err *err) TS_MUST_USE;
/* Says offline; give the loop a moment to write it, then close. */
void link_leave(struct link *link);
void link_close(struct link *link);
/* Connected to the broker and subscribed. */
bool link_is_up(const struct link *link);

#endif
