/* One reader: port, driver and code in the loop. Bytes become scans, scans go
 * to the lane, and the device is answered after the commit. A reader that is
 * pulled out comes back by itself. */
#ifndef TS_AGENT_READER_H
#define TS_AGENT_READER_H

#include "agent/lane.h"
#include "drivers/port/port.h"

struct reader;

struct reader_options {
    const char *name;
    const char *port;
    const char *driver;
    const char *profile;
    struct port_line line;
    unsigned repeat_ms; /* the same code again within this is one scan */
    enum driver_tone tones[OUTCOMES]; /* what the person hears */
    const struct code_rules *rules;
    const struct ts_clock *clock;
    struct lane *lane;
    /* For tests, else NULL. */
    const struct driver *own_driver; /* with its first profile */
    const struct port_backend *backend;
    void *backend_ctx;
};

/* TS_INVALID: no such driver or profile; the text lists those that are. */
enum ts_status reader_check(const char *driver, const char *profile,
                            struct ts_err *err) TS_MUST_USE;
/* Opens the port at once when it is there. The options' texts are borrowed. */
enum ts_status reader_new(struct reader **out, struct event_base *loop,
                          const struct reader_options *options,
                          struct ts_err *err) TS_MUST_USE;
/* Flush the recorder first: unanswered scans still point to the reader. */
void reader_free(struct reader *reader);

struct reader_stats {
    uint64_t scans, repeats, retransmissions, openings, unplugged;
    uint64_t unsent_bytes; /* for a device that takes nothing */
    uint64_t rejects;      /* all of `errors` */
    uint64_t errors[SCAN_ERRORS];
    uint64_t notices[NOTICE_KINDS];
    bool attached;
};
/* "ack", "no_read", "withheld", ... */
const char *reader_notice_name(enum notice_kind kind);
void reader_get_stats(const struct reader *reader, struct reader_stats *out);
const char *reader_name(const struct reader *reader);

#endif
