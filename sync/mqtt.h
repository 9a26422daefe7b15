/* One MQTT session after the other, in the program's loop: libmosquitto for
 * the protocol, mbedTLS for the line (sync/tls.h). Each session is a fresh
 * client: the journal, not the library, is the queue. */
#ifndef TS_SYNC_MQTT_H
#define TS_SYNC_MQTT_H

#include "base/bytes.h"
#include "base/time.h"
#include "sync/brokers.h"

#include <event2/event.h>

struct mqtt;

enum mqtt_version { MQTT_AUTO, MQTT_5, MQTT_3_1_1 };

struct mqtt_options {
    const char *host; /* name or address, as broker_address_parse takes it */
    uint16_t port;    /* where host or hosts name none */
    /* Several brokers of one cluster instead of `host`; the first NULL ends
     * the list. Tried in random order, the next after each failure; only a
     * whole round of failures lengthens the wait. */
    const char *hosts[BROKERS_MAX];
    const char *proxy;       /* "http://name:port" of an HTTP proxy, or NULL */
    const char *resolv_conf; /* names the DNS servers; NULL: the system's */
    const char *proxy_file;  /* mode 0600, one line user:password, or NULL */
    bool tls;                /* false only for tests on loopback */
    const char *ca_file;     /* PEM; the CA that signed the broker */
    const char *crl_file;    /* PEM, or NULL */
    const char *cert_file;
    const char *key_file;
    const char *server_name; /* name in the certificate; NULL: the host */
    const char *client_id;
    const char *cert_name; /* common name that cert_file must have, or NULL */
    enum mqtt_version version;
    unsigned keepalive_s;
    unsigned connect_timeout_s; /* name, TCP, proxy and TLS of one broker */
    unsigned backoff_min_ms;    /* jittered, doubled up to backoff_max_ms */
    unsigned backoff_max_ms;
    /* The first connection, and the first one behind a session that was lost,
     * wait a random part of this besides: all terminals come at once then. */
    unsigned spread_ms;
    const char *runtime_dir; /* private (0700) folder for the UNIX socket */
    const struct ts_clock *clock;
    /* Nothing is verified against a time before this instant; raised by
     * mqtt_trust_time. Build time at least. */
    struct ts_wall time_floor;
};

/* Called by the loop. on_down follows every on_up, and also every attempt
 * that failed; `reason` is a text that says what to do. */
struct mqtt_events {
    void *ctx;
    /* Connected; the will is set, nothing is subscribed. */
    void (*on_up)(void *ctx);
    void (*on_down)(void *ctx, const struct ts_err *reason);
    void (*on_message)(void *ctx, struct ts_slice topic,
                       struct ts_slice payload, bool retained);
    /* The broker's answer to a publish: `reason` is 0, or the MQTT 5 reason
     * code (0x10: nobody listens; 0x80 and above: refused). */
    void (*on_published)(void *ctx, int message_id, int reason);
    /* The broker refuses to subscribe `filter` (SUBACK 0x80 and above), so
     * that nothing will come by it in this session. May be NULL. After 2 s,
     * then ever later, up to 5 minutes, the session is given up for a new
     * one. */
    void (*on_refused)(void *ctx, const char *filter, int reason);
};

/* Copies the options. TS_INVALID for an option out of range. Files are read
 * at each connection: one that is missing or wrong fails that attempt, and the
 * next finds what has been installed since. */
enum ts_status mqtt_new(struct mqtt **out, struct event_base *loop,
                        const struct mqtt_options *options,
                        const struct mqtt_events *events,
                        struct ts_err *err) TS_MUST_USE;
/* Checks the options and that the files fit together, without connecting. */
enum ts_status mqtt_check(const struct mqtt_options *options,
                          struct ts_err *err) TS_MUST_USE;
void mqtt_free(struct mqtt *mqtt);
/* The last will, used from the next connection on. */
void mqtt_set_will(struct mqtt *mqtt, const char *topic,
                   struct ts_slice payload, bool retain);
void mqtt_start(struct mqtt *mqtt);
/* Drops the session and connects again after the backoff. */
void mqtt_reset(struct mqtt *mqtt);
/* Says DISCONNECT (no will) and stays down. */
void mqtt_stop(struct mqtt *mqtt);
bool mqtt_is_up(const struct mqtt *mqtt);
/* While held nothing more is read, but one packet each 10 s so that the broker
 * counts as alive; what comes waits at the broker. What was read before is
 * still handed on: up to MQTT_READ_MAX messages and what waits for a PUBACK. A
 * new session is not held. */
enum { MQTT_READ_MAX = 64 };
void mqtt_hold(struct mqtt *mqtt, bool held);
/* The broker in use, or tried next: "mq.example.com port 8883". */
const char *mqtt_broker(const struct mqtt *mqtt);

/* QoS 1. TS_CLOSED when down, TS_FULL when 256 KiB wait to be written,
 * TS_INVALID for a topic that cannot be, or a packet above mqtt_packet_max. */
enum ts_status mqtt_publish(struct mqtt *mqtt, const char *topic,
                            struct ts_slice payload, bool retain,
                            int *message_id, struct ts_err *err) TS_MUST_USE;
/* Bytes of the largest packet that the broker of this session takes; 0: it
 * says none. */
uint32_t mqtt_packet_max(const struct mqtt *mqtt);
/* QoS 1, at most MQTT_FILTERS_MAX in a session. */
enum { MQTT_FILTERS_MAX = 16 };
enum ts_status mqtt_subscribe(struct mqtt *mqtt, const char *filter,
                              struct ts_err *err) TS_MUST_USE;

/* An instant of an authenticated peer: certificates are never again checked
 * against an earlier time in this run. The instant that is in force, which is
 * bounded, see tls_trust_time; without TLS the given one. */
struct ts_wall mqtt_trust_time(struct mqtt *mqtt, struct ts_wall at);

struct mqtt_stats {
    uint64_t bytes_out, bytes_in; /* on the TCP line, TLS included */
    uint64_t connections, resumed, failures;
};
void mqtt_get_stats(const struct mqtt *mqtt, struct mqtt_stats *out);

#endif
