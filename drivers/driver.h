/* A driver turns the bytes of one reader into scans. Pure: no descriptor,
 * clock, heap or log; time comes in, bytes to send go out through the sink. */
#ifndef TS_DRIVERS_DRIVER_H
#define TS_DRIVERS_DRIVER_H

#include "base/bytes.h"
#include "base/time.h"
#include "drivers/port/port.h"
#include "drivers/code/symbology.h"

enum { SCAN_MAX_TEXT = 4096 };

/* Why bytes did not become a scan; the names of scan_error_name. */
enum scan_error {
    SCAN_OK = 0,
    SCAN_BAD_AIM,
    SCAN_BAD_CHAR,
    SCAN_BAD_CHECK_DIGIT,
    SCAN_BAD_CHECKSUM,
    SCAN_BAD_FRAME,
    SCAN_BAD_LENGTH,
    SCAN_BAD_LRC,
    SCAN_BAD_NUMBER_SYSTEM,
    SCAN_BAD_PRICE_VERIFIER,
    SCAN_DEVICE_ERROR,
    SCAN_DL_INVALID,
    SCAN_EMPTY,
    SCAN_GARBAGE,
    SCAN_GS1_INVALID,
    SCAN_INCOMPLETE_MULTIPACKET,
    SCAN_NFC_AUTH,
    SCAN_NFC_TIMEOUT,
    SCAN_NO_END_SENTINEL,
    SCAN_OVERLONG,
    SCAN_PARITY_BIT7,
    SCAN_READ_ERROR,
    SCAN_TRUNCATED,
    SCAN_ERRORS
};
const char *scan_error_name(enum scan_error error);

enum scan_medium {
    SCAN_BARCODE,
    SCAN_STRIPE, /* magnetic stripe: one swipe */
    SCAN_TAG,    /* RFID or NFC: the tag's own id */
    SCAN_NDEF    /* NFC: one record of the tag's memory */
};

/* One reading as the device gave it; slices live for the call only. */
struct scan {
    enum scan_medium medium;
    /* Barcode: AIM identifier, prefix and suffix stripped. Stripe: the whole
     * swipe as it was sent. Tag: the UID in upper-case hex. NDEF: the text or
     * the URI of the record. */
    struct ts_slice text;
    struct ts_slice add_on; /* digits beside an EAN or UPC that the device told
                               apart from it, or empty */
    char aim[4];            /* "]E0", or "" when the device sends none */
    char code_id;           /* vendor's code letter, or 0 */
    enum symbology symbology;  /* by the device's own type byte, or unknown */
    bool continuation;         /* no AIM where this reader sends one: the rest
                                  of a 2D text that holds the terminator */
    bool retransmission;       /* the device had no answer when it sent this
                                  before: it may be in the journal already */
    struct ts_slice tracks[3]; /* stripe: data of track 1 to 3 without
                                  sentinels and LRC, each may be empty */
    const char *tech;          /* tag: "EM4100", "MIFARE", ..., else NULL */
    unsigned bits;             /* tag: length of the id, 0: not told */
    char language[8];          /* NDEF text record: "it", else "" */
};

/* What a device says that is neither a scan nor a reject. */
enum notice_kind {
    NOTICE_ACK,           /* it took a command */
    NOTICE_NAK,           /* it did not: code is the cause */
    NOTICE_ANSWER,        /* any other answer to a command: text names it */
    NOTICE_READY,         /* set up; text: its revision, or "" */
    NOTICE_EVENT,         /* code: the device's event */
    NOTICE_BOOT,          /* it was restarted: its set-up goes out again */
    NOTICE_NO_READ,       /* triggered, nothing decoded */
    NOTICE_RETRANSMITTED, /* the same frame again: answered, not emitted */
    NOTICE_PRESENT,       /* the same card still lies there */
    NOTICE_ABSENT,        /* no card there */
    NOTICE_PARTIAL,       /* first frames of a longer scan */
    NOTICE_WITHHELD,      /* a card that may be a bank card: nothing was read */
    NOTICE_SILENT,        /* it does not answer: the hint says what to check */
    NOTICE_IGNORED,       /* well formed, not for us */
    NOTICE_KINDS
};

struct notice {
    enum notice_kind kind;
    const char *name; /* the `kind` that `tessera decode` prints */
    int code;         /* cause, event or status; -1: none */
    const char *text; /* a word for people, never of a card; or "" */
    struct ts_slice data;
    /* What a person should change, or "". */
    const char *hint;
};

struct driver_sink {
    void *ctx;
    /* The owner answers each scan, in order, by confirm or refuse. */
    void (*scan)(void *ctx, const struct scan *scan);
    /* `hint`: what a person should change, or "". */
    void (*reject)(void *ctx, enum scan_error error, const char *hint);
    void (*notice)(void *ctx, const struct notice *notice);
    /* Bytes for the device. */
    void (*send)(void *ctx, struct ts_slice bytes);
};

/* What became of a scan; the settings map each to a tone. */
enum scan_outcome {
    OUTCOME_RECORDED,
    OUTCOME_MEMBER,
    OUTCOME_OFFER,
    OUTCOME_UNKNOWN,
    OUTCOME_REFUSED,
    OUTCOMES
};

/* What the person at the reader hears and sees: one, two or three short
 * beeps with the green light, one low beep, or an alarm with the red one. */
enum driver_tone {
    TONE_NONE,
    TONE_ONE,
    TONE_TWO,
    TONE_THREE,
    TONE_LOW,
    TONE_ALARM,
    TONES
};
/* "none", "one", "two", "three", "low", "alarm". */
const char *driver_tone_name(enum driver_tone tone);
/* False: no such tone. */
bool driver_tone_find(const char *name, enum driver_tone *out);
/* One for recorded, two member, three offer, low unknown, alarm refused. */
enum driver_tone driver_tone_default(enum scan_outcome outcome);

/* What else a host may tell a device; empty: it cannot be told. */
struct driver_commands {
    struct ts_slice trigger_on, trigger_off, enable, disable;
};

/* A device that differs only in data: a row of a driver's profile table. */
struct driver_profile {
    const char *name;             /* "generic", "honeywell", ... */
    const char *summary;          /* which devices, for people; or NULL */
    struct port_line line;        /* factory setting; baud 0: 9600 8N1 */
    const char *terminators;      /* each byte ends a scan; CR LF counts once */
    unsigned idle_ms;             /* silence that ends a scan; 0: never */
    bool sends_aim;               /* an AIM identifier is expected */
    const char *code_ids;         /* vendor's code letters ahead of the text */
    struct ts_slice on_open;      /* sent when the port opens */
    struct ts_slice tones[TONES]; /* by enum driver_tone; empty: silent */
    struct driver_commands commands;
    const void *detail; /* the driver's own row, or NULL */
};

struct driver {
    const char *name;
    const char *summary; /* one line for `tessera ports` and the manual */
    const struct driver_profile *profiles; /* last row: name NULL */
    size_t state_size;
    /* `state` is state_size zeroed bytes of the caller's, aligned for any
     * type. Called at each opening of the port: what was half read is gone. */
    void (*open)(void *state, const struct driver_profile *profile,
                 const struct driver_sink *sink);
    void (*feed)(void *state, struct ts_slice bytes, struct ts_mono now,
                 const struct driver_sink *sink);
    /* The instant at which `expire` wants to be called; false: none. */
    bool (*deadline)(const void *state, struct ts_mono *at);
    void (*expire)(void *state, struct ts_mono now,
                   const struct driver_sink *sink);
    /* The oldest unanswered scan is durable, or was refused for good, as a
     * wrong check digit is: the device may forget it. */
    void (*confirm)(void *state, enum driver_tone tone,
                    const struct driver_sink *sink);
    /* The oldest unanswered scan could not be taken: the device should keep or
     * drop it and tell the person. */
    void (*refuse)(void *state, enum driver_tone tone,
                   const struct driver_sink *sink);
    /* Wipes what may be a payment card. */
    void (*wipe)(void *state);
};

/* For the table of a device that makes no sound and keeps nothing. */
void driver_answer_none(void *state, enum driver_tone tone,
                        const struct driver_sink *sink);
/* A notice without code and data; `text` and `hint` may be "". */
void driver_tell(const struct driver_sink *sink, enum notice_kind kind,
                 const char *name, const char *text, const char *hint);

/* By name, or NULL. */
const struct driver *driver_find(const char *name);
/* The table; `index` past the end: NULL. */
const struct driver *driver_at(size_t index);
const struct driver_profile *driver_profile_find(const struct driver *driver,
                                                 const char *name);

#endif
