#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum ts_status ts_fail(struct ts_err *err, enum ts_status status,
                       const char *format, ...) {
    if (err) {
        va_list args;
        va_start(args, format);
        err->status = status;
        (void)vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return status;
}

enum ts_status ts_wrap(struct ts_err *err, const char *format, ...) {
    char what[TS_ERR_TEXT / 2];
    char old[TS_ERR_TEXT];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    memcpy(old, err->text, sizeof old);
    (void)snprintf(err->text, sizeof err->text, "%s: %.*s", what,
                   (int)(sizeof err->text - sizeof what - 3), old);
    return err->status;
}

const char *ts_status_name(enum ts_status status) {
    static const char *const names[] = {"ok",   "again",   "closed", "invalid",
                                        "full", "corrupt", "denied", "io"};

    if ((unsigned)status >= sizeof names / sizeof *names)
        return "unknown";
    return names[status];
}
