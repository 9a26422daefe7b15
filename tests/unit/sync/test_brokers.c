/* Which broker is next, and how one is written. */
#include "sync/brokers.h"

#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

struct written {
    const char *text;
    const char *host; /* NULL: refused */
    unsigned port;
};

static const struct written rows[] = {
    {"mq.example.com", "mq.example.com", 8883},
    {"mq.example.com:1", "mq.example.com", 1},
    {"mq_1.example:65535", "mq_1.example", 65535},
    {"192.0.2.7", "192.0.2.7", 8883},
    {"192.0.2.7:443", "192.0.2.7", 443},
    {"2001:db8::1", "2001:db8::1", 8883},
    {"[2001:db8::1]", "2001:db8::1", 8883},
    {"[2001:db8::1]:443", "2001:db8::1", 443},
    {"::1", "::1", 8883},
    {"", NULL, 0},
    {":8883", NULL, 0},
    {"mq.example.com:", NULL, 0},
    {"mq.example.com:0", NULL, 0},
    {"mq.example.com:65536", NULL, 0},
    {"mq.example.com:99999999999", NULL, 0},
    {"mq.example.com:88a", NULL, 0},
    {"mqtt://mq.example.com", NULL, 0},
    {"mq.example.com/path", NULL, 0},
    {"mq example.com", NULL, 0},
    {"[2001:db8::1", NULL, 0},
    {"[2001:db8::1]8883", NULL, 0},
    {"[mq.example.com", NULL, 0},
    {"2001:db8::zz", NULL, 0},
    {"user@mq.example.com", NULL, 0},
};

static void test_written(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct broker_address out = {.host = "untouched"};
        struct ts_err err = {0};
        enum ts_status status =
            broker_address_parse(&out, rows[i].text, 8883, &err);

        if ((status == TS_OK) != (rows[i].host != NULL))
            fail_msg("\"%s\": status %d", rows[i].text, status);
        assert_string_equal(out.host,
                            rows[i].host ? rows[i].host : "untouched");
        assert_int_equal(out.port, rows[i].port);
        if (!rows[i].host)
            assert_non_null(strstr(err.text, "is no broker"));
    }
}

static void test_long_host(void **state) {
    char text[BROKER_HOST_TEXT + 1];
    struct broker_address out;

    (void)state;
    memset(text, 'a', sizeof text);
    text[BROKER_HOST_TEXT - 1] = 0;
    assert_int_equal(broker_address_parse(&out, text, 1, NULL), TS_OK);
    assert_string_equal(out.host, text);
    text[BROKER_HOST_TEXT - 1] = 'a';
    text[BROKER_HOST_TEXT] = 0;
    assert_int_equal(broker_address_parse(&out, text, 1, NULL), TS_INVALID);
}

static struct brokers three(void) {
    struct brokers out = {.count = 3};

    for (size_t i = 0; i < 3; i++) {
        out.all[i].host[0] = (char)('a' + i);
        out.all[i].port = 1;
    }
    return out;
}

static void test_rounds(void **state) {
    struct brokers brokers = three();

    (void)state;
    assert_string_equal(brokers_get(&brokers)->host, "a");
    assert_false(brokers_on_failure(&brokers));
    assert_string_equal(brokers_get(&brokers)->host, "b");
    assert_false(brokers_on_failure(&brokers));
    assert_string_equal(brokers_get(&brokers)->host, "c");
    assert_true(brokers_on_failure(&brokers));
    assert_string_equal(brokers_get(&brokers)->host, "a");
    assert_int_equal(brokers.rounds, 1);
    assert_false(brokers_on_failure(&brokers));
    brokers_on_success(&brokers);
    assert_int_equal(brokers.rounds, 0);
    /* Three in a row again, wherever the round began. */
    assert_false(brokers_on_failure(&brokers));
    assert_false(brokers_on_failure(&brokers));
    assert_true(brokers_on_failure(&brokers));
}

static uint32_t draw_next(void *ctx) {
    uint32_t *state = ctx;

    return *state = *state * 1664525 + 1013904223, *state >> 8;
}

/* Every broker is first about as often, and none is lost. */
static void test_mixed(void **state) {
    enum { TIMES = 3000 };
    uint32_t seed = 7;
    unsigned first[3] = {0};

    (void)state;
    for (int i = 0; i < TIMES; i++) {
        struct brokers brokers = three();
        unsigned seen = 0;

        brokers_mix(&brokers, draw_next, &seed);
        for (size_t at = 0; at < 3; at++)
            seen |= 1u << (brokers.all[at].host[0] - 'a');
        assert_int_equal(seen, 7);
        first[brokers_get(&brokers)->host[0] - 'a']++;
    }
    for (size_t at = 0; at < 3; at++)
        assert_in_range(first[at], TIMES / 4, TIMES / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written),
        cmocka_unit_test(test_long_host),
        cmocka_unit_test(test_rounds),
        cmocka_unit_test(test_mixed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
