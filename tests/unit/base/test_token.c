#include "base/token.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct ts_keys *counting_key(void) {
    uint8_t key[TS_KEY_BYTES];

    for (unsigned i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    return ts_keys_new(1, key);
}

static enum ts_status token(char out[TS_TOKEN_TEXT], const char *programme,
                            const char *number) {
    struct ts_keys *keys = counting_key();
    enum ts_status status = ts_token_card(
        out, keys, 0, ts_slice_text(programme), ts_slice_text(number));

    ts_keys_free(keys);
    return status;
}

static void tokens_match_the_reference(void **state) {
    char text[TS_TOKEN_TEXT];

    (void)state;
    assert_int_equal(token(text, "main", "2501008336538"), TS_OK);
    assert_string_equal(text, "c1.uKCh5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqY");
    assert_true(ts_token_valid(ts_slice_text(text)));
}

static void spelling_does_not_change_a_token(void **state) {
    char plain[TS_TOKEN_TEXT];
    char spelt[TS_TOKEN_TEXT];

    (void)state;
    assert_int_equal(token(plain, "main", "AB12345678"), TS_OK);
    assert_int_equal(token(spelt, "main", " ab-1234 5678"), TS_OK);
    assert_string_equal(plain, spelt);
    assert_int_equal(token(spelt, "other", "AB12345678"), TS_OK);
    assert_string_not_equal(plain, spelt);
}

static void wrong_arguments_are_refused(void **state) {
    char text[TS_TOKEN_TEXT] = "as it was";

    (void)state;
    assert_int_equal(token(text, "Main", "1"), TS_INVALID);
    assert_int_equal(token(text, "", "1"), TS_INVALID);
    assert_int_equal(token(text, "main", " -- "), TS_INVALID);
    assert_string_equal(text, "as it was");
}

static void only_the_form_of_a_token_is_valid(void **state) {
    static const char *const wrong[] = {
        "",
        "c",
        "c1.",
        "c0.uKCh5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqY",
        "u1.uKCh5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqY",
        "c1000.uKCh5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqY",
        "c1.uKCh5aceyQPe6L0sApIqVp3xHi/1NeBIBowqzyz7lqY",
        "c1.uKCh5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lq",
        "c1.uKCh5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqYY"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(ts_token_valid(ts_slice_text(wrong[i])));
}

static void print_tokens_are_told_apart(void **state) {
    struct ts_keys *keys = counting_key();
    char text[TS_TOKEN_TEXT];

    (void)state;
    ts_token_print(text, keys, ts_slice_text("anything"));
    assert_memory_equal(text, "u1.", 3);
    assert_int_equal(strlen(text), 46);
    assert_false(ts_token_valid(ts_slice_text(text)));
    ts_keys_free(keys);
}

static void a_screen_sees_four_characters(void **state) {
    static const char dots[] = "\xc2\xb7\xc2\xb7\xc2\xb7\xc2\xb7";
    char text[24];

    (void)state;
    ts_card_masked(text, ts_slice_text("2501008336538"));
    assert_memory_equal(text, dots, 8);
    assert_string_equal(text + 8, " 6538");
    ts_card_masked(text, ts_slice_text("1234567"));
    assert_string_equal(text, dots);
}

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "1111111111111111111111111111111111111111111111111111111111111111"

static enum ts_status load(struct ts_keys **keys, const char *text,
                           unsigned mode, struct ts_err *err) {
    char path[] = "/tmp/test-keys-XXXXXX";
    int fd = mkstemp(path);
    enum ts_status status;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
    status = ts_keys_load(keys, path, err);
    assert_int_equal(unlink(path), 0);
    return status;
}

static void the_highest_key_comes_first(void **state) {
    struct ts_keys *keys = NULL;
    struct ts_err err;
    char text[TS_TOKEN_TEXT];

    (void)state;
    assert_int_equal(load(&keys,
                          "# two\n1 " KEY_A " # old\n\n12\t" KEY_B "\r\n", 0600,
                          &err),
                     TS_OK);
    assert_int_equal(ts_keys_count(keys), 2);
    assert_int_equal(
        ts_token_card(text, keys, 0, ts_slice_text("main"), ts_slice_text("1")),
        TS_OK);
    assert_memory_equal(text, "c12.", 4);
    assert_int_equal(ts_token_card(text, keys, 1, ts_slice_text("main"),
                                   ts_slice_text("2501008336538")),
                     TS_OK);
    assert_string_equal(text, "c1.uKCh5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqY");
    assert_int_equal(
        ts_token_card(text, keys, 2, ts_slice_text("main"), ts_slice_text("1")),
        TS_INVALID);
    ts_keys_free(keys);
}

static void a_wrong_key_file_says_where(void **state) {
    static const struct {
        const char *text;
        unsigned mode;
        enum ts_status status;
        const char *says;
    } rows[] = {
        {"1 " KEY_A "\n", 0644, TS_DENIED, "chmod 600"},
        {"", 0600, TS_INVALID, "no key"},
        {"\n0 " KEY_A "\n", 0600, TS_INVALID, ":2:"},
        {"1 " KEY_A "00\n", 0600, TS_INVALID, ":1:"},
        {"1 abc\n", 0600, TS_INVALID, "64 hex"},
        {"1 " KEY_A "\n1 " KEY_B "\n", 0600, TS_INVALID, "twice"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ts_keys *keys = NULL;
        struct ts_err err;
        assert_int_equal(load(&keys, rows[i].text, rows[i].mode, &err),
                         rows[i].status);
        assert_non_null(strstr(err.text, rows[i].says));
        assert_null(strstr(err.text, "000102"));
        assert_null(keys);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_match_the_reference),
        cmocka_unit_test(spelling_does_not_change_a_token),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(only_the_form_of_a_token_is_valid),
        cmocka_unit_test(print_tokens_are_told_apart),
        cmocka_unit_test(a_screen_sees_four_characters),
        cmocka_unit_test(the_highest_key_comes_first),
        cmocka_unit_test(a_wrong_key_file_says_where),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
