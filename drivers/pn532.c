#include "drivers/pn532.h"

#include "drivers/pn532_parts.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
    ACK_MS = 150,    /* UM0701-02 asks for 15; USB bridges add theirs */
    ANSWER_MS = 500, /* the chip's own limits are near 100 */
    LIST_MS = 500,   /* a chip that waits for a card is called back */
    QUIET_MS = 20,   /* after a call back: what was under way comes in */
    HALF_MS = 100,   /* silence within a frame; a long one takes 25 ms */
    BACKOFF_MIN_MS = 250,
    BACKOFF_MAX_MS = 5000,
    SILENT_TRIES = 3, /* set-ups without an answer until it is told */
    TRIES = 2,        /* of a command that is not answered */
    NACKS_MAX = 3,    /* requests to send one answer again */
};

static const uint8_t step_codes[] = {
    [STEP_WAKE] = PN532_SAM_CONFIGURATION,
    [STEP_FIRMWARE] = PN532_GET_FIRMWARE,
    [STEP_RETRIES] = PN532_RF_CONFIGURATION,
    [STEP_LIST] = PN532_LIST_TARGET,
    [STEP_READ] = PN532_DATA_EXCHANGE,
    [STEP_RELEASE] = PN532_RELEASE,
};

void pn532_wipe(void *state) {
    struct pn532 *chip = state;

    pn532_frame_wipe(&chip->frame);
    explicit_bzero(chip->memory, sizeof chip->memory);
    explicit_bzero(&chip->text, sizeof chip->text);
    explicit_bzero(&chip->target, sizeof chip->target);
    explicit_bzero(chip->uid, sizeof chip->uid);
    chip->memory_len = 0;
    chip->reading = false;
}

void pn532_wait(struct pn532 *chip, enum pn532_step step, unsigned ms) {
    chip->step = step;
    chip->due.ms = chip->now.ms + ms;
}

static bool in_flight(const struct pn532 *chip) {
    return chip->step <= STEP_RELEASE;
}

static void command_write(struct pn532 *chip, const struct driver_sink *sink) {
    uint8_t frame[PN532_FRAME_MAX];
    size_t len =
        pn532_frame_write(frame, ts_slice_of(chip->command, chip->command_len));

    chip->acked = false;
    chip->due.ms = chip->now.ms + ACK_MS;
    if (chip->step == STEP_WAKE)
        sink->send(sink->ctx, pn532_wake_up);
    sink->send(sink->ctx, ts_slice_of(frame, len));
}

void pn532_command(struct pn532 *chip, enum pn532_step step,
                   struct ts_slice command, const struct driver_sink *sink) {
    assert(command.len < sizeof chip->command &&
           command.data[0] == step_codes[step]);
    memcpy(chip->command, command.data, command.len);
    chip->command_len = command.len;
    chip->step = step;
    chip->tries = 1;
    chip->nacks = 0;
    command_write(chip, sink);
}

/* Normal mode, no time limit for a SAM, no interrupt line. */
static void chip_wake(struct pn532 *chip, const struct driver_sink *sink) {
    chip->reading = false;
    pn532_command(chip, STEP_WAKE, COMMAND(PN532_SAM_CONFIGURATION, 0x01),
                  sink);
}

void pn532_list(struct pn532 *chip, const struct driver_sink *sink) {
    chip->reading = false;
    pn532_command(chip, STEP_LIST, COMMAND(PN532_LIST_TARGET, 1, 0x00), sink);
}

/* An ACK from the host ends the command under way (UM0701-02, 6.2.1.3). */
static void chip_call_back(struct pn532 *chip, const struct driver_sink *sink) {
    sink->send(sink->ctx, pn532_ack);
    chip->late = true;
    chip->reading = false;
    pn532_wait(chip, STEP_QUIET, QUIET_MS);
}

void pn532_say(const struct driver_sink *sink, enum notice_kind kind,
               const char *name, const char *text) {
    driver_tell(sink, kind, name, text, "");
}

/* The chip does not answer: off, asleep, or not there. */
static void chip_rest(struct pn532 *chip, const struct driver_sink *sink) {
    unsigned wait = (unsigned)BACKOFF_MIN_MS
                    << (chip->silent < 5 ? chip->silent : 5);

    chip->silent++;
    chip->late = true;
    chip->reading = false;
    pn532_wait(chip, STEP_SILENT,
               wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS);
    if (chip->silent < SILENT_TRIES || chip->told ||
        (chip->heard && !chip->ready))
        return;
    chip->told = true;
    driver_tell(sink, NOTICE_SILENT, "silent", "",
                chip->ready
                    ? "the NFC reader has stopped answering: check its "
                      "power and its cable"
                    : "the NFC reader does not answer: set the module's "
                      "switches to HSU, cross RX and TX, and use 115200 "
                      "baud");
}

static void on_ready(struct pn532 *chip, const struct driver_sink *sink) {
    chip->ready = true;
    chip->told = false;
    chip->silent = 0;
    pn532_say(sink, NOTICE_READY, "ready", chip->revision);
    pn532_list(chip, sink);
}

static void on_firmware(struct pn532 *chip, struct ts_slice answer,
                        const struct driver_sink *sink) {
    enum { IC_PN532 = 0x32, MAX_RETRIES_ITEM = 5, FOREVER = 0xff, ATR_PSL = 1 };
    enum {
        LOOKS = 2
    }; /* into the field, until it answers that none is there */

    if (answer.len >= 3)
        (void)snprintf(chip->revision, sizeof chip->revision, "%s%02X %d.%d",
                       answer.data[0] == IC_PN532 ? "PN5" : "IC ",
                       answer.data[0], answer.data[1], answer.data[2]);
    pn532_command(chip, STEP_RETRIES,
                  COMMAND(PN532_RF_CONFIGURATION, MAX_RETRIES_ITEM, FOREVER,
                          ATR_PSL, LOOKS),
                  sink);
}

/* The answer to the command in flight. */
static void on_answer(struct pn532 *chip, struct ts_slice answer,
                      const struct driver_sink *sink) {
    switch (chip->step) {
    case STEP_WAKE:
        pn532_command(chip, STEP_FIRMWARE, COMMAND(PN532_GET_FIRMWARE), sink);
        break;
    case STEP_FIRMWARE:
        on_firmware(chip, answer, sink);
        break;
    case STEP_RETRIES:
        on_ready(chip, sink);
        break;
    case STEP_LIST:
        pn532_on_list(chip, answer, sink);
        break;
    case STEP_READ:
        pn532_on_read(chip, answer, sink);
        break;
    default:
        pn532_wait(chip, STEP_PAUSE, PN532_PAUSE_MS);
        break;
    }
}

/* An answer belongs to the command in flight when it has its code, and no
 * answer to an earlier command can still be under way. */
static void on_data(struct pn532 *chip, const struct driver_sink *sink) {
    const struct pn532_frame *frame = &chip->frame;

    if (frame->len < 2 || frame->data[0] != PN532_RESPONSE) {
        pn532_say(sink, NOTICE_IGNORED, "pn_other", "");
        return;
    }
    uint8_t code = frame->data[1];
    struct ts_slice answer = ts_slice_of(frame->data + 2, frame->len - 2);
    bool ours = in_flight(chip) && code == step_codes[chip->step] + 1 &&
                (chip->acked || !chip->late);
    bool card = chip->step == STEP_LIST || chip->step == STEP_READ;
    if (!ours || !card)
        pn532_show(code, answer, sink);
    if (ours)
        on_answer(chip, answer, sink);
}

static void on_ack(struct pn532 *chip, const struct driver_sink *sink) {
    pn532_say(sink, NOTICE_ACK, "pn_ack", "");
    if (!in_flight(chip) || chip->acked)
        return;
    chip->acked = true;
    chip->late = false;
    chip->due.ms =
        chip->now.ms + (chip->step == STEP_LIST ? LIST_MS : ANSWER_MS);
}

/* Sends the command in flight once more, or gives it up. */
static void command_again(struct pn532 *chip, const struct driver_sink *sink) {
    if (chip->step == STEP_READ) {
        pn532_card_failed(chip, SCAN_NFC_TIMEOUT);
        chip_call_back(chip, sink);
    } else if (chip->tries++ < TRIES) {
        command_write(chip, sink);
    } else {
        chip_rest(chip, sink);
    }
}

/* Chips that are compatible in part do without these two. */
static void on_error(struct pn532 *chip, const struct driver_sink *sink) {
    pn532_say(sink, NOTICE_NAK, "pn_error", "");
    if (chip->step == STEP_RETRIES)
        on_ready(chip, sink);
    else if (chip->step == STEP_RELEASE)
        pn532_wait(chip, STEP_PAUSE, PN532_PAUSE_MS);
    else if (in_flight(chip))
        command_again(chip, sink);
}

static void on_bad_checksum(struct pn532 *chip,
                            const struct driver_sink *sink) {
    sink->reject(sink->ctx, SCAN_BAD_CHECKSUM, "");
    if (!in_flight(chip) || chip->nacks++ >= NACKS_MAX)
        return;
    sink->send(sink->ctx, pn532_nack);
    chip->due.ms = chip->now.ms + ANSWER_MS;
}

static void on_frame(struct pn532 *chip, enum pn532_frame_kind kind,
                     const struct driver_sink *sink) {
    switch (kind) {
    case PN532_ACK:
        on_ack(chip, sink);
        break;
    case PN532_NACK:
        pn532_say(sink, NOTICE_NAK, "pn_nack", "");
        if (in_flight(chip))
            command_again(chip, sink);
        break;
    case PN532_ERROR:
        on_error(chip, sink);
        break;
    case PN532_BAD_LENGTH:
        sink->reject(sink->ctx, SCAN_BAD_LENGTH, "");
        break;
    case PN532_BAD_CHECKSUM:
        on_bad_checksum(chip, sink);
        break;
    default:
        on_data(chip, sink);
        break;
    }
}

static void pn532_open(void *state, const struct driver_profile *profile,
                       const struct driver_sink *sink) {
    struct pn532 *chip = state;

    explicit_bzero(chip, sizeof *chip);
    chip->profile = profile;
    chip->first = true;
    chip_wake(chip, sink);
}

/* The port was opened at a time that only the next call tells. */
static void clock_start(struct pn532 *chip, struct ts_mono now) {
    chip->now = now;
    if (!chip->clocked)
        chip->due.ms += now.ms;
    chip->clocked = true;
}

static bool pn532_deadline(const void *state, struct ts_mono *at) {
    const struct pn532 *chip = state;

    at->ms = chip->clocked ? chip->due.ms : 0;
    if (pn532_frame_open(&chip->frame) && chip->clocked &&
        chip->last_byte.ms + HALF_MS < at->ms)
        at->ms = chip->last_byte.ms + HALF_MS;
    return true;
}

static void step_expire(struct pn532 *chip, const struct driver_sink *sink) {
    switch (chip->step) {
    case STEP_PAUSE:
    case STEP_QUIET:
        pn532_list(chip, sink);
        break;
    case STEP_SILENT:
        chip_wake(chip, sink);
        break;
    case STEP_LIST:
        if (chip->acked) {
            pn532_field_empty(chip, sink);
            chip_call_back(chip, sink);
        } else {
            command_again(chip, sink);
        }
        break;
    default:
        command_again(chip, sink);
        break;
    }
}

static void pn532_expire(void *state, struct ts_mono now,
                         const struct driver_sink *sink) {
    struct pn532 *chip = state;

    clock_start(chip, now);
    if (pn532_frame_open(&chip->frame) &&
        now.ms - chip->last_byte.ms >= HALF_MS) {
        pn532_frame_wipe(&chip->frame);
        sink->reject(sink->ctx, SCAN_TRUNCATED, "");
    }
    if (now.ms >= chip->due.ms)
        step_expire(chip, sink);
}

static void pn532_feed(void *state, struct ts_slice bytes, struct ts_mono now,
                       const struct driver_sink *sink) {
    struct pn532 *chip = state;

    clock_start(chip, now);
    if (pn532_frame_open(&chip->frame) &&
        now.ms - chip->last_byte.ms >= HALF_MS)
        pn532_expire(chip, now, sink);
    chip->last_byte = now;
    for (size_t i = 0; i < bytes.len; i++) {
        enum pn532_frame_kind kind =
            pn532_frame_take(&chip->frame, bytes.data[i]);
        if (!kind)
            continue;
        chip->heard = chip->heard || kind != PN532_BAD_LENGTH;
        on_frame(chip, kind, sink);
        /* Also an answer that nobody waited for may be of a card. */
        explicit_bzero(chip->frame.data, sizeof chip->frame.data);
    }
}

/* It has no beeper, and a card needs no answer. */
static void pn532_answer(void *state, enum driver_tone tone,
                         const struct driver_sink *sink) {
    (void)state;
    (void)sink;
    assert((size_t)tone < TONES);
}

static const struct driver_profile pn532_profiles[] = {
    {.name = "ndef",
     .summary = "PN532 modules; a tag's text or link, else its number",
     .line = {115200, 8, 'N', 1, false},
     .terminators = ""},
    {.name = "uid",
     .summary = "the same, the number of the tag always",
     .line = {115200, 8, 'N', 1, false},
     .terminators = "",
     .detail = "uid"},
    {.name = NULL},
};

const struct driver pn532_driver = {
    .name = "pn532",
    .summary = "NFC: modules with an NXP PN532 on a serial line (HSU)",
    .profiles = pn532_profiles,
    .state_size = sizeof(struct pn532),
    .open = pn532_open,
    .feed = pn532_feed,
    .deadline = pn532_deadline,
    .expire = pn532_expire,
    .confirm = pn532_answer,
    .refuse = pn532_answer,
    .wipe = pn532_wipe,
};
