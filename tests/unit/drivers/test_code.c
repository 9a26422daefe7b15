#include "drivers/code/code.h"
#include "drivers/code/ean.h"
#include "drivers/repeat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct code classify(const char *aim, const char *text,
                            const struct code_rules *rules) {
    struct scan scan = {.text = ts_slice_text(text)};
    struct code code;

    memcpy(scan.aim, aim, strlen(aim) + 1);
    code_classify(&code, &scan, rules);
    return code;
}

static void test_check_digits(void **state) {
    (void)state;
    assert_true(code_mod10_valid(ts_slice_text("8001120765741")));
    assert_true(code_mod10_valid(ts_slice_text("96385074")));
    assert_true(code_mod10_valid(ts_slice_text("952012345678901233")));
    assert_false(code_mod10_valid(ts_slice_text("8001120765742")));
    assert_false(code_mod10_valid(ts_slice_text("80011207657x1")));
    assert_false(code_mod10_valid(ts_slice_text("0")));
    assert_false(code_mod10_valid(ts_slice_text("")));
    assert_int_equal(ean_check_digit(ts_slice_text("800112076574")), '1');
}

static void test_every_single_wrong_digit_is_found(void **state) {
    char text[] = "8001120765741";

    (void)state;
    for (size_t i = 0; text[i]; i++) {
        char right = text[i];
        for (int digit = '0'; digit <= '9'; digit++) {
            text[i] = (char)digit;
            assert_int_equal(code_mod10_valid(ts_slice_text(text)),
                             digit == right);
        }
        text[i] = right;
    }
}

static void test_upc_e_grows_to_upc_a(void **state) {
    static const struct {
        const char *upc_e, *upc_a;
    } cases[] = {
        {"01234514", "012100003454"}, {"01234523", "012200003453"},
        {"01234565", "012345000065"}, {"01234596", "012345000096"},
        {"11234562", "112345000062"}, {"01234531", "012300000451"},
        {"01234543", "012340000053"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char upc_a[13];
        assert_true(ean_expand_upc_e(upc_a, ts_slice_text(cases[i].upc_e)));
        assert_string_equal(upc_a, cases[i].upc_a);
        assert_true(ean_suppressible(ts_slice_text(upc_a)));
    }
    char none[13];
    assert_false(ean_expand_upc_e(none, ts_slice_text("21234565")));
    assert_false(ean_expand_upc_e(none, ts_slice_text("01234566")));
    assert_false(ean_suppressible(ts_slice_text("012345678905")));
}

static void test_the_longest_prefix_wins(void **state) {
    static const struct code_rule list[] = {
        {.prefix = "", .programme = "any-ten", .length = 10},
        {.prefix = "77", .programme = "short"},
        {.prefix = "7712", .programme = "long", .skip = 4, .take = 3},
        {.prefix = "77", .programme = "exact", .length = 6},
        {.prefix = "771299", .item = true, .length = 9},
    };
    const struct code_rules rules = {.rules = list, .count = 5};
    (void)state;
    assert_string_equal(classify("]C0", "77345", &rules).programme, "short");
    assert_string_equal(classify("]C0", "773456", &rules).programme, "exact");
    struct code code = classify("]C0", "7712abcd", &rules);
    assert_string_equal(code.programme, "long");
    assert_true(ts_slice_equal(code.number, ts_slice_text("abc")));
    /* The number would reach beyond the text: the next rule. */
    assert_string_equal(classify("]C0", "7712ab", &rules).programme, "exact");
    code = classify("]C0", "771299xyz", &rules);
    assert_int_equal(code.kind, CODE_ITEM);
    assert_true(ts_slice_equal(code.item, ts_slice_text("771299xyz")));
    assert_string_equal(classify("]C0", "0123456789", &rules).programme,
                        "any-ten");
    assert_int_equal(classify("]C0", "012345678", &rules).kind, CODE_UNKNOWN);
}

static void test_a_rule_excuses_a_missing_check_digit(void **state) {
    static const struct code_rule list[] = {
        {.prefix = "9", .programme = "eight", .length = 8},
        {.prefix = "8", .programme = "any"},
        {.prefix = "70", .programme = "thirteen", .length = 13},
        {.prefix = "25", .programme = "ean", .length = 13, .mod10 = true},
    };
    const struct code_rules rules = {.rules = list, .count = 4};
    (void)state;
    assert_int_equal(classify("", "96385075", &rules).kind, CODE_CARD);
    assert_int_equal(classify("]E4", "96385075", &rules).kind, CODE_REJECTED);
    assert_int_equal(classify("", "86385075", &rules).kind, CODE_REJECTED);
    assert_int_equal(classify("", "7001120765741", &rules).error,
                     SCAN_BAD_CHECK_DIGIT);
    assert_int_equal(classify("]C0", "7001120765741", &rules).kind, CODE_CARD);
    assert_int_equal(classify("", "2501008336538", &rules).kind, CODE_CARD);
    assert_int_equal(classify("]C0", "2501008336539", &rules).error,
                     SCAN_BAD_CHECK_DIGIT);
}

static void test_the_guard_stands_before_the_rules(void **state) {
    static const struct code_rule list[] = {
        {.prefix = "4111", .programme = "trap"}};
    const struct code_rules rules = {.rules = list, .count = 1};
    static const struct code empty = {.kind = CODE_PAYMENT_CARD};
    (void)state;
    struct code code = classify("", "4111111111111111", &rules);
    assert_int_equal(code.kind, CODE_PAYMENT_CARD);
    assert_string_equal(code.gtin, "");
    assert_null(code.number.data);
    assert_null(code.item.data);
    assert_null(code.programme);
    assert_int_equal(code.symbology, empty.symbology);
    /* An identifier that the text does not fit opens no door. */
    assert_int_equal(classify("]E0", "4111111111111111", NULL).kind,
                     CODE_PAYMENT_CARD);
    assert_int_equal(classify("]I1", "4111111111111111", NULL).kind,
                     CODE_PAYMENT_CARD);
}

static void test_every_symbology_has_a_name(void **state) {
    (void)state;
    for (int i = SYMBOLOGY_UNKNOWN; i <= SYMBOLOGY_OTHER; i++) {
        assert_non_null(symbology_name((enum symbology)i));
        for (int j = SYMBOLOGY_UNKNOWN; j < i; j++)
            assert_string_not_equal(symbology_name((enum symbology)i),
                                    symbology_name((enum symbology)j));
    }
}

static void test_repeats(void **state) {
    struct repeat repeat = {.held = false};
    struct scan a = {.text = ts_slice_text("a")};
    struct scan a_code_128 = {.text = ts_slice_text("a"), .aim = "]C0"};
    (void)state;
    assert_false(repeat_seen(&repeat, &a, (struct ts_mono){0}, 300));
    assert_true(repeat_seen(&repeat, &a, (struct ts_mono){299}, 300));
    assert_true(repeat_seen(&repeat, &a, (struct ts_mono){598}, 300));
    assert_false(repeat_seen(&repeat, &a, (struct ts_mono){898}, 300));
    assert_false(repeat_seen(&repeat, &a_code_128, (struct ts_mono){899}, 300));
    assert_false(repeat_seen(&repeat, &a_code_128, (struct ts_mono){900}, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_digits),
        cmocka_unit_test(test_every_single_wrong_digit_is_found),
        cmocka_unit_test(test_upc_e_grows_to_upc_a),
        cmocka_unit_test(test_the_longest_prefix_wins),
        cmocka_unit_test(test_a_rule_excuses_a_missing_check_digit),
        cmocka_unit_test(test_the_guard_stands_before_the_rules),
        cmocka_unit_test(test_every_symbology_has_a_name),
        cmocka_unit_test(test_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
