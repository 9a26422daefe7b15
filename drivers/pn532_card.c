#include "drivers/pn532_parts.h"

#include <string.h>

enum {
    READ_TRIES = 3, /* of one card's memory */
    PAGE_BYTES = 4,
    CC_PAGE = 3, /* capability container: E1, version, size / 8, access */
    CC_MAGIC = 0xe1,
    SIZE_UNIT = 8
};

static void trouble_end(struct pn532 *chip, const struct driver_sink *sink) {
    struct pn532_trouble trouble = chip->trouble;

    if (!trouble.card)
        return;
    chip->trouble = (struct pn532_trouble){.card = 0};
    sink->reject(sink->ctx, trouble.error,
                 trouble.error == SCAN_NFC_AUTH
                     ? "the card's memory is locked; profile \"uid\" takes "
                       "such cards by their number"
                     : "the card was taken away too early: hold it still "
                       "until the screen shows it");
}

void pn532_card_failed(struct pn532 *chip, enum scan_error error) {
    uint64_t card =
        presence_hash(ts_slice_of(chip->target.uid, chip->target.uid_len));

    explicit_bzero(chip->memory, sizeof chip->memory);
    chip->memory_len = 0;
    chip->reading = false;
    if (chip->trouble.card != card)
        chip->trouble = (struct pn532_trouble){.card = card};
    chip->trouble.tries++;
    chip->trouble.error = error;
}

/* From here on it is not read again until it was taken away. */
static void card_done(struct pn532 *chip) {
    chip->reading = false;
    chip->first = false;
    chip->trouble = (struct pn532_trouble){.card = 0};
    presence_add(&chip->presence, presence_hash(ts_slice_of(
                                      chip->target.uid, chip->target.uid_len)));
    pn532_wait(chip, STEP_PAUSE, PN532_PAUSE_MS);
}

static void card_refuse(struct pn532 *chip, enum scan_error error,
                        const char *hint, const struct driver_sink *sink) {
    card_done(chip);
    sink->reject(sink->ctx, error, hint);
    pn532_wipe(chip);
}

static void card_emit_uid(struct pn532 *chip, const struct driver_sink *sink) {
    struct scan scan = {.medium = SCAN_TAG,
                        .tech = pn532_target_name(&chip->target),
                        .bits = 8U * chip->target.uid_len,
                        .retransmission = chip->first};

    pn532_target_text(chip->uid, &chip->target);
    scan.text = ts_slice_text(chip->uid);
    card_done(chip);
    sink->scan(sink->ctx, &scan);
    pn532_wipe(chip);
}

static void card_emit_record(struct pn532 *chip, struct ts_slice message,
                             const struct driver_sink *sink) {
    enum scan_error error = ndef_choose(&chip->text, message);

    if (error) {
        card_refuse(chip, error, "the card's record is damaged: write it again",
                    sink);
        return;
    }
    if (chip->text.kind == NDEF_OTHER) {
        card_emit_uid(chip, sink);
        return;
    }
    struct scan scan = {.medium = SCAN_NDEF,
                        .text = ts_slice_of(chip->text.text, chip->text.len),
                        .tech = pn532_target_name(&chip->target),
                        .retransmission = chip->first};
    memcpy(scan.language, chip->text.language, sizeof scan.language);
    card_done(chip);
    sink->scan(sink->ctx, &scan);
    pn532_wipe(chip);
}

static void read_page(struct pn532 *chip, uint8_t page,
                      const struct driver_sink *sink) {
    enum { TARGET = 1, READ = 0x30 };
    pn532_command(chip, STEP_READ,
                  COMMAND(PN532_DATA_EXCHANGE, TARGET, READ, page), sink);
}

/* Reads on, or makes of the memory what there is in it. */
static void memory_look(struct pn532 *chip, const struct driver_sink *sink) {
    struct ts_slice memory = ts_slice_of(chip->memory, chip->memory_len);
    struct ts_slice message;
    size_t need = 0;

    if (memory.len > chip->memory_size)
        memory.len = chip->memory_size;
    if (memory.len > NDEF_MEMORY_MAX)
        memory.len = NDEF_MEMORY_MAX;
    switch (ndef_find(memory, &message, &need)) {
    case NDEF_FOUND:
        card_emit_record(chip, message, sink);
        break;
    case NDEF_NONE:
        card_emit_uid(chip, sink);
        break;
    default:
        if (memory.len == chip->memory_size && need == memory.len + 1)
            card_emit_uid(chip, sink);
        else if (need > NDEF_MEMORY_MAX)
            card_refuse(chip, SCAN_OVERLONG,
                        "the card's record is over 1008 bytes; write a "
                        "shorter one",
                        sink);
        else if (need > chip->memory_size)
            card_refuse(chip, SCAN_TRUNCATED,
                        "the card's record is damaged: write it again", sink);
        else
            read_page(chip,
                      (uint8_t)(CC_PAGE + 1 + chip->memory_len / PAGE_BYTES),
                      sink);
    }
}

/* The first read holds the capability container and 12 bytes of data. */
static void memory_begin(struct pn532 *chip, struct ts_slice bytes,
                         const struct driver_sink *sink) {
    size_t size = (size_t)bytes.data[2] * SIZE_UNIT;

    if (bytes.data[0] != CC_MAGIC || bytes.data[1] >> 4 != 1 || size == 0) {
        card_emit_uid(chip, sink);
        return;
    }
    chip->memory_size = size;
    chip->memory_len = bytes.len - PAGE_BYTES;
    memcpy(chip->memory, bytes.data + PAGE_BYTES, chip->memory_len);
    memory_look(chip, sink);
}

void pn532_on_read(struct pn532 *chip, struct ts_slice answer,
                   const struct driver_sink *sink) {
    enum scan_error error =
        answer.len ? pn532_status_error(answer.data[0]) : SCAN_BAD_LENGTH;

    if (!chip->reading) {
        pn532_list(chip, sink);
        return;
    }
    if (!error && answer.len != 1 + PN532_READ_BYTES)
        error = SCAN_READ_ERROR;
    if (error) {
        pn532_card_failed(chip, error);
        pn532_list(chip, sink);
        return;
    }
    struct ts_slice bytes = ts_slice_of(answer.data + 1, PN532_READ_BYTES);
    if (chip->memory_size == 0) {
        memory_begin(chip, bytes, sink);
        return;
    }
    memcpy(chip->memory + chip->memory_len, bytes.data, bytes.len);
    chip->memory_len += bytes.len;
    memory_look(chip, sink);
}

/* Each look that finds one counts as the same presentation: a phone draws a
 * new number each time. */
static void card_withhold(struct pn532 *chip, const struct driver_sink *sink) {
    static const struct ts_slice anyone = {(const uint8_t *)"withheld", 8};
    struct pn532_target target = chip->target;
    bool known = !presence_comes(&chip->presence, presence_hash(anyone));
    /* A number drawn for the moment tells of nobody. */
    size_t shown = pn532_target_random(&target) ? target.uid_len : 0;

    pn532_wipe(chip);
    pn532_command(chip, STEP_RELEASE, COMMAND(PN532_RELEASE, 0), sink);
    if (known) {
        pn532_say(sink, NOTICE_PRESENT, "present", "");
        return;
    }
    sink->notice(
        sink->ctx,
        &(struct notice){.kind = NOTICE_WITHHELD,
                         .name = "nfc",
                         .code = target.sak,
                         .text = pn532_target_name(&target),
                         .data = ts_slice_of(target.uid, shown),
                         .hint = "this may be a bank card, an identity card or "
                                 "a phone: nothing was read; use the loyalty "
                                 "card or its code"});
}

static void card_look(struct pn532 *chip, const struct driver_sink *sink) {
    uint64_t card =
        presence_hash(ts_slice_of(chip->target.uid, chip->target.uid_len));
    bool known = presence_holds(&chip->presence, card);

    presence_poll(&chip->presence, card);
    if (chip->trouble.card != card)
        trouble_end(chip, sink);
    if (known) {
        pn532_say(sink, NOTICE_PRESENT, "present", "");
        pn532_wipe(chip);
        pn532_wait(chip, STEP_PAUSE, PN532_PAUSE_MS);
    } else if (chip->trouble.tries >= READ_TRIES) {
        trouble_end(chip, sink);
        card_done(chip);
    } else if (pn532_target_pages(&chip->target) && !chip->profile->detail) {
        chip->reading = true;
        chip->memory_size = chip->memory_len = 0;
        read_page(chip, CC_PAGE, sink);
    } else {
        card_emit_uid(chip, sink);
    }
}

void pn532_field_empty(struct pn532 *chip, const struct driver_sink *sink) {
    chip->first = false;
    presence_poll(&chip->presence, 0);
    trouble_end(chip, sink);
    pn532_say(sink, NOTICE_ABSENT, "nfc_none", "");
}

void pn532_on_list(struct pn532 *chip, struct ts_slice answer,
                   const struct driver_sink *sink) {
    enum scan_error error = pn532_target_read(&chip->target, answer);

    pn532_wait(chip, STEP_PAUSE, PN532_PAUSE_MS);
    if (error)
        sink->reject(sink->ctx, error, "");
    else if (chip->target.uid_len == 0)
        pn532_field_empty(chip, sink);
    else if (pn532_target_private(&chip->target))
        card_withhold(chip, sink);
    else
        card_look(chip, sink);
}
