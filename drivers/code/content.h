/* What was read, ahead of what it means: the symbology and the text proper. */
#ifndef TS_DRIVERS_CODE_CONTENT_H
#define TS_DRIVERS_CODE_CONTENT_H

#include "drivers/driver.h"

/* By the AIM identifier, else the device's type byte, else its code letter. */
enum symbology content_symbology(const struct scan *scan);

/* Nobody told the symbology: neither identifier, type byte nor letter. */
bool content_untold(const struct scan *scan);

/* The text without the ECI designators ahead of it ("\000026"). */
struct ts_slice content_text(const struct scan *scan);

/* A backslash and six digits: a switch of the character set. */
enum { CONTENT_ECI_LENGTH = 7 };
bool content_eci_at(struct ts_slice text, size_t at);

/* A composite symbol puts "|]e0" between its linear code and its 2D part:
 * answers that part, or an empty slice without data, and cuts `text`. */
struct ts_slice content_cut_composite(struct ts_slice *text);

/* An http or https URI. */
bool content_is_link(struct ts_slice text);

/* Digits with control characters among them: a line fault, not a text. */
bool content_is_noise(struct ts_slice text);

#endif
