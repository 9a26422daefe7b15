#include "drivers/line.h"

/* clang-format off */
#define BYTES(text) {(const uint8_t *)(text), sizeof(text) - 1}

/* A device with one sound: the count tells low (4) and alarm (5). */
#define BEEPS(b) {[TONE_ONE] = BYTES(b), [TONE_TWO] = BYTES(b b), \
    [TONE_THREE] = BYTES(b b b), [TONE_LOW] = BYTES(b b b b), \
    [TONE_ALARM] = BYTES(b b b b b)}
/* A device with a good and a bad sound. */
#define GOOD_BAD(g, b) {[TONE_ONE] = BYTES(g), [TONE_TWO] = BYTES(g g), \
    [TONE_THREE] = BYTES(g g g), [TONE_LOW] = BYTES(b), \
    [TONE_ALARM] = BYTES(b b)}

static const struct line_detail menu_answers = {LINE_ANSWERS_MENU};
static const struct line_detail frame_answers = {LINE_ANSWERS_FRAME};

#define AT_115200 {.baud = 115200, .data_bits = 8, .parity = 'N', \
    .stop_bits = 1}

/* Sources: docs/readers.md, which also says what no manual confirmed. */
const struct driver_profile line_profiles[] = {
    {.name = "generic", .summary = "any text reader; says nothing back",
     .terminators = "\r\n\t\x03"},
    /* One BEL for each scan that is recorded, and a control character behind
     * it tells the rest; NAK alone: not taken. */
    {.name = "bel", .summary = "readers that beep on BEL",
     .terminators = "\r\n\t\x03",
     .tones = {[TONE_ONE] = BYTES("\x07"), [TONE_TWO] = BYTES("\x07\x12"),
               [TONE_THREE] = BYTES("\x07\x14"), [TONE_LOW] = BYTES("\x07\x05"),
               [TONE_ALARM] = BYTES("\x15")}},
    {.name = "silence", .summary = "readers that send no suffix: a pause of "
     "100 ms ends the scan", .terminators = "\r\n\t\x03", .idle_ms = 100},
    {.name = "aim", .summary = "readers with AIM identifiers switched on; a "
     "line without one is flagged", .terminators = "\r\n\t\x03",
     .sends_aim = true},
    /* SYN BEL CR beeps; the trigger works in manual trigger mode only. */
    {.name = "honeywell", .summary = "Honeywell Xenon, Voyager, Genesis",
     .line = AT_115200, .terminators = "\r\n",
     .tones = BEEPS("\x16\x07\r"), .detail = &menu_answers,
     .commands = {.trigger_on = BYTES("\x16T\r"),
                  .trigger_off = BYTES("\x16U\r")}},
    {.name = "honeywell-codeid",
     .summary = "the same with \"code ID prefix\" switched on",
     .line = AT_115200, .terminators = "\r\n",
     .code_ids = "abcdDEefghijIrRswxy{}zH.<=`",
     .tones = BEEPS("\x16\x07\r"), .detail = &menu_answers,
     .commands = {.trigger_on = BYTES("\x16T\r"),
                  .trigger_off = BYTES("\x16U\r")}},
    {.name = "metrologic", .summary = "Metrologic and Honeywell MS9500, "
     "MS7100: laser readers of the older kind", .terminators = "\r\n"},
    /* 0x01 beeps; F sounds the not-on-file tone and, on a PowerScan, leaves
     * the reader disabled: E enables it again. */
    {.name = "datalogic", .summary = "Datalogic Gryphon, QuickScan, "
     "PowerScan, Magellan", .terminators = "\r\n",
     .tones = GOOD_BAD("\x01", "FE"),
     .commands = {.trigger_on = BYTES("T"), .trigger_off = BYTES("X"),
                  .enable = BYTES("E"), .disable = BYTES("D")}},
    {.name = "zebra", .summary = "Zebra and Symbol, standard RS-232 or CDC "
     "with suffix CR", .terminators = "\r\n"},
    {.name = "newland", .summary = "Newland handheld and fixed readers",
     .terminators = "\r\n", .detail = &frame_answers,
     .commands = {.trigger_on = BYTES("~\x01" "0000#SCNTRG1;\x03")}},
    /* ESC letter CR. */
    {.name = "opticon", .summary = "Opticon, RS-232 or USB-COM",
     .terminators = "\r\n", .tones = GOOD_BAD("\x1b" "B\r", "\x1b" "E\r")},
    {.name = "unitech", .summary = "Unitech handheld readers",
     .terminators = "\r\n"},
    /* One sound; the reader takes it as a line of its own. */
    {.name = "cipherlab", .summary = "CipherLab 1500 and 1600 series",
     .terminators = "\r\n", .tones = BEEPS("#@////\r"),
     .commands = {.enable = BYTES("E"), .disable = BYTES("D")}},
    /* 7E, opcode of 3, status, length of 2, value, XOR of all, 7E. */
    {.name = "cino", .summary = "Cino FuzzyScan in serial mode",
     .terminators = "\r\n",
     .commands = {
         .trigger_on = BYTES("\x7e\x80\x02\0\0\0\x01\x01\x82\x7e"),
         .trigger_off = BYTES("\x7e\x80\x02\0\0\0\x01\0\x83\x7e")}},
    {.name = "keyence", .summary = "Keyence BL and SR code readers",
     .terminators = "\r\n",
     .commands = {.trigger_on = BYTES("LON\r"),
                  .trigger_off = BYTES("LOFF\r")}},
    {.name = "code", .summary = "Code Corporation CR readers in raw mode",
     .terminators = "\r\n\t"},
    {.name = "netum", .summary = "Netum and other readers without a name, in "
     "USB-COM mode", .terminators = "\r\n\t"},
    {.name = NULL},
};
/* clang-format on */
