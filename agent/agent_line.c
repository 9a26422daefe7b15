/* The line to the hub: what the uplink says, told to lane, desk and clock. */
#include "agent/agent_private.h"

#include "base/log.h"
#include "sync/mqtt_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char session_key[] = "session";

static void pull_desk(struct agent *agent, const json_t *want) {
    struct message_pull pull;

    if (!agent->uplink)
        return;
    desk_request(agent->desk, &pull);
    pull.want = want;
    uplink_pull(agent->uplink, &pull);
}

static void on_session(void *ctx, uint64_t session) {
    struct agent *agent = ctx;
    char text[TS_COUNTER_TEXT];

    ts_counter_text(text, session);
    if (recorder_put(agent->recorder, session_key, text, NULL) != TS_OK)
        ts_log(TS_LOG_WARN, "agent", "the session counter is not kept");
    pull_desk(agent, NULL);
}

static void on_line(void *ctx, bool up, const char *text) {
    struct agent *agent = ctx;

    agent->line_up = up;
    lane_set_line(agent->lane, up, text);
}

static void on_hub_time(void *ctx, struct ts_wall hubtime, struct ts_mono at,
                        int64_t error_ms) {
    struct agent *agent = ctx;

    if (timekeeper_learn(&agent->keeper, hubtime, at, error_ms))
        lane_clock_corrected(agent->lane, hubtime, at, error_ms);
}

/* Kept, so that a terminal whose clock has died knows after a restart what no
 * certificate may be checked against. */
static void on_time_floor(void *ctx, struct ts_wall floor) {
    struct agent *agent = ctx;
    char text[TS_TIME_TEXT];

    if (!timekeeper_trust(&agent->keeper, floor))
        return;
    ts_wall_text(text, agent->keeper.floor);
    if (recorder_put(agent->recorder, agent_floor_key, text, NULL) != TS_OK)
        ts_log(TS_LOG_WARN, "agent", "the hub's time is not kept");
}

static void apply_desk(struct agent *agent, const struct message_desk *desk) {
    struct desk_result result;
    struct ts_err err;

    if (desk_apply(agent->desk, desk, &result, &err) != TS_OK) {
        ts_log(TS_LOG_ERROR, "desk", "%s", err.text);
        return;
    }
    if (result.erased)
        lane_erase_done(agent->lane, result.erased);
    if (result.changed)
        lane_desk_changed(agent->lane);
    if (result.pull)
        pull_desk(agent, NULL);
}

static void on_erased(void *arg) {
    struct agent *agent = arg;
    json_t *records = agent->erasing_records;

    agent->erasing_records = NULL;
    apply_desk(agent, &agent->erasing);
    json_decref(records);
    if (agent->desk_missed)
        pull_desk(agent, NULL);
    agent->desk_missed = false;
}

/* The desk moves on when the copies are gone: what a restart cuts short is
 * asked for again. */
static void on_desk(void *ctx, const struct message_desk *desk) {
    struct agent *agent = ctx;
    json_t *cards = desk_erased_cards(desk);
    bool erases = json_array_size(cards) > 0;

    if (agent->erasing_records && (erases || desk->has_range)) {
        agent->desk_missed = true;
    } else if (!erases) {
        apply_desk(agent, desk);
    } else if (journal_erase_begin(agent->journal, cards, on_erased, agent)) {
        agent->erasing = *desk;
        agent->erasing_records = json_deep_copy(desk->records);
        agent->erasing.records = agent->erasing_records;
    }
    json_decref(cards);
}

static void on_bell(void *ctx, const struct message_bell *bell) {
    struct agent *agent = ctx;

    if (desk_bell(agent->desk, bell))
        pull_desk(agent, NULL);
}

/* The page shows how much the hub has not taken yet. */
static void on_release(void *arg) {
    lane_unsent_changed(((struct agent *)arg)->lane);
}

/* A card that the desk does not know is asked for while the visit lasts. */
static void on_recorded(void *arg, const char *journal, uint64_t sequence,
                        const char *type) {
    struct agent *agent = arg;
    const char *card = lane_card(agent->lane);
    json_t *member;
    json_t *want;

    (void)sequence;
    if (!agent->uplink)
        return;
    uplink_set_journal(agent->uplink, journal);
    uplink_notify(agent->uplink);
    if (strcmp(type, "card.presented") != 0 || !card[0] || !agent->line_up)
        return;
    member = desk_find(agent->desk, card, ts_clock_wall(agent->clock));
    if (!member) {
        want = json_pack("[s]", card);
        pull_desk(agent, want);
        json_decref(want);
    }
    json_decref(member);
}

static uint64_t last_session(struct agent *agent) {
    struct ts_buf text = {0};
    uint64_t session = 0;

    if (journal_get(agent->journal, session_key, &text) == TS_OK &&
        ts_counter_parse(&session, ts_buf_slice(&text)) != TS_OK)
        session = 0;
    ts_buf_fini(&text);
    return session;
}

static const char *or_null(const char *text) { return text[0] ? text : NULL; }

static enum mqtt_version version_of(const char *word) {
    if (!strcmp(word, "5"))
        return MQTT_5;
    return strcmp(word, "3.1.1") != 0 ? MQTT_AUTO : MQTT_3_1_1;
}

static struct mqtt_options mqtt_options(const struct ts_settings *all,
                                        const struct ts_clock *clock) {
    const struct ts_settings *hub = ts_settings_group(all, "hub");

    struct mqtt_options options = {
        .tls = ts_settings_bool(hub, "tls"),
        .ca_file = ts_settings_text(hub, "ca_file"),
        .crl_file = or_null(ts_settings_text(hub, "crl_file")),
        .cert_file = ts_settings_text(hub, "cert_file"),
        .key_file = ts_settings_text(hub, "key_file"),
        .server_name = or_null(ts_settings_text(hub, "server_name")),
        .client_id = ts_settings_text(all, "terminal"),
        .cert_name = ts_settings_text(all, "terminal"),
        .version = version_of(ts_settings_text(hub, "mqtt")),
        .keepalive_s = (unsigned)ts_settings_int(hub, "keepalive_s"),
        .connect_timeout_s =
            (unsigned)ts_settings_int(hub, "connect_timeout_s"),
        .backoff_min_ms = (unsigned)ts_settings_int(hub, "backoff_min_ms"),
        .backoff_max_ms = (unsigned)ts_settings_int(hub, "backoff_max_ms"),
        .spread_ms = (unsigned)ts_settings_int(hub, "spread_ms"),
        .runtime_dir = ts_settings_text(all, "runtime_dir"),
        .clock = clock,
    };

    mqtt_settings_read(&options, hub);
    return options;
}

/* The settings have been checked. */
static struct pace_options pace_options(const struct ts_settings *hub) {
    struct pace_options options = {
        .max_bytes_per_s = (uint32_t)ts_settings_int(hub, "max_bytes_per_s"),
        .quiet_bytes_per_s =
            (uint32_t)ts_settings_int(hub, "quiet_bytes_per_s"),
        .quiet_count = ts_settings_list(hub, "quiet_hours"),
    };

    for (size_t i = 0; i < options.quiet_count; i++)
        if (pace_hours_parse(
                &options.quiet[i],
                ts_slice_text(ts_settings_list_at(hub, "quiet_hours", i)),
                NULL) != TS_OK)
            abort();
    return options;
}

enum ts_status agent_line_check(const struct agent_config *config,
                                struct ts_err *err) {
    const struct ts_settings *hub = ts_settings_group(config->settings, "hub");
    struct mqtt_options options =
        mqtt_options(config->settings, ts_clock_system());

    if (!mqtt_settings_has_broker(hub))
        return TS_OK;
    return mqtt_check(&options, err);
}

static enum ts_status open_line(struct agent *agent, struct ts_err *err) {
    const struct ts_settings *all = agent->config->settings;
    const struct ts_settings *hub = ts_settings_group(all, "hub");
    struct uplink_options options = {
        .root = ts_settings_text(hub, "root"),
        .version = TS_VERSION,
        .journal = journal_id(agent->journal),
        .mqtt = mqtt_options(all, &agent->keeper.line),
        .max_publish_bytes = (size_t)ts_settings_int(hub, "max_publish_bytes"),
        .ack_timeout_ms = (unsigned)ts_settings_int(hub, "ack_timeout_ms"),
        .max_window = (unsigned)ts_settings_int(hub, "max_window"),
        .first_session = last_session(agent) + 1,
        .compress = ts_settings_bool(hub, "compress"),
        .pace = pace_options(hub),
        .press = agent->press,
    };
    struct uplink_source source = journal_source(agent->journal);
    struct uplink_events events = {agent,        on_session, on_line,
                                   on_hub_time,  on_desk,    on_bell,
                                   on_time_floor};

    (void)snprintf(options.origin.store, TS_NAME_TEXT, "%s",
                   ts_settings_text(all, "store"));
    (void)snprintf(options.origin.terminal, TS_NAME_TEXT, "%s",
                   ts_settings_text(all, "terminal"));
    memcpy(options.origin.boot, agent->keeper.boot, TS_BOOT_TEXT);
    options.mqtt.time_floor = agent->keeper.floor;
    return uplink_new(&agent->uplink, agent->loop, &options, &source, &events,
                      err);
}

void agent_line_start(struct agent *agent) {
    const struct ts_settings *hub =
        ts_settings_group(agent->config->settings, "hub");
    struct ts_err err;

    if (!mqtt_settings_has_broker(hub)) {
        ts_log(TS_LOG_WARN, "agent",
               "no hub is set (hub.host or hub.hosts): events stay in the "
               "journal");
        lane_set_line(agent->lane, false, "no hub is set");
        return;
    }
    agent->press = parcel_press_new();
    if (open_line(agent, &err) != TS_OK) {
        agent->uplink = NULL;
        ts_log(TS_LOG_ERROR, "agent",
               "no line to the hub: %s; mend it and restart, events stay in "
               "the journal until then",
               err.text);
        lane_set_line(agent->lane, false, err.text);
        return;
    }
    lane_on_recorded(agent->lane, on_recorded, agent);
    journal_on_release(agent->journal, on_release, agent);
    uplink_start(agent->uplink);
}

void agent_line_stop(struct agent *agent) {
    if (agent->journal)
        journal_erase_stop(agent->journal);
    json_decref(agent->erasing_records);
    agent->erasing_records = NULL;
    if (agent->uplink) {
        journal_on_release(agent->journal, NULL, NULL);
        uplink_stop(agent->uplink);
        uplink_free(agent->uplink);
    }
    agent->uplink = NULL;
    parcel_press_free(agent->press);
    agent->press = NULL;
}
