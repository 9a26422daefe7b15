/* The settings of a line to the broker that the agent and the hub share:
 * host, hosts, port, resolv_conf, proxy, proxy_file. */
#ifndef TS_SYNC_MQTT_SETTINGS_H
#define TS_SYNC_MQTT_SETTINGS_H

#include "base/settings.h"
#include "sync/mqtt.h"

/* Rows of the section's table. */
#define MQTT_SETTINGS_WAY                                                      \
    {.name = "hosts",                                                          \
     .kind = TS_SETTING_LIST,                                                  \
     .fallback = "{}",                                                         \
     .help = "the brokers of a cluster, name or name:port, instead of host"},  \
        {.name = "resolv_conf",                                                \
         .kind = TS_SETTING_TEXT,                                              \
         .fallback = "/etc/resolv.conf",                                       \
         .help = "file that names the DNS servers"},                           \
        {.name = "proxy",                                                      \
         .kind = TS_SETTING_TEXT,                                              \
         .fallback = "",                                                       \
         .help = "HTTP proxy on the way, http://name:port; empty: none"},      \
    {                                                                          \
        .name = "proxy_file", .kind = TS_SETTING_TEXT, .fallback = "",         \
        .help = "file with the proxy's user:password, mode 0600"               \
    }

/* False: neither host nor hosts is set. */
bool mqtt_settings_has_broker(const struct ts_settings *in);
/* What is wrong with them, with its line. */
void mqtt_settings_check(const struct ts_settings *in, struct ts_buf *problems);
/* Texts are borrowed from `in`. */
void mqtt_settings_read(struct mqtt_options *out, const struct ts_settings *in);

#endif
