/* A driver turns the bytes of one reader into scans. Pure: no descriptor,
 * clock, heap or log; time comes in, bytes to send go out through the sink. */
#ifndef TS_DRIVERS_DRIVER_H
#define TS_DRIVERS_DRIVER_H

#include "base/bytes.h"
#include "base/time.h"

enum { SCAN_MAX_TEXT = 4096 };

/* Why bytes did not become a scan; the names of scan_error_name. */
enum scan_error {
    SCAN_OK = 0,
    SCAN_BAD_AIM,
    SCAN_BAD_CHAR,
    SCAN_BAD_CHECK_DIGIT,
    SCAN_BAD_CHECKSUM,
    SCAN_BAD_FRAME,
    SCAN_BAD_LENGTH,
    SCAN_GARBAGE,
    SCAN_OVERLONG,
    SCAN_PARITY_BIT7,
    SCAN_TRUNCATED
};
const char *scan_error_name(enum scan_error error);

/* One reading as the device gave it; slices live for the call only. */
struct scan {
    struct ts_slice text; /* AIM identifier, prefix and suffix stripped */
    char aim[4];          /* "]E0", or "" when the device sends none */
    char code_id;         /* vendor's code letter, or 0 */
    bool continuation;    /* no AIM where this reader sends one: the rest of
                             a 2D text that holds the terminator */
};

struct driver_sink {
    void *ctx;
    /* The owner answers each scan, in order, by confirm or refuse. */
    void (*scan)(void *ctx, const struct scan *scan);
    /* `hint`: what a person should change, or "". */
    void (*reject)(void *ctx, enum scan_error error, const char *hint);
    /* Bytes for the device. */
    void (*send)(void *ctx, struct ts_slice bytes);
};

/* What the person at the reader should hear or see. */
enum scan_signal {
    SIGNAL_RECORDED,
    SIGNAL_MEMBER,
    SIGNAL_OFFER,
    SIGNAL_UNKNOWN,
    SIGNAL_REFUSED
};

/* A device that differs only in data: a row of a driver's profile table. */
struct driver_profile {
    const char *name;           /* "generic", "honeywell", ... */
    const char *terminators;    /* each byte ends a scan; CR LF counts once */
    unsigned idle_ms;           /* silence that ends a scan; 0: never */
    bool sends_aim;             /* an AIM identifier is expected */
    const char *code_ids;       /* vendor's code letters ahead of the text */
    struct ts_slice on_open;    /* sent when the port opens */
    struct ts_slice signals[5]; /* by enum scan_signal; empty: silent */
};

struct driver {
    const char *name;
    const char *summary; /* one line for `tessera ports` and the manual */
    const struct driver_profile *profiles; /* last row: name NULL */
    size_t state_size;
    /* `state` is state_size zeroed bytes of the caller's, aligned for any
     * type. Called at each opening of the port: what was half read is gone. */
    void (*open)(void *state, const struct driver_profile *profile,
                 const struct driver_sink *sink);
    void (*feed)(void *state, struct ts_slice bytes, struct ts_mono now,
                 const struct driver_sink *sink);
    /* The instant at which `expire` wants to be called; false: none. */
    bool (*deadline)(const void *state, struct ts_mono *at);
    void (*expire)(void *state, struct ts_mono now,
                   const struct driver_sink *sink);
    /* The oldest unanswered scan is durable: the device may forget it. */
    void (*confirm)(void *state, enum scan_signal signal,
                    const struct driver_sink *sink);
    /* The oldest unanswered scan was not taken: the device should keep or
     * drop it and tell the person. */
    void (*refuse)(void *state, enum scan_signal signal,
                   const struct driver_sink *sink);
    /* Wipes what may be a payment card. */
    void (*wipe)(void *state);
};

/* By name, or NULL. */
const struct driver *driver_find(const char *name);
/* The table; `index` past the end: NULL. */
const struct driver *driver_at(size_t index);
const struct driver_profile *driver_profile_find(const struct driver *driver,
                                                 const char *name);

#endif
