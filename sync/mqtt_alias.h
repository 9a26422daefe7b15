/* Topic aliases of one session (MQTT 5, section 3.3.2.3.4): the name of a topic
 * goes once, a number after that. */
#ifndef TS_SYNC_MQTT_ALIAS_H
#define TS_SYNC_MQTT_ALIAS_H

#include <stdbool.h>
#include <stdint.h>

enum { MQTT_ALIASES = 4 }; /* a terminal publishes to no more topics */

struct mqtt_aliases {
    char *topics[MQTT_ALIASES];
    uint16_t count;
    uint16_t max; /* what the broker takes; 0: no alias */
};

/* A new session. */
void mqtt_aliases_reset(struct mqtt_aliases *aliases, uint16_t broker_max);
/* The alias to publish `topic` with, or 0; *known: the name may be left out. */
uint16_t mqtt_aliases_find(const struct mqtt_aliases *aliases,
                           const char *topic, bool *known);
/* It was published with its name and that alias. */
void mqtt_aliases_add(struct mqtt_aliases *aliases, const char *topic);

#endif
