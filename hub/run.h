/* The hub as a running program: its parts in their order, one loop. */
#ifndef TS_HUB_RUN_H
#define TS_HUB_RUN_H

#include "hub/config.h"

/* Runs until SIGTERM or SIGINT (TS_OK), or until it must not go on. */
enum ts_status hub_run(const struct hub_config *config,
                       struct ts_err *err) TS_MUST_USE;

#endif
