#include "agent/config.h"

#include "agent/reader.h"
#include "base/ids.h"
#include "sync/mqtt_settings.h"
#include "sync/pace.h"
#include "sync/topic.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* clang-format off */
static const struct ts_setting screen_members[] = {
    {.name = "address", .kind = TS_SETTING_TEXT, .fallback = "127.0.0.1",
     .help = "where the pages are served; of this machine alone"},
    {.name = "port", .kind = TS_SETTING_INT, .fallback = "8460", .max = 65535,
     .help = "TCP port of the pages; 0: any free one"},
    {.name = NULL},
};

static const struct ts_setting hub_members[] = {
    {.name = "host", .kind = TS_SETTING_TEXT, .fallback = "",
     .help = "the broker; empty: no line, everything stays in the journal"},
    {.name = "port", .kind = TS_SETTING_INT, .fallback = "8883", .min = 1,
     .max = 65535, .help = "the broker's TCP port"},
    MQTT_SETTINGS_WAY,
    {.name = "root", .kind = TS_SETTING_TEXT, .fallback = "tessera",
     .help = "topic root, the same as the hub's"},
    {.name = "tls", .kind = TS_SETTING_BOOL, .fallback = "true",
     .help = "false only on the loopback of a test"},
    {.name = "ca_file", .kind = TS_SETTING_TEXT, .fallback = "",
     .help = "PEM file of the CA that signed the broker"},
    {.name = "crl_file", .kind = TS_SETTING_TEXT, .fallback = "",
     .help = "PEM file of revoked certificates; empty: none"},
    {.name = "cert_file", .kind = TS_SETTING_TEXT, .fallback = "",
     .help = "PEM file of this terminal's certificate"},
    {.name = "key_file", .kind = TS_SETTING_TEXT, .fallback = "",
     .help = "PEM file of the certificate's private key"},
    {.name = "server_name", .kind = TS_SETTING_TEXT, .fallback = "",
     .help = "name in the broker's certificate; empty: the host that is dialled"},
    {.name = "mqtt", .kind = TS_SETTING_TEXT, .fallback = "auto",
     .one_of = "auto|5|3.1.1", .help = "protocol version"},
    {.name = "compress", .kind = TS_SETTING_BOOL, .fallback = "true",
     .help = "send batches as zstd frames"},
    {.name = "max_publish_bytes", .kind = TS_SETTING_INT,
     .fallback = "131072", .min = 40960, .max = 262144,
     .help = "largest publish that the broker takes"},
    {.name = "ack_timeout_ms", .kind = TS_SETTING_INT, .fallback = "5000",
     .min = 100, .max = 60000, .help = "first wait for the hub's ack"},
    {.name = "keepalive_s", .kind = TS_SETTING_INT, .fallback = "60",
     .min = 5, .max = 3600, .help = "MQTT keepalive"},
    {.name = "connect_timeout_s", .kind = TS_SETTING_INT, .fallback = "20",
     .min = 1, .max = 300, .help = "of one broker: name, TCP, proxy, TLS"},
    {.name = "backoff_min_ms", .kind = TS_SETTING_INT, .fallback = "1000",
     .min = 50, .max = 60000, .help = "first wait before a new connection"},
    {.name = "backoff_max_ms", .kind = TS_SETTING_INT, .fallback = "60000",
     .min = 50, .max = 600000, .help = "longest wait"},
    {.name = "max_window", .kind = TS_SETTING_INT, .fallback = "8", .min = 1,
     .max = 64, .help = "most batches in flight"},
    {.name = "max_bytes_per_s", .kind = TS_SETTING_INT, .fallback = "0",
     .max = PACE_RATE_MAX, .help = "ceiling for events on the wire, bytes a "
     "second, at least 256; 0: none"},
    {.name = "quiet_hours", .kind = TS_SETTING_LIST, .fallback = "{}",
     .help = "spans of the day, local time, in which a backlog keeps off the "
     "line, as \"12:00-14:00\"; at most 8"},
    {.name = "quiet_bytes_per_s", .kind = TS_SETTING_INT, .fallback = "1024",
     .max = PACE_RATE_MAX, .help = "ceiling for a backlog in quiet hours, at "
     "least 256; 0: it waits until they end"},
    {.name = "spread_ms", .kind = TS_SETTING_INT, .fallback = "2000",
     .max = 3600000, .help = "over this the terminals of a company spread what "
     "all would do at one instant"},
    {.name = NULL},
};

#define READER_TONES "none|one|two|three|low|alarm"

static const struct ts_setting reader_members[] = {
    {.name = "port", .kind = TS_SETTING_TEXT,
     .help = "/dev/serial/by-id/... or usb:VVVV:PPPP[:SERIAL]"},
    {.name = "driver", .kind = TS_SETTING_TEXT, .fallback = "line",
     .help = "protocol of the reader; `tessera ports` suggests one"},
    {.name = "profile", .kind = TS_SETTING_TEXT, .fallback = "",
     .help = "make of the reader; empty: the driver's first"},
    {.name = "baud", .kind = TS_SETTING_INT, .fallback = "0",
     .max = 4000000, .help = "of the serial line; 0: the factory setting of "
     "the profile's devices; CDC devices ignore it"},
    {.name = "data_bits", .kind = TS_SETTING_INT, .fallback = "0",
     .max = 8, .help = "7 or 8; 0: as the profile says"},
    {.name = "parity", .kind = TS_SETTING_TEXT, .fallback = "profile",
     .one_of = "profile|none|even|odd", .help = "of the serial line"},
    {.name = "stop_bits", .kind = TS_SETTING_INT, .fallback = "0",
     .max = 2, .help = "1 or 2; 0: as the profile says"},
    {.name = "rts_cts", .kind = TS_SETTING_TEXT, .fallback = "profile",
     .one_of = "profile|true|false|yes|no|on|off",
     .help = "hardware flow control"},
    {.name = "repeat_ms", .kind = TS_SETTING_INT, .fallback = "300",
     .max = 60000, .help = "the same code again within this is one scan"},
    {.name = "on_recorded", .kind = TS_SETTING_TEXT, .fallback = "one",
     .one_of = READER_TONES, .help = "what is heard when a scan is on disk"},
    {.name = "on_member", .kind = TS_SETTING_TEXT, .fallback = "two",
     .one_of = READER_TONES, .help = "the same for a card that the desk knows"},
    {.name = "on_offer", .kind = TS_SETTING_TEXT, .fallback = "three",
     .one_of = READER_TONES, .help = "the same for a card that an offer waits for"},
    {.name = "on_unknown", .kind = TS_SETTING_TEXT, .fallback = "low",
     .one_of = READER_TONES, .help = "the same for a code that nobody's rule names"},
    {.name = "on_refused", .kind = TS_SETTING_TEXT, .fallback = "alarm",
     .one_of = READER_TONES, .help = "not taken: rejected, refused or a payment card"},
    {.name = NULL},
};

static const struct ts_setting visit_members[] = {
    {.name = "timeout_s", .kind = TS_SETTING_INT, .fallback = "900",
     .max = 86400, .help = "a checkout visit at rest is closed; 0: never"},
    {.name = "kiosk_s", .kind = TS_SETTING_INT, .fallback = "20", .min = 1,
     .max = 3600, .help = "a kiosk visit at rest is closed"},
    {.name = "currency", .kind = TS_SETTING_TEXT, .fallback = "EUR",
     .help = "three capital letters, for totals and prices that name none"},
    {.name = NULL},
};

static const struct ts_setting journal_members[] = {
    {.name = "max_mb", .kind = TS_SETTING_INT, .fallback = "512", .min = 1,
     .max = 1048576, .help = "of events that the hub has not taken"},
    {.name = "keep_mb", .kind = TS_SETTING_INT, .fallback = "64",
     .max = 1048576, .help = "of copies of events that the hub has"},
    {.name = "keep_days", .kind = TS_SETTING_INT, .fallback = "7",
     .max = 3650, .help = "of such copies"},
    {.name = "group_ms", .kind = TS_SETTING_INT, .fallback = "0",
     .max = 1000, .help = "wait for company before a sync"},
    {.name = NULL},
};

const struct ts_setting agent_config_table[] = {
    {.name = "terminal", .kind = TS_SETTING_TEXT,
     .help = "this terminal's name, unique in the company"},
    {.name = "store", .kind = TS_SETTING_TEXT, .help = "its store's name"},
    {.name = "kind", .kind = TS_SETTING_TEXT, .fallback = "checkout",
     .one_of = "checkout|kiosk", .help = "what stands here"},
    {.name = "language", .kind = TS_SETTING_TEXT, .fallback = "it",
     .one_of = "it|en", .help = "of the pages"},
    {.name = "state_dir", .kind = TS_SETTING_TEXT,
     .fallback = "/var/lib/tessera-agent", .help = "journal and desk"},
    {.name = "runtime_dir", .kind = TS_SETTING_TEXT,
     .fallback = "/run/tessera-agent", .help = "private folder for sockets"},
    {.name = "key_file", .kind = TS_SETTING_TEXT,
     .help = "keys of the card tokens, mode 0600"},
    {.name = "log_level", .kind = TS_SETTING_TEXT, .fallback = "info",
     .one_of = "error|warn|info|debug", .help = "how much is logged"},
    {.name = "screen", .kind = TS_SETTING_GROUP, .members = screen_members,
     .help = "the pages"},
    {.name = "hub", .kind = TS_SETTING_GROUP, .members = hub_members,
     .help = "the line to the hub"},
    {.name = "reader", .kind = TS_SETTING_GROUPS, .members = reader_members,
     .help = "a scanner or card reader; the title is its name"},
    {.name = "visit", .kind = TS_SETTING_GROUP, .members = visit_members,
     .help = "when a visit ends"},
    {.name = "journal", .kind = TS_SETTING_GROUP, .members = journal_members,
     .help = "how much is kept"},
    SHOP_SETTINGS,
    {.name = NULL},
};
/* clang-format on */

static void check_names(const struct ts_settings *file,
                        struct ts_buf *problems) {
    static const char *const names[] = {"terminal", "store"};

    for (size_t i = 0; i < 2; i++) {
        const char *value = ts_settings_text(file, names[i]);
        if (!ts_name_valid(ts_slice_text(value)))
            ts_settings_problem(problems, file, names[i],
                                "%s = \"%s\" is no name; use 1 to 48 of a-z, "
                                "0-9 and dash, not hub or hub-...",
                                names[i], value);
    }
}

/* Leaves room for the names of the agent's files in it. */
enum { STATE_DIR_BYTES_MAX = 180 };

static void check_state_dir(const struct ts_settings *file,
                            struct ts_buf *problems) {
    if (strlen(ts_settings_text(file, "state_dir")) > STATE_DIR_BYTES_MAX)
        ts_settings_problem(problems, file, "state_dir",
                            "state_dir is longer than %d bytes: give a shorter "
                            "path",
                            STATE_DIR_BYTES_MAX);
}

static void check_visit(const struct ts_settings *file,
                        struct ts_buf *problems) {
    const struct ts_settings *visit = ts_settings_group(file, "visit");
    const char *currency = ts_settings_text(visit, "currency");

    if (strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3 || currency[3])
        ts_settings_problem(
            problems, visit, "currency",
            "currency must be three capital letters, as EUR, not %s", currency);
}

static void check_rate(const struct ts_settings *hub, const char *name,
                       struct ts_buf *problems) {
    int64_t rate = ts_settings_int(hub, name);

    if (rate && rate < PACE_RATE_MIN)
        ts_settings_problem(problems, hub, name,
                            "%s = %lld would not carry an event; give 0, or "
                            "%d to %d bytes a second",
                            name, (long long)rate, PACE_RATE_MIN,
                            PACE_RATE_MAX);
}

static void check_pace(const struct ts_settings *hub, struct ts_buf *problems) {
    size_t count = ts_settings_list(hub, "quiet_hours");
    struct pace_hours hours;
    struct ts_err err;

    check_rate(hub, "max_bytes_per_s", problems);
    check_rate(hub, "quiet_bytes_per_s", problems);
    if (count > PACE_HOURS_MAX)
        ts_settings_problem(problems, hub, "quiet_hours",
                            "%zu spans of quiet_hours; give at most %d", count,
                            PACE_HOURS_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *text = ts_settings_list_at(hub, "quiet_hours", i);
        if (pace_hours_parse(&hours, ts_slice_text(text), &err) != TS_OK)
            ts_settings_problem(problems, hub, "quiet_hours", "quiet_hours: %s",
                                err.text);
    }
}

static void check_hub(const struct ts_settings *file, struct ts_buf *problems) {
    static const char *const files[] = {"ca_file", "cert_file", "key_file"};
    const struct ts_settings *hub = ts_settings_group(file, "hub");

    if (!mqtt_settings_has_broker(hub))
        return;
    mqtt_settings_check(hub, problems);
    if (!topic_root_valid(ts_slice_text(ts_settings_text(hub, "root"))))
        ts_settings_problem(problems, hub, "root",
                            "root must be 1 to 32 of a-z, 0-9 and dash, not %s",
                            ts_settings_text(hub, "root"));
    if (ts_settings_int(hub, "backoff_min_ms") >
        ts_settings_int(hub, "backoff_max_ms"))
        ts_settings_problem(problems, hub, "backoff_min_ms",
                            "backoff_min_ms is above backoff_max_ms; "
                            "correct one of them");
    check_pace(hub, problems);
    for (size_t i = 0; ts_settings_bool(hub, "tls") && i < 3; i++)
        if (!ts_settings_text(hub, files[i])[0])
            ts_settings_problem(problems, hub, files[i],
                                "a line with TLS needs the terminal's "
                                "certificate, its key and the broker's CA; "
                                "set %s",
                                files[i]);
}

static void check_driver(const struct agent_config_reader *reader,
                         const struct ts_settings *at,
                         struct ts_buf *problems) {
    struct ts_err err;

    if (reader_check(reader->driver, reader->profile, &err) != TS_OK)
        ts_settings_problem(problems, at,
                            driver_find(reader->driver) ? "profile" : "driver",
                            "%s", err.text);
}

static void read_tones(struct agent_config_reader *out,
                       const struct ts_settings *from) {
    static const char *const settings[OUTCOMES] = {
        [OUTCOME_RECORDED] = "on_recorded", [OUTCOME_MEMBER] = "on_member",
        [OUTCOME_OFFER] = "on_offer",       [OUTCOME_UNKNOWN] = "on_unknown",
        [OUTCOME_REFUSED] = "on_refused",
    };

    /* The settings reader has checked the words. */
    for (size_t i = 0; i < OUTCOMES; i++)
        (void)driver_tone_find(ts_settings_text(from, settings[i]),
                               &out->tones[i]);
}

/* What the settings leave open is as the devices leave the factory. */
static struct port_line line_of(const struct ts_settings *from,
                                const struct driver_profile *profile) {
    const char *parity = ts_settings_text(from, "parity");
    const char *rts_cts = ts_settings_text(from, "rts_cts");
    struct port_line line = {9600, 8, 'N', 1, false};
    int64_t baud = ts_settings_int(from, "baud");
    int64_t data_bits = ts_settings_int(from, "data_bits");
    int64_t stop_bits = ts_settings_int(from, "stop_bits");

    if (profile && profile->line.baud)
        line = profile->line;
    if (baud)
        line.baud = (unsigned)baud;
    if (data_bits)
        line.data_bits = (unsigned)data_bits;
    if (strcmp(parity, "profile") != 0)
        line.parity = (char)(parity[0] - 'a' + 'A');
    if (stop_bits)
        line.stop_bits = (unsigned)stop_bits;
    if (strcmp(rts_cts, "profile") != 0)
        line.rts_cts = !strcmp(rts_cts, "true") || !strcmp(rts_cts, "yes") ||
                       !strcmp(rts_cts, "on");
    return line;
}

static void check_serial(const struct ts_settings *from,
                         struct ts_buf *problems) {
    int64_t baud = ts_settings_int(from, "baud");
    int64_t data_bits = ts_settings_int(from, "data_bits");

    if (baud && baud < 300)
        ts_settings_problem(problems, from, "baud",
                            "baud = %lld; give 300 to 4000000, or 0 for what "
                            "the profile says",
                            (long long)baud);
    if (data_bits && data_bits < 7)
        ts_settings_problem(problems, from, "data_bits",
                            "data_bits = %lld; give 7 or 8, or 0 for what the "
                            "profile says",
                            (long long)data_bits);
}

/* The digits of a USB identity are hex, a serial number behind them is not. */
static bool same_text(const char *a, const char *b) {
    static const char shape[] = "usb:VVVV:PPPP";
    size_t len = sizeof shape - 1;

    if (strncmp(a, shape, 4) == 0 && strncmp(b, shape, 4) == 0 &&
        strlen(a) >= len && strncasecmp(a, b, len) == 0)
        return strcmp(a + len, b + len) == 0;
    return strcmp(a, b) == 0;
}

/* A port that is not there now has its text alone. */
static bool same_port(const char *a, const char *b) {
    char *path_a = realpath(a, NULL);
    char *path_b = realpath(b, NULL);
    bool same =
        same_text(a, b) || (path_a && path_b && strcmp(path_a, path_b) == 0);

    free(path_a);
    free(path_b);
    return same;
}

static void check_port(const struct agent_config *config, size_t index,
                       const struct ts_settings *at, struct ts_buf *problems) {
    const struct agent_config_reader *reader = &config->readers[index];

    for (size_t i = 0; i < index; i++) {
        const struct agent_config_reader *other = &config->readers[i];
        bool named = strcmp(other->port, reader->port) != 0;
        if (!same_port(other->port, reader->port))
            continue;
        ts_settings_problem(
            problems, at, "port",
            "readers %s and %s have the same port, %s%s%s; give each its own, "
            "or remove one",
            other->name, reader->name, named ? other->port : "",
            named ? " and " : "", reader->port);
        return;
    }
}

static void read_reader(struct agent_config_reader *out,
                        const struct ts_settings *from) {
    const struct driver *driver = driver_find(ts_settings_text(from, "driver"));
    const char *profile = ts_settings_text(from, "profile");

    if (!profile[0] && driver)
        profile = driver->profiles[0].name;
    *out = (struct agent_config_reader){
        .name = ts_settings_title(from),
        .port = ts_settings_text(from, "port"),
        .driver = ts_settings_text(from, "driver"),
        .profile = profile,
        .line =
            line_of(from, driver ? driver_profile_find(driver, profile) : NULL),
        .repeat_ms = (unsigned)ts_settings_int(from, "repeat_ms"),
    };
    read_tones(out, from);
}

static void read_readers(struct agent_config *config, struct ts_buf *problems) {
    size_t count = ts_settings_groups(config->settings, "reader");

    if (count > AGENT_READERS_MAX) {
        ts_settings_problem(problems, config->settings, NULL,
                            "more than %d readers; run a second agent for the "
                            "others",
                            AGENT_READERS_MAX);
        count = AGENT_READERS_MAX;
    }
    for (size_t i = 0; i < count; i++) {
        const struct ts_settings *from =
            ts_settings_group_at(config->settings, "reader", i);
        struct agent_config_reader *reader = &config->readers[i];

        read_reader(reader, from);
        if (!ts_name_valid(ts_slice_text(reader->name)))
            ts_settings_problem(problems, from, NULL,
                                "a reader's name is 1 to 48 of a-z, 0-9 and "
                                "dash; rename %s",
                                reader->name);
        check_driver(reader, from, problems);
        check_serial(from, problems);
        check_port(config, i, from, problems);
    }
    config->reader_count = count;
}

static void load_keys(struct agent_config *config, struct ts_buf *problems) {
    struct ts_err err;

    if (ts_keys_load(&config->keys,
                     ts_settings_text(config->settings, "key_file"),
                     &err) != TS_OK)
        ts_settings_problem(problems, config->settings, "key_file", "%s",
                            err.text);
}

enum ts_status agent_config_load(struct agent_config *out, const char *path,
                                 struct ts_buf *problems) {
    struct agent_config config = {.settings = NULL};
    enum ts_status status =
        ts_settings_load(&config.settings, path, agent_config_table, problems);

    if (status != TS_OK)
        return status;
    check_names(config.settings, problems);
    check_state_dir(config.settings, problems);
    check_visit(config.settings, problems);
    check_hub(config.settings, problems);
    read_readers(&config, problems);
    load_keys(&config, problems);
    if (shop_new(&config.shop, config.settings, problems) != TS_OK ||
        problems->len) {
        agent_config_fini(&config);
        return TS_INVALID;
    }
    shop_set_currency(
        config.shop,
        ts_settings_text(ts_settings_group(config.settings, "visit"),
                         "currency"));
    *out = config;
    return TS_OK;
}

void agent_config_fini(struct agent_config *config) {
    shop_free(config->shop);
    ts_keys_free(config->keys);
    ts_settings_free(config->settings);
    *config = (struct agent_config){.settings = NULL};
}
