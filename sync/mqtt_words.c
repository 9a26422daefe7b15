#include "sync/mqtt_words.h"

#include <mosquitto.h>
#include <mqtt_protocol.h>

#include <stddef.h>

struct refusal {
    int v5, v3;
    enum ts_status status;
    const char *text;
};

static const struct refusal refusals[] = {
    {0x84, 1, TS_INVALID, "the broker does not speak this MQTT version"},
    {0x85, 2, TS_DENIED,
     "the broker does not accept our client id; it must be the name in our "
     "certificate (use_username_as_clientid)"},
    {0x86, 4, TS_DENIED,
     "the broker does not accept our user name or password; check how it takes "
     "the name from the certificate (use_identity_as_username)"},
    {0x87, 5, TS_DENIED,
     "the broker does not authorise this client; check its access list and "
     "that this listener is meant for us"},
    {0x88, 3, TS_CLOSED, "the broker says that it is not available now"},
    {0x89, -1, TS_CLOSED, "the broker says that it is busy"},
    {0x8a, -1, TS_DENIED, "the broker has banned this client"},
    {0x95, -1, TS_INVALID, "the broker finds our packets too large"},
    {0x97, -1, TS_DENIED, "the broker says that our quota is used up"},
    {0x9c, -1, TS_DENIED, "the broker sends us to another server"},
    {0x9f, -1, TS_CLOSED, "the broker says that we connect too often"},
};

void mqtt_words_refusal(struct ts_err *err, int code) {
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (refusals[i].v5 == code || refusals[i].v3 == code) {
            (void)ts_fail(err, refusals[i].status, "%s (CONNACK 0x%02x)",
                          refusals[i].text, (unsigned)code);
            return;
        }
    (void)ts_fail(err, TS_DENIED,
                  "the broker refused the connection (CONNACK 0x%02x); its log "
                  "tells why",
                  (unsigned)code);
}

void mqtt_words_end(struct ts_err *err, int code) {
    if (code == MQTT_RC_SESSION_TAKEN_OVER)
        (void)ts_fail(err, TS_DENIED,
                      "another client connected under our name; two machines "
                      "must not share one terminal id");
    else if (code == MOSQ_ERR_KEEPALIVE)
        (void)ts_fail(
            err, TS_CLOSED,
            "the broker did not answer within the keepalive time: the "
            "line is dead though nobody ended it; check the network "
            "on the way");
    else if (code >= MQTT_RC_UNSPECIFIED)
        (void)ts_fail(err, TS_DENIED,
                      "the broker ended the session (%s, 0x%02x)",
                      mosquitto_reason_string(code), (unsigned)code);
    else
        (void)ts_fail(err, TS_CLOSED, "the broker closed the connection");
}

bool mqtt_words_end_is_vague(int code) {
    return code != MOSQ_ERR_KEEPALIVE && code < MQTT_RC_UNSPECIFIED;
}
