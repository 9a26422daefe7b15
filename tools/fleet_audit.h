/* Event by event: is what the lanes recorded what the archive holds? */
#ifndef TS_TOOLS_FLEET_AUDIT_H
#define TS_TOOLS_FLEET_AUDIT_H

#include "hub/audit.h"
#include "tools/fleet.h"

/* Reads what came after `mark`. A new reference: recorded, archived, missing,
 * different, duplicates, order_errors, invented, examples. */
enum ts_status fleet_audit(const struct fleet *fleet, const char *url,
                           const struct audit_mark *mark, json_t **out,
                           struct ts_err *err) TS_MUST_USE;

#endif
