#include "base/json_plain.h"
#include "tests/support/plain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TURNS = 60000, LONGEST = 1500 };

#define EVENT                                                                  \
    "{\"specversion\":\"1.0\",\"clock\":\"set\","                              \
    "\"source\":\"/stores/milano-01/terminals/milano-01-lane-3\","             \
    "\"boot\":\"5d1e88c2\",\"journal\":\"9f2c6a1be07d4455\","                  \
    "\"sequence\":\"00000000000000000042\","                                   \
    "\"id\":\"9f2c6a1be07d4455-00000000000000000042\","                        \
    "\"time\":\"2026-11-21T10:00:00.123Z\","                                   \
    "\"visit\":\"0192f3c4-0000-7000-8000-000000000001\","                      \
    "\"uptime\":\"8812345\",\"type\":\"tessera.item.scanned.v1\","             \
    "\"data\":"

/* Public test numbers only. */
static const char *const plain[] = {
    "{}",
    " [ ] ",
    "true",
    "null",
    "0",
    "-7",
    "123456789012345678",
    "\"\"",
    "\"\\u001d01\\u000a\\\"\\\\\\/\\b\\f\\n\\r\\t\x7f\"",
    "\"caf\xc3\xa9 \\u00e9 \\uD83D\\uDE00 \\u20ac\"",
    "{\"b\":1,\"a\":{\"d\":[],\"c\":{}},\"aa\":[1,[2,{\"z\":0,\"y\":null}]]}",
    "\t{\n\"x\" :\r[ 1 , 2 ] }\n",
    "{\"\":1,\"a\\u0062\":2,\"a\":3}",
    EVENT "{\"reader\":\"scanner\"}}",
    EVENT "{\"raw\":\"]C1\\u001d0109506000134352\",\"n\":[1,2,{\"c\":-3}]},"
          "\"more\":{\"orderId\":\"4111111111111111\"}}",
    "{\"4111111111111111\":1}",
    "{\"a\":[\"4111 1111 1111 1111\"],\"b\":{\"id\":411111111111111111}}",
    "{\"n\":-4111111111111111,\"track\":\";4111111111111112=29121010000?\"}",
    "{\"masked\":\"411111******1111\",\"cc\":\"%34111111111111111\"}",
};

static const char *const not_plain[] = {
    "",
    "1.5",
    "1e3",
    "-0",
    "01",
    "-",
    "+1",
    "1234567890123456789",
    "truefalse",
    "True",
    "nul",
    "\"",
    "\"a\nb\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\udc00\\ud800\"",
    "\"\\ud800\\u0041\"",
    "\"\\x41\"",
    "\"\\u12\"",
    "\"\xc3\"",
    "\"\\u0041\xed\xa0\x80\"",
    "{\"a\":1,\"\\u0061\":2}",
    "{\"a\":1,}",
    "[1,]",
    "[1 2]",
    "[1",
    "{\"a\"}",
    "{a:1}",
    "{} {}",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
};

static void the_usual_is_plain(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (!plain_agrees(ts_slice_text(plain[i])))
            fail_msg("not plain: %s", plain[i]);
}

static void the_unusual_is_left(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof not_plain / sizeof *not_plain; i++)
        if (plain_agrees(ts_slice_text(not_plain[i])))
            fail_msg("plain: %s", not_plain[i]);
}

static void limits_are_exact(void **state) {
    struct ts_plain out = {0};
    struct ts_buf text = {0};

    (void)state;
    for (int members = 1; members <= TS_PLAIN_MEMBERS + 1; members++) {
        ts_buf_clear(&text);
        for (int i = 0; i < members; i++)
            assert_int_equal(
                ts_buf_printf(&text, "%s\"m%d\":%d", i ? "," : "{", i, i),
                TS_OK);
        assert_int_equal(ts_buf_add_text(&text, "}"), TS_OK);
        assert_int_equal(ts_plain_read(&out, ts_buf_slice(&text)),
                         members <= TS_PLAIN_MEMBERS);
    }
    ts_buf_clear(&text);
    for (int i = 1; i < TS_PLAIN_NODES; i++)
        assert_int_equal(ts_buf_add_text(&text, i == 1 ? "[1" : ",1"), TS_OK);
    assert_int_equal(ts_buf_add_text(&text, "]"), TS_OK);
    assert_true(ts_plain_read(&out, ts_buf_slice(&text)));
    text.len--;
    assert_int_equal(ts_buf_add_text(&text, ",1]"), TS_OK);
    assert_false(ts_plain_read(&out, ts_buf_slice(&text)));
    ts_plain_fini(&out);
    ts_buf_fini(&text);
}

static uint32_t draw(uint32_t *seed, size_t below) {
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % (uint32_t)below;
}

/* One to three places are changed, doubled or taken away. */
static size_t change(char text[LONGEST], size_t len, uint32_t *seed) {
    static const char signs[] = "{}[]\",:\\/ u0123456789abdfnrtEX-+.*%\x01\t"
                                "\xc3\xa9\xed\xa0\xf0\x9f\x98\x80";

    for (uint32_t times = 1 + draw(seed, 3); times && len > 1; times--) {
        size_t at = draw(seed, len), count = 1 + draw(seed, 4);
        uint32_t way = draw(seed, 4);
        if (count > len - at)
            count = len - at;
        if (way == 0) {
            memmove(text + at, text + at + count, len - at - count);
            len -= count;
        } else if (way == 1 && len + count < LONGEST) {
            memmove(text + at + count, text + at, len - at);
            len += count;
        } else {
            text[at] = signs[draw(seed, sizeof signs - 1)];
        }
    }
    return len;
}

static void whatever_is_plain_means_the_same(void **state) {
    uint32_t seed = 7;
    unsigned found = 0;

    (void)state;
    for (unsigned i = 0; i < TURNS; i++) {
        const char *from = plain[i % (sizeof plain / sizeof *plain)];
        char text[LONGEST];
        size_t len = strlen(from);
        memcpy(text, from, len + 1);
        len = change(text, len, &seed);
        found += plain_agrees(ts_slice_of(text, len));
    }
    assert_true(found > TURNS / 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_usual_is_plain),
        cmocka_unit_test(the_unusual_is_left),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(whatever_is_plain_means_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
