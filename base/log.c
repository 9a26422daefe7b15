#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static enum ts_log_level log_level = TS_LOG_INFO;
static ts_log_sink *log_sink;
static void *log_ctx;

void ts_log_set_level(enum ts_log_level level) { log_level = level; }

void ts_log_set_sink(ts_log_sink *sink, void *ctx) {
    log_sink = sink;
    log_ctx = ctx;
}

void ts_log(enum ts_log_level level, const char *part, const char *format,
            ...) {
    static const char *const names[] = {"error", "warn", "info", "debug"};
    char line[1024];
    va_list args;
    int head;

    if (level > log_level)
        return;
    head = snprintf(line, sizeof line, "%s %s: ", names[level], part);
    if (head < 0 || (size_t)head >= sizeof line)
        return;
    va_start(args, format);
    (void)vsnprintf(line + head, sizeof line - (size_t)head, format, args);
    va_end(args);
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    if (log_sink)
        log_sink(log_ctx, level, line);
    else
        (void)fprintf(stderr, "%s\n", line);
}
