/* Which hub takes which shard. Each take-over raises the shard's epoch, and
 * every transaction that takes events begins with lease_check: a hub that was
 * paused while another took over cannot write any more. */
#ifndef TS_HUB_LEASE_H
#define TS_HUB_LEASE_H

#include "base/ids.h"
#include "hub/db.h"

enum { LEASE_TTL_MS = 30000, LEASE_RENEW_MS = 10000 };

extern const struct db_statement lease_statements[];

struct lease {
    char owner[TS_NAME_TEXT + 9]; /* name '/' 8 hex digits of this run */
    uint64_t epoch[TS_SHARDS];
};

/* Takes all shards. A lease of the same name, or one that has run out, is
 * taken over; `alone` (db_hold) takes over any. TS_DENIED: another hub holds
 * it. */
enum ts_status lease_take(struct lease *lease, struct db *db, const char *name,
                          bool alone, struct ts_wall now,
                          struct ts_err *err) TS_MUST_USE;
/* TS_DENIED: lost to another hub; stop. */
enum ts_status lease_renew(const struct lease *lease, struct db *db,
                           struct ts_wall now, struct ts_err *err) TS_MUST_USE;
/* Inside a transaction; keeps a take-over waiting until its end. */
enum ts_status lease_check(const struct lease *lease, struct db *db,
                           unsigned shard, struct ts_err *err) TS_MUST_USE;
/* Lets the next hub in at once. */
void lease_release(const struct lease *lease, struct db *db);
/* The highest epoch held, for the hub's announcement. */
uint64_t lease_epoch(const struct lease *lease);

#endif
