/* The `line` driver: readers that send a scan as a line of text. */
#ifndef TS_DRIVERS_LINE_H
#define TS_DRIVERS_LINE_H

#include "drivers/driver.h"

extern const struct driver line_driver;

/* The rows of line_profiles.c; the first is the default. */
extern const struct driver_profile line_profiles[];

/* Silence after which an unended line is given up: whole scans take a few
 * milliseconds to a second on the slowest line. */
enum { LINE_GIVE_UP_MS = 2000 };

/* What ails bytes that are no text, and what a person should change. */
struct line_fault {
    enum scan_error error; /* SCAN_OK: nothing wrong */
    const char *hint;
};
struct line_fault line_diagnose(struct ts_slice bytes);

/* `bytes` ends in a byte with bit 7 that would end a line without it, and the
 * line is not UTF-8: the port's parity bit is read as data. */
bool line_ends_in_parity(struct ts_slice bytes, const char *terminators);

#endif
