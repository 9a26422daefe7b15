/* What the PN532 driver promises beyond the captures: frames byte for byte,
 * answers that are never taken for another's, timers that come to rest. */
#include "drivers/driver.h"
#include "drivers/pn532_frame.h"
#include "drivers/pn532_tag.h"
#include "drivers/presence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SENT_MAX = 64 * 1024 };

struct chip {
    const struct driver *driver;
    void *state;
    struct driver_sink sink;
    struct ts_mono now;
    size_t scans, rejects;
    enum scan_error error;
    char text[SCAN_MAX_TEXT];
    enum scan_medium medium;
    size_t notices[NOTICE_KINDS];
    size_t sent_len;
    uint8_t sent[SENT_MAX];
};

static void on_scan(void *ctx, const struct scan *scan) {
    struct chip *chip = ctx;

    chip->scans++;
    chip->medium = scan->medium;
    assert_true(scan->text.len > 0 && scan->text.len < sizeof chip->text);
    memcpy(chip->text, scan->text.data, scan->text.len);
    chip->text[scan->text.len] = '\0';
}

static void on_reject(void *ctx, enum scan_error error, const char *hint) {
    struct chip *chip = ctx;

    assert_non_null(hint);
    chip->rejects++;
    chip->error = error;
}

static void on_notice(void *ctx, const struct notice *notice) {
    struct chip *chip = ctx;

    chip->notices[notice->kind]++;
}

static void on_send(void *ctx, struct ts_slice bytes) {
    struct chip *chip = ctx;

    assert_true(chip->sent_len + bytes.len <= SENT_MAX);
    memcpy(chip->sent + chip->sent_len, bytes.data, bytes.len);
    chip->sent_len += bytes.len;
}

static void open_as(struct chip *chip, const char *profile) {
    chip->driver->open(chip->state, driver_profile_find(chip->driver, profile),
                       &chip->sink);
}

static int set_up(void **state) {
    struct chip *chip = calloc(1, sizeof *chip);

    chip->driver = driver_find("pn532");
    chip->state = calloc(1, chip->driver->state_size);
    chip->sink =
        (struct driver_sink){chip, on_scan, on_reject, on_notice, on_send};
    chip->now.ms = 5000;
    open_as(chip, "ndef");
    *state = chip;
    return 0;
}

static int tear_down(void **state) {
    struct chip *chip = *state;

    free(chip->state);
    free(chip);
    return 0;
}

static void say(struct chip *chip, const void *bytes, size_t len) {
    chip->driver->feed(chip->state, ts_slice_of(bytes, len), chip->now,
                       &chip->sink);
}

static void say_ack(struct chip *chip) {
    say(chip, pn532_ack.data, pn532_ack.len);
}

/* A frame from the chip: TFI D5, code and data. */
static void say_frame(struct chip *chip, const uint8_t *data, size_t len) {
    uint8_t frame[300] = {
        0, 0, 0xff, (uint8_t)(len + 1), (uint8_t)(255 - len), 0xd5};
    uint8_t sum = 0xd5;

    memcpy(frame + 6, data, len);
    for (size_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + data[i]);
    frame[6 + len] = (uint8_t)-sum;
    frame[7 + len] = 0;
    say(chip, frame, len + 8);
}
#define SAY(chip, ...)                                                         \
    say_frame(chip, (const uint8_t[]){__VA_ARGS__},                            \
              sizeof((const uint8_t[]){__VA_ARGS__}))
#define ANSWER(chip, ...) (say_ack(chip), SAY(chip, __VA_ARGS__))

static void become_ready(struct chip *chip) {
    ANSWER(chip, 0x15);
    ANSWER(chip, 0x03, 0x32, 1, 6, 7);
    ANSWER(chip, 0x33);
}

/* The frame that was sent last; then it is forgotten. */
static void sent_is(struct chip *chip, const char *hex) {
    uint8_t want[256];
    size_t len;

    assert_int_equal(ts_unhex(want, sizeof want, &len, ts_slice_text(hex)),
                     TS_OK);
    assert_int_equal(chip->sent_len, len);
    assert_memory_equal(chip->sent, want, len);
    chip->sent_len = 0;
}

/* Lets the time pass to the driver's next deadline. */
static void next(struct chip *chip) {
    struct ts_mono at;

    assert_true(chip->driver->deadline(chip->state, &at));
    if (at.ms > chip->now.ms)
        chip->now = at;
    chip->driver->expire(chip->state, chip->now, &chip->sink);
}

static void test_commands_byte_for_byte(void **state) {
    struct chip *chip = *state;

    sent_is(chip, "55550000000000000000000000000000ff03fdd414011700");
    ANSWER(chip, 0x15);
    sent_is(chip, "0000ff02fed4022a00");
    ANSWER(chip, 0x03, 0x32, 1, 6, 7);
    sent_is(chip, "0000ff06fad43205ff0102f300");
    ANSWER(chip, 0x33);
    sent_is(chip, "0000ff04fcd44a0100e100");
    ANSWER(chip, 0x4b, 1, 1, 0, 4, 0x20, 4, 8, 1, 2, 3);
    sent_is(chip, "0000ff03fdd45200da00");
    ANSWER(chip, 0x53, 0);
    next(chip);
    sent_is(chip, "0000ff04fcd44a0100e100");
    ANSWER(chip, 0x4b, 1, 1, 0, 0x44, 0, 7, 4, 1, 2, 3, 4, 5, 6);
    sent_is(chip, "0000ff05fbd440013003b800");
}

static void test_read_of_page_4(void **state) {
    uint8_t frame[PN532_FRAME_MAX];
    static const uint8_t want[] = {0x00, 0x00, 0xff, 0x05, 0xfb, 0xd4,
                                   0x40, 0x01, 0x30, 0x04, 0xb7, 0x00};

    (void)state;
    assert_int_equal(
        pn532_frame_write(frame, ts_slice_of("\x40\x01\x30\x04", 4)),
        sizeof want);
    assert_memory_equal(frame, want, sizeof want);
}

/* Each frame comes through in both forms, whatever noise without a start code
 * lies ahead of it. */
static void test_frames_both_forms(void **state) {
    struct pn532_frame frame = {.len = 0};
    uint8_t bytes[PN532_DATA_MAX + 16];

    (void)state;
    for (size_t len = 1; len <= PN532_DATA_MAX; len++) {
        size_t at = 0;
        uint8_t sum = 0;
        bytes[at++] = 0x55;
        bytes[at++] = 0;
        bytes[at++] = 0xff;
        if (len < 255 && len % 2) {
            bytes[at++] = (uint8_t)len;
            bytes[at++] = (uint8_t)-len;
        } else {
            memset(bytes + at, 0xff, 2);
            bytes[at + 2] = (uint8_t)(len >> 8);
            bytes[at + 3] = (uint8_t)len;
            bytes[at + 4] = (uint8_t) - (bytes[at + 2] + bytes[at + 3]);
            at += 5;
        }
        for (size_t i = 0; i < len; i++, at++)
            sum = (uint8_t)(sum + (bytes[at] = (uint8_t)(i * 7 + len)));
        bytes[at++] = (uint8_t)-sum;
        for (size_t i = 0; i + 1 < at; i++)
            assert_int_equal(pn532_frame_take(&frame, bytes[i]), PN532_NOTHING);
        assert_true(pn532_frame_open(&frame));
        assert_int_equal(pn532_frame_take(&frame, bytes[at - 1]), PN532_DATA);
        assert_int_equal(frame.len, len);
        assert_memory_equal(frame.data, bytes + at - 1 - len, len);
        assert_false(pn532_frame_open(&frame));
    }
}

static void show_ntag(struct chip *chip) {
    ANSWER(chip, 0x4b, 1, 1, 0, 0x44, 0, 7, 4, 1, 2, 3, 4, 5, 6);
}

/* CC of 144 bytes, and the first bytes of a text of 8 letters. */
static void show_first_pages(struct chip *chip) {
    ANSWER(chip, 0x41, 0, 0xe1, 0x10, 0x12, 0, 3, 15, 0xd1, 1, 11, 'T', 2, 'i',
           't', 'L', 'O', 'Y');
}

/* A page of the read that was called back never becomes a page of the next. */
static void test_late_pages_are_dropped(void **state) {
    struct chip *chip = *state;

    become_ready(chip);
    show_ntag(chip);
    show_first_pages(chip);
    say_ack(chip); /* of the second read, whose answer does not come in time */
    next(chip);
    chip->sent_len = 0;
    SAY(chip, 0x41, 0, '6', '6', '6', '6', '6', 0xfe, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0);
    assert_int_equal(chip->scans, 0);
    next(chip); /* looks into the field again */
    show_ntag(chip);
    SAY(chip, 0x41, 0, '7', '7', '7', '7', '7', 0xfe, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0); /* memory of no container: what came is not what was asked */
    assert_int_equal(chip->scans, 1);
    assert_int_equal(chip->medium, SCAN_TAG);
}

/* The same, with the late answer ahead of the ACK to a new look. */
static void test_late_target_needs_its_ack(void **state) {
    struct chip *chip = *state;

    become_ready(chip);
    say_ack(chip);
    next(chip); /* called back */
    next(chip); /* and asked again */
    SAY(chip, 0x4b, 1, 1, 0, 4, 8, 4, 1, 2, 3, 4);
    assert_int_equal(chip->scans, 0);
    assert_int_equal(chip->notices[NOTICE_ANSWER], 4);
    ANSWER(chip, 0x4b, 1, 1, 0, 4, 8, 4, 9, 2, 3, 4);
    assert_int_equal(chip->scans, 1);
    assert_string_equal(chip->text, "09020304");
}

static void test_long_record_is_refused(void **state) {
    struct chip *chip = *state;

    become_ready(chip);
    show_ntag(chip);
    /* 2040 bytes of memory, a message of 1100. */
    ANSWER(chip, 0x41, 0, 0xe1, 0x10, 0xff, 0, 3, 0xff, 4, 0x4c, 0xd1, 1, 11,
           'T', 2, 'i', 't', 'L');
    assert_int_equal(chip->scans, 0);
    assert_int_equal(chip->error, SCAN_OVERLONG);
    next(chip);
    show_ntag(chip);
    assert_int_equal(chip->notices[NOTICE_PRESENT], 1);
    assert_int_equal(chip->rejects, 1);
}

/* A message longer than the tag says that it is. */
static void test_record_past_the_memory(void **state) {
    struct chip *chip = *state;

    become_ready(chip);
    show_ntag(chip);
    ANSWER(chip, 0x41, 0, 0xe1, 0x10, 1, 0, 3, 15, 0xd1, 1, 11, 'T', 2, 'i',
           't', 'L', 'O', 'Y');
    assert_int_equal(chip->error, SCAN_TRUNCATED);
}

/* NULL TLVs to the end of the largest memory: read once, then its number. */
static void test_memory_of_nothing(void **state) {
    struct chip *chip = *state;
    uint8_t page[18] = {0x41, 0};

    become_ready(chip);
    show_ntag(chip);
    ANSWER(chip, 0x41, 0, 0xe1, 0x10, 0x7e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
           0);
    for (int reads = 0; chip->scans == 0; reads++) {
        assert_true(reads < 64);
        say_ack(chip);
        say_frame(chip, page, sizeof page);
    }
    assert_int_equal(chip->medium, SCAN_TAG);
    assert_string_equal(chip->text, "04010203040506");
}

static void test_wipe_leaves_no_byte(void **state) {
    struct chip *chip = *state;

    become_ready(chip);
    show_ntag(chip);
    show_first_pages(chip);
    assert_non_null(memmem(chip->state, chip->driver->state_size, "itLOY", 5));
    chip->driver->wipe(chip->state);
    assert_null(memmem(chip->state, chip->driver->state_size, "LOY", 3));
    assert_null(
        memmem(chip->state, chip->driver->state_size, "\x04\x01\x02\x03", 4));
    /* What comes now belongs to memory that is gone. */
    ANSWER(chip, 0x41, 0, '0', '0', '0', '1', '2', 0xfe, 0, 0, 0, 0, 0, 0, 0, 0,
           0, 0);
    assert_int_equal(chip->scans, 0);
    show_ntag(chip);
    show_first_pages(chip);
    ANSWER(chip, 0x41, 0, '0', '0', '0', '1', '2', 0xfe, 0, 0, 0, 0, 0, 0, 0, 0,
           0, 0);
    assert_string_equal(chip->text, "LOY00012");
    assert_null(memmem(chip->state, chip->driver->state_size, "LOY", 3));
}

static bool state_holds(const struct chip *chip, const char *text) {
    return memmem(chip->state, chip->driver->state_size, text, strlen(text));
}

/* Bytes of a card that come late, broken, or before the reading fails. 4111...
 * is a public test number. */
static void test_nothing_of_a_card_stays(void **state) {
    static const uint8_t broken[] = {0,    0,   0xff, 11,  0xf5, 0xd5,
                                     0x41, 0,   '4',  '1', '1',  '1',
                                     '1',  '1', '1',  '1', 0};
    struct chip *chip = *state;

    SAY(chip, 0x41, 0, '4', '1', '1', '1', '1', '1', '1', '1');
    assert_false(state_holds(chip, "111"));
    say(chip, broken, sizeof broken);
    assert_int_equal(chip->error, SCAN_BAD_CHECKSUM);
    assert_false(state_holds(chip, "111"));
    become_ready(chip);
    show_ntag(chip);
    show_first_pages(chip);
    assert_true(state_holds(chip, "itLOY"));
    ANSWER(chip, 0x41, 1);
    assert_false(state_holds(chip, "LOY"));
}

/* A line that breaks every answer: asked for again three times, not for
 * ever. */
static void test_broken_answers_end(void **state) {
    static const uint8_t broken[] = {0, 0, 0xff, 2, 0xfe, 0xd5, 0x15, 0x17};
    struct chip *chip = *state;

    chip->sent_len = 0;
    for (int i = 0; i < 10; i++)
        say(chip, broken, sizeof broken);
    assert_int_equal(chip->rejects, 10);
    assert_int_equal(chip->sent_len, 3 * pn532_nack.len);
}

/* An hour without a chip: each deadline lies ahead, and they grow rare. */
static void test_an_hour_of_silence(void **state) {
    struct chip *chip = *state;
    int64_t end = chip->now.ms + INT64_C(3600000);
    int calls = 0;

    next(chip); /* learns the time */
    while (chip->now.ms < end) {
        struct ts_mono at;
        assert_true(chip->driver->deadline(chip->state, &at));
        assert_true(at.ms > chip->now.ms);
        next(chip);
        calls++;
        chip->sent_len = 0;
    }
    assert_true(calls < 3000);
    assert_int_equal(chip->notices[NOTICE_SILENT], 1);
    assert_int_equal(chip->scans + chip->rejects, 0);
}

static void pass_an_hour(struct chip *chip) {
    int64_t end = chip->now.ms + INT64_C(3600000);

    while (chip->now.ms < end)
        next(chip);
}

/* What speaks, but no frames, is another device or another speed; what speaks
 * in frames is looked at by a person with `tessera decode`. */
static void test_who_is_told_to_be_silent(void **state) {
    struct chip *chip = *state;

    say(chip, "8001120765741\r\xff\xfe\0", 17);
    pass_an_hour(chip);
    assert_int_equal(chip->notices[NOTICE_SILENT], 1);
    chip->sent_len = 0;
    open_as(chip, "ndef");
    SAY(chip, 0x4b, 0);
    pass_an_hour(chip);
    assert_int_equal(chip->notices[NOTICE_SILENT], 1);
}

/* Memory of another format is not searched for records. */
static void test_another_container(void **state) {
    struct chip *chip = *state;

    become_ready(chip);
    show_ntag(chip);
    ANSWER(chip, 0x41, 0, 0xa5, 0x10, 0x12, 0, 3, 8, 0xd1, 1, 4, 'T', 2, 'i',
           't', 'X', 0xfe, 0);
    assert_int_equal(chip->medium, SCAN_TAG);
    assert_int_equal(chip->scans, 1);
}

/* A device that does less than a PN532: no set-up of retries. */
static void test_error_frames(void **state) {
    static const uint8_t error[] = {0, 0, 0xff, 1, 0xff, 0x7f, 0x81, 0};
    struct chip *chip = *state;

    ANSWER(chip, 0x15);
    ANSWER(chip, 0x03, 0x32, 1, 6, 7);
    say(chip, error, sizeof error);
    assert_int_equal(chip->notices[NOTICE_READY], 1);
    ANSWER(chip, 0x4b, 1, 1, 0, 4, 8, 4, 1, 2, 3, 4);
    assert_int_equal(chip->scans, 1);
}

static void test_answers_that_cannot_be(void **state) {
    struct chip *chip = *state;

    become_ready(chip);
    ANSWER(chip, 0x4b);
    next(chip);
    ANSWER(chip, 0x4b, 1, 1, 0, 4);
    next(chip);
    ANSWER(chip, 0x4b, 1, 1, 0, 4, 8, 5, 1, 2, 3, 4, 5);
    next(chip);
    ANSWER(chip, 0x4b, 1, 1, 0, 4, 8, 7, 1, 2, 3, 4);
    assert_int_equal(chip->rejects, 4);
    assert_int_equal(chip->error, SCAN_BAD_LENGTH);
    assert_int_equal(chip->scans, 0);
}

static void test_names(void **state) {
    static const struct {
        const char *name;
        uint8_t sak;
        bool private;
    } cards[] = {
        {"Type 2 (NTAG/Ultralight)", 0x00, false},
        {"MIFARE Classic 1K", 0x08, false},
        {"MIFARE Classic 4K", 0x18, false},
        {"MIFARE Mini", 0x09, false},
        {"ISO-DEP", 0x20, true},
        {"ISO-DEP", 0x28, true},
        {"NFC-DEP", 0x40, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cards / sizeof cards[0]; i++) {
        struct pn532_target target = {
            .sak = cards[i].sak, .uid_len = 4, .uid = {1, 2, 3, 4}};
        assert_string_equal(pn532_target_name(&target), cards[i].name);
        assert_int_equal(pn532_target_private(&target), cards[i].private);
        target.uid[0] = 8; /* drawn for the moment */
        assert_true(pn532_target_private(&target));
    }
}

static void test_presence(void **state) {
    struct presence presence = {.cards = {{0}}};

    (void)state;
    assert_false(presence_holds(&presence, 0));
    presence_add(&presence, 7);
    presence_add(&presence, 8);
    assert_true(presence_holds(&presence, 7) && presence_holds(&presence, 8));
    presence_poll(&presence, 8);
    presence_add(&presence, 9); /* the one that was missed makes room */
    assert_false(presence_holds(&presence, 7));
    for (int i = 1; i < PRESENCE_MISSES; i++)
        presence_poll(&presence, 0);
    assert_true(presence_holds(&presence, 8) && presence_holds(&presence, 9));
    presence_poll(&presence, 9);
    assert_false(presence_holds(&presence, 8));
    assert_true(presence_holds(&presence, 9));
}

#define WITH_CHIP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_CHIP(test_commands_byte_for_byte),
        cmocka_unit_test(test_read_of_page_4),
        cmocka_unit_test(test_frames_both_forms),
        WITH_CHIP(test_late_pages_are_dropped),
        WITH_CHIP(test_late_target_needs_its_ack),
        WITH_CHIP(test_long_record_is_refused),
        WITH_CHIP(test_record_past_the_memory),
        WITH_CHIP(test_memory_of_nothing),
        WITH_CHIP(test_wipe_leaves_no_byte),
        WITH_CHIP(test_nothing_of_a_card_stays),
        WITH_CHIP(test_broken_answers_end),
        WITH_CHIP(test_an_hour_of_silence),
        WITH_CHIP(test_who_is_told_to_be_silent),
        WITH_CHIP(test_another_container),
        WITH_CHIP(test_error_frames),
        WITH_CHIP(test_answers_that_cannot_be),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_presence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
