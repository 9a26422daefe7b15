/* What element strings, links and retail codes say of an item or a coupon. */
#include "drivers/code/code.h"
#include "drivers/code/currency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define GTIN  "0108001120765741"
#define LOOSE "0198001120765744"

static struct code elements_of(const char *text, const char *currency) {
    struct code_rules rules = {.currency = currency_named(currency)};
    struct scan scan = {.text = ts_slice_text(text), .aim = "]Q3"};
    struct code code;

    code_classify(&code, &scan, &rules);
    return code;
}

static struct code elements(const char *text) {
    struct scan scan = {.text = ts_slice_text(text), .aim = "]Q3"};
    struct code code;

    code_classify(&code, &scan, NULL);
    return code;
}

static struct code told(enum symbology symbology, const char *text) {
    struct scan scan = {.text = ts_slice_text(text), .symbology = symbology};
    struct code code;

    code_classify(&code, &scan, NULL);
    return code;
}

static struct code untold(const char *text) {
    return told(SYMBOLOGY_UNKNOWN, text);
}

static void test_weights_are_grams(void **state) {
    static const struct {
        const char *text;
        int64_t grams;
    } cases[] = {
        {LOOSE "3100000002", 2000}, {LOOSE "3101000012", 1200},
        {LOOSE "3102000075", 750},  {LOOSE "3103000750", 750},
        {LOOSE "3104012345", 1235}, {LOOSE "3105012345", 123},
        {LOOSE "3105012350", 124},  {LOOSE "3100999999", 999999000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct code code = elements(cases[i].text);
        assert_int_equal(code.kind, CODE_ITEM);
        assert_true(code.has_weight);
        assert_int_equal(code.weight_g, cases[i].grams);
    }
    assert_false(elements(GTIN).has_weight);
}

static void test_prices_are_minor_units(void **state) {
    static const struct {
        const char *text, *currency;
        int64_t minor;
    } cases[] = {
        {LOOSE "3103000750"
               "39201250",
         "", 125000},
        {LOOSE "3103000750"
               "39211250",
         "", 12500},
        {LOOSE "3103000750"
               "39221250",
         "", 1250},
        {LOOSE "3103000750"
               "39231255",
         "", 126},
        {LOOSE "3103000750"
               "39329781250",
         "EUR", 1250},
        {LOOSE "3103000750"
               "3930392150",
         "JPY", 150},
        {LOOSE "3103000750"
               "39334141250",
         "KWD", 1250},
        {LOOSE "3103000750"
               "39308401",
         "USD", 100},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct code code = elements(cases[i].text);
        assert_int_equal(code.kind, CODE_ITEM);
        assert_true(code.has_price);
        assert_int_equal(code.price_minor, cases[i].minor);
        assert_string_equal(code.currency, cases[i].currency);
        assert_int_equal(code.weight_g, 750);
    }
}

/* (392n) is in the shop's currency, (393n) in its own. */
static void test_plain_prices_have_the_shops_decimals(void **state) {
    static const struct {
        const char *text, *currency;
        int64_t minor;
    } cases[] = {
        {"3920100", "JPY", 100},      {"39221250", "JPY", 13},
        {"3920100", "BHD", 100000},   {"39231255", "BHD", 1255},
        {"3920100", "EUR", 10000},    {"3920100", "ZZZ", 10000},
        {"39329781250", "JPY", 1250}, {"3930392150", "BHD", 150},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, LOOSE "3103000750%s", cases[i].text);
        struct code code = elements_of(text, cases[i].currency);
        assert_true(code.has_price);
        assert_int_equal(code.price_minor, cases[i].minor);
    }
}

/* No number of the protocol reaches 2^53; such an item has no price. */
static void test_prices_from_2_to_the_53_are_none(void **state) {
    static const struct {
        const char *text, *currency;
        int64_t minor; /* 0: none */
    } cases[] = {
        {"3920999999999999999", "EUR", 0},
        {"3920999999999999999", "BHD", 0},
        {"3930048999999999999999", "EUR", 0},
        {"3920999999999999999", "JPY", INT64_C(999999999999999)},
        {"3933048999999999999999", "EUR", INT64_C(999999999999999)},
        {"3920090071992547409", "EUR", INT64_C(9007199254740900)},
        {"3920090071992547410", "EUR", 0},
        {"3921900719925474099", "EUR", INT64_C(9007199254740990)},
        {"3921900719925474100", "EUR", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, LOOSE "3103000750%s", cases[i].text);
        struct code code = elements_of(text, cases[i].currency);
        assert_int_equal(code.kind, CODE_ITEM);
        assert_string_equal(code.gtin, "98001120765744");
        assert_int_equal(code.weight_g, 750);
        assert_int_equal(code.has_price, cases[i].minor != 0);
        assert_int_equal(code.price_minor, cases[i].minor);
        if (!code.has_price)
            assert_string_equal(code.currency, "");
    }
}

static void test_the_largest_quantity(void **state) {
    struct code code = elements(LOOSE "3099999999");

    (void)state;
    assert_true(code.has_quantity);
    assert_int_equal(code.quantity, 99999999);
}

static void test_lot_and_expiry(void **state) {
    struct code code = elements(GTIN "1726123110LOT-7\x1d"
                                     "21SER");

    (void)state;
    assert_string_equal(code.gtin, "08001120765741");
    assert_string_equal(code.expiry, "2026-12-31");
    assert_string_equal(code.lot, "LOT-7");
    assert_string_equal(elements(GTIN "15280200").expiry, "2028-02-29");
    assert_string_equal(elements(GTIN "15270200").expiry, "2027-02-28");
    assert_string_equal(elements(GTIN "1526010117270202").expiry, "2027-02-02");
    assert_string_equal(elements(GTIN).expiry, "");
}

/* The 2D part of a composite symbol completes its linear part. */
static void test_both_parts_of_a_composite(void **state) {
    struct code code = elements(GTIN "|]e017261231"
                                     "10LOT-7");

    (void)state;
    assert_int_equal(code.kind, CODE_ITEM);
    assert_string_equal(code.gtin, "08001120765741");
    assert_string_equal(code.lot, "LOT-7");
    assert_string_equal(code.expiry, "2026-12-31");
    assert_int_equal(elements(GTIN "|]e0").kind, CODE_ITEM);
    assert_int_equal(elements(GTIN "|]e005").kind, CODE_REJECTED);
    assert_int_equal(elements(GTIN "|]e0994111111111111111").kind,
                     CODE_PAYMENT_CARD);
    assert_int_equal(elements(GTIN "|]e0994111111111111111^").kind,
                     CODE_PAYMENT_CARD);
}

static void test_a_wrong_string_says_nothing(void **state) {
    struct code code = elements(LOOSE "3103000750"
                                      "17261301"
                                      "10LOT");

    (void)state;
    assert_int_equal(code.kind, CODE_REJECTED);
    assert_int_equal(code.error, SCAN_GS1_INVALID);
    assert_string_equal(code.gtin, "");
    assert_string_equal(code.lot, "");
    assert_false(code.has_weight);
}

static void test_numbers_of_other_things_are_no_item(void **state) {
    (void)state;
    assert_int_equal(elements("00180011200000000154").kind, CODE_REJECTED);
    assert_int_equal(elements("00180011200000000153").kind, CODE_UNKNOWN);
    assert_int_equal(elements("4148001120000002").kind, CODE_UNKNOWN);
    assert_int_equal(elements("8018952012345678901233").kind, CODE_UNKNOWN);
    assert_string_equal(elements("8006080011207657410102").gtin,
                        "08001120765741");
}

static void test_coupons_are_named_without_serial(void **state) {
    (void)state;
    struct code code = elements("25595201234567880007");
    assert_int_equal(code.kind, CODE_COUPON);
    assert_string_equal(code.coupon, "9520123456788");
    assert_string_equal(elements("2559520123456788").coupon, "9520123456788");
    assert_string_equal(
        elements("8110106141416543213150110000310123196000").coupon,
        "811010614141654321");
    /* The same offer on another paper. */
    assert_string_equal(elements("8112010614141654321"
                                 "0123456")
                            .coupon,
                        elements("8112010614141654321"
                                 "0999999")
                            .coupon);
    assert_string_equal(code.gtin, "");
}

static void test_retail_prefixes_of_coupons(void **state) {
    static const struct {
        const char *text, *coupon;
    } cases[] = {
        {"9811234560502", "9811234560502"},
        {"9900000123451", "9900000123451"},
        {"0512345678900", "0512345678900"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct code code = untold(cases[i].text);
        assert_int_equal(code.kind, CODE_COUPON);
        assert_string_equal(code.coupon, cases[i].coupon);
        assert_string_equal(code.gtin, "");
    }
    /* One name under each symbology that prints it. */
    assert_string_equal(told(SYMBOLOGY_UPC_A, "512345678900").coupon,
                        "0512345678900");
    assert_int_equal(untold("9780000000002").kind, CODE_ITEM);
    assert_int_equal(told(SYMBOLOGY_ITF_14, "98001120765744").kind, CODE_ITEM);
}

static void test_the_symbology_of_the_type_byte(void **state) {
    static const struct {
        enum symbology symbology;
        const char *text, *gtin;
    } cases[] = {
        {SYMBOLOGY_EAN_13_2, "977123456700312", "09771234567003"},
        {SYMBOLOGY_EAN_13_5, "978880452345151295", "09788804523451"},
        {SYMBOLOGY_EAN_8_2, "9638507412", "00000096385074"},
        {SYMBOLOGY_EAN_8_5, "9638507451295", "00000096385074"},
        {SYMBOLOGY_UPC_A_2, "01234567890510", "00012345678905"},
        {SYMBOLOGY_UPC_A_5, "01234567890512345", "00012345678905"},
        {SYMBOLOGY_UPC_E_2, "0123456510", "00012345000065"},
        {SYMBOLOGY_UPC_E_5, "0123456512345", "00012345000065"},
        {SYMBOLOGY_UPC_E, "012345000065", "00012345000065"},
        {SYMBOLOGY_UPC_A, "0012345678905", "00012345678905"},
        {SYMBOLOGY_EAN_8, "0000096385074", "00000096385074"},
        {SYMBOLOGY_BOOKLAND, "9788804523451", "09788804523451"},
        {SYMBOLOGY_ITF, "18001120765748", "18001120765748"},
        {SYMBOLOGY_GS1_DATABAR, "08001120765741", "08001120765741"},
        {SYMBOLOGY_GS1_DATABAR, GTIN, "08001120765741"},
        {SYMBOLOGY_GS1_DATABAR_EXPANDED, LOOSE "3103000750", "98001120765744"},
        {SYMBOLOGY_GS1_128, GTIN, "08001120765741"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct code code = told(cases[i].symbology, cases[i].text);
        if (code.kind != CODE_ITEM || strcmp(code.gtin, cases[i].gtin) != 0)
            fail_msg("%s: kind %d, gtin %s", cases[i].text, code.kind,
                     code.gtin);
        assert_int_equal(code.symbology, cases[i].symbology);
    }
    assert_int_equal(told(SYMBOLOGY_EAN_13_2, "977123456700412").error,
                     SCAN_BAD_CHECK_DIGIT);
    assert_int_equal(told(SYMBOLOGY_EAN_13_2, "9771234567003").error,
                     SCAN_BAD_LENGTH);
    assert_int_equal(told(SYMBOLOGY_UPC_E, "21234565").error,
                     SCAN_BAD_NUMBER_SYSTEM);
    assert_int_equal(told(SYMBOLOGY_BOOKLAND, "8804523459").kind, CODE_UNKNOWN);
}

/* Identifier, then type byte, then code letter. */
static void test_who_tells_the_symbology(void **state) {
    struct scan scan = {.text = ts_slice_text("96385074"),
                        .aim = "]C0",
                        .symbology = SYMBOLOGY_EAN_8,
                        .code_id = 'E'};
    struct code code;

    (void)state;
    code_classify(&code, &scan, NULL);
    assert_int_equal(code.symbology, SYMBOLOGY_CODE_128);
    scan.aim[0] = 0;
    code_classify(&code, &scan, NULL);
    assert_int_equal(code.symbology, SYMBOLOGY_EAN_8);
    scan.symbology = SYMBOLOGY_UNKNOWN;
    code_classify(&code, &scan, NULL);
    assert_int_equal(code.symbology, SYMBOLOGY_UPC_E);
    /* "Other" says less than the type byte. */
    scan = (struct scan){.text = ts_slice_text("X"),
                         .aim = "]X0",
                         .symbology = SYMBOLOGY_TRIOPTIC};
    code_classify(&code, &scan, NULL);
    assert_int_equal(code.symbology, SYMBOLOGY_TRIOPTIC);
}

static void test_eight_digits_keep_both_readings(void **state) {
    struct code code = untold("05123476");

    (void)state;
    assert_int_equal(code.kind, CODE_UNKNOWN);
    assert_int_equal(code.candidate_count, 2);
    assert_int_equal(code.candidates[0], SYMBOLOGY_EAN_8);
    assert_int_equal(code.candidates[1], SYMBOLOGY_UPC_E);
    code = untold("96385074");
    assert_int_equal(code.candidate_count, 1);
    assert_int_equal(code.candidates[0], SYMBOLOGY_EAN_8);
    assert_int_equal(code.kind, CODE_ITEM);
    code = untold("01234514");
    assert_int_equal(code.candidate_count, 1);
    assert_int_equal(code.candidates[0], SYMBOLOGY_UPC_E);
    assert_int_equal(untold("21234565").error, SCAN_BAD_NUMBER_SYSTEM);
    assert_int_equal(untold("96385075").error, SCAN_BAD_CHECK_DIGIT);
    assert_int_equal(untold("96385075").candidate_count, 0);
}

static void test_currencies_are_in_order(void **state) {
    unsigned known = 0;

    (void)state;
    for (unsigned number = 0; number < 1000; number++) {
        const struct currency *currency = currency_find(number);
        if (!currency)
            continue;
        known++;
        assert_int_equal(currency->number, number);
        assert_int_equal(strlen(currency->letters), 3);
        assert_in_range(currency->decimals, 0, 4);
    }
    assert_int_equal(known, 169);
    assert_string_equal(currency_find(978)->letters, "EUR");
    assert_null(currency_find(1000));
    assert_int_equal(currency_named("JPY")->number, 392);
    assert_int_equal(currency_named("USN")->number, 997);
    assert_null(currency_named("ZZZ"));
    assert_null(currency_named(""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_are_grams),
        cmocka_unit_test(test_prices_are_minor_units),
        cmocka_unit_test(test_plain_prices_have_the_shops_decimals),
        cmocka_unit_test(test_prices_from_2_to_the_53_are_none),
        cmocka_unit_test(test_the_largest_quantity),
        cmocka_unit_test(test_lot_and_expiry),
        cmocka_unit_test(test_both_parts_of_a_composite),
        cmocka_unit_test(test_a_wrong_string_says_nothing),
        cmocka_unit_test(test_numbers_of_other_things_are_no_item),
        cmocka_unit_test(test_coupons_are_named_without_serial),
        cmocka_unit_test(test_retail_prefixes_of_coupons),
        cmocka_unit_test(test_the_symbology_of_the_type_byte),
        cmocka_unit_test(test_who_tells_the_symbology),
        cmocka_unit_test(test_eight_digits_keep_both_readings),
        cmocka_unit_test(test_currencies_are_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
