#include "hub/customer.h"

#include "base/log.h"
#include "hub/collect.h"
#include "hub/derive.h"
#include "hub/journey.h"
#include "hub/people.h"
#include "hub/profile.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct ts_setting customer_identity_settings[] = {
    {.name = "programme",
     .kind = TS_SETTING_TEXT,
     .fallback = "main",
     .help = "Name of the loyalty programme, part of every card token"},
    {.name = "card_traits",
     .kind = TS_SETTING_LIST,
     .fallback = "{\"loyalty_card\", \"card_number\"}",
     .help = "Members of online events that hold a loyalty number"},
    {.name = "blocked",
     .kind = TS_SETTING_LIST,
     .fallback = "{}",
     .help = "Values that never name a person (e-mails, ids, numbers)"},
    {.name = "own_domains",
     .kind = TS_SETTING_LIST,
     .fallback = "{}",
     .help = "E-mail domains of the company itself, never a customer's"},
    {.name = "emails_per_person",
     .kind = TS_SETTING_INT,
     .fallback = "1",
     .min = 1,
     .max = 50,
     .help = "E-mail addresses that one person may have"},
    {.name = "max_partners",
     .kind = TS_SETTING_INT,
     .fallback = "10",
     .min = 2,
     .max = 1000,
     .help = "User ids and e-mails seen with one identifier before it is "
             "quarantined as a placeholder"},
    {.name = NULL}};

const struct ts_setting customer_online_settings[] = {
    {.name = "max_events_per_s",
     .kind = TS_SETTING_INT,
     .fallback = "2000",
     .min = 0,
     .max = 1000000,
     .help = "Events a second of one source, over ten seconds; 0: no limit"},
    {.name = NULL}};

const struct ts_setting customer_derive_settings[] = {
    {.name = "slice",
     .kind = TS_SETTING_INT,
     .fallback = "50",
     .min = 1,
     .max = 1000,
     .help = "Events derived in one step of the loop"},
    {.name = "poll_ms",
     .kind = TS_SETTING_INT,
     .fallback = "1000",
     .min = 50,
     .max = 60000,
     .help = "How often new events are looked for unasked"},
    {.name = "aside_ms",
     .kind = TS_SETTING_INT,
     .fallback = "2000",
     .min = 0,
     .max = 60000,
     .help = "How long deriving steps aside while terminals wait to be "
             "answered; then it takes turns with them"},
    {.name = NULL}};

struct text_list {
    const char **items;
    size_t count;
};

struct customer {
    struct customer_parts parts;
    struct identity_rules rules;
    struct people people;
    struct collect_source *sources;
    struct text_list traits, blocked, domains, shared;
    struct derive_options derive_options;
    struct derive *derive;
    struct collect *collect;
};

static const char *calling_code(const char *country) {
    static const struct {
        char country[3];
        const char *code;
    } rows[] = {{"AT", "43"},  {"BE", "32"},  {"BG", "359"}, {"CH", "41"},
                {"CY", "357"}, {"CZ", "420"}, {"DE", "49"},  {"DK", "45"},
                {"EE", "372"}, {"ES", "34"},  {"FI", "358"}, {"FR", "33"},
                {"GB", "44"},  {"GR", "30"},  {"HR", "385"}, {"HU", "36"},
                {"IE", "353"}, {"IT", "39"},  {"LT", "370"}, {"LU", "352"},
                {"LV", "371"}, {"MT", "356"}, {"NL", "31"},  {"NO", "47"},
                {"PL", "48"},  {"PT", "351"}, {"RO", "40"},  {"SE", "46"},
                {"SI", "386"}, {"SK", "421"}, {"SM", "378"}, {"US", "1"},
                {"VA", "39"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcasecmp(rows[i].country, country) == 0)
            return rows[i].code;
    ts_log(TS_LOG_WARN, "customer",
           "no calling code is known for country %s: phone numbers count only "
           "with their + prefix",
           country);
    return "";
}

static struct text_list read_list(const struct ts_settings *in,
                                  const char *name) {
    struct text_list list = {.count = ts_settings_list(in, name)};

    list.items = ts_alloc((list.count + 1) * sizeof *list.items);
    for (size_t i = 0; i < list.count; i++)
        list.items[i] = ts_settings_list_at(in, name, i);
    return list;
}

static void read_rules(struct customer *customer,
                       const struct hub_config *config) {
    const struct ts_settings *in =
        ts_settings_group(config->settings, "identity");

    customer->traits = read_list(in, "card_traits");
    customer->blocked = read_list(in, "blocked");
    customer->domains = read_list(in, "own_domains");
    customer->rules.limits = resolve_defaults;
    customer->rules.limits.type[IDENT_EMAIL].count =
        (unsigned)ts_settings_int(in, "emails_per_person");
    customer->rules.limits.max_partners =
        (unsigned)ts_settings_int(in, "max_partners");
    customer->rules.identifiers = (struct identifier_rules){
        .country_code = calling_code(config->country),
        .blocked = customer->blocked.items,
        .blocked_count = customer->blocked.count,
        .own_domains = customer->domains.items,
        .own_domain_count = customer->domains.count,
        .card_traits = customer->traits.items,
        .card_trait_count = customer->traits.count,
        .shared_sources = customer->shared.items,
        .shared_source_count = customer->shared.count};
}

static enum segment_kind kind_of(const char *word) {
    if (strcmp(word, "server") == 0)
        return SEGMENT_SERVER;
    return strcmp(word, "auto") == 0 ? SEGMENT_AUTO : SEGMENT_DEVICE;
}

static void read_sources(struct customer *customer,
                         const struct hub_config *config) {
    customer->sources =
        ts_alloc((config->source_count + 1) * sizeof *customer->sources);
    customer->shared.items =
        ts_alloc((config->source_count + 1) * sizeof(const char *));
    for (size_t i = 0; i < config->source_count; i++) {
        const struct hub_config_source *from = &config->sources[i];
        const struct ts_settings *in =
            ts_settings_group_at(config->settings, "source", i);
        customer->sources[i] = (struct collect_source){
            from->name, from->write_key, from->channel, kind_of(from->kind)};
        if (ts_settings_bool(in, "shared_device"))
            customer->shared.items[customer->shared.count++] = from->name;
    }
}

static void on_commit(void *ctx, unsigned shard) {
    customer_notify(ctx, shard);
}

static enum ts_status on_ident(void *ctx, int64_t ident,
                               const struct archive_event *event,
                               struct ts_err *err) {
    struct customer *customer = ctx;

    return profile_publish(customer->parts.db, ident, event,
                           ts_clock_wall(customer->parts.clock), err);
}

static void make_derive(struct customer *customer) {
    const struct ts_settings *in =
        ts_settings_group(customer->parts.config->settings, "derive");

    customer->derive_options = (struct derive_options){
        .db = customer->parts.db,
        .lease = customer->parts.lease,
        .rules = &customer->rules,
        .clock = customer->parts.clock,
        .metrics = customer->parts.metrics,
        .slice = (unsigned)ts_settings_int(in, "slice"),
        .poll_ms = (unsigned)ts_settings_int(in, "poll_ms"),
        .aside_ms = (unsigned)ts_settings_int(in, "aside_ms"),
        .on_ident = customer->parts.loop ? on_ident : NULL,
        .ctx = customer};
    if (customer->parts.loop)
        customer->derive =
            derive_new(customer->parts.loop, &customer->derive_options);
}

static void make_collect(struct customer *customer, const char *programme) {
    const struct hub_config *config = customer->parts.config;
    struct collect_options options = {
        .db = customer->parts.db,
        .lease = customer->parts.lease,
        .sources = customer->sources,
        .source_count = config->source_count,
        .cards = {customer->parts.keys, programme, customer->traits.items,
                  customer->traits.count},
        .clock = customer->parts.clock,
        .metrics = customer->parts.metrics,
        .max_events_per_s = (unsigned)ts_settings_int(
            ts_settings_group(config->settings, "online"), "max_events_per_s"),
        .on_commit = on_commit,
        .ctx = customer};

    customer->collect = collect_new(&options);
}

void customer_declare(struct ts_metrics *metrics) {
    collect_declare(metrics);
    derive_declare(metrics);
}

struct customer *customer_open(const struct customer_parts *parts) {
    struct customer *customer = ts_alloc(sizeof *customer);
    const char *programme = ts_settings_text(
        ts_settings_group(parts->config->settings, "identity"), "programme");

    memset(customer, 0, sizeof *customer);
    customer->parts = *parts;
    read_sources(customer, parts->config);
    read_rules(customer, parts->config);
    customer->people =
        (struct people){parts->db, &customer->rules, parts->keys, programme};
    make_collect(customer, programme);
    make_derive(customer);
    return customer;
}

void customer_close(struct customer *customer) {
    if (!customer)
        return;
    derive_free(customer->derive);
    collect_free(customer->collect);
    free(customer->sources);
    free(customer->traits.items);
    free(customer->blocked.items);
    free(customer->domains.items);
    free(customer->shared.items);
    free(customer);
}

void customer_set_ready(struct customer *customer, bool ready) {
    collect_set_ready(customer->collect, ready);
}

void customer_notify(struct customer *customer, unsigned shard) {
    if (customer->derive)
        derive_notify(customer->derive, shard);
}

enum ts_status customer_rebuild(struct customer *customer, uint64_t *events,
                                struct ts_err *err) {
    return derive_rebuild(&customer->derive_options, events, err);
}

void customer_collect(void *ctx, struct ts_http_request *request) {
    const struct web *web = ctx;

    if (web->customer)
        collect_handle(web->customer->collect, request);
    else
        collect_handle_away(request);
}

/* Absent: 0. Anything that is not a number in range: answered 400. */
static bool read_limit(struct ts_http_request *request, size_t max,
                       size_t *limit) {
    const char *text = ts_http_query(request, "limit");
    char *end;
    long value;

    *limit = 0;
    if (!text)
        return true;
    value = strtol(text, &end, 10);
    if (*text && !*end && value >= 1 && (size_t)value <= max) {
        *limit = (size_t)value;
        return true;
    }
    ts_http_reply_error(request, 400, "limit must be a number from 1 up");
    return false;
}

static void answer(struct ts_http_request *request, enum ts_status status,
                   json_t *body, const struct ts_err *err) {
    if (status == TS_INVALID)
        ts_http_reply_error(request, 400, err->text);
    else if (status != TS_OK)
        web_reply_failure(request, "people", err);
    else if (!body)
        ts_http_reply_error(request, 404, "nobody is known by this identifier");
    else
        ts_http_reply_json(request, 200, body);
    if (status == TS_OK)
        json_decref(body);
}

void customer_lookup(void *ctx, struct ts_http_request *request) {
    struct web *web = ctx;
    json_t *body = NULL;
    struct ts_err err;
    enum ts_status status;
    size_t limit;

    if (!hub_authorised(web, request) ||
        !read_limit(request, JOURNEY_LIMIT_MAX, &limit))
        return;
    status =
        people_lookup(&web->customer->people, ts_http_query(request, "type"),
                      ts_http_query(request, "value"), limit, &body, &err);
    answer(request, status, body, &err);
}

void customer_recent(void *ctx, struct ts_http_request *request) {
    struct web *web = ctx;
    json_t *body = NULL;
    struct ts_err err;
    enum ts_status status;
    size_t limit;

    if (!hub_authorised(web, request) || !read_limit(request, 200, &limit))
        return;
    status = people_recent(&web->customer->people, limit,
                           ts_http_query(request, "after"), &body, &err);
    answer(request, status, body, &err);
}

void customer_counts(void *ctx, struct ts_http_request *request) {
    struct web *web = ctx;
    json_t *body = NULL;
    struct ts_err err;
    enum ts_status status;

    if (!hub_authorised(web, request))
        return;
    status = people_counts(&web->customer->people, &body, &err);
    answer(request, status, body, &err);
}
