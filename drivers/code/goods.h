/* What an element string says of an item: GTIN, weight, price, quantity, lot
 * and expiry. */
#ifndef TS_DRIVERS_CODE_GOODS_H
#define TS_DRIVERS_CODE_GOODS_H

#include "drivers/code/code.h"

/* False: it names no item. */
bool goods_read(struct code *out, const struct gs1 *gs1);
/* All but the GTIN. */
void goods_details(struct code *out, const struct gs1 *gs1);

#endif
