/* Payment cards in every carrier, by people who try. Public test numbers. */
#include "drivers/code/code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define GTIN "0108001120765741"
#define HOST "https://example.com"

static const char *const numbers[] = {
    "4111111111111111",    "5555555555554444", "2223003122003222",
    "378282246310005",     "6200000000000005", "30569309025904",
    "6011111111111117",    "3530111333300000", "6759649826438453",
    "6799990100000000019",
};

/* The widest rules that a shop could write: they open nothing. */
static const struct code_rule list[] = {
    {.prefix = "", .programme = "a", .length = 16},
    {.prefix = "4", .programme = "b"},
    {.prefix = "91", .programme = "c"},
    {.prefix = "https://", .programme = "d"},
    {.prefix = "411111",
     .programme = "e",
     .length = 16,
     .carrier = CODE_CARRIER_STRIPE},
    {.prefix = "", .programme = "f", .length = 16, .carrier = CODE_CARRIER_UID},
};
static const char *const hosts[] = {"example.com"};
static const struct ts_guard_allow allow[] = {{"411111", 16}, {"555555", 16}};
static const struct code_rules rules = {.rules = list,
                                        .count = 6,
                                        .link_hosts = hosts,
                                        .link_host_count = 1,
                                        .guard = {allow, 2}};

static void assert_nothing_left(const struct code *code, const char *text) {
    static const struct code empty = {.kind = CODE_PAYMENT_CARD};

    if (code->kind != CODE_PAYMENT_CARD)
        fail_msg("taken: %s", text);
    assert_null(code->programme);
    assert_null(code->number.data);
    assert_null(code->item.data);
    assert_string_equal(code->gtin, "");
    assert_string_equal(code->lot, "");
    assert_string_equal(code->coupon, "");
    assert_memory_equal(code->digits, empty.digits, sizeof empty.digits);
    assert_int_equal(code->symbology, SYMBOLOGY_UNKNOWN);
    assert_int_equal(code->candidate_count, 0);
}

static void refused(const struct scan *scan) {
    char text[256];
    struct code code;
    struct gs1 gs1 = {0};

    (void)snprintf(text, sizeof text, "%.*s", (int)scan->text.len,
                   (const char *)scan->text.data);
    code_classify(&code, scan, &rules);
    assert_nothing_left(&code, text);
    code_classify(&code, scan, NULL);
    assert_nothing_left(&code, text);
    assert_int_equal(code_gs1(&gs1, scan, &rules), GS1_ABSENT);
    assert_int_equal(gs1.count, 0);
    for (size_t i = 0; i < sizeof gs1.values; i++)
        assert_int_equal(gs1.values[i], 0);
}

static void refused_as(enum scan_medium medium, const char *aim,
                       const char *text) {
    struct scan scan = {.medium = medium, .text = ts_slice_text(text)};

    memcpy(scan.aim, aim, strlen(aim) + 1);
    refused(&scan);
}

static bool taken(const char *aim, const char *text) {
    struct scan scan = {.text = ts_slice_text(text)};
    struct code code;

    memcpy(scan.aim, aim, strlen(aim) + 1);
    code_classify(&code, &scan, NULL);
    return code.kind != CODE_PAYMENT_CARD;
}

/* `form` has one %s for the number. */
static void every_number_in(enum scan_medium medium, const char *aim,
                            const char *form) {
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char text[256];
        const char *at = strstr(form, "%s");
        (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - form), form,
                       numbers[i], at + 2);
        refused_as(medium, aim, text);
    }
}

static void test_in_barcodes(void **state) {
    static const char *const aims[] = {"",    "]C0", "]A0", "]F0", "]G0", "]I0",
                                       "]I1", "]L2", "]Q1", "]d1", "]z0", "]U0",
                                       "]X0", "]y5", "]E0", "]E3", "]E4"};

    (void)state;
    for (size_t i = 0; i < sizeof aims / sizeof aims[0]; i++)
        every_number_in(SCAN_BARCODE, aims[i], "%s");
    every_number_in(SCAN_BARCODE, "]Q1", "CARD %s EXP 12/29");
    /* Codabar has letters at both ends. */
    every_number_in(SCAN_BARCODE, "]F0", "A%sB");
    every_number_in(SCAN_BARCODE, "", "a%sd");
    refused_as(SCAN_BARCODE, "]L2", "4111 1111 1111 1111");
    refused_as(SCAN_BARCODE, "]Q1", "4111-1111-1111-1111");
    refused_as(SCAN_BARCODE, "]Q1", "4111\r\n1111\r\n1111\r\n1111");
    refused_as(SCAN_BARCODE, "]Q1", "411111XXXXXX1111");
    refused_as(SCAN_BARCODE, "]Q1", "%B4111111111111111^A/B^2912?");
    refused_as(SCAN_BARCODE, "]Q1", ";4111111111111112=2912?");
}

static void test_in_element_strings(void **state) {
    static const char *const aims[] = {"]C1", "]e0", "]d2", "]Q3",
                                       "]J1", "]z1", "]d5", "]Q4"};
    static const char *const forms[] = {
        "91%s",
        GTIN "10%s",
        GTIN "21%s",
        GTIN "17261231"
             "21%s",
        GTIN "10A\x1d"
             "99%s",
        GTIN "240%s\x1d"
             "10A",
        "98X%sY",
        "8200https://example.com/%s",
    };

    (void)state;
    for (size_t i = 0; i < sizeof aims / sizeof aims[0]; i++)
        for (size_t j = 0; j < sizeof forms / sizeof forms[0]; j++)
            every_number_in(SCAN_BARCODE, aims[i], forms[j]);
    every_number_in(SCAN_BARCODE, "]d5", "\\000003" GTIN "21%s");
    refused_as(SCAN_BARCODE, "]C1", GTIN "214111-1111-1111-1111");
    /* Letters that make of it what looks like a hash. */
    refused_as(SCAN_BARCODE, "]C1", GTIN "10ABCD4111111111111111");
    refused_as(SCAN_BARCODE, "]C1", GTIN "104111111111111111ABCD");
}

/* What breaks GS1's rules is looked at all the more. */
static void test_in_broken_element_strings(void **state) {
    static const char *const forms[] = {
        "%s",     "01%s",        "91%s^", GTIN "21%s^", GTIN GTIN "21%s",
        "\x1d%s", "9991^\x1d%s", "05%s",  "8018%s",     GTIN "\x1d\x1d%s",
    };

    (void)state;
    for (size_t j = 0; j < sizeof forms / sizeof forms[0]; j++)
        every_number_in(SCAN_BARCODE, "]C1", forms[j]);
}

static void test_in_links(void **state) {
    static const char *const forms[] = {
        HOST "/01/08001120765741/21/%s",
        HOST "/01/08001120765741/10/%s/21/S",
        HOST "/01/08001120765741?99=%s",
        HOST "/01/08001120765741?card=%s",
        HOST "/01/08001120765741#%s",
        HOST "/%s/01/08001120765741",
        HOST "/01/%s",
        HOST "/8018/%s",
        HOST "/pay?pan=%s",
        "https://%s.example.com/01/08001120765741",
        "HTTPS://EXAMPLE.COM/01/08001120765741/21/%s",
    };

    (void)state;
    for (size_t j = 0; j < sizeof forms / sizeof forms[0]; j++) {
        every_number_in(SCAN_BARCODE, "]Q1", forms[j]);
        every_number_in(SCAN_BARCODE, "", forms[j]);
        every_number_in(SCAN_NDEF, "", forms[j]);
    }
    refused_as(SCAN_BARCODE, "]Q1",
               HOST "/01/08001120765741/21/%34%31%31%31%31%31%31%31%31%31%31%31"
                    "%31%31%31%31");
    refused_as(SCAN_BARCODE, "]Q1",
               HOST "/01/08001120765741/21/4111%201111%201111%201111");
}

static void test_in_composites_and_add_ons(void **state) {
    (void)state;
    every_number_in(SCAN_BARCODE, "]E0", "8001120765741|]e099%s");
    every_number_in(SCAN_BARCODE, "]E0", "8001120765741|]e0%s");
}

static void test_behind_switches_of_the_character_set(void **state) {
    static const char *const aims[] = {"]Q2", "]d4", "]z3", "]L1", "]Q1", ""};

    (void)state;
    for (size_t i = 0; i < sizeof aims / sizeof aims[0]; i++) {
        every_number_in(SCAN_BARCODE, aims[i], "\\000026%s");
        every_number_in(SCAN_BARCODE, aims[i], "A\\000026%s");
        every_number_in(SCAN_BARCODE, aims[i], "\\000003\\000026%s");
        refused_as(SCAN_BARCODE, aims[i], "41111111\\00002611111111");
    }
}

static void test_on_tags(void **state) {
    (void)state;
    every_number_in(SCAN_NDEF, "", "%s");
    every_number_in(SCAN_NDEF, "", "card %s");
    every_number_in(SCAN_TAG, "", "%s");
}

static void stripe_refused(const char *text, const char *track_1,
                           const char *track_2, const char *track_3) {
    refused(&(struct scan){.medium = SCAN_STRIPE,
                           .text = ts_slice_text(text),
                           .tracks = {ts_slice_text(track_1),
                                      ts_slice_text(track_2),
                                      ts_slice_text(track_3)}});
}

static void test_on_stripes(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "%s=29121010000", numbers[i]);
        stripe_refused("?", "", text, "");
        (void)snprintf(text, sizeof text, "B%s^TEST/CARD^2912101", numbers[i]);
        stripe_refused("?", text, "", "");
        (void)snprintf(text, sizeof text, "01%s=724724", numbers[i]);
        stripe_refused("?", "", "", text);
        /* Nothing but the number, also one that was misread. */
        stripe_refused("?", "", numbers[i], "");
        (void)snprintf(text, sizeof text, "%s", numbers[i]);
        text[strlen(text) - 1] ^= 1;
        stripe_refused("?", "", text, "");
        stripe_refused(text, "", "", "");
    }
    /* One track of three is enough; the reader may also hide digits. */
    stripe_refused("%A1?;9801234567890121=4912?+014111111111111111=7?", "A1",
                   "9801234567890121=4912", "014111111111111111=7");
    stripe_refused(";4111********1111=2912?", "", "4111********1111=2912", "");
}

static void test_what_is_none_by_its_form(void **state) {
    (void)state;
    assert_true(taken("]E0", "4000000000006"));
    assert_true(taken("", "4000000000006"));
    /* An item whose number would be a card's elsewhere. */
    assert_true(taken("]C1", "0138520000023236"));
    assert_true(taken("]I1", "38520000023236"));
    assert_true(taken("]I0", "38520000023236"));
    assert_true(taken("]Q1", HOST "/01/38520000023236/10/A"));
    assert_true(taken("]C1", "8018411111111111111110"));
    assert_true(taken("]C0", "351534100000002"));
    assert_true(taken("]Q1", "X12X12X12X12"));
    assert_true(taken("]C1", GTIN "02080011207657413710"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_barcodes),
        cmocka_unit_test(test_in_element_strings),
        cmocka_unit_test(test_in_broken_element_strings),
        cmocka_unit_test(test_in_links),
        cmocka_unit_test(test_in_composites_and_add_ons),
        cmocka_unit_test(test_behind_switches_of_the_character_set),
        cmocka_unit_test(test_on_tags),
        cmocka_unit_test(test_on_stripes),
        cmocka_unit_test(test_what_is_none_by_its_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
