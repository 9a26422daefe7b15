/* Counters and gauges in the Prometheus text format, version 0.0.4. Names
 * begin with tessera_; labels never hold a person or a card. */
#ifndef TS_BASE_METRICS_H
#define TS_BASE_METRICS_H

#include "base/bytes.h"

struct ts_metrics;
enum ts_metric_kind { TS_COUNTER, TS_GAUGE };

struct ts_metrics *ts_metrics_new(void);
void ts_metrics_free(struct ts_metrics *metrics);
/* `name` and `help` are static text. Declared twice is our own mistake. */
void ts_metrics_declare(struct ts_metrics *metrics, const char *name,
                        enum ts_metric_kind kind, const char *help);
/* `labels` is "" or `reader="a",outcome="ok"`, made by ts_metrics_label; a
 * metric holds at most 1,000 label sets, the rest is counted under
 * overflow="true". */
void ts_metrics_add(struct ts_metrics *metrics, const char *name,
                    const char *labels, double amount);
void ts_metrics_set(struct ts_metrics *metrics, const char *name,
                    const char *labels, double value);
double ts_metrics_get(const struct ts_metrics *metrics, const char *name,
                      const char *labels);
/* key="value" with the value escaped; cut to the room there is. */
void ts_metrics_label(char *out, size_t size, const char *key,
                      const char *value);
enum ts_status ts_metrics_render(const struct ts_metrics *metrics,
                                 struct ts_buf *out) TS_MUST_USE;

#endif
