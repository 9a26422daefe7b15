/* What the text of a scan means: item, loyalty card, or unknown. Pure. */
#ifndef TS_DRIVERS_CODE_CODE_H
#define TS_DRIVERS_CODE_CODE_H

#include "base/guard.h"
#include "drivers/code/currency.h"
#include "drivers/driver.h"
#include "drivers/code/gs1.h"

enum code_kind {
    CODE_ITEM,         /* gtin is set, or text named as item by a shop rule */
    CODE_CARD,         /* programme and number are set */
    CODE_COUPON,       /* coupon is set */
    CODE_UNKNOWN,      /* well read, nobody's rule */
    CODE_PAYMENT_CARD, /* nothing else is set */
    CODE_REJECTED      /* error is set */
};

/* What of a reading a rule looks at. */
enum code_carrier {
    CODE_CARRIER_TEXT,   /* a barcode's text, a text on an NFC tag */
    CODE_CARRIER_GSRN,   /* the 18 digits of AI (8018), from an element string
                            or a Digital Link of a host in `link_hosts` */
    CODE_CARRIER_STRIPE, /* the account field of a track: default is denied */
    CODE_CARRIER_UID     /* the id of an RFID or NFC tag, upper-case hex */
};

/* The shop's own rule for a card or an in-house item. The longest prefix that
 * fits wins. Source: the shop; prefixes are no standard. */
struct code_rule {
    enum code_carrier carrier;
    unsigned length; /* of the whole text; 0: any */
    unsigned skip;   /* leading characters that are not of the number */
    unsigned take;   /* characters of the number; 0: to the end */
    bool mod10;      /* GS1 check digit at the end must hold */
    bool item;       /* names an item, not a card */
    char prefix[24];
    char programme[49]; /* cards: [a-z0-9-]; items: "" */
};

/* Variable measure in an EAN-13 of restricted circulation. One letter a
 * digit: a digit as it stands, I item, P price in minor units, W weight in
 * grams, V price verifier (GS1 General Specifications 7.9.2 to 7.9.4), C check
 * digit. Italy: "2IIIIIIPPPPPC". */
struct code_measure {
    char layout[14];
};

struct code_rules {
    const struct code_rule *rules;
    size_t count;
    const struct code_measure *measures; /* longest literal prefix first */
    size_t measure_count;
    /* Digital Links of these hosts may name a card; items and coupons come
     * from any. */
    const char *const *link_hosts;
    size_t link_host_count;
    const struct currency *currency; /* the shop's; NULL: one of two decimals */
    struct ts_guard_rules guard;
};

enum { CODE_CANDIDATES_MAX = 2, CODE_NUMBER_MAX = 24, CODE_FIELD_MAX = 90 };

struct code {
    enum code_kind kind;
    enum symbology symbology;
    enum scan_error error;
    /* 8 digits without identifier may be EAN-8, UPC-E or both: the readings
     * whose check digit holds, the likelier first. */
    enum symbology candidates[CODE_CANDIDATES_MAX];
    size_t candidate_count;
    char gtin[15];          /* 14 digits as in AI (01), zero-padded, or "";
                               of a variable measure: price or weight as 0 and
                               the check digit that follows from it */
    const char *programme;  /* borrowed from the rule */
    struct ts_slice number; /* the card's number, borrowed from the scan or
                               from `digits` */
    struct ts_slice item;   /* text named as an item by a rule */
    char digits[CODE_NUMBER_MAX]; /* a number that stands nowhere in the text */
    /* Of an item, each absent when it was not told: */
    bool has_weight, has_price, has_quantity;
    int64_t weight_g;
    int64_t price_minor;
    char currency[4]; /* ISO 4217 letters where the code tells, else "": the
                         shop's */
    int64_t quantity;
    char lot[CODE_FIELD_MAX + 1];
    char expiry[11]; /* "2026-12-31": AI (17), else (15) */
    char add_on[6];  /* beside an EAN or UPC: the issue of a periodical (2
                        digits), the price of a book (5) */
    char coupon[CODE_FIELD_MAX + 1]; /* what names the coupon, without its
                                        serial */
};

/* The guard runs first. Never writes a digit of a payment card to `out`.
 * Without an AIM identifier 8, 12, 13 or 14 digits are a retail code whose
 * check digit must hold; 8, 12 or 14 of them are a card where a rule of
 * exactly that length, without mod10, says so. `rules` may be NULL. */
void code_classify(struct code *out, const struct scan *scan,
                   const struct code_rules *rules);

/* The element string or Digital Link in `scan`, for people who want to see all
 * of it (`tessera decode`). GS1_ABSENT: it holds none, or a payment card. */
enum gs1_result code_gs1(struct gs1 *out, const struct scan *scan,
                         const struct code_rules *rules);

/* GS1 General Specifications 7.9.1, weights 3 and 1 from the right. `digits`
 * includes the check digit. */
bool code_mod10_valid(struct ts_slice digits);

#endif
