/* The log: one line an entry on standard error, read by people and journald.
 * Log once, at the place that decides. Never a payment digit, a loyalty
 * number or a query string. */
#ifndef TS_BASE_LOG_H
#define TS_BASE_LOG_H

enum ts_log_level { TS_LOG_ERROR, TS_LOG_WARN, TS_LOG_INFO, TS_LOG_DEBUG };

/* A sink receives whole lines without the line end. */
typedef void ts_log_sink(void *ctx, enum ts_log_level level, const char *line);

/* Up to this level is written; TS_LOG_INFO at start. */
void ts_log_set_level(enum ts_log_level level);
/* NULL goes back to standard error. */
void ts_log_set_sink(ts_log_sink *sink, void *ctx);

/* `part` is the module's name. Control characters in the text become '?',
 * lines over 1,024 characters are cut. */
void ts_log(enum ts_log_level level, const char *part, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
