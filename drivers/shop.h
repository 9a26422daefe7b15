/* The shop's own rules from a settings file: which texts are its cards, which
 * name its items, which issuer numbers are a loyalty scheme's. */
#ifndef TS_DRIVERS_SHOP_H
#define TS_DRIVERS_SHOP_H

#include "base/settings.h"
#include "drivers/code.h"

extern const struct ts_setting shop_card_members[];
extern const struct ts_setting shop_item_members[];
extern const struct ts_setting shop_issuer_members[];

/* The sections as rows of a settings table: put them among your own. */
#define SHOP_SETTINGS                                                          \
    {.name = "card",                                                           \
     .kind = TS_SETTING_GROUPS,                                                \
     .members = shop_card_members,                                             \
     .help = "texts that are a loyalty card; the title is the programme"},     \
        {.name = "item",                                                       \
         .kind = TS_SETTING_GROUPS,                                            \
         .members = shop_item_members,                                         \
         .help = "texts that name an item of the house"},                      \
    {                                                                          \
        .name = "loyalty_issuer", .kind = TS_SETTING_GROUPS,                   \
        .members = shop_issuer_members,                                        \
        .help = "issuer numbers of loyalty cards that look like payment cards" \
    }

struct shop;

/* Every problem is a line of `problems`, as ts_settings_load writes them;
 * TS_INVALID when there is any. Nothing of `settings` is kept. */
enum ts_status shop_new(struct shop **out, const struct ts_settings *settings,
                        struct ts_buf *problems) TS_MUST_USE;
void shop_free(struct shop *shop);
/* Valid as long as the shop; a NULL shop has no rules. */
const struct code_rules *shop_rules(const struct shop *shop);

#endif
