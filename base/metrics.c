#include "base/metrics.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERIES_MAX = 1000, LABELS_MAX = 512 };

struct series {
    char *labels;
    double value;
};

struct metric {
    const char *name;
    const char *help;
    enum ts_metric_kind kind;
    struct series *series; /* sorted by labels */
    size_t count;
    size_t cap;
};

struct ts_metrics {
    struct metric *metric;
    size_t count;
};

struct ts_metrics *ts_metrics_new(void) {
    return ts_alloc(sizeof(struct ts_metrics));
}

void ts_metrics_free(struct ts_metrics *metrics) {
    if (!metrics)
        return;
    for (size_t i = 0; i < metrics->count; i++) {
        struct metric *metric = &metrics->metric[i];
        for (size_t j = 0; j < metric->count; j++)
            free(metric->series[j].labels);
        free(metric->series);
    }
    free(metrics->metric);
    free(metrics);
}

static struct metric *find_metric(const struct ts_metrics *metrics,
                                  const char *name) {
    for (size_t i = 0; i < metrics->count; i++)
        if (!strcmp(metrics->metric[i].name, name))
            return &metrics->metric[i];
    return NULL;
}

void ts_metrics_declare(struct ts_metrics *metrics, const char *name,
                        enum ts_metric_kind kind, const char *help) {
    assert(!find_metric(metrics, name));
    metrics->metric = ts_realloc(metrics->metric, (metrics->count + 1) *
                                                      sizeof *metrics->metric);
    metrics->metric[metrics->count++] =
        (struct metric){.name = name, .help = help, .kind = kind};
}

/* Where `labels` stands or would stand. */
static size_t series_place(const struct metric *metric, const char *labels,
                           bool *found) {
    size_t low = 0;
    size_t high = metric->count;

    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(metric->series[middle].labels, labels);
        if (!order) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct series *insert_series(struct metric *metric, size_t place,
                                    const char *labels) {
    if (metric->count == metric->cap) {
        metric->cap = metric->cap ? metric->cap * 2 : 4;
        metric->series =
            ts_realloc(metric->series, metric->cap * sizeof *metric->series);
    }
    memmove(metric->series + place + 1, metric->series + place,
            (metric->count - place) * sizeof *metric->series);
    metric->series[place] = (struct series){.labels = ts_strdup(labels)};
    metric->count++;
    return &metric->series[place];
}

static struct series *reach(struct ts_metrics *metrics, const char *name,
                            const char *labels) {
    static const char overflow[] = "overflow=\"true\"";
    struct metric *metric = find_metric(metrics, name);
    bool found;
    size_t place;

    assert(metric && "metric was never declared");
    place = series_place(metric, labels, &found);
    if (found)
        return &metric->series[place];
    if (metric->count >= SERIES_MAX || strlen(labels) > LABELS_MAX) {
        place = series_place(metric, overflow, &found);
        if (found)
            return &metric->series[place];
        labels = overflow;
    }
    return insert_series(metric, place, labels);
}

void ts_metrics_add(struct ts_metrics *metrics, const char *name,
                    const char *labels, double amount) {
    reach(metrics, name, labels)->value += amount;
}

void ts_metrics_set(struct ts_metrics *metrics, const char *name,
                    const char *labels, double value) {
    reach(metrics, name, labels)->value = value;
}

double ts_metrics_get(const struct ts_metrics *metrics, const char *name,
                      const char *labels) {
    const struct metric *metric = find_metric(metrics, name);
    bool found = false;
    size_t place = metric ? series_place(metric, labels, &found) : 0;

    return found ? metric->series[place].value : 0;
}

/* The bytes that stand for the character at *p in a label; moves *p past a
 * whole UTF-8 character. */
static size_t label_piece(char piece[8], const char **p) {
    size_t len = 1;

    if (**p == '\n' || **p == '"' || **p == '\\') {
        piece[0] = '\\';
        piece[1] = **p == '\n' ? 'n' : **p;
        (*p)++;
        return 2;
    }
    while (len < 4 && ((unsigned char)(*p)[len] & 0xc0) == 0x80)
        len++;
    memcpy(piece, *p, len);
    *p += len;
    if ((unsigned char)piece[0] < 0x20 ||
        !ts_utf8_valid(ts_slice_of(piece, len))) {
        piece[0] = '?';
        return 1;
    }
    return len;
}

void ts_metrics_label(char *out, size_t size, const char *key,
                      const char *value) {
    size_t head = strlen(key) + 2;
    size_t at = head;
    char piece[8];

    if (!size)
        return;
    out[0] = 0;
    if (head + 2 > size)
        return;
    (void)snprintf(out, size, "%s=\"", key);
    while (*value) {
        size_t len = label_piece(piece, &value);
        if (at + len + 2 > size)
            break;
        memcpy(out + at, piece, len);
        at += len;
    }
    out[at] = '"';
    out[at + 1] = 0;
}

static enum ts_status render_series(const struct metric *metric,
                                    const struct series *series,
                                    struct ts_buf *out) {
    char number[64];
    const char *open = *series->labels ? "{" : "";
    const char *shut = *series->labels ? "}" : "";

    if (isnan(series->value))
        (void)snprintf(number, sizeof number, "NaN");
    else if (isinf(series->value))
        (void)snprintf(number, sizeof number,
                       series->value > 0 ? "+Inf" : "-Inf");
    else
        (void)snprintf(number, sizeof number, "%.17g", series->value);
    return ts_buf_printf(out, "%s%s%s%s %s\n", metric->name, open,
                         series->labels, shut, number);
}

static enum ts_status render_metric(const struct metric *metric,
                                    struct ts_buf *out) {
    if (ts_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name,
                      metric->help, metric->name,
                      metric->kind == TS_COUNTER ? "counter" : "gauge") !=
        TS_OK)
        return TS_FULL;
    for (size_t i = 0; i < metric->count; i++)
        if (render_series(metric, &metric->series[i], out) != TS_OK)
            return TS_FULL;
    return TS_OK;
}

enum ts_status ts_metrics_render(const struct ts_metrics *metrics,
                                 struct ts_buf *out) {
    for (size_t i = 0; i < metrics->count; i++)
        if (render_metric(&metrics->metric[i], out) != TS_OK)
            return TS_FULL;
    return TS_OK;
}
