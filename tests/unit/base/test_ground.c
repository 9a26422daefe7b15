/* Status texts, bytes, time, names and JSON limits. */
#include "base/bytes.h"
#include "base/guard.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "base/time.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_status_keeps_its_text(void **state) {
    struct ts_err err;

    (void)state;
    assert_int_equal(ts_fail(&err, TS_FULL, "at %d", 7), TS_FULL);
    assert_int_equal(ts_wrap(&err, "queue %s", "a"), TS_FULL);
    assert_string_equal(err.text, "queue a: at 7");
    assert_int_equal(ts_fail(NULL, TS_IO, "x"), TS_IO);
    assert_string_equal(ts_status_name(TS_CORRUPT), "corrupt");
}

static void a_buffer_keeps_its_ceiling(void **state) {
    struct ts_buf buf;

    (void)state;
    ts_buf_init(&buf, 5);
    assert_int_equal(ts_buf_add_text(&buf, "abcd"), TS_OK);
    assert_int_equal(ts_buf_add_text(&buf, "ef"), TS_FULL);
    assert_int_equal(ts_buf_printf(&buf, "%d", 12), TS_FULL);
    assert_string_equal(ts_buf_text(&buf), "abcd");
    ts_buf_drop(&buf, 3);
    assert_string_equal(ts_buf_text(&buf), "d");
    ts_buf_fini(&buf);
}

static void text_forms_are_read_back(void **state) {
    static const uint8_t bytes[] = {0xfb, 0xff, 0x00, 0x10};
    uint8_t back[8];
    char text[16];
    size_t len = 0;

    (void)state;
    ts_base64url(text, ts_slice_of(bytes, 4));
    assert_string_equal(text, "-_8AEA");
    assert_int_equal(ts_unbase64(back, 4, &len, ts_slice_text("+/8AEA==")),
                     TS_OK);
    assert_int_equal(len, 4);
    assert_memory_equal(back, bytes, 4);
    assert_int_equal(ts_unbase64(back, 3, &len, ts_slice_text(text)),
                     TS_INVALID);
    ts_hex(text, ts_slice_of(bytes, 4));
    assert_string_equal(text, "fbff0010");
    assert_int_equal(ts_unhex(back, 4, &len, ts_slice_text("FBff001")),
                     TS_INVALID);
    assert_int_equal(ts_crc32(ts_slice_text("123456789")), 0xcbf43926);
    assert_true(ts_utf8_valid(ts_slice_text("\xf0\x9f\x9b\x92")));
    assert_false(ts_utf8_valid(ts_slice_text("\xed\xa0\x80")));
    assert_false(ts_utf8_valid(ts_slice_text("\xc0\x80")));
    ts_base64(text, ts_slice_of(bytes, 4));
    assert_string_equal(text, "+/8AEA==");
    ts_base64(text, ts_slice_of(bytes, 3));
    assert_string_equal(text, "+/8A");
    ts_base64(text, ts_slice_of(bytes, 2));
    assert_string_equal(text, "+/8=");
}

static void times_are_written_and_read(void **state) {
    static const char *const wrong[] = {
        "2025-02-29T00:00:00Z",  "2026-11-21",
        "2026-11-21T25:00:00Z",  "2026-11-21T10:00:00",
        "2026-11-21T10:00:00.Z", ""};
    struct ts_wall at;
    char text[TS_TIME_TEXT];

    (void)state;
    assert_int_equal(
        ts_wall_parse(&at, ts_slice_text("2026-11-21T11:00:00.1239+01:00")),
        TS_OK);
    ts_wall_text(text, at);
    assert_string_equal(text, "2026-11-21T10:00:00.123Z");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(ts_wall_parse(&at, ts_slice_text(wrong[i])),
                         TS_INVALID);
}

static void names_and_counters_have_one_form(void **state) {
    char text[TS_COUNTER_TEXT];
    char uuid[TS_UUID_TEXT];
    uint64_t value = 0;

    (void)state;
    assert_true(ts_name_valid(ts_slice_text("lane-1")));
    assert_false(ts_name_valid(ts_slice_text("hub-x")));
    assert_false(ts_name_valid(ts_slice_text("Lane")));
    ts_counter_text(text, (1ULL << 53) - 1);
    assert_int_equal(ts_counter_parse(&value, ts_slice_text(text)), TS_OK);
    assert_true(value == (1ULL << 53) - 1);
    assert_int_equal(
        ts_counter_parse(&value, ts_slice_text("00009007199254740992")),
        TS_INVALID);
    ts_uuid7(uuid, (struct ts_wall){0x0123456789ab});
    assert_memory_equal(uuid, "01234567-89ab-7", 15);
}

/* Without care one draw in 11,000 would be: this many hold eighteen. */
static void no_drawn_name_is_taken_for_a_card(void **state) {
    enum { DRAWS = 200000 };
    char name[TS_JOURNAL_TEXT];

    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        ts_random_hex(name, sizeof name - 1);
        assert_true(ts_journal_valid(ts_slice_text(name)));
        assert_false(
            ts_guard_refuses(ts_slice_text(name), TS_CARRIER_TEXT, NULL));
    }
}

/* FIPS 180-4, the examples of one and of two blocks. */
static void a_hash_is_of_all_parts(void **state) {
    const struct ts_slice whole = ts_slice_text("abc");
    const struct ts_slice parts[] = {
        ts_slice_text("abcdbcdecdefdefgefgh"), ts_slice_text(""),
        ts_slice_text("fghighijhijkijkljklmklmnlmnomnopnopq")};
    uint8_t hash[TS_HASH_BYTES];
    char text[TS_HASH_TEXT];

    (void)state;
    ts_hash(hash, &whole, 1);
    ts_hex(text, ts_slice_of(hash, sizeof hash));
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223"
                              "b00361a396177a9cb410ff61f20015ad");
    ts_hash(hash, parts, 3);
    ts_hex(text, ts_slice_of(hash, sizeof hash));
    assert_string_equal(text, "248d6a61d20638b8e5c026930c3e6039"
                              "a33ce45964ff2167f6ecedd419db06c1");
}

static void json_has_limits_and_one_form(void **state) {
    static const char text[] = "{\"b\":1,\"a\":[9007199254740993]}";
    struct ts_buf out = {0};
    json_t *value = NULL;
    char deep[80];

    (void)state;
    assert_int_equal(ts_json_parse(&value, ts_slice_text(text), NULL), TS_OK);
    assert_int_equal(ts_json_canonical(&out, value), TS_OK);
    assert_string_equal(ts_buf_text(&out),
                        "{\"a\":[9007199254740993],\"b\":1}");
    json_decref(value);
    ts_buf_fini(&out);
    assert_int_equal(
        ts_json_parse(&value, ts_slice_text("{\"a\":1,\"a\":2}"), NULL),
        TS_INVALID);
    memset(deep, '[', sizeof deep);
    assert_int_equal(ts_json_parse(&value, ts_slice_of(deep, 65), NULL),
                     TS_INVALID);
}

static void keep_line(void *ctx, enum ts_log_level level, const char *line) {
    (void)level;
    (void)snprintf(ctx, 64, "%s", line);
}

static void a_log_line_is_one_line(void **state) {
    char line[64] = "";

    (void)state;
    ts_log_set_sink(keep_line, line);
    ts_log(TS_LOG_DEBUG, "part", "not at this level");
    assert_string_equal(line, "");
    ts_log(TS_LOG_WARN, "part", "a\nb");
    ts_log_set_sink(NULL, NULL);
    assert_string_equal(line, "warn part: a?b");
}

static void a_sealed_process_leaves_no_core(void **state) {
    struct rlimit limit = {1, 1};
    int status = 0;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (!child) {
        ts_process_seal();
        _exit(getrlimit(RLIMIT_CORE, &limit) || limit.rlim_cur ||
              limit.rlim_max || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_keeps_its_text),
        cmocka_unit_test(a_buffer_keeps_its_ceiling),
        cmocka_unit_test(text_forms_are_read_back),
        cmocka_unit_test(times_are_written_and_read),
        cmocka_unit_test(names_and_counters_have_one_form),
        cmocka_unit_test(a_hash_is_of_all_parts),
        cmocka_unit_test(no_drawn_name_is_taken_for_a_card),
        cmocka_unit_test(json_has_limits_and_one_form),
        cmocka_unit_test(a_log_line_is_one_line),
        cmocka_unit_test(a_sealed_process_leaves_no_core),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
