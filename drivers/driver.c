#include "drivers/driver.h"

#include "drivers/crt591.h"
#include "drivers/dechdr.h"
#include "drivers/em4100.h"
#include "drivers/line.h"
#include "drivers/msr.h"
#include "drivers/pn532.h"
#include "drivers/ssi.h"
#include "drivers/twn4.h"

#include <string.h>

/* A new protocol is one file and one row here. */
static const struct driver *const drivers[] = {
    &line_driver, &msr_driver, &em4100_driver, &pn532_driver,
    &twn4_driver, &ssi_driver, &dechdr_driver, &crt591_driver};
enum { DRIVERS = sizeof drivers / sizeof drivers[0] };

static const char *const error_names[SCAN_ERRORS] = {
    [SCAN_OK] = "ok",
    [SCAN_BAD_AIM] = "bad_aim",
    [SCAN_BAD_CHAR] = "bad_char",
    [SCAN_BAD_CHECK_DIGIT] = "bad_check_digit",
    [SCAN_BAD_CHECKSUM] = "bad_checksum",
    [SCAN_BAD_FRAME] = "bad_frame",
    [SCAN_BAD_LENGTH] = "bad_length",
    [SCAN_BAD_LRC] = "bad_lrc",
    [SCAN_BAD_NUMBER_SYSTEM] = "bad_number_system",
    [SCAN_BAD_PRICE_VERIFIER] = "bad_price_verifier",
    [SCAN_DEVICE_ERROR] = "device_error",
    [SCAN_DL_INVALID] = "dl_invalid",
    [SCAN_EMPTY] = "empty",
    [SCAN_GARBAGE] = "garbage",
    [SCAN_GS1_INVALID] = "gs1_invalid",
    [SCAN_INCOMPLETE_MULTIPACKET] = "incomplete_multipacket",
    [SCAN_NFC_AUTH] = "nfc_auth",
    [SCAN_NFC_TIMEOUT] = "nfc_timeout",
    [SCAN_NO_END_SENTINEL] = "no_end_sentinel",
    [SCAN_OVERLONG] = "overlong",
    [SCAN_PARITY_BIT7] = "parity_bit7",
    [SCAN_READ_ERROR] = "read_error",
    [SCAN_TRUNCATED] = "truncated",
};

static const char *const tone_names[TONES] = {
    [TONE_NONE] = "none",   [TONE_ONE] = "one", [TONE_TWO] = "two",
    [TONE_THREE] = "three", [TONE_LOW] = "low", [TONE_ALARM] = "alarm",
};

const char *scan_error_name(enum scan_error error) {
    return (size_t)error < SCAN_ERRORS ? error_names[error] : "unknown";
}

const char *driver_tone_name(enum driver_tone tone) {
    return (size_t)tone < TONES ? tone_names[tone] : "unknown";
}

bool driver_tone_find(const char *name, enum driver_tone *out) {
    for (size_t i = 0; i < TONES; i++) {
        if (strcmp(tone_names[i], name) == 0) {
            *out = (enum driver_tone)i;
            return true;
        }
    }
    return false;
}

enum driver_tone driver_tone_default(enum scan_outcome outcome) {
    static const enum driver_tone tones[OUTCOMES] = {
        [OUTCOME_RECORDED] = TONE_ONE,  [OUTCOME_MEMBER] = TONE_TWO,
        [OUTCOME_OFFER] = TONE_THREE,   [OUTCOME_UNKNOWN] = TONE_LOW,
        [OUTCOME_REFUSED] = TONE_ALARM,
    };
    return tones[outcome];
}

void driver_answer_none(void *state, enum driver_tone tone,
                        const struct driver_sink *sink) {
    (void)state;
    (void)tone;
    (void)sink;
}

void driver_tell(const struct driver_sink *sink, enum notice_kind kind,
                 const char *name, const char *text, const char *hint) {
    struct notice notice = {
        .kind = kind, .name = name, .code = -1, .text = text, .hint = hint};

    sink->notice(sink->ctx, &notice);
}

const struct driver *driver_at(size_t index) {
    return index < DRIVERS ? drivers[index] : NULL;
}

const struct driver *driver_find(const char *name) {
    for (size_t i = 0; i < DRIVERS; i++) {
        if (strcmp(drivers[i]->name, name) == 0)
            return drivers[i];
    }
    return NULL;
}

const struct driver_profile *driver_profile_find(const struct driver *driver,
                                                 const char *name) {
    for (const struct driver_profile *p = driver->profiles; p->name; p++) {
        if (strcmp(p->name, name) == 0)
            return p;
    }
    return NULL;
}
