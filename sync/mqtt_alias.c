#include "sync/mqtt_alias.h"

#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

void mqtt_aliases_reset(struct mqtt_aliases *aliases, uint16_t broker_max) {
    for (uint16_t i = 0; i < aliases->count; i++)
        free(aliases->topics[i]);
    aliases->count = 0;
    aliases->max = broker_max < MQTT_ALIASES ? broker_max : MQTT_ALIASES;
}

uint16_t mqtt_aliases_find(const struct mqtt_aliases *aliases,
                           const char *topic, bool *known) {
    *known = false;
    for (uint16_t i = 0; i < aliases->count; i++)
        if (!strcmp(aliases->topics[i], topic)) {
            *known = true;
            return (uint16_t)(i + 1);
        }
    return aliases->count < aliases->max ? (uint16_t)(aliases->count + 1) : 0;
}

void mqtt_aliases_add(struct mqtt_aliases *aliases, const char *topic) {
    aliases->topics[aliases->count++] = ts_strdup(topic);
}
