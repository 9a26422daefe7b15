/* Small payloads that stand for much: each is refused for the right reason,
 * and neither memory nor processor pays for what it claims. */
#include "sync/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

static const uint64_t gibibyte = 1 << 30;
enum {
    BLOCK = 128 * 1024,
    MEMORY_KB = 16 * 1024, /* BATCH_MAX_BYTES, its objects, and a sanitizer */
    PROCESSOR_S = 5,
    UNSTATED = 0,
    DEEP = 100000
};

static void put(struct ts_buf *out, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i));
        assert_int_equal(ts_buf_add(out, ts_slice_of(&byte, 1)), TS_OK);
    }
}

/* A frame (RFC 8878, 3.1.1) of blocks that repeat one byte: 4 bytes of it are
 * 128 KiB when opened. */
struct bomb {
    uint64_t stated; /* UNSTATED: the header gives no size */
    uint64_t expands;
    uint8_t window; /* 0: one segment */
    bool dictionary;
    char fill;
};

static struct ts_buf frame_of(const struct bomb *bomb) {
    struct ts_buf out = {0};
    uint32_t id = 0;

    if (bomb->dictionary) {
        struct batch_codec *codec = batch_codec_shipped();
        id = batch_codec_dictionary(codec);
        batch_codec_free(codec);
    }
    put(&out, 0xfd2fb528, 4);
    put(&out,
        (bomb->stated ? 0xc0u : 0) | (bomb->window ? 0 : 0x20u) | (id ? 3 : 0),
        1);
    if (bomb->window)
        put(&out, bomb->window, 1);
    put(&out, id, id ? 4 : 0);
    put(&out, bomb->stated, bomb->stated ? 8 : 0);
    for (uint64_t done = 0; done < bomb->expands; done += BLOCK) {
        bool last = done + BLOCK >= bomb->expands;
        put(&out, (uint64_t)last | 1 << 1 | (uint64_t)BLOCK << 3, 3);
        put(&out, (uint8_t)bomb->fill, 1);
    }
    return out;
}

static long peak_kb(void) {
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

static void refused(struct batch_codec *codec, struct ts_slice payload,
                    enum batch_refusal expected, const char *text) {
    long before_kb = peak_kb();
    clock_t start = clock();
    json_t *events = NULL;
    struct ts_err err = {TS_OK, ""};

    assert_string_equal(
        batch_refusal_name(batch_decode(codec, payload, &events, &err)),
        batch_refusal_name(expected));
    assert_null(events);
    if (!strstr(err.text, text))
        fail_msg("\"%s\" does not say \"%s\"", err.text, text);
    assert_true(peak_kb() - before_kb < MEMORY_KB);
    assert_true((clock() - start) / CLOCKS_PER_SEC < PROCESSOR_S);
}

static void frames_of_gigabytes_are_refused(void **state) {
    static const struct {
        struct bomb bomb;
        enum batch_refusal why;
        const char *text;
    } rows[] = {
        {{4 * gibibyte, 4 * gibibyte, 0, false, ' '},
         BATCH_REFUSED_SIZE,
         "1 MiB"},
        {{UINT64_MAX - 2, BLOCK, 0, false, ' '}, BATCH_REFUSED_SIZE, "1 MiB"},
        {{BATCH_MAX_BYTES + 1, BATCH_MAX_BYTES, 0, false, ' '},
         BATCH_REFUSED_SIZE,
         "1 MiB"},
        {{BATCH_MAX_BYTES, 4 * gibibyte, 0, false, ' '},
         BATCH_REFUSED_FORMAT,
         "damaged"},
        {{1, 4 * gibibyte, 0, false, ' '}, BATCH_REFUSED_FORMAT, "damaged"},
        {{UNSTATED, 4 * gibibyte, 10 << 3, false, ' '},
         BATCH_REFUSED_FORMAT,
         "state its content size"},
        {{BATCH_MAX_BYTES, BATCH_MAX_BYTES, 20 << 3, false, ' '},
         BATCH_REFUSED_SIZE,
         "1 MiB"},
        /* 2 TiB: more than zstd knows. */
        {{BATCH_MAX_BYTES, BATCH_MAX_BYTES, 31 << 3, false, ' '},
         BATCH_REFUSED_FORMAT,
         "header"},
        {{BATCH_MAX_BYTES, BATCH_MAX_BYTES, 0, false, '['},
         BATCH_REFUSED_FORMAT,
         "deep"},
    };
    struct batch_codec *codec = batch_codec_shipped();

    (void)state;
    for (size_t i = 0; i < 2 * (sizeof rows / sizeof *rows); i++) {
        struct bomb bomb = rows[i / 2].bomb;
        struct ts_buf frame;
        bomb.dictionary = i % 2;
        frame = frame_of(&bomb);
        /* All but the slack of headers fits into one publish. */
        assert_true(frame.len < BATCH_MAX_PUBLISH + 64);
        refused(codec, ts_buf_slice(&frame), rows[i / 2].why, rows[i / 2].text);
        ts_buf_fini(&frame);
    }
    batch_codec_free(codec);
}

static void fill(struct ts_buf *out, const char *head, const char *part,
                 size_t times) {
    assert_int_equal(ts_buf_add_text(out, head), TS_OK);
    for (size_t i = 0; i < times; i++)
        assert_int_equal(ts_buf_add_text(out, part), TS_OK);
}

static void json_of_a_hundred_thousand_levels_is_refused(void **state) {
    static const char *const parts[] = {"[", "{\"a\":", "[{\"a\":"};
    struct batch_codec *codec = batch_codec_shipped();

    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct ts_buf text = {0};
        json_t *json = NULL;
        struct ts_err err = {TS_OK, ""};
        fill(&text, "[{\"data\":", parts[i], DEEP);
        refused(codec, ts_buf_slice(&text), BATCH_REFUSED_FORMAT, "deep");
        assert_int_equal(ts_json_parse(&json, ts_buf_slice(&text), &err),
                         TS_INVALID);
        assert_non_null(strstr(err.text, "nests deeper than"));
        ts_buf_fini(&text);
    }
    batch_codec_free(codec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_gigabytes_are_refused),
        cmocka_unit_test(json_of_a_hundred_thousand_levels_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
