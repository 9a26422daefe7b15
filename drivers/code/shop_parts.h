/* Inner part of drivers/code/shop.h: one card or item section. */
#ifndef TS_DRIVERS_CODE_SHOP_PARTS_H
#define TS_DRIVERS_CODE_SHOP_PARTS_H

#include "drivers/code/shop.h"

/* What is wrong with the section goes to `problems`. */
void shop_rule_read(struct code_rule *rule, const struct ts_settings *from,
                    bool item, struct ts_buf *problems);

#endif
