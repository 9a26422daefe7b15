/* Each wrong certificate, file and peer has its own message, and nothing is
 * published. The broker is real. */
#include "sync/mqtt.h"
#include "sync/tls.h"

#include "cmocka_all.h"
#include "probe.h"

#include <arpa/inet.h>
#include <event2/util.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct wrong {
    const char *server, *client;
    const char *ca; /* NULL: ca.crt */
    bool crl;       /* the client checks it */
    const char *text, *also;
};

static const struct wrong wrongs[] = {
    {"server-expired", "client", NULL, false, "expired on 2021-02-03T04:05:06Z",
     "renew"},
    {"server-future", "client", NULL, false,
     "not valid before 2048-02-03T04:05:06Z", "clock"},
    {"server-rogue", "client", NULL, false, "is not signed by the CA in",
     "/ca.crt"},
    {"server", "client", "rogue-ca.crt", false, "is not signed by the CA in",
     "/rogue-ca.crt"},
    {"server-other", "client", NULL, false,
     "wanted localhost, but it is for broker.example", "server_name"},
    {"server-revoked", "client", NULL, true, "is revoked by the list in",
     "/crl.pem"},
    {"server", "client-revoked", NULL, false,
     "says that our certificate is revoked", "enroll"},
    {"server", "client-expired", NULL, false,
     "says that our certificate is expired", "renew"},
    {"server", "client-rogue", NULL, false,
     "does not know the CA of our certificate", "signed by the CA"},
};

static void check_wrong(const struct fixture *f, const struct wrong *wrong) {
    struct broker *broker = probe_broker(f, wrong->server, "crl.pem");
    struct mqtt_options options = probe_options(f->folder, broker_port(broker));
    char texts[3][300];
    char crl[300];
    struct probe probe;
    char *log;

    probe_tls(&options, texts, f->certs, wrong->client);
    if (wrong->ca)
        (void)snprintf(texts[0], sizeof texts[0], "%s/%s", f->certs, wrong->ca);
    (void)snprintf(crl, sizeof crl, "%s/crl.pem", f->certs);
    options.crl_file = wrong->crl ? crl : NULL;
    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.downs, 3);
    if (!strstr(probe.down_text, wrong->text) ||
        !strstr(probe.down_text, wrong->also))
        fail_msg("%s, %s: %s", wrong->server, wrong->client, probe.down_text);
    assert_int_equal(probe.down_status, TS_DENIED);
    assert_int_equal(probe.ups, 0);
    probe_close(&probe);
    log = broker_log(broker);
    assert_null(strstr(log, "CONNECT"));
    assert_null(strstr(log, "PUBLISH"));
    free(log);
    broker_stop(broker);
}

static void test_wrong_certificates(void **state) {
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++)
        check_wrong(*state, &wrongs[i]);
}

static void copy_file(const char *folder, const char *from, const char *to) {
    struct ts_buf bytes;
    char path[300];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", folder, from);
    ts_buf_init(&bytes, 0);
    assert_int_equal(ts_file_read(&bytes, path, 65536, NULL), TS_OK);
    (void)snprintf(path, sizeof path, "%s/%s", folder, to);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.data, 1, bytes.len, file), bytes.len);
    (void)fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
    ts_buf_fini(&bytes);
}

/* Told by the check, and at each connection. */
static void check_files(const struct fixture *f, struct mqtt_options options,
                        const char *text, const char *also) {
    struct ts_err err = {0};
    struct probe probe;

    assert_int_not_equal(mqtt_check(&options, &err), TS_OK);
    if (!strstr(err.text, text) || !strstr(err.text, also))
        fail_msg("wanted \"%s\" and \"%s\": %s", text, also, err.text);
    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.downs, 2);
    assert_string_equal(probe.down_text, err.text);
    assert_int_equal(probe.down_status, err.status);
    probe_close(&probe);
}

static void test_files(void **state) {
    struct fixture *f = *state;
    struct mqtt_options good = probe_options(f->folder, 8883);
    struct mqtt_options o;
    char texts[3][300];
    char other[300];
    char empty[300];
    FILE *file;

    probe_tls(&good, texts, f->certs, "client");
    (void)snprintf(other, sizeof other, "%s/client-2.key", f->certs);
    (void)snprintf(empty, sizeof empty, "%s/empty", f->folder);
    file = fopen(empty, "we");
    assert_non_null(file);
    (void)fclose(file);
    o = good;
    o.ca_file = "/nowhere/ca.crt";
    check_files(f, o, "CA certificate (ca_file)", "/nowhere/ca.crt");
    o = good;
    o.cert_file = "/nowhere/own.crt";
    check_files(f, o, "own certificate (cert_file)", "/nowhere/own.crt");
    o = good;
    o.key_file = "/nowhere/own.key";
    check_files(f, o, "private key (key_file)", "/nowhere/own.key");
    o = good;
    o.crl_file = "/nowhere/crl.pem";
    check_files(f, o, "revocation list (crl_file)", "/nowhere/crl.pem");
    o = good;
    o.key_file = other;
    check_files(f, o, "does not belong to certificate", other);
    o = good;
    o.cert_file = empty;
    check_files(f, o, "is empty", empty);
    o = good;
    o.ca_file = good.key_file;
    check_files(f, o, "no PEM certificate", good.key_file);
    o = good;
    o.key_file = texts[0];
    check_files(f, o, "others than its owner may read", "chmod 600");
    copy_file(f->certs, "client.crt", "text.key");
    (void)snprintf(other, sizeof other, "%s/text.key", f->certs);
    o.key_file = other;
    check_files(f, o, "no PEM private key", other);
    o = good;
    o.cert_name = "lane-2";
    check_files(f, o, "is the certificate of lane-1, this terminal is lane-2",
                good.cert_file);
    o.cert_name = "lane-1";
    assert_int_equal(mqtt_check(&o, NULL), TS_OK);
    o.cert_name = "lane-11";
    assert_int_equal(mqtt_check(&o, NULL), TS_DENIED);
}

/* What is installed later is found by the next attempt: first nothing, then
 * another machine's pair, then ours. */
static void test_files_mended(void **state) {
    struct fixture *f = *state;
    struct broker *broker = probe_broker(f, "server", NULL);
    struct mqtt_options options = probe_options(f->folder, broker_port(broker));
    char texts[3][300];
    struct probe probe;

    probe_tls(&options, texts, f->certs, "own");
    options.cert_name = "lane-1";
    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.downs, 2);
    assert_non_null(strstr(probe.down_text, "own certificate (cert_file)"));
    copy_file(f->certs, "client-2.key", "own.key");
    copy_file(f->certs, "client-2.crt", "own.crt");
    while (!strstr(probe.down_text, "is the certificate of lane-2"))
        probe_wait(&probe, &probe.downs, probe.downs + 1);
    assert_int_equal(probe.ups, 0);
    copy_file(f->certs, "client.key", "own.key");
    copy_file(f->certs, "client.crt", "own.crt");
    probe_wait(&probe, &probe.ups, 1);
    probe_close(&probe);
    broker_stop(broker);
}

/* A listener that is no TLS broker: says `greeting`, or nothing at all. */
struct rude {
    struct event *accept, *peer;
    int fd, peer_fd;
    uint16_t port;
    struct ts_slice greeting;
};

static void rude_accept(evutil_socket_t fd, short what, void *arg) {
    struct rude *rude = arg;

    (void)what;
    if (rude->peer_fd >= 0)
        (void)close(rude->peer_fd);
    rude->peer_fd = accept(fd, NULL, NULL);
    if (rude->greeting.len)
        (void)!send(rude->peer_fd, rude->greeting.data, rude->greeting.len,
                    MSG_NOSIGNAL);
}

static void rude_start(struct rude *rude, struct event_base *loop) {
    struct sockaddr_in at = {.sin_family = AF_INET};

    rude->peer_fd = -1;
    rude->port = test_port_free();
    at.sin_port = htons(rude->port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    rude->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(rude->fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(rude->fd, 8), 0);
    rude->accept =
        event_new(loop, rude->fd, EV_READ | EV_PERSIST, rude_accept, rude);
    (void)event_add(rude->accept, NULL);
}

static void rude_stop(struct rude *rude) {
    event_free(rude->accept);
    (void)close(rude->fd);
    if (rude->peer_fd >= 0)
        (void)close(rude->peer_fd);
}

static void test_no_tls_peer(void **state) {
    struct fixture *f = *state;
    struct rude rude = {.greeting =
                            ts_slice_text("220 mail.example ESMTP\r\n")};
    char texts[3][300];
    struct probe probe;

    rude_start(&rude, f->loop);
    struct mqtt_options options = probe_options(f->folder, rude.port);
    probe_tls(&options, texts, f->certs, "client");
    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.downs, 1);
    assert_non_null(strstr(probe.down_text, "does not speak TLS"));
    probe_close(&probe);
    rude_stop(&rude);
}

struct alert {
    uint8_t code;
    const char *text, *also;
};

static const struct alert alerts[] = {
    {40, "requires a client certificate", "cert_file"},
    {42, "bad certificate", "issue it again"},
    {43, "does not support our kind of certificate", "EC P-256"},
    {44, "is revoked", "enroll"},
    {45, "is expired", "renew"},
    {46, "does not accept our certificate", "issue it again"},
    {48, "does not know the CA", "install one"},
    {49, "denies access", "permitted machines"},
    {51, "could not check our signature", "belong together"},
    {70, "does not speak TLS 1.2", "enable it"},
    {71, "stronger ciphers", "enable"},
    {112, "does not know the name", "server_name"},
    {116, "requires a client certificate", "check cert_file"},
    {80, "ended the session with TLS alert 80", "its log"},
};

static void check_alert(const struct fixture *f, const struct alert *alert) {
    const uint8_t record[] = {0x15, 3, 3, 0, 2, 2 /* fatal */, alert->code};
    struct rude rude = {.greeting = ts_slice_of(record, sizeof record)};
    char texts[3][300];
    struct probe probe;

    rude_start(&rude, f->loop);
    struct mqtt_options options = probe_options(f->folder, rude.port);
    probe_tls(&options, texts, f->certs, "client");
    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.downs, 1);
    if (!strstr(probe.down_text, alert->text) ||
        !strstr(probe.down_text, alert->also))
        fail_msg("alert %u: %s", alert->code, probe.down_text);
    probe_close(&probe);
    rude_stop(&rude);
}

static void test_alerts(void **state) {
    for (size_t i = 0; i < sizeof alerts / sizeof *alerts; i++)
        check_alert(*state, &alerts[i]);
}

static int connect_to(uint16_t port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(evutil_make_socket_nonblocking(fd), 0);
    return fd;
}

/* One handshake, and one read behind it. */
static enum ts_status shake_hands(struct tls *tls, int fd, struct ts_err *err) {
    enum ts_status status = tls_begin(tls, fd, err);
    uint8_t byte;
    size_t got;

    while (status == TS_OK && (status = tls_handshake(tls, err)) == TS_AGAIN) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&ready, 1, 60000), 1);
        status = TS_OK;
    }
    if (status == TS_OK)
        status = tls_read(tls, &byte, 1, &got, err);
    tls_end(tls);
    return status;
}

/* The text of a handshake without a certificate of our own. */
static enum ts_status join_nameless(const struct fixture *f,
                                    const char *demanded, struct ts_err *err) {
    char settings[1200], texts[3][300];
    struct mqtt_options names;

    probe_tls(&names, texts, f->certs, "server");
    (void)snprintf(settings, sizeof settings,
                   "cafile %s\ncertfile %s\nkeyfile %s\n"
                   "require_certificate %s\n",
                   texts[0], texts[1], texts[2], demanded);
    struct broker *broker = broker_start(f->folder, 0, settings);
    int fd = connect_to(broker_port(broker));
    struct tls *tls = tls_new(&(struct tls_options){
        .ca_file = names.ca_file,
        .server_name = "localhost",
        .clock = ts_clock_system(),
    });
    assert_int_equal(tls_check_files(tls, NULL), TS_OK);
    enum ts_status status = shake_hands(tls, fd, err);
    tls_free(tls);
    (void)close(fd);
    broker_stop(broker);
    return status;
}

/* Only a broker that demands one refuses who presents no certificate at all,
 * which no agent's settings allow. */
static void test_no_certificate(void **state) {
    struct ts_err err = {0};

    assert_int_equal(join_nameless(*state, "false", &err), TS_AGAIN);
    assert_int_equal(join_nameless(*state, "true", &err), TS_DENIED);
    assert_string_equal(err.text,
                        "the broker demands a client certificate and we have "
                        "none; install one and set cert_file and key_file (TLS "
                        "alert 40)");
}

static void test_handshake_timeout(void **state) {
    struct fixture *f = *state;
    struct rude rude = {.fd = -1};
    char texts[3][300];
    struct probe probe;

    rude_start(&rude, f->loop);
    struct mqtt_options options = probe_options(f->folder, rude.port);
    probe_tls(&options, texts, f->certs, "client");
    options.connect_timeout_s = 1;
    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.downs, 1);
    assert_non_null(strstr(probe.down_text, "no answer in the TLS handshake"));
    probe_close(&probe);
    rude_stop(&rude);
}

static void test_plain_broker(void **state) {
    struct fixture *f = *state;
    struct broker *broker = broker_start(f->folder, 0, "");
    struct mqtt_options options = probe_options(f->folder, broker_port(broker));
    char texts[3][300];
    struct probe probe;

    probe_tls(&options, texts, f->certs, "client");
    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.downs, 1);
    assert_non_null(strstr(probe.down_text, "the broker's TLS listener"));
    probe_close(&probe);
    broker_stop(broker);
}

static void test_refused_port(void **state) {
    struct fixture *f = *state;
    struct mqtt_options options = probe_options(f->folder, test_port_free());
    char texts[3][300];
    struct probe probe;

    probe_tls(&options, texts, f->certs, "client");
    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.downs, 1);
    assert_non_null(strstr(probe.down_text, "nothing listens there"));
    probe_close(&probe);
}

struct fake_time {
    struct ts_wall wall;
};
static struct ts_wall fake_wall(void *ctx) {
    return ((struct fake_time *)ctx)->wall;
}
static struct ts_mono fake_mono(void *ctx) {
    (void)ctx;
    return ts_clock_mono(ts_clock_system());
}
static bool fake_synchronised(void *ctx) {
    (void)ctx;
    return false;
}

static struct ts_wall instant(const char *text) {
    struct ts_wall at;

    assert_int_equal(ts_wall_parse(&at, ts_slice_text(text)), TS_OK);
    return at;
}

/* A dead clock is lifted to the floor; only a trusted instant moves that. */
static void test_dead_clock(void **state) {
    struct fixture *f = *state;
    char *settings = broker_tls_settings(f->certs, "server", NULL);
    struct broker *broker = broker_start(f->folder, 0, settings);
    struct mqtt_options options = probe_options(f->folder, broker_port(broker));
    struct fake_time time = {instant("1970-01-01T00:00:09Z")};
    struct ts_clock clock = {&time, fake_wall, fake_mono, fake_synchronised};
    struct ts_wall floor;
    char texts[3][300];
    struct probe probe;

    probe_tls(&options, texts, f->certs, "client");
    options.clock = &clock;
    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.ups, 1);
    probe_close(&probe);

    /* The local clock beyond the end: refused, and it lifts no floor. */
    time.wall = instant("2050-06-01T00:00:00Z");
    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.downs, 1);
    assert_non_null(strstr(probe.down_text, "expired on 2049-12-31"));
    assert_non_null(strstr(probe.down_text, "time used here: 2050-06-01"));
    time.wall = instant("1970-01-01T00:00:09Z");
    probe_wait(&probe, &probe.ups, 1);

    /* A trusted instant beyond the end lifts the floor to the end and no
     * further. A full handshake is needed, so the ticket keys of the broker
     * are renewed. */
    floor = mqtt_trust_time(probe.mqtt, instant("2050-06-01T00:00:00Z"));
    assert_int_equal(floor.unix_ms, instant("2049-12-31T23:59:59Z").unix_ms);
    broker_stop(broker);
    broker = broker_start(f->folder, options.port, settings);
    probe_wait(&probe, &probe.ups, probe.ups + 1);
    probe_close(&probe);

    /* One that was kept beyond the end: the clock cannot go behind it. */
    options.time_floor = instant("2050-06-01T00:00:00Z");
    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.downs, 1);
    assert_non_null(strstr(probe.down_text, "expired on 2049-12-31"));
    assert_non_null(strstr(probe.down_text, "time used here: 2050-06-01"));
    probe_close(&probe);
    broker_stop(broker);
    free(settings);
}

static void test_numeric_host_with_name(void **state) {
    struct fixture *f = *state;
    struct broker *broker = probe_broker(f, "server-other", NULL);
    struct mqtt_options options = probe_options(f->folder, broker_port(broker));
    char texts[3][300];
    struct probe probe;

    probe_tls(&options, texts, f->certs, "client");
    options.host = "127.0.0.1";
    options.server_name = "broker.example";
    probe_open(&probe, f->loop, &options);
    probe_wait(&probe, &probe.ups, 1);
    probe_close(&probe);
    broker_stop(broker);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_certificates),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_files_mended),
        cmocka_unit_test(test_no_tls_peer),
        cmocka_unit_test(test_alerts),
        cmocka_unit_test(test_no_certificate),
        cmocka_unit_test(test_handshake_timeout),
        cmocka_unit_test(test_plain_broker),
        cmocka_unit_test(test_refused_port),
        cmocka_unit_test(test_dead_clock),
        cmocka_unit_test(test_numeric_host_with_name),
    };

    return cmocka_run_group_tests(tests, probe_set_up, probe_tear_down);
}
