#include "drivers/shop.h"

#include "drivers/ean.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ISSUER_PREFIX_MIN = 6,
    ISSUER_PREFIX_MAX = 10,
    ISSUER_LENGTH_MIN = 12,
    ISSUER_LENGTH_MAX = 19
};

/* clang-format off */
#define RULE_MEMBERS \
    {.name = "prefix", .kind = TS_SETTING_TEXT, .fallback = "", \
     .help = "how the text begins; the longest prefix that fits wins"}, \
    {.name = "length", .kind = TS_SETTING_INT, .fallback = "0", \
     .max = SCAN_MAX_TEXT, .help = "characters of the text; 0: any"}, \
    {.name = "skip", .kind = TS_SETTING_INT, .fallback = "0", \
     .max = SCAN_MAX_TEXT, .help = "leading characters left out of the number"}, \
    {.name = "take", .kind = TS_SETTING_INT, .fallback = "0", \
     .max = SCAN_MAX_TEXT, .help = "characters of the number; 0: to the end"}, \
    {.name = "mod10", .kind = TS_SETTING_BOOL, .fallback = "false", \
     .help = "the last digit is a GS1 check digit and must hold"}

const struct ts_setting shop_card_members[] = {RULE_MEMBERS, {.name = NULL}};
const struct ts_setting shop_item_members[] = {RULE_MEMBERS, {.name = NULL}};
const struct ts_setting shop_issuer_members[] = {
    {.name = "prefix", .kind = TS_SETTING_TEXT,
     .help = "first 6 to 10 digits of the card"},
    {.name = "length", .kind = TS_SETTING_INT, .min = ISSUER_LENGTH_MIN,
     .max = ISSUER_LENGTH_MAX, .help = "digits of the card"},
    {.name = NULL},
};
/* clang-format on */

struct shop {
    struct code_rule *rules;
    struct ts_guard_allow *allow;
    struct code_rules view;
};

static bool programme_valid(const char *name) {
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return len >= 1 && len <= 48 && name[len] == 0;
}

static const char *rule_fault(const struct code_rule *rule,
                              const char *prefix) {
    if (strlen(prefix) >= sizeof rule->prefix)
        return "the prefix is over 23 characters; shorten it";
    if (!prefix[0] && rule->length == 0)
        return "neither prefix nor length is set, so every scan would fit; "
               "set at least one";
    if (rule->length && strlen(prefix) > rule->length)
        return "the prefix is longer than the length; correct one of them";
    if (rule->length && rule->skip + rule->take > rule->length)
        return "skip and take reach beyond the length; correct one of them";
    if (rule->length && rule->skip == rule->length)
        return "skip leaves nothing of the text; make it smaller";
    return NULL;
}

static void rule_read(struct code_rule *rule, const struct ts_settings *from,
                      bool item, struct ts_buf *problems) {
    const char *prefix = ts_settings_text(from, "prefix");
    const char *title = ts_settings_title(from);

    *rule = (struct code_rule){
        .length = (unsigned)ts_settings_int(from, "length"),
        .skip = (unsigned)ts_settings_int(from, "skip"),
        .take = (unsigned)ts_settings_int(from, "take"),
        .mod10 = ts_settings_bool(from, "mod10"),
        .item = item,
    };
    const char *fault = rule_fault(rule, prefix);
    if (!fault && !item && !programme_valid(title))
        fault = "a programme's name is 1 to 48 of a-z, 0-9 and -; rename it";
    if (fault) {
        ts_settings_problem(problems, from, NULL, "%s", fault);
        return;
    }
    (void)snprintf(rule->prefix, sizeof rule->prefix, "%s", prefix);
    if (!item)
        (void)snprintf(rule->programme, sizeof rule->programme, "%s", title);
}

static void rules_compare(const struct shop *shop, size_t index,
                          const struct ts_settings *from,
                          struct ts_buf *problems) {
    const struct code_rule *rule = &shop->rules[index];

    for (size_t i = 0; i < index; i++) {
        const struct code_rule *other = &shop->rules[i];
        if (other->length == rule->length &&
            strcmp(other->prefix, rule->prefix) == 0) {
            ts_settings_problem(
                problems, from, NULL,
                "another card or item has the same prefix and length; "
                "remove one of them");
            return;
        }
    }
}

static void rules_read(struct shop *shop, const struct ts_settings *settings,
                       struct ts_buf *problems) {
    static const char *const names[] = {"card", "item"};

    shop->rules = ts_alloc((ts_settings_groups(settings, "card") +
                            ts_settings_groups(settings, "item")) *
                           sizeof *shop->rules);
    for (size_t kind = 0; kind < 2; kind++) {
        size_t count = ts_settings_groups(settings, names[kind]);
        for (size_t i = 0; i < count; i++) {
            const struct ts_settings *from =
                ts_settings_group_at(settings, names[kind], i);
            size_t index = shop->view.count++;
            rule_read(&shop->rules[index], from, kind == 1, problems);
            rules_compare(shop, index, from, problems);
        }
    }
    shop->view.rules = shop->rules;
}

static void issuers_read(struct shop *shop, const struct ts_settings *settings,
                         struct ts_buf *problems) {
    size_t count = ts_settings_groups(settings, "loyalty_issuer");

    shop->allow = ts_alloc(count * sizeof *shop->allow);
    for (size_t i = 0; i < count; i++) {
        const struct ts_settings *from =
            ts_settings_group_at(settings, "loyalty_issuer", i);
        const char *prefix = ts_settings_text(from, "prefix");
        size_t len = strlen(prefix);
        if (len < ISSUER_PREFIX_MIN || len > ISSUER_PREFIX_MAX ||
            !ean_all_digits(ts_slice_text(prefix))) {
            ts_settings_problem(
                problems, from, NULL,
                "an issuer's prefix is 6 to 10 digits; write those of "
                "the card");
            continue;
        }
        memcpy(shop->allow[i].prefix, prefix, len + 1);
        shop->allow[i].length = (unsigned)ts_settings_int(from, "length");
    }
    shop->view.guard =
        (struct ts_guard_rules){.allow = shop->allow, .count = count};
}

enum ts_status shop_new(struct shop **out, const struct ts_settings *settings,
                        struct ts_buf *problems) {
    struct shop *shop = ts_alloc(sizeof *shop);
    size_t before = problems->len;

    rules_read(shop, settings, problems);
    issuers_read(shop, settings, problems);
    if (problems->len > before) {
        shop_free(shop);
        return TS_INVALID;
    }
    *out = shop;
    return TS_OK;
}

void shop_free(struct shop *shop) {
    if (!shop)
        return;
    free(shop->rules);
    free(shop->allow);
    free(shop);
}

const struct code_rules *shop_rules(const struct shop *shop) {
    static const struct code_rules none = {.rules = NULL};
    return shop ? &shop->view : &none;
}
