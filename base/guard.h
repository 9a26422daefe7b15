/* The payment-card guard: the first reader of every text from outside.
 *
 * A payment card number (PAN) or track data is never kept, not in part. Rules:
 * PCI DSS 4.0 requirements 3.3 and 3.5; schemes and lengths in the table of
 * guard.c. 13 digits with a valid EAN check digit are an EAN-13, never a PAN.
 * Luhn alone is neither necessary nor sufficient. Groups of digits are joined
 * over spaces as people break numbers, over dashes and the like only in the
 * groups that cards are printed or typed in; UUIDs, journals and telephone
 * numbers with '+' are none. Both ends run this. */
#ifndef TS_BASE_GUARD_H
#define TS_BASE_GUARD_H

#include "base/bytes.h"
#include "base/json_plain.h"

#include <jansson.h>

/* What carried the text. */
enum ts_carrier {
    TS_CARRIER_RETAIL, /* symbology known: EAN/UPC, DataBar, ITF-14, GS1 */
    TS_CARRIER_TEXT,   /* any other symbology, none told, or free text */
    TS_CARRIER_STRIPE  /* magnetic stripe: all tracks of one swipe */
};

/* A loyalty scheme that uses an ISO issuer number: exact prefix of 6 to 10
 * digits and exact length. Never overrides a hard range (Visa, Mastercard,
 * American Express, UnionPay). */
struct ts_guard_allow {
    char prefix[12];
    unsigned length;
};

struct ts_guard_rules {
    const struct ts_guard_allow *allow;
    size_t count;
};

/* True when `text` is or holds a payment card. `rules` may be NULL. */
bool ts_guard_refuses(struct ts_slice text, enum ts_carrier carrier,
                      const struct ts_guard_rules *rules);

/* Replaces every string, number and member name in `value` that holds a
 * payment card by "[payment card removed]", in place, and answers how many.
 * Identifiers of UUID form keep their dashes as borders. */
size_t ts_guard_scrub_json(json_t *value);

/* True when ts_guard_scrub_json would change the member: its name, or what is
 * in it. */
bool ts_guard_refuses_plain(const struct ts_plain *plain, size_t member);

/* Overwrites with '*' every digit of runs of `run` and more digits (single
 * spaces or dashes between them allowed): for bytes that nobody can parse. */
void ts_guard_mask(uint8_t *bytes, size_t len, size_t run);

#endif
