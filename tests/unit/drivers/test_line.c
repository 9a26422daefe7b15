/* What the host may tell text readers, byte for byte, and what they answer. */
#include "drivers/driver.h"
#include "drivers/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(text)                                                            \
    { (const uint8_t *)(text), sizeof(text) - 1 }

static const struct driver_profile *profile_of(const char *name) {
    const struct driver_profile *profile =
        driver_profile_find(&line_driver, name);

    assert_non_null(profile);
    return profile;
}

static void assert_bytes(struct ts_slice got, struct ts_slice want) {
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.data, want.data, want.len);
}

static void test_commands_are_exact(void **state) {
    static const struct {
        const char *profile;
        size_t command; /* offset in struct driver_commands */
        struct ts_slice bytes;
    } cases[] = {
#define COMMAND(name) offsetof(struct driver_commands, name)
        {"honeywell", COMMAND(trigger_on), BYTES("\x16\x54\x0d")},
        {"honeywell", COMMAND(trigger_off), BYTES("\x16\x55\x0d")},
        {"honeywell-codeid", COMMAND(trigger_on), BYTES("\x16\x54\x0d")},
        {"datalogic", COMMAND(enable), BYTES("\x45")},
        {"datalogic", COMMAND(disable), BYTES("\x44")},
        {"datalogic", COMMAND(trigger_on), BYTES("\x54")},
        {"datalogic", COMMAND(trigger_off), BYTES("\x58")},
        {"newland", COMMAND(trigger_on),
         BYTES("\x7e\x01\x30\x30\x30\x30\x23\x53\x43\x4e\x54\x52\x47\x31\x3b"
               "\x03")},
        {"cipherlab", COMMAND(enable), BYTES("E")},
        {"cipherlab", COMMAND(disable), BYTES("D")},
        {"keyence", COMMAND(trigger_on), BYTES("LON\x0d")},
        {"keyence", COMMAND(trigger_off), BYTES("LOFF\x0d")},
#undef COMMAND
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct driver_profile *profile = profile_of(cases[i].profile);
        struct ts_slice command;
        memcpy(&command, (const uint8_t *)&profile->commands + cases[i].command,
               sizeof command);
        assert_bytes(command, cases[i].bytes);
    }
}

/* The XOR of all between the two 7E. */
static void test_cino_frames_hold_their_check(void **state) {
    const struct driver_commands *commands = &profile_of("cino")->commands;
    const struct ts_slice frames[] = {commands->trigger_on,
                                      commands->trigger_off};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        uint8_t check = 0;
        assert_int_equal(frames[i].len, 10);
        assert_int_equal(frames[i].data[0], 0x7e);
        assert_int_equal(frames[i].data[9], 0x7e);
        assert_int_equal(frames[i].data[7], 1 - i);
        for (size_t b = 1; b < 9; b++)
            check ^= frames[i].data[b];
        assert_int_equal(check, 0);
    }
}

static void test_tones_are_exact(void **state) {
    static const struct {
        const char *profile;
        enum driver_tone tone;
        struct ts_slice bytes;
    } cases[] = {
        {"honeywell", TONE_ONE, BYTES("\x16\x07\x0d")},
        {"honeywell", TONE_TWO, BYTES("\x16\x07\x0d\x16\x07\x0d")},
        {"datalogic", TONE_ONE, BYTES("\x01")},
        {"datalogic", TONE_LOW, BYTES("FE")},
        {"opticon", TONE_ONE, BYTES("\x1b\x42\x0d")},
        {"opticon", TONE_LOW, BYTES("\x1b\x45\x0d")},
        {"cipherlab", TONE_ONE, BYTES("\x23\x40\x2f\x2f\x2f\x2f\x0d")},
        {"generic", TONE_ALARM, BYTES("")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_bytes(profile_of(cases[i].profile)->tones[cases[i].tone],
                     cases[i].bytes);
}

/* A beep says that the scan is kept: what was not taken sounds otherwise. */
static void test_no_profile_beeps_for_what_was_refused(void **state) {
    (void)state;
    for (const struct driver_profile *p = line_profiles; p->name; p++) {
        struct ts_slice one = p->tones[TONE_ONE];
        if (one.len)
            assert_false(ts_slice_equal(one, p->tones[TONE_ALARM]));
        assert_int_equal(p->tones[TONE_NONE].len, 0);
        assert_int_equal(p->on_open.len, 0);
    }
}

static void test_factory_speeds(void **state) {
    (void)state;
    assert_int_equal(profile_of("honeywell")->line.baud, 115200);
    assert_int_equal(profile_of("honeywell")->line.data_bits, 8);
    assert_int_equal(profile_of("honeywell")->line.parity, 'N');
    assert_int_equal(profile_of("honeywell")->line.stop_bits, 1);
    /* 0: 9600 8N1 */
    assert_int_equal(profile_of("datalogic")->line.baud, 0);
}

struct answer_case {
    enum line_answers how;
    bool answer, ok;
    const char *tag;
    struct ts_slice text;
};

static void test_answers(void **state) {
    static const struct answer_case cases[] = {
        {LINE_ANSWERS_MENU, true, true, "REVINF", BYTES("REVINF\x06.")},
        {LINE_ANSWERS_MENU, true, true, "DECHDR", BYTES("DECHDR1\x06!")},
        {LINE_ANSWERS_MENU, true, false, "XXXXYY", BYTES("XXXXYY\x05.")},
        {LINE_ANSWERS_MENU, true, false, "CBRENA", BYTES("CBRENA9\x15!")},
        {LINE_ANSWERS_MENU, true, false, "CBRENA",
         BYTES("CBRENA1\x06, SSX7\x15.")},
        {LINE_ANSWERS_MENU, false, false, NULL, BYTES("REVINF\x06")},
        {LINE_ANSWERS_MENU, false, false, NULL, BYTES("REVINF.")},
        {LINE_ANSWERS_MENU, false, false, NULL, BYTES("revinf\x06.")},
        {LINE_ANSWERS_MENU, false, false, NULL, BYTES("AB\x06.")},
        {LINE_ANSWERS_MENU, false, false, NULL, BYTES("REVINF\x01\x06.")},
        {LINE_ANSWERS_MENU, false, false, NULL, BYTES(".")},
        /* NLS-HR52 manual p. 234, behind STX and SOH */
        {LINE_ANSWERS_FRAME, true, true, "DFMADD",
         BYTES("\x30\x30\x30\x30\x40\x44\x46\x4d\x41\x44\x44\x30\x36\x39\x39"
               "\x39\x30\x30\x33\x39\x39\x39\x39\x46\x31\x34\x31\x06\x3b\x03")},
        {LINE_ANSWERS_FRAME, true, false, "QRCENA",
         BYTES("0000#QRCENA9\x15;\x03")},
        {LINE_ANSWERS_FRAME, false, false, NULL, BYTES("0000@DFMADD\x06;")},
        {LINE_ANSWERS_FRAME, false, false, NULL, BYTES("0001@DFMADD\x06;\x03")},
        {LINE_ANSWERS_FRAME, false, false, NULL, BYTES(";\x03")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct line_answer answer;
        bool got = line_answer_parse(&answer, cases[i].how, cases[i].text);
        if (got != cases[i].answer)
            fail_msg("case %zu: %d", i, got);
        if (!got)
            continue;
        assert_int_equal(answer.ok, cases[i].ok);
        assert_string_equal(answer.tag, cases[i].tag);
    }
}

static void test_modem_probes(void **state) {
    static const char *const probes[] = {
        "AT", "ATZ", "ATE0", "AT+GCAP", "AT&F", "ATQ0 V1 E1 S0=0", "AT+CGMI"};
    static const char *const codes[] = {"",   "A",    "ATLAS", "AT1",
                                        "at", "ATQ0", "BAT+1", "AT 1"};

    (void)state;
    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++)
        assert_true(line_is_modem_probe(ts_slice_text(probes[i])));
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        assert_false(line_is_modem_probe(ts_slice_text(codes[i])));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands_are_exact),
        cmocka_unit_test(test_cino_frames_hold_their_check),
        cmocka_unit_test(test_tones_are_exact),
        cmocka_unit_test(test_no_profile_beeps_for_what_was_refused),
        cmocka_unit_test(test_factory_speeds),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_modem_probes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
