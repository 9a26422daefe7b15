/* The uplink over a real broker, against a hub played by the test. */
#include "sync/uplink.h"

#include "cmocka_all.h"
#include "sync/topic.h"
#include "tests/support/broker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 3000, PATIENCE_S = 60 };
static const char journal_a[] = "aaaaaaaaaaaaaaaa";
static const char journal_b[] = "bbbbbbbbbbbbbbbb";

/* The terminal: two journals in memory. */
struct store {
    struct uplink **asker; /* pulls when a session begins; or NULL */
    uint64_t newest[2], through[2];
    size_t row_bytes; /* at least */
    unsigned sessions, lines_up, lines_down, times, desks, bells;
    uint64_t session;
    char line_text[TS_ERR_TEXT];
    int64_t error_ms;
    struct ts_wall hubtime;
};

/* The hub: what it got, and how it answers. */
struct hub {
    struct mqtt *mqtt;
    struct batch_codec *codec;
    unsigned ups, batches, resumes, pulls, states, plain, refuse_dictionary;
    uint64_t through[2];
    bool silent;
    struct message_state state;
    bool state_retained;
};

struct world {
    struct event_base *loop;
    char *folder;
    struct broker *broker;
    struct store store;
    struct hub hub;
    struct uplink *uplink;
    char root[TOPIC_ROOT_TEXT];
    unsigned shard;
};

static unsigned which(const char *journal) { return journal[0] == 'b'; }

static enum ts_status spans(void *ctx, struct uplink_span *out, size_t max,
                            size_t *count, struct ts_err *err) {
    const struct store *store = ctx;

    (void)err;
    *count = 0;
    for (unsigned i = 0; i < 2 && *count < max; i++) {
        if (!store->newest[i])
            continue;
        memcpy(out[*count].journal, i ? journal_b : journal_a, TS_JOURNAL_TEXT);
        out[*count].oldest = 1;
        out[*count].newest = store->newest[i];
        out[*count].through = store->through[i];
        (*count)++;
    }
    return TS_OK;
}

/* With what no compression makes smaller. */
static void fill_row(char text[8192], size_t bytes) {
    size_t len = strlen(text);
    uint32_t draw = 1;

    while (len < bytes) {
        draw = draw * 1664525 + 1013904223;
        text[len++] = (char)('!' + (draw >> 16) % 90);
    }
    text[len] = 0;
}

static enum ts_status
/* The source's shape. NOLINTNEXTLINE(readability-function-size) */
read_rows(void *ctx, const char *journal, uint64_t from, size_t max_rows,
          bool (*row)(void *arg, uint64_t sequence, struct ts_slice payload),
          void *arg, struct ts_err *err) {
    const struct store *store = ctx;
    char text[8192];

    (void)err;
    for (uint64_t at = from;
         at <= store->newest[which(journal)] && at - from < max_rows; at++) {
        (void)snprintf(text, sizeof text,
                       "{\"id\":\"%s-%020llu\",\"sequence\":\"%020llu\","
                       "\"time\":\"2026-11-21T10:00:00.123Z\"}",
                       journal, (unsigned long long)at, (unsigned long long)at);
        fill_row(text, store->row_bytes);
        if (!row(arg, at, ts_slice_text(text)))
            break;
    }
    return TS_OK;
}

static enum ts_status release(void *ctx, const char *journal, uint64_t through,
                              struct ts_err *err) {
    struct store *store = ctx;

    (void)err;
    store->through[which(journal)] = through;
    return TS_OK;
}

static void on_session(void *ctx, uint64_t session) {
    struct message_pull pull = {.limit = 10};
    struct store *store = ctx;

    store->sessions++;
    store->session = session;
    if (store->asker)
        uplink_pull(*store->asker, &pull);
}

static void on_line(void *ctx, bool up, const char *text) {
    struct store *store = ctx;

    *(up ? &store->lines_up : &store->lines_down) += 1;
    (void)snprintf(store->line_text, sizeof store->line_text, "%s", text);
}

static void on_hub_time(void *ctx, struct ts_wall hubtime, struct ts_mono at,
                        int64_t error_ms) {
    struct store *store = ctx;

    (void)at;
    store->times++;
    store->hubtime = hubtime;
    store->error_ms = error_ms;
}

static void on_desk(void *ctx, const struct message_desk *desk) {
    (void)desk;
    ((struct store *)ctx)->desks++;
}

static void on_bell(void *ctx, const struct message_bell *bell) {
    (void)bell;
    ((struct store *)ctx)->bells++;
}

static void hub_publish(struct world *world, enum topic_leaf leaf,
                        const char *name, struct ts_slice payload,
                        bool retain) {
    char topic[TOPIC_TEXT];
    int id;

    topic_text(topic, world->root, world->shard, name, leaf);
    assert_int_equal(
        mqtt_publish(world->hub.mqtt, topic, payload, retain, &id, NULL),
        TS_OK);
}

static void hub_answer(struct world *world, const char *journal,
                       enum batch_refusal refused, bool retain) {
    struct message_ack ack = {.through = world->hub.through[which(journal)],
                              .window = 8,
                              .hubtime = {1763719200123},
                              .refused = refused};
    struct ts_buf out = {0};

    memcpy(ack.journal, journal, sizeof ack.journal);
    message_ack_encode(&out, &ack);
    hub_publish(world, TOPIC_ACKS, "lane-1", ts_buf_slice(&out), retain);
    ts_buf_fini(&out);
}

static uint64_t sequence_at(const json_t *events, size_t index) {
    uint64_t sequence = 0;

    assert_int_equal(
        ts_counter_parse(
            &sequence, ts_json_text(json_array_get(events, index), "sequence")),
        TS_OK);
    return sequence;
}

static void hub_takes(struct world *world, struct ts_slice payload) {
    struct hub *hub = &world->hub;
    json_t *events = NULL;
    char journal[TS_JOURNAL_TEXT] = "";
    struct ts_slice id;
    uint64_t first;

    hub->batches++;
    assert_int_equal(batch_decode(hub->codec, payload, &events, NULL),
                     BATCH_TAKEN);
    id = ts_json_text(json_array_get(events, 0), "id");
    memcpy(journal, id.data, TS_JOURNAL_TEXT - 1);
    first = sequence_at(events, 0);
    if (payload.len > 6 && payload.data[0] == 0x28 && (payload.data[4] & 3) &&
        hub->refuse_dictionary) {
        hub_answer(world, journal, BATCH_REFUSED_DICTIONARY, false);
        json_decref(events);
        return;
    }
    hub->plain +=
        !(payload.len > 6 && payload.data[0] == 0x28 && (payload.data[4] & 3));
    if (first <= hub->through[which(journal)] + 1)
        hub->through[which(journal)] =
            sequence_at(events, json_array_size(events) - 1);
    json_decref(events);
    hub_answer(world, journal, BATCH_TAKEN, false);
}

static void hub_resumes(struct world *world, struct ts_slice payload) {
    struct message_resume resume;
    json_t *json = NULL;

    world->hub.resumes++;
    assert_int_equal(ts_json_parse(&json, payload, NULL), TS_OK);
    assert_int_equal(message_resume_decode(&resume, json, NULL), TS_OK);
    assert_int_equal(resume.oldest, 1);
    json_decref(json);
    hub_answer(world, resume.journal, BATCH_TAKEN, false);
}

static void hub_state(struct world *world, struct ts_slice payload) {
    json_t *json = NULL;

    assert_int_equal(ts_json_parse(&json, payload, NULL), TS_OK);
    assert_int_equal(message_state_decode(&world->hub.state, json, NULL),
                     TS_OK);
    world->hub.states++;
    json_decref(json);
}

static void hub_message(void *ctx, struct ts_slice name,
                        struct ts_slice payload, bool retained) {
    struct world *world = ctx;
    struct topic topic;

    if (world->hub.silent || topic_parse(&topic, world->root, name) != TS_OK)
        return;
    if (topic.leaf == TOPIC_EVENTS)
        hub_takes(world, payload);
    else if (topic.leaf == TOPIC_RESUME)
        hub_resumes(world, payload);
    else if (topic.leaf == TOPIC_PULL)
        world->hub.pulls++;
    else if (topic.leaf == TOPIC_STATE) {
        world->hub.state_retained = retained;
        hub_state(world, payload);
    }
}

static void hub_up(void *ctx) {
    static const enum topic_leaf leaves[] = {TOPIC_EVENTS, TOPIC_RESUME,
                                             TOPIC_STATE, TOPIC_PULL};
    struct world *world = ctx;
    char filter[TOPIC_TEXT];

    for (size_t i = 0; i < 4; i++) {
        topic_filter(filter, world->root, leaves[i]);
        assert_int_equal(mqtt_subscribe(world->hub.mqtt, filter, NULL), TS_OK);
    }
    world->hub.ups++;
}

static void hub_down(void *ctx, const struct ts_err *reason) {
    (void)ctx;
    (void)reason;
}
static void hub_published(void *ctx, int id, int reason) {
    (void)ctx;
    (void)id;
    assert_int_equal(reason & 0x80, 0);
}

static struct mqtt_options line_options(const struct world *world) {
    return (struct mqtt_options){.host = "127.0.0.1",
                                 .port = broker_port(world->broker),
                                 .client_id = "hub",
                                 .keepalive_s = 60,
                                 .connect_timeout_s = 20,
                                 .backoff_min_ms = 20,
                                 .backoff_max_ms = 200,
                                 .runtime_dir = world->folder,
                                 .clock = ts_clock_system()};
}

static void late(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    *(bool *)arg = true;
}

#define WAIT_FOR(world, condition)                                             \
    do {                                                                       \
        bool too_late = false;                                                 \
        struct event *timer = evtimer_new((world)->loop, late, &too_late);     \
        struct timeval limit = {.tv_sec = PATIENCE_S};                         \
        (void)evtimer_add(timer, &limit);                                      \
        while (!(condition) && !too_late)                                      \
            (void)event_base_loop((world)->loop, EVLOOP_ONCE);                 \
        event_free(timer);                                                     \
        if (too_late)                                                          \
            fail_msg("in vain: %s", #condition);                               \
    } while (0)

static void start_hub(struct world *world) {
    struct mqtt_options options = line_options(world);
    struct mqtt_events events = {world,       hub_up,        hub_down,
                                 hub_message, hub_published, NULL};

    assert_int_equal(
        mqtt_new(&world->hub.mqtt, world->loop, &options, &events, NULL),
        TS_OK);
    mqtt_start(world->hub.mqtt);
    WAIT_FOR(world, world->hub.ups == 1);
}

static void start_uplink(struct world *world) {
    struct uplink_options options = {
        .root = world->root,
        .origin = {"milano-01", "lane-1", "5d1e88c2"},
        .version = "0.1.0",
        .mqtt = line_options(world),
        .max_publish_bytes = 65536,
        .ack_timeout_ms = 1000,
        .max_window = 8,
        .first_session = 41,
        .compress = true};
    struct uplink_source source = {&world->store, spans, read_rows, release};
    struct uplink_events events = {&world->store, on_session, on_line,
                                   on_hub_time,   on_desk,    on_bell,
                                   NULL};
    struct ts_err err;

    if (uplink_new(&world->uplink, world->loop, &options, &source, &events,
                   &err) != TS_OK)
        fail_msg("%s", err.text);
    uplink_start(world->uplink);
}

static int set_up_with(void **state, const char *settings) {
    struct world *world = ts_alloc(sizeof *world);

    world->loop = event_base_new();
    world->folder = test_folder_new("uplink");
    world->broker = broker_start(world->folder, 0, settings);
    (void)snprintf(world->root, sizeof world->root, "tessera");
    world->shard = ts_shard(ts_slice_text("milano-01"));
    world->hub.codec = batch_codec_shipped();
    *state = world;
    return 0;
}

static int set_up(void **state) { return set_up_with(state, ""); }

static int set_up_narrow(void **state) {
    return set_up_with(state, "max_packet_size 1000\n");
}

static int tear_down(void **state) {
    struct world *world = *state;

    uplink_free(world->uplink);
    mqtt_free(world->hub.mqtt);
    batch_codec_free(world->hub.codec);
    broker_stop(world->broker);
    event_base_free(world->loop);
    test_folder_free(world->folder);
    free(world);
    return 0;
}

static bool all_home(const struct world *world) {
    return world->store.through[0] == world->store.newest[0] &&
           world->store.through[1] == world->store.newest[1];
}

static void test_session(void **state) {
    struct world *world = *state;
    struct uplink_status status;

    world->store.newest[0] = ROWS;
    world->store.newest[1] = 7;
    start_hub(world);
    start_uplink(world);
    WAIT_FOR(world, all_home(world) && world->hub.states == 1);
    assert_int_equal(world->hub.resumes, 2);
    assert_int_equal(world->hub.through[0], ROWS);
    assert_int_equal(world->store.session, 42);
    assert_true(world->hub.state.online);
    assert_int_equal(world->hub.state.session, 42);
    assert_int_equal(world->hub.state.unsent, ROWS + 7);
    assert_true(world->hub.state.has_oldest);
    assert_string_equal(world->hub.state.journal, journal_b);
    assert_string_equal(world->hub.state.store, "milano-01");
    assert_int_equal(world->store.lines_up, 1);
    uplink_get_status(world->uplink, &status);
    assert_int_equal(status.events_acked, ROWS + 7);
    assert_int_equal(status.alarms, 0);

    /* A row of this run: its batch was sent once, so the time counts. */
    world->store.newest[1]++;
    uplink_notify(world->uplink);
    WAIT_FOR(world, all_home(world) && world->store.times > 0);
    assert_true(world->store.hubtime.unix_ms == 1763719200123);
}

/* The broker takes less in a packet than a batch may have. */
static void test_small_packets(void **state) {
    struct world *world = *state;
    struct uplink_status status;

    world->store.newest[0] = ROWS;
    start_hub(world);
    start_uplink(world);
    WAIT_FOR(world, all_home(world));
    assert_int_equal(world->hub.through[0], ROWS);
    uplink_get_status(world->uplink, &status);
    assert_string_equal(status.last_error, "");
    assert_true(status.batches_sent > 3);
}

/* One row is more than it takes: said, with what to do. */
static void test_row_above_the_packet(void **state) {
    struct world *world = *state;
    struct uplink_status status = {.up = false};

    world->store.newest[0] = 1;
    world->store.row_bytes = 4000;
    start_hub(world);
    start_uplink(world);
    WAIT_FOR(world, (uplink_get_status(world->uplink, &status),
                     strstr(status.last_error, "raise its limit")));
    assert_non_null(strstr(status.last_error, "packets of 1000 bytes"));
    assert_int_equal(world->store.through[0], 0);
}

static void test_hub_comes_back(void **state) {
    struct world *world = *state;
    struct message_hub hub = {.online = true, .epoch = 1, .window = 8};
    struct ts_buf out = {0};

    world->store.newest[0] = 20;
    start_hub(world);
    start_uplink(world);
    WAIT_FOR(world, world->hub.states == 2 && all_home(world));
    /* Restored from a copy that ends at 5; we hold the acked rows. */
    world->hub.through[0] = 5;
    message_hub_encode(&out, &hub);
    hub_publish(world, TOPIC_HUB, NULL, ts_buf_slice(&out), true);
    WAIT_FOR(world, world->hub.through[0] == 20 && all_home(world));
    assert_int_equal(world->hub.resumes, 2);
    assert_int_equal(world->hub.states, 3);
    assert_int_equal(world->store.lines_up, 2);
    assert_true(world->hub.plain > 0); /* it lists no dictionary */
    ts_buf_fini(&out);
}

static void test_dictionary_refused(void **state) {
    struct world *world = *state;

    world->hub.refuse_dictionary = 1;
    world->store.newest[0] = 100;
    start_hub(world);
    start_uplink(world);
    WAIT_FOR(world, all_home(world));
    assert_true(world->hub.plain > 0);
}

static void test_desk_bell_pull(void **state) {
    struct world *world = *state;
    struct message_pull pull = {.limit = 10};
    struct message_bell bell = {.log = "00112233445566ff", .through = 3};
    json_t *records = json_array();
    struct message_desk desk = {.log = "00112233445566ff",
                                .has_range = true,
                                .from = 0,
                                .to = 3,
                                .records = records};
    struct ts_buf out = {0};

    start_hub(world);
    start_uplink(world);
    WAIT_FOR(world, world->store.lines_up == 1);
    uplink_pull(world->uplink, &pull);
    WAIT_FOR(world, world->hub.pulls == 1);
    message_desk_encode(&out, &desk);
    hub_publish(world, TOPIC_DESK, "lane-1", ts_buf_slice(&out), true);
    hub_publish(world, TOPIC_DESK, "lane-1", ts_buf_slice(&out), false);
    ts_buf_clear(&out);
    message_bell_encode(&out, &bell);
    hub_publish(world, TOPIC_BELL, "milano-01", ts_buf_slice(&out), true);
    WAIT_FOR(world, world->store.bells == 1);
    assert_int_equal(world->store.desks, 2);
    /* Once retained, the broker gives it to the next session as retained. */
    world->store.desks = 0;
    uplink_stop(world->uplink);
    WAIT_FOR(world, world->hub.states == 2);
    uplink_start(world->uplink);
    WAIT_FOR(world, world->store.bells == 2);
    assert_int_equal(world->store.desks, 0);
    ts_buf_fini(&out);
    json_decref(records);
}

static void test_journal_of_the_run(void **state) {
    struct world *world = *state;

    start_hub(world);
    start_uplink(world);
    WAIT_FOR(world, world->hub.states == 1);
    uplink_set_journal(world->uplink, "00000000000000ff");
    uplink_set_journal(world->uplink, "00000000000000ff");
    WAIT_FOR(world, world->hub.states == 2);
    assert_string_equal(world->hub.state.journal, "00000000000000ff");
}

/* An answer must find us listening. */
static void test_asks_behind_its_subscriptions(void **state) {
    struct world *world = *state;
    char *log;
    const char *heard;
    const char *asked;

    start_hub(world);
    world->store.asker = &world->uplink;
    start_uplink(world);
    WAIT_FOR(world, world->hub.pulls == 1);
    log = broker_log(world->broker);
    heard = strstr(log, "lane-1/desk (QoS");
    asked = strstr(log, "lane-1/pull'");
    assert_non_null(heard);
    assert_non_null(asked);
    assert_true(heard < asked);
    free(log);
}

static void test_stop_and_will(void **state) {
    struct world *world = *state;

    world->store.newest[0] = 1;
    start_hub(world);
    start_uplink(world);
    /* One row waits; then none does. */
    WAIT_FOR(world, world->hub.states == 2 && all_home(world));
    assert_true(world->hub.state.online);
    assert_int_equal(world->hub.state.unsent, 0);
    uplink_stop(world->uplink);
    WAIT_FOR(world, world->hub.states == 3);
    assert_false(world->hub.state.online);
    assert_int_equal(world->hub.state.session, 42);
    assert_int_equal(world->store.lines_down, 1);
    uplink_start(world->uplink);
    /* The will may speak too, where the line ended before our farewell. */
    WAIT_FOR(world, world->hub.state.online);
    assert_int_equal(world->hub.state.session, 43);
    uplink_free(world->uplink); /* as a crash: the will speaks */
    world->uplink = NULL;
    WAIT_FOR(world, !world->hub.state.online);
    assert_false(world->hub.state.online);
    assert_int_equal(world->hub.state.session, 43);
}

static void test_broker_killed(void **state) {
    struct world *world = *state;
    uint16_t port = broker_port(world->broker);

    world->store.newest[0] = 500;
    start_hub(world);
    start_uplink(world);
    WAIT_FOR(world, world->hub.batches >= 1);
    broker_kill(world->broker);
    WAIT_FOR(world, world->store.lines_down >= 1);
    world->store.newest[0] = ROWS;
    uplink_notify(world->uplink);
    world->broker = broker_start(world->folder, port, "");
    WAIT_FOR(world, all_home(world));
    assert_int_equal(world->hub.through[0], ROWS);
    assert_true(world->store.session >= 43);
}

static void write_acl(const struct world *world, const char *lines) {
    char path[300];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/acl", world->folder);
    file = fopen(path, "we");
    assert_non_null(file);
    (void)fputs(lines, file);
    (void)fclose(file);
}

/* MQTT 5 tells what the access list denies, until it is mended; nothing is
 * released. */
static void test_denied(void **state) {
    struct world *world = *state;
    struct uplink_status status = {.alarms = 0};
    char settings[300];
    uint16_t port = broker_port(world->broker);

    write_acl(world, "topic readwrite tessera/1/+/+/state\n"
                     "topic readwrite tessera/1/+/+/resume\n");
    (void)snprintf(settings, sizeof settings, "acl_file %s/acl\n",
                   world->folder);
    broker_stop(world->broker);
    world->broker = broker_start(world->folder, port, settings);
    world->store.newest[0] = 3;
    start_uplink(world);
    WAIT_FOR(world, (uplink_get_status(world->uplink, &status), status.alarms));
    assert_non_null(strstr(status.last_error, "denies publishing events"));
    assert_non_null(strstr(status.last_error, "lane-1"));
    assert_string_equal(world->store.line_text, status.last_error);
    assert_int_equal(world->store.through[0], 0);
    write_acl(world, "topic readwrite tessera/#\n");
    broker_reload(world->broker);
    WAIT_FOR(world, strstr(world->store.line_text, "no hub listens"));
    assert_int_equal(world->store.sessions, 1);
    uplink_get_status(world->uplink, &status);
    assert_string_equal(status.last_error, "");
}

static void test_no_hub(void **state) {
    struct world *world = *state;

    world->store.newest[0] = 3;
    start_uplink(world);
    WAIT_FOR(world, strstr(world->store.line_text, "no hub listens"));
    assert_int_equal(world->store.through[0], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_session, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_small_packets, set_up_narrow,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_row_above_the_packet,
                                        set_up_narrow, tear_down),
        cmocka_unit_test_setup_teardown(test_hub_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dictionary_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_desk_bell_pull, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_journal_of_the_run, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_asks_behind_its_subscriptions,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stop_and_will, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_broker_killed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_denied, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_hub, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
