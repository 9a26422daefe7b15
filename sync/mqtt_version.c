#include "sync/mqtt_version.h"

bool mqtt_version_on_refusal(struct mqtt_version_choice *choice) {
    bool at_once = !choice->old;

    choice->silent = 0;
    choice->proven &= at_once;
    choice->old = !choice->old;
    return at_once;
}

bool mqtt_version_on_silence(struct mqtt_version_choice *choice) {
    if (choice->proven && !choice->old) {
        choice->silent = 0;
        choice->old = true;
        return true;
    }
    if (++choice->silent < MQTT_VERSION_SILENT)
        return false;
    choice->silent = 0;
    choice->old = !choice->old;
    return false;
}

void mqtt_version_on_answer(struct mqtt_version_choice *choice) {
    choice->silent = 0;
}

void mqtt_version_on_end(struct mqtt_version_choice *choice, int64_t up_ms) {
    choice->proven = choice->old;
    if (up_ms >= MQTT_VERSION_AGAIN_MS)
        choice->old = false;
}
