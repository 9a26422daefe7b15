/* Which identifiers belong to one person: a pure function of the evidence, so
 * that any order of arrival gives the same persons.
 *
 * - user_id and e-mail join by their edges in the order of (time, key) while
 *   the limits of each type hold; two user ids meet only by an alias.
 * - A card or a phone joins the persons seen with it only while together they
 *   have at most one user id and one e-mail; else it is a household's, and
 *   joins nobody.
 * - An anonymous id never joins two persons that differ in a user id, an
 *   e-mail or a card: then it is contested and stands alone.
 * - An identifier seen with more than `max_partners` user ids and e-mails is
 *   quarantined: a placeholder, whatever it looks like. */
#ifndef TS_HUB_RESOLVE_H
#define TS_HUB_RESOLVE_H

#include "hub/identifiers.h"

enum ident_state {
    IDENT_OK,
    IDENT_HOUSEHOLD,
    IDENT_CONTESTED,
    IDENT_QUARANTINED,
    IDENT_STATES
};
const char *resolve_state_name(enum ident_state state);
enum ident_state resolve_state_find(struct ts_slice name);

/* How many of a type one person may have; in any window (0: ever). */
struct resolve_limit {
    unsigned count;
    int64_t window_ms;
};
struct resolve_limits {
    struct resolve_limit type[IDENT_TYPES];
    unsigned max_partners;
};
extern const struct resolve_limits resolve_defaults;

struct resolve_node {
    enum ident_type type;
    bool quarantined;
    /* Answers. */
    size_t person; /* index of the person's representative node */
    enum ident_state state;
};

struct resolve_edge {
    size_t a, b; /* nodes */
    enum ident_rule rule;
    int64_t time_ms;
    const char *key; /* of the earliest event, breaks ties */
    bool active;     /* answer: it joins its two ends */
};

/* Sorts `edges`. */
void resolve_run(struct resolve_node *nodes, size_t node_count,
                 struct resolve_edge *edges, size_t edge_count,
                 const struct resolve_limits *limits);

#endif
