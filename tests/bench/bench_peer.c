/* What a user would take instead, fed with the same events, one message each.
 *
 *   bench_peer fill ARGUMENTS       publish to a broker on this machine
 *   bench_peer listen ARGUMENTS     a bare subscriber; tells when all are there
 *   bench_peer reconnect ARGUMENTS  TLS, CONNECT and CONNACK, again and again
 *
 *   --port N --topic T --count N [--ca F --cert F --key F]
 *
 * libmosquitto with its own OpenSSL, QoS 1. Each prints one JSON object. */
#include "tools/event_samples.h"

#include <getopt.h>
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* SEED: the events of bench_wire_fill. */
enum { SEED = 90001, WINDOW = 500, KEEPALIVE_S = 60 };

struct peer {
    const char *what, *topic, *ca, *cert, *key;
    int port;
    size_t count, seen;
    bool connected;
    struct mosquitto *client;
};

static void must(int code, const char *what) {
    if (code == MOSQ_ERR_SUCCESS)
        return;
    (void)fprintf(stderr, "bench_peer: %s: %s\n", what,
                  mosquitto_strerror(code));
    exit(1);
}

static double cpu_seconds(void) {
    struct rusage used;

    (void)getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void on_connect(struct mosquitto *client, void *arg, int code) {
    (void)client;
    must(code, "connect");
    ((struct peer *)arg)->connected = true;
}

static void on_published(struct mosquitto *client, void *arg, int id) {
    (void)client;
    (void)id;
    ((struct peer *)arg)->seen++;
}

static void on_message(struct mosquitto *client, void *arg,
                       const struct mosquitto_message *message) {
    (void)client;
    (void)message;
    ((struct peer *)arg)->seen++;
}

static void step(struct peer *peer) {
    must(mosquitto_loop(peer->client, 100, 1), "loop");
}

static void peer_connect(struct peer *peer) {
    peer->connected = false;
    peer->client = mosquitto_new(NULL, true, peer);
    mosquitto_connect_callback_set(peer->client, on_connect);
    mosquitto_publish_callback_set(peer->client, on_published);
    mosquitto_message_callback_set(peer->client, on_message);
    if (peer->ca)
        must(mosquitto_tls_set(peer->client, peer->ca, NULL, peer->cert,
                               peer->key, NULL),
             "certificates");
    must(mosquitto_connect(peer->client, "localhost", peer->port, KEEPALIVE_S),
         "connect");
    while (!peer->connected)
        step(peer);
}

static void peer_leave(struct peer *peer) {
    (void)mosquitto_disconnect(peer->client);
    while (mosquitto_loop(peer->client, 100, 1) == MOSQ_ERR_SUCCESS)
        ;
    mosquitto_destroy(peer->client);
}

static void fill(struct peer *peer) {
    struct event_sampler *events = event_sampler_new(SEED);
    struct ts_buf text = {0};
    size_t sent = 0;

    peer_connect(peer);
    (void)mosquitto_max_inflight_messages_set(peer->client, WINDOW);
    while (peer->seen < peer->count) {
        while (sent < peer->count && sent < peer->seen + WINDOW) {
            ts_buf_clear(&text);
            event_sampler_next(events, &text);
            must(mosquitto_publish(peer->client, NULL, peer->topic,
                                   (int)text.len, text.data, 1, false),
                 "publish");
            sent++;
        }
        step(peer);
    }
    peer_leave(peer);
    ts_buf_fini(&text);
    event_sampler_free(events);
    (void)printf("{\"count\":%zu}\n", sent);
}

static void listen_for(struct peer *peer) {
    peer_connect(peer);
    must(mosquitto_subscribe(peer->client, NULL, peer->topic, 1), "subscribe");
    (void)puts("ready");
    (void)fflush(stdout);
    while (peer->seen < peer->count)
        step(peer);
    (void)printf("{\"count\":%zu}\n", peer->seen);
    (void)fflush(stdout);
    peer_leave(peer);
}

static void reconnect(struct peer *peer) {
    double began;

    peer_connect(peer); /* what is loaded once is not counted */
    peer_leave(peer);
    began = cpu_seconds();
    for (size_t i = 0; i < peer->count; i++) {
        peer_connect(peer);
        peer_leave(peer);
    }
    (void)printf("{\"count\":%zu,\"cpu_us\":%.0f}\n", peer->count,
                 (cpu_seconds() - began) * 1e6 / (double)peer->count);
}

static void read_arguments(struct peer *peer, int argc, char **argv) {
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"topic", required_argument, NULL, 't'},
        {"count", required_argument, NULL, 'n'},
        {"ca", required_argument, NULL, 'a'},
        {"cert", required_argument, NULL, 'c'},
        {"key", required_argument, NULL, 'k'},
        {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == 'p')
            peer->port = (int)strtol(optarg, NULL, 10);
        else if (option == 't')
            peer->topic = optarg;
        else if (option == 'n')
            peer->count = strtoul(optarg, NULL, 10);
        else if (option == 'a')
            peer->ca = optarg;
        else if (option == 'c')
            peer->cert = optarg;
        else if (option == 'k')
            peer->key = optarg;
        else
            exit(2);
    }
    peer->what = optind < argc ? argv[optind] : "";
}

int main(int argc, char **argv) {
    struct peer peer = {0};

    read_arguments(&peer, argc, argv);
    (void)mosquitto_lib_init();
    if (!strcmp(peer.what, "fill"))
        fill(&peer);
    else if (!strcmp(peer.what, "listen"))
        listen_for(&peer);
    else if (!strcmp(peer.what, "reconnect"))
        reconnect(&peer);
    else
        return 2;
    (void)mosquitto_lib_cleanup();
    return 0;
}
