/* What the hub tells people and programs about its taking: archive, stores,
 * alarms, holes, quarantine, counts. The handlers stand in hub/web.h. */
#ifndef TS_HUB_API_H
#define TS_HUB_API_H

#include "hub/db.h"

extern const struct db_statement api_statements[];

#endif
