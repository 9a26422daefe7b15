/* What the text of a scan means: item, loyalty card, or unknown. Pure. */
#ifndef TS_DRIVERS_CODE_H
#define TS_DRIVERS_CODE_H

#include "base/guard.h"
#include "drivers/driver.h"

enum symbology {
    SYMBOLOGY_UNKNOWN,
    SYMBOLOGY_EAN_13,
    SYMBOLOGY_EAN_8,
    SYMBOLOGY_UPC_A,
    SYMBOLOGY_UPC_E,
    SYMBOLOGY_ITF_14,
    SYMBOLOGY_ITF,
    SYMBOLOGY_CODE_128,
    SYMBOLOGY_GS1_128,
    SYMBOLOGY_CODE_39,
    SYMBOLOGY_QR,
    SYMBOLOGY_DATA_MATRIX,
    SYMBOLOGY_PDF417,
    SYMBOLOGY_AZTEC,
    SYMBOLOGY_GS1_DATABAR,
    SYMBOLOGY_EAN_ADD_ON_2,
    SYMBOLOGY_EAN_ADD_ON_5,
    SYMBOLOGY_ISBT_128,
    SYMBOLOGY_CODE_39_ASCII,
    SYMBOLOGY_GS1_QR,
    SYMBOLOGY_GS1_DATA_MATRIX,
    SYMBOLOGY_GS1_DOTCODE,
    SYMBOLOGY_GS1_AZTEC,
    SYMBOLOGY_AZTEC_RUNE,
    SYMBOLOGY_DOTCODE,
    SYMBOLOGY_CODABAR,
    SYMBOLOGY_CODE_93,
    SYMBOLOGY_CODE_11,
    SYMBOLOGY_CODE_16K,
    SYMBOLOGY_CODE_49,
    SYMBOLOGY_CODE_ONE,
    SYMBOLOGY_CODABLOCK,
    SYMBOLOGY_TELEPEN,
    SYMBOLOGY_MSI,
    SYMBOLOGY_ANKER,
    SYMBOLOGY_PLESSEY,
    SYMBOLOGY_DISCRETE_2_OF_5,
    SYMBOLOGY_MAXICODE,
    SYMBOLOGY_GRID_MATRIX,
    SYMBOLOGY_HAN_XIN,
    SYMBOLOGY_OTHER
};

enum code_kind {
    CODE_ITEM,         /* gtin is set, or text named as item by a shop rule */
    CODE_CARD,         /* programme and number are set */
    CODE_UNKNOWN,      /* well read, nobody's rule */
    CODE_PAYMENT_CARD, /* nothing else is set */
    CODE_REJECTED      /* error is set */
};

/* The shop's own rule for a card or an in-house item. The longest prefix that
 * fits wins. Source: the shop; prefixes are no standard. */
struct code_rule {
    char prefix[24];
    char programme[49]; /* cards: [a-z0-9-]; items: "" */
    unsigned length;    /* of the whole text; 0: any */
    unsigned skip;      /* leading characters that are not of the number */
    unsigned take;      /* characters of the number; 0: to the end */
    bool mod10;         /* GS1 check digit at the end must hold */
    bool item;          /* names an item, not a card */
};

struct code_rules {
    const struct code_rule *rules;
    size_t count;
    struct ts_guard_rules guard;
};

struct code {
    enum code_kind kind;
    enum symbology symbology;
    enum scan_error error;
    char gtin[15];          /* 14 digits as in AI (01), zero-padded, or "" */
    const char *programme;  /* borrowed from the rule */
    struct ts_slice number; /* the card's number, borrowed from the scan */
    struct ts_slice item;   /* text named as an item by a rule */
};

/* The guard runs first. Never writes a digit of a payment card to `out`.
 * Without an AIM identifier 8, 12, 13 or 14 digits are a retail code whose
 * check digit must hold; 8, 12 or 14 of them are a card where a rule of
 * exactly that length, without mod10, says so. `rules` may be NULL. */
void code_classify(struct code *out, const struct scan *scan,
                   const struct code_rules *rules);

/* As the trade writes it: "EAN-13", "Code 128", "QR Code". */
const char *symbology_name(enum symbology symbology);

/* GS1 General Specifications 7.9.1, weights 3 and 1 from the right. `digits`
 * includes the check digit. */
bool code_mod10_valid(struct ts_slice digits);

#endif
