/* What agent/agent*.c share. */
#ifndef TS_AGENT_AGENT_PRIVATE_H
#define TS_AGENT_AGENT_PRIVATE_H

#include "agent/agent.h"
#include "agent/desk.h"
#include "agent/lane.h"
#include "agent/reader.h"
#include "agent/screen.h"
#include "base/metrics.h"

struct agent {
    const struct agent_config *config;
    const struct ts_clock *clock;
    struct event_base *loop;
    struct ts_mono started;
    struct timekeeper keeper;
    struct journal *journal;
    struct recorder *recorder;
    struct desk *desk;
    struct lane *lane;
    struct reader *readers[AGENT_READERS_MAX];
    size_t reader_count;
    struct uplink *uplink;
    struct parcel_press *press; /* the uplink's */
    bool line_up;
    struct message_desk erasing; /* waits for the copies to be gone */
    json_t *erasing_records;     /* its own; NULL: none waits */
    bool desk_missed;            /* what came behind it is asked for again */
    struct event *clock_watch;
    struct event *rest_watch;
    uint64_t done_before; /* at the last look for a rest */
    bool rested;
    struct screen *screen;
    struct ts_metrics *metrics;
};

/* Where the journal keeps timekeeper.floor. */
#define agent_floor_key "time_floor"

/* Without a hub in the settings: no line, and the lane says so. */
void agent_line_start(struct agent *agent);
void agent_line_stop(struct agent *agent);
/* Watches for quiet seconds, and gives back then what busy ones took. */
void agent_rest_start(struct agent *agent);
void agent_rest_stop(struct agent *agent);
void agent_metrics_declare(struct agent *agent);

#endif
