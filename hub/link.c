#include "hub/link.h"

#include "base/log.h"
#include "hub/desk.h"
#include "sync/mqtt.h"

#include <stdlib.h>
#include <string.h>

enum {
    BELL_MS = 1000,       /* looks for desk logs that grew */
    REPEAT_MS = 300000,   /* all bells are rung again */
    SOON_MS = 50,         /* the database is busy */
    LATER_MS = 1000,      /* the database is away */
    GROUP_TRIES = 3,      /* of one that meets another writer */
    INVALID_TRIES = 3,    /* of a message that the database refuses */
    BLAMED_TRIES = 3,     /* of one that fails while others are taken... */
    LOCKED_TRIES = 20,    /* ...and of one that meets another writer */
    OTHERS_PER_BATCH = 4, /* queue room for messages that are no batches */
    /* Over the room: what was read before the line was held. */
    READ_AHEAD = 4096,
    READ_AHEAD_BYTES = 16 << 20, /* MQTT_READ_MAX of the largest publishes */
    GROUP_MAX = 256,             /* messages taken with one commit */
    PAYLOAD_MAX = 1 << 20,       /* bytes of one message that are kept */
};

/* A message waiting for intake. */
struct waiting {
    struct waiting *next;
    struct topic topic;
    bool retained;
    unsigned failures; /* alone */
    unsigned blamed;   /* of these with others taken since the one before */
    uint64_t taken;    /* the link's at the last failure */
    size_t len;
    uint8_t payload[];
};

struct link {
    struct link_options options;
    struct mqtt *mqtt;
    struct event *work;
    struct event *bell;
    struct event *repeat;
    struct waiting *head, **tail;
    unsigned batches, others; /* waiting */
    size_t bytes;             /* of all of them */
    unsigned alone; /* so many are taken one by one: a group with them failed */
    unsigned locked;     /* groups in a row that met another writer */
    enum ts_status last; /* of the last taking */
    uint64_t taken;      /* messages, ever */
    struct desk_bell_cursor rung;
    bool up, denied, leaving;
    bool away; /* the last taking failed */
    bool held; /* the line is not read */
};

void link_declare(struct ts_metrics *metrics) {
    ts_metrics_declare(metrics, "tessera_broker_up", TS_GAUGE,
                       "1 while connected to the broker");
    ts_metrics_declare(metrics, "tessera_waiting_batches", TS_GAUGE,
                       "Batches waiting to be taken");
    ts_metrics_declare(metrics, "tessera_waiting_bytes", TS_GAUGE,
                       "Bytes of all messages waiting to be taken");
    ts_metrics_declare(metrics, "tessera_held_total", TS_COUNTER,
                       "Times the queue was full and the line was not read");
    ts_metrics_declare(metrics, "tessera_messages_total", TS_COUNTER,
                       "Messages from the broker by what became of them");
    ts_metrics_declare(metrics, "tessera_unsubscribed_total", TS_COUNTER,
                       "Subscriptions that the broker refused");
    ts_metrics_declare(metrics, "tessera_unpublished_total", TS_COUNTER,
                       "Answers that could not be published");
}

static void count_message(const struct link *link, const char *outcome) {
    char label[64];

    ts_metrics_label(label, sizeof label, "outcome", outcome);
    ts_metrics_add(link->options.metrics, "tessera_messages_total", label, 1);
}

static void later(struct event *timer, unsigned ms) {
    struct timeval delay = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};

    (void)event_add(timer, &delay);
}

static void publish(struct link *link, const char *topic,
                    struct ts_slice payload, bool retain) {
    struct ts_err err;
    int id;

    /* An answer that is lost here is asked for again. */
    if (mqtt_publish(link->mqtt, topic, payload, retain, &id, &err) != TS_OK)
        ts_metrics_add(link->options.metrics, "tessera_unpublished_total", "",
                       1);
}

static void send_reply(struct link *link, const struct topic *to,
                       struct intake_reply *reply) {
    char topic[TOPIC_TEXT];

    if (reply->any) {
        topic_text(topic, link->options.config->root, to->shard, to->name,
                   reply->leaf);
        publish(link, topic, ts_buf_slice(&reply->payload), false);
    }
    intake_reply_fini(reply);
}

static size_t bytes_of(size_t payload) {
    return sizeof(struct waiting) + payload;
}

static struct waiting *unlink_head(struct link *link) {
    struct waiting *head = link->head;

    link->head = head->next;
    if (!link->head)
        link->tail = &link->head;
    if (link->alone)
        link->alone--;
    return head;
}

static void drop_head(struct link *link) {
    struct waiting *head = unlink_head(link);

    if (head->topic.leaf == TOPIC_EVENTS)
        link->batches--;
    else
        link->others--;
    link->bytes -= bytes_of(head->len);
    free(head);
}

static void append(struct link *link, struct waiting *item) {
    item->next = NULL;
    *link->tail = item;
    link->tail = &item->next;
}

static void hold(struct link *link, bool held) {
    if (held && !link->held)
        ts_metrics_add(link->options.metrics, "tessera_held_total", "", 1);
    link->held = held;
    mqtt_hold(link->mqtt, held);
}

static bool is_over(const struct link *link, size_t batches, size_t bytes) {
    return link->batches > batches ||
           link->others / OTHERS_PER_BATCH > batches || link->bytes > bytes;
}

/* The queue fills faster than it is taken: the rest waits at the broker. While
 * the database is away everything is read, since a session that reads nothing
 * for minutes is lost, and what is beyond the room is let go. */
static void set_hold(struct link *link) {
    const struct hub_config *config = link->options.config;

    if (link->away ||
        !is_over(link, config->max_waiting / 2, config->max_waiting_bytes / 2))
        hold(link, false);
    else if (is_over(link, config->max_waiting - 1,
                     config->max_waiting_bytes - 1))
        hold(link, true);
}

/* Its sender keeps what it says, and offers it again. */
static void leave_out(struct link *link, const struct ts_err *why) {
    const struct topic *topic = &link->head->topic;
    struct ts_err err;

    ts_log(TS_LOG_ERROR, "link", "%s: a message is left out: %s", topic->name,
           why->text);
    count_message(link, "left_out");
    if (intake_leave_out(link->options.intake, topic, why->text, &err) != TS_OK)
        ts_log(TS_LOG_ERROR, "link", "%s: no alarm could be raised: %s",
               topic->name, err.text);
    drop_head(link);
}

/* Whether others were taken since it failed the last time. */
static bool note_failure(const struct link *link, struct waiting *head) {
    bool others = head->failures && link->taken != head->taken;

    head->failures++;
    head->blamed += others;
    head->taken = link->taken;
    return others;
}

/* Behind the others it holds up nobody. While nothing else is taken either, the
 * message is not to blame. Answers in how many milliseconds to go on. */
static unsigned stand_aside(struct link *link, enum ts_status status,
                            const struct ts_err *err) {
    struct waiting *head = link->head;
    bool others = note_failure(link, head);

    if (head->failures == 1 && status != TS_AGAIN)
        ts_log(TS_LOG_ERROR, "link", "taking waits: %s", err->text);
    if ((status == TS_INVALID && head->failures >= INVALID_TRIES) ||
        head->blamed >= (status == TS_AGAIN ? LOCKED_TRIES : BLAMED_TRIES)) {
        leave_out(link, err);
        return 0;
    }
    append(link, unlink_head(link));
    if ((others || status == TS_INVALID) && !link->head->failures)
        return 0;
    return others || status == TS_AGAIN ? SOON_MS : LATER_MS;
}

/* One message may be to blame for what its group meets, unless the database is
 * away. Answers in how many milliseconds to go on. */
static unsigned on_failure(struct link *link, size_t count,
                           enum ts_status status, const struct ts_err *err) {
    if (status == TS_DENIED) {
        link->options.on_lost(link->options.ctx, err);
        return LATER_MS;
    }
    if (status == TS_CLOSED) {
        if (link->last != TS_CLOSED)
            ts_log(TS_LOG_ERROR, "link", "taking waits: %s", err->text);
        return LATER_MS;
    }
    if (count == 1)
        return stand_aside(link, status, err);
    if (status == TS_AGAIN && ++link->locked < GROUP_TRIES)
        return SOON_MS;
    link->locked = 0;
    link->alone = (unsigned)count;
    return 0;
}

static size_t gather(const struct link *link, struct intake_item *items) {
    const struct waiting *next = link->head;
    size_t most = link->alone || next->failures ? 1 : GROUP_MAX, count = 0;

    for (; next && count < most && !(count && next->failures);
         next = next->next)
        items[count++] = (struct intake_item){
            .topic = &next->topic,
            .payload = ts_slice_of(next->payload, next->len),
            .retained = next->retained};
    return count;
}

static void send_replies(struct link *link, struct intake_item *items,
                         size_t count) {
    link->locked = 0;
    link->taken += count;
    for (size_t i = 0; i < count; i++) {
        send_reply(link, items[i].topic, &items[i].reply);
        count_message(link, "done");
        drop_head(link);
    }
}

/* Answers in how many milliseconds to go on. */
static unsigned take_group(struct link *link) {
    struct intake_item items[GROUP_MAX];
    size_t count = gather(link, items), taken;
    struct ts_err err = {0};
    enum ts_status status =
        intake_group(link->options.intake, items, count, &taken, &err);
    unsigned wait = 0;

    if (status == TS_OK)
        send_replies(link, items, taken);
    else
        wait = on_failure(link, count, status, &err);
    link->last = status;
    return wait;
}

static void show_waiting(const struct link *link) {
    struct ts_metrics *metrics = link->options.metrics;

    ts_metrics_set(metrics, "tessera_waiting_batches", "", link->batches);
    ts_metrics_set(metrics, "tessera_waiting_bytes", "", (double)link->bytes);
}

static void on_work(evutil_socket_t fd, short what, void *ctx) {
    struct link *link = ctx;
    unsigned wait;

    (void)fd;
    (void)what;
    if (!link->head)
        return;
    wait = take_group(link);
    link->away = wait > 0;
    set_hold(link);
    show_waiting(link);
    if (link->head)
        later(link->work, wait);
}

static void enqueue(struct link *link, const struct topic *topic,
                    struct ts_slice payload, bool retained) {
    struct waiting *item = ts_alloc(bytes_of(payload.len));

    *item = (struct waiting){
        .topic = *topic, .retained = retained, .len = payload.len};
    if (payload.len)
        memcpy(item->payload, payload.data, payload.len);
    append(link, item);
    if (topic->leaf == TOPIC_EVENTS)
        link->batches++;
    else
        link->others++;
    link->bytes += bytes_of(payload.len);
    set_hold(link);
    if (link->head == item)
        later(link->work, 0);
}

static bool has_room(const struct link *link, enum topic_leaf leaf,
                     size_t payload) {
    size_t most = link->options.config->max_waiting;
    size_t most_bytes = link->options.config->max_waiting_bytes;

    if (!link->away) {
        most += READ_AHEAD;
        most_bytes += READ_AHEAD_BYTES;
    }
    return (leaf == TOPIC_EVENTS ? link->batches < most
                                 : link->others < most * OTHERS_PER_BATCH) &&
           link->bytes + bytes_of(payload) <= most_bytes;
}

static void on_message(void *ctx, struct ts_slice text, struct ts_slice payload,
                       bool retained) {
    struct link *link = ctx;
    struct topic topic;

    if (topic_parse(&topic, link->options.config->root, text) != TS_OK) {
        count_message(link, "topic");
    } else if (payload.len > PAYLOAD_MAX) {
        count_message(link, "size");
    } else if (!has_room(link, topic.leaf, payload.len)) {
        /* An answer would cost what taking it costs. The terminal's own timer
         * sends it again, ever slower. */
        count_message(link, "overflow");
    } else {
        enqueue(link, &topic, payload, retained);
    }
}

static void announce(struct link *link, bool online) {
    struct message_hub hub = {.online = online,
                              .epoch = lease_epoch(link->options.lease),
                              .window = link->options.config->window};
    struct ts_buf payload = {0};
    char topic[TOPIC_TEXT];

    hub.dict_count = intake_dictionaries(link->options.intake, hub.dicts);
    message_hub_encode(&payload, &hub);
    for (unsigned shard = 0; shard < TS_SHARDS; shard++) {
        topic_text(topic, link->options.config->root, shard, NULL, TOPIC_HUB);
        publish(link, topic, ts_buf_slice(&payload), true);
    }
    ts_buf_fini(&payload);
}

static bool ring(void *arg, const char *store,
                 const struct message_bell *bell) {
    struct link *link = arg;
    struct ts_buf payload = {0};
    char topic[TOPIC_TEXT];
    struct ts_err err;
    bool rung;
    int id;

    topic_text(topic, link->options.config->root,
               ts_shard(ts_slice_text(store)), store, TOPIC_BELL);
    message_bell_encode(&payload, bell);
    rung = mqtt_publish(link->mqtt, topic, ts_buf_slice(&payload), true, &id,
                        &err) == TS_OK;
    ts_buf_fini(&payload);
    return rung;
}

static void on_bell(evutil_socket_t fd, short what, void *ctx) {
    struct link *link = ctx;
    struct ts_err err;

    (void)fd;
    (void)what;
    if (link->up &&
        desk_bells(link->options.db, &link->rung, ring, link, &err) != TS_OK)
        ts_log(TS_LOG_DEBUG, "link", "bells wait: %s", err.text);
    later(link->bell, BELL_MS);
}

static void on_repeat(evutil_socket_t fd, short what, void *ctx) {
    struct link *link = ctx;

    (void)fd;
    (void)what;
    /* Bells alone: a live `hub` makes every lane resume all its journals. */
    link->rung = (struct desk_bell_cursor){0};
    later(link->repeat, REPEAT_MS);
}

static void set_up(struct link *link, bool up) {
    link->up = up;
    ts_metrics_set(link->options.metrics, "tessera_broker_up", "", up);
}

static void on_up(void *ctx) {
    static const enum topic_leaf leaves[] = {TOPIC_EVENTS, TOPIC_RESUME,
                                             TOPIC_STATE, TOPIC_PULL};
    struct link *link = ctx;
    char filter[TOPIC_TEXT];
    struct ts_err err = {0};

    for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++) {
        topic_filter(filter, link->options.config->root, leaves[i]);
        if (mqtt_subscribe(link->mqtt, filter, &err) != TS_OK) {
            ts_log(TS_LOG_ERROR, "link", "cannot subscribe: %s", err.text);
            mqtt_reset(link->mqtt);
            return;
        }
    }
    ts_log(TS_LOG_INFO, "link", "connected to the broker %s",
           mqtt_broker(link->mqtt));
    link->denied = link->held = false;
    set_up(link, true);
    announce(link, true);
    link->rung = (struct desk_bell_cursor){0};
    later(link->bell, 0);
}

static void on_down(void *ctx, const struct ts_err *reason) {
    struct link *link = ctx;

    if (!link->leaving)
        ts_log(TS_LOG_WARN, "link", "no line to the broker: %s", reason->text);
    set_up(link, false);
}

/* 0x10 only says that nobody listens now; from 0x80 the broker refuses. */
static void on_published(void *ctx, int message_id, int reason) {
    struct link *link = ctx;

    (void)message_id;
    if (reason < 0x80)
        return;
    if (!link->denied)
        ts_log(TS_LOG_ERROR, "link",
               "the broker refuses what the hub publishes (0x%02x): check its "
               "access rules for %s",
               (unsigned)reason, link->options.config->name);
    link->denied = true;
    ts_metrics_add(link->options.metrics, "tessera_unpublished_total", "", 1);
}

static void on_refused(void *ctx, const char *filter, int reason) {
    struct link *link = ctx;

    ts_log(TS_LOG_ERROR, "link",
           "the broker refuses to subscribe %s (0x%02x): nothing comes by it; "
           "check its access rules for %s",
           filter, (unsigned)reason, link->options.config->name);
    ts_metrics_add(link->options.metrics, "tessera_unsubscribed_total", "", 1);
}

enum ts_status link_open(struct link **out, const struct link_options *options,
                         struct ts_err *err) {
    struct link *link = ts_alloc(sizeof *link);
    struct mqtt_events events = {.ctx = link,
                                 .on_up = on_up,
                                 .on_down = on_down,
                                 .on_message = on_message,
                                 .on_published = on_published,
                                 .on_refused = on_refused};
    enum ts_status status;

    memset(link, 0, sizeof *link);
    link->options = *options;
    link->tail = &link->head;
    link->work = event_new(options->loop, -1, 0, on_work, link);
    link->bell = event_new(options->loop, -1, 0, on_bell, link);
    link->repeat = event_new(options->loop, -1, 0, on_repeat, link);
    status = mqtt_new(&link->mqtt, options->loop, &options->config->mqtt,
                      &events, err);
    if (status != TS_OK) {
        link_close(link);
        return status;
    }
    later(link->bell, BELL_MS);
    later(link->repeat, REPEAT_MS);
    mqtt_start(link->mqtt);
    *out = link;
    return TS_OK;
}

void link_leave(struct link *link) {
    link->leaving = true;
    if (link->up)
        announce(link, false);
}

void link_close(struct link *link) {
    if (!link)
        return;
    if (link->mqtt)
        mqtt_stop(link->mqtt);
    mqtt_free(link->mqtt);
    while (link->head)
        drop_head(link);
    event_free(link->work);
    event_free(link->bell);
    event_free(link->repeat);
    free(link);
}

bool link_is_up(const struct link *link) { return link && link->up; }
