#include "drivers/code/loyalty.h"

#include "drivers/code/ean.h"

#include <string.h>
#include <strings.h>

static bool rule_fits(const struct code_rule *rule, struct ts_slice text) {
    size_t prefix = strlen(rule->prefix);

    if (rule->length && rule->length != text.len)
        return false;
    if (prefix > text.len || memcmp(rule->prefix, text.data, prefix) != 0)
        return false;
    return rule->skip < text.len && rule->take <= text.len - rule->skip;
}

static bool rule_beats(const struct code_rule *a, const struct code_rule *b) {
    size_t a_len = strlen(a->prefix);
    size_t b_len = b ? strlen(b->prefix) : 0;

    if (!b || a_len != b_len)
        return !b || a_len > b_len;
    return a->length && !b->length;
}

const struct code_rule *loyalty_find(const struct code_rules *rules,
                                     enum code_carrier carrier,
                                     struct ts_slice text) {
    const struct code_rule *best = NULL;

    for (size_t i = 0; text.len && rules && i < rules->count; i++) {
        const struct code_rule *rule = &rules->rules[i];
        if (rule->carrier == carrier && rule_fits(rule, text) &&
            rule_beats(rule, best))
            best = rule;
    }
    return best;
}

void loyalty_apply(struct code *out, const struct code_rule *rule,
                   struct ts_slice text) {
    size_t take = rule->take ? rule->take : text.len - rule->skip;
    struct ts_slice named = ts_slice_of(text.data + rule->skip, take);

    if (rule->mod10 && !code_mod10_valid(text)) {
        out->kind = CODE_REJECTED;
        out->error = SCAN_BAD_CHECK_DIGIT;
    } else if (rule->item) {
        out->kind = CODE_ITEM;
        out->item = named;
    } else {
        out->kind = CODE_CARD;
        out->programme = rule->programme;
        out->number = named;
    }
}

static struct ts_slice field_before(struct ts_slice track, char mark) {
    const uint8_t *at = track.len ? memchr(track.data, mark, track.len) : NULL;

    if (at)
        track.len = (size_t)(at - track.data);
    return track;
}

/* Track 1 begins with the letter of its format. */
static struct ts_slice account_of_track_1(struct ts_slice track) {
    if (track.len)
        track = ts_slice_of(track.data + 1, track.len - 1);
    return field_before(track, '^');
}

static bool account_take(struct code *out, struct ts_slice account,
                         const struct code_rules *rules) {
    const struct code_rule *rule =
        loyalty_find(rules, CODE_CARRIER_STRIPE, account);

    if (!rule || !rule->length || rule->item ||
        strlen(rule->prefix) < LOYALTY_STRIPE_PREFIX_MIN)
        return false;
    loyalty_apply(out, rule, account);
    return true;
}

bool loyalty_stripe(struct code *out, const struct scan *scan,
                    const struct code_rules *rules) {
    return account_take(out, field_before(scan->tracks[1], '='), rules) ||
           account_take(out, account_of_track_1(scan->tracks[0]), rules);
}

bool loyalty_host(const struct code_rules *rules, struct ts_slice host) {
    for (size_t i = 0; rules && i < rules->link_host_count; i++) {
        const char *known = rules->link_hosts[i];
        if (strlen(known) == host.len &&
            strncasecmp(known, (const char *)host.data, host.len) == 0)
            return true;
    }
    return false;
}
