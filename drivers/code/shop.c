#include "drivers/code/shop.h"

#include "drivers/code/ean.h"
#include "drivers/code/measure.h"
#include "drivers/code/shop_parts.h"

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

const struct ts_setting shop_card_members[] = {
    RULE_MEMBERS,
    {.name = "programme", .kind = TS_SETTING_TEXT, .fallback = "",
     .help = "the programme, where it is not the title"},
    {.name = "carrier", .kind = TS_SETTING_TEXT, .fallback = "text",
     .one_of = "text|gsrn|stripe|uid",
     .help = "what holds the number: text of a code or an NFC tag, GS1 number "
             "(8018), magnetic stripe, id of a tag"},
    {.name = NULL},
};
const struct ts_setting shop_item_members[] = {RULE_MEMBERS, {.name = NULL}};
const struct ts_setting shop_issuer_members[] = {
    {.name = "prefix", .kind = TS_SETTING_TEXT,
     .help = "first 6 to 10 digits of the card"},
    {.name = "length", .kind = TS_SETTING_INT, .min = ISSUER_LENGTH_MIN,
     .max = ISSUER_LENGTH_MAX, .help = "digits of the card"},
    {.name = NULL},
};
const struct ts_setting shop_measure_members[] = {
    {.name = "layout", .kind = TS_SETTING_TEXT,
     .help = "13 characters, one a digit: a digit as it stands, I item, P "
             "price, W grams, V price verifier, C check digit"},
    {.name = NULL},
};
/* clang-format on */

static const struct code_measure italy = {.layout = MEASURE_ITALY};

struct shop {
    struct code_rule *rules;
    struct ts_guard_allow *allow;
    struct code_measure *measures;
    char **hosts;
    struct code_rules view;
};

static void rules_compare(const struct shop *shop, size_t index,
                          const struct ts_settings *from,
                          struct ts_buf *problems) {
    const struct code_rule *rule = &shop->rules[index];

    for (size_t i = 0; i < index; i++) {
        const struct code_rule *other = &shop->rules[i];
        if (other->carrier == rule->carrier && other->length == rule->length &&
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
            shop_rule_read(&shop->rules[index], from, kind == 1, problems);
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

static bool stripe_refused(const struct shop *shop,
                           const struct code_rule *rule) {
    uint8_t track[SCAN_MAX_TEXT];
    static const char expiry[] = "=4912";
    size_t prefix = strlen(rule->prefix);
    size_t len = rule->length;

    if (len < prefix || len + sizeof expiry > sizeof track)
        return false;
    memset(track, '0', len);
    memcpy(track, rule->prefix, prefix);
    memcpy(track + len, expiry, sizeof expiry - 1);
    return ts_guard_refuses(ts_slice_of(track, len + sizeof expiry - 1),
                            TS_CARRIER_STRIPE, &shop->view.guard);
}

/* A rule under which nothing would ever be read is a mistake. */
static void stripes_compare(const struct shop *shop,
                            const struct ts_settings *settings,
                            struct ts_buf *problems) {
    for (size_t i = 0; i < ts_settings_groups(settings, "card"); i++)
        if (shop->rules[i].carrier == CODE_CARRIER_STRIPE &&
            stripe_refused(shop, &shop->rules[i]))
            ts_settings_problem(
                problems, ts_settings_group_at(settings, "card", i), "prefix",
                "payment cards begin so, and a stripe that looks like one is "
                "refused; add a loyalty_issuer of this prefix and length (not "
                "possible for Visa, Mastercard, American Express, UnionPay)");
}

/* Longest literal prefix first, the shop's own before the country's. */
static void measures_sort(struct code_measure *measures, size_t count) {
    for (size_t i = 1; i < count; i++) {
        struct code_measure measure = measures[i];
        size_t at = i;
        for (; at && measure_literals(measures[at - 1].layout) <
                         measure_literals(measure.layout);
             at--)
            measures[at] = measures[at - 1];
        measures[at] = measure;
    }
}

static bool same_literals(const char *a, const char *b) {
    size_t len = measure_literals(a);
    return len == measure_literals(b) && memcmp(a, b, len) == 0;
}

static const char *layout_fault(const struct shop *shop, const char *layout) {
    const char *fault = measure_fault(layout);

    for (size_t i = 0; !fault && i < shop->view.measure_count; i++)
        if (same_literals(shop->measures[i].layout, layout))
            fault = "another measure begins with the same digits; remove one";
    return fault;
}

static void measures_read(struct shop *shop, const struct ts_settings *settings,
                          struct ts_buf *problems) {
    size_t count = ts_settings_groups(settings, "measure");
    const char *national = ts_settings_text(settings, "national_measure");

    shop->measures = ts_alloc((count + 1) * sizeof *shop->measures);
    for (size_t i = 0; i < count; i++) {
        const struct ts_settings *from =
            ts_settings_group_at(settings, "measure", i);
        const char *layout = ts_settings_text(from, "layout");
        const char *fault = layout_fault(shop, layout);
        if (fault) {
            ts_settings_problem(problems, from, "layout", "%s", fault);
            continue;
        }
        memcpy(shop->measures[shop->view.measure_count++].layout, layout,
               sizeof shop->measures->layout);
    }
    if (strcmp(national, "italy") == 0)
        shop->measures[shop->view.measure_count++] = italy;
    measures_sort(shop->measures, shop->view.measure_count);
    shop->view.measures = shop->measures;
}

static bool host_valid(const char *host) {
    size_t len = strspn(host, "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");
    return len > 0 && len < 254 && host[len] == 0;
}

static void hosts_read(struct shop *shop, const struct ts_settings *settings,
                       struct ts_buf *problems) {
    size_t count = ts_settings_list(settings, "link_hosts");

    shop->hosts = ts_alloc((count + 1) * sizeof *shop->hosts);
    for (size_t i = 0; i < count; i++) {
        const char *host = ts_settings_list_at(settings, "link_hosts", i);
        if (!host_valid(host))
            ts_settings_problem(problems, settings, "link_hosts",
                                "\"%s\" is no host; write a name such as "
                                "id.example.com, without https:// and path",
                                host);
        else
            shop->hosts[shop->view.link_host_count++] = ts_strdup(host);
    }
    shop->view.link_hosts = (const char *const *)shop->hosts;
}

enum ts_status shop_new(struct shop **out, const struct ts_settings *settings,
                        struct ts_buf *problems) {
    struct shop *shop = ts_alloc(sizeof *shop);
    size_t before = problems->len;

    rules_read(shop, settings, problems);
    issuers_read(shop, settings, problems);
    stripes_compare(shop, settings, problems);
    measures_read(shop, settings, problems);
    hosts_read(shop, settings, problems);
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
    free(shop->measures);
    for (size_t i = 0; i < shop->view.link_host_count; i++)
        free(shop->hosts[i]);
    free(shop->hosts);
    free(shop);
}

void shop_set_currency(struct shop *shop, const char *letters) {
    shop->view.currency = currency_named(letters);
}

const struct code_rules *shop_rules(const struct shop *shop) {
    static const struct code_rules none = {.measures = &italy,
                                           .measure_count = 1};
    return shop ? &shop->view : &none;
}
