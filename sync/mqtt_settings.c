#include "sync/mqtt_settings.h"

#include "sync/proxy.h"

static const char *or_null(const char *text) { return *text ? text : NULL; }

bool mqtt_settings_has_broker(const struct ts_settings *in) {
    return ts_settings_list(in, "hosts") || ts_settings_text(in, "host")[0];
}

static void check_broker(const struct ts_settings *in, const char *name,
                         const char *text, struct ts_buf *problems) {
    struct broker_address address;
    struct ts_err err;

    if (broker_address_parse(&address, text, 1, &err) != TS_OK)
        ts_settings_problem(problems, in, name, "%s: %s", name, err.text);
}

void mqtt_settings_check(const struct ts_settings *in,
                         struct ts_buf *problems) {
    const char *proxy = ts_settings_text(in, "proxy");
    size_t count = ts_settings_list(in, "hosts");
    struct broker_address address;
    struct ts_err err;

    if (!count && ts_settings_text(in, "host")[0])
        check_broker(in, "host", ts_settings_text(in, "host"), problems);
    for (size_t i = 0; i < count; i++)
        check_broker(in, "hosts", ts_settings_list_at(in, "hosts", i),
                     problems);
    if (count > BROKERS_MAX)
        ts_settings_problem(problems, in, "hosts",
                            "hosts has %zu brokers; name %d at most", count,
                            BROKERS_MAX);
    if (*proxy && proxy_url_parse(&address, proxy, &err) != TS_OK)
        ts_settings_problem(problems, in, "proxy", "%s", err.text);
    if (!*proxy && ts_settings_text(in, "proxy_file")[0])
        ts_settings_problem(problems, in, "proxy_file",
                            "proxy_file without proxy; set proxy, or remove "
                            "it");
}

void mqtt_settings_read(struct mqtt_options *out,
                        const struct ts_settings *in) {
    size_t count = ts_settings_list(in, "hosts");

    out->host = ts_settings_text(in, "host");
    out->port = (uint16_t)ts_settings_int(in, "port");
    for (size_t i = 0; i < count && i < BROKERS_MAX; i++)
        out->hosts[i] = ts_settings_list_at(in, "hosts", i);
    out->resolv_conf = ts_settings_text(in, "resolv_conf");
    out->proxy = or_null(ts_settings_text(in, "proxy"));
    out->proxy_file = or_null(ts_settings_text(in, "proxy_file"));
}
