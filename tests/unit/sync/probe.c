#include "probe.h"

#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATIENCE_S = 60 };

int probe_set_up(void **state) {
    struct fixture *f = ts_alloc(sizeof *f);

    f->loop = event_base_new();
    f->folder = test_folder_new("line");
    f->certs = test_folder_new("certs");
    test_certs_make(f->certs);
    *state = f;
    return 0;
}

int probe_tear_down(void **state) {
    struct fixture *f = *state;

    event_base_free(f->loop);
    test_folder_free(f->folder);
    test_folder_free(f->certs);
    free(f);
    return 0;
}

struct broker *probe_broker(const struct fixture *f, const char *server,
                            const char *crl) {
    char *settings = broker_tls_settings(f->certs, server, crl);
    struct broker *broker = broker_start(f->folder, 0, settings);

    free(settings);
    return broker;
}

static void on_up(void *ctx) { ((struct probe *)ctx)->ups++; }

static void on_down(void *ctx, const struct ts_err *reason) {
    struct probe *probe = ctx;

    probe->downs++;
    probe->down_status = reason->status;
    memcpy(probe->down_text, reason->text, sizeof probe->down_text);
}

static void keep_text(char *out, size_t size, struct ts_slice text) {
    (void)snprintf(out, size, "%.*s", (int)(text.len < 200 ? text.len : 200),
                   (const char *)text.data);
}

static void on_message(void *ctx, struct ts_slice topic,
                       struct ts_slice payload, bool retained) {
    struct probe *probe = ctx;

    probe->messages++;
    probe->last_retained = retained;
    keep_text(probe->last_topic, sizeof probe->last_topic, topic);
    keep_text(probe->last_payload, sizeof probe->last_payload, payload);
    if (payload.len > probe->largest)
        probe->largest = payload.len;
    if (probe->chain && probe->messages < probe->wanted) {
        int id;
        assert_int_equal(mqtt_publish(probe->mqtt, "a/b",
                                      ts_slice_text("again"), false, &id, NULL),
                         TS_OK);
    }
}

static void on_published(void *ctx, int message_id, int reason) {
    struct probe *probe = ctx;

    (void)message_id;
    probe->published++;
    probe->last_reason = reason;
}

static void on_refused(void *ctx, const char *filter, int reason) {
    struct probe *probe = ctx;

    probe->refused++;
    probe->last_reason = reason;
    keep_text(probe->last_topic, sizeof probe->last_topic,
              ts_slice_text(filter));
}

struct mqtt_options probe_options(const char *folder, uint16_t port) {
    return (struct mqtt_options){.host = "127.0.0.1",
                                 .port = port,
                                 .client_id = "lane-1",
                                 .keepalive_s = 60,
                                 .connect_timeout_s = 20,
                                 .backoff_min_ms = 20,
                                 .backoff_max_ms = 200,
                                 .runtime_dir = folder,
                                 .clock = ts_clock_system()};
}

void probe_tls(struct mqtt_options *options, char texts[3][300],
               const char *certs, const char *name) {
    (void)snprintf(texts[0], 300, "%s/ca.crt", certs);
    (void)snprintf(texts[1], 300, "%s/%s.crt", certs, name);
    (void)snprintf(texts[2], 300, "%s/%s.key", certs, name);
    options->tls = true;
    options->host = "localhost";
    options->ca_file = texts[0];
    options->cert_file = texts[1];
    options->key_file = texts[2];
}

void probe_open(struct probe *probe, struct event_base *loop,
                const struct mqtt_options *options) {
    struct mqtt_events events = {probe,      on_up,        on_down,
                                 on_message, on_published, on_refused};
    struct ts_err err = {0};

    memset(probe, 0, sizeof *probe);
    probe->loop = loop;
    if (mqtt_new(&probe->mqtt, loop, options, &events, &err) != TS_OK)
        fail_msg("%s", err.text);
    mqtt_start(probe->mqtt);
}

void probe_close(struct probe *probe) {
    mqtt_free(probe->mqtt);
    probe->mqtt = NULL;
}

static void on_late(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    *(bool *)arg = true;
}

void probe_wait(struct probe *probe, const unsigned *counter, unsigned least) {
    bool late = false;
    struct event *timer = evtimer_new(probe->loop, on_late, &late);
    struct timeval limit = {.tv_sec = PATIENCE_S};

    (void)evtimer_add(timer, &limit);
    while (*counter < least && !late)
        (void)event_base_loop(probe->loop, EVLOOP_ONCE);
    event_free(timer);
    if (late)
        fail_msg("waited in vain for %u (have %u); last: %s", least, *counter,
                 probe->down_text);
}
