#include "sync/mqtt.h"
#include "sync/mqtt_version.h"

#include "cmocka_all.h"
#include "probe.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void publish(struct probe *probe, const char *topic, const char *text,
                    bool retain) {
    int id = 0;

    assert_int_equal(mqtt_publish(probe->mqtt, topic, ts_slice_text(text),
                                  retain, &id, NULL),
                     TS_OK);
    assert_int_not_equal(id, 0);
}

static void round_trip(struct probe *probe) {
    probe_wait(probe, &probe->ups, 1);
    assert_int_equal(mqtt_subscribe(probe->mqtt, "a/b", NULL), TS_OK);
    publish(probe, "a/b", "hello", false);
    probe_wait(probe, &probe->messages, 1);
    assert_string_equal(probe->last_payload, "hello");
    assert_string_equal(probe->last_topic, "a/b");
    assert_false(probe->last_retained);
    probe_wait(probe, &probe->published, 1);
    assert_int_equal(probe->last_reason, 0);
}

static void test_plain(void **state) {
    struct fixture *f = *state;
    struct broker *broker = broker_start(f->folder, 0, "");
    struct mqtt_options options = probe_options(f->folder, broker_port(broker));
    struct probe probe;
    struct mqtt_stats stats;

    probe_open(&probe, f->loop, &options);
    round_trip(&probe);
    mqtt_get_stats(probe.mqtt, &stats);
    assert_int_equal(stats.connections, 1);
    assert_true(stats.bytes_out > 20 && stats.bytes_in > 10);
    probe_close(&probe);
    broker_stop(broker);
}

enum { SPREAD_MS = 1500, CROWD = 20 };

/* Milliseconds from the first to the last of a crowd that comes up. */
static int64_t span_of_ups(struct probe crowd[CROWD], unsigned least) {
    const struct ts_clock *clock = ts_clock_system();
    struct ts_mono first = {0};

    for (unsigned up = 0; up < CROWD;) {
        (void)event_base_loop(crowd[0].loop, EVLOOP_ONCE);
        up = 0;
        for (unsigned i = 0; i < CROWD; i++)
            up += crowd[i].ups >= least;
        if (up && !first.ms)
            first = ts_clock_mono(clock);
    }
    return ts_clock_mono(clock).ms - first.ms;
}

/* What starts at one instant does not connect at one instant, nor what lost
 * its session at one. */
static void test_spread(void **state) {
    struct fixture *f = *state;
    struct broker *broker = broker_start(f->folder, 0, "");
    uint16_t port = broker_port(broker);
    struct mqtt_options options = probe_options(f->folder, port);
    struct probe crowd[CROWD];
    char names[CROWD][16];

    options.spread_ms = SPREAD_MS;
    for (unsigned i = 0; i < CROWD; i++) {
        (void)snprintf(names[i], sizeof names[i], "lane-%u", i);
        options.client_id = names[i];
        probe_open(&crowd[i], f->loop, &options);
    }
    assert_true(span_of_ups(crowd, 1) > SPREAD_MS / 5);
    broker_stop(broker);
    broker = broker_start(f->folder, port, "");
    assert_true(span_of_ups(crowd, 2) > SPREAD_MS / 5);
    for (unsigned i = 0; i < CROWD; i++)
        probe_close(&crowd[i]);
    broker_stop(broker);
}

#define LONG_TOPIC "a/topic/whose/name/is/longer/than/what/it/carries"

/* Bytes that the second of two publishes to one topic takes; both arrive. */
static uint64_t second_publish(struct fixture *f, const char *settings,
                               enum mqtt_version version) {
    struct broker *broker = broker_start(f->folder, 0, settings);
    struct mqtt_options options = probe_options(f->folder, broker_port(broker));
    struct mqtt_stats before;
    struct mqtt_stats after;
    struct probe probe;

    options.version = version;
    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.ups, 1);
    assert_int_equal(mqtt_subscribe(probe.mqtt, "#", NULL), TS_OK);
    for (unsigned i = 1; i <= 6; i++) {
        char other[16];
        (void)snprintf(other, sizeof other, "other/%u", i);
        publish(&probe, i == 1 ? LONG_TOPIC : other, "first", false);
        probe_wait(&probe, &probe.messages, i);
        probe_wait(&probe, &probe.published, i);
        assert_string_equal(probe.last_topic, i == 1 ? LONG_TOPIC : other);
    }
    mqtt_get_stats(probe.mqtt, &before);
    publish(&probe, LONG_TOPIC, "again", false);
    probe_wait(&probe, &probe.messages, 7);
    probe_wait(&probe, &probe.published, 7);
    assert_string_equal(probe.last_topic, LONG_TOPIC);
    assert_string_equal(probe.last_payload, "again");
    mqtt_get_stats(probe.mqtt, &after);
    probe_close(&probe);
    broker_stop(broker);
    return after.bytes_out - before.bytes_out;
}

/* The answer to the message that comes back is among the bytes. */
static void test_topic_goes_once(void **state) {
    struct fixture *f = *state;
    const size_t name = strlen(LONG_TOPIC);

    assert_true(second_publish(f, "", MQTT_5) < name);
    assert_true(second_publish(f, "max_topic_alias 0\n", MQTT_5) > name);
    assert_true(second_publish(f, "", MQTT_3_1_1) > name);
}

static void test_tls_and_resumption(void **state) {
    struct fixture *f = *state;
    struct broker *broker = probe_broker(f, "server", NULL);
    struct mqtt_options options = probe_options(f->folder, broker_port(broker));
    char texts[3][300];
    struct probe probe;
    struct mqtt_stats stats;

    probe_tls(&options, texts, f->certs, "client");
    probe_open(&probe, f->loop, &options);
    round_trip(&probe);
    for (unsigned i = 1; i <= 3; i++) {
        mqtt_reset(probe.mqtt);
        probe_wait(&probe, &probe.downs, i);
        probe_wait(&probe, &probe.ups, i + 1);
        mqtt_get_stats(probe.mqtt, &stats);
        assert_int_equal(stats.resumed, i);
    }
    probe_close(&probe);
    broker_stop(broker);
}

static void test_large_both_ways(void **state) {
    enum { SIZE = 128 * 1024, COUNT = 40 };
    struct fixture *f = *state;
    struct broker *broker = probe_broker(f, "server", NULL);
    struct mqtt_options options = probe_options(f->folder, broker_port(broker));
    char texts[3][300];
    struct probe probe;
    uint8_t *bytes = ts_alloc(SIZE);
    unsigned sent = 0;
    unsigned full = 0;

    probe_tls(&options, texts, f->certs, "client");
    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.ups, 1);
    memset(bytes, 'x', SIZE);
    assert_int_equal(mqtt_subscribe(probe.mqtt, "big", NULL), TS_OK);
    while (sent < COUNT) {
        int id;
        enum ts_status status = mqtt_publish(
            probe.mqtt, "big", ts_slice_of(bytes, SIZE), false, &id, NULL);
        if (status == TS_OK) {
            sent++;
            continue;
        }
        assert_int_equal(status, TS_FULL);
        full++;
        probe_wait(&probe, &probe.published, sent);
    }
    probe_wait(&probe, &probe.messages, COUNT);
    assert_int_equal(probe.largest, SIZE);
    assert_true(full > 0);
    assert_int_equal(probe.downs, 0);
    probe_close(&probe);
    broker_stop(broker);
    free(bytes);
}

static void test_publish_inside_callback(void **state) {
    struct fixture *f = *state;
    struct broker *broker = broker_start(f->folder, 0, "");
    struct mqtt_options options = probe_options(f->folder, broker_port(broker));
    struct probe probe;

    probe_open(&probe, f->loop, &options);
    probe.chain = true;
    probe.wanted = 500;
    probe_wait(&probe, &probe.ups, 1);
    assert_int_equal(mqtt_subscribe(probe.mqtt, "a/b", NULL), TS_OK);
    publish(&probe, "a/b", "first", false);
    probe_wait(&probe, &probe.messages, 500);
    probe_close(&probe);
    broker_stop(broker);
}

static void test_broker_restart(void **state) {
    struct fixture *f = *state;
    char *settings = broker_tls_settings(f->certs, "server", NULL);
    struct broker *broker = broker_start(f->folder, 0, settings);
    uint16_t port = broker_port(broker);
    struct mqtt_options options = probe_options(f->folder, port);
    char texts[3][300];
    struct probe probe;

    probe_tls(&options, texts, f->certs, "client");
    probe_open(&probe, f->loop, &options);
    round_trip(&probe);
    publish(&probe, "a/b", "in flight", false);
    broker_kill(broker);
    probe_wait(&probe, &probe.downs, 1);
    assert_false(mqtt_is_up(probe.mqtt));
    assert_int_equal(
        mqtt_publish(probe.mqtt, "a/b", ts_slice_text("x"), false, NULL, NULL),
        TS_CLOSED);
    probe_wait(&probe, &probe.downs, 3);
    assert_non_null(strstr(probe.down_text, "nothing listens there"));
    broker = broker_start(f->folder, port, settings);
    probe_wait(&probe, &probe.ups, 2);
    publish(&probe, "a/b", "after", false);
    probe_close(&probe);
    broker_stop(broker);
    free(settings);
}

/* A broker that hangs: libmosquitto gives up and closes its own socket. */
static void test_frozen_broker(void **state) {
    struct fixture *f = *state;
    struct broker *broker = probe_broker(f, "server", NULL);
    struct mqtt_options options = probe_options(f->folder, broker_port(broker));
    char texts[3][300];
    struct probe probe;

    probe_tls(&options, texts, f->certs, "client");
    options.keepalive_s = 5;
    options.connect_timeout_s = 2;
    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.ups, 1);
    broker_freeze(broker);
    publish(&probe, "a/b", "nobody reads this", false);
    probe_wait(&probe, &probe.downs, 1);
    assert_non_null(strstr(probe.down_text, "keepalive"));
    probe_wait(&probe, &probe.downs, 2);
    assert_non_null(strstr(probe.down_text, "no answer in the TLS handshake"));
    broker_thaw(broker);
    probe_wait(&probe, &probe.ups, 2);
    probe_close(&probe);
    broker_stop(broker);
}

/* The will is sent when the line is cut, not after mqtt_stop. */
static void test_will(void **state) {
    struct fixture *f = *state;
    struct broker *broker = broker_start(f->folder, 0, "");
    struct mqtt_options options = probe_options(f->folder, broker_port(broker));
    struct probe watcher;
    struct probe dying;

    options.client_id = "watcher";
    probe_open(&watcher, f->loop, &options);
    probe_wait(&watcher, &watcher.ups, 1);
    assert_int_equal(mqtt_subscribe(watcher.mqtt, "gone", NULL), TS_OK);
    options.client_id = "dying";
    probe_open(&dying, f->loop, &options);
    mqtt_set_will(dying.mqtt, "gone", ts_slice_text("will"), true);
    probe_wait(&dying, &dying.ups, 1);
    mqtt_stop(dying.mqtt);
    assert_int_equal(dying.downs, 1);
    mqtt_start(dying.mqtt);
    probe_wait(&dying, &dying.ups, 2);
    assert_int_equal(watcher.messages, 0);
    probe_close(&dying);
    probe_wait(&watcher, &watcher.messages, 1);
    assert_string_equal(watcher.last_payload, "will");
    probe_close(&watcher);
    broker_stop(broker);
}

static char *write_acl(const struct fixture *f) {
    char path[300];
    struct ts_buf settings = {0};
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/acl", f->folder);
    file = fopen(path, "we");
    assert_non_null(file);
    (void)fputs("topic readwrite allowed\n", file);
    (void)fclose(file);
    assert_int_equal(ts_buf_printf(&settings, "acl_file %s\n", path), TS_OK);
    (void)ts_buf_text(&settings);
    return (char *)settings.data;
}

static void test_denied_publish(void **state) {
    struct fixture *f = *state;
    char *settings = write_acl(f);
    struct broker *broker = broker_start(f->folder, 0, settings);
    struct mqtt_options options = probe_options(f->folder, broker_port(broker));
    struct probe probe;

    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.ups, 1);
    publish(&probe, "forbidden", "x", false);
    probe_wait(&probe, &probe.published, 1);
    assert_int_equal(probe.last_reason, 0x87);
    publish(&probe, "allowed", "x", false);
    probe_wait(&probe, &probe.published, 2);
    assert_int_equal(probe.last_reason, 0x10);
    probe_close(&probe);
    options.version = MQTT_3_1_1;
    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.ups, 1);
    publish(&probe, "forbidden", "x", false);
    probe_wait(&probe, &probe.published, 1);
    assert_int_equal(probe.last_reason, 0);
    probe_close(&probe);
    broker_stop(broker);
    free(settings);
}

/* A broker of four bytes: answers each CONNECT by its protocol level. */
struct tiny {
    struct event *accept;
    int listener;
    uint16_t port;
    uint8_t v5_code, v4_code; /* CONNACK return codes, 3.1.1 form */
    bool silent_5;            /* closes instead of refusing version 5 */
    uint8_t suback;           /* its code */
    unsigned connects[6];
};

struct tiny_peer {
    struct tiny *tiny;
    struct event *read;
};

static void tiny_read(evutil_socket_t fd, short what, void *arg) {
    struct tiny_peer *peer = arg;
    uint8_t bytes[512];
    ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    uint8_t level = got > 8 && bytes[0] == 0x10 ? bytes[8] : 0;

    (void)what;
    if (level == 4 || (level == 5 && !peer->tiny->silent_5)) {
        uint8_t code = level == 5 ? peer->tiny->v5_code : peer->tiny->v4_code;
        uint8_t answer[4] = {0x20, 2, 0, code};
        peer->tiny->connects[level]++;
        (void)!send(fd, answer, sizeof answer, MSG_NOSIGNAL);
        if (!code)
            return;
    } else if (level == 5) {
        peer->tiny->connects[level]++;
    } else if (got > 4 && bytes[0] == 0x82) {
        uint8_t answer[5] = {0x90, 3, bytes[2], bytes[3], peer->tiny->suback};
        (void)!send(fd, answer, sizeof answer, MSG_NOSIGNAL);
        return;
    } else if (got > 0) {
        return;
    }
    event_free(peer->read);
    (void)close(fd);
    free(peer);
}

static void tiny_accept(evutil_socket_t fd, short what, void *arg) {
    struct tiny_peer *peer = ts_alloc(sizeof *peer);
    struct tiny *tiny = arg;

    (void)what;
    peer->tiny = tiny;
    fd = accept(fd, NULL, NULL);
    peer->read = event_new(event_get_base(tiny->accept), fd,
                           EV_READ | EV_PERSIST, tiny_read, peer);
    (void)event_add(peer->read, NULL);
}

static void tiny_start(struct tiny *tiny, struct event_base *loop) {
    struct sockaddr_in at = {.sin_family = AF_INET};

    tiny->port = test_port_free();
    at.sin_port = htons(tiny->port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    tiny->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(setsockopt(tiny->listener, SOL_SOCKET, SO_REUSEADDR,
                                &(int){1}, sizeof(int)),
                     0);
    assert_int_equal(bind(tiny->listener, (struct sockaddr *)&at, sizeof at),
                     0);
    assert_int_equal(listen(tiny->listener, 8), 0);
    tiny->accept = event_new(loop, tiny->listener, EV_READ | EV_PERSIST,
                             tiny_accept, tiny);
    (void)event_add(tiny->accept, NULL);
}

static void tiny_stop(struct tiny *tiny, struct event_base *loop) {
    event_free(tiny->accept);
    (void)close(tiny->listener);
    /* Its peers see the end of the client. */
    for (int i = 0; i < 50; i++)
        (void)event_base_loop(loop, EVLOOP_NONBLOCK);
}

static void test_fallback(void **state) {
    struct fixture *f = *state;

    for (int silent = 0; silent < 2; silent++) {
        struct tiny tiny = {.v5_code = 1, .silent_5 = silent};
        struct probe probe;
        tiny_start(&tiny, f->loop);
        struct mqtt_options options = probe_options(f->folder, tiny.port);
        probe_open(&probe, f->loop, &options);
        probe_wait(&probe, &probe.ups, 1);
        assert_int_equal(tiny.connects[5], silent ? 2 : 1);
        assert_int_equal(tiny.connects[4], 1);
        probe_close(&probe);
        tiny_stop(&tiny, f->loop);
    }
}

static int64_t shift_ms;

static struct ts_mono mono_shifted(void *ctx) {
    struct ts_mono now = ts_clock_mono(ts_clock_system());

    (void)ctx;
    now.ms += shift_ms;
    return now;
}

static bool has_version(const struct broker *broker, const char *words) {
    char *log = broker_log(broker);
    bool found = strstr(log, words);

    free(log);
    return found;
}

/* Of two brokers one is old: the other is spoken to with 5. */
static void test_version_is_of_the_broker(void **state) {
    struct fixture *f = *state;
    struct tiny tiny = {.v5_code = 1};
    struct mqtt_options options = probe_options(f->folder, 1);
    uint16_t port = test_port_free();
    char texts[2][64];
    struct broker *broker;
    struct probe probe;

    tiny_start(&tiny, f->loop);
    (void)snprintf(texts[0], sizeof texts[0], "127.0.0.1:%u", tiny.port);
    (void)snprintf(texts[1], sizeof texts[1], "127.0.0.1:%u", port);
    options.hosts[0] = texts[0];
    options.hosts[1] = texts[1];
    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.ups, 1);
    assert_int_equal(tiny.connects[4], 1);
    broker = broker_start(f->folder, port, "");
    tiny_stop(&tiny, f->loop);
    mqtt_reset(probe.mqtt);
    probe_wait(&probe, &probe.ups, 2);
    assert_true(has_version(broker, "(p5, "));
    assert_false(has_version(broker, "(p2, "));
    probe_close(&probe);
    broker_stop(broker);
}

/* The old broker is asked again behind a long session only, and without a
 * wait; the one that takes its place is spoken to with 5. */
static void test_version_is_tried_again(void **state) {
    struct fixture *f = *state;
    struct ts_clock clock = *ts_clock_system();
    struct mqtt_options options;
    struct tiny tiny = {.silent_5 = true};
    struct broker *broker;
    struct probe probe;

    clock.mono = mono_shifted;
    shift_ms = 0;
    tiny_start(&tiny, f->loop);
    options = probe_options(f->folder, tiny.port);
    options.clock = &clock;
    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.ups, 1);
    assert_int_equal(tiny.connects[5], 2);
    mqtt_reset(probe.mqtt);
    probe_wait(&probe, &probe.ups, 2);
    assert_int_equal(tiny.connects[5], 2);
    for (unsigned ups = 3; ups < 5; ups++) {
        shift_ms += MQTT_VERSION_AGAIN_MS;
        mqtt_reset(probe.mqtt);
        probe_wait(&probe, &probe.ups, ups);
        assert_int_equal(tiny.connects[5], ups);
        assert_int_equal(tiny.connects[4], ups);
    }
    tiny_stop(&tiny, f->loop);
    shift_ms += MQTT_VERSION_AGAIN_MS;
    mqtt_reset(probe.mqtt);
    probe_wait(&probe, &probe.downs, probe.downs + 2);
    broker = broker_start(f->folder, tiny.port, "");
    probe_wait(&probe, &probe.ups, 5);
    assert_true(has_version(broker, "(p5, "));
    assert_false(has_version(broker, "(p2, "));
    probe_close(&probe);
    broker_stop(broker);
}

static void test_connack_texts(void **state) {
    static const struct {
        uint8_t code;
        const char *text;
    } cases[] = {{2, "does not accept our client id"},
                 {3, "not available now"},
                 {4, "does not accept our user name"},
                 {5, "does not authorise this client"}};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tiny tiny = {.v4_code = cases[i].code};
        struct probe probe;
        tiny_start(&tiny, f->loop);
        struct mqtt_options options = probe_options(f->folder, tiny.port);
        options.version = MQTT_3_1_1;
        probe_open(&probe, f->loop, &options);
        probe_wait(&probe, &probe.downs, 2);
        assert_int_equal(probe.ups, 0);
        assert_non_null(strstr(probe.down_text, cases[i].text));
        probe_close(&probe);
        tiny_stop(&tiny, f->loop);
    }
}

static void test_refused_subscription(void **state) {
    struct fixture *f = *state;
    struct tiny tiny = {.suback = 0x80};
    struct probe probe;

    tiny_start(&tiny, f->loop);
    struct mqtt_options options = probe_options(f->folder, tiny.port);
    options.version = MQTT_3_1_1;
    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.ups, 1);
    assert_int_equal(mqtt_subscribe(probe.mqtt, "a/acks", NULL), TS_OK);
    probe_wait(&probe, &probe.refused, 1);
    assert_string_equal(probe.last_topic, "a/acks");
    assert_int_equal(probe.last_reason, 0x80);
    tiny.suback = 1;
    assert_int_equal(mqtt_subscribe(probe.mqtt, "a/desk", NULL), TS_OK);
    tiny.suback = 0x80;
    assert_int_equal(mqtt_subscribe(probe.mqtt, "a/bell", NULL), TS_OK);
    probe_wait(&probe, &probe.refused, 2);
    assert_int_equal(probe.downs, 0);
    /* A server in trouble refuses too: it is asked again. */
    probe_wait(&probe, &probe.downs, 1);
    assert_non_null(strstr(probe.down_text, "refused a subscription"));
    probe_wait(&probe, &probe.ups, 2);
    probe_close(&probe);
    tiny_stop(&tiny, f->loop);
}

/* Two brokers of three are there; the one in use is killed, then comes back
 * while the other goes. */
static void test_several_brokers(void **state) {
    struct fixture *f = *state;
    struct broker *broker[2];
    struct mqtt_options options = probe_options(f->folder, 1);
    char texts[3][64];
    struct probe probe;

    for (size_t i = 0; i < 3; i++) {
        if (i < 2)
            broker[i] = broker_start(f->folder, 0, "");
        (void)snprintf(texts[i], sizeof texts[i], "127.0.0.1:%u",
                       i < 2 ? broker_port(broker[i]) : test_port_free());
        options.hosts[i] = texts[i];
    }
    options.host = "";
    probe_open(&probe, f->loop, &options);
    for (unsigned round = 1; round <= 3; round++) {
        char name[BROKER_TEXT];
        size_t used;

        probe_wait(&probe, &probe.ups, round);
        (void)snprintf(name, sizeof name, "127.0.0.1 port %u",
                       broker_port(broker[0]));
        used = strcmp(mqtt_broker(probe.mqtt), name) ? 1 : 0;
        (void)snprintf(name, sizeof name, "127.0.0.1 port %u",
                       broker_port(broker[used]));
        assert_string_equal(mqtt_broker(probe.mqtt), name);
        uint16_t port = broker_port(broker[used]);
        broker_kill(broker[used]);
        probe_wait(&probe, &probe.ups, round + 1);
        assert_string_not_equal(mqtt_broker(probe.mqtt), name);
        broker[used] = broker_start(f->folder, port, "");
    }
    probe_close(&probe);
    broker_stop(broker[0]);
    broker_stop(broker[1]);
}

/* All are away: each is tried before the wait grows. */
static void test_whole_rounds(void **state) {
    struct fixture *f = *state;
    struct mqtt_options options = probe_options(f->folder, 1);
    char texts[3][64];
    unsigned seen[3] = {0};
    struct probe probe;

    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "127.0.0.1:%u",
                       test_port_free());
        options.hosts[i] = texts[i];
    }
    probe_open(&probe, f->loop, &options);
    for (unsigned downs = 1; downs <= 9; downs++) {
        probe_wait(&probe, &probe.downs, downs);
        for (size_t i = 0; i < 3; i++)
            seen[i] += strstr(probe.down_text, strchr(texts[i], ':') + 1) &&
                       strstr(probe.down_text, "127.0.0.1 port ");
    }
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(seen[i], 3);
    probe_close(&probe);
}

static void test_no_such_host(void **state) {
    struct fixture *f = *state;
    struct mqtt_options options = probe_options(f->folder, 1883);
    struct probe probe;

    options.host = "no-such-host.invalid";
    options.connect_timeout_s = 2;
    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.downs, 1);
    assert_non_null(strstr(probe.down_text, "no-such-host.invalid"));
    assert_non_null(strstr(probe.down_text, "DNS"));
    probe_close(&probe);
}

static void test_long_runtime_dir(void **state) {
    struct fixture *f = *state;
    struct broker *broker = broker_start(f->folder, 0, "");
    struct mqtt_options options = probe_options(f->folder, broker_port(broker));
    char path[512];
    struct probe probe;

    (void)snprintf(path, sizeof path, "%s/%0150d", f->folder, 7);
    options.runtime_dir = path;
    probe_open(&probe, f->loop, &options);
    round_trip(&probe);
    probe_close(&probe);
    assert_int_equal(rmdir(path), 0); /* nothing is left behind */
    broker_stop(broker);
}

static void test_open_runtime_dir(void **state) {
    struct fixture *f = *state;
    struct broker *broker = broker_start(f->folder, 0, "");
    struct mqtt_options options = probe_options(f->folder, broker_port(broker));
    char path[512];
    struct probe probe;

    (void)snprintf(path, sizeof path, "%s/open", f->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, 0755), 0);
    options.runtime_dir = path;
    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.downs, 2);
    assert_int_equal(probe.ups, 0);
    assert_non_null(strstr(probe.down_text, "mode 0700"));
    probe_close(&probe);
    broker_stop(broker);
}

static void test_wrong_options(void **state) {
    struct fixture *f = *state;
    struct mqtt_options good = probe_options(f->folder, 1883);
    struct mqtt_events events = {0};
    struct ts_err err;
    struct mqtt *mqtt = NULL;

    for (int i = 0; i < 12; i++) {
        struct mqtt_options o = good;
        if (i == 0)
            o.host = "";
        else if (i == 1)
            o.port = 0;
        else if (i == 2)
            o.client_id = NULL;
        else if (i == 3)
            o.keepalive_s = 1;
        else if (i == 4)
            o.backoff_max_ms = 1;
        else if (i == 5)
            o.tls = true;
        else if (i == 6)
            o.connect_timeout_s = 0;
        else if (i == 7)
            o.host = "two words";
        else if (i == 8)
            o.hosts[0] = "mq.example.com:0";
        else if (i == 9)
            o.proxy = "proxy.example.com:3128";
        else if (i == 10)
            o.proxy = "http://user:secret@proxy.example.com:3128";
        else
            o.proxy_file = "/nowhere";
        err.text[0] = 0;
        assert_int_equal(mqtt_new(&mqtt, f->loop, &o, &events, &err),
                         TS_INVALID);
        assert_true(strlen(err.text) > 10);
        assert_null(strstr(err.text, "secret"));
        assert_null(mqtt);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_topic_goes_once),
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_tls_and_resumption),
        cmocka_unit_test(test_large_both_ways),
        cmocka_unit_test(test_publish_inside_callback),
        cmocka_unit_test(test_broker_restart),
        cmocka_unit_test(test_frozen_broker),
        cmocka_unit_test(test_will),
        cmocka_unit_test(test_denied_publish),
        cmocka_unit_test(test_fallback),
        cmocka_unit_test(test_version_is_of_the_broker),
        cmocka_unit_test(test_version_is_tried_again),
        cmocka_unit_test(test_connack_texts),
        cmocka_unit_test(test_refused_subscription),
        cmocka_unit_test(test_several_brokers),
        cmocka_unit_test(test_whole_rounds),
        cmocka_unit_test(test_no_such_host),
        cmocka_unit_test(test_long_runtime_dir),
        cmocka_unit_test(test_open_runtime_dir),
        cmocka_unit_test(test_wrong_options),
    };

    return cmocka_run_group_tests(tests, probe_set_up, probe_tear_down);
}
