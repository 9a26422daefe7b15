/* A lane's journal and a hub's archive brought together in one process: the
 * terminal's uplink_core and its batches, the hub's intake on a real database,
 * and two queues instead of a broker. Nothing sleeps: a wait is skipped on a
 * monotonic clock of the wire's own. What cannot be done fails the test. */
#ifndef TS_TESTS_FAULT_REJOIN_H
#define TS_TESTS_FAULT_REJOIN_H

#include "hub/archive.h"
#include "hub/intake.h"
#include "sync/uplink_core.h"

struct rejoin_hub {
    struct db *db;
    struct lease lease;
    struct ts_metrics *metrics;
    struct intake *intake;
    const struct ts_clock *clock;
};

/* `url` as in db_open; a file is made where there is none. */
void rejoin_hub_open(struct rejoin_hub *hub, const char *url,
                     const struct ts_clock *clock);
void rejoin_hub_close(struct rejoin_hub *hub);
/* Enters a terminal that the registry does not know yet. */
void rejoin_hub_add(struct rejoin_hub *hub, const char *terminal,
                    const char *store);
/* The first column of the first row; -1: no row. `statement` is static. */
int64_t rejoin_hub_number(struct rejoin_hub *hub,
                          const struct db_statement *statement);
/* How often an alarm of this kind was raised; 0: never. */
int64_t rejoin_hub_alarms(struct rejoin_hub *hub, const char *kind);
/* Every event of the store's shard in the order of arrival. */
void rejoin_hub_walk(struct rejoin_hub *hub, const char *store,
                     bool (*each)(void *arg, const struct archive_event *event),
                     void *arg);

enum rejoin_way { REJOIN_UP, REJOIN_DOWN };

struct rejoin_options {
    struct rejoin_hub *hub;
    const char *terminal, *store;
    struct uplink_source source;
    size_t max_publish_bytes; /* 0: as many as the protocol allows */
    /* A message on its way; false: it is lost. NULL: all arrive. Called after
     * the hub's commit and before the terminal hears of it. */
    bool (*passes)(void *ctx, enum rejoin_way way, enum topic_leaf leaf,
                   struct ts_slice payload);
    void *ctx;
};

struct rejoin;

struct rejoin *rejoin_new(const struct rejoin_options *options);
void rejoin_free(struct rejoin *wire);
/* A session begins. */
void rejoin_up(struct rejoin *wire);
/* The hub says that it is back, while the session goes on. */
void rejoin_hub_back(struct rejoin *wire);
void rejoin_down(struct rejoin *wire);
/* New rows may be there. */
void rejoin_notify(struct rejoin *wire);
/* `state` as a session begins or ends with it. */
void rejoin_say_state(struct rejoin *wire, const struct message_state *state);
/* A message as it stands, to the hub or to the terminal. */
void rejoin_put(struct rejoin *wire, enum rejoin_way way, enum topic_leaf leaf,
                struct ts_slice payload);
/* Carries messages, and skips waits of at most `limit_ms` together, until
 * nobody has anything to say. True: the hub's word covers all rows. */
bool rejoin_run(struct rejoin *wire, int64_t limit_ms);
struct uplink_core_status rejoin_status(const struct rejoin *wire);

#endif
