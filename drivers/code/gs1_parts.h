/* Inner parts of drivers/code/gs1.h: the table of Application Identifiers, the
 * rules for values, and what element strings and Digital Links share. */
#ifndef TS_DRIVERS_CODE_GS1_PARTS_H
#define TS_DRIVERS_CODE_GS1_PARTS_H

#include "drivers/code/gs1.h"

enum { GS1_SEPARATOR = 0x1d };

/* Character sets as bits of gs1_sets[byte]: digits, set 82, set 39, and
 * base64url. GS1 General Specifications 7.11. */
enum gs1_set { GS1_N = 1, GS1_X = 2, GS1_Y = 4, GS1_Z = 8 };
extern const uint8_t gs1_sets[256];

/* What a component's characters must say. */
enum gs1_rule {
    GS1_RULE_NONE,
    GS1_RULE_CHECK_DIGIT,
    GS1_RULE_CHECK_PAIR, /* two characters, GS1 General Specs 7.9.5 */
    GS1_RULE_COUNTRY,    /* ISO 3166, three digits */
    GS1_RULE_COUNTRY_LETTERS,
    GS1_RULE_COUNTRY_OR_999,
    GS1_RULE_COUPON,    /* North American coupon, AI 8110 */
    GS1_RULE_CURRENCY,  /* ISO 4217, three digits */
    GS1_RULE_DATE,      /* YYMMDD */
    GS1_RULE_DATE_LONG, /* YYYYMMDD */
    GS1_RULE_DATE_OPEN, /* YYMMDD, day 00: some day of the month */
    GS1_RULE_HOUR,
    GS1_RULE_HOUR_MINUTE,
    GS1_RULE_HYPHEN,
    GS1_RULE_IBAN,
    GS1_RULE_IMPORTER, /* a letter, a digit, "-" or "_" */
    GS1_RULE_LATITUDE,
    GS1_RULE_LONGITUDE,
    GS1_RULE_MEDIUM, /* AIDC media type of ICCBBA */
    GS1_RULE_NONZERO,
    GS1_RULE_NOT_ALL_DIGITS,
    GS1_RULE_NO_LEADING_ZERO,
    GS1_RULE_OFFER,         /* positive offer file, AI 8112 */
    GS1_RULE_PACKAGE,       /* UN/ECE recommendation 21 and GS1's own */
    GS1_RULE_PERCENT,       /* each % begins an escape */
    GS1_RULE_PIECE,         /* piece and total, neither zero */
    GS1_RULE_POSITION,      /* "1/3" */
    GS1_RULE_PREFIX,        /* a company prefix: four digits or more */
    GS1_RULE_PREFIX_SECOND, /* the same behind the first character */
    GS1_RULE_SEX,           /* ISO 5218 */
    GS1_RULE_SIXTY,         /* minutes or seconds */
    GS1_RULE_WINDING,
    GS1_RULE_YES_NO,
    GS1_RULE_ZERO,
    GS1_RULES
};

struct gs1_part {
    uint8_t set; /* 0: behind the last */
    uint8_t low;
    uint8_t high;
    bool optional; /* nothing may be left for it */
    uint8_t rules[3];
};

/* AIs of other rows: one of a list, or several together. */
struct gs1_ref {
    uint8_t from; /* row; 0: behind the last */
    uint8_t to;
    bool and; /* with the next */
};

enum {
    GS1_PREDEFINED = 1, /* no separator needed behind it */
    GS1_ATTRIBUTE = 2,  /* may stand in the query of a Digital Link */
    GS1_PLAIN = 4,      /* one component without a rule */
    GS1_SOLE = 8,       /* not beside another of its family */
    GS1_SIGNATURE = 16  /* keys beside it need their serial number */
};

struct gs1_ai {
    char digits[5]; /* of a family: the first */
    uint8_t size;   /* digits of the AI */
    uint8_t low;    /* characters of the value */
    uint8_t high;
    uint8_t flags;
    const struct gs1_part *parts;
    const struct gs1_ref *needs; /* one of these, or NULL */
    const struct gs1_ref *bars;  /* none of these, or NULL */
    const uint8_t *paths; /* of a Digital Link key: rows of qualifiers, each
                             sequence and the list end with 0; else NULL */
};

/* The row of the AI that `text` begins with; 0: none. */
uint8_t gs1_ai_find(struct ts_slice text);
/* The row of an AI that is the whole of `text`; 0: none. */
uint8_t gs1_ai_exact(struct ts_slice text);
/* `row` below gs1_ai_rows(); row 0 is empty. */
const struct gs1_ai *gs1_ai_at(uint8_t row);
size_t gs1_ai_rows(void);

/* NULL: fits; else why not. The characters are of the component's set. */
const char *gs1_rule_check(enum gs1_rule rule, struct ts_slice text);
const char *gs1_coupon_check(struct ts_slice digits);
const char *gs1_offer_check(struct ts_slice digits);
bool gs1_list_country(unsigned number);
bool gs1_list_country_letters(const uint8_t *two);
bool gs1_list_currency(unsigned number);
bool gs1_list_package(struct ts_slice code);

/* The whole value against the components of `ai`. */
const char *gs1_value_check(const struct gs1_ai *ai, struct ts_slice value);

/* Writes `fault` for the AI `digits` (or NULL) and answers false. */
bool gs1_fault(struct gs1 *out, const char *digits, const char *why);
void gs1_begin(struct gs1 *out);
/* Takes an element whose value was checked; false: too many. */
bool gs1_take(struct gs1 *out, uint8_t row, const uint8_t *digits,
              struct ts_slice value);

/* Companions that an AI needs or bars, and repeated AIs; `repeats`: the same
 * AI may come again with the same value. */
bool gs1_check_repeats(struct gs1 *out, bool repeats);
bool gs1_check_companions(struct gs1 *out);
/* gs1_parse without the companions. */
bool gs1_read_elements(struct gs1 *out, struct ts_slice text);

/* Takes the text up to `stop` away, and `stop` too; without one, all. */
struct ts_slice gs1_cut(struct ts_slice *text, char stop);
/* A key and what may be its value stand in the path or in the query. */
bool gs1_claims(struct ts_slice path, struct ts_slice query);

/* AIs and values out of the bits of a compressed Digital Link; false: these
 * are none. */
bool gs1_unpack(struct gs1 *out, struct ts_slice base64url);

#endif
