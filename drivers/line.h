/* The `line` driver: readers that send a scan as a line of text. */
#ifndef TS_DRIVERS_LINE_H
#define TS_DRIVERS_LINE_H

#include "drivers/driver.h"

extern const struct driver line_driver;

/* The rows of line_profiles.c; the first is the default. */
extern const struct driver_profile line_profiles[];

/* How a make of reader answers commands; a profile's `detail`. */
enum line_answers {
    LINE_ANSWERS_MENU = 1, /* tag, data, ACK, ENQ or NAK, "." or "!" */
    LINE_ANSWERS_FRAME     /* STX SOH "0000" "@" tag ... ACK or NAK ";" ETX */
};
struct line_detail {
    enum line_answers answers;
};

enum { LINE_TAG_LENGTH = 6 };

/* A device's answer to a command. */
struct line_answer {
    bool ok;
    int code; /* 6: done, 5: no such tag, 21: no such value */
    char tag[LINE_TAG_LENGTH + 1];
};
/* `text`, without what is dropped ahead of a line, is a whole answer. */
bool line_answer_parse(struct line_answer *out, enum line_answers how,
                       struct ts_slice text);

/* A line of those that a program sends to see whether a port is a modem; a
 * reader with echo gives it back. */
bool line_is_modem_probe(struct ts_slice text);

/* Silence after which an unended line is given up: whole scans take a few
 * milliseconds to a second on the slowest line. */
enum { LINE_GIVE_UP_MS = 2000 };

/* What ails bytes that are no text, and what a person should change. */
struct line_fault {
    enum scan_error error; /* SCAN_OK: nothing wrong */
    const char *hint;
    char parity; /* of the reader: 'E' or 'O' with 7 data bits; 0: not told */
};
struct line_fault line_diagnose(struct ts_slice bytes);

/* `bytes` ends in a byte with bit 7 that would end a line without it, and the
 * line is not UTF-8: the port's parity bit is read as data. */
bool line_ends_in_parity(struct ts_slice bytes, const char *terminators);

#endif
