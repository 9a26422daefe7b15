/* What an element string says of an item: GTIN, weight, price, quantity, lot
 * and expiry. */
#ifndef TS_DRIVERS_CODE_GOODS_H
#define TS_DRIVERS_CODE_GOODS_H

#include "drivers/code/code.h"

/* A price without currency is in that of `rules`, which may be NULL. False: it
 * names no item. */
bool goods_read(struct code *out, const struct gs1 *gs1,
                const struct code_rules *rules);
/* All but the GTIN. */
void goods_details(struct code *out, const struct gs1 *gs1,
                   const struct code_rules *rules);

#endif
