/* What is told of a reader from its bytes, and that no byte of them is in it.
 */
#include "drivers/port/devices.h"
#include "drivers/driver.h"
#include "drivers/recognise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct port_line line_8n1 = {
    .baud = 9600, .data_bits = 8, .parity = 'N', .stop_bits = 1};

#define BYTES(text)                                                            \
    { (const uint8_t *)(text), sizeof(text) - 1 }

struct kase {
    struct ts_slice bytes;
    enum heard_verdict verdict;
    const char *driver, *profile; /* or NULL */
    const char *ending;           /* or NULL */
    size_t messages;
    const char *advice; /* a part of it, or NULL */
};

static void check(const struct kase *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct heard heard;
        recognise(&heard, cases[i].bytes, &line_8n1);
        if (heard.verdict != cases[i].verdict)
            fail_msg("case %zu: verdict %d, %s", i, heard.verdict, heard.what);
        if (cases[i].driver) {
            assert_string_equal(heard.driver, cases[i].driver);
            const struct driver *driver = driver_find(heard.driver);
            assert_non_null(driver);
            if (heard.profile)
                assert_non_null(driver_profile_find(driver, heard.profile));
        }
        if (cases[i].profile)
            assert_string_equal(heard.profile, cases[i].profile);
        if (cases[i].ending)
            assert_string_equal(heard.ending, cases[i].ending);
        assert_int_equal(heard.messages, cases[i].messages);
        if (cases[i].advice && !strstr(heard.advice, cases[i].advice))
            fail_msg("case %zu: \"%s\"", i, heard.advice);
    }
}

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void test_text_lines(void **state) {
    static const struct kase cases[] = {
        {BYTES("8001120765741\r\n"), HEARD_READER, "line", "generic", "CR LF",
         1, "AIM identifiers"},
        {BYTES("8001120765741\r96385074\r"), HEARD_READER, "line", "generic",
         "CR", 2, NULL},
        {BYTES("8001120765741\n"), HEARD_READER, "line", "generic", "LF", 1,
         NULL},
        {BYTES("8001120765741\t"), HEARD_READER, "line", "generic", "TAB", 1,
         NULL},
        {BYTES("\x02"
               "8001120765741\x03"),
         HEARD_READER, "line", "generic", "ETX", 1, NULL},
        {BYTES("8001120765741"), HEARD_READER, "line", "silence", "nothing", 1,
         "suffix"},
        {BYTES("]E08001120765741\r"), HEARD_READER, "line", "aim", "CR", 1,
         NULL},
        {BYTES("d8001120765741\r"), HEARD_READER, "line", "honeywell-codeid",
         "CR", 1, "letter"},
        {BYTES("d]E08001120765741\r"), HEARD_READER, "line", "honeywell-codeid",
         "CR", 1, NULL},
        {BYTES("B8001120765741\r"), HEARD_READER, "line", "generic", "CR", 1,
         "switch it off"},
        {BYTES("]C1"
               "0108001120765741\x1d"
               "10A\r"),
         HEARD_READER, "line", "aim", "CR", 1, NULL},
        {BYTES("Caff\xc3\xa8 \xe2\x82\xac"
               "5\r\n"),
         HEARD_READER, "line", "generic", "CR LF", 1, NULL},
    };
    (void)state;
    check(cases, COUNT(cases));
}

static void test_frames(void **state) {
    static const struct kase cases[] = {
        /* a decode of "NR", and a host's ACK of the same make */
        {BYTES("\x07\xf3\x00\x00\x01\x4e\x52\xfe\x65"), HEARD_READER, "ssi",
         NULL, NULL, 1, NULL},
        {BYTES("\x07\xf3\x00\x00\x01\x4e\x52\xfe\x65"
               "\x07\xf3\x00\x00\x01\x4e\x52\xfe\x65"),
         HEARD_READER, "ssi", NULL, NULL, 2, NULL},
        {BYTES("\x16\xfe\x14\0\0\0\rMSGGET0006j]C0\x1dLOY-1\r"), HEARD_READER,
         "dechdr", NULL, NULL, 1, NULL},
        {BYTES("\x02"
               "100086F44426\x03"),
         HEARD_READER, "em4100", NULL, NULL, 1, NULL},
        {BYTES("\x02"
               "100086F44426\r\n\x03"),
         HEARD_READER, "em4100", NULL, NULL, 1, NULL},
        {BYTES("\0\0\xff\x02\xfe\xd5\x15\x16\0"), HEARD_READER, "pn532", NULL,
         NULL, 1, NULL},
        {BYTES(";627400123456789=?\r"), HEARD_READER, "msr", NULL, NULL, 1,
         NULL},
        {BYTES("%E?;2222?\r"), HEARD_READER, "msr", NULL, NULL, 1, NULL},
        {BYTES("04A1B2C3D4E5F6\r"), HEARD_READER, "twn4", NULL, NULL, 1, NULL},
        {BYTES(":112233445501\r\n"), HEARD_READER, "twn4", NULL, NULL, 1, NULL},
        /* a wrong checksum is no frame */
        {BYTES("\x07\xf3\x00\x00\x01\x4e\x52\xfe\x66"), HEARD_OTHER, NULL, NULL,
         NULL, 0, NULL},
        {BYTES("\x02"
               "100086F44486\x03"),
         HEARD_READER, "line", "generic", "ETX", 1, NULL},
        {BYTES(":112233445502\r\n"), HEARD_READER, "line", "generic", "CR LF",
         1, NULL},
    };
    (void)state;
    check(cases, COUNT(cases));
}

static void test_what_is_wrong(void **state) {
    static const struct kase cases[] = {
        {BYTES("\xb8\x30\x30\xb1\xb1\xb2\x30\xb7\x36\x35\xb7\xb4\xb1\x8d"),
         HEARD_LINE, NULL, NULL, NULL, 0, "even"},
        {BYTES("\x38\xb0\xb0\x31\x31\x32\xb0\x37\xb6\xb5\x37\x34\x31\x0d"),
         HEARD_LINE, NULL, NULL, NULL, 0, "odd"},
        {BYTES("\x00\xfe\x00\xfe\x80\xfe\x00\xf8\xfe\x00\xe0\xfe\x00\xfe"),
         HEARD_LINE, NULL, NULL, NULL, 0, "speed"},
        {BYTES("AT+GCAP\r"), HEARD_OTHER, NULL, NULL, NULL, 0, "ModemManager"},
        {BYTES("\0\0\0\xff"), HEARD_NOTHING, NULL, NULL, NULL, 0, "supply"},
        {BYTES(""), HEARD_NOTHING, NULL, NULL, NULL, 0, NULL},
        {BYTES("\x01\x04\x05\x06\x10\x12"), HEARD_OTHER, NULL, NULL, NULL, 0,
         "speed"},
        {BYTES("\r\n\r\n"), HEARD_OTHER, NULL, NULL, NULL, 0, NULL},
        /* behind the noise of a supply that came up */
        {BYTES("\0\0\xff"
               "8001120765741\r"),
         HEARD_READER, "line", "generic", "CR", 1, NULL},
    };
    (void)state;
    check(cases, COUNT(cases));
}

static void test_the_line_to_try_next(void **state) {
    static const struct ts_slice even = BYTES("\xb8\x30\x30\xb1\xb1\xb2\x8d");
    struct port_line line = line_8n1;
    struct heard heard;
    size_t tried = 0;

    (void)state;
    recognise(&heard, even, &line_8n1);
    assert_int_equal(heard.line.data_bits, 7);
    assert_int_equal(heard.line.parity, 'E');
    assert_int_equal(heard.line.baud, 9600);
    while (recognise_next_line(&line, &line)) {
        assert_true(line.baud >= 300);
        tried++;
    }
    assert_true(tried > 4);
    line.baud = 1234567; /* of nobody: from the start */
    assert_true(recognise_next_line(&line, &line));
    assert_int_equal(line.baud, 9600);
}

/* Any bytes: a verdict, and each text that it points to is our own. */
static void test_any_bytes_have_a_verdict(void **state) {
    uint8_t bytes[300];
    unsigned random = 7;

    (void)state;
    for (size_t round = 0; round < 20000; round++) {
        struct heard heard;
        size_t len = round % sizeof bytes;
        for (size_t i = 0; i < len; i++) {
            random = random * 1103515245 + 12345;
            bytes[i] = (uint8_t)(random >> 16);
        }
        uint8_t *copy = malloc(len + 1); /* so that a sanitizer sees its end */
        memcpy(copy, bytes, len);
        recognise(&heard, ts_slice_of(copy, len), &line_8n1);
        free(copy);
        assert_true(heard.verdict <= HEARD_OTHER);
        assert_true(strlen(heard.what) > 0);
        assert_true(heard.verdict != HEARD_READER || heard.driver);
    }
}

static void test_devices_suggest_what_exists(void **state) {
    const struct device *device;

    (void)state;
    for (size_t i = 0; (device = device_at(i)) != NULL; i++) {
        const struct driver *driver = driver_find(device->driver);
        if (!driver)
            fail_msg("%s: no driver %s", device->what, device->driver);
        if (!driver_profile_find(driver, device->profile))
            fail_msg("%s: no profile %s", device->what, device->profile);
        const struct device_other *other = device_other(device);
        if (other &&
            !driver_profile_find(driver_find(other->driver), other->profile))
            fail_msg("%s: no profile %s", device->what, other->profile);
        assert_int_equal(device->product & ~device->mask, 0);
        assert_non_null(device->link);
    }
}

static void test_what_a_make_also_speaks(void **state) {
    (void)state;
    assert_string_equal(device_other(device_find("05e0:1701"))->driver, "ssi");
    assert_string_equal(device_other(device_find("0c2e:0b6a"))->driver,
                        "dechdr");
    assert_null(device_other(device_find("0403:6001")));
    assert_null(device_other(device_find("")));
}

static void test_devices_by_identity(void **state) {
    static const struct {
        const char *usb, *profile;
        enum device_trust trust;
    } cases[] = {
        {"05e0:1701", "zebra", DEVICE_KNOWN},
        {"05e0:9999", "zebra", DEVICE_LIKELY},
        {"0C2E:0b6a", "honeywell", DEVICE_KNOWN},
        {"0c2e:0720", "metrologic", DEVICE_KNOWN},
        {"05f9:4204", "datalogic", DEVICE_KNOWN},
        {"1eab:1d06", "newland", DEVICE_KNOWN},
        {"1eab:1d03", "newland", DEVICE_LIKELY},
        {"0488:5788", "netum", DEVICE_KNOWN},
        {"0488:0001", "generic", DEVICE_UNKNOWN},
        {"11fa:0215", "code", DEVICE_KNOWN},
        {"0403:6001", "generic", DEVICE_BRIDGE},
        {"0403:b0c2", "generic", DEVICE_KNOWN},
        {"10c4:ea60", "generic", DEVICE_BRIDGE},
        {"10c4:8477", "generic", DEVICE_KNOWN},
        {"1a86:7523", "generic", DEVICE_BRIDGE},
        {"0483:5740", "generic", DEVICE_BRIDGE},
        {"ffff:0001", "generic", DEVICE_UNKNOWN},
        {"", "generic", DEVICE_UNKNOWN},
        {"05e0", "generic", DEVICE_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct device *device = device_find(cases[i].usb);
        if (device->trust != cases[i].trust)
            fail_msg("%s: %s", cases[i].usb, device->what);
        assert_string_equal(device->profile, cases[i].profile);
        assert_true(strlen(device_trust_name(device->trust)) > 3);
        assert_true(strlen(device_trust_reason(device->trust)) > 20);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_lines),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_what_is_wrong),
        cmocka_unit_test(test_the_line_to_try_next),
        cmocka_unit_test(test_any_bytes_have_a_verdict),
        cmocka_unit_test(test_devices_suggest_what_exists),
        cmocka_unit_test(test_what_a_make_also_speaks),
        cmocka_unit_test(test_devices_by_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
