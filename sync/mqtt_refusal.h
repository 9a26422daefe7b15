/* When a session of which a subscription was refused is given up for a new
 * one: the first time after 2 s, then ever later. */
#ifndef TS_SYNC_MQTT_REFUSAL_H
#define TS_SYNC_MQTT_REFUSAL_H

#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

enum { MQTT_REFUSAL_MIN_MS = 2000, MQTT_REFUSAL_MAX_MS = 300000 };

/* All zero at first. */
struct mqtt_refusal {
    bool in_session; /* the present session had one */
    struct ts_mono at;
    int64_t wait_ms; /* of the last session that had one; 0: begins anew */
};

/* The broker refused; only the first of a session counts. */
void mqtt_refusal_note(struct mqtt_refusal *refusal, struct ts_mono now);
/* True when the session has waited long enough. */
bool mqtt_refusal_is_due(const struct mqtt_refusal *refusal,
                         struct ts_mono now);
/* The session is over. One that was up and had no refusal ends the series. */
void mqtt_refusal_on_end(struct mqtt_refusal *refusal, bool was_up);

#endif
