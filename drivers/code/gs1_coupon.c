/* The North American coupon codes: AI (8110), GS1 US "North American Coupon
 * Application Guideline", and AI (8112), its positive offer file. A length
 * digit stands ahead of each field that varies. */
#include "drivers/code/gs1_parts.h"

#include <string.h>

static const char cut[] = "the coupon ends in the middle of a field";
static const char bad_size[] = "a length digit of the coupon is out of range";
static const char bad_flag[] = "a code of the coupon is out of range";
static const char excess[] = "the coupon goes on behind its last field";

struct cursor {
    const uint8_t *at;
    size_t left;
    const char *why; /* the first fault */
};

/* The next `len` digits; a fault gives none. */
static const uint8_t *take(struct cursor *c, size_t len) {
    static const uint8_t none[16] = "";
    const uint8_t *at = c->at;

    if (c->why)
        return none;
    if (c->left < len) {
        c->why = cut;
        return none;
    }
    c->at += len;
    c->left -= len;
    return at;
}

/* One digit that must be among `allowed`. */
static void take_code(struct cursor *c, const char *allowed) {
    uint8_t code = *take(c, 1);

    if (!c->why && !strchr(allowed, code))
        c->why = bad_flag;
}

/* A length digit of `low` to `high`, then that many digits and `extra`. */
static void take_sized(struct cursor *c, char low, char high, size_t extra) {
    uint8_t size = *take(c, 1);

    if (c->why)
        return;
    if (size < (uint8_t)low || size > (uint8_t)high)
        c->why = bad_size;
    else
        (void)take(c, (size_t)(size - '0') + extra);
}

static bool take_tag(struct cursor *c, char tag) {
    if (c->why || c->left == 0 || *c->at != (uint8_t)tag)
        return false;
    (void)take(c, 1);
    return true;
}

/* What must be bought: how much, of which kind, of which family. */
static void take_purchase(struct cursor *c) {
    take_sized(c, '1', '5', 0);
    take_code(c, "012349");
    (void)take(c, 3);
}

/* The company of a second or third purchase; 9: the same one. */
static void take_company(struct cursor *c) {
    if (!take_tag(c, '9'))
        take_sized(c, '0', '6', 6);
}

static const uint8_t *take_date(struct cursor *c) {
    const uint8_t *date = take(c, 6);

    if (!c->why)
        c->why = gs1_rule_check(GS1_RULE_DATE, ts_slice_of(date, 6));
    return date;
}

static void take_dates(struct cursor *c) {
    const uint8_t *ends = take_tag(c, '3') ? take_date(c) : NULL;
    const uint8_t *begins = take_tag(c, '4') ? take_date(c) : NULL;

    if (!c->why && ends && begins && memcmp(begins, ends, 6) > 0)
        c->why = "the coupon ends before it begins";
}

static void take_savings(struct cursor *c) {
    take_code(c, "01256");
    take_code(c, "012");
    (void)take(c, 1);
    take_code(c, "01");
}

static struct cursor begin(struct ts_slice digits) {
    struct cursor c = {.at = digits.data, .left = digits.len};

    for (size_t i = 0; i < digits.len; i++) {
        if (!(gs1_sets[digits.data[i]] & GS1_N))
            c.why = "a coupon has digits only";
    }
    return c;
}

static const char *end(const struct cursor *c) {
    return c->why || c->left == 0 ? c->why : excess;
}

const char *gs1_coupon_check(struct ts_slice digits) {
    struct cursor c = begin(digits);

    take_sized(&c, '0', '6', 6);
    (void)take(&c, 6);
    take_sized(&c, '1', '5', 0);
    take_purchase(&c);
    if (take_tag(&c, '1')) {
        take_code(&c, "0123");
        take_purchase(&c);
        take_company(&c);
    }
    if (take_tag(&c, '2')) {
        take_purchase(&c);
        take_company(&c);
    }
    take_dates(&c);
    if (take_tag(&c, '5'))
        take_sized(&c, '0', '9', 6);
    if (take_tag(&c, '6'))
        take_sized(&c, '1', '7', 6);
    if (take_tag(&c, '9'))
        take_savings(&c);
    return end(&c);
}

const char *gs1_offer_check(struct ts_slice digits) {
    struct cursor c = begin(digits);

    take_code(&c, "01");
    take_sized(&c, '0', '6', 6);
    (void)take(&c, 6);
    take_sized(&c, '0', '9', 6);
    return end(&c);
}
