#include "gs1_data.h"
#include "gs1_pack.h"

#include "drivers/code/gs1_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOST "https://example.com"
#define GTIN "/01/08001120765741"

static struct gs1 gs1;

static enum gs1_result parse(const char *uri) {
    return gs1_parse_link(&gs1, ts_slice_text(uri));
}

/* "(01)...", "absent", or the fault. */
static void read_as(char got[SCAN_MAX_TEXT], const char *uri) {
    size_t used = 0;

    switch (parse(uri)) {
    case GS1_ABSENT:
        assert_string_equal(gs1.fault, "");
        (void)snprintf(got, SCAN_MAX_TEXT, "absent");
        return;
    case GS1_INVALID:
        (void)snprintf(got, SCAN_MAX_TEXT, "%s", gs1.fault);
        return;
    default:
        break;
    }
    for (size_t i = 0; i < gs1.count; i++)
        used +=
            (size_t)snprintf(got + used, SCAN_MAX_TEXT - used, "(%s)%.*s",
                             gs1.elements[i].ai, (int)gs1.elements[i].value.len,
                             (const char *)gs1.elements[i].value.data);
}

struct link_case {
    const char *uri, *want;
};

static void expect_all(const struct link_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char got[SCAN_MAX_TEXT];
        read_as(got, cases[i].uri);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: %s, not %s", cases[i].uri, got, cases[i].want);
        assert_false(gs1.compressed);
    }
}

static void test_links(void **state) {
    static const struct link_case cases[] = {
        {HOST GTIN, "(01)08001120765741"},
        {"HTTP://EXAMPLE.COM" GTIN, "(01)08001120765741"},
        {HOST "/a/b" GTIN, "(01)08001120765741"},
        {HOST GTIN "/10/L1/21/S1", "(01)08001120765741(10)L1(21)S1"},
        {HOST GTIN "/10/AB%2FC", "(01)08001120765741(10)AB/C"},
        {HOST GTIN "/10/AB%2G", "(01)08001120765741(10)AB%2G"},
        {HOST GTIN "/10/A+B", "(01)08001120765741(10)A+B"},
        {HOST GTIN "#f", "(01)08001120765741"},
        {HOST GTIN "?17=261231&linkType=all&x", "(01)08001120765741(17)261231"},
        {HOST GTIN "?99=A;98=B", "(01)08001120765741(99)A;98=B"},
        {HOST "/8018/952012345678901233", "(8018)952012345678901233"},
        {HOST "/8018/952012345678901233/8019/7",
         "(8018)952012345678901233(8019)7"},
        {HOST GTIN "/8018/952012345678901233", "(8018)952012345678901233"},
        {HOST "/10/ABC" GTIN, "(01)08001120765741"},
        {HOST "/255/9520123456788?3900=100&99=X",
         "(255)9520123456788(3900)100(99)X"},
    };
    (void)state;
    expect_all(cases, sizeof cases / sizeof cases[0]);
}

static void test_addresses_that_claim_nothing(void **state) {
    static const char *const uris[] = {
        "https://loyalty.example.com/card/000123",
        "https://example.com/",
        "https://example.com",
        "https://example.com/2026/01/15",
        "https://example.com/00/12345",
        "https://example.com/401/login",
        "https://example.com/8004/ABCDEFGHIJ",
        "https://example.com/?q=01",
        "https://user@example.com/card/1",
        "https://example.com/watch?v=dQw4w9WgXcQ",
        "https://youtu.be/dQw4w9WgXcQ",
        "https://example.com/abcdefghijklmnopqrstuvwxyz",
        "ftp://example.com/01/08001120765741",
        "mailto:a@example.com",
        "https:///01/08001120765741",
        "https:/01/08001120765741",
        "",
    };
    (void)state;
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        assert_int_equal(parse(uris[i]), GS1_ABSENT);
        assert_string_equal(gs1.fault, "");
        assert_int_equal(gs1.count, 0);
    }
}

static void test_links_that_do_not_hold(void **state) {
    static const char order[] =
        "(01): its qualifiers are wrong or in a wrong order";
    static const char no_key[] = "no key in the path of the link";
    static const char form[] =
        "a user name or character that no Digital Link has";
    static const struct link_case cases[] = {
        {HOST "/01/08001120765742", "(01): the check digit does not hold"},
        {HOST "/01/8001120765741", "(01): the value is too short"},
        {HOST "/gtin/08001120765741", no_key},
        {HOST "/?01=08001120765741", no_key},
        {HOST GTIN "?01=08001120765741", "(01): comes twice"},
        {HOST GTIN "?99=A&99=A", "(99): comes twice"},
        {HOST GTIN "/10/", "(10): has no value"},
        {HOST GTIN "?99=", "(99): has no value"},
        {HOST GTIN "/21/S1/10/L1", order},
        {HOST GTIN "/10/A/235/B", order},
        {HOST GTIN "/99/ABC", order},
        {HOST GTIN "?10=A", "(10): belongs into the path"},
        {HOST GTIN "?21=A", "(21): may not stand in the query"},
        {HOST GTIN "?89=A", "an AI that does not exist"},
        {HOST GTIN "?3922=199", "(3922): needs beside it 01 with 30 or 01 with "
                                "31nn or 01 with 32nn or 01 with 35nn or 01 "
                                "with 36nn"},
        {HOST GTIN "/10/A%00", "(10): a character that this AI does not take"},
        {HOST GTIN "?98=A+B", "(98): a character that this AI does not take"},
        {HOST GTIN "/", no_key},
        {HOST GTIN "<b>", form},
        {"https://id.gs1.org@evil.example" GTIN, form},
        {"https://evil.example%2f" GTIN, form},
    };
    (void)state;
    expect_all(cases, sizeof cases / sizeof cases[0]);
}

static void test_the_host_is_named(void **state) {
    static const struct {
        const char *uri, *host;
    } cases[] = {
        {HOST GTIN, "example.com"},
        {HOST ":8443" GTIN, "example.com"},
        {"http://[2001:db8::1]:80" GTIN, "[2001:db8::1]"},
        {"http://192.0.2.1" GTIN, "192.0.2.1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(parse(cases[i].uri), GS1_OK);
        assert_true(ts_slice_equal(gs1.host, ts_slice_text(cases[i].host)));
    }
}

static void test_compressed_links(void **state) {
    static const struct link_case cases[] = {
        {HOST "/Cw6Nz-wOWo1XgkZCxpG6g", "(01)08001120765741(10)ABC123(21)SN1"},
        {HOST "/LQ6Nz-wOWgBdwuf43g",
         "(01)08001120765741(17)261231(3103)000750"},
        {HOST GTIN "/EEarwSMhY0jdQ", "(01)08001120765741(10)ABC123(21)SN1"},
        {HOST "/any/path/Cw6Nz-wOWo1XgkZCxpG6g?99=X&utm=1#f",
         "(01)08001120765741(10)ABC123(21)SN1(99)X"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char got[SCAN_MAX_TEXT];
        read_as(got, cases[i].uri);
        assert_string_equal(got, cases[i].want);
        assert_true(gs1.compressed);
    }
    assert_int_equal(parse(HOST "/Cw6Nz-wOWo1XgkZCxpG6"), GS1_ABSENT);
    assert_int_equal(parse(HOST GTIN "/EEarwSMhY0jd"), GS1_INVALID);
    assert_false(gs1.compressed);
}

static unsigned below(unsigned end) { return (unsigned)rand() % end; }

static void fill(char *out, size_t len, const char *alphabet) {
    for (size_t i = 0; i < len; i++)
        out[i] = alphabet[below((unsigned)strlen(alphabet))];
    out[len] = 0;
}

static void fill_key(char *out, size_t len) {
    unsigned sum = 0;

    fill(out, len - 1, "0123456789");
    for (size_t i = 0; i < len - 1; i++)
        sum += (unsigned)(out[len - 2 - i] - '0') * (i % 2 ? 1 : 3);
    out[len - 1] = (char)('0' + (10 - sum % 10) % 10);
    out[len] = 0;
}

/* One of the encodings, each as likely. */
static void fill_text(char *out, size_t most) {
    static const char *const alphabets[] = {"0123456789", "0123456789abcdef",
                                            "0123456789ABCDEF", "ABCxyz0189-_",
                                            "!\"%&'()*+,-./09:;<=>?AZ_az"};

    fill(out, 1 + below((unsigned)most), alphabets[below(5)]);
}

static void put(struct pack *pack, char *want, const char *ai,
                const char *format, const char *value) {
    pack_value(pack, format, value);
    sprintf(want + strlen(want), "(%s)%s", ai, value);
}

static void put_text(struct pack *pack, char *want, const char *ai,
                     const char *code, size_t most) {
    char format[16];
    char value[100];

    (void)snprintf(format, sizeof format, "X..%zu", most);
    fill_text(value, most);
    if (code)
        pack_code(pack, code);
    put(pack, want, ai, format, value);
}

static void put_key(struct pack *pack, char *want, const char *ai,
                    const char *format, size_t digits) {
    char value[20];

    fill_key(value, digits);
    put(pack, want, ai, format, value);
}

static void trade_item(struct pack *pack, char *want) {
    static const char *const codes[] = {"0B", "0C", "0A"};
    static const char *const ais[] = {"10", "21", "22"};
    unsigned pick = below(4);
    char date[8];

    pack_code(pack, pick < 3 ? codes[pick] : "01");
    put_key(pack, want, "01", "N14", 14);
    if (pick < 3)
        put_text(pack, want, ais[pick], NULL, 20);
    if (pick == 0 && below(2))
        put_text(pack, want, "21", "21", 20);
    if (below(2)) {
        (void)snprintf(date, sizeof date, "%02u%02u%02u", below(100),
                       1 + below(12), below(29));
        pack_code(pack, "17");
        put(pack, want, "17", "N6", date);
    }
    if (below(2)) {
        fill(date, 6, "0123456789");
        pack_code(pack, "3103");
        put(pack, want, "3103", "N6", date);
    }
    if (below(2))
        put_text(pack, want, "99", "99", 90);
}

static void account(struct pack *pack, char *want) {
    char instance[12];

    pack_code(pack, "9C");
    put_key(pack, want, "8018", "N18", 18);
    fill(instance, 1 + below(10), "0123456789");
    put(pack, want, "8019", "N..10", instance);
    if (below(2))
        put_text(pack, want, "90", "90", 30);
}

static void coupon(struct pack *pack, char *want) {
    char value[30];

    pack_code(pack, "C2");
    fill_key(value, 13);
    fill(value + 13, below(13), "0123456789");
    put(pack, want, "255", "N13 N..12", value);
    fill(value, 1 + below(15), "0123456789");
    put(pack, want, "3902", "N..15", value);
}

static void asset(struct pack *pack, char *want) {
    char value[40] = "0";

    pack_code(pack, "8003");
    fill_key(value + 1, 13);
    if (below(2))
        fill_text(value + 14, 16);
    put(pack, want, "8003", "N14 X..16", value);
}

static void document(struct pack *pack, char *want) {
    char value[40];

    pack_code(pack, "253");
    fill_key(value, 13);
    if (below(2))
        fill_text(value + 13, 17);
    put(pack, want, "253", "N13 X..17", value);
}

static void place(struct pack *pack, char *want) {
    pack_code(pack, "9D");
    put_key(pack, want, "414", "N13", 13);
    put_text(pack, want, "254", NULL, 20);
}

/* Components that are packed as one, and one with an optional end. */
static void dates(struct pack *pack, char *want) {
    pack_code(pack, "01");
    put_key(pack, want, "01", "N14", 14);
    pack_code(pack, "7007");
    put(pack, want, "7007", "N6 N..6", below(2) ? "260101" : "260101260131");
    pack_code(pack, "7230");
    put(pack, want, "7230", "X..30", "EMABC-1");
    pack_code(pack, "8001");
    put(pack, want, "8001", "N14", "00010000100110");
}

static void test_round_trip(void **state) {
    static void (*const kinds[])(struct pack *, char *) = {
        trade_item, account, coupon, document, place, asset, dates};
    char text[PACK_MAX + 1];
    char uri[PACK_MAX + 100];

    (void)state;
    srand(20261122);
    for (int i = 0; i < 20000; i++) {
        static struct pack pack;
        char want[SCAN_MAX_TEXT] = "";
        char got[SCAN_MAX_TEXT];
        pack.count = 0;
        kinds[below(7)](&pack, want);
        if (below(4) == 0)
            pack_foreign(&pack, "utm_source", "shelf-1 & more");
        pack_text(&pack, text);
        (void)snprintf(uri, sizeof uri, HOST "/x/%s", text);
        read_as(got, uri);
        if (strcmp(got, want) != 0)
            fail_msg("%s: %s, not %s", uri, got, want);
        assert_true(gs1.compressed);
    }
}

/* More than the parser has room for, packed and in clear. */
static void test_values_without_room(void **state) {
    static struct pack pack;
    static char text[PACK_MAX + 1];
    static char uri[PACK_MAX * 2];
    static const char head[] = HOST GTIN "/10/";
    char value[91];

    (void)state;
    memset(value, 'a', 90);
    value[90] = 0;
    pack.count = 0;
    for (int i = 0; i < 100; i++) {
        pack_code(&pack, "99");
        pack_value(&pack, "X..90", value);
    }
    pack_text(&pack, text);
    (void)snprintf(uri, sizeof uri, HOST "/%s", text);
    assert_int_equal(parse(uri), GS1_ABSENT);
    memset(uri, '%', sizeof uri / 2);
    memcpy(uri, head, sizeof head - 1);
    assert_int_equal(parse(uri), GS1_INVALID);
    assert_string_equal(gs1.fault, "the link is too long");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_addresses_that_claim_nothing),
        cmocka_unit_test(test_links_that_do_not_hold),
        cmocka_unit_test(test_the_host_is_named),
        cmocka_unit_test(test_compressed_links),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_values_without_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
