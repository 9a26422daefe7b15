/* What a fallible function answers, and the text a person can act on. */
#ifndef TS_BASE_STATUS_H
#define TS_BASE_STATUS_H

enum ts_status {
    TS_OK = 0,
    TS_AGAIN,   /* not ready: wait for the descriptor or the timer */
    TS_CLOSED,  /* the device or the peer went away: reopen with backoff */
    TS_INVALID, /* input or argument is wrong: a retry cannot help */
    TS_FULL,    /* a configured limit is reached: push back */
    TS_CORRUPT, /* stored data fails its check: quarantine it, keep the rest */
    TS_DENIED,  /* the other side refused: alert, retry slowly */
    TS_IO       /* the operating system failed us: see the text */
};

enum { TS_ERR_TEXT = 384 };

/* The caller's storage; text is NUL-terminated and safe to show or log. */
struct ts_err {
    enum ts_status status;
    char text[TS_ERR_TEXT];
};

#define TS_MUST_USE __attribute__((warn_unused_result))

/* Fills `err` (which may be NULL) and returns `status`. */
enum ts_status ts_fail(struct ts_err *err, enum ts_status status,
                       const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "what: " in front of the text already in `err` and returns its status;
 * `err` is not NULL here, for it holds the status. */
enum ts_status ts_wrap(struct ts_err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One lower-case word, for metrics and logs. */
const char *ts_status_name(enum ts_status status);

#endif
