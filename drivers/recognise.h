/* Tells from bytes alone what kind of reader sends them and how to set it up.
 * Pure; what it answers holds no byte of the input. */
#ifndef TS_DRIVERS_RECOGNISE_H
#define TS_DRIVERS_RECOGNISE_H

#include "drivers/port/port.h"

/* How far a person can go on from what was heard. */
enum heard_verdict {
    HEARD_NOTHING, /* no byte that means anything */
    HEARD_READER,  /* driver and profile are known */
    HEARD_LINE,    /* the line setting is wrong: `line` is the next to try */
    HEARD_OTHER    /* not for us, or of a kind that we do not know */
};

struct heard {
    enum heard_verdict verdict;
    const char *what;             /* "text lines", "Zebra SSI packets", ... */
    const char *driver, *profile; /* HEARD_READER */
    struct port_line line;        /* that belongs to the reader */
    const char *ending;           /* "CR", "CR LF", ..., "nothing", or "" */
    const char *content;          /* "digits", "hex digits", "text", or "" */
    size_t messages;
    size_t length;      /* characters of the first message */
    bool aim;           /* begins with an AIM identifier */
    bool code_id;       /* begins with a maker's code letter */
    const char *advice; /* what a person should change, or "" */
};

/* `bytes`: what came without a pause, under the setting `line`. */
void recognise(struct heard *out, struct ts_slice bytes,
               const struct port_line *line);

/* The setting to try after `line` when nothing makes sense: false when all
 * common ones are through. */
bool recognise_next_line(struct port_line *out, const struct port_line *line);

#endif
