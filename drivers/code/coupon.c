#include "drivers/code/coupon.h"

#include "drivers/code/ean.h"

#include <stdio.h>
#include <string.h>

enum {
    GCN_DIGITS = 13,
    OFFER_DIGITS = 6,
    COMPANY_MIN = 6,
    COMPANY_MORE_MAX = 6
};

static void coupon_set(struct code *out, const char *ahead,
                       struct ts_slice digits) {
    out->kind = CODE_COUPON;
    (void)snprintf(out->coupon, sizeof out->coupon, "%s%.*s", ahead,
                   (int)digits.len, (const char *)digits.data);
}

bool coupon_of_ean_13(struct code *out, const char ean_13[14]) {
    static const char *const prefixes[] = {"98", "99", "05"};

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (memcmp(ean_13, prefixes[i], 2) == 0) {
            coupon_set(out, "", ts_slice_of(ean_13, GCN_DIGITS));
            return true;
        }
    return false;
}

/* `from` digits, then how many digits over six the company's number has, that
 * number, and the offer's; GS1 General Specifications 3.9.3 and 3.9.4. */
static bool coupon_of_offer(struct code *out, const char *ai, size_t from,
                            struct ts_slice value) {
    if (value.len <= from || !ean_all_digits(ts_slice_of(value.data, from + 1)))
        return false;
    size_t more = (size_t)(value.data[from] - '0');
    size_t named = from + 1 + COMPANY_MIN + more + OFFER_DIGITS;
    if (more > COMPANY_MORE_MAX || value.len < named)
        return false;
    coupon_set(out, ai, ts_slice_of(value.data, named));
    return true;
}

bool coupon_of_gs1(struct code *out, const struct gs1 *gs1) {
    struct ts_slice number = gs1_value(gs1, "255");

    if (number.len >= GCN_DIGITS) {
        coupon_set(out, "", ts_slice_of(number.data, GCN_DIGITS));
        return true;
    }
    return coupon_of_offer(out, "8110", 0, gs1_value(gs1, "8110")) ||
           coupon_of_offer(out, "8112", 1, gs1_value(gs1, "8112"));
}
