#include "sync/mqtt_refusal.h"

void mqtt_refusal_note(struct mqtt_refusal *refusal, struct ts_mono now) {
    int64_t doubled = 2 * refusal->wait_ms;

    if (refusal->in_session)
        return;
    refusal->in_session = true;
    refusal->at = now;
    if (doubled > MQTT_REFUSAL_MAX_MS)
        doubled = MQTT_REFUSAL_MAX_MS;
    refusal->wait_ms = doubled ? doubled : MQTT_REFUSAL_MIN_MS;
}

bool mqtt_refusal_is_due(const struct mqtt_refusal *refusal,
                         struct ts_mono now) {
    return refusal->in_session && now.ms - refusal->at.ms >= refusal->wait_ms;
}

void mqtt_refusal_on_end(struct mqtt_refusal *refusal, bool was_up) {
    if (was_up && !refusal->in_session)
        refusal->wait_ms = 0;
    refusal->in_session = false;
}
