/* What a store's desk may know of a person who holds a card: a first name and
 * how often they came. */
#ifndef TS_HUB_PROFILE_H
#define TS_HUB_PROFILE_H

#include "hub/archive.h"

extern const struct db_statement profile_statements[];

/* Puts the profile of every card of the person of `ident` on the desk of the
 * stores where the card was seen, and of the store of `event`. In the
 * caller's transaction; the same profile again changes nothing. */
enum ts_status profile_publish(struct db *db, int64_t ident,
                               const struct archive_event *event,
                               struct ts_wall now,
                               struct ts_err *err) TS_MUST_USE;

#endif
