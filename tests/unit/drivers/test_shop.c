#include "drivers/code/shop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct ts_setting table[] = {SHOP_SETTINGS, {.name = NULL}};

static enum ts_status load(struct shop **shop, const char *text,
                           struct ts_buf *problems) {
    char path[] = "/tmp/tessera-shop-XXXXXX";
    int fd = mkstemp(path);
    struct ts_settings *settings = NULL;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
    enum ts_status status = ts_settings_load(&settings, path, table, problems);
    if (status == TS_OK)
        status = shop_new(shop, settings, problems);
    ts_settings_free(settings);
    (void)unlink(path);
    return status;
}

static void test_sections_become_rules(void **state) {
    struct shop *shop = NULL;
    struct ts_buf problems;

    (void)state;
    ts_buf_init(&problems, 0);
    if (load(
            &shop,
            "card \"main\" {\n prefix = \"25\"\n length = 13\n mod10 = "
            "true\n}\n"
            "card \"club\" {\n prefix = \"LOY-\"\n skip = 4\n take = 8\n}\n"
            "item \"eggs\" {\n prefix = \"EGG\"\n}\n"
            "loyalty_issuer \"air\" {\n prefix = \"627400\"\n length = 16\n}\n",
            &problems) != TS_OK)
        fail_msg("%s", ts_buf_text(&problems));
    const struct code_rules *rules = shop_rules(shop);
    assert_int_equal(rules->count, 3);
    assert_string_equal(rules->rules[0].programme, "main");
    assert_true(rules->rules[0].mod10);
    assert_int_equal(rules->rules[1].take, 8);
    assert_true(rules->rules[2].item);
    assert_string_equal(rules->rules[2].programme, "");
    assert_int_equal(rules->guard.count, 1);
    assert_string_equal(rules->guard.allow[0].prefix, "627400");
    assert_int_equal(rules->guard.allow[0].length, 16);
    shop_free(shop);
    ts_buf_fini(&problems);
}

static void load_well(struct shop **shop, const char *text) {
    struct ts_buf problems;

    ts_buf_init(&problems, 0);
    if (load(shop, text, &problems) != TS_OK)
        fail_msg("%s", ts_buf_text(&problems));
    ts_buf_fini(&problems);
}

/* One programme in several sections, each with its own carrier. */
static void test_every_carrier_has_its_section(void **state) {
    struct shop *shop = NULL;

    (void)state;
    load_well(&shop,
              "link_hosts = {\"id.example.com\", \"loyalty.example.it\"}\n"
              "card \"main\" {\n prefix = \"25\"\n length = 13\n}\n"
              "card \"main-gsrn\" {\n programme = \"main\"\n carrier = "
              "\"gsrn\"\n prefix = \"95201234\"\n skip = 8\n take = 9\n}\n"
              "card \"main-stripe\" {\n programme = \"main\"\n carrier = "
              "\"stripe\"\n prefix = \"977200\"\n length = 16\n}\n"
              "card \"tags\" {\n carrier = \"uid\"\n prefix = \"25\"\n "
              "length = 13\n}\n");
    const struct code_rules *rules = shop_rules(shop);
    assert_int_equal(rules->count, 4);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(rules->rules[i].programme, "main");
    assert_string_equal(rules->rules[3].programme, "tags");
    assert_int_equal(rules->rules[0].carrier, CODE_CARRIER_TEXT);
    assert_int_equal(rules->rules[1].carrier, CODE_CARRIER_GSRN);
    assert_int_equal(rules->rules[1].length, 18);
    assert_int_equal(rules->rules[2].carrier, CODE_CARRIER_STRIPE);
    assert_int_equal(rules->rules[3].carrier, CODE_CARRIER_UID);
    assert_int_equal(rules->link_host_count, 2);
    assert_string_equal(rules->link_hosts[0], "id.example.com");
    assert_string_equal(rules->link_hosts[1], "loyalty.example.it");
    shop_free(shop);
}

static void test_measures_stand_by_their_digits(void **state) {
    struct shop *shop = NULL;

    (void)state;
    load_well(&shop, "measure \"own\" {\n layout = \"2IIIIIWWWWWWC\"\n}\n"
                     "measure \"deli\" {\n layout = \"21IIIIVPPPPPC\"\n}\n"
                     "measure \"fish\" {\n layout = \"291IIIIWWWWWC\"\n}\n");
    const struct code_rules *rules = shop_rules(shop);
    assert_int_equal(rules->measure_count, 4);
    assert_string_equal(rules->measures[0].layout, "291IIIIWWWWWC");
    assert_string_equal(rules->measures[1].layout, "21IIIIVPPPPPC");
    /* The shop's own goes before the country's. */
    assert_string_equal(rules->measures[2].layout, "2IIIIIWWWWWWC");
    assert_string_equal(rules->measures[3].layout, "2IIIIIIPPPPPC");
    shop_free(shop);

    load_well(&shop, "national_measure = \"none\"\n");
    assert_int_equal(shop_rules(shop)->measure_count, 0);
    shop_free(shop);
    load_well(&shop, "");
    assert_int_equal(shop_rules(shop)->measure_count, 1);
    assert_int_equal(shop_rules(shop)->link_host_count, 0);
    assert_null(shop_rules(shop)->currency);
    shop_set_currency(shop, "BHD");
    assert_int_equal(shop_rules(shop)->currency->decimals, 3);
    shop_free(shop);
}

/* An issuer number of payment cards, opened by name. */
static void test_a_stripe_needs_its_issuer(void **state) {
    struct shop *shop = NULL;

    (void)state;
    load_well(&shop, "card \"till\" {\n carrier = \"stripe\"\n prefix = "
                     "\"645020\"\n length = 12\n}\n"
                     "loyalty_issuer \"till\" {\n prefix = \"645020\"\n "
                     "length = 12\n}\n");
    assert_int_equal(shop_rules(shop)->rules[0].length, 12);
    shop_free(shop);
}

static void test_mistakes_are_told_with_their_line(void **state) {
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"card \"Main Card\" {\n prefix = \"25\"\n}\n", "programme"},
        {"card \"main\" {\n}\n", "neither prefix nor length"},
        {"card \"main\" {\n prefix = \"2501\"\n length = 3\n}\n", "longer"},
        {"card \"main\" {\n length = 8\n skip = 4\n take = 5\n}\n", "beyond"},
        {"card \"main\" {\n length = 8\n skip = 8\n}\n", "nothing"},
        {"card \"main\" {\n prefix = \"123456789012345678901234\"\n}\n", "23"},
        {"card \"a\" {\n prefix = \"1\"\n}\nitem \"b\" {\n prefix = \"1\"\n}\n",
         "same prefix"},
        {"loyalty_issuer \"x\" {\n prefix = \"62\"\n length = 16\n}\n",
         "6 to 10 digits"},
        {"card \"a\" {\n prefix = \"1\"\n programme = \"A B\"\n}\n",
         "1 to 48 of"},
        {"card \"a\" {\n prefix = \"1\"\n carrier = \"nfc\"\n}\n", "carrier"},
        {"card \"a\" {\n carrier = \"gsrn\"\n prefix = \"95A\"\n}\n",
         "digits alone"},
        {"card \"a\" {\n carrier = \"gsrn\"\n prefix = \"9\"\n length = "
         "13\n}\n",
         "18 digits"},
        {"card \"a\" {\n carrier = \"gsrn\"\n prefix = \"9\"\n skip = "
         "10\n take = 9\n}\n",
         "beyond"},
        {"card \"a\" {\n carrier = \"stripe\"\n prefix = \"98012\"\n "
         "length = 16\n}\n",
         "6 digits and more"},
        {"card \"a\" {\n carrier = \"stripe\"\n prefix = \"980123\"\n}\n",
         "6 digits and more"},
        {"card \"a\" {\n carrier = \"stripe\"\n prefix = \"98012A\"\n "
         "length = 16\n}\n",
         "6 digits and more"},
        {"card \"a\" {\n carrier = \"stripe\"\n prefix = \"645020\"\n "
         "length = 12\n}\n",
         "add a loyalty_issuer"},
        {"card \"a\" {\n carrier = \"stripe\"\n prefix = \"411111\"\n "
         "length = 16\n}\nloyalty_issuer \"a\" {\n prefix = \"411111\"\n "
         "length = 16\n}\n",
         "not possible for Visa"},
        {"card \"a\" {\n carrier = \"uid\"\n prefix = \"04a1\"\n}\n",
         "upper-case hex"},
        {"card \"a\" {\n carrier = \"uid\"\n prefix = \"04\"\n mod10 = "
         "true\n}\n",
         "no check digit"},
        {"measure \"a\" {\n layout = \"2IIIIIIPPPPP\"\n}\n", "13 characters"},
        {"measure \"a\" {\n}\n", "layout"},
        {"measure \"a\" {\n layout = \"21IIIIIPPPPPC\"\n}\nmeasure \"b\" {\n "
         "layout = \"21IIIIIWWWWWC\"\n}\n",
         "same digits"},
        {"national_measure = \"france\"\n", "national_measure"},
        {"link_hosts = {\"https://id.example.com\"}\n", "without https://"},
        {"link_hosts = {\"id.example.com/x\"}\n", "without https://"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct shop *shop = NULL;
        struct ts_buf problems;
        ts_buf_init(&problems, 0);
        assert_int_equal(load(&shop, cases[i].text, &problems), TS_INVALID);
        assert_null(shop);
        if (!strstr(ts_buf_text(&problems), cases[i].says))
            fail_msg("\"%s\" lacks \"%s\"", ts_buf_text(&problems),
                     cases[i].says);
        assert_non_null(strstr(ts_buf_text(&problems), "/tmp/tessera-shop-"));
        ts_buf_fini(&problems);
    }
}

static void test_no_shop_has_no_rules(void **state) {
    (void)state;
    assert_int_equal(shop_rules(NULL)->count, 0);
    assert_int_equal(shop_rules(NULL)->measure_count, 1);
    shop_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sections_become_rules),
        cmocka_unit_test(test_every_carrier_has_its_section),
        cmocka_unit_test(test_measures_stand_by_their_digits),
        cmocka_unit_test(test_a_stripe_needs_its_issuer),
        cmocka_unit_test(test_mistakes_are_told_with_their_line),
        cmocka_unit_test(test_no_shop_has_no_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
