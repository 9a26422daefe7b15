#include "hub/identifiers.h"

#include "base/token.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char *const type_names[IDENT_TYPES] = {
    "user_id", "email", "card", "phone", "anonymous_id", "visit"};
static const char *const rule_names[IDENT_RULES] = {"event", "alias"};

const char *identifier_type_name(enum ident_type type) {
    return type_names[type];
}

enum ident_type identifier_type_find(struct ts_slice name) {
    for (int i = 0; i < IDENT_TYPES; i++)
        if (ts_slice_equal(name, ts_slice_text(type_names[i])))
            return (enum ident_type)i;
    return IDENT_TYPES;
}

const char *identifier_rule_name(enum ident_rule rule) {
    return rule_names[rule];
}

/* What software and people write when they have nothing to write. */
static bool is_placeholder(const char *value) {
    static const char *const words[] = {
        "-1",     "null",      "undefined", "none",           "nil",
        "n/a",    "anonymous", "anonimo",   "unknown",        "guest",
        "ospite", "test",      "nan",       "[object object]"};

    if (strspn(value, "0-") == strlen(value))
        return true;
    if (strstr(value, "[payment card removed]"))
        return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(words[i], value) == 0)
            return true;
    return false;
}

static bool listed(const char *const *list, size_t count, const char *value) {
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(list[i], value) == 0)
            return true;
    return false;
}

static bool copy_trimmed(char *out, struct ts_slice value) {
    while (value.len && isspace(value.data[0])) {
        value.data++;
        value.len--;
    }
    while (value.len && isspace(value.data[value.len - 1]))
        value.len--;
    if (!value.len || value.len >= IDENT_VALUE_TEXT ||
        memchr(value.data, 0, value.len))
        return false;
    memcpy(out, value.data, value.len);
    out[value.len] = '\0';
    return true;
}

static bool settle_email(char *value, const struct identifier_rules *rules) {
    char *at = strchr(value, '@');

    if (!at || at == value || strchr(at + 1, '@') || !strchr(at + 1, '.') ||
        strpbrk(value, " ,;<>"))
        return false;
    for (char *c = value; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + 32);
    return !listed(rules->own_domains, rules->own_domain_count, at + 1);
}

/* E.164: at most 15 digits, no leading zero after the plus. */
static bool settle_phone(char *value, const struct identifier_rules *rules) {
    char digits[24] = "";
    size_t n = 0;
    bool international = value[0] == '+';
    const char *from = value + (international ? 1 : 0);

    if (!international && strncmp(value, "00", 2) == 0) {
        international = true;
        from = value + 2;
    }
    if (!international) {
        n = strlen(rules->country_code);
        if (n > 3)
            return false;
        memcpy(digits, rules->country_code, n);
        /* Italy dials its leading zero also from abroad; others drop it. */
        if (*from == '0' && strcmp(rules->country_code, "39") != 0)
            from++;
    }
    for (; *from; from++) {
        if (strchr(" -./()", *from))
            continue;
        if (!isdigit((unsigned char)*from) || n >= 15)
            return false;
        digits[n++] = *from;
    }
    digits[n] = '\0';
    if (n < 8 || digits[0] == '0')
        return false;
    value[0] = '+';
    memcpy(value + 1, digits, n + 1);
    return true;
}

static bool settle(struct identifier *ident,
                   const struct identifier_rules *rules) {
    switch (ident->type) {
    case IDENT_EMAIL:
        return settle_email(ident->value, rules);
    case IDENT_PHONE:
        return settle_phone(ident->value, rules);
    case IDENT_CARD:
        return ts_token_valid(ts_slice_text(ident->value));
    case IDENT_USER:
    case IDENT_ANONYMOUS:
    case IDENT_VISIT:
    case IDENT_TYPES:
        break;
    }
    return true;
}

bool identifier_set(struct identifier *out, enum ident_type type,
                    struct ts_slice value,
                    const struct identifier_rules *rules) {
    struct identifier ident = {.type = type};

    if (!copy_trimmed(ident.value, value) || is_placeholder(ident.value) ||
        listed(rules->blocked, rules->blocked_count, ident.value) ||
        !settle(&ident, rules) ||
        listed(rules->blocked, rules->blocked_count, ident.value))
        return false;
    *out = ident;
    return true;
}

/* The index of the identifier in the list, or -1. */
static int add(struct identifiers *out, enum ident_type type,
               struct ts_slice value, const struct identifier_rules *rules) {
    struct identifier ident;

    if (!value.len || !identifier_set(&ident, type, value, rules))
        return -1;
    for (size_t i = 0; i < out->count; i++)
        if (out->list[i].type == type &&
            strcmp(out->list[i].value, ident.value) == 0)
            return (int)i;
    if (out->count == IDENT_MAX)
        return -1;
    out->list[out->count] = ident;
    return (int)out->count++;
}

static void add_traits(struct identifiers *out, const json_t *traits,
                       const struct identifier_rules *rules) {
    add(out, IDENT_EMAIL, ts_json_text(traits, "email"), rules);
    add(out, IDENT_PHONE, ts_json_text(traits, "phone"), rules);
}

static void add_cards(struct identifiers *out, const json_t *object,
                      const struct identifier_rules *rules) {
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value) {
        if (json_is_string(value) &&
            listed(rules->card_traits, rules->card_trait_count, name))
            add(out, IDENT_CARD, ts_json_text(object, name), rules);
    }
}

static void add_externals(struct identifiers *out, const json_t *list,
                          const struct identifier_rules *rules) {
    const json_t *item;
    size_t i;

    json_array_foreach((json_t *)list, i, item) {
        enum ident_type type = identifier_type_find(ts_json_text(item, "type"));
        if (type < IDENT_VISIT)
            add(out, type, ts_json_text(item, "id"), rules);
    }
}

/* Properties may name somebody else (the friend who is invited); these events
 * speak of the person who acts or receives. */
static bool properties_name_person(const json_t *body) {
    static const char *const starts[] = {
        "Email ",  "Order ",  "Checkout ",     "Completed Order",
        "Signed ", "Account", "Subscription ", "Newsletter "};
    const char *name = json_string_value(json_object_get(body, "event"));

    for (size_t i = 0; name && i < sizeof starts / sizeof *starts; i++)
        if (strncasecmp(name, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static bool looks_like_uuid(struct ts_slice text) {
    if (text.len != 36)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if ((i == 8 || i == 13 || i == 18 || i == 23) ? text.data[i] != '-'
                                                      : !isxdigit(text.data[i]))
            return false;
    return true;
}

static void add_alias(struct identifiers *out, const json_t *body, int user,
                      int anonymous, const struct identifier_rules *rules) {
    struct ts_slice previous = ts_json_text(body, "previousId");
    bool is_anonymous =
        looks_like_uuid(previous) ||
        ts_slice_equal(previous, ts_json_text(body, "anonymousId"));
    int old =
        add(out, is_anonymous ? IDENT_ANONYMOUS : IDENT_USER, previous, rules);

    if (user < 0)
        user = anonymous;
    if (old >= 0 && user >= 0 && old != user) {
        out->alias_a = user;
        out->alias_b = old;
    }
}

static bool on_shared_device(const struct archive_event *event,
                             const json_t *context,
                             const struct identifier_rules *rules) {
    const char *kind = json_string_value(
        json_object_get(json_object_get(context, "device"), "type"));
    const char *name = memrchr(event->source.data, '/', event->source.len);
    char source[IDENT_VALUE_TEXT];
    size_t len;

    if (kind && (!strcasecmp(kind, "kiosk") || !strcasecmp(kind, "pos") ||
                 !strcasecmp(kind, "till")))
        return true;
    if (!name)
        return false;
    len =
        event->source.len - (size_t)(++name - (const char *)event->source.data);
    if (len >= sizeof source)
        return false;
    memcpy(source, name, len);
    source[len] = '\0';
    return listed(rules->shared_sources, rules->shared_source_count, source);
}

static void read_online(struct identifiers *out,
                        const struct archive_event *event, const json_t *body,
                        const struct identifier_rules *rules) {
    const json_t *context = json_object_get(body, "context");
    const json_t *properties = json_object_get(body, "properties");
    int anonymous = -1;
    int user = add(out, IDENT_USER, ts_json_text(body, "userId"), rules);

    add_traits(out, json_object_get(body, "traits"), rules);
    add_cards(out, json_object_get(body, "traits"), rules);
    add_traits(out, json_object_get(context, "traits"), rules);
    add_cards(out, json_object_get(context, "traits"), rules);
    add_cards(out, properties, rules);
    add_externals(out, json_object_get(context, "externalIds"), rules);
    if (properties_name_person(body))
        add_traits(out, properties, rules);
    if (!on_shared_device(event, context, rules))
        anonymous =
            add(out, IDENT_ANONYMOUS, ts_json_text(body, "anonymousId"), rules);
    if (ts_slice_equal(event->type, ts_slice_text("alias")))
        add_alias(out, body, user, anonymous, rules);
}

static void read_store(struct identifiers *out,
                       const struct archive_event *event, const json_t *body,
                       const struct identifier_rules *rules) {
    const json_t *data = json_object_get(body, "data");
    int card = add(out, IDENT_CARD, ts_json_text(data, "card"), rules);
    int was = add(out, IDENT_CARD, ts_json_text(data, "card_was"), rules);

    if (card >= 0 && was >= 0 && card != was) {
        out->alias_a = card;
        out->alias_b = was;
    }
    add(out, IDENT_VISIT, event->visit, rules);
}

/* Insertion sort by type; an alias pair follows its members. */
static void sort(struct identifiers *out) {
    for (size_t i = 1; i < out->count; i++)
        for (size_t j = i; j > 0; j--) {
            struct identifier keep = out->list[j];
            int *alias[] = {&out->alias_a, &out->alias_b};
            if (out->list[j - 1].type <= keep.type)
                break;
            out->list[j] = out->list[j - 1];
            out->list[j - 1] = keep;
            for (size_t k = 0; k < 2; k++) {
                if (*alias[k] == (int)j)
                    *alias[k] = (int)j - 1;
                else if (*alias[k] == (int)j - 1)
                    *alias[k] = (int)j;
            }
        }
}

void identifiers_read(struct identifiers *out,
                      const struct archive_event *event, const json_t *body,
                      const struct identifier_rules *rules) {
    memset(out, 0, sizeof *out);
    out->alias_a = out->alias_b = -1;
    if (ts_slice_equal(event->channel, ts_slice_text("store")))
        read_store(out, event, body, rules);
    else
        read_online(out, event, body, rules);
    sort(out);
}
