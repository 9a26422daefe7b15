#include "drivers/line.h"

/* clang-format off */
#define BYTES(text) {(const uint8_t *)(text), sizeof(text) - 1}

/* A device with one sound: the count tells low (4) and alarm (5). */
#define BEEPS(b) {[TONE_ONE] = BYTES(b), [TONE_TWO] = BYTES(b b), \
    [TONE_THREE] = BYTES(b b b), [TONE_LOW] = BYTES(b b b b), \
    [TONE_ALARM] = BYTES(b b b b b)}

const struct driver_profile line_profiles[] = {
    /* Any text reader; says nothing back. */
    {.name = "generic", .terminators = "\r\n\t\x03"},
    /* Readers that beep on BEL: one BEL for each scan that is recorded, and a
     * control character behind it tells the rest; NAK alone: not taken. */
    {.name = "bel", .terminators = "\r\n\t\x03",
     .tones = {[TONE_ONE] = BYTES("\x07"), [TONE_TWO] = BYTES("\x07\x12"),
               [TONE_THREE] = BYTES("\x07\x14"), [TONE_LOW] = BYTES("\x07\x05"),
               [TONE_ALARM] = BYTES("\x15")}},
    /* Readers that send no suffix: a pause ends the scan. */
    {.name = "silence", .terminators = "\r\n\t\x03", .idle_ms = 100},
    /* AIM identifiers are switched on; a line without one is flagged. */
    {.name = "aim", .terminators = "\r\n\t\x03", .sends_aim = true},
    /* Xenon, Voyager, Genesis: 115200 8N1, suffix CR LF; SYN BEL CR beeps. */
    {.name = "honeywell", .terminators = "\r\n",
     .tones = BEEPS("\x16\x07\r")},
    /* The same with "code ID prefix" switched on. */
    {.name = "honeywell-codeid", .terminators = "\r\n",
     .code_ids = "abcdDEefghijIrRswxy{}zH.<=`",
     .tones = BEEPS("\x16\x07\r")},
    /* Gryphon, QuickScan, Magellan: 0x01 beeps, F is the not-on-file tone. */
    {.name = "datalogic", .terminators = "\r\n",
     .tones = {[TONE_ONE] = BYTES("\x01"), [TONE_TWO] = BYTES("\x01\x01"),
               [TONE_THREE] = BYTES("\x01\x01\x01"), [TONE_LOW] = BYTES("F"),
               [TONE_ALARM] = BYTES("FF")}},
    /* Standard RS-232 with suffix CR (Zebra sends none unless told to). */
    {.name = "zebra", .terminators = "\r\n"},
    {.name = "newland", .terminators = "\r\n"},
    {.name = "opticon", .terminators = "\r\n"},
    {.name = NULL},
};
/* clang-format on */
