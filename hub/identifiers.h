/* Who an event speaks of: its identifiers in one normal form. Pure. Kiosks,
 * tills and other shared devices give none: what many hands touch tells
 * nothing about one person. */
#ifndef TS_HUB_IDENTIFIERS_H
#define TS_HUB_IDENTIFIERS_H

#include "hub/archive.h"

/* In the order of their priority: the first names a person best. */
enum ident_type {
    IDENT_USER,
    IDENT_EMAIL,
    IDENT_CARD,
    IDENT_PHONE,
    IDENT_ANONYMOUS,
    IDENT_VISIT, /* follows a card, joins nothing */
    IDENT_TYPES
};

/* Why two identifiers belong together. */
enum ident_rule {
    IDENT_RULE_EVENT, /* named by one event */
    IDENT_RULE_ALIAS, /* the sender says that they are one: alias call, a card
                         under an older key */
    IDENT_RULES
};

enum { IDENT_MAX = 12, IDENT_VALUE_TEXT = 256 };

struct identifier {
    enum ident_type type;
    char value[IDENT_VALUE_TEXT];
};

/* Strongest first; `alias` >= 0: that one is another name of the first of its
 * own type or, for an anonymous id, of list[0]. */
struct identifiers {
    struct identifier list[IDENT_MAX];
    size_t count;
    int alias_a, alias_b; /* indices of an alias pair, or -1 */
};

struct identifier_rules {
    const char *country_code; /* "39": numbers without + belong there */
    const char *const *blocked;
    size_t blocked_count;
    const char *const *own_domains; /* e-mail of the company itself */
    size_t own_domain_count;
    const char *const *card_traits;
    size_t card_trait_count;
    const char *const *shared_sources; /* online sources on shared devices */
    size_t shared_source_count;
};

const char *identifier_type_name(enum ident_type type);
/* IDENT_TYPES when there is none of this name. */
enum ident_type identifier_type_find(struct ts_slice name);
const char *identifier_rule_name(enum ident_rule rule);

/* False: empty, blocked, too long or not of its type's form. */
bool identifier_set(struct identifier *out, enum ident_type type,
                    struct ts_slice value,
                    const struct identifier_rules *rules);

/* All identifiers of an event; `body` is its parsed JSON. */
void identifiers_read(struct identifiers *out,
                      const struct archive_event *event, const json_t *body,
                      const struct identifier_rules *rules);

#endif
