/* Arithmetic of the EAN/UPC family over ASCII digits. */
#ifndef TS_DRIVERS_CODE_EAN_H
#define TS_DRIVERS_CODE_EAN_H

#include "base/bytes.h"

bool ean_all_digits(struct ts_slice text);

/* The check digit, '0' to '9', that belongs behind `digits`. */
char ean_check_digit(struct ts_slice digits);

/* UPC-E in its full form of 8 digits (number system, six digits, check digit)
 * to the 12 digits of UPC-A. False: number system is not 0 or 1, or the check
 * digit does not hold. GS1 General Specifications 5.2.2.4.2. */
bool ean_expand_upc_e(char upc_a[13], struct ts_slice digits);

/* True for the 12 digits of a UPC-A that zero suppression turns into UPC-E. */
bool ean_suppressible(struct ts_slice upc_a);

#endif
