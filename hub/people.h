/* The single customer view: a person found by any identifier, what joined the
 * identifiers, and the journey. */
#ifndef TS_HUB_PEOPLE_H
#define TS_HUB_PEOPLE_H

#include "base/token.h"
#include "hub/identity.h"

extern const struct db_statement people_statements[];

struct people {
    struct db *db;
    const struct identity_rules *rules;
    const struct ts_keys *keys;
    const char *programme;
};

/* The answer of GET /api/people/lookup, a new reference. `type` is a type of
 * identifier or "person" (its id, or one that it had). For a card: number or
 * token. *out NULL: nobody. TS_INVALID: the text says what to send. */
enum ts_status people_lookup(const struct people *people, const char *type,
                             const char *value, size_t limit, json_t **out,
                             struct ts_err *err) TS_MUST_USE;

/* The people seen last, newest first: {"people":[...], "next": cursor}.
 * `after` is such a cursor, or NULL. */
enum ts_status people_recent(const struct people *people, size_t limit,
                             const char *after, json_t **out,
                             struct ts_err *err) TS_MUST_USE;

/* Persons, identifiers, events that are derived or set aside. */
enum ts_status people_counts(const struct people *people, json_t **out,
                             struct ts_err *err) TS_MUST_USE;

#endif
