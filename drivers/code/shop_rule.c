#include "drivers/code/ean.h"
#include "drivers/code/loyalty.h"
#include "drivers/code/shop_parts.h"

#include <stdio.h>
#include <string.h>

enum { GSRN_LENGTH = 18 };

static bool programme_valid(const char *name) {
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return len >= 1 && len <= 48 && name[len] == 0;
}

static const char *length_fault(const struct code_rule *rule,
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

static bool all_digits(const char *text) {
    return !text[0] || ean_all_digits(ts_slice_text(text));
}

static const char *gsrn_fault(const struct code_rule *rule,
                              const char *prefix) {
    if (!all_digits(prefix))
        return "a GS1 service relation number is digits alone; so is its "
               "prefix";
    return rule->length && rule->length != GSRN_LENGTH
               ? "a GS1 service relation number has 18 digits; leave length out"
               : NULL;
}

static const char *stripe_fault(const struct code_rule *rule,
                                const char *prefix) {
    if (strlen(prefix) < LOYALTY_STRIPE_PREFIX_MIN || !all_digits(prefix) ||
        !rule->length)
        return "a stripe is only read under a prefix of 6 digits and more and "
               "a length; set both as they stand on the card";
    return NULL;
}

static const char *uid_fault(const struct code_rule *rule, const char *prefix) {
    if (prefix[strspn(prefix, "0123456789ABCDEF")])
        return "the id of a tag is upper-case hex; write the prefix so";
    return rule->mod10 ? "the id of a tag has no check digit; leave mod10 out"
                       : NULL;
}

static const char *rule_fault(const struct code_rule *rule,
                              const char *prefix) {
    const char *fault = length_fault(rule, prefix);

    if (fault)
        return fault;
    switch (rule->carrier) {
    case CODE_CARRIER_GSRN:
        return gsrn_fault(rule, prefix);
    case CODE_CARRIER_STRIPE:
        return stripe_fault(rule, prefix);
    case CODE_CARRIER_UID:
        return uid_fault(rule, prefix);
    default:
        return NULL;
    }
}

static enum code_carrier carrier_of(const char *name) {
    static const char *const names[] = {
        [CODE_CARRIER_TEXT] = "text",
        [CODE_CARRIER_GSRN] = "gsrn",
        [CODE_CARRIER_STRIPE] = "stripe",
        [CODE_CARRIER_UID] = "uid",
    };
    enum code_carrier carrier = CODE_CARRIER_UID;

    while (carrier != CODE_CARRIER_TEXT && strcmp(names[carrier], name) != 0)
        carrier--;
    return carrier;
}

static void card_read(struct code_rule *rule, const struct ts_settings *from,
                      struct ts_buf *problems) {
    const char *programme = ts_settings_text(from, "programme");

    if (!programme[0])
        programme = ts_settings_title(from);
    if (!programme_valid(programme))
        ts_settings_problem(problems, from, "programme",
                            "a programme's name is 1 to 48 of a-z, 0-9 and -; "
                            "rename it");
    else
        (void)snprintf(rule->programme, sizeof rule->programme, "%s",
                       programme);
}

void shop_rule_read(struct code_rule *rule, const struct ts_settings *from,
                    bool item, struct ts_buf *problems) {
    const char *prefix = ts_settings_text(from, "prefix");

    *rule = (struct code_rule){
        .length = (unsigned)ts_settings_int(from, "length"),
        .skip = (unsigned)ts_settings_int(from, "skip"),
        .take = (unsigned)ts_settings_int(from, "take"),
        .mod10 = ts_settings_bool(from, "mod10"),
        .item = item,
    };
    if (!item)
        rule->carrier = carrier_of(ts_settings_text(from, "carrier"));
    if (rule->carrier == CODE_CARRIER_GSRN && !rule->length)
        rule->length = GSRN_LENGTH;
    const char *fault = rule_fault(rule, prefix);
    if (fault) {
        ts_settings_problem(problems, from, NULL, "%s", fault);
        return;
    }
    (void)snprintf(rule->prefix, sizeof rule->prefix, "%s", prefix);
    if (!item)
        card_read(rule, from, problems);
}
