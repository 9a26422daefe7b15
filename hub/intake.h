/* The hub's side of the sync protocol, without a broker: a message of a
 * terminal goes in, what must be answered comes out. */
#ifndef TS_HUB_INTAKE_H
#define TS_HUB_INTAKE_H

#include "base/metrics.h"
#include "hub/lease.h"
#include "sync/batch.h"
#include "sync/topic.h"

struct intake;

struct intake_options {
    struct db *db;
    const struct lease *lease;
    struct ts_metrics *metrics;
    const struct ts_clock *clock;
    unsigned window; /* told in every ack */
    /* After a commit that archived something; never during a transaction. */
    void (*on_taken)(void *ctx, unsigned shard);
    void *ctx;
};

extern const struct db_statement intake_statements[];

struct intake *intake_new(const struct intake_options *options);
void intake_free(struct intake *intake);
/* Declares the metrics that intake counts in. */
void intake_declare(struct ts_metrics *metrics);

/* The ids of the dictionaries that batches may be packed with, newest first;
 * how many there are. */
size_t intake_dictionaries(const struct intake *intake,
                           uint32_t ids[BATCH_DICTIONARIES_MAX]);

/* What to publish to the terminal: acks or desk. */
struct intake_reply {
    bool any;
    enum topic_leaf leaf;
    struct ts_buf payload;
};
void intake_reply_fini(struct intake_reply *reply);

/* TS_OK: done, answered or refused and counted. TS_DENIED: the lease is lost,
 * the hub must stop. Everything else: nothing was written, the same message
 * must be given again later. */
enum ts_status intake_message(struct intake *intake, const struct topic *topic,
                              struct ts_slice payload, bool retained,
                              struct intake_reply *reply,
                              struct ts_err *err) TS_MUST_USE;

/* No message of a group is begun after the first; where commits take longer,
 * after what the last commit took, at most the second. */
enum { INTAKE_GROUP_MS = 30, INTAKE_GROUP_MOST_MS = 500 };

/* A message of a group; topic and payload are borrowed. */
struct intake_item {
    const struct topic *topic;
    struct ts_slice payload;
    bool retained;
    struct intake_reply reply; /* valid after TS_OK; intake_reply_fini */
};
/* The same for many in one transaction, in their order: all replies or none.
 * *taken: how many of them, at least one, fitted in; the rest is to be given
 * again. Anything but TS_OK: nothing was written, there is no reply, and one
 * message may be to blame: give them one by one. */
enum ts_status intake_group(struct intake *intake, struct intake_item *items,
                            size_t count, size_t *taken,
                            struct ts_err *err) TS_MUST_USE;

/* A message that is given up, because it fails while others are taken, or the
 * database refuses it: raises the alarm `left_out`. */
enum ts_status intake_leave_out(struct intake *intake,
                                const struct topic *topic, const char *why,
                                struct ts_err *err) TS_MUST_USE;

/* Tries an event of quarantine again, as if the terminal had sent it alone.
 * TS_INVALID: it is still not understood; `err` says why. */
enum ts_status intake_replay(struct intake *intake, const char *id,
                             struct ts_err *err) TS_MUST_USE;

#endif
