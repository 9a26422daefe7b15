/* A fleet in as many processes as the limit of open files asks for, and what
 * the hub's database says of it. */
#ifndef TS_TOOLS_FLEET_PROCESSES_H
#define TS_TOOLS_FLEET_PROCESSES_H

#include "tools/fleet.h"

/* How many processes `lanes` need under the hard limit of open files. */
size_t fleet_processes_needed(const struct fleet_options *options);

/* Plays the script with all lanes of `options` (first, count, start_ms and
 * commands are filled in here) and answers the finished report, a new
 * reference. `archive`: URL of the hub's database, or NULL. */
enum ts_status fleet_processes_run(const struct fleet_options *options,
                                   size_t processes, const char *archive,
                                   json_t **report,
                                   struct ts_err *err) TS_MUST_USE;

#endif
