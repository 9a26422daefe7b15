/* From the archive by a cursor a shard: who is who, and where the terminals'
 * clocks stood. Bounded slices in the loop, so that taking never waits; an
 * event that fails is set aside with its reason and stops nothing. */
#ifndef TS_HUB_DERIVE_H
#define TS_HUB_DERIVE_H

#include "base/metrics.h"
#include "hub/identity.h"
#include "hub/lease.h"

#include <event2/event.h>

extern const struct db_statement derive_statements[];

struct derive;

struct derive_options {
    struct db *db;
    const struct lease *lease; /* looked at in each step; NULL: a rebuild */
    const struct identity_rules *rules;
    const struct ts_clock *clock;
    struct ts_metrics *metrics; /* or NULL */
    unsigned slice;             /* events in one step of the loop */
    unsigned poll_ms;           /* looks for new events unasked */
    /* In a loop of several priorities a step runs when there is nothing else to
     * do; when something has waited so long, in turn with the rest. */
    unsigned aside_ms;
    /* In the transaction of a step in which this identifier's person had an
     * event, so that neither is there without the other; may be NULL. */
    enum ts_status (*on_ident)(void *ctx, int64_t ident,
                               const struct archive_event *event,
                               struct ts_err *err);
    void *ctx;
};

void derive_declare(struct ts_metrics *metrics);
struct derive *derive_new(struct event_base *loop,
                          const struct derive_options *options);
void derive_free(struct derive *derive);
/* The shard has new events: cheap, after each commit. */
void derive_notify(struct derive *derive, unsigned shard);

/* Takes up to `options->slice` events of one shard in one transaction.
 * `*taken` 0: nothing is left. Without the loop: for rebuilds and tests. */
enum ts_status derive_step(const struct derive_options *options, unsigned shard,
                           size_t *taken, struct ts_err *err) TS_MUST_USE;
/* Forgets what was derived and derives everything again. */
enum ts_status derive_rebuild(const struct derive_options *options,
                              uint64_t *events, struct ts_err *err) TS_MUST_USE;

#endif
