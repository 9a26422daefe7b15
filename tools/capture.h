/* A capture: what a reader sent and what must come of it, as text that a
 * person can write. docs/writing-a-driver.md describes it. */
#ifndef TS_TOOLS_CAPTURE_H
#define TS_TOOLS_CAPTURE_H

#include "base/bytes.h"

enum capture_what {
    CAPTURE_NOTHING, /* comment or empty line */
    CAPTURE_SEND,    /* "> text": bytes from the reader */
    CAPTURE_WAIT,    /* ". 150": milliseconds */
    CAPTURE_UNPLUG,  /* "! unplug" */
    CAPTURE_PLUG,    /* "! plug" */
    CAPTURE_EXPECT,  /* "= {json}": what the bytes so far mean */
    CAPTURE_HOST,    /* "< bytes": what the host sends to the reader */
    CAPTURE_OPTION   /* "@ name value": how to replay, e.g. "@ profile aim" */
};

struct capture_step {
    enum capture_what what;
    unsigned line;       /* in the file, from 1 */
    unsigned wait_ms;    /* CAPTURE_WAIT */
    struct ts_buf bytes; /* SEND, HOST: bytes; EXPECT, OPTION: text */
};

/* One line without its end. The caller frees step->bytes. */
enum ts_status capture_parse_line(struct capture_step *step,
                                  struct ts_slice line,
                                  struct ts_err *err) TS_MUST_USE;

struct capture {
    struct capture_step *steps; /* without CAPTURE_NOTHING */
    size_t count;
};

/* Errors carry the line number. */
enum ts_status capture_parse(struct capture *out, struct ts_slice text,
                             struct ts_err *err) TS_MUST_USE;
enum ts_status capture_load(struct capture *out, const char *path,
                            struct ts_err *err) TS_MUST_USE;
void capture_fini(struct capture *capture);

#endif
