#include "drivers/code/ean.h"
#include "drivers/code/measure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct code_measure measures[] = {
    {"21IIIIVPPPPPC"}, {"22IIIIIVPPPPC"}, {"28IIIIIWWWWWC"},
    {"02IIIIIPPPPPC"}, {MEASURE_ITALY},
};
static const struct code_rules rules = {.measures = measures,
                                        .measure_count = 5};

static struct code classify(const char *twelve, enum symbology symbology,
                            const struct code_rules *with) {
    char text[20];
    struct scan scan = {.symbology = symbology};
    struct code code;

    (void)snprintf(text, sizeof text, "%s%c", twelve,
                   ean_check_digit(ts_slice_text(twelve)));
    scan.text = ts_slice_text(text);
    code_classify(&code, &scan, with);
    return code;
}

static void test_price_verifiers(void **state) {
    static const struct {
        const char *price;
        char verifier;
    } cases[] = {{"0001", '5'},  {"2875", '9'}, {"00001", '4'}, {"12345", '8'},
                 {"14685", '6'}, {"0000", '0'}, {"00000", '0'}, {"123", 0},
                 {"123456", 0},  {"12a4", 0},   {"", 0}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(measure_price_verifier(ts_slice_text(cases[i].price)),
                         cases[i].verifier);
}

/* What the verifier is for: no digit may be read wrong unseen. */
static void test_a_wrong_digit_changes_the_verifier(void **state) {
    (void)state;
    for (unsigned price = 0; price < 100000; price += 7) {
        char text[8];
        (void)snprintf(text, sizeof text, "%05u", price);
        char right = measure_price_verifier(ts_slice_text(text));
        assert_in_range(right, '0', '9');
        for (size_t i = 0; i < 5; i++) {
            char other[8];
            memcpy(other, text, sizeof other);
            other[i] = (char)('0' + (other[i] - '0' + 1) % 10);
            assert_int_not_equal(measure_price_verifier(ts_slice_text(other)),
                                 right);
        }
    }
}

static void test_price_and_weight_come_out(void **state) {
    struct code code = classify("231234501250", SYMBOLOGY_EAN_13, &rules);

    (void)state;
    assert_int_equal(code.kind, CODE_ITEM);
    assert_true(code.has_price);
    assert_false(code.has_weight);
    assert_int_equal(code.price_minor, 1250);
    assert_string_equal(code.currency, "");
    assert_memory_equal(code.gtin, "0231234500000", 13);
    assert_true(code_mod10_valid(ts_slice_text(code.gtin)));

    code = classify("281234500750", SYMBOLOGY_EAN_13, &rules);
    assert_true(code.has_weight);
    assert_false(code.has_price);
    assert_int_equal(code.weight_g, 750);
    assert_memory_equal(code.gtin, "0281234500000", 13);
}

/* Two pieces of one item have the same GTIN, whatever they weigh. */
static void test_the_item_is_the_same_at_every_price(void **state) {
    struct code cheap = classify("225432192875", SYMBOLOGY_EAN_13, &rules);
    struct code dear = classify("225432150001", SYMBOLOGY_EAN_13, &rules);

    (void)state;
    assert_int_equal(cheap.price_minor, 2875);
    assert_int_equal(dear.price_minor, 1);
    assert_string_equal(cheap.gtin, dear.gtin);
}

static void test_a_wrong_verifier_is_rejected(void **state) {
    struct code code = classify("211234801250", SYMBOLOGY_EAN_13, &rules);

    (void)state;
    assert_int_equal(code.kind, CODE_REJECTED);
    assert_int_equal(code.error, SCAN_BAD_PRICE_VERIFIER);
    assert_string_equal(code.gtin, "");
    assert_false(code.has_price);
}

/* A UPC-A of number system 2 is the EAN-13 of prefix 02. */
static void test_upc_a_holds_measures_too(void **state) {
    struct code code = classify("21234500750", SYMBOLOGY_UPC_A, &rules);

    (void)state;
    assert_int_equal(code.price_minor, 750);
    assert_memory_equal(code.gtin, "0021234500000", 13);
    code = classify("231234501250", SYMBOLOGY_EAN_13_2, &rules);
    assert_int_equal(code.kind, CODE_REJECTED);
}

static void test_without_a_layout_there_is_none(void **state) {
    struct code code = classify("231234501250", SYMBOLOGY_EAN_13, NULL);
    struct code_rules italy = {.measures = measures + 4, .measure_count = 1};

    (void)state;
    assert_false(code.has_price);
    assert_memory_equal(code.gtin, "0231234501250", 13);
    assert_false(classify("800112076574", SYMBOLOGY_EAN_13, &italy).has_price);
    assert_false(classify("2312345", SYMBOLOGY_EAN_8, &italy).has_price);
    assert_false(classify("2312345012507", SYMBOLOGY_ITF_14, &italy).has_price);
}

static void test_nonsense_layouts_are_named(void **state) {
    static const struct {
        const char *layout, *says;
    } cases[] = {
        {"", "13 characters"},
        {"2IIIIIIPPPPC", "13 characters"},
        {"2IIIIIIPPPPPCC", "13 characters"},
        {"2iiiiiiPPPPPC", "13 characters"},
        {"8IIIIIIPPPPPC", "begins with 2"},
        {"IIIIIIIPPPPPC", "begins with 2"},
        {"2IIIIII0PPPPC", "at the start"},
        {"2IIIIIIPPPPPP", "the last digit"},
        {"2CIIIIIPPPPPC", "the last digit"},
        {"2PPPPPPPPPPPC", "no digit of the item"},
        {"2IIIIIIIIIIIC", "either"},
        {"2IIIIWWWPPPPC", "either"},
        {"2IIIVVIPPPPPC", "verifier"},
        {"2IIIIVPPPPPPC", "verifier"},
        {"2IIIIIVWWWWWC", "verifier"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *fault = measure_fault(cases[i].layout);
        if (!fault || !strstr(fault, cases[i].says))
            fail_msg("%s: %s", cases[i].layout, fault ? fault : "no fault");
    }
    for (size_t i = 0; i < 5; i++)
        assert_null(measure_fault(measures[i].layout));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_price_verifiers),
        cmocka_unit_test(test_a_wrong_digit_changes_the_verifier),
        cmocka_unit_test(test_price_and_weight_come_out),
        cmocka_unit_test(test_the_item_is_the_same_at_every_price),
        cmocka_unit_test(test_a_wrong_verifier_is_rejected),
        cmocka_unit_test(test_upc_a_holds_measures_too),
        cmocka_unit_test(test_without_a_layout_there_is_none),
        cmocka_unit_test(test_nonsense_layouts_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
