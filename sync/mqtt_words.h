/* What a broker's codes mean, and what to do about them. */
#ifndef TS_SYNC_MQTT_WORDS_H
#define TS_SYNC_MQTT_WORDS_H

#include "base/status.h"

#include <stdbool.h>

/* A CONNACK that refuses: an MQTT 5 reason code or a 3.1.1 return code. */
void mqtt_words_refusal(struct ts_err *err, int code);
/* The end of a session: libmosquitto's or the broker's own code. */
void mqtt_words_end(struct ts_err *err, int code);
/* The end said nothing: whoever saw the line knows more. */
bool mqtt_words_end_is_vague(int code);

#endif
