#include "gs1_data.h"

#include "drivers/code/gs1_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct gs1 gs1;

/* `|` is the separator. */
static enum gs1_result parse(const char *text) {
    static uint8_t bytes[SCAN_MAX_TEXT + 1];
    size_t len = strlen(text);

    assert_true(len <= sizeof bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = text[i] == '|' ? GS1_SEPARATOR : (uint8_t)text[i];
    return gs1_parse(&gs1, ts_slice_of(bytes, len));
}

/* `want` is "(01)...", or the fault. */
static void expect(const char *text, const char *want) {
    char got[SCAN_MAX_TEXT * 2] = "";
    size_t used = 0;
    enum gs1_result result = parse(text);

    if (result == GS1_INVALID) {
        assert_int_equal(gs1.count, 0);
        assert_string_equal(gs1.fault, want);
        return;
    }
    assert_int_equal(result, GS1_OK);
    for (size_t i = 0; i < gs1.count; i++)
        used +=
            (size_t)snprintf(got + used, sizeof got - used, "(%s)%.*s",
                             gs1.elements[i].ai, (int)gs1.elements[i].value.len,
                             (const char *)gs1.elements[i].value.data);
    assert_string_equal(got, want);
}

static void test_the_table_is_well_formed(void **state) {
    (void)state;
    for (size_t row = 1; row < gs1_ai_rows(); row++) {
        const struct gs1_ai *ai = gs1_ai_at((uint8_t)row);
        size_t low = 0;
        size_t high = 0;
        size_t parts = 0;
        assert_int_equal(strlen(ai->digits), ai->size);
        for (const struct gs1_part *p = ai->parts; p->set; p++, parts++) {
            assert_true(p->low <= p->high);
            assert_true(p->low == p->high || !p[1].set || p[1].optional);
            low += p->optional ? 0 : p->low;
            high += p->high;
        }
        assert_int_equal(ai->low, low);
        assert_int_equal(ai->high, high);
        if (ai->flags & GS1_PREDEFINED)
            assert_int_equal(low, high);
        if (ai->flags & GS1_PLAIN)
            assert_true(parts == 1 && !ai->parts->rules[0]);
    }
}

/* Every text of two to four digits, looked up as a whole. */
static void test_541_application_identifiers(void **state) {
    static bool found[256];
    size_t count = 0;

    (void)state;
    for (unsigned size = 2, end = 100; size <= 4; size++, end *= 10) {
        for (unsigned number = 0; number < end; number++) {
            char text[12];
            (void)snprintf(text, sizeof text, "%0*u", (int)size, number);
            uint8_t row = gs1_ai_exact(ts_slice_text(text));
            if (!row)
                continue;
            const struct gs1_ai *ai = gs1_ai_at(row);
            assert_true(strcmp(text, ai->digits) >= 0);
            found[row] = found[row] || strcmp(text, ai->digits) == 0;
            count++;
        }
    }
    assert_int_equal(count, 541);
    for (size_t row = 1; row < gs1_ai_rows(); row++)
        assert_true(found[row]);
}

/* General Specifications, figure 7.8.5-2: these begin what needs no
 * separator. */
static void test_predefined_lengths(void **state) {
    static const char prefixes[] = "00 01 02 03 11 12 13 15 16 17 20 31 32 33 "
                                   "34 35 36 41";
    (void)state;
    for (size_t row = 1; row < gs1_ai_rows(); row++) {
        const struct gs1_ai *ai = gs1_ai_at((uint8_t)row);
        char prefix[3] = {ai->digits[0], ai->digits[1], 0};
        bool listed = strstr(prefixes, prefix);
        assert_int_equal(listed, !!(ai->flags & GS1_PREDEFINED));
    }
}

static void test_keys_of_digital_links(void **state) {
    static const char keys[] = "00 01 253 255 401 402 414 415 417 8003 8004 "
                               "8006 8010 8013 8017 8018 ";
    char got[200] = "";
    size_t used = 0;

    (void)state;
    for (size_t row = 1; row < gs1_ai_rows(); row++) {
        const struct gs1_ai *ai = gs1_ai_at((uint8_t)row);
        if (ai->paths)
            used += (size_t)snprintf(got + used, sizeof got - used, "%s ",
                                     ai->digits);
    }
    assert_string_equal(got, keys);
}

static void test_elements(void **state) {
    (void)state;
    expect("01080011207657411726123110LOT",
           "(01)08001120765741(17)261231(10)LOT");
    expect("010800112076574110A|10A", "(01)08001120765741(10)A(10)A");
    expect("0108001120765741|10A|", "(01)08001120765741(10)A");
    expect("8018952012345678901233", "(8018)952012345678901233");
    expect("2559520123456788|81110150", "(255)9520123456788(8111)0150");
    expect("98LOY-0001", "(98)LOY-0001");
    expect("2538001120000002DOC1", "(253)8001120000002DOC1");
    expect("010800112076574121a-b/c(d)", "(01)08001120765741(21)a-b/c(d)");
    expect("01080011207657413103000750392299",
           "(01)08001120765741(3103)000750(3922)99");
}

static void test_faults_of_the_string(void **state) {
    (void)state;
    expect("", "no element string");
    expect("|0108001120765741",
           "no known Application Identifier at character 1");
    expect("010800112076574110A||21B",
           "no known Application Identifier at character 21");
    expect("0512345678", "no known Application Identifier at character 1");
    expect("0", "no known Application Identifier at character 1");
    expect("310", "no known Application Identifier at character 1");
    expect("3106000001", "no known Application Identifier at character 1");
    expect("01", "(01): the value is too short");
    expect("01080011207657|10A", "(01): the value is too short");
    expect("0108001120765742", "(01): the check digit does not hold");
    expect("010800112076574121A^B",
           "(21): a character that this AI does not take");
    expect("010800112076574110123456789012345678901",
           "(10): the value is too long");
    expect("010800112076574110A|10B", "(10): comes twice, and differs");
    expect("010800112076574131030007503102000750",
           "(3102): another of its family");
}

static void test_companions(void **state) {
    (void)state;
    expect("10LOT", "(10): needs beside it 01 or 02 or 03 or 8006 or 8026");
    expect("010800112076574102080011207657413710",
           "(01): must not stand beside 37");
    expect("8019123", "(8019): needs beside it 8017 or 8018");
    expect("81110150", "(8111): needs beside it 255");
    expect("8017952012345678901233|8018952012345678901233",
           "(8017): must not stand beside 8018");
    expect("0108001120765741427IT", "(427): needs beside it 01 with 422 or 02 "
                                    "with 422 or 03 with 422");
    expect("0108001120765741422380|427IT", "(01)08001120765741(422)380(427)IT");
    expect("2559520123456788|8030abc",
           "(255): needs its serial number beside 8030");
    expect("25595201234567881|8030abc", "(255)95201234567881(8030)abc");
}

/* A value of `ai` alone, without its companions. */
static bool holds(const char *ai, const char *value) {
    uint8_t row = gs1_ai_exact(ts_slice_text(ai));

    assert_true(row);
    return !gs1_value_check(gs1_ai_at(row), ts_slice_text(value));
}

static void test_rules(void **state) {
    static const struct {
        const char *ai, *good, *bad;
    } cases[] = {
        {"17", "000229", "010229"},
        {"17", "261200", "261301"},
        {"17", "260630", "260631"},
        {"7006", "260630", "260600"},
        {"7250", "20000229", "19000229"},
        {"7003", "2606302359", "2606302400"},
        {"7003", "2606300000", "2606300060"},
        {"7007", "260101260131", "26010126013"},
        {"8008", "26010123", "26010124"},
        {"8008", "260101235959", "260101236059"},
        {"422", "380", "000"},
        {"423", "380056", "38005"},
        {"423", "380056250276528", "380056250276528616"},
        {"7030", "999X", "998X"},
        {"4307", "IT", "it"},
        {"4307", "SM", "AA"},
        {"3912", "97810", "00010"},
        {"4309", "18000000003600000000", "18000000013600000000"},
        {"4309", "00000000000000000000", "00000000003600000001"},
        {"4321", "1", "2"},
        {"4330", "000100-", "000100+"},
        {"4300", "Rossi%20srl", "Rossi%2"},
        {"7040", "1ABc", "1AB/"},
        {"7041", "APE", "ZZZ"},
        {"7241", "10", "11"},
        {"7241", "80", "79"},
        {"7252", "9", "3"},
        {"7258", "1/3", "3/1"},
        {"7258", "2/2", "0/2"},
        {"8001", "00010000100110", "00000000100110"},
        {"8001", "00010000100190", "00010000100120"},
        {"8003", "08001120000002A", "18001120000002A"},
        {"8006", "080011207657410102", "080011207657410201"},
        {"8006", "080011207657410202", "080011207657410002"},
        {"8007", "GB82WEST12345698765432", "GB82WEST12345698765431"},
        {"8007", "DE89370400440532013000", "XX89370400440532013000"},
        {"8011", "1", "01"},
        {"8013", "1987654Ad4X4bL5ttr2310c2K", "1987654Ad4X4bL5ttr2310c2L"},
        {"8014", "1987654Ad4X4bL5ttr2310c2K", "12345678901234567890NT"},
        {"8030", "ab==", "ab="},
        {"8030", "-_aZ", "-+aZ"},
        {"401", "1234X", "123X4"},
        {"8010", "1234#-/A", "1234#a"},
        {"90", "!\"%&'()*+,-./:;<=>?_", " "},
        {"8112", "001234560123450123456", "801234560123450123456"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (!holds(cases[i].ai, cases[i].good))
            fail_msg("(%s) %s should hold", cases[i].ai, cases[i].good);
        if (holds(cases[i].ai, cases[i].bad))
            fail_msg("(%s) %s should not hold", cases[i].ai, cases[i].bad);
    }
}

/* Cut anywhere, or with anything behind it, a coupon is none; the optional
 * fields are where a cut may leave a whole one. */
static void test_coupons(void **state) {
    static const char coupon[] = "106141416543213150110000310123196000";
    static const char full[] = "0614141654321151100001211000092110000"
                               "01234563260131426010150123456";
    char text[80];
    size_t whole = 0;

    (void)state;
    assert_true(holds("8110", coupon));
    for (size_t len = 1; len < strlen(coupon); len++) {
        (void)snprintf(text, sizeof text, "%.*s", (int)len, coupon);
        whole += holds("8110", text);
    }
    assert_int_equal(whole, 2);
    (void)snprintf(text, sizeof text, "%s1", coupon);
    assert_false(holds("8110", text));
    assert_true(holds("8110", full));
    (void)snprintf(text, sizeof text, "%s", full);
    strstr(text, "260101")[3] = '2';
    assert_false(holds("8110", text));
    assert_false(holds("8110", "A06141416543213150110000310123196000"));
    assert_false(holds("8110", "706141416543213150110000310123196000"));
    assert_false(holds("8110", "106141416543213150115000310123196000"));
    assert_false(holds("8110", "106141416543213150110000310133196000"));
}

static void test_code_lists(void **state) {
    static const char signs[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t counts[4] = {0};

    (void)state;
    for (unsigned number = 0; number < 1100; number++) {
        counts[0] += gs1_list_country(number);
        counts[1] += gs1_list_currency(number);
    }
    for (size_t i = 0; i < 36 + 36 * 36 + 36 * 36 * 36; i++) {
        size_t len = i < 36 ? 1 : i < 36 + 36 * 36 ? 2 : 3;
        char code[4] = {signs[i % 36], signs[i / 36 % 36],
                        signs[i / 36 / 36 % 36], 0};
        counts[3] += gs1_list_package(ts_slice_of(code, len));
    }
    for (const char *a = signs; *a; a++) {
        for (const char *b = signs; *b; b++)
            counts[2] +=
                gs1_list_country_letters((uint8_t[]){(uint8_t)*a, (uint8_t)*b});
    }
    assert_int_equal(counts[0], 249);
    assert_int_equal(counts[1], 179);
    assert_int_equal(counts[2], 249);
    assert_int_equal(counts[3], 431);
}

static void test_elements_by_name(void **state) {
    (void)state;
    assert_int_equal(parse("010800112076574131030007503922199"), GS1_OK);
    assert_true(
        ts_slice_equal(gs1_value(&gs1, "3103"), ts_slice_text("000750")));
    assert_int_equal(gs1_value(&gs1, "10").len, 0);
    assert_string_equal(gs1_family(&gs1, "392")->ai, "3922");
    assert_string_equal(gs1_family(&gs1, "31")->ai, "3103");
    assert_null(gs1_family(&gs1, "393"));
}

static void test_too_many_elements(void **state) {
    char text[SCAN_MAX_TEXT];
    size_t used = 0;

    (void)state;
    for (size_t i = 0; i < GS1_ELEMENTS_MAX; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "90A|");
    assert_int_equal(parse(text), GS1_OK);
    assert_int_equal(gs1.count, GS1_ELEMENTS_MAX);
    (void)snprintf(text + used, sizeof text - used, "90A");
    expect(text, "more than 128 elements");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table_is_well_formed),
        cmocka_unit_test(test_541_application_identifiers),
        cmocka_unit_test(test_predefined_lengths),
        cmocka_unit_test(test_keys_of_digital_links),
        cmocka_unit_test(test_elements),
        cmocka_unit_test(test_faults_of_the_string),
        cmocka_unit_test(test_companions),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_coupons),
        cmocka_unit_test(test_code_lists),
        cmocka_unit_test(test_elements_by_name),
        cmocka_unit_test(test_too_many_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
