#include "sync/mqtt_options.h"

#include "sync/proxy.h"

#include <stdlib.h>
#include <string.h>

static enum ts_status check_hosts(const struct mqtt_options *o,
                                  struct ts_err *err) {
    struct broker_address address;

    if (!o->port)
        return ts_fail(err, TS_INVALID, "broker port 0; set 1 to 65535");
    if (!o->hosts[0])
        return o->host && *o->host
                   ? broker_address_parse(&address, o->host, o->port, err)
                   : ts_fail(err, TS_INVALID, "broker host is empty; set it");
    for (size_t i = 0; i < BROKERS_MAX && o->hosts[i]; i++)
        if (broker_address_parse(&address, o->hosts[i], o->port, err) != TS_OK)
            return TS_INVALID;
    return TS_OK;
}

static enum ts_status check_proxy(const struct mqtt_options *o,
                                  struct ts_err *err) {
    struct broker_address address;

    if (o->proxy)
        return proxy_url_parse(&address, o->proxy, err);
    if (o->proxy_file)
        return ts_fail(err, TS_INVALID,
                       "proxy_file without proxy; set proxy, or remove it");
    return TS_OK;
}

static enum ts_status check_times(const struct mqtt_options *o,
                                  struct ts_err *err) {
    if (o->keepalive_s < 5 || o->keepalive_s > 3600)
        return ts_fail(err, TS_INVALID, "keepalive %u s; set 5 to 3600",
                       o->keepalive_s);
    if (o->connect_timeout_s < 1 || o->connect_timeout_s > 300)
        return ts_fail(err, TS_INVALID, "connect timeout %u s; set 1 to 300",
                       o->connect_timeout_s);
    if (o->backoff_min_ms < 1 || o->backoff_max_ms < o->backoff_min_ms ||
        o->backoff_max_ms > 3600000)
        return ts_fail(err, TS_INVALID,
                       "backoff %u to %u ms; set 1 to 3600000, the first not "
                       "above the second",
                       o->backoff_min_ms, o->backoff_max_ms);
    if (o->spread_ms > 3600000)
        return ts_fail(err, TS_INVALID, "spread %u ms; set 0 to 3600000",
                       o->spread_ms);
    return TS_OK;
}

enum ts_status mqtt_options_check(const struct mqtt_options *o,
                                  struct ts_err *err) {
    enum ts_status status = check_hosts(o, err);

    if (status == TS_OK)
        status = check_proxy(o, err);
    if (status == TS_OK)
        status = check_times(o, err);
    if (status != TS_OK)
        return status;
    if (!o->client_id || !*o->client_id || strlen(o->client_id) > 128)
        return ts_fail(err, TS_INVALID,
                       "client id must have 1 to 128 characters");
    if (!o->runtime_dir || !*o->runtime_dir)
        return ts_fail(err, TS_INVALID, "runtime_dir is empty; set it");
    if (o->tls && (!o->ca_file || !o->cert_file || !o->key_file))
        return ts_fail(err, TS_INVALID,
                       "TLS needs ca_file, cert_file and key_file");
    return TS_OK;
}

/* Every text of the options once. */
static void each_text(struct mqtt_options *o, void (*visit)(const char **)) {
    const char **const texts[] = {
        &o->host,      &o->proxy,     &o->proxy_file,  &o->ca_file,
        &o->crl_file,  &o->cert_file, &o->key_file,    &o->server_name,
        &o->client_id, &o->cert_name, &o->runtime_dir, &o->resolv_conf};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        visit(texts[i]);
    for (size_t i = 0; i < BROKERS_MAX; i++)
        visit(&o->hosts[i]);
}

static void dup_text(const char **text) {
    if (*text)
        *text = ts_strdup(*text);
}

static void free_text(const char **text) {
    free((char *)*text);
    *text = NULL;
}

void mqtt_options_dup_texts(struct mqtt_options *options) {
    each_text(options, dup_text);
}

void mqtt_options_free_texts(struct mqtt_options *options) {
    each_text(options, free_text);
}

static void add(struct brokers *out, const char *text, uint16_t port) {
    if (broker_address_parse(&out->all[out->count], text, port, NULL) == TS_OK)
        out->count++;
}

void mqtt_options_brokers(struct brokers *out,
                          const struct mqtt_options *options) {
    *out = (struct brokers){.count = 0};
    for (size_t i = 0; i < BROKERS_MAX && options->hosts[i]; i++)
        add(out, options->hosts[i], options->port);
    if (!options->hosts[0])
        add(out, options->host, options->port);
}
