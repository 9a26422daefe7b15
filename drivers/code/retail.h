/* The retail codes: EAN-13, EAN-8, UPC-A, UPC-E, ITF-14, with their add-ons
 * and their check digits. */
#ifndef TS_DRIVERS_CODE_RETAIL_H
#define TS_DRIVERS_CODE_RETAIL_H

#include "drivers/code/code.h"

struct retail {
    enum symbology symbology; /* what it turned out to be */
    enum scan_error error;
    struct ts_slice digits;    /* without the add-on */
    struct ts_slice add_on;    /* 2 or 5 digits, or empty */
    struct ts_slice composite; /* element string behind the code, or empty */
    enum symbology candidates[CODE_CANDIDATES_MAX];
    size_t candidate_count;
    char gtin[15]; /* "" where the text is none */
    bool sure;     /* the symbology was told, and the text has its form */
};

/* `told`: what the device says, or unknown: then 8, 12, 13 or 14 digits are
 * taken for a retail code. */
struct retail retail_read(enum symbology told, const char aim[4], bool untold,
                          struct ts_slice text);

/* The 13 digits of an EAN-13 or UPC-A, for what depends on the prefix; false:
 * the code is another. */
bool retail_ean_13(char out[14], const struct retail *retail);

#endif
