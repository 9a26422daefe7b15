/* The HTTP door for online events: the Segment tracking API, so that existing
 * SDKs work unmodified. An answer of 200 follows the commit. Clients drop an
 * event for good on 400, 401 and 413 and lose it on a redirect; they keep it
 * on 429 and 503, which is what everything temporary is answered. */
#ifndef TS_HUB_COLLECT_H
#define TS_HUB_COLLECT_H

#include "base/http.h"
#include "base/metrics.h"
#include "hub/lease.h"
#include "hub/segment.h"

enum { COLLECT_MAX_BODY = 500 * 1024 };

struct collect_source {
    const char *name; /* [a-z0-9-]; part of every event's key */
    const char *write_key;
    const char *channel; /* "web", "app", "email", ... */
    enum segment_kind kind;
};

struct collect_options {
    struct db *db;             /* NULL: not ready yet */
    const struct lease *lease; /* checked in every transaction; NULL: none */
    const struct collect_source *sources;
    size_t source_count;
    struct segment_cards cards;
    const struct ts_clock *clock;
    struct ts_metrics *metrics;
    unsigned max_events_per_s; /* of one source, over 10 s; 0: no limit */
    /* After a commit with something new in the shard; may be NULL. */
    void (*on_commit)(void *ctx, unsigned shard);
    void *ctx;
};

struct collect;

void collect_declare(struct ts_metrics *metrics);
/* Copies the options; what they point to must outlive it. */
struct collect *collect_new(const struct collect_options *options);
void collect_free(struct collect *collect);
/* While not ready everything is answered 503. */
void collect_set_ready(struct collect *collect, bool ready);

/* Answers any request under /v1/; give it GET, POST and OPTIONS. */
void collect_handle(struct collect *collect, struct ts_http_request *request);

/* The same before the database was reached for the first time. */
void collect_handle_away(struct ts_http_request *request);

#endif
