/* Which of the shop's rules a text falls under. */
#ifndef TS_DRIVERS_CODE_LOYALTY_H
#define TS_DRIVERS_CODE_LOYALTY_H

#include "drivers/code/code.h"

/* A stripe's account field is denied unless a rule begins with as many digits
 * as an issuer's number has, and says the length. */
enum { LOYALTY_STRIPE_PREFIX_MIN = 6 };

/* The longest prefix that fits, of the rules for this carrier; or NULL. */
const struct code_rule *loyalty_find(const struct code_rules *rules,
                                     enum code_carrier carrier,
                                     struct ts_slice text);

/* Card, item or a wrong check digit, as the rule says. */
void loyalty_apply(struct code *out, const struct code_rule *rule,
                   struct ts_slice text);

/* The account field of a swipe under a rule; false: no rule. */
bool loyalty_stripe(struct code *out, const struct scan *scan,
                    const struct code_rules *rules);

/* Links of this host, at whatever port, may name a card. */
bool loyalty_host(const struct code_rules *rules, struct ts_slice host);

#endif
