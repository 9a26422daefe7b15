/* The parts of one terminal, wired to each other. */
#ifndef TS_AGENT_AGENT_H
#define TS_AGENT_AGENT_H

#include "agent/config.h"

#include "base/time.h"

#include <event2/event.h>
#include <jansson.h>

struct agent;

/* Builds and starts every part in the order that they stand on each other;
 * `config` outlives the agent. Without a network, without a hub and without
 * readers it starts too, and says so. */
enum ts_status agent_start(struct agent **out, struct event_base *loop,
                           const struct agent_config *config,
                           const struct ts_clock *clock,
                           struct ts_err *err) TS_MUST_USE;
/* Whether the certificates of the line to the hub are there, fit together and
 * are this terminal's. A start does not need it: the agent runs without a line
 * and looks at the files again at each connection. */
enum ts_status agent_line_check(const struct agent_config *config,
                                struct ts_err *err) TS_MUST_USE;
/* Takes everything down in reverse; what is recorded is durable. */
void agent_stop(struct agent *agent);

/* For /api/status and `tessera status`; a new reference. Holds nothing of a
 * person. */
json_t *agent_status_json(struct agent *agent);
/* For /metrics. */
enum ts_status agent_metrics(struct agent *agent,
                             struct ts_buf *out) TS_MUST_USE;

#endif
