#include "drivers/shop.h"

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
    shop_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sections_become_rules),
        cmocka_unit_test(test_mistakes_are_told_with_their_line),
        cmocka_unit_test(test_no_shop_has_no_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
