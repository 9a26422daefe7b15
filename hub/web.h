/* The hub's HTTP server: one table of routes, one context. */
#ifndef TS_HUB_WEB_H
#define TS_HUB_WEB_H

#include "base/http.h"
#include "base/metrics.h"
#include "base/time.h"
#include "hub/config.h"
#include "hub/db.h"

struct link;
struct intake;
struct customer;

/* Everything that a handler may need; borrowed, filled by main. */
struct web {
    const struct hub_config *config;
    struct ts_metrics *metrics;
    const struct ts_clock *clock;
    /* NULL until the database was reached for the first time. */
    struct db *db;
    struct link *link;
    struct intake *intake;
    struct customer *customer; /* hub/customer.h */
};

/* All routes; ctx is a struct web. */
extern const struct ts_http_route web_routes[];

/* True when the request carries a known bearer token and the database was
 * reached; otherwise it has been answered (401, 503). */
bool hub_authorised(const struct web *web, struct ts_http_request *request);
/* Answers 503 or 500 for a failed call and logs it; `what` for the log. */
void web_reply_failure(struct ts_http_request *request, const char *what,
                       const struct ts_err *err);

/* For /api, hub/api.c. */
ts_http_handler api_archive, api_stores, api_alarms, api_holes, api_quarantine,
    api_quarantine_replay, api_counts;

#endif
