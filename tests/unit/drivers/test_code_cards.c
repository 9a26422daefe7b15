/* One loyalty card in every carrier: code, GS1 number, link, stripe, tag. */
#include "base/token.h"
#include "drivers/code/code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The member 500833653 of "main". */
static const struct code_rule list[] = {
    {.prefix = "25",
     .programme = "main",
     .length = 13,
     .skip = 3,
     .take = 9,
     .mod10 = true},
    {.prefix = "95201234",
     .programme = "main",
     .carrier = CODE_CARRIER_GSRN,
     .length = 18,
     .skip = 8,
     .take = 9},
    {.prefix = "9520123499",
     .programme = "staff",
     .carrier = CODE_CARRIER_GSRN,
     .length = 18},
    {.prefix = "977200",
     .programme = "main",
     .carrier = CODE_CARRIER_STRIPE,
     .length = 16,
     .skip = 6,
     .take = 9},
    {.prefix = "645020",
     .programme = "till",
     .carrier = CODE_CARRIER_STRIPE,
     .length = 12},
    {.prefix = "04", .programme = "tags", .carrier = CODE_CARRIER_UID},
    {.prefix = "04A1",
     .programme = "main",
     .carrier = CODE_CARRIER_UID,
     .length = 14},
    {.prefix = "CARD-", .programme = "main", .skip = 5},
};
static const char *const hosts[] = {"loyalty.example.com"};
static const struct code_rules rules = {.rules = list,
                                        .count = sizeof list / sizeof list[0],
                                        .link_hosts = hosts,
                                        .link_host_count = 1};

static void barcode(struct code *out, const char *aim, const char *text) {
    struct scan scan = {.text = ts_slice_text(text)};

    memcpy(scan.aim, aim, strlen(aim) + 1);
    code_classify(out, &scan, &rules);
}

static void other(struct code *out, enum scan_medium medium, const char *text) {
    struct scan scan = {.medium = medium, .text = ts_slice_text(text)};
    code_classify(out, &scan, &rules);
}

static void stripe(struct code *out, const char *track_1, const char *track_2,
                   const struct code_rules *with) {
    struct scan scan = {
        .medium = SCAN_STRIPE,
        .text = ts_slice_text(track_2),
        .tracks = {ts_slice_text(track_1), ts_slice_text(track_2)}};
    code_classify(out, &scan, with);
}

static void assert_card(const struct code *code, const char *programme,
                        const char *number) {
    assert_int_equal(code->kind, CODE_CARD);
    assert_string_equal(code->programme, programme);
    if (!ts_slice_equal(code->number, ts_slice_text(number)))
        fail_msg("%.*s, not %s", (int)code->number.len,
                 (const char *)code->number.data, number);
}

static void token_of(char out[TS_TOKEN_TEXT], const struct code *code) {
    static const uint8_t key[TS_KEY_BYTES] = {7};
    struct ts_keys *keys = ts_keys_new(1, key);

    assert_int_equal(ts_token_card(out, keys, 0, ts_slice_text(code->programme),
                                   code->number),
                     TS_OK);
    ts_keys_free(keys);
}

static void test_every_carrier_gives_the_same_token(void **state) {
    static const char link[] =
        "https://loyalty.example.com/8018/952012345008336537";
    struct code code;
    char first[TS_TOKEN_TEXT];
    char token[TS_TOKEN_TEXT];

    (void)state;
    barcode(&code, "]E0", "2505008336536");
    assert_card(&code, "main", "500833653");
    token_of(first, &code);
    barcode(&code, "]Q3", "8018952012345008336537");
    token_of(token, &code);
    assert_string_equal(token, first);
    barcode(&code, "]d2",
            "8018952012345008336537\x1d"
            "80193");
    token_of(token, &code);
    assert_string_equal(token, first);
    barcode(&code, "]Q1", link);
    token_of(token, &code);
    assert_string_equal(token, first);
    other(&code, SCAN_NDEF, link);
    token_of(token, &code);
    assert_string_equal(token, first);
    stripe(&code, "", "9772005008336530=4912", &rules);
    token_of(token, &code);
    assert_string_equal(token, first);
    stripe(&code, "A9772005008336530^ROSSI/MARIA", "", &rules);
    token_of(token, &code);
    assert_string_equal(token, first);
    barcode(&code, "]C0", "CARD-500833653");
    token_of(token, &code);
    assert_string_equal(token, first);
    other(&code, SCAN_NDEF, "CARD-500833653");
    token_of(token, &code);
    assert_string_equal(token, first);
}

/* A number that had to be decoded stands in the code itself. */
static void test_a_decoded_number_outlives_the_parser(void **state) {
    struct code code;

    (void)state;
    barcode(&code, "]Q1",
            "https://loyalty.example.com/8018/%39520%31234500833653%37");
    assert_card(&code, "main", "500833653");
    assert_ptr_equal(code.number.data, code.digits);
}

static void test_only_the_shops_hosts_name_cards(void **state) {
    static const char *const foreign[] = {
        "https://example.com/8018/952012345008336537",
        "https://loyalty.example.com.evil.example/8018/952012345008336537",
        "https://xloyalty.example.com/8018/952012345008336537",
        "https://evil.example/loyalty.example.com/8018/952012345008336537",
        "https://evil.example/8018/952012345008336537#loyalty.example.com",
    };
    static const char *const disguised[] = {
        "https://loyalty.example.com@evil.example/8018/952012345008336537",
        "https://loyalty.example.com:443@evil.example/8018/952012345008336537",
        "https://loyalty.example.com\\@evil.example/8018/952012345008336537",
        "https://loyalty.example.com#@evil.example/8018/952012345008336537",
        "https://loyalty.example.com?x/8018/952012345008336537",
        "https://loyalty.example.com%2eevil.example/8018/952012345008336537",
        "https:///loyalty.example.com/8018/952012345008336537",
        "ftp://loyalty.example.com/8018/952012345008336537",
    };
    static const char *const own[] = {
        "https://loyalty.example.com/8018/952012345008336537",
        "HTTPS://LOYALTY.EXAMPLE.COM/8018/952012345008336537",
        "http://loyalty.example.com:8443/x/8018/952012345008336537/8019/3",
    };
    struct code code;

    (void)state;
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        barcode(&code, "]Q1", foreign[i]);
        assert_int_equal(code.kind, CODE_UNKNOWN);
        other(&code, SCAN_NDEF, foreign[i]);
        assert_int_equal(code.kind, CODE_UNKNOWN);
    }
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        barcode(&code, "]Q1", own[i]);
        assert_card(&code, "main", "500833653");
    }
    for (size_t i = 0; i < sizeof disguised / sizeof disguised[0]; i++) {
        barcode(&code, "]Q1", disguised[i]);
        assert_int_not_equal(code.kind, CODE_CARD);
    }
}

static void test_rules_of_one_carrier_say_nothing_of_another(void **state) {
    struct code code;

    (void)state;
    barcode(&code, "]C0", "952012345008336537");
    assert_int_equal(code.kind, CODE_UNKNOWN);
    barcode(&code, "]C0", "9772005008336530");
    assert_int_equal(code.kind, CODE_UNKNOWN);
    barcode(&code, "]C0", "04A1B2C3D4E5F6");
    assert_int_equal(code.kind, CODE_UNKNOWN);
    other(&code, SCAN_TAG, "CARD-500833653");
    assert_int_equal(code.kind, CODE_UNKNOWN);
    stripe(&code, "", "CARD-500833653", &rules);
    assert_int_equal(code.kind, CODE_UNKNOWN);
}

static void test_the_longest_prefix_wins_in_every_carrier(void **state) {
    struct code code;

    (void)state;
    barcode(&code, "]Q3", "8018952012349900000015");
    assert_card(&code, "staff", "952012349900000015");
    other(&code, SCAN_TAG, "04A1B2C3D4E5F6");
    assert_card(&code, "main", "04A1B2C3D4E5F6");
    other(&code, SCAN_TAG, "04B1B2C3D4E5F6");
    assert_card(&code, "tags", "04B1B2C3D4E5F6");
    other(&code, SCAN_TAG, "FB0EE20B");
    assert_int_equal(code.kind, CODE_UNKNOWN);
}

/* Also rules that were not checked by the settings open no stripe. */
static void test_a_stripe_is_denied_by_default(void **state) {
    static const struct code_rule loose[] = {
        {.prefix = "98", .programme = "a", .carrier = CODE_CARRIER_STRIPE},
        {.prefix = "98012",
         .programme = "b",
         .carrier = CODE_CARRIER_STRIPE,
         .length = 16},
        {.prefix = "980123", .programme = "c", .carrier = CODE_CARRIER_STRIPE},
        {.prefix = "9801234", .programme = "d", .length = 16},
    };
    const struct code_rules with = {.rules = loose, .count = 4};
    struct code code;

    (void)state;
    stripe(&code, "", "9801234567890121=4912000", &with);
    assert_int_equal(code.kind, CODE_UNKNOWN);
    stripe(&code, "A12345678", "9801234567890121=4912000", NULL);
    assert_int_equal(code.kind, CODE_UNKNOWN);
    assert_null(code.number.data);
}

/* An issuer number of a loyalty scheme in a range of payment cards. */
static void test_an_allowed_issuer_opens_a_stripe(void **state) {
    static const struct ts_guard_allow allow[] = {{"645020", 12}};
    struct code_rules with = rules;
    struct code code;

    (void)state;
    stripe(&code, "", "645020000001=4912", &rules);
    assert_int_equal(code.kind, CODE_PAYMENT_CARD);
    with.guard = (struct ts_guard_rules){allow, 1};
    stripe(&code, "", "645020000001=4912", &with);
    assert_card(&code, "till", "645020000001");
    /* The other track of the swipe is a payment card. */
    stripe(&code, "B4111111111111111^A/B^2912101", "645020000001=4912", &with);
    assert_int_equal(code.kind, CODE_PAYMENT_CARD);
    assert_null(code.number.data);
    assert_null(code.programme);
}

static void test_a_wrong_check_digit_is_no_card(void **state) {
    struct code code;

    (void)state;
    barcode(&code, "]E0", "2505008336537");
    assert_int_equal(code.error, SCAN_BAD_CHECK_DIGIT);
    barcode(&code, "]Q3", "8018952012345008336538");
    assert_int_equal(code.error, SCAN_GS1_INVALID);
    barcode(&code, "]Q1",
            "https://loyalty.example.com/8018/952012345008336538");
    assert_int_equal(code.error, SCAN_DL_INVALID);
}

/* Readers that send no identifier may also have dropped the separator. */
static void test_a_recipient_and_its_instance_without_separator(void **state) {
    struct scan scan = {
        .symbology = SYMBOLOGY_GS1_QR,
        .text = ts_slice_text("801895201234500833653780193"),
    };
    struct code code;
    struct gs1 gs1;

    (void)state;
    code_classify(&code, &scan, &rules);
    assert_card(&code, "main", "500833653");
    assert_int_equal(code_gs1(&gs1, &scan, &rules), GS1_OK);
    assert_int_equal(gs1.count, 2);
    assert_true(ts_slice_equal(gs1_value(&gs1, "8019"), ts_slice_text("3")));
    memcpy(scan.aim, "]Q3", 4);
    code_classify(&code, &scan, &rules);
    assert_int_equal(code.error, SCAN_GS1_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_carrier_gives_the_same_token),
        cmocka_unit_test(test_a_decoded_number_outlives_the_parser),
        cmocka_unit_test(test_only_the_shops_hosts_name_cards),
        cmocka_unit_test(test_rules_of_one_carrier_say_nothing_of_another),
        cmocka_unit_test(test_the_longest_prefix_wins_in_every_carrier),
        cmocka_unit_test(test_a_stripe_is_denied_by_default),
        cmocka_unit_test(test_an_allowed_issuer_opens_a_stripe),
        cmocka_unit_test(test_a_wrong_check_digit_is_no_card),
        cmocka_unit_test(test_a_recipient_and_its_instance_without_separator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
