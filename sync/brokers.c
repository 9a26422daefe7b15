#include "sync/brokers.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const char *end_of_host(const char *text, const char **host) {
    const char *colon = strchr(text, ':');

    *host = text;
    if (*text == '[') {
        *host = text + 1;
        return strchr(text, ']');
    }
    /* More than one colon and no bracket: an IPv6 address alone. */
    if (!colon || strchr(colon + 1, ':'))
        return text + strlen(text);
    return colon;
}

static bool parse_port(const char *text, uint16_t *port) {
    unsigned long value = 0;
    size_t digits = strspn(text, "0123456789");

    if (!digits || digits > 5 || text[digits])
        return false;
    for (size_t i = 0; i < digits; i++)
        value = value * 10 + (unsigned)(text[i] - '0');
    *port = (uint16_t)value;
    return value >= 1 && value <= 65535;
}

/* RFC 1123 names with the underscore that private DNS uses. */
static bool host_valid(const char *host) {
    static const char name[] = "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    uint8_t address[16];

    if (strchr(host, ':'))
        return inet_pton(AF_INET6, host, address) == 1;
    return *host && !host[strspn(host, name)];
}

enum ts_status broker_address_parse(struct broker_address *out,
                                    const char *text, uint16_t port,
                                    struct ts_err *err) {
    struct broker_address found = {.port = port};
    const char *host;
    const char *end = end_of_host(text, &host);
    const char *tail = end && *end == ']' ? end + 1 : end;

    if (end && (size_t)(end - host) < sizeof found.host) {
        memcpy(found.host, host, (size_t)(end - host));
        if (host_valid(found.host) &&
            (!*tail || (*tail == ':' && parse_port(tail + 1, &found.port)))) {
            *out = found;
            return TS_OK;
        }
    }
    return ts_fail(err, TS_INVALID,
                   "\"%.80s\" is no broker; write a name or an address, and a "
                   "port from 1 to 65535 behind a colon: mq.example.com:8883 "
                   "or [2001:db8::1]:8883",
                   text);
}

void broker_address_text(char out[BROKER_TEXT],
                         const struct broker_address *address) {
    (void)snprintf(out, BROKER_TEXT, "%s port %u", address->host,
                   address->port);
}

void brokers_mix(struct brokers *brokers, uint32_t (*draw)(void *ctx),
                 void *ctx) {
    for (size_t left = brokers->count; left > 1; left--) {
        size_t at = draw(ctx) % left;
        struct broker_address taken = brokers->all[at];
        brokers->all[at] = brokers->all[left - 1];
        brokers->all[left - 1] = taken;
    }
}

const struct broker_address *brokers_get(const struct brokers *brokers) {
    return &brokers->all[brokers->at];
}

bool brokers_on_failure(struct brokers *brokers) {
    brokers->at = (brokers->at + 1) % brokers->count;
    if (++brokers->failed < brokers->count)
        return false;
    brokers->failed = 0;
    brokers->rounds++;
    return true;
}

void brokers_on_success(struct brokers *brokers) {
    brokers->failed = 0;
    brokers->rounds = 0;
}
