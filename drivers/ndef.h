/* The memory of an NFC Forum Type 2 tag and the NDEF records in it. Pure; a
 * record that is not whole is an error, never repaired.
 * Sources: NFC Forum Type 2 Tag 1.1 (part 2), NDEF 1.0, RTD Text 1.0, RTD
 * URI 1.0. */
#ifndef TS_DRIVERS_NDEF_H
#define TS_DRIVERS_NDEF_H

#include "drivers/driver.h"

enum {
    NDEF_MEMORY_MAX = 1008, /* pages 4 to 255; an NTAG216 has 888 bytes */
    NDEF_TEXT_MAX = 2048    /* UTF-16 grows by half in UTF-8 */
};

enum ndef_find {
    NDEF_FOUND,
    NDEF_NONE, /* the end is marked and no message came before it */
    NDEF_MORE  /* `need` bytes of memory are needed at least */
};

/* `memory` starts at page 4: TLVs up to the message or the terminator. */
enum ndef_find ndef_find(struct ts_slice memory, struct ts_slice *message,
                         size_t *need);

struct ndef_record {
    uint8_t tnf;
    struct ts_slice type;
    struct ts_slice payload;
};

/* The next record of `rest`, which is moved on. Check `rest->len` first.
 * SCAN_TRUNCATED: lengths that pass the end, or no record marked as the last;
 * SCAN_BAD_FRAME: a chunked record, or flags that cannot be. */
enum scan_error ndef_next(struct ts_slice *rest, struct ndef_record *out);

enum ndef_kind { NDEF_OTHER, NDEF_TEXT, NDEF_URI };

struct ndef_text {
    enum ndef_kind kind;
    char language[8]; /* of a text record, else "" */
    size_t len;
    uint8_t text[NDEF_TEXT_MAX]; /* UTF-8; a URI with its prefix */
};

/* SCAN_BAD_CHAR: not in the character set that it names; SCAN_OVERLONG. */
enum scan_error ndef_read(struct ndef_text *out,
                          const struct ndef_record *record);

/* The one record that stands for the tag: the first text, else the first URI,
 * also of a smart poster; NDEF_OTHER when there is neither. */
enum scan_error ndef_choose(struct ndef_text *out, struct ts_slice message);

#endif
