/* An owner of one struct mqtt for tests: counts what it is told, and runs the
 * loop until a condition holds. */
#ifndef TS_UNIT_SYNC_PROBE_H
#define TS_UNIT_SYNC_PROBE_H

#include "sync/mqtt.h"
#include "tests/support/broker.h"

struct probe {
    struct event_base *loop;
    struct mqtt *mqtt;
    size_t largest;
    unsigned ups, downs, messages, published, refused, wanted;
    int last_reason; /* of a publish */
    enum ts_status down_status;
    bool last_retained;
    bool chain; /* publish once more for each answer */
    char last_topic[128], last_payload[256];
    char down_text[TS_ERR_TEXT];
};

/* The state of a group of tests: a loop, a folder and certificates. */
struct fixture {
    struct event_base *loop;
    char *folder, *certs;
};
int probe_set_up(void **state);
int probe_tear_down(void **state);

/* A broker with mutual TLS; see broker_tls_settings. */
struct broker *probe_broker(const struct fixture *f, const char *server,
                            const char *crl);

/* Options with short waits for 127.0.0.1; change them before probe_open. */
struct mqtt_options probe_options(const char *folder, uint16_t port);
/* Fills the TLS part: NAME.crt, NAME.key and ca.crt of `certs`; the texts
 * live in static storage of the caller's choosing: three of 300 bytes. */
void probe_tls(struct mqtt_options *options, char texts[3][300],
               const char *certs, const char *name);
void probe_open(struct probe *probe, struct event_base *loop,
                const struct mqtt_options *options);
void probe_close(struct probe *probe);
/* Runs the loop until `*counter >= least`; fails the test after 60 s. */
void probe_wait(struct probe *probe, const unsigned *counter, unsigned least);

#endif
