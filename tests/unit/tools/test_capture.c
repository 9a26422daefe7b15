#include "tools/capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_steps_are_read(void **state) {
    static const char text[] = "# a comment\n"
                               "\n"
                               "> a\\r\\n\\t\\\\\\x00\\xfF b\r\n"
                               ". 150\n"
                               "! unplug\n"
                               "! plug\n"
                               "= {\"text\":\"a\"}\n"
                               "< \\x07\n"
                               "@ profile aim";
    static const enum capture_what want[] = {
        CAPTURE_SEND,   CAPTURE_WAIT, CAPTURE_UNPLUG, CAPTURE_PLUG,
        CAPTURE_EXPECT, CAPTURE_HOST, CAPTURE_OPTION};
    struct capture capture;
    struct ts_err err;
    (void)state;
    if (capture_parse(&capture, ts_slice_text(text), &err) != TS_OK)
        fail_msg("%s", err.text);
    assert_int_equal(capture.count, 7);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(capture.steps[i].what, want[i]);
    assert_true(ts_slice_equal(ts_buf_slice(&capture.steps[0].bytes),
                               ts_slice_of("a\r\n\t\\\0\xff b", 9)));
    assert_int_equal(capture.steps[0].line, 3);
    assert_int_equal(capture.steps[1].wait_ms, 150);
    assert_string_equal(ts_buf_text(&capture.steps[4].bytes),
                        "{\"text\":\"a\"}");
    assert_string_equal(ts_buf_text(&capture.steps[6].bytes), "profile aim");
    capture_fini(&capture);
}

static void test_mistakes_name_their_line(void **state) {
    static const char *const wrong[] = {
        "\n> \\q",  "\n> \\", "\n> \\x1",        "\n> \\xg0",
        "\n. ",     "\n. 1s", "\n. 99999999999", "\n! pull",
        "\n? what", "\n>",    "\n>abc"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct capture capture = {.count = 77};
        struct ts_err err;
        assert_int_equal(capture_parse(&capture, ts_slice_text(wrong[i]), &err),
                         TS_INVALID);
        assert_non_null(strstr(err.text, "line 2"));
        assert_int_equal(capture.count, 77);
    }
}

static void test_a_missing_file_is_told(void **state) {
    struct capture capture;
    struct ts_err err;
    (void)state;
    assert_int_equal(capture_load(&capture, "/nowhere/a.cap", &err),
                     TS_INVALID);
    assert_non_null(strstr(err.text, "/nowhere/a.cap"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_are_read),
        cmocka_unit_test(test_mistakes_name_their_line),
        cmocka_unit_test(test_a_missing_file_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
