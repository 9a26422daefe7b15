/* AIM symbology identifiers, ISO/IEC 15424: `]`, a letter, a modifier. */
#ifndef TS_DRIVERS_CODE_AIM_H
#define TS_DRIVERS_CODE_AIM_H

#include "drivers/code/code.h"

enum { AIM_LENGTH = 3 };

/* `text` begins with an identifier of the right form, known or not. */
bool aim_well_formed(struct ts_slice text);

/* SYMBOLOGY_UNKNOWN for "" and for what the table lacks. */
enum symbology aim_symbology(const char aim[4]);

/* Honeywell's code letters (Xenon and Voyager user's guides, symbology
 * charts), the only ones that a profile asks for. */
enum symbology aim_of_code_id(char code_id);

#endif
