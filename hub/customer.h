/* The customer side of the hub, put together: online events, who is who,
 * journeys, and their doors on the HTTP server. */
#ifndef TS_HUB_CUSTOMER_H
#define TS_HUB_CUSTOMER_H

#include "hub/web.h"

struct ts_keys;
struct lease;
struct customer;

/* Rows of the settings file: identity { }, online { }, derive { }. */
extern const struct ts_setting customer_identity_settings[];
extern const struct ts_setting customer_online_settings[];
extern const struct ts_setting customer_derive_settings[];

void customer_declare(struct ts_metrics *metrics);

/* What it is made from; all of it must outlive it. `loop` NULL: nothing is
 * derived by itself (rebuild). */
struct customer_parts {
    struct event_base *loop;
    const struct hub_config *config;
    struct db *db;
    const struct ts_keys *keys;
    const struct ts_clock *clock;
    struct ts_metrics *metrics; /* or NULL */
    const struct lease *lease;  /* or NULL (rebuild) */
};
struct customer *customer_open(const struct customer_parts *parts);
void customer_close(struct customer *customer);
/* Online sources are answered 503 while not ready. */
void customer_set_ready(struct customer *customer, bool ready);
/* A shard has new events: after each commit of the intake. */
void customer_notify(struct customer *customer, unsigned shard);
/* `tessera-hub rebuild`: derives everything again from the archive. */
enum ts_status customer_rebuild(struct customer *customer, uint64_t *events,
                                struct ts_err *err) TS_MUST_USE;

/* For web_routes; ctx is a struct web.
 *   /v1/...             GET POST OPTIONS  customer_collect
 *   /api/people/lookup  GET               customer_lookup
 *   /api/people         GET               customer_recent
 *   /api/people/counts  GET               customer_counts */
ts_http_handler customer_collect, customer_lookup, customer_recent,
    customer_counts;

#endif
