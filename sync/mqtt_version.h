/* Which MQTT version a broker is spoken to with, when 5 is tried first and
 * 3.1.1 taken where it is refused: remembered for each broker. Pure. */
#ifndef TS_SYNC_MQTT_VERSION_H
#define TS_SYNC_MQTT_VERSION_H

#include <stdbool.h>
#include <stdint.h>

enum {
    MQTT_VERSION_SILENT = 2, /* sessions without CONNACK before the other */
    /* After a session of 3.1.1 that lasted so long 5 is tried again: the broker
     * may have been replaced by a newer one. */
    MQTT_VERSION_AGAIN_MS = 60000
};

/* All zero at first. */
struct mqtt_version_choice {
    bool old;    /* 3.1.1 is next, or in use */
    bool proven; /* 3.1.1 was accepted once */
    unsigned silent;
};

/* CONNACK says that it does not speak the version. True: try the other at
 * once. */
bool mqtt_version_on_refusal(struct mqtt_version_choice *choice);
/* The session ended without CONNACK: some brokers close on a version that they
 * do not know. True: try the other at once. */
bool mqtt_version_on_silence(struct mqtt_version_choice *choice);
/* CONNACK of any other kind. */
void mqtt_version_on_answer(struct mqtt_version_choice *choice);
/* A session that was up for so long is over. */
void mqtt_version_on_end(struct mqtt_version_choice *choice, int64_t up_ms);

#endif
