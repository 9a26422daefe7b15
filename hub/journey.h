/* One list of what a person did, over all channels, in the order of what
 * happened. Read from the archive through the identifiers, so that a merge
 * rewrites nothing. */
#ifndef TS_HUB_JOURNEY_H
#define TS_HUB_JOURNEY_H

#include "hub/archive.h"

extern const struct db_statement journey_statements[];

enum { JOURNEY_LIMIT = 500, JOURNEY_LIMIT_MAX = 2000 };

/* "store", "web", "shop", "email", "social", "advertising", "app". Pure. */
const char *journey_channel(const struct archive_event *event,
                            const json_t *body);
/* What a person can read: "Order completed, 49.90 EUR". Pure. */
void journey_title(char *out, size_t size, const struct archive_event *event,
                   const json_t *body);

/* A new reference to the array of the latest `limit` entries, oldest first;
 * `*more`: there are older ones. */
enum ts_status journey_read(struct db *db, const char *person, size_t limit,
                            json_t **out, bool *more,
                            struct ts_err *err) TS_MUST_USE;

#endif
