#include "hub/config.h"

#include "base/ids.h"
#include "base/log.h"
#include "hub/customer.h"
#include "hub/sure.h"
#include "sync/mqtt_settings.h"
#include "sync/topic.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct ts_setting broker_members[] = {
    {.name = "host",
     .kind = TS_SETTING_TEXT,
     .fallback = "localhost",
     .help = "Host name or address of the MQTT broker"},
    {.name = "port",
     .kind = TS_SETTING_INT,
     .fallback = "8883",
     .min = 1,
     .max = 65535,
     .help = "Port of the broker's listener for the hub"},
    MQTT_SETTINGS_WAY,
    {.name = "ca_file",
     .kind = TS_SETTING_TEXT,
     .fallback = "/etc/tessera/ca.crt",
     .help = "PEM file of the CA that signed the broker's certificate"},
    {.name = "crl_file",
     .kind = TS_SETTING_TEXT,
     .fallback = "",
     .help = "PEM file of revoked certificates; empty: none"},
    {.name = "cert_file",
     .kind = TS_SETTING_TEXT,
     .fallback = "/etc/tessera/hub.crt",
     .help = "PEM file of the hub's certificate"},
    {.name = "key_file",
     .kind = TS_SETTING_TEXT,
     .fallback = "/etc/tessera/hub.key",
     .help = "PEM file of the certificate's private key"},
    {.name = "server_name",
     .kind = TS_SETTING_TEXT,
     .fallback = "",
     .help =
         "Name in the broker's certificate; empty: the host that is dialled"},
    {.name = "mqtt",
     .kind = TS_SETTING_TEXT,
     .fallback = "auto",
     .one_of = "auto|5|3.1.1",
     .help = "MQTT version; auto tries 5 first"},
    {.name = "tls",
     .kind = TS_SETTING_BOOL,
     .fallback = "true",
     .help = "false only for a broker on this machine's loopback"},
    {.name = NULL},
};

static const struct ts_setting http_members[] = {
    {.name = "address",
     .kind = TS_SETTING_TEXT,
     .fallback = "127.0.0.1",
     .help = "Address that the HTTP server binds to"},
    {.name = "port",
     .kind = TS_SETTING_INT,
     .fallback = "8461",
     .min = 1,
     .max = 65535,
     .help = "Port of the HTTP server"},
    {.name = "max_body_bytes",
     .kind = TS_SETTING_INT,
     .fallback = "524288",
     .min = 32768,
     .max = 16777216,
     .help = "Largest body, as received and as inflated"},
    {.name = NULL},
};

static const struct ts_setting source_members[] = {
    {.name = "write_key",
     .kind = TS_SETTING_TEXT,
     .help = "What the source's SDK sends as its write key"},
    {.name = "kind",
     .kind = TS_SETTING_TEXT,
     .fallback = "auto",
     .one_of = "auto|browser|server|mobile",
     .help = "Whose clock is corrected: browser and mobile; auto asks the "
             "library that sends"},
    {.name = "channel",
     .kind = TS_SETTING_TEXT,
     .fallback = "web",
     .help = "Name of the channel in a journey"},
    {.name = "shared_device",
     .kind = TS_SETTING_BOOL,
     .fallback = "false",
     .help = "true for kiosks and tablets of the store: their anonymous ids "
             "name nobody"},
    {.name = NULL},
};

static const struct ts_setting intake_members[] = {
    {.name = "window",
     .kind = TS_SETTING_INT,
     .fallback = "16",
     .min = 1,
     .max = 64,
     .help = "Batches that a terminal may have in flight"},
    {.name = "max_waiting",
     .kind = TS_SETTING_INT,
     .fallback = "256",
     .min = 1,
     .max = 4096,
     .help = "Batches that wait here; over it the rest waits at the broker"},
    {.name = "max_waiting_bytes",
     .kind = TS_SETTING_INT,
     .fallback = "67108864",
     .min = 2097152, /* the largest message has room */
     .max = 1073741824,
     .help = "Bytes of all messages that wait here; over it the rest waits at "
             "the broker"},
    {.name = NULL},
};

const struct ts_setting hub_config_table[] = {
    {.name = "name",
     .kind = TS_SETTING_TEXT,
     .fallback = "hub-1",
     .help = "Name of this hub: hub-<anything>, as in its certificate"},
    {.name = "root",
     .kind = TS_SETTING_TEXT,
     .fallback = "tessera",
     .help = "First level of all topics"},
    {.name = "database",
     .kind = TS_SETTING_TEXT,
     .fallback = "sqlite:/var/lib/tessera-hub/hub.db",
     .help = "sqlite:/path/to/file or postgresql://user@host/name"},
    {.name = "key_file",
     .kind = TS_SETTING_TEXT,
     .fallback = "/etc/tessera/card.keys",
     .help = "Keys that turn loyalty numbers into tokens (mode 0600)"},
    {.name = "token_file",
     .kind = TS_SETTING_TEXT,
     .fallback = "/var/lib/tessera-hub/tokens",
     .help = "Hashes of the API's bearer tokens (mode 0600)"},
    {.name = "runtime_dir",
     .kind = TS_SETTING_TEXT,
     .fallback = "/run/tessera-hub",
     .help = "Private folder for sockets (mode 0700)"},
    {.name = "country",
     .kind = TS_SETTING_TEXT,
     .fallback = "IT",
     .help = "Country of phone numbers without a prefix"},
    {.name = "log_level",
     .kind = TS_SETTING_TEXT,
     .fallback = "info",
     .one_of = "error|warn|info|debug",
     .help = "Least important lines that are logged"},
    {.name = "broker", .kind = TS_SETTING_GROUP, .members = broker_members},
    {.name = "http", .kind = TS_SETTING_GROUP, .members = http_members},
    {.name = "source", .kind = TS_SETTING_GROUPS, .members = source_members},
    {.name = "intake", .kind = TS_SETTING_GROUP, .members = intake_members},
    {.name = "identity",
     .kind = TS_SETTING_GROUP,
     .members = customer_identity_settings},
    {.name = "online",
     .kind = TS_SETTING_GROUP,
     .members = customer_online_settings},
    {.name = "derive",
     .kind = TS_SETTING_GROUP,
     .members = customer_derive_settings},
    {.name = NULL},
};

static const char *or_null(const char *text) { return *text ? text : NULL; }

static enum mqtt_version version_of(const char *word) {
    if (!strcmp(word, "5"))
        return MQTT_5;
    return strcmp(word, "3.1.1") ? MQTT_AUTO : MQTT_3_1_1;
}

static void read_broker(struct hub_config *out) {
    const struct ts_settings *in = ts_settings_group(out->settings, "broker");
    bool tls = ts_settings_bool(in, "tls");

    out->mqtt = (struct mqtt_options){
        .tls = tls,
        .ca_file = tls ? ts_settings_text(in, "ca_file") : NULL,
        .crl_file = or_null(ts_settings_text(in, "crl_file")),
        .cert_file = tls ? ts_settings_text(in, "cert_file") : NULL,
        .key_file = tls ? ts_settings_text(in, "key_file") : NULL,
        .server_name = or_null(ts_settings_text(in, "server_name")),
        .client_id = out->name,
        .version = version_of(ts_settings_text(in, "mqtt")),
        .keepalive_s = 60,
        .connect_timeout_s = 10,
        .backoff_min_ms = 500,
        .backoff_max_ms = 5000, /* every lane waits for it */
        .runtime_dir = ts_settings_text(out->settings, "runtime_dir"),
        .clock = ts_clock_system(),
    };
    mqtt_settings_read(&out->mqtt, in);
}

static void read_http(struct hub_config *out) {
    const struct ts_settings *in = ts_settings_group(out->settings, "http");

    out->http = (struct ts_http_options){
        .address = ts_settings_text(in, "address"),
        .port = (uint16_t)ts_settings_int(in, "port"),
        .max_body_bytes = (size_t)ts_settings_int(in, "max_body_bytes"),
        .timeout_s = 30,
        .max_streams = 64,
    };
}

static void read_sources(struct hub_config *out) {
    out->source_count = ts_settings_groups(out->settings, "source");
    out->sources = ts_alloc((out->source_count + 1) * sizeof *out->sources);
    for (size_t i = 0; i < out->source_count; i++) {
        const struct ts_settings *in =
            ts_settings_group_at(out->settings, "source", i);
        out->sources[i] = (struct hub_config_source){
            .name = ts_settings_title(in),
            .write_key = ts_settings_text(in, "write_key"),
            .kind = ts_settings_text(in, "kind"),
            .channel = ts_settings_text(in, "channel"),
        };
    }
}

static bool word_valid(const char *word, size_t max) {
    size_t len = strlen(word);

    for (size_t i = 0; i < len; i++)
        if (!islower((unsigned char)word[i]) &&
            !isdigit((unsigned char)word[i]) && word[i] != '-')
            return false;
    return len >= 1 && len <= max;
}

static void check_names(const struct hub_config *config,
                        struct ts_buf *problems) {
    const char *country = config->country;

    if (strcmp(config->name, "hub") != 0 &&
        (strncmp(config->name, "hub-", 4) != 0 ||
         !word_valid(config->name, TS_NAME_TEXT - 1)))
        ts_settings_problem(
            problems, config->settings, "name",
            "\"name\" must be hub or hub-<letters, digits, dashes>");
    if (!topic_root_valid(ts_slice_text(config->root)))
        ts_settings_problem(problems, config->settings, "root",
                            "\"root\" must be 1 to 32 of a-z, 0-9 and dash");
    if (strlen(country) != 2 || !isupper((unsigned char)country[0]) ||
        !isupper((unsigned char)country[1]))
        ts_settings_problem(
            problems, config->settings, "country",
            "\"country\" must be two capital letters, such as IT");
    if (strncmp(config->database, "sqlite:", 7) != 0 &&
        strncmp(config->database, "postgres", 8) != 0)
        ts_settings_problem(problems, config->settings, "database",
                            "\"database\" must be sqlite:/path/to/file or "
                            "postgresql://user@host/name");
}

static void check_sources(const struct hub_config *config,
                          struct ts_buf *problems) {
    for (size_t i = 0; i < config->source_count; i++) {
        const struct hub_config_source *a = &config->sources[i];
        const struct ts_settings *at =
            ts_settings_group_at(config->settings, "source", i);

        if (!word_valid(a->name, TS_NAME_TEXT - 1))
            ts_settings_problem(
                problems, at, NULL,
                "the source's name must be 1 to 48 of a-z, 0-9 and dash");
        if (!word_valid(a->channel, 32))
            ts_settings_problem(
                problems, at, "channel",
                "\"channel\" must be 1 to 32 of a-z, 0-9 and dash");
        for (size_t j = 0; j < i; j++) {
            if (!strcmp(a->name, config->sources[j].name))
                ts_settings_problem(problems, at, NULL,
                                    "two sources have this name: rename one");
            if (!strcmp(a->write_key, config->sources[j].write_key))
                ts_settings_problem(
                    problems, at, "write_key",
                    "two sources have the same write_key: give each its own");
        }
    }
}

static void read_intake(struct hub_config *out) {
    const struct ts_settings *in = ts_settings_group(out->settings, "intake");

    out->window = (unsigned)ts_settings_int(in, "window");
    out->max_waiting = (unsigned)ts_settings_int(in, "max_waiting");
    out->max_waiting_bytes = (size_t)ts_settings_int(in, "max_waiting_bytes");
}

static void set_log_level(const char *word) {
    static const char *const words[] = {"error", "warn", "info", "debug"};

    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(word, words[i]))
            ts_log_set_level((enum ts_log_level)i);
}

enum ts_status hub_config_load(struct hub_config *out, const char *path,
                               struct ts_buf *problems) {
    struct hub_config config = {0};
    enum ts_status status =
        ts_settings_load(&config.settings, path, hub_config_table, problems);
    size_t before = problems->len;

    if (status != TS_OK)
        return status;
    config.name = ts_settings_text(config.settings, "name");
    config.root = ts_settings_text(config.settings, "root");
    config.database = ts_settings_text(config.settings, "database");
    config.key_file = ts_settings_text(config.settings, "key_file");
    config.token_file = ts_settings_text(config.settings, "token_file");
    config.country = ts_settings_text(config.settings, "country");
    read_broker(&config);
    read_http(&config);
    read_sources(&config);
    read_intake(&config);
    check_names(&config, problems);
    mqtt_settings_check(ts_settings_group(config.settings, "broker"), problems);
    check_sources(&config, problems);
    if (problems->len != before) {
        hub_config_fini(&config);
        return TS_INVALID;
    }
    set_log_level(ts_settings_text(config.settings, "log_level"));
    *out = config;
    return TS_OK;
}

void hub_config_fini(struct hub_config *config) {
    ts_settings_free(config->settings);
    free(config->sources);
}
