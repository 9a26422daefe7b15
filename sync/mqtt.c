#include "sync/mqtt.h"

#include "base/ids.h"
#include "base/log.h"
#include "sync/line.h"
#include "sync/mqtt_alias.h"
#include "sync/mqtt_news.h"
#include "sync/mqtt_options.h"
#include "sync/mqtt_refusal.h"
#include "sync/mqtt_version.h"
#include "sync/mqtt_words.h"
#include "sync/pace.h"
#include "sync/proxy.h"

#include <mosquitto.h>
#include <mqtt_protocol.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    QUEUE_BYTES = 256 * 1024, /* waiting to be written */
    INFLIGHT_MAX = 100,       /* its list is walked for each PUBACK */
    READ_TURNS = 256,
    HELD_READ_MS = 10000,    /* a held session reads so often */
    CONNECT_WAIT_MS = 20000, /* from CONNECT to CONNACK */
    STEADY_MS = 10000        /* a session that lasted resets the backoff */
};

enum mqtt_state {
    MQTT_STOPPED,
    MQTT_WAITING,
    MQTT_LINE,
    MQTT_CONNECT,
    MQTT_UP
};

struct mqtt {
    struct event_base *loop;
    struct mqtt_options options;
    struct brokers brokers;
    char broker[BROKER_TEXT]; /* the present one */
    bool by_proxy, dialled;
    struct broker_address proxy;
    struct mqtt_events events;
    char *will_topic;
    struct ts_buf will;
    bool will_retain;

    enum mqtt_state state;
    struct mqtt_version_choice versions[BROKERS_MAX]; /* as `brokers.all` */
    unsigned backoff_ms;
    struct ts_mono up_at;
    struct tls *tls;
    struct line *line;
    struct mosquitto *client;
    int watch; /* dup of its socket: it may close that at any time */
    struct event *readable, *writable;
    struct event *misc, *retry, *deliver;
    struct mqtt_news_queue news;
    struct {
        int id;
        char *filter;
    } filters[MQTT_FILTERS_MAX]; /* of this session */
    size_t filter_count;
    struct mqtt_aliases aliases;
    uint32_t packet_max; /* of this session; 0: the broker says none */
    size_t queued;       /* bytes published since the client last wrote all */
    bool held;           /* nothing is read */
    struct ts_mono held_at;
    bool ended;    /* the client's session is over, not yet reported */
    bool answered; /* CONNACK of either kind */
    bool vague;    /* `reason` says no more than that; the line knows better */
    struct ts_err reason;
    struct mqtt_stats stats;
    uint64_t bare_in, bare_out; /* of lines that are gone */
    bool retry_at_once;
    struct mqtt_refusal refusal;
};

static void start_attempt(struct mqtt *mqtt);

static struct tls *make_tls(const struct mqtt_options *o) {
    struct tls_options options = {.ca_file = o->ca_file,
                                  .crl_file = o->crl_file,
                                  .cert_file = o->cert_file,
                                  .key_file = o->key_file,
                                  .server_name = o->server_name,
                                  .own_name = o->cert_name,
                                  .clock = o->clock,
                                  .time_floor = o->time_floor};

    return tls_new(&options);
}

static struct mqtt_news *tell(struct mqtt *mqtt, enum mqtt_news_kind kind) {
    event_active(mqtt->deliver, 0, 0);
    return mqtt_news_add(&mqtt->news, kind);
}

static void count_line(struct mqtt *mqtt) {
    if (!mqtt->line)
        return;
    mqtt->bare_in += line_bytes_in(mqtt->line);
    mqtt->bare_out += line_bytes_out(mqtt->line);
}

static void free_client(struct mqtt *mqtt) {
    if (mqtt->readable)
        event_free(mqtt->readable);
    if (mqtt->writable)
        event_free(mqtt->writable);
    mqtt->readable = mqtt->writable = NULL;
    if (mqtt->watch >= 0)
        (void)close(mqtt->watch);
    mqtt->watch = -1;
    if (mqtt->client)
        mosquitto_destroy(mqtt->client);
    mqtt->client = NULL;
    mqtt->queued = 0;
    while (mqtt->filter_count)
        free(mqtt->filters[--mqtt->filter_count].filter);
    (void)event_del(mqtt->misc);
}

static void free_session(struct mqtt *mqtt) {
    free_client(mqtt);
    if (mqtt->line)
        line_flush(mqtt->line);
    count_line(mqtt);
    line_free(mqtt->line);
    mqtt->line = NULL;
    mqtt->ended = mqtt->vague = mqtt->held = false;
    mqtt_news_clear(&mqtt->news);
}

static uint32_t draw(void *ctx) {
    uint32_t value;

    (void)ctx;
    ts_random(&value, sizeof value);
    return value;
}

static uint32_t jittered(uint32_t ms) {
    return ms / 2 + draw(NULL) % (ms / 2 + 1);
}

/* Between the brokers of a round the wait stays the shortest. */
static uint32_t next_wait_ms(struct mqtt *mqtt, bool whole_round) {
    uint32_t ms = whole_round ? mqtt->backoff_ms : mqtt->options.backoff_min_ms;

    if (!whole_round)
        return jittered(ms);
    mqtt->backoff_ms = ms > mqtt->options.backoff_max_ms / 2
                           ? mqtt->options.backoff_max_ms
                           : 2 * ms;
    return jittered(ms);
}

static uint32_t spread(const struct mqtt *mqtt) {
    return pace_spread(mqtt->options.spread_ms, draw(NULL));
}

static void wait_for_attempt(struct mqtt *mqtt, uint32_t ms) {
    struct timeval wait = {.tv_sec = ms / 1000,
                           .tv_usec = (suseconds_t)(ms % 1000) * 1000};

    mqtt->state = MQTT_WAITING;
    (void)evtimer_add(mqtt->retry, &wait);
}

static void schedule_retry(struct mqtt *mqtt, bool was_up) {
    uint32_t ms = was_up ? spread(mqtt) : 0;

    if (!mqtt->retry_at_once)
        /* Trouble with our own files is no broker's failure. */
        ms += next_wait_ms(mqtt, !mqtt->dialled ||
                                     brokers_on_failure(&mqtt->brokers));
    mqtt->retry_at_once = false;
    wait_for_attempt(mqtt, ms);
}

static struct mqtt_version_choice *version_of(struct mqtt *mqtt) {
    return &mqtt->versions[mqtt->brokers.at];
}

static bool is_auto(const struct mqtt *mqtt) {
    return mqtt->options.version == MQTT_AUTO;
}

static void note_silence(struct mqtt *mqtt) {
    (void)ts_wrap(&mqtt->reason,
                  "%s: no answer to the MQTT CONNECT; the broker's log tells "
                  "why",
                  mqtt->broker);
    if (is_auto(mqtt))
        mqtt->retry_at_once = mqtt_version_on_silence(version_of(mqtt));
}

static void session_over(struct mqtt *mqtt) {
    struct ts_err reason = mqtt->reason;
    struct ts_mono now = ts_clock_mono(mqtt->options.clock);
    bool was_up = mqtt->state == MQTT_UP;

    if (was_up) {
        mqtt_version_on_end(version_of(mqtt), now.ms - mqtt->up_at.ms);
        if (now.ms - mqtt->up_at.ms >= STEADY_MS) {
            mqtt->backoff_ms = mqtt->options.backoff_min_ms;
            brokers_on_success(&mqtt->brokers);
        }
    } else {
        mqtt->stats.failures++;
    }
    mqtt_refusal_on_end(&mqtt->refusal, was_up);
    free_session(mqtt);
    schedule_retry(mqtt, was_up);
    mqtt->events.on_down(mqtt->events.ctx, &reason);
}

static void fail_session(struct mqtt *mqtt, const struct ts_err *reason) {
    if (!mqtt->ended || mqtt->vague)
        mqtt->reason = *reason;
    mqtt->ended = true;
    mqtt->vague = false;
    event_active(mqtt->deliver, 0, 0);
}

static void on_connect(struct mosquitto *client, void *arg, int rc, int flags,
                       const mosquitto_property *properties) {
    struct mqtt *mqtt = arg;
    uint16_t aliases = 0;

    (void)client;
    (void)flags;
    (void)mosquitto_property_read_int16(
        properties, MQTT_PROP_TOPIC_ALIAS_MAXIMUM, &aliases, false);
    mqtt_aliases_reset(&mqtt->aliases, aliases);
    mqtt->packet_max = 0;
    (void)mosquitto_property_read_int32(
        properties, MQTT_PROP_MAXIMUM_PACKET_SIZE, &mqtt->packet_max, false);
    mqtt_version_on_answer(version_of(mqtt));
    mqtt->answered = true;
    if (!rc) {
        (void)tell(mqtt, MQTT_NEWS_UP);
        return;
    }
    if ((rc == 1 || rc == 0x84) && is_auto(mqtt))
        mqtt->retry_at_once = mqtt_version_on_refusal(version_of(mqtt));
    struct ts_err reason;
    mqtt_words_refusal(&reason, rc);
    fail_session(mqtt, &reason);
}

static void on_message(struct mosquitto *client, void *arg,
                       const struct mosquitto_message *message,
                       const mosquitto_property *properties) {
    struct mqtt_news *news = tell(arg, MQTT_NEWS_MESSAGE);

    (void)client;
    (void)properties;
    news->topic = ts_strdup(message->topic);
    news->len = (size_t)message->payloadlen;
    news->payload = ts_alloc(news->len);
    if (news->len)
        memcpy(news->payload, message->payload, news->len);
    news->retained = message->retain;
}

static void on_publish(struct mosquitto *client, void *arg, int message_id,
                       int reason, const mosquitto_property *properties) {
    struct mqtt_news *news = tell(arg, MQTT_NEWS_PUBLISHED);

    (void)client;
    (void)properties;
    news->message_id = message_id;
    news->reason = reason;
}

static void on_subscribe(struct mosquitto *client, void *arg, int message_id,
                         int count, const int *granted,
                         const mosquitto_property *properties) {
    struct mqtt *mqtt = arg;

    (void)client;
    (void)properties;
    for (size_t i = 0; count == 1 && i < mqtt->filter_count; i++)
        if (mqtt->filters[i].id == message_id && granted[0] >= 0x80) {
            struct mqtt_news *news = tell(mqtt, MQTT_NEWS_REFUSED);
            news->topic = ts_strdup(mqtt->filters[i].filter);
            news->reason = granted[0];
        }
}

static void on_disconnect(struct mosquitto *client, void *arg, int rc,
                          const mosquitto_property *properties) {
    struct mqtt *mqtt = arg;
    struct ts_err reason;

    (void)client;
    (void)properties;
    if (mqtt->ended)
        return;
    mqtt_words_end(&reason, rc);
    fail_session(mqtt, &reason);
    mqtt->vague = mqtt_words_end_is_vague(rc);
}

static void rearm(struct mqtt *mqtt) {
    if (!mqtt->client || !mqtt->writable)
        return;
    if (mosquitto_want_write(mqtt->client)) {
        (void)event_add(mqtt->writable, NULL);
    } else {
        (void)event_del(mqtt->writable);
        mqtt->queued = 0;
    }
}

/* libmosquitto names its own end first; what the line saw says more. */
static void check_rc(struct mqtt *mqtt, int rc) {
    struct ts_err reason;

    if (rc == MOSQ_ERR_SUCCESS) {
        rearm(mqtt);
        return;
    }
    (void)ts_fail(&reason, TS_CLOSED, "the MQTT session ended: %s",
                  mosquitto_strerror(rc));
    if (!mqtt->ended)
        fail_session(mqtt, &reason);
    if (mqtt->readable)
        (void)event_del(mqtt->readable);
    if (mqtt->writable)
        (void)event_del(mqtt->writable);
}

static bool has_more(const struct mqtt *mqtt) {
    int bytes = 0;

    return !mqtt->ended && !ioctl(mqtt->watch, FIONREAD, &bytes) && bytes > 0;
}

/* What came together is handed on together. */
static void read_some(struct mqtt *mqtt, int most) {
    int rc = mosquitto_loop_read(mqtt->client, 1);

    for (int i = 1; rc == MOSQ_ERR_SUCCESS && i < most && has_more(mqtt); i++)
        rc = mosquitto_loop_read(mqtt->client, 1);
    check_rc(mqtt, rc);
}

static void on_readable(evutil_socket_t fd, short what, void *arg) {
    struct mqtt *mqtt = arg;

    (void)fd;
    (void)what;
    read_some(mqtt, MQTT_READ_MAX);
}

static void on_writable(evutil_socket_t fd, short what, void *arg) {
    struct mqtt *mqtt = arg;

    (void)fd;
    (void)what;
    check_rc(mqtt, mosquitto_loop_write(mqtt->client, 1));
}

/* A cluster that chooses a leader refuses as an access list does, and the
 * session stays deaf: only a new one asks again, at the next broker. */
static bool refusal_is_over(struct mqtt *mqtt, struct ts_mono now) {
    struct ts_err reason;

    if (!mqtt_refusal_is_due(&mqtt->refusal, now))
        return false;
    (void)ts_fail(&reason, TS_CLOSED,
                  "the broker refused a subscription; connecting again");
    fail_session(mqtt, &reason);
    return true;
}

static void on_misc(evutil_socket_t fd, short what, void *arg) {
    struct mqtt *mqtt = arg;
    struct ts_mono now = ts_clock_mono(mqtt->options.clock);

    (void)fd;
    (void)what;
    if (mqtt->state == MQTT_CONNECT &&
        now.ms - mqtt->up_at.ms > CONNECT_WAIT_MS) {
        struct ts_err reason;
        (void)ts_fail(&reason, TS_CLOSED,
                      "nothing came in %d s; check that this port is the "
                      "broker's",
                      CONNECT_WAIT_MS / 1000);
        fail_session(mqtt, &reason);
        return;
    }
    if (refusal_is_over(mqtt, now))
        return;
    if (mqtt->held && now.ms - mqtt->held_at.ms >= HELD_READ_MS) {
        mqtt->held_at = now;
        if (has_more(mqtt))
            read_some(mqtt, 1);
    }
    if (mqtt->ended)
        return;
    check_rc(mqtt, mosquitto_loop_misc(mqtt->client));
}

static void hand_on(struct mqtt *mqtt, const struct mqtt_news *news) {
    const struct mqtt_events *events = &mqtt->events;

    if (news->kind == MQTT_NEWS_UP) {
        mqtt->state = MQTT_UP;
        mqtt->up_at = ts_clock_mono(mqtt->options.clock);
        mqtt->stats.connections++;
        mqtt->stats.resumed += mqtt->tls && tls_resumed(mqtt->tls);
        events->on_up(events->ctx);
    } else if (news->kind == MQTT_NEWS_MESSAGE) {
        events->on_message(events->ctx, ts_slice_text(news->topic),
                           ts_slice_of(news->payload, news->len),
                           news->retained);
    } else if (news->kind == MQTT_NEWS_REFUSED) {
        mqtt_refusal_note(&mqtt->refusal, ts_clock_mono(mqtt->options.clock));
        if (events->on_refused)
            events->on_refused(events->ctx, news->topic, news->reason);
    } else {
        events->on_published(events->ctx, news->message_id, news->reason);
    }
}

static void on_deliver(evutil_socket_t fd, short what, void *arg) {
    struct mqtt *mqtt = arg;
    struct mqtt_news *news;

    (void)fd;
    (void)what;
    while ((news = mqtt_news_take(&mqtt->news))) {
        hand_on(mqtt, news);
        mqtt_news_free(news);
    }
    if (mqtt->ended) {
        if (mqtt->state == MQTT_CONNECT && !mqtt->answered)
            note_silence(mqtt);
        session_over(mqtt);
    }
}

static bool speaks_5(struct mqtt *mqtt) {
    return mqtt->options.version == MQTT_5 ||
           (is_auto(mqtt) && !version_of(mqtt)->old);
}

static void make_client(struct mqtt *mqtt) {
    struct mosquitto *client =
        mosquitto_new(mqtt->options.client_id, true, mqtt);

    if (!client)
        abort();
    (void)mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION,
                               speaks_5(mqtt) ? MQTT_PROTOCOL_V5
                                              : MQTT_PROTOCOL_V311);
    (void)mosquitto_max_inflight_messages_set(client, INFLIGHT_MAX);
    mosquitto_connect_v5_callback_set(client, on_connect);
    mosquitto_disconnect_v5_callback_set(client, on_disconnect);
    mosquitto_message_v5_callback_set(client, on_message);
    mosquitto_publish_v5_callback_set(client, on_publish);
    mosquitto_subscribe_v5_callback_set(client, on_subscribe);
    if (mqtt->will_topic)
        (void)mosquitto_will_set(client, mqtt->will_topic, (int)mqtt->will.len,
                                 mqtt->will.data, 1, mqtt->will_retain);
    mqtt->client = client;
}

static int connect_to(void *arg, const char *path) {
    struct mqtt *mqtt = arg;

    return mosquitto_connect(mqtt->client, path, 0,
                             (int)mqtt->options.keepalive_s);
}

static void watch_client(struct mqtt *mqtt) {
    const short persist = EV_PERSIST;
    struct timeval second = {.tv_sec = 1};

    mqtt->watch = dup(mosquitto_socket(mqtt->client));
    mqtt->readable = event_new(mqtt->loop, mqtt->watch, EV_READ | persist,
                               on_readable, mqtt);
    mqtt->writable = event_new(mqtt->loop, mqtt->watch, EV_WRITE | persist,
                               on_writable, mqtt);
    (void)event_add(mqtt->readable, NULL);
    (void)event_add(mqtt->misc, &second);
    rearm(mqtt);
}

static void on_line_ready(void *ctx) {
    struct mqtt *mqtt = ctx;
    struct ts_err err;

    make_client(mqtt);
    mqtt->state = MQTT_CONNECT;
    mqtt->answered = false;
    mqtt->up_at = ts_clock_mono(mqtt->options.clock);
    if (line_attach(mqtt->line, connect_to, mqtt, &err) != TS_OK) {
        fail_session(mqtt, &err);
        return;
    }
    watch_client(mqtt);
}

/* Everything received is in the client's socket: let it read all, so that a
 * DISCONNECT's reason is not lost and its state follows. */
static void on_line_closed(void *ctx, const struct ts_err *reason) {
    struct mqtt *mqtt = ctx;

    for (int turn = 0; mqtt->client && !mqtt->ended && turn < READ_TURNS;
         turn++)
        if (mosquitto_loop_read(mqtt->client, 1) != MOSQ_ERR_SUCCESS)
            break;
    fail_session(mqtt, reason);
}

/* Our own files: what is wrong here needs no broker to be told. */
static enum ts_status check_files(const struct mqtt_options *options,
                                  struct tls *tls, struct ts_err *err) {
    enum ts_status status = options->proxy_file
                                ? proxy_secret_check(options->proxy_file, err)
                                : TS_OK;

    return status == TS_OK && tls ? tls_check_files(tls, err) : status;
}

static void start_attempt(struct mqtt *mqtt) {
    const struct broker_address *broker = brokers_get(&mqtt->brokers);
    struct line_options options = {
        .broker = broker,
        .proxy = mqtt->by_proxy ? &mqtt->proxy : NULL,
        .proxy_file = mqtt->options.proxy_file,
        .first = mqtt->brokers.rounds,
        .resolv_conf = mqtt->options.resolv_conf,
        .tls = mqtt->tls,
        .connect_timeout_ms = mqtt->options.connect_timeout_s * 1000,
        .runtime_dir = mqtt->options.runtime_dir};
    struct line_events events = {mqtt, on_line_ready, on_line_closed};
    struct ts_err err;

    mqtt->state = MQTT_LINE;
    broker_address_text(mqtt->broker, broker);
    mqtt->dialled = check_files(&mqtt->options, mqtt->tls, &err) == TS_OK;
    if (!mqtt->dialled) {
        fail_session(mqtt, &err);
        return;
    }
    if (mqtt->tls && !mqtt->options.server_name)
        tls_set_server_name(mqtt->tls, broker->host);
    mqtt->line = line_open(mqtt->loop, &options, &events);
}

static void on_retry(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    start_attempt(arg);
}

enum ts_status mqtt_check(const struct mqtt_options *options,
                          struct ts_err *err) {
    enum ts_status status = mqtt_options_check(options, err);
    struct tls *tls;

    if (status != TS_OK)
        return status;
    tls = options->tls ? make_tls(options) : NULL;
    status = check_files(options, tls, err);
    tls_free(tls);
    return status;
}

static void set_brokers(struct mqtt *mqtt) {
    mqtt_options_brokers(&mqtt->brokers, &mqtt->options);
    brokers_mix(&mqtt->brokers, draw, NULL);
    broker_address_text(mqtt->broker, brokers_get(&mqtt->brokers));
    mqtt->by_proxy =
        mqtt->options.proxy &&
        proxy_url_parse(&mqtt->proxy, mqtt->options.proxy, NULL) == TS_OK;
}

enum ts_status mqtt_new(struct mqtt **out, struct event_base *loop,
                        const struct mqtt_options *options,
                        const struct mqtt_events *events, struct ts_err *err) {
    struct mqtt *mqtt;

    if (mqtt_options_check(options, err) != TS_OK)
        return TS_INVALID;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)mosquitto_lib_init();
    mqtt = ts_alloc(sizeof *mqtt);
    mqtt->loop = loop;
    mqtt->options = *options;
    mqtt_options_dup_texts(&mqtt->options);
    set_brokers(mqtt);
    mqtt->events = *events;
    mqtt->watch = -1;
    mqtt->backoff_ms = options->backoff_min_ms;
    mqtt_news_init(&mqtt->news);
    ts_buf_init(&mqtt->will, 0);
    mqtt->misc = event_new(loop, -1, EV_PERSIST, on_misc, mqtt);
    mqtt->retry = evtimer_new(loop, on_retry, mqtt);
    mqtt->deliver = evtimer_new(loop, on_deliver, mqtt);
    if (options->tls)
        mqtt->tls = make_tls(&mqtt->options);
    *out = mqtt;
    return TS_OK;
}

void mqtt_free(struct mqtt *mqtt) {
    if (!mqtt)
        return;
    free_session(mqtt);
    tls_free(mqtt->tls);
    event_free(mqtt->misc);
    event_free(mqtt->retry);
    event_free(mqtt->deliver);
    mqtt_aliases_reset(&mqtt->aliases, 0);
    free(mqtt->will_topic);
    ts_buf_fini(&mqtt->will);
    mqtt_options_free_texts(&mqtt->options);
    free(mqtt);
    (void)mosquitto_lib_cleanup();
}

void mqtt_set_will(struct mqtt *mqtt, const char *topic,
                   struct ts_slice payload, bool retain) {
    free(mqtt->will_topic);
    mqtt->will_topic = ts_strdup(topic);
    mqtt->will_retain = retain;
    ts_buf_clear(&mqtt->will);
    if (ts_buf_add(&mqtt->will, payload) != TS_OK)
        abort();
}

void mqtt_start(struct mqtt *mqtt) {
    if (mqtt->state != MQTT_STOPPED)
        return;
    if (mqtt->options.spread_ms)
        wait_for_attempt(mqtt, spread(mqtt));
    else
        start_attempt(mqtt);
}

void mqtt_reset(struct mqtt *mqtt) {
    struct ts_err reason;

    if (mqtt->state == MQTT_STOPPED || mqtt->state == MQTT_WAITING)
        return;
    (void)ts_fail(&reason, TS_CLOSED, "connecting again");
    fail_session(mqtt, &reason);
}

void mqtt_stop(struct mqtt *mqtt) {
    struct ts_err reason;
    bool was_up = mqtt->state == MQTT_UP;

    if (was_up && !mqtt->ended)
        (void)mosquitto_disconnect(mqtt->client);
    mqtt_refusal_on_end(&mqtt->refusal, was_up);
    free_session(mqtt);
    (void)event_del(mqtt->retry);
    (void)event_del(mqtt->deliver);
    mqtt->state = MQTT_STOPPED;
    if (!was_up)
        return;
    (void)ts_fail(&reason, TS_OK, "stopped");
    mqtt->events.on_down(mqtt->events.ctx, &reason);
}

void mqtt_hold(struct mqtt *mqtt, bool held) {
    if (mqtt->held == held || !mqtt_is_up(mqtt))
        return;
    mqtt->held = held;
    mqtt->held_at = ts_clock_mono(mqtt->options.clock);
    if (held)
        (void)event_del(mqtt->readable);
    else
        (void)event_add(mqtt->readable, NULL);
}

bool mqtt_is_up(const struct mqtt *mqtt) {
    return mqtt->state == MQTT_UP && !mqtt->ended;
}

const char *mqtt_broker(const struct mqtt *mqtt) { return mqtt->broker; }

/* Messages of one QoS keep their order, so that a name goes before its alias.
 */
static int publish(struct mqtt *mqtt, const char *topic,
                   struct ts_slice payload, bool retain, int *message_id) {
    mosquitto_property *properties = NULL;
    bool known;
    uint16_t alias = mqtt_aliases_find(&mqtt->aliases, topic, &known);
    int rc = MOSQ_ERR_SUCCESS;

    if (alias)
        rc = mosquitto_property_add_int16(&properties, MQTT_PROP_TOPIC_ALIAS,
                                          alias);
    if (rc == MOSQ_ERR_SUCCESS)
        rc = mosquitto_publish_v5(mqtt->client, message_id,
                                  known ? NULL : topic, (int)payload.len,
                                  payload.data, 1, retain, properties);
    if (rc == MOSQ_ERR_SUCCESS && alias && !known)
        mqtt_aliases_add(&mqtt->aliases, topic);
    mosquitto_property_free_all(&properties);
    return rc;
}

enum ts_status mqtt_publish(struct mqtt *mqtt, const char *topic,
                            struct ts_slice payload, bool retain,
                            int *message_id, struct ts_err *err) {
    int rc;

    if (!mqtt_is_up(mqtt))
        return ts_fail(err, TS_CLOSED, "not connected to the broker");
    if (mqtt->queued && mqtt->queued + payload.len > QUEUE_BYTES)
        return ts_fail(err, TS_FULL, "%zu bytes wait to be written",
                       mqtt->queued);
    rc = publish(mqtt, topic, payload, retain, message_id);
    if (rc == MOSQ_ERR_SUCCESS) {
        mqtt->queued += payload.len;
        rearm(mqtt);
        return TS_OK;
    }
    if (rc == MOSQ_ERR_OVERSIZE_PACKET)
        return ts_fail(err, TS_INVALID,
                       "the broker takes packets of %u bytes at most, and %zu "
                       "are to be sent: raise its limit",
                       mqtt->packet_max, payload.len);
    if (rc == MOSQ_ERR_INVAL)
        return ts_fail(err, TS_INVALID, "topic %s cannot be published", topic);
    check_rc(mqtt, rc);
    return ts_fail(err, TS_CLOSED, "publish: %s", mosquitto_strerror(rc));
}

uint32_t mqtt_packet_max(const struct mqtt *mqtt) { return mqtt->packet_max; }

enum ts_status mqtt_subscribe(struct mqtt *mqtt, const char *filter,
                              struct ts_err *err) {
    int id = 0;
    int rc;

    if (!mqtt_is_up(mqtt))
        return ts_fail(err, TS_CLOSED, "not connected to the broker");
    if (mqtt->filter_count == MQTT_FILTERS_MAX)
        return ts_fail(err, TS_FULL, "more than %d subscriptions",
                       MQTT_FILTERS_MAX);
    rc = mosquitto_subscribe(mqtt->client, &id, filter, 1);
    if (rc == MOSQ_ERR_SUCCESS) {
        mqtt->filters[mqtt->filter_count].id = id;
        mqtt->filters[mqtt->filter_count++].filter = ts_strdup(filter);
        rearm(mqtt);
        return TS_OK;
    }
    if (rc == MOSQ_ERR_INVAL)
        return ts_fail(err, TS_INVALID, "filter %s cannot be subscribed",
                       filter);
    check_rc(mqtt, rc);
    return ts_fail(err, TS_CLOSED, "subscribe: %s", mosquitto_strerror(rc));
}

struct ts_wall mqtt_trust_time(struct mqtt *mqtt, struct ts_wall at) {
    return mqtt->tls ? tls_trust_time(mqtt->tls, at) : at;
}

void mqtt_get_stats(const struct mqtt *mqtt, struct mqtt_stats *out) {
    *out = mqtt->stats;
    out->bytes_in = mqtt->bare_in;
    out->bytes_out = mqtt->bare_out;
    if (mqtt->line) {
        out->bytes_in += line_bytes_in(mqtt->line);
        out->bytes_out += line_bytes_out(mqtt->line);
    }
    if (mqtt->tls) {
        out->bytes_in += tls_bytes_in(mqtt->tls);
        out->bytes_out += tls_bytes_out(mqtt->tls);
    }
}
