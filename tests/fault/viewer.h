/* What an operator sees of a hub: its HTTP interface, really asked. */
#ifndef TS_TESTS_FAULT_VIEWER_H
#define TS_TESTS_FAULT_VIEWER_H

#include "rejoin.h"

struct viewer;

/* Serves the hub on a free port of loopback; `folder` takes a token file. */
struct viewer *viewer_new(struct rejoin_hub *hub, const char *folder);
void viewer_free(struct viewer *viewer);
/* A member of the answer to GET `path`, borrowed until the next question. */
json_t *viewer_ask(struct viewer *viewer, const char *path, const char *member);
/* The alarm of this kind about this terminal, borrowed, or NULL. */
json_t *viewer_alarm(struct viewer *viewer, const char *kind,
                     const char *terminal);
/* The value of a metric with its labels, as it is shown; -1: not shown. */
double viewer_metric(struct viewer *viewer, const char *metric);

#endif
