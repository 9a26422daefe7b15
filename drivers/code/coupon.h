/* Coupons: EAN-13 of prefix 98, 99 and (US) 05, GS1 coupon numbers (255) and
 * the North American ones (8110, 8112). */
#ifndef TS_DRIVERS_CODE_COUPON_H
#define TS_DRIVERS_CODE_COUPON_H

#include "drivers/code/code.h"

/* Both answer false where the code is no coupon, and else set `out`. */
bool coupon_of_ean_13(struct code *out, const char ean_13[14]);
/* The number without the serial of this one paper. Of (8110) and (8112) the
 * AI stands ahead: their digits alone could be a coupon of another kind. */
bool coupon_of_gs1(struct code *out, const struct gs1 *gs1);

#endif
