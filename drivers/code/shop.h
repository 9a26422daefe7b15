/* The shop's own rules from a settings file: which texts are its cards, which
 * name its items, how its own codes hold weight and price, which issuer
 * numbers are a loyalty scheme's. */
#ifndef TS_DRIVERS_CODE_SHOP_H
#define TS_DRIVERS_CODE_SHOP_H

#include "base/settings.h"
#include "drivers/code/code.h"

extern const struct ts_setting shop_card_members[];
extern const struct ts_setting shop_item_members[];
extern const struct ts_setting shop_issuer_members[];
extern const struct ts_setting shop_measure_members[];

/* The settings as rows of a settings table: put them among your own. */
/* clang-format off */
#define SHOP_SETTINGS                                                          \
    {.name = "card", .kind = TS_SETTING_GROUPS,                                \
     .members = shop_card_members,                                             \
     .help = "codes, stripes and tags that are a loyalty card"},               \
    {.name = "item", .kind = TS_SETTING_GROUPS,                                \
     .members = shop_item_members,                                             \
     .help = "texts that name an item of the house"},                          \
    {.name = "measure", .kind = TS_SETTING_GROUPS,                             \
     .members = shop_measure_members,                                          \
     .help = "codes of the house that hold a weight or a price"},              \
    {.name = "national_measure", .kind = TS_SETTING_TEXT,                      \
     .fallback = "italy", .one_of = "italy|none",                              \
     .help = "the country's layout of codes with a price: "                    \
             "italy is 2IIIIIIPPPPPC"},                                        \
    {.name = "link_hosts", .kind = TS_SETTING_LIST, .fallback = "{}",            \
     .help = "hosts whose GS1 Digital Links may name a card"},                 \
    {.name = "loyalty_issuer", .kind = TS_SETTING_GROUPS,                      \
     .members = shop_issuer_members,                                           \
     .help = "issuer numbers of loyalty cards that look like payment cards"}
/* clang-format on */

struct shop;

/* Every problem is a line of `problems`, as ts_settings_load writes them;
 * TS_INVALID when there is any. Nothing of `settings` is kept. */
enum ts_status shop_new(struct shop **out, const struct ts_settings *settings,
                        struct ts_buf *problems) TS_MUST_USE;
void shop_free(struct shop *shop);
/* Three letters: what a price is in that names no currency. One of two decimals
 * unless this is called, or where the letters are nobody's. */
void shop_set_currency(struct shop *shop, const char *letters);
/* Valid as long as the shop. A NULL shop is that of an empty settings file. */
const struct code_rules *shop_rules(const struct shop *shop);

#endif
