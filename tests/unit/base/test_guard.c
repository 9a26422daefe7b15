#include "base/guard.h"
#include "base/json.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

struct row {
    bool refused;
    enum ts_carrier carrier;
    const char *text;
};

/* Public test numbers and made-up loyalty numbers only. */
static const struct row rows[] = {
    /* bar codes */
    {true, TS_CARRIER_TEXT, "4111111111111111"},
    {false, TS_CARRIER_RETAIL, "4000000000006"},
    {false, TS_CARRIER_TEXT, "4000000000006"},
    {true, TS_CARRIER_TEXT, "4222222222222"},
    {false, TS_CARRIER_TEXT, "96385074"},
    {false, TS_CARRIER_TEXT, "351534100000002"},
    {true, TS_CARRIER_TEXT, "CARD 4111 1111 1111 1111 EXP 12/29"},
    {true, TS_CARRIER_TEXT, "%B4111111111111111^TEST/CARD^29121010000?"},
    {true, TS_CARRIER_TEXT, "b4111111111111112^X"},
    {true, TS_CARRIER_TEXT, "see ;4111111111111112=29121010000? there"},
    {false, TS_CARRIER_TEXT, "https://example.shop/01/09506000134352"},
    {false, TS_CARRIER_TEXT, "2501008336538"},
    {false, TS_CARRIER_TEXT, ""},
    /* grouped, masked, escaped */
    {true, TS_CARRIER_TEXT, "4111-1111-1111-1111"},
    {true, TS_CARRIER_TEXT, "3782 822463 10005"},
    {true, TS_CARRIER_TEXT, "3056 930902 5904"},
    {true, TS_CARRIER_TEXT, "41 11 11 11 11 11 11 11"},
    {true, TS_CARRIER_TEXT, "12 4111 1111 1111 1111 07"},
    {true, TS_CARRIER_TEXT, "4111.1111.1111.1111"},
    {true, TS_CARRIER_TEXT, "4111 - 1111 - 1111 - 1111"},
    {true, TS_CARRIER_TEXT,
     "4111\xc2\xa0"
     "1111\xc2\xa0"
     "1111\xc2\xa0"
     "1111"},
    {true, TS_CARRIER_TEXT, "4111111111XX1111XX"},
    {true, TS_CARRIER_TEXT, "411111******1111"},
    {true, TS_CARRIER_TEXT, "************1111"},
    {false, TS_CARRIER_TEXT, "29XXXXXXXXX38"},
    {false, TS_CARRIER_TEXT, "XXXX XXXX XXXX XXXX"},
    {true, TS_CARRIER_TEXT, "/pay?n=4111%201111%201111%201111"},
    {true, TS_CARRIER_TEXT, "/pay?n=4111+1111+1111+1111&x=1"},
    {true, TS_CARRIER_TEXT, "/pay?n=%34111111111111111"},
    {true, TS_CARRIER_TEXT, "VISA4111111111111111"},
    {true, TS_CARRIER_TEXT, "cc4111111111111111"},
    /* what shops number otherwise */
    {false, TS_CARRIER_TEXT, "4111111111111112"},
    {false, TS_CARRIER_TEXT, "820982911946154508"},
    {false, TS_CARRIER_TEXT, "gid://shopify/Order/450789469"},
    {false, TS_CARRIER_TEXT, "41111111-1111-1111-1111-111111111111"},
    {false, TS_CARRIER_TEXT,
     "node-next-1732186800123-8f1e4111-1111-4111-8111-111111111111"},
    {false, TS_CARRIER_TEXT, "5f4dcc3b5aa4111111111111111d61d8"},
    {false, TS_CARRIER_TEXT, "2026-11-21T10:00:00.123456Z"},
    {false, TS_CARRIER_TEXT, "1732186800123"},
    {false, TS_CARRIER_TEXT, "+44 20 7946 0018"},
    {false, TS_CARRIER_TEXT, "192.168.100.100"},
    /* the groups that cards are printed and typed in */
    {true, TS_CARRIER_TEXT, "3714-496353-98431"},
    {true, TS_CARRIER_TEXT, "3714.496353.98431"},
    {true, TS_CARRIER_TEXT, "3714 4963 5398 431"},
    {true, TS_CARRIER_TEXT, "3056-930902-5904"},
    {true, TS_CARRIER_TEXT, "3056/9309/0259/04"},
    {true, TS_CARRIER_TEXT, "622202 1234567890128"},
    {true, TS_CARRIER_TEXT, "622202-1234567890128"},
    {true, TS_CARRIER_TEXT, "6222-0212-3456-7890-128"},
    {true, TS_CARRIER_TEXT, "4222-222-222-222"},
    {true, TS_CARRIER_TEXT, "4222 2222 2222 2"},
    {true, TS_CARRIER_TEXT, "4111_1111_1111_1111"},
    {true, TS_CARRIER_TEXT, "4111 1111-1111 1111"},
    {true, TS_CARRIER_TEXT, "41-11-11-11-11-11-11-11"},
    {true, TS_CARRIER_TEXT, "37144-96353-98431"},
    {true, TS_CARRIER_TEXT, "411111-111111-1111"},
    {true, TS_CARRIER_TEXT, "41111111-11111111"},
    {true, TS_CARRIER_TEXT, "411111 1111111111"},
    {true, TS_CARRIER_TEXT, "4111 11111111 1111"},
    {true, TS_CARRIER_TEXT, "order-7-4111-1111-1111-1111"},
    {true, TS_CARRIER_TEXT, "411111-******-1111"},
    {true, TS_CARRIER_TEXT, "4111-********-1111"},
    {true, TS_CARRIER_TEXT, "+4111111111111111"},
    {true, TS_CARRIER_TEXT, "+4111 1111 1111 1111"},
    {true, TS_CARRIER_TEXT, "/pay?n=+4222222222222"},
    {true, TS_CARRIER_TEXT,
     "ac12b611-6397-4871-9296-44a9b1e7c7e3-4111111111111111"},
    {true, TS_CARRIER_TEXT, "371449635398431f"},
    /* what only looks like one: each has a digit run with a Luhn check digit
     * in an issuer's range once its parts are joined */
    {false, TS_CARRIER_TEXT, "load-3-412-1795304301.12"},
    {false, TS_CARRIER_TEXT, "load-2-503-1734139389.99"},
    {false, TS_CARRIER_TEXT, "load-66-8609-1761544822122"},
    {false, TS_CARRIER_TEXT, "s-5929-1761033120-29"},
    {false, TS_CARRIER_TEXT, "s-64534-1795362515-9"},
    {false, TS_CARRIER_TEXT, "5705-1116380606"},
    {false, TS_CARRIER_TEXT, "60181-4887183"},
    {false, TS_CARRIER_TEXT, "336-5907519-3173194"},
    {false, TS_CARRIER_TEXT, "612-6344915-2382548"},
    {false, TS_CARRIER_TEXT, "+623844328368"},
    {false, TS_CARRIER_TEXT, "call (+636925523277)"},
    {false, TS_CARRIER_TEXT, "/call?tel=%2B635505096373"},
    {false, TS_CARRIER_TEXT, "+62 313 843 8279"},
    {false, TS_CARRIER_TEXT, "+48 830 59958566"},
    {false, TS_CARRIER_TEXT, "+57-257-936-8562"},
    {false, TS_CARRIER_TEXT,
     "node-next-1780268311504-ac12b611-6397-4871-9296-44a9b1e7c7e3"},
    {false, TS_CARRIER_TEXT,
     "ajs-next-1776678907054-c9eaf4d4-7c08-4de8-a427-568501413369"},
    {false, TS_CARRIER_TEXT, "6705320821117f54-00000000000000058070"},
    {false, TS_CARRIER_TEXT, "6705320821117f54"},
    {false, TS_CARRIER_TEXT, "W-2044"},
    {false, TS_CARRIER_TEXT, "1795304301123.4567"},
    {false, TS_CARRIER_TEXT, "65.108.12.33:44321"},
    {false, TS_CARRIER_TEXT, "X12X12X12X12"},
    {false, TS_CARRIER_TEXT, "4x11x11x1111x111"},
    /* fields of 2D codes */
    {true, TS_CARRIER_TEXT, "4111\r\n1111\r\n1111\r\n1111"},
    {true, TS_CARRIER_TEXT,
     "4111\x1d"
     "1111\x1d"
     "1111\x1d"
     "1111"},
    {false, TS_CARRIER_TEXT, "41\n1111111111\n1111"},
    /* stripes */
    {true, TS_CARRIER_TEXT, "%B6799990100000000019^TEST/CARD^2912101?"},
    {true, TS_CARRIER_STRIPE, "%B6799990100000000019^TEST/CARD^2912101?"},
    {true, TS_CARRIER_STRIPE, "+016799990100000000019=724724?"},
    {true, TS_CARRIER_STRIPE, ";4111111111111112?"},
    {true, TS_CARRIER_STRIPE, "4111111111111112"},
    {true, TS_CARRIER_STRIPE, "%A6200000000000006?"},
    {true, TS_CARRIER_STRIPE, ";4000000000006?"},
    {true, TS_CARRIER_STRIPE, "%A12345678?;6799990100000000018?"},
    {false, TS_CARRIER_STRIPE, ";2501008336538?"},
    {false, TS_CARRIER_STRIPE, ";9801234567890121=4111111111111112?"},
    {true, TS_CARRIER_STRIPE, ";6799990100000000019=29121010000?"},
    {true, TS_CARRIER_STRIPE, "%B3782 822463 10005^TEST/CARD^2912101?"},
    {true, TS_CARRIER_STRIPE, "%B4111111111111112^TEST/CARD^29121010000?"},
    {true, TS_CARRIER_STRIPE, "4111-1111-1111-1111"},
    {true, TS_CARRIER_STRIPE, "%B4111 1111 1111 1111^TEST/CARD^2912101?"},
    {true, TS_CARRIER_STRIPE, ";645020000001=4912?"},
    {true, TS_CARRIER_STRIPE, "%b4111111111111111^TEST/CARD^29121010000?"},
    {false, TS_CARRIER_STRIPE, ";2990000123458?"},
    {false, TS_CARRIER_STRIPE, ";9801234567890121=4912000?"},
    {true, TS_CARRIER_STRIPE, ";4111********1111=29121010000?"},
    {true, TS_CARRIER_STRIPE,
     "%B4111111111111111^TEST/CARD^2912?;4111111111111111=2912?"},
    {true, TS_CARRIER_STRIPE, ";371449635398431=29121010000?"},
    {true, TS_CARRIER_STRIPE, ";30569309025904=29121010000?"},
    {true, TS_CARRIER_STRIPE, ";38520000023237=29121010000?"},
    {true, TS_CARRIER_STRIPE, ";6011000990139424=29121010000?"},
    {true, TS_CARRIER_STRIPE, ";3530111333300000=29121010000?"},
    {true, TS_CARRIER_STRIPE, ";6759649826438453=29121010000?"},
    {true, TS_CARRIER_STRIPE, ";6200000000000005=29121010000?"},
    {true, TS_CARRIER_STRIPE, ";6200000000000006=29121010000?"},
    {true, TS_CARRIER_STRIPE, ";4222222222222=29121010000?"},
    {true, TS_CARRIER_STRIPE, ";4000000000006=29121010000?"},
    {true, TS_CARRIER_STRIPE, "%B5555555555554444^ROSSI/MARIO^29121010?"},
    {true, TS_CARRIER_STRIPE, ";4111111111111111=29121010000?4"},
    {true, TS_CARRIER_STRIPE, "+014111111111111111=724724100000000030=?"},
    {false, TS_CARRIER_STRIPE, "%A12345678?S"},
    {false, TS_CARRIER_STRIPE, "%A12345678?;2990000123458?+1234567890?0"},
};

static void every_row_is_judged_as_it_says(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (ts_guard_refuses(ts_slice_text(rows[i].text), rows[i].carrier,
                             NULL) != rows[i].refused)
            fail_msg("row %zu: %s", i, rows[i].text);
}

static void bytes_behind_the_slice_are_not_read(void **state) {
    static const char text[] = "4111111111111111";
    char *exact = malloc(15);

    (void)state;
    memcpy(exact, text, 15);
    assert_false(
        ts_guard_refuses(ts_slice_of(exact, 15), TS_CARRIER_TEXT, NULL));
    free(exact);
}

static bool refuses_with(const struct ts_guard_allow *allow, const char *text) {
    struct ts_guard_rules rules = {allow, 1};

    return ts_guard_refuses(ts_slice_text(text), TS_CARRIER_STRIPE, &rules);
}

static void the_allow_list_never_lifts_a_hard_range(void **state) {
    static const struct ts_guard_allow tender = {"645020", 12};
    static const struct ts_guard_allow visa = {"411111", 16};
    static const struct ts_guard_allow shorter = {"645020", 13};
    static const struct ts_guard_allow brief = {"64502", 12};

    (void)state;
    assert_false(refuses_with(&tender, ";645020000001=4912?"));
    assert_true(refuses_with(&tender, ";645021000001=4912?"));
    assert_true(refuses_with(&shorter, ";645020000001=4912?"));
    assert_true(refuses_with(&brief, ";645020000001=4912?"));
    assert_true(refuses_with(&visa, ";4111111111111111=4912?"));
    assert_true(refuses_with(
        &tender, ";645020000001=4912?%B4111111111111111^A/B^4912?"));
}

static char *scrubbed(const char *text, size_t *count) {
    struct ts_buf out = {0};
    json_t *value = NULL;
    char *copy;

    assert_int_equal(ts_json_parse(&value, ts_slice_text(text), NULL), TS_OK);
    *count = ts_guard_scrub_json(value);
    assert_int_equal(ts_json_compact(&out, value), TS_OK);
    copy = strdup(ts_buf_text(&out));
    ts_buf_fini(&out);
    json_decref(value);
    return copy;
}

static void expect_scrub(const char *before, size_t times, const char *after) {
    size_t count;
    char *text = scrubbed(before, &count);

    assert_string_equal(text, after);
    assert_int_equal(count, times);
    free(text);
}

static void json_loses_cards_and_nothing_else(void **state) {
    (void)state;
    expect_scrub("{\"a\":\"4111111111111111\",\"b\":[4111111111111111,"
                 "{\"c\":\"pay 4111 1111 1111 1111\"}],\"d\":1}",
                 3,
                 "{\"a\":\"[payment card removed]\",\"b\":"
                 "[\"[payment card removed]\","
                 "{\"c\":\"[payment card removed]\"}],\"d\":1}");
    expect_scrub("{\"x\":1,\"4111111111111111\":2,\"5555555555554444\":3,"
                 "\"y\":4}",
                 2,
                 "{\"x\":1,\"[payment card removed]\":2,"
                 "\"[payment card removed] 2\":3,\"y\":4}");
    expect_scrub("{\"real\":4111111111111111.0,\"minus\":-4111111111111111}", 2,
                 "{\"real\":\"[payment card removed]\","
                 "\"minus\":\"[payment card removed]\"}");
    expect_scrub("\"4111111111111111\"", 1, "\"[payment card removed]\"");
    expect_scrub("4111111111111111", 1, "0");
}

static void json_keeps_identifiers(void **state) {
    static const char kept[] =
        "{\"messageId\":\"node-next-1732186800123-8f1e4111-1111-4111-8111-"
        "111111111111\",\"id\":820982911946154508,\"order_id\":4222222222222,"
        "\"productId\":\"487817672276298554\",\"anonymousId\":"
        "\"41111111-1111-1111-1111-111111111111\",\"at\":1732186800123,"
        "\"total\":\"19.99\",\"price\":12.5,\"none\":null,\"yes\":true}";

    (void)state;
    expect_scrub(kept, 0, kept);
    expect_scrub("{\"cardId\":\"4111111111111111\",\"id\":4111111111111111}", 2,
                 "{\"cardId\":\"[payment card removed]\","
                 "\"id\":\"[payment card removed]\"}");
}

static void mask_hides_long_runs_only(void **state) {
    char text[] = "a 4111-1111 1111 1111, 12345 2026";

    (void)state;
    ts_guard_mask((uint8_t *)text, strlen(text), 12);
    assert_string_equal(text, "a ****-**** **** ****, 12345 2026");
    ts_guard_mask((uint8_t *)text, strlen(text), 5);
    assert_string_equal(text, "a ****-**** **** ****, ***** ****");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_judged_as_it_says),
        cmocka_unit_test(bytes_behind_the_slice_are_not_read),
        cmocka_unit_test(the_allow_list_never_lifts_a_hard_range),
        cmocka_unit_test(json_loses_cards_and_nothing_else),
        cmocka_unit_test(json_keeps_identifiers),
        cmocka_unit_test(mask_hides_long_runs_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
