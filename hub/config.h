/* The hub's settings file (man tessera-hub.conf). */
#ifndef TS_HUB_CONFIG_H
#define TS_HUB_CONFIG_H

#include "base/http.h"
#include "base/settings.h"
#include "sync/mqtt.h"

/* An online source: one website, app or server that posts events. */
struct hub_config_source {
    const char *name; /* [a-z0-9-]{1,48} */
    const char *write_key;
    const char *kind;    /* "auto", "browser", "server", "mobile" */
    const char *channel; /* "web", "app", ... */
};

/* Texts are borrowed from `settings`. */
struct hub_config {
    struct ts_settings *settings;
    const char *name;
    const char *root;
    const char *database;
    const char *key_file;
    const char *token_file;
    const char *country; /* ISO 3166-1 alpha-2, for national phone numbers */
    struct mqtt_options mqtt;
    struct ts_http_options http;
    struct hub_config_source *sources;
    size_t source_count;
    unsigned window; /* batches in flight a terminal is told */
    /* Of what waits here; over either the rest waits at the broker. */
    unsigned max_waiting; /* batches */
    size_t max_waiting_bytes;
};

extern const struct ts_setting hub_config_table[];

/* Every problem of the file is in `problems`, one a line. Sets the log's
 * level. */
enum ts_status hub_config_load(struct hub_config *out, const char *path,
                               struct ts_buf *problems) TS_MUST_USE;
void hub_config_fini(struct hub_config *config);

#endif
