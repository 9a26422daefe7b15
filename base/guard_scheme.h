/* Which issuer ranges a number falls in; for guard.c alone. */
#ifndef TS_BASE_GUARD_SCHEME_H
#define TS_BASE_GUARD_SCHEME_H

#include "base/guard.h"

enum { TS_PAN_MIN = 12, TS_PAN_MAX = 19, TS_PAN_MASKED = 0xff };

/* Digits 0 to 9, or TS_PAN_MASKED. */
struct ts_pan {
    uint8_t digit[TS_PAN_MAX];
    size_t len;
    size_t masked;
};

/* How sure a card the place makes it. */
enum ts_pan_place {
    TS_PAN_NAMED_ID, /* the value of a member that says it is an identifier */
    TS_PAN_FREE,     /* anywhere in text */
    TS_PAN_ACCOUNT,  /* first field of a track that says nothing more */
    TS_PAN_TRACK     /* laid out as on a magnetic stripe */
};

/* A number of 12 to 19 digits in an issuer's range, for what is not laid out as
 * a track also of that issuer's length, and off the stripe also with a Luhn
 * check digit: a stripe may be misread, and not every issuer has one. */
bool ts_pan_is_card(const struct ts_pan *pan, enum ts_pan_place place,
                    const struct ts_guard_rules *rules);

/* On the allow-list and outside every hard range. */
bool ts_pan_is_allowed(const struct ts_pan *pan,
                       const struct ts_guard_rules *rules);

bool ts_pan_ean13(const struct ts_pan *pan);

#endif
