/* Variable measure: weight or price inside an EAN-13 of restricted
 * circulation. GS1 General Specifications 7.9.2 to 7.9.4; what a prefix means
 * is the business of each country and shop. */
#ifndef TS_DRIVERS_CODE_MEASURE_H
#define TS_DRIVERS_CODE_MEASURE_H

#include "drivers/code/code.h"

/* GS1 Italy, INDICOD: item, price in euro cents. */
#define MEASURE_ITALY "2IIIIIIPPPPPC"

/* The digit that verifies a price of 4 or 5 digits; 0 for any other text. */
char measure_price_verifier(struct ts_slice price);

/* NULL: a layout; else what is wrong with it, in words. */
const char *measure_fault(const char *layout);
/* How many of the leading characters are digits as they stand. */
size_t measure_literals(const char *layout);

/* The first whose leading digits are those of `ean_13`, or NULL. */
const struct code_measure *measure_find(const struct code_rules *rules,
                                        const char ean_13[14]);

/* Sets price or weight, and the GTIN in which they are 0. */
enum scan_error measure_read(struct code *out,
                             const struct code_measure *measure,
                             const char ean_13[14]);

#endif
