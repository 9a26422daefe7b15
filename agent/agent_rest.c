/* Memory that a start, a burst or a backlog took goes back to the system. */
#include "agent/agent_private.h"

#include "base/process.h"

enum { LOOK_S = 5 };

/* Changes whenever there was something to do. */
static uint64_t done_so_far(struct agent *agent) {
    struct journal_stats journal;
    struct uplink_status uplink = {0};

    if (journal_get_stats(agent->journal, &journal, NULL) != TS_OK)
        return 0;
    if (agent->uplink)
        uplink_get_status(agent->uplink, &uplink);
    return journal.appended + journal.commits + uplink.batches_sent +
           uplink.events_acked + uplink.in_flight;
}

static void on_look(evutil_socket_t fd, short what, void *arg) {
    struct agent *agent = arg;
    uint64_t done = done_so_far(agent);
    bool quiet = done == agent->done_before;

    (void)fd;
    (void)what;
    agent->done_before = done;
    if (!quiet)
        agent->rested = false;
    if (!quiet || agent->rested)
        return;
    agent->rested = true;
    if (agent->press)
        parcel_press_rest(agent->press);
    journal_rest(agent->journal);
    desk_rest(agent->desk);
    ts_process_rest();
}

void agent_rest_start(struct agent *agent) {
    struct timeval every = {LOOK_S, 0};

    agent->rest_watch = event_new(agent->loop, -1, EV_PERSIST, on_look, agent);
    (void)event_add(agent->rest_watch, &every);
}

void agent_rest_stop(struct agent *agent) {
    if (agent->rest_watch)
        event_free(agent->rest_watch);
    agent->rest_watch = NULL;
}
