/* Which brokers there are and which of them is next. Pure. */
#ifndef TS_SYNC_BROKERS_H
#define TS_SYNC_BROKERS_H

#include "base/bytes.h"

enum {
    BROKERS_MAX = 8,
    BROKER_HOST_TEXT = 254, /* RFC 1035 section 2.3.4, and the NUL */
    BROKER_TEXT = BROKER_HOST_TEXT + 16
};

struct broker_address {
    char host[BROKER_HOST_TEXT]; /* a name, or an IP address without [] */
    uint16_t port;
};

/* "a.example.com", "a.example.com:8883", "192.0.2.1:8883", "2001:db8::1" or
 * "[2001:db8::1]:8883". */
enum ts_status broker_address_parse(struct broker_address *out,
                                    const char *text, uint16_t port,
                                    struct ts_err *err) TS_MUST_USE;
/* "a.example.com port 8883". */
void broker_address_text(char out[BROKER_TEXT],
                         const struct broker_address *address);

struct brokers {
    struct broker_address all[BROKERS_MAX];
    size_t count, at;
    size_t failed;   /* of this round */
    unsigned rounds; /* that failed whole */
};

/* Mixes the order, so that terminals spread, and those of a broker that falls
 * away spread again. `draw` answers any 32 bits. */
void brokers_mix(struct brokers *brokers, uint32_t (*draw)(void *ctx),
                 void *ctx);
const struct broker_address *brokers_get(const struct brokers *brokers);
/* The present one failed: the next one is. True when each has failed since
 * the last round or success. */
bool brokers_on_failure(struct brokers *brokers);
/* The present one works: a new round begins. */
void brokers_on_success(struct brokers *brokers);

#endif
