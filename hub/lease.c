#include "hub/lease.h"

#include "hub/rows.h"

#include <stdio.h>

enum { TAKE, HOLDER, RENEW, CHECK, RELEASE };

const struct db_statement lease_statements[] = {
    [TAKE] = {"lease_take",
              "INSERT INTO shard_lease (shard, epoch, owner, until_ms) "
              "VALUES ($1, 1, $2, $3) ON CONFLICT (shard) DO UPDATE SET "
              "epoch = shard_lease.epoch + 1, owner = $2, until_ms = $3 "
              "WHERE shard_lease.until_ms < $4 OR "
              "substr(shard_lease.owner, 1, length($5)) = $5 RETURNING epoch"},
    [HOLDER] = {"lease_holder",
                "SELECT owner FROM shard_lease WHERE shard = $1"},
    [RENEW] = {"lease_renew", "UPDATE shard_lease SET until_ms = $2 "
                              "WHERE owner = $1"},
    /* Changes nothing, but locks the row on both engines. */
    [CHECK] = {"lease_check", "UPDATE shard_lease SET owner = owner "
                              "WHERE shard = $1 AND epoch = $2 AND owner = $3"},
    [RELEASE] = {"lease_release",
                 "UPDATE shard_lease SET until_ms = 0 WHERE owner = $1"},
    {NULL, NULL},
};

static bool owner_row(void *arg, const struct db_value *columns, size_t count) {
    (void)count;
    column_copy(arg, TS_NAME_TEXT + 9, &columns[0]);
    return false;
}

static enum ts_status denied(struct db *db, unsigned shard,
                             struct ts_err *err) {
    struct db_value values[] = {db_int(shard)};
    char owner[TS_NAME_TEXT + 9] = "another hub";
    enum ts_status status =
        db_run(db, &lease_statements[HOLDER], values, 1, owner_row, owner, err);

    if (status != TS_OK)
        return status;
    return ts_fail(err, TS_DENIED,
                   "%s has this database: stop it, or wait %d seconds after "
                   "it has ended",
                   owner, LEASE_TTL_MS / 1000);
}

static enum ts_status take_one(struct lease *lease, struct db *db,
                               unsigned shard, const struct db_value *values,
                               struct ts_err *err) {
    int64_t epoch = 0;
    enum ts_status status =
        db_run(db, &lease_statements[TAKE], values, 5, row_number, &epoch, err);

    if (status == TS_OK && !epoch)
        status = denied(db, shard, err);
    lease->epoch[shard] = (uint64_t)epoch;
    return status;
}

enum ts_status lease_take(struct lease *lease, struct db *db, const char *name,
                          bool alone, struct ts_wall now, struct ts_err *err) {
    char run[9], prefix[TS_NAME_TEXT + 1];
    struct lease taken = {{0}, {0}};
    enum ts_status status;

    ts_random_hex(run, 8);
    (void)snprintf(prefix, sizeof prefix, "%.48s/", name);
    (void)snprintf(taken.owner, sizeof taken.owner, "%.49s%s", prefix, run);
    status = db_begin(db, err);
    for (unsigned shard = 0; status == TS_OK && shard < TS_SHARDS; shard++) {
        struct db_value values[] = {db_int(shard), db_cstr(taken.owner),
                                    db_int(now.unix_ms + LEASE_TTL_MS),
                                    db_int(alone ? INT64_MAX : now.unix_ms),
                                    db_cstr(prefix)};
        status = take_one(&taken, db, shard, values, err);
    }
    if (status == TS_OK)
        status = db_commit(db, err);
    if (status != TS_OK) {
        db_rollback(db);
        return status;
    }
    *lease = taken;
    return TS_OK;
}

static enum ts_status lost(struct ts_err *err) {
    return ts_fail(err, TS_DENIED,
                   "another hub has taken over: this one stops; give each hub "
                   "its own name and start it again");
}

enum ts_status lease_renew(const struct lease *lease, struct db *db,
                           struct ts_wall now, struct ts_err *err) {
    struct db_value values[] = {db_cstr(lease->owner),
                                db_int(now.unix_ms + LEASE_TTL_MS)};
    enum ts_status status =
        db_run(db, &lease_statements[RENEW], values, 2, NULL, NULL, err);

    if (status == TS_OK && db_changed(db) != TS_SHARDS)
        return lost(err);
    return status;
}

enum ts_status lease_check(const struct lease *lease, struct db *db,
                           unsigned shard, struct ts_err *err) {
    struct db_value values[] = {db_int(shard),
                                db_int((int64_t)lease->epoch[shard]),
                                db_cstr(lease->owner)};
    enum ts_status status =
        db_run(db, &lease_statements[CHECK], values, 3, NULL, NULL, err);

    if (status == TS_OK && db_changed(db) != 1)
        return lost(err);
    return status;
}

void lease_release(const struct lease *lease, struct db *db) {
    struct db_value values[] = {db_cstr(lease->owner)};

    if (db_run(db, &lease_statements[RELEASE], values, 1, NULL, NULL, NULL) !=
        TS_OK)
        return; /* it runs out by itself */
}

uint64_t lease_epoch(const struct lease *lease) {
    uint64_t highest = 0;

    for (unsigned i = 0; i < TS_SHARDS; i++)
        if (lease->epoch[i] > highest)
            highest = lease->epoch[i];
    return highest;
}
