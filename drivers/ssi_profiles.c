#include "drivers/ssi.h"

/* clang-format off */
#define BYTES(text) {(const uint8_t *)(text), sizeof(text) - 1}

/* Beeps: 00 to 04 are one to five short high ones, 05 and on low; 14 warbles.
 * Lights: bit 0 green, bit 1 red. Packets with their checksums. */
#define BEEP_1 "\x05\xe6\x04\x00\x00\xff\x11"
#define BEEP_2 "\x05\xe6\x04\x00\x01\xff\x10"
#define BEEP_3 "\x05\xe6\x04\x00\x02\xff\x0f"
#define BEEP_LOW "\x05\xe6\x04\x00\x05\xff\x0c"
#define BEEP_ALARM "\x05\xe6\x04\x00\x08\xff\x09"
#define LED_GREEN "\x05\xe7\x04\x00\x01\xff\x0f"
#define LED_RED "\x05\xe7\x04\x00\x02\xff\x0e"

#define TONES_ALL {[TONE_ONE] = BYTES(BEEP_1 LED_GREEN), \
    [TONE_TWO] = BYTES(BEEP_2 LED_GREEN), \
    [TONE_THREE] = BYTES(BEEP_3 LED_GREEN), \
    [TONE_LOW] = BYTES(BEEP_LOW LED_RED), \
    [TONE_ALARM] = BYTES(BEEP_ALARM LED_RED)}

#define COMMANDS_ALL { \
    .trigger_on = BYTES("\x04\xe4\x04\x00\xff\x14"), \
    .trigger_off = BYTES("\x04\xe5\x04\x00\xff\x13"), \
    .enable = BYTES("\x04\xe9\x04\x00\xff\x0f"), \
    .disable = BYTES("\x04\xea\x04\x00\xff\x0e")}

/* A parameter without a beep, until the scanner is switched off: its memory is
 * not worn out by a set-up at each opening. */
#define PARAM(name_, declined_, count, ...) \
    {SSI_PARAM_SEND, 1 + (count), {0xff, __VA_ARGS__}, name_, declined_}

/* The queue is not flushed: what waits there was beeped to a person and is
 * taken and answered like any scan. */
#define SET_UP \
    PARAM("packets", "the scanner will not send packets: scan \"Send " \
          "Packeted Decode Data\" from its manual", 2, 0xee, 0x01), \
    PARAM("ACK and NAK", "the scanner will not wait for answers, so that a " \
          "scan may be lost: scan \"Enable ACK/NAK\" from its manual", \
          2, 0x9f, 0x01), \
    PARAM("no parameter bar codes", "a customer may set the scanner with a " \
          "printed code: scan \"Disable Parameter Scanning\" from its manual", \
          2, 0xec, 0x00), \
    PARAM("each packet is answered", NULL, 3, 0xf0, 0x4e, 0x00), \
    PARAM("a reading of nothing is told", NULL, 2, 0x5e, 0x01), \
    {SSI_REQUEST_REVISION, 0, {0}, "revision", NULL}, \
    {SSI_SCAN_ENABLE, 0, {0}, "scanning on", \
     "the scanner stays off: switch it off and on"}, \
    {0, 0, {0}, NULL, NULL}

#define BEGIN \
    {SSI_SCAN_DISABLE, 0, {0}, "scanning off", NULL}, \
    {SSI_IMAGER_MODE, 1, {0x00}, "decoding", NULL}

static const struct ssi_command commands[] = {BEGIN, SET_UP};
static const struct ssi_command commands_rts_high[] = {
    PARAM("host RTS is high", NULL, 2, 0x9a, 0x01), BEGIN, SET_UP};

static const struct ssi_setup set_up = {.commands = commands};
static const struct ssi_setup set_up_rts_high = {.commands = commands_rts_high};
static const struct ssi_setup set_up_already = {.commands = NULL};

#define LINE(rts) {.baud = 9600, .data_bits = 8, .parity = 'N', \
    .stop_bits = 1, .rts_cts = (rts)}

const struct driver_profile ssi_profiles[] = {
    {.name = "zebra", .summary = "Zebra and Symbol scanners on RS-232",
     .line = LINE(true), .terminators = "\r\n\t", .tones = TONES_ALL,
     .commands = COMMANDS_ALL, .detail = &set_up},
    {.name = "usb-cdc",
     .summary = "SSI over USB CDC, or a cable without RTS and CTS",
     .line = LINE(false), .terminators = "\r\n\t", .tones = TONES_ALL,
     .commands = COMMANDS_ALL, .detail = &set_up},
    {.name = "rts-high",
     .summary = "RS-232 where the host's RTS line idles high",
     .line = LINE(true), .terminators = "\r\n\t", .tones = TONES_ALL,
     .commands = COMMANDS_ALL, .detail = &set_up_rts_high},
    {.name = "as-is",
     .summary = "set up by programming codes: packets, ACK/NAK, nothing sent",
     .line = LINE(false), .terminators = "\r\n\t", .tones = TONES_ALL,
     .commands = COMMANDS_ALL, .detail = &set_up_already},
    {.name = NULL},
};
/* clang-format on */
