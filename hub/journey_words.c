#include "hub/journey.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Exponents of ISO 4217 that are not 2. */
static int exponent_of(const char *currency) {
    static const char *const zero[] = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY",
                                       "KMF", "KRW", "PYG", "RWF", "UGX", "VND",
                                       "VUV", "XAF", "XOF", "XPF"};
    static const char *const three[] = {"BHD", "IQD", "JOD", "KWD",
                                        "LYD", "OMR", "TND"};

    for (size_t i = 0; i < sizeof zero / sizeof *zero; i++)
        if (strcasecmp(zero[i], currency) == 0)
            return 0;
    for (size_t i = 0; i < sizeof three / sizeof *three; i++)
        if (strcasecmp(three[i], currency) == 0)
            return 3;
    return 2;
}

static const char *text_of(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static const json_t *context_of(const json_t *body) {
    return json_object_get(body, "context");
}

static bool one_of(const char *word, const char *const *words) {
    for (; *words; words++)
        if (strcasecmp(*words, word) == 0)
            return true;
    return false;
}

static const char *channel_of_medium(const char *medium, const char *source) {
    static const char *const mail[] = {"email", "e-mail", "newsletter", NULL};
    static const char *const social[] = {"social", "social-media",
                                         "social_media", "sm", NULL};
    static const char *const networks[] = {
        "facebook", "instagram", "tiktok",   "linkedin", "pinterest",
        "x",        "twitter",   "whatsapp", "youtube",  NULL};
    static const char *const paid[] = {
        "cpc",         "ppc",        "cpm",         "cpv",
        "display",     "banner",     "paid",        "paid-social",
        "paid_social", "paidsocial", "paid-search", "paid_search",
        "retargeting", "affiliate",  "ads",         NULL};

    if (one_of(medium, mail))
        return "email";
    if (one_of(medium, paid))
        return "advertising";
    if (one_of(medium, social) || (!*medium && one_of(source, networks)))
        return "social";
    return NULL;
}

/* A campaign tells how somebody came: it counts on the page that was landed
 * on, not on what was done there. */
static const char *channel_of_campaign(const struct archive_event *event,
                                       const json_t *body) {
    const json_t *campaign = json_object_get(context_of(body), "campaign");

    if (!json_is_object(campaign) ||
        !(ts_slice_equal(event->type, ts_slice_text("page")) ||
          ts_slice_equal(event->type, ts_slice_text("screen"))))
        return NULL;
    return channel_of_medium(text_of(campaign, "medium"),
                             text_of(campaign, "source"));
}

static bool is_order(const char *name) {
    static const char *const starts[] = {"Order ",    "Completed Order",
                                         "Checkout ", "Payment ",
                                         "Cart ",     "Coupon "};

    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (strncasecmp(name, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

const char *journey_channel(const struct archive_event *event,
                            const json_t *body) {
    static const char *const known[] = {
        "store", "web", "shop", "email", "social", "advertising", "app", NULL};
    const char *name = text_of(body, "event");
    const char *campaign;
    char channel[24];

    snprintf(channel, sizeof channel, "%.*s", (int)event->channel.len,
             event->channel.len ? (const char *)event->channel.data : "");
    if (strcmp(channel, "store") == 0)
        return "store";
    if (strncasecmp(name, "Email ", 6) == 0)
        return "email";
    campaign = channel_of_campaign(event, body);
    if (campaign)
        return campaign;
    if (ts_slice_equal(event->type, ts_slice_text("screen")))
        return "app";
    if (strcmp(channel, "app") != 0 && is_order(name))
        return "shop";
    for (size_t i = 0; known[i]; i++)
        if (strcmp(known[i], channel) == 0)
            return known[i];
    return "web";
}

static void add(char *out, size_t size, const char *text) {
    size_t used = strlen(out);

    if (text && *text && used + 1 < size)
        snprintf(out + used, size - used, "%s", text);
}

static void add_more(char *out, size_t size, const char *text) {
    if (text && *text) {
        add(out, size, ": ");
        add(out, size, text);
    }
}

/* Amounts of stores are minor units, those of online shops decimals. */
static void add_minor(char *out, size_t size, const json_t *data,
                      const char *name) {
    const json_t *value = json_object_get(data, name);
    const char *currency = text_of(data, "currency");
    int digits = exponent_of(currency);
    char text[64];
    double amount;

    if (!json_is_integer(value))
        return;
    amount = (double)json_integer_value(value);
    for (int i = 0; i < digits; i++)
        amount /= 10;
    snprintf(text, sizeof text, ", %.*f %s", digits, amount, currency);
    add(out, size, text);
}

static void add_amount(char *out, size_t size, const json_t *properties) {
    static const char *const names[] = {"total", "revenue", "value"};
    const json_t *value = NULL;
    const char *currency = text_of(properties, "currency");
    char text[64];

    for (size_t i = 0; i < 3 && !value; i++)
        value = json_object_get(properties, names[i]);
    if (json_is_number(value)) {
        snprintf(text, sizeof text, ", %.*f %s", exponent_of(currency),
                 json_number_value(value), currency);
        add(out, size, text);
    } else if (json_is_string(value)) {
        snprintf(text, sizeof text, ", %s %s", json_string_value(value),
                 currency);
        add(out, size, text);
    }
}

struct store_word {
    const char *type, *words, *detail;
};

static const struct store_word store_words[] = {
    {"card.presented", "Card presented", "masked"},
    {"item.scanned", "Item scanned", NULL},
    {"item.voided", "Item taken off", NULL},
    {"coupon.presented", "Coupon presented", "coupon"},
    {"visit.opened", "Visit began", "kind"},
    {"visit.closed", "Visit ended", "outcome"},
    {"checkin.made", "Checked in", NULL},
    {"offer.shown", "Offer shown", "offer"},
    {"offer.accepted", "Offer accepted", "offer"},
    {"offer.declined", "Offer declined", "offer"},
    {"offer.redeemed", "Offer redeemed", "offer"},
    {"consent.changed", "Consent changed", "purpose"},
    {"feedback.given", "Feedback given", "text"},
    {"code.unknown", "Unknown code scanned", NULL},
    {"payment_card.refused", "Payment card refused, nothing kept", NULL},
    {"scan.rejected", "Scan rejected", "error"},
    {NULL, NULL, NULL}};

static void add_word(char *out, size_t size, const char *word,
                     const char *text) {
    if (!*text)
        return;
    add(out, size, word);
    add(out, size, text);
}

/* What names the item, and what its code told of it. */
static void add_item(char *out, size_t size, const json_t *data) {
    static const char *const names[] = {"name", "gtin", "code"};
    const json_t *weight = json_object_get(data, "weight_g");
    const char *item = "";
    char text[48];

    for (size_t i = 0; i < 3 && !*item; i++)
        item = text_of(data, names[i]);
    add_more(out, size, item);
    add_word(out, size, " +", text_of(data, "add_on"));
    if (json_is_integer(weight)) {
        snprintf(text, sizeof text, ", %.3f kg",
                 (double)json_integer_value(weight) / 1000);
        add(out, size, text);
    }
    add_minor(out, size, data, "price_minor");
    add_word(out, size, ", expires ", text_of(data, "expiry"));
    add_word(out, size, ", lot ", text_of(data, "lot"));
}

static void title_store(char *out, size_t size, const char *type,
                        const json_t *data) {
    const struct store_word *row = store_words;

    while (row->type && strcmp(row->type, type) != 0)
        row++;
    add(out, size, row->type ? row->words : type);
    if (row->detail)
        add_more(out, size, text_of(data, row->detail));
    if (strncmp(type, "item.", 5) == 0)
        add_item(out, size, data);
    if (strcmp(type, "visit.closed") == 0)
        add_minor(out, size, data, "total_minor");
}

static void title_page(char *out, size_t size, const char *type,
                       const json_t *body) {
    const json_t *properties = json_object_get(body, "properties");
    const json_t *page = json_object_get(context_of(body), "page");
    const char *name = text_of(body, "name");
    static const char *const names[] = {"name", "title", "path"};

    for (size_t i = 0; i < 3 && !*name; i++)
        name = text_of(properties, names[i]);
    for (size_t i = 1; i < 3 && !*name; i++)
        name = text_of(page, names[i]);
    add(out, size, strcmp(type, "page") == 0 ? "Page viewed" : "Screen viewed");
    add_more(out, size, name);
}

static void title_track(char *out, size_t size, const json_t *body) {
    const json_t *properties = json_object_get(body, "properties");
    static const char *const names[] = {"name",     "product", "campaign_name",
                                        "query",    "coupon",  "link_url",
                                        "category", "order_id"};
    const char *name = text_of(body, "event"), *detail = "";

    /* The trade's names are in title case: "Order Completed". */
    add(out, size, name);
    for (char *c = out + (*out != '\0'); *c; c++)
        if (c[-1] == ' ' && isupper((unsigned char)*c) &&
            islower((unsigned char)c[1]))
            *c = (char)tolower((unsigned char)*c);
    if (is_order(name)) {
        add_amount(out, size, properties);
        return;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names && !*detail; i++)
        detail = text_of(properties, names[i]);
    add_more(out, size, detail);
}

void journey_title(char *out, size_t size, const struct archive_event *event,
                   const json_t *body) {
    char type[80];

    out[0] = '\0';
    snprintf(type, sizeof type, "%.*s", (int)event->type.len,
             event->type.len ? (const char *)event->type.data : "");
    if (ts_slice_equal(event->channel, ts_slice_text("store")))
        title_store(out, size, type, json_object_get(body, "data"));
    else if (strcmp(type, "track") == 0)
        title_track(out, size, body);
    else if (strcmp(type, "page") == 0 || strcmp(type, "screen") == 0)
        title_page(out, size, type, body);
    else if (strcmp(type, "identify") == 0)
        add(out, size, "Made known");
    else if (strcmp(type, "group") == 0)
        add(out, size, "Joined a group");
    else
        add(out, size, "Known under another name");
}
