/* Paho C, MQTTAsync with file persistence: messages are buffered without a
 * line, then sent.
 *
 *   bench_paho --uri ssl://localhost:N --id ID --topic T --count N
 *              --folder DIR --ca F --cert F --key F
 *
 * Says "buffered" when all are on the disk, connects when a line is there on
 * its standard input, and ends when the last is acknowledged. */
#include "tools/event_samples.h"

#include <MQTTAsync.h>
#include <getopt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEED = 90001 }; /* the events of bench_wire_fill */

struct paho {
    const char *uri, *id, *topic, *folder, *ca, *cert, *key;
    int count;
    MQTTAsync client;
    atomic_int delivered;
};

static void must(int code, const char *what) {
    if (code == MQTTASYNC_SUCCESS)
        return;
    (void)fprintf(stderr, "bench_paho: %s: %d\n", what, code);
    exit(1);
}

static void on_delivered(void *arg, MQTTAsync_token token) {
    (void)token;
    atomic_fetch_add(&((struct paho *)arg)->delivered, 1);
}

static int on_message(void *arg, char *topic, int len,
                      MQTTAsync_message *message) {
    (void)arg;
    (void)len;
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void on_failure(void *arg, MQTTAsync_failureData *why) {
    (void)arg;
    must(why && why->code ? why->code : -1,
         why && why->message ? why->message : "connect");
}

static void create(struct paho *paho) {
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;

    options.sendWhileDisconnected = 1;
    options.allowDisconnectedSendAtAnyTime = 1;
    options.maxBufferedMessages = paho->count + 1;
    must(MQTTAsync_createWithOptions(&paho->client, paho->uri, paho->id,
                                     MQTTCLIENT_PERSISTENCE_DEFAULT,
                                     (void *)paho->folder, &options),
         "create");
    must(MQTTAsync_setCallbacks(paho->client, paho, NULL, on_message,
                                on_delivered),
         "callbacks");
}

static void buffer_all(struct paho *paho) {
    struct event_sampler *events = event_sampler_new(SEED);
    struct ts_buf text = {0};

    for (int i = 0; i < paho->count; i++) {
        ts_buf_clear(&text);
        event_sampler_next(events, &text);
        must(MQTTAsync_send(paho->client, paho->topic, (int)text.len, text.data,
                            1, 0, NULL),
             "send");
    }
    ts_buf_fini(&text);
    event_sampler_free(events);
}

static void connect_now(struct paho *paho) {
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;

    tls.trustStore = paho->ca;
    tls.keyStore = paho->cert;
    tls.privateKey = paho->key;
    options.cleansession = 0;
    options.ssl = &tls;
    options.onFailure = on_failure;
    must(MQTTAsync_connect(paho->client, &options), "connect");
}

static void read_arguments(struct paho *paho, int argc, char **argv) {
    static const struct option options[] = {
        {"uri", required_argument, NULL, 'u'},
        {"id", required_argument, NULL, 'i'},
        {"topic", required_argument, NULL, 't'},
        {"count", required_argument, NULL, 'n'},
        {"folder", required_argument, NULL, 'f'},
        {"ca", required_argument, NULL, 'a'},
        {"cert", required_argument, NULL, 'c'},
        {"key", required_argument, NULL, 'k'},
        {NULL, 0, NULL, 0}};
    const char **texts[256] = {
        ['u'] = &paho->uri,    ['i'] = &paho->id, ['t'] = &paho->topic,
        ['f'] = &paho->folder, ['a'] = &paho->ca, ['c'] = &paho->cert,
        ['k'] = &paho->key};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == 'n')
            paho->count = (int)strtol(optarg, NULL, 10);
        else if (texts[option])
            *texts[option] = optarg;
        else
            exit(2);
    }
}

int main(int argc, char **argv) {
    static struct paho paho;

    read_arguments(&paho, argc, argv);
    create(&paho);
    buffer_all(&paho);
    (void)puts("buffered");
    (void)fflush(stdout);
    (void)getchar();
    connect_now(&paho);
    while (atomic_load(&paho.delivered) < paho.count)
        (void)usleep(1000);
    (void)puts("delivered");
    (void)fflush(stdout);
    (void)getchar();
    return 0;
}
