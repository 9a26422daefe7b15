/* What mqtt_new is given: checked, copied, freed. */
#ifndef TS_SYNC_MQTT_OPTIONS_H
#define TS_SYNC_MQTT_OPTIONS_H

#include "sync/brokers.h"
#include "sync/mqtt.h"

enum ts_status mqtt_options_check(const struct mqtt_options *options,
                                  struct ts_err *err) TS_MUST_USE;
/* Replaces the borrowed texts by copies, and their way back. */
void mqtt_options_dup_texts(struct mqtt_options *options);
void mqtt_options_free_texts(struct mqtt_options *options);
/* In the order of the options, which have been checked. */
void mqtt_options_brokers(struct brokers *out,
                          const struct mqtt_options *options);

#endif
