/* A tag's memory from page 4 on, and what its records say. */
#include "drivers/ndef.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MEMORY_MAX = 4096 };

struct row {
    const char *what;
    const char *memory; /* hex */
    enum scan_error error;
    enum ndef_kind kind;
    const char *language;
    const char *text;
};

static const struct row rows[] = {
    {"text", "030fd1010b540269744c4f593030303132fe", SCAN_OK, NDEF_TEXT, "it",
     "LOY00012"},
    {"NULL TLVs ahead", "0000030fd1010b540269744c4f593030303132fe", SCAN_OK,
     NDEF_TEXT, "it", "LOY00012"},
    {"as it leaves the factory", "0103a00c340300fe", SCAN_OK, NDEF_OTHER, "",
     ""},
    {"payload past the end", "0306d101ff540269fe", SCAN_TRUNCATED, NDEF_OTHER,
     "", ""},
    {"no message", "0103a00c34fe", SCAN_OK, NDEF_OTHER, "", ""},
    {"link", "0310d1010c55046c2e6578616d706c652f31fe", SCAN_OK, NDEF_URI, "",
     "https://l.example/1"},
    {"link without prefix", "0307d1010355006162fe", SCAN_OK, NDEF_URI, "",
     "ab"},
    {"last prefix", "0306d10102552361fe", SCAN_OK, NDEF_URI, "", "urn:nfc:a"},
    {"prefix for later use", "0306d10102552461fe", SCAN_BAD_FRAME, NDEF_OTHER,
     "", ""},
    {"text behind a link wins", "0310910102550461510106540269744c4f59fe",
     SCAN_OK, NDEF_TEXT, "it", "LOY"},
    {"first of two links", "030c91010255046151010255036 2fe", SCAN_OK, NDEF_URI,
     "", "https://a"},
    {"first of two texts", "0310910104540178 6141 510104540178 6142fe", SCAN_OK,
     NDEF_TEXT, "x", "aA"},
    {"an empty text says nothing", "030e9101035402697451010355046162fe",
     SCAN_OK, NDEF_URI, "", "https://ab"},
    {"long record", "0312c1010000000b540269744c4f593030303132fe", SCAN_OK,
     NDEF_TEXT, "it", "LOY00012"},
    {"long record that lies", "0312c101ffffffff540269744c4f593030303132fe",
     SCAN_TRUNCATED, NDEF_OTHER, "", ""},
    {"record with an id", "030bd90105015469026974 4142fe", SCAN_OK, NDEF_TEXT,
     "it", "AB"},
    {"TLV with a length of two bytes", "03ff000fd1010b540269744c4f593030303132",
     SCAN_OK, NDEF_TEXT, "it", "LOY00012"},
    {"chunked", "030fb1010b540269744c4f593030303132fe", SCAN_BAD_FRAME,
     NDEF_OTHER, "", ""},
    {"type unchanged", "030fd6010b540269744c4f593030303132fe", SCAN_BAD_FRAME,
     NDEF_OTHER, "", ""},
    {"no last record", "030f91010b540269744c4f593030303132fe", SCAN_TRUNCATED,
     NDEF_OTHER, "", ""},
    {"what is behind the last record does not count",
     "0312d1010b540269744c4f593030303132ffffff", SCAN_OK, NDEF_TEXT, "it",
     "LOY00012"},
    {"UTF-16 big endian", "030fd1010b548269740041002000e820ac", SCAN_OK,
     NDEF_TEXT, "it", "A \xc3\xa8\xe2\x82\xac"},
    {"UTF-16 with its mark", "030dd10109548269 74fffe4100ac20", SCAN_OK,
     NDEF_TEXT, "it", "A\xe2\x82\xac"},
    {"UTF-16 pair", "030bd10107548269 74d83dde00", SCAN_OK, NDEF_TEXT, "it",
     "\xf0\x9f\x98\x80"},
    {"half a pair", "0309d1010554826974d83d", SCAN_BAD_CHAR, NDEF_OTHER, "",
     ""},
    {"second half alone", "0309d1010554826974de00", SCAN_BAD_CHAR, NDEF_OTHER,
     "", ""},
    {"half a unit", "0308d1010454826974d8", SCAN_BAD_CHAR, NDEF_OTHER, "", ""},
    {"Latin-1 that says it is UTF-8", "0309d1010554026974e841", SCAN_BAD_CHAR,
     NDEF_OTHER, "", ""},
    {"language past the end", "0306d10102543f69", SCAN_TRUNCATED, NDEF_OTHER,
     "", ""},
    {"text without status", "0304d1010054", SCAN_TRUNCATED, NDEF_OTHER, "", ""},
    {"no such language", "0309d10105540200014142", SCAN_OK, NDEF_TEXT, "",
     "AB"},
    {"a long language", "0311d1010d540a7a682d48616e732d434e4142", SCAN_OK,
     NDEF_TEXT, "", "AB"},
    {"smart poster", "0317d10212537091010255046151010854026974 5469746f6c",
     SCAN_OK, NDEF_URI, "", "https://a"},
    {"absolute URI", "0306d30300613a62", SCAN_OK, NDEF_URI, "", "a:b"},
    {"another type", "030cd2030661 2f62010203040506", SCAN_OK, NDEF_OTHER, "",
     ""},
    {"an empty record", "0303d00000fe", SCAN_OK, NDEF_OTHER, "", ""},
};

static size_t unhex(uint8_t *out, const char *hex) {
    char digits[2 * MEMORY_MAX];
    size_t len = 0, count = 0;

    for (; *hex; hex++)
        if (*hex != ' ')
            digits[count++] = *hex;
    assert_int_equal(
        ts_unhex(out, MEMORY_MAX, &len, ts_slice_of(digits, count)), TS_OK);
    return len;
}

static void check(const struct row *row, struct ts_slice memory) {
    struct ndef_text text = {.kind = NDEF_OTHER};
    struct ts_slice message;
    size_t need;
    enum scan_error error = SCAN_OK;

    if (ndef_find(memory, &message, &need) == NDEF_FOUND)
        error = ndef_choose(&text, message);
    if (error != row->error)
        fail_msg("%s: %s", row->what, scan_error_name(error));
    if (error)
        return;
    if (text.kind != row->kind || strcmp(text.language, row->language) != 0 ||
        !ts_slice_equal(ts_slice_of(text.text, text.len),
                        ts_slice_text(row->text)))
        fail_msg("%s: kind %d, language %s, %.*s", row->what, text.kind,
                 text.language, (int)text.len, text.text);
}

static void test_rows(void **state) {
    uint8_t bytes[MEMORY_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(&rows[i], ts_slice_of(bytes, unhex(bytes, rows[i].memory)));
}

/* Memory comes page by page: what was asked for is enough in the end, and
 * never less than what is there. */
static void test_need_leads_to_the_message(void **state) {
    uint8_t bytes[MEMORY_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = unhex(bytes, rows[i].memory);
        size_t have = 0, need = 1;
        struct ts_slice message;
        enum ndef_find found;
        while ((found = ndef_find(ts_slice_of(bytes, have), &message, &need)) ==
                   NDEF_MORE &&
               need <= len) {
            assert_true(need > have);
            have = need;
        }
        assert_true(found != NDEF_MORE);
        check(&rows[i], ts_slice_of(bytes, have));
    }
}

/* No cut of a message makes another text of it. */
static void test_cut_messages(void **state) {
    uint8_t bytes[MEMORY_MAX];
    size_t len = unhex(bytes, "910102550461510106540269744c4f59");
    struct ndef_text text;

    (void)state;
    for (size_t cut = 1; cut < len; cut++)
        assert_int_equal(ndef_choose(&text, ts_slice_of(bytes, cut)),
                         SCAN_TRUNCATED);
    assert_int_equal(ndef_choose(&text, ts_slice_of(bytes, len)), SCAN_OK);
}

/* The largest text fits; a UTF-16 text that grows past the end does not. */
static void test_limits(void **state) {
    static uint8_t message[6 + 1 + 2 * NDEF_TEXT_MAX];
    struct ndef_text text;
    const size_t payload = NDEF_TEXT_MAX + 1;

    (void)state;
    memcpy(message,
           (uint8_t[]){0xc1, 1, 0, 0, (uint8_t)(payload >> 8), (uint8_t)payload,
                       'T', 0},
           8);
    memset(message + 8, 'a', NDEF_TEXT_MAX);
    assert_int_equal(ndef_choose(&text, ts_slice_of(message, 7 + payload)),
                     SCAN_OK);
    assert_int_equal(text.len, NDEF_TEXT_MAX);
    /* 20 AC: two bytes that become three. */
    message[7] = 0x80;
    for (size_t i = 8; i < 7 + payload; i++)
        message[i] = i % 2 ? 0xac : 0x20;
    assert_int_equal(ndef_choose(&text, ts_slice_of(message, 7 + payload)),
                     SCAN_OVERLONG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_need_leads_to_the_message),
        cmocka_unit_test(test_cut_messages),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
