/* Identity resolution: the evidence of each event is kept, persons are the
 * components of it (hub/resolve.h). One writer for the company.
 *
 * A person's id is that of its oldest identifier: a UUID version 7 made from
 * when and where that identifier was first received. So the older person's id
 * wins a merge, a split gives the former id back, and a rebuild from the
 * archive gives the same ids. */
#ifndef TS_HUB_IDENTITY_H
#define TS_HUB_IDENTITY_H

#include "hub/resolve.h"

extern const struct db_statement identity_statements[];

struct identity_rules {
    struct identifier_rules identifiers;
    struct resolve_limits limits;
};

/* Takes the evidence of one archived event, inside the caller's transaction.
 * `ident` (may be NULL): the strongest identifier of the event, 0 when it
 * names nobody. */
enum ts_status identity_take(struct db *db, const struct identity_rules *rules,
                             const struct archive_event *event,
                             const json_t *body, int64_t *ident,
                             struct ts_err *err) TS_MUST_USE;

/* Forgets all evidence, keeps identifiers' numbers and person ids, so that
 * taking every event again gives the same. identity_sweep, afterwards,
 * removes identifiers that no event names any more. */
enum ts_status identity_reset(struct db *db, struct ts_err *err) TS_MUST_USE;
enum ts_status identity_sweep(struct db *db, struct ts_err *err) TS_MUST_USE;

#endif
