#include "sync/uplink.h"

#include "base/log.h"
#include "sync/parcel.h"
#include "sync/topic.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STATE_EVERY_S = 300,
    PUBLISH_MIN = 40 * 1024, /* one event of the largest size fits */
    PUBLISH_MAX = 256 * 1024,
    /* Around a publish of events: the MQTT header, and what TLS adds to each
     * of its records of at most 16 KiB. */
    MQTT_EXTRA = 9,
    ALIAS_EXTRA = 3,
    TLS_EXTRA = 29,
    TLS_RECORD = 16384,
    IDS_KEPT = 128, /* publishes whose answer can still be named */
    NO_LEAF = 31    /* the bit of a publish that cannot be named any more */
};

struct sent_id {
    int id;
    enum topic_leaf leaf;
};

struct uplink {
    struct event_base *loop;
    struct uplink_options options; /* texts are copies */
    struct uplink_source source;
    struct uplink_events events;
    struct mqtt *mqtt;
    struct uplink_core *core;
    struct parcel parcel;
    struct event *tick, *state_timer, *bell_timer;
    struct message_bell bell; /* heard, to be told when the timer runs out */
    unsigned shard;
    uint64_t session;
    bool started, stopping, nobody_listens;
    bool deaf;         /* the broker refused a subscription */
    bool backlog_told; /* by the last `state` */
    uint64_t denied;
    uint32_t denied_leaves; /* whose last publish the broker refused */
    struct sent_id ids[IDS_KEPT];
    size_t ids_next;
    char last_error[TS_ERR_TEXT];
};

static struct ts_mono now_of(const struct uplink *uplink) {
    return ts_clock_mono(uplink->options.mqtt.clock);
}

static void topic_of(const struct uplink *uplink, char out[TOPIC_TEXT],
                     enum topic_leaf leaf) {
    topic_text(out, uplink->options.root, uplink->shard,
               leaf == TOPIC_BELL ? uplink->options.origin.store
                                  : uplink->options.origin.terminal,
               leaf);
}

/* The same trouble again is not news. */
static void note_error(struct uplink *uplink, const char *text) {
    if (!strcmp(uplink->last_error, text))
        return;
    (void)snprintf(uplink->last_error, sizeof uplink->last_error, "%s", text);
    ts_log(TS_LOG_WARN, "uplink", "%s", text);
}

static enum ts_status publish(struct uplink *uplink, enum topic_leaf leaf,
                              struct ts_slice payload, struct ts_err *err) {
    char topic[TOPIC_TEXT];
    int id = 0;
    enum ts_status status;

    topic_of(uplink, topic, leaf);
    status = mqtt_publish(uplink->mqtt, topic, payload, leaf == TOPIC_STATE,
                          &id, err);
    if (status == TS_OK) {
        uplink->ids[uplink->ids_next] = (struct sent_id){id, leaf};
        uplink->ids_next = (uplink->ids_next + 1) % IDS_KEPT;
    }
    return status;
}

static void rearm(struct uplink *uplink) {
    struct ts_mono at;
    struct ts_mono now = now_of(uplink);
    int64_t wait;

    if (!uplink_core_deadline(uplink->core, &at)) {
        (void)event_del(uplink->tick);
        return;
    }
    wait = at.ms > now.ms ? at.ms - now.ms : 1;
    struct timeval delay = {.tv_sec = (time_t)(wait / 1000),
                            .tv_usec = (suseconds_t)(wait % 1000) * 1000};
    (void)evtimer_add(uplink->tick, &delay);
}

/* After each call into the core: its timer, and what it could not do. */
static void settle(struct uplink *uplink) {
    struct uplink_core_status status;

    uplink_core_get_status(uplink->core, &status);
    if (status.error.status != TS_OK && status.error.status != TS_FULL &&
        status.error.status != TS_CLOSED)
        note_error(uplink, status.error.text);
    if (status.alarm.status != TS_OK)
        note_error(uplink, status.alarm.text);
    uplink_core_forget_errors(uplink->core);
    rearm(uplink);
}

struct one_row {
    struct ts_wall at;
    bool found;
};

static bool take_time(void *arg, uint64_t sequence, struct ts_slice payload) {
    struct one_row *row = arg;
    json_t *json = NULL;

    (void)sequence;
    if (ts_json_parse(&json, payload, NULL) == TS_OK)
        row->found =
            ts_wall_parse(&row->at, ts_json_text(json, "time")) == TS_OK;
    json_decref(json);
    return false;
}

static void fill_oldest(struct uplink *uplink, struct message_state *state) {
    char journal[TS_JOURNAL_TEXT];
    uint64_t sequence;
    struct one_row row = {.found = false};

    if (!uplink_core_oldest(uplink->core, journal, &sequence))
        return;
    if (uplink->source.read(uplink->source.ctx, journal, sequence, 1, take_time,
                            &row, NULL) != TS_OK)
        return;
    state->has_oldest = row.found;
    state->oldest_unsent = row.at;
}

static void fill_journal(const struct uplink *uplink,
                         struct message_state *state) {
    static const char none[TS_JOURNAL_TEXT] = "0000000000000000";

    uplink_core_newest(uplink->core, state->journal);
    if (uplink->options.journal)
        (void)snprintf(state->journal, sizeof state->journal, "%s",
                       uplink->options.journal);
    else if (!state->journal[0])
        memcpy(state->journal, none, sizeof none);
}

static void encode_state(struct uplink *uplink, struct ts_buf *out, bool online,
                         uint64_t session) {
    struct message_state state = {.online = online, .session = session};
    struct uplink_core_status status;

    uplink_core_get_status(uplink->core, &status);
    memcpy(state.boot, uplink->options.origin.boot, sizeof state.boot);
    memcpy(state.store, uplink->options.origin.store, sizeof state.store);
    (void)snprintf(state.version, sizeof state.version, "%s",
                   uplink->options.version);
    fill_journal(uplink, &state);
    state.unsent = status.unsent;
    if (online)
        uplink->backlog_told = status.unsent > 0;
    if (status.unsent)
        fill_oldest(uplink, &state);
    message_state_encode(out, &state);
}

static void publish_state(struct uplink *uplink, bool online) {
    struct ts_err err;
    struct ts_buf out;

    ts_buf_init(&out, 0);
    encode_state(uplink, &out, online, uplink->session);
    if (publish(uplink, TOPIC_STATE, ts_buf_slice(&out), &err) == TS_INVALID)
        note_error(uplink, err.text);
    ts_buf_fini(&out);
}

/* The will of the next connection carries that connection's number. */
static void set_will(struct uplink *uplink) {
    char topic[TOPIC_TEXT];
    struct ts_buf out;

    ts_buf_init(&out, 0);
    topic_of(uplink, topic, TOPIC_STATE);
    encode_state(uplink, &out, false, uplink->session + 1);
    mqtt_set_will(uplink->mqtt, topic, ts_buf_slice(&out), true);
    ts_buf_fini(&out);
}

static size_t wire_bytes(const struct uplink *uplink, size_t payload) {
    char topic[TOPIC_TEXT];
    size_t bytes;

    topic_of(uplink, topic, TOPIC_EVENTS);
    bytes = payload + strlen(topic) + MQTT_EXTRA;
    return uplink->options.mqtt.tls
               ? bytes + (bytes / TLS_RECORD + 1) * TLS_EXTRA
               : bytes;
}

static enum ts_status core_send(void *ctx, const struct uplink_core_send *send,
                                struct uplink_core_sent *sent,
                                struct ts_err *err) {
    struct uplink *uplink = ctx;
    struct ts_slice payload;
    enum ts_status status = parcel_pack(&uplink->parcel, send, sent, err);

    if (status != TS_OK)
        return status;
    payload = ts_buf_slice(&uplink->parcel.press->out);
    sent->bytes = wire_bytes(uplink, payload.len);
    return publish(uplink, TOPIC_EVENTS, payload, err);
}

static enum ts_status core_resume(void *ctx,
                                  const struct message_resume *resume,
                                  struct ts_err *err) {
    struct uplink *uplink = ctx;
    struct ts_buf out;
    enum ts_status status;

    ts_buf_init(&out, 0);
    message_resume_encode(&out, resume);
    status = publish(uplink, TOPIC_RESUME, ts_buf_slice(&out), err);
    ts_buf_fini(&out);
    return status;
}

static void core_hub_time(void *ctx, struct ts_wall hubtime, struct ts_mono at,
                          int64_t error_ms) {
    struct uplink *uplink = ctx;

    uplink->events.on_hub_time(uplink->events.ctx, hubtime, at, error_ms);
    if (!uplink->options.mqtt.tls)
        return;
    hubtime = mqtt_trust_time(uplink->mqtt, hubtime);
    if (uplink->events.on_time_floor)
        uplink->events.on_time_floor(uplink->events.ctx, hubtime);
}

static uint32_t core_random(void *ctx) {
    uint32_t draw;

    (void)ctx;
    ts_random(&draw, sizeof draw);
    return draw;
}

static void tell_connected(struct uplink *uplink) {
    char text[BROKER_TEXT + 16];

    (void)snprintf(text, sizeof text, "connected to %s",
                   mqtt_broker(uplink->mqtt));
    uplink->events.on_line(uplink->events.ctx, true, text);
}

/* The core sends the `resume`s. */
static void core_greet(void *ctx) {
    struct uplink *uplink = ctx;

    uplink->denied_leaves = 0;
    uplink->deaf = false;
    publish_state(uplink, true);
    tell_connected(uplink);
}

static void subscribe_all(struct uplink *uplink) {
    static const enum topic_leaf leaves[] = {TOPIC_ACKS, TOPIC_DESK, TOPIC_BELL,
                                             TOPIC_HUB};
    char topic[TOPIC_TEXT];
    struct ts_err err;

    for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++) {
        topic_of(uplink, topic, leaves[i]);
        if (mqtt_subscribe(uplink->mqtt, topic, &err) != TS_OK)
            note_error(uplink, err.text);
    }
}

/* A row that is larger than that alone is refused by mqtt_publish. */
static void fit_packets(struct uplink *uplink) {
    size_t most = mqtt_packet_max(uplink->mqtt), extra;
    char topic[TOPIC_TEXT];

    topic_of(uplink, topic, TOPIC_EVENTS);
    extra = strlen(topic) + MQTT_EXTRA + ALIAS_EXTRA;
    uplink->parcel.max_publish_bytes = uplink->options.max_publish_bytes;
    if (most && most < uplink->options.max_publish_bytes + extra)
        uplink->parcel.max_publish_bytes = most > extra ? most - extra : 1;
}

static void on_up(void *ctx) {
    struct uplink *uplink = ctx;

    fit_packets(uplink);
    uplink->session++;
    uplink->nobody_listens = false;
    uplink->last_error[0] = 0;
    memset(uplink->ids, 0, sizeof uplink->ids);
    ts_log(TS_LOG_INFO, "uplink", "connected to %s, session %llu",
           mqtt_broker(uplink->mqtt), (unsigned long long)uplink->session);
    set_will(uplink);
    subscribe_all(uplink);
    core_greet(uplink);
    uplink_core_up(uplink->core, now_of(uplink));
    settle(uplink);
    /* Behind the subscriptions: the owner asks, and the answer is heard. */
    uplink->events.on_session(uplink->events.ctx, uplink->session);
}

static void on_down(void *ctx, const struct ts_err *reason) {
    struct uplink *uplink = ctx;

    uplink_core_down(uplink->core);
    (void)event_del(uplink->tick);
    if (!uplink->stopping) {
        note_error(uplink, reason->text);
        set_will(uplink);
    }
    uplink->events.on_line(uplink->events.ctx, false, reason->text);
}

/* A backlog that was told is gone: the next `state` would say so minutes
 * later. */
static void tell_drained(struct uplink *uplink) {
    struct uplink_core_status status;

    uplink_core_get_status(uplink->core, &status);
    if (uplink->backlog_told && !status.unsent)
        publish_state(uplink, true);
}

static void on_ack(struct uplink *uplink, const json_t *json,
                   struct ts_err *err) {
    struct message_ack ack;

    if (message_ack_decode(&ack, json, err) != TS_OK) {
        note_error(uplink, err->text);
        return;
    }
    uplink->nobody_listens = false;
    uplink_core_on_ack(uplink->core, now_of(uplink), &ack);
    settle(uplink);
    tell_drained(uplink);
}

static bool knows_dictionary(const struct uplink *uplink,
                             const struct message_hub *hub) {
    uint32_t id = parcel_dictionary(&uplink->parcel);

    for (size_t i = 0; i < hub->dict_count; i++)
        if (hub->dicts[i] == id)
            return true;
    return false;
}

static void on_hub(struct uplink *uplink, const json_t *json, bool retained,
                   struct ts_err *err) {
    struct message_hub hub;

    if (message_hub_decode(&hub, json, err) != TS_OK) {
        note_error(uplink, err->text);
        return;
    }
    uplink_core_set_dictionary(uplink->core, knows_dictionary(uplink, &hub));
    /* Live: the hub has just connected, maybe restored from a copy. */
    if (!hub.online || retained)
        return;
    uplink_core_hub_back(uplink->core, now_of(uplink));
    settle(uplink);
}

static void on_desk(struct uplink *uplink, const json_t *json,
                    struct ts_err *err) {
    struct message_desk desk;

    if (message_desk_decode(&desk, json, err) != TS_OK)
        note_error(uplink, err->text);
    else
        uplink->events.on_desk(uplink->events.ctx, &desk);
}

/* Every terminal of the store hears it at once, and asks the hub then. */
static void on_bell(struct uplink *uplink, const json_t *json,
                    struct ts_err *err) {
    uint32_t ms =
        pace_spread(uplink->options.mqtt.spread_ms, core_random(NULL));
    struct timeval wait = {.tv_sec = ms / 1000,
                           .tv_usec = (suseconds_t)(ms % 1000) * 1000};

    if (message_bell_decode(&uplink->bell, json, err) != TS_OK)
        note_error(uplink, err->text);
    else if (!evtimer_pending(uplink->bell_timer, NULL))
        (void)evtimer_add(uplink->bell_timer, &wait);
}

static void on_bell_timer(evutil_socket_t fd, short what, void *arg) {
    struct uplink *uplink = arg;

    (void)fd;
    (void)what;
    uplink->events.on_bell(uplink->events.ctx, &uplink->bell);
}

static bool is_ours(const struct uplink *uplink, const struct topic *topic) {
    const char *name = uplink->options.origin.terminal;

    if (topic->shard != uplink->shard)
        return false;
    if (topic->leaf == TOPIC_HUB)
        return true;
    if (topic->leaf == TOPIC_BELL)
        name = uplink->options.origin.store;
    return !strcmp(topic->name, name);
}

static void dispatch(struct uplink *uplink, enum topic_leaf leaf,
                     const json_t *json, bool retained) {
    struct ts_err err;

    if (leaf == TOPIC_HUB)
        on_hub(uplink, json, retained, &err);
    else if (leaf == TOPIC_BELL)
        on_bell(uplink, json, &err);
    else if (retained)
        note_error(uplink, "a retained message on acks or desk was ignored; "
                           "remove it from the broker");
    else if (leaf == TOPIC_ACKS)
        on_ack(uplink, json, &err);
    else if (leaf == TOPIC_DESK)
        on_desk(uplink, json, &err);
}

static void on_message(void *ctx, struct ts_slice topic_name,
                       struct ts_slice payload, bool retained) {
    struct uplink *uplink = ctx;
    struct topic topic;
    struct ts_err err;
    json_t *json = NULL;

    if (topic_parse(&topic, uplink->options.root, topic_name) != TS_OK ||
        !is_ours(uplink, &topic))
        return;
    if (payload.len == 0)
        return; /* a retained message was removed */
    if (ts_json_parse(&json, payload, &err) == TS_OK)
        dispatch(uplink, topic.leaf, json, retained);
    else
        note_error(uplink, err.text);
    json_decref(json);
}

static unsigned leaf_of(const struct uplink *uplink, int id) {
    for (size_t i = 0; i < IDS_KEPT; i++)
        if (id && uplink->ids[i].id == id)
            return uplink->ids[i].leaf;
    return NO_LEAF;
}

static void name_denied(const struct uplink *uplink, char *out, size_t size) {
    static const struct {
        unsigned leaf;
        const char *name;
    } names[] = {{TOPIC_EVENTS, "events"},
                 {TOPIC_RESUME, "resume"},
                 {TOPIC_STATE, "state"},
                 {TOPIC_PULL, "pull"},
                 {NO_LEAF, "a topic"}};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (uplink->denied_leaves & 1u << names[i].leaf) {
            size_t len = strlen(out);
            (void)snprintf(out + len, size - len, "%s%s", len ? ", " : "",
                           names[i].name);
        }
}

static void on_denied(struct uplink *uplink, unsigned leaf, int reason) {
    uint32_t before = uplink->denied_leaves;
    char names[64] = "";
    char text[TS_ERR_TEXT];

    uplink->denied++;
    uplink->nobody_listens = false; /* to be told again after this */
    uplink->denied_leaves |= 1u << leaf;
    if (uplink->denied_leaves == before)
        return;
    name_denied(uplink, names, sizeof names);
    (void)snprintf(text, sizeof text,
                   "the broker denies publishing %s (reason 0x%02x); check its "
                   "access list for terminal %s",
                   names, (unsigned)reason, uplink->options.origin.terminal);
    note_error(uplink, text);
    uplink->events.on_line(uplink->events.ctx, true, text);
}

static void on_accepted(struct uplink *uplink, unsigned leaf) {
    uint32_t before = uplink->denied_leaves;

    uplink->denied_leaves &= ~(1u << leaf);
    if (!before || uplink->denied_leaves || uplink->deaf)
        return;
    uplink->last_error[0] = 0;
    tell_connected(uplink);
}

static void on_published(void *ctx, int message_id, int reason) {
    enum { NOBODY = 0x10, REFUSED = 0x80 };
    struct uplink *uplink = ctx;
    unsigned leaf = leaf_of(uplink, message_id);

    if (reason >= REFUSED)
        on_denied(uplink, leaf, reason);
    else
        on_accepted(uplink, leaf);
    if (reason == NOBODY && !uplink->nobody_listens && !uplink->deaf &&
        !uplink->denied_leaves) {
        uplink->nobody_listens = true;
        uplink->events.on_line(uplink->events.ctx, true,
                               "connected to the broker, but no hub listens");
    }
    uplink_core_pump(uplink->core, now_of(uplink));
    settle(uplink);
}

/* Nothing will come by it: no ack, or no desk. */
static void on_refused(void *ctx, const char *filter, int reason) {
    struct uplink *uplink = ctx;
    char text[TS_ERR_TEXT];

    uplink->denied++;
    uplink->deaf = true;
    (void)snprintf(text, sizeof text,
                   "the broker denies subscribing %s (reason 0x%02x); check "
                   "its access list for terminal %s",
                   filter, (unsigned)reason, uplink->options.origin.terminal);
    note_error(uplink, text);
    uplink->events.on_line(uplink->events.ctx, true, text);
}

static void on_tick(evutil_socket_t fd, short what, void *arg) {
    struct uplink *uplink = arg;

    (void)fd;
    (void)what;
    uplink_core_pump(uplink->core, now_of(uplink));
    settle(uplink);
}

static void on_state_timer(evutil_socket_t fd, short what, void *arg) {
    struct uplink *uplink = arg;

    (void)fd;
    (void)what;
    if (mqtt_is_up(uplink->mqtt))
        publish_state(uplink, true);
}

static enum ts_status check_options(const struct uplink_options *o,
                                    struct ts_err *err) {
    if (!topic_root_valid(ts_slice_text(o->root)))
        return ts_fail(err, TS_INVALID,
                       "topic root \"%s\"; use 1 to 32 of a-z 0-9 -", o->root);
    if (o->max_publish_bytes < PUBLISH_MIN ||
        o->max_publish_bytes > PUBLISH_MAX)
        return ts_fail(err, TS_INVALID, "max_publish_bytes %zu; set %d to %d",
                       o->max_publish_bytes, PUBLISH_MIN, PUBLISH_MAX);
    if (o->ack_timeout_ms < 100 || o->ack_timeout_ms > UPLINK_BACKOFF_MS)
        return ts_fail(err, TS_INVALID, "ack_timeout_ms %u; set 100 to %d",
                       o->ack_timeout_ms, UPLINK_BACKOFF_MS);
    if (o->max_window < 1 || o->max_window > UPLINK_WINDOW_MAX)
        return ts_fail(err, TS_INVALID, "max_window %u; set 1 to %d",
                       o->max_window, UPLINK_WINDOW_MAX);
    return TS_OK;
}

static void make_core(struct uplink *uplink) {
    struct uplink_core_options options = {
        uplink->options.ack_timeout_ms, uplink->options.max_window,
        uplink->options.mqtt.spread_ms, uplink->options.pace};
    struct uplink_core_port port = {uplink,        core_send,  core_resume,
                                    core_hub_time, core_greet, core_random};

    uplink->core = uplink_core_new(&options, &uplink->source, &port);
}

static enum ts_status make_mqtt(struct uplink *uplink, struct ts_err *err) {
    struct mqtt_options options = uplink->options.mqtt;
    struct mqtt_events events = {uplink,     on_up,        on_down,
                                 on_message, on_published, on_refused};

    options.client_id = options.cert_name = uplink->options.origin.terminal;
    return mqtt_new(&uplink->mqtt, uplink->loop, &options, &events, err);
}

static void copy_options(struct uplink *uplink,
                         const struct uplink_options *options) {
    uplink->options = *options;
    uplink->options.root = ts_strdup(options->root);
    uplink->options.version = ts_strdup(options->version);
    uplink->options.journal =
        options->journal ? ts_strdup(options->journal) : NULL;
    uplink->shard = ts_shard(ts_slice_text(options->origin.store));
    uplink->session = options->first_session;
    uplink->options.pace.clock = options->mqtt.clock;
}

enum ts_status uplink_new(struct uplink **out, struct event_base *loop,
                          const struct uplink_options *options,
                          const struct uplink_source *source,
                          const struct uplink_events *events,
                          struct ts_err *err) {
    struct uplink *uplink;
    enum ts_status status = check_options(options, err);

    if (status != TS_OK)
        return status;
    uplink = ts_alloc(sizeof *uplink);
    uplink->loop = loop;
    copy_options(uplink, options);
    uplink->source = *source;
    uplink->events = *events;
    parcel_init(&uplink->parcel, &uplink->source, options->max_publish_bytes,
                options->compress, options->press);
    uplink->tick = evtimer_new(loop, on_tick, uplink);
    uplink->state_timer =
        event_new(loop, -1, EV_PERSIST, on_state_timer, uplink);
    uplink->bell_timer = evtimer_new(loop, on_bell_timer, uplink);
    make_core(uplink);
    status = make_mqtt(uplink, err);
    if (status != TS_OK) {
        uplink_free(uplink);
        return status;
    }
    *out = uplink;
    return TS_OK;
}

void uplink_free(struct uplink *uplink) {
    if (!uplink)
        return;
    mqtt_free(uplink->mqtt);
    uplink_core_free(uplink->core);
    parcel_fini(&uplink->parcel);
    event_free(uplink->tick);
    event_free(uplink->state_timer);
    event_free(uplink->bell_timer);
    free((char *)uplink->options.root);
    free((char *)uplink->options.version);
    free((char *)uplink->options.journal);
    free(uplink);
}

void uplink_start(struct uplink *uplink) {
    uint32_t draw = core_random(NULL);
    struct timeval every = {.tv_sec = STATE_EVERY_S - 30 + draw % 30};

    uplink->stopping = false;
    set_will(uplink);
    (void)event_add(uplink->state_timer, &every);
    mqtt_start(uplink->mqtt);
}

void uplink_notify(struct uplink *uplink) {
    uplink_core_notify(uplink->core, now_of(uplink));
    settle(uplink);
}

void uplink_set_journal(struct uplink *uplink, const char *journal) {
    const char *known = uplink->options.journal;

    if (known && !strcmp(known, journal))
        return;
    uplink->options.journal = ts_strdup(journal);
    free((char *)known);
    if (mqtt_is_up(uplink->mqtt))
        publish_state(uplink, true);
    set_will(uplink);
}

void uplink_stop(struct uplink *uplink) {
    uplink->stopping = true;
    (void)event_del(uplink->tick);
    (void)event_del(uplink->state_timer);
    (void)event_del(uplink->bell_timer);
    if (mqtt_is_up(uplink->mqtt))
        publish_state(uplink, false);
    mqtt_stop(uplink->mqtt);
}

void uplink_pull(struct uplink *uplink, const struct message_pull *pull) {
    struct ts_buf out;
    struct ts_err err;

    if (!mqtt_is_up(uplink->mqtt))
        return;
    ts_buf_init(&out, 0);
    message_pull_encode(&out, pull);
    if (publish(uplink, TOPIC_PULL, ts_buf_slice(&out), &err) != TS_OK)
        note_error(uplink, err.text);
    ts_buf_fini(&out);
}

void uplink_get_status(const struct uplink *uplink, struct uplink_status *out) {
    struct uplink_core_status core;

    uplink_core_get_status(uplink->core, &core);
    *out = (struct uplink_status){.up = mqtt_is_up(uplink->mqtt),
                                  .window = core.window,
                                  .in_flight = core.in_flight,
                                  .batches_sent = core.batches_sent,
                                  .batches_resent = core.batches_resent,
                                  .events_acked = core.events_acked,
                                  .refused = core.refused,
                                  .alarms = core.alarms + uplink->denied,
                                  .waits = core.waits};
    if (core.waits != PACE_GO)
        out->waits_until.unix_ms =
            ts_clock_wall(uplink->options.mqtt.clock).unix_ms +
            core.waits_until.ms - now_of(uplink).ms;
    memcpy(out->last_error, uplink->last_error, sizeof out->last_error);
    (void)snprintf(out->broker, sizeof out->broker, "%s",
                   mqtt_broker(uplink->mqtt));
    mqtt_get_stats(uplink->mqtt, &out->line);
}
