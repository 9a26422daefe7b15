/* GS1 data: element strings (GS1 General Specifications 3 and 7.8.5) and GS1
 * Digital Link URIs (GS1 Digital Link Standard: URI Syntax), plain and
 * compressed. Pure, no heap.
 *
 * Checked as GS1's own syntax dictionary says: known Application Identifiers,
 * lengths, character sets, check digits, dates and the other value rules,
 * required and excluded companions. */
#ifndef TS_DRIVERS_CODE_GS1_H
#define TS_DRIVERS_CODE_GS1_H

#include "drivers/driver.h"

/* More elements are a fault; no label that people make comes near. */
enum { GS1_ELEMENTS_MAX = 128, GS1_FAULT_TEXT = 200 };

struct gs1_element {
    char ai[5];            /* "01", "3103" */
    uint8_t row;           /* of the table of AIs */
    struct ts_slice value; /* of the text, or of `values` */
};

struct gs1 {
    size_t count;
    struct gs1_element elements[GS1_ELEMENTS_MAX];
    bool compressed;      /* came from a compressed Digital Link */
    struct ts_slice host; /* of a Digital Link: untrusted, never fetched */
    char fault[GS1_FAULT_TEXT]; /* why not; of the input at most an AI */
    size_t used;
    uint8_t values[SCAN_MAX_TEXT]; /* values that had to be decoded */
};

enum gs1_result {
    GS1_OK,
    GS1_ABSENT, /* links only: a URI that does not claim to be a Digital Link */
    GS1_INVALID /* `fault` says why */
};

/* Both write all of `out` that counts; it needs no clearing before. Without
 * GS1_OK it has no element. */

/* `text` without AIM identifier; FNC1 as GS (0x1d). Slices of `out` point into
 * `text` or into `out`: do not copy `out`. */
enum gs1_result gs1_parse(struct gs1 *out, struct ts_slice text);
/* A URI as a 2D code or a tag carries it. The host means nothing. Elements
 * come as key, qualifiers, attributes. */
enum gs1_result gs1_parse_link(struct gs1 *out, struct ts_slice uri);
/* The value of `ai`, or an empty slice. */
struct ts_slice gs1_value(const struct gs1 *gs1, const char *ai);
/* The element whose AI begins with `ai` of 2 or 3 digits ("392"): the fourth
 * digit is the decimal places. NULL: none. */
const struct gs1_element *gs1_family(const struct gs1 *gs1, const char *ai);

#endif
