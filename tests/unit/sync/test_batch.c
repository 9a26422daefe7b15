#include "sync/batch.h"
#include "sync/event.h"
#include "tools/event_samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

static struct batch_codec *with_dictionary(void) {
    return batch_codec_shipped();
}

static struct batch_codec *without_dictionary(void) {
    return batch_codec_new((struct ts_slice){NULL, 0});
}

static enum batch_refusal decode(struct batch_codec *codec,
                                 struct ts_slice payload) {
    json_t *events = NULL;
    struct ts_err err = {TS_OK, ""};
    enum batch_refusal why = batch_decode(codec, payload, &events, &err);

    if (why == BATCH_TAKEN) {
        assert_true(json_is_array(events));
    } else {
        assert_null(events);
        assert_true(err.text[0] != 0);
    }
    json_decref(events);
    return why;
}

static enum batch_refusal decode_text(const char *text) {
    struct batch_codec *codec = with_dictionary();
    enum batch_refusal why = decode(codec, ts_slice_text(text));

    batch_codec_free(codec);
    return why;
}

static void fill(struct batch *batch, size_t events) {
    struct event_sampler *sampler = event_sampler_new(77);
    struct ts_buf event = {0};

    batch_init(batch);
    for (size_t i = 0; i < events; i++) {
        ts_buf_clear(&event);
        event_sampler_next(sampler, &event);
        assert_int_equal(batch_add(batch, ts_buf_slice(&event)), TS_OK);
    }
    ts_buf_fini(&event);
    event_sampler_free(sampler);
}

static void all_forms_come_back(void **state) {
    struct batch_codec *sender = with_dictionary();
    struct batch_codec *receiver = with_dictionary();
    struct batch batch;
    struct ts_buf out = {0};
    struct ts_buf again = {0};

    (void)state;
    fill(&batch, 20);
    for (int form = 0; form < 3; form++) {
        json_t *events = NULL;
        ts_buf_clear(&out);
        ts_buf_clear(&again);
        if (form == 2) {
            assert_int_equal(ts_buf_add(&out, ts_buf_slice(&batch.json)),
                             TS_OK);
            assert_int_equal(ts_buf_add_text(&out, "]"), TS_OK);
        } else {
            assert_int_equal(batch_finish(&batch, sender, form == 0,
                                          BATCH_MAX_PUBLISH, &out),
                             TS_OK);
            assert_true(out.len < batch.json.len);
        }
        assert_int_equal(
            batch_decode(receiver, ts_buf_slice(&out), &events, NULL),
            BATCH_TAKEN);
        assert_int_equal(json_array_size(events), 20);
        assert_int_equal(ts_json_compact(&again, events), TS_OK);
        assert_int_equal(again.len, batch.json.len + 1);
        assert_memory_equal(again.data, batch.json.data, batch.json.len);
        json_decref(events);
    }
    ts_buf_fini(&again);
    ts_buf_fini(&out);
    batch_fini(&batch);
    batch_codec_free(receiver);
    batch_codec_free(sender);
}

static void plain_is_sent_when_smaller(void **state) {
    struct batch_codec *codec = without_dictionary();
    struct batch batch;
    struct ts_buf out = {0};

    (void)state;
    batch_init(&batch);
    assert_int_equal(batch_add(&batch, ts_slice_text("{}")), TS_OK);
    assert_int_equal(batch_finish(&batch, codec, true, 100, &out), TS_OK);
    assert_string_equal(ts_buf_text(&out), "[{}]");
    ts_buf_fini(&out);
    batch_fini(&batch);
    batch_codec_free(codec);
}

static void a_finished_batch_can_grow(void **state) {
    struct batch_codec *codec = without_dictionary();
    struct batch batch;
    struct ts_buf out = {0};

    (void)state;
    batch_init(&batch);
    assert_int_equal(batch_add(&batch, ts_slice_text("{}")), TS_OK);
    assert_int_equal(batch_finish(&batch, codec, false, 3, &out), TS_FULL);
    assert_int_equal(out.len, 0);
    assert_int_equal(batch_add(&batch, ts_slice_text("{}")), TS_OK);
    assert_int_equal(batch_finish(&batch, codec, false, 7, &out), TS_OK);
    assert_string_equal(ts_buf_text(&out), "[{},{}]");
    ts_buf_fini(&out);
    batch_fini(&batch);
    batch_codec_free(codec);
}

static void limits_of_a_batch_hold(void **state) {
    static char big[EVENT_MAX_BYTES + 1];
    struct batch batch;
    struct batch_codec *codec = without_dictionary();
    struct ts_buf out = {0};
    size_t fitted = 0;

    (void)state;
    memset(big, ' ', sizeof big);
    big[0] = '{';
    big[EVENT_MAX_BYTES - 1] = '}';
    batch_init(&batch);
    assert_int_equal(batch_add(&batch, ts_slice_of(big, sizeof big)), TS_FULL);
    assert_int_equal(batch.events, 0);
    while (batch_add(&batch, ts_slice_of(big, EVENT_MAX_BYTES)) == TS_OK)
        fitted++;
    assert_int_equal(fitted, BATCH_MAX_BYTES / (EVENT_MAX_BYTES + 1));
    assert_int_equal(batch_finish(&batch, codec, false, BATCH_MAX_BYTES, &out),
                     TS_OK);
    assert_int_equal(decode(codec, ts_buf_slice(&out)), BATCH_TAKEN);
    batch_clear(&batch);
    for (int i = 0; i < BATCH_MAX_EVENTS; i++)
        assert_int_equal(batch_add(&batch, ts_slice_text("{}")), TS_OK);
    assert_int_equal(batch_add(&batch, ts_slice_text("{}")), TS_FULL);
    assert_int_equal(batch.events, BATCH_MAX_EVENTS);
    ts_buf_fini(&out);
    batch_fini(&batch);
    batch_codec_free(codec);
}

static void wrong_json_is_refused(void **state) {
    static const char *const bad[] = {
        "",           " ",
        "[",          "[]",
        "{}",         "null",
        "1",          "[1]",
        "[{},1]",     "[{}",
        "[{},]",      "[{}] x",
        "[[{}]]",     "[{\"a\":1,\"a\":2}]",
        "(\xb5/\xfd", "\x28\xb5\x2f",
    };
    struct batch_codec *codec = with_dictionary();
    json_t *events = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (decode_text(bad[i]) != BATCH_REFUSED_FORMAT)
            fail_msg("not refused as format: %s", bad[i]);
    assert_int_equal(batch_decode(codec, ts_slice_text("["), &events, NULL),
                     BATCH_REFUSED_FORMAT);
    batch_codec_free(codec);
    assert_int_equal(decode_text("[{}]"), BATCH_TAKEN);
    assert_int_equal(decode_text(" [ {} , {} ] "), BATCH_TAKEN);
}

static void too_much_is_refused_as_size(void **state) {
    struct batch_codec *codec = with_dictionary();
    struct ts_buf text = {0};

    (void)state;
    assert_int_equal(ts_buf_add_text(&text, "[{}"), TS_OK);
    for (int i = 0; i < BATCH_MAX_EVENTS; i++)
        assert_int_equal(ts_buf_add_text(&text, ",{}"), TS_OK);
    assert_int_equal(ts_buf_add_text(&text, "]"), TS_OK);
    assert_int_equal(decode(codec, ts_buf_slice(&text)), BATCH_REFUSED_SIZE);
    ts_buf_clear(&text);
    assert_int_equal(ts_buf_printf(&text, "[{},{\"]}\\\"\":\"%*s\"},{}]",
                                   EVENT_MAX_BYTES, ""),
                     TS_OK);
    assert_int_equal(decode(codec, ts_buf_slice(&text)), BATCH_REFUSED_SIZE);
    ts_buf_clear(&text);
    assert_int_equal(ts_buf_printf(&text, "[{}%*s]", BATCH_MAX_BYTES, ""),
                     TS_OK);
    assert_int_equal(decode(codec, ts_buf_slice(&text)), BATCH_REFUSED_SIZE);
    ts_buf_fini(&text);
    batch_codec_free(codec);
}

/* A frame of `len` bytes of `text` repeated, with one parameter set. */
static struct ts_buf frame_of(const char *text, size_t repeat,
                              ZSTD_cParameter parameter, int value) {
    ZSTD_CCtx *writer = ZSTD_createCCtx();
    struct ts_buf json = {0};
    struct ts_buf out = {0};
    size_t room;
    size_t size;

    for (size_t i = 0; i < repeat; i++)
        assert_int_equal(ts_buf_add_text(&json, text), TS_OK);
    room = ZSTD_compressBound(json.len);
    out.data = ts_alloc(room + 64);
    out.cap = room + 64;
    assert_false(
        ZSTD_isError(ZSTD_CCtx_setParameter(writer, parameter, value)));
    size = ZSTD_compress2(writer, out.data, room, json.data, json.len);
    assert_false(ZSTD_isError(size));
    out.len = size;
    ZSTD_freeCCtx(writer);
    ts_buf_fini(&json);
    return out;
}

static void bombs_are_refused_unopened(void **state) {
    struct batch_codec *codec = with_dictionary();
    struct ts_buf frame =
        frame_of("        ", BATCH_MAX_BYTES, ZSTD_c_compressionLevel, 1);

    (void)state;
    assert_true(frame.len < BATCH_MAX_PUBLISH);
    assert_int_equal(decode(codec, ts_buf_slice(&frame)), BATCH_REFUSED_SIZE);
    ts_buf_fini(&frame);
    frame = frame_of("[{}]", 1, ZSTD_c_contentSizeFlag, 0);
    assert_int_equal(decode(codec, ts_buf_slice(&frame)), BATCH_REFUSED_FORMAT);
    ts_buf_fini(&frame);
    batch_codec_free(codec);
}

/* A frame that claims less than it holds must not write beyond the claim. */
static void a_lying_content_size_is_refused(void **state) {
    struct batch_codec *codec = with_dictionary();
    struct ts_buf frame =
        frame_of("        ", 4096, ZSTD_c_compressionLevel, 1);

    (void)state;
    /* One segment, size in two bytes less 256 (RFC 8878, 3.1.1.1.4). */
    assert_int_equal(frame.data[4] & 0xe0, 0x60);
    for (int size = 0; size < 0x10000; size += 251) {
        frame.data[5] = (uint8_t)size;
        frame.data[6] = (uint8_t)(size >> 8);
        assert_int_equal(decode(codec, ts_buf_slice(&frame)),
                         BATCH_REFUSED_FORMAT);
    }
    ts_buf_fini(&frame);
    batch_codec_free(codec);
}

static void a_wide_window_is_refused(void **state) {
    /* Not one segment, 4 bytes of size (4), window of 2 MiB; one raw block. */
    uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x80, 11 << 3, 4,   0,  0,
                       0,    0x21, 0,    0,    '[',  '{',     '}', ']'};
    struct batch_codec *codec = with_dictionary();

    (void)state;
    assert_int_equal(decode(codec, ts_slice_of(frame, sizeof frame)),
                     BATCH_REFUSED_SIZE);
    frame[5] = 10 << 3;
    assert_int_equal(decode(codec, ts_slice_of(frame, sizeof frame)),
                     BATCH_TAKEN);
    batch_codec_free(codec);
}

static void one_frame_and_nothing_else(void **state) {
    static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 7};
    struct batch_codec *codec = with_dictionary();
    struct ts_buf frame = frame_of("[{}]", 1, ZSTD_c_compressionLevel, 1);
    struct ts_buf both = {0};
    size_t len = frame.len;

    (void)state;
    assert_int_equal(decode(codec, ts_buf_slice(&frame)), BATCH_TAKEN);
    assert_int_equal(ts_buf_add_text(&frame, "]"), TS_OK);
    assert_int_equal(decode(codec, ts_buf_slice(&frame)), BATCH_REFUSED_FORMAT);
    frame.len = len;
    assert_int_equal(ts_buf_add(&both, ts_buf_slice(&frame)), TS_OK);
    assert_int_equal(ts_buf_add(&both, ts_buf_slice(&frame)), TS_OK);
    assert_int_equal(decode(codec, ts_buf_slice(&both)), BATCH_REFUSED_FORMAT);
    both.len = len;
    assert_int_equal(
        ts_buf_add(&both, ts_slice_of(skippable, sizeof skippable)), TS_OK);
    assert_int_equal(decode(codec, ts_buf_slice(&both)), BATCH_REFUSED_FORMAT);
    ts_buf_clear(&both);
    assert_int_equal(
        ts_buf_add(&both, ts_slice_of(skippable, sizeof skippable)), TS_OK);
    assert_int_equal(ts_buf_add(&both, ts_buf_slice(&frame)), TS_OK);
    assert_int_equal(decode(codec, ts_buf_slice(&both)), BATCH_REFUSED_FORMAT);
    ts_buf_fini(&both);
    ts_buf_fini(&frame);
    batch_codec_free(codec);
}

/* The copy has its exact size, so that a sanitizer sees a byte too many. */
static void every_truncation_is_refused(void **state) {
    struct batch_codec *codec = with_dictionary();
    struct batch batch;
    struct ts_buf out = {0};

    (void)state;
    fill(&batch, 5);
    for (int trained = 0; trained < 2; trained++) {
        ts_buf_clear(&out);
        assert_int_equal(
            batch_finish(&batch, codec, trained != 0, BATCH_MAX_PUBLISH, &out),
            TS_OK);
        for (size_t len = 0; len < out.len; len++) {
            uint8_t *copy = ts_alloc(len);
            memcpy(copy, out.data, len);
            assert_int_equal(decode(codec, ts_slice_of(copy, len)),
                             BATCH_REFUSED_FORMAT);
            free(copy);
        }
    }
    for (size_t len = 0; len <= batch.json.len; len++)
        assert_int_equal(decode(codec, ts_slice_of(batch.json.data, len)),
                         BATCH_REFUSED_FORMAT);
    ts_buf_fini(&out);
    batch_fini(&batch);
    batch_codec_free(codec);
}

static void other_dictionaries_are_named(void **state) {
    struct batch_codec *sender = with_dictionary();
    struct batch_codec *receiver = without_dictionary();
    struct batch_codec *other;
    struct batch batch;
    struct ts_buf out = {0};
    struct ts_buf copy = {0};

    (void)state;
    /* The id follows the magic number, little endian. */
    assert_int_equal(ts_buf_add(&copy, batch_dictionary_32770), TS_OK);
    copy.data[4] ^= 1;
    other = batch_codec_new(ts_buf_slice(&copy));
    assert_int_not_equal(batch_codec_dictionary(other),
                         batch_codec_dictionary(sender));
    fill(&batch, 3);
    assert_int_equal(
        batch_finish(&batch, sender, true, BATCH_MAX_PUBLISH, &out), TS_OK);
    assert_int_equal(decode(sender, ts_buf_slice(&out)), BATCH_TAKEN);
    assert_int_equal(decode(receiver, ts_buf_slice(&out)),
                     BATCH_REFUSED_DICTIONARY);
    assert_int_equal(decode(other, ts_buf_slice(&out)),
                     BATCH_REFUSED_DICTIONARY);
    ts_buf_clear(&out);
    assert_int_equal(
        batch_finish(&batch, sender, false, BATCH_MAX_PUBLISH, &out), TS_OK);
    assert_int_equal(decode(receiver, ts_buf_slice(&out)), BATCH_TAKEN);
    ts_buf_fini(&copy);
    ts_buf_fini(&out);
    batch_fini(&batch);
    batch_codec_free(other);
    batch_codec_free(receiver);
    batch_codec_free(sender);
}

/* What terminals that were not updated send, and what waits in quarantine. */
static void frames_of_an_older_dictionary_are_read(void **state) {
    struct batch_codec *sender = batch_codec_new(batch_dictionary_32769);
    struct batch_codec *receiver = with_dictionary();
    struct batch batch;
    struct ts_buf out = {0};

    (void)state;
    fill(&batch, 3);
    assert_int_equal(
        batch_finish(&batch, sender, true, BATCH_MAX_PUBLISH, &out), TS_OK);
    assert_int_equal(ZSTD_getDictID_fromFrame(out.data, out.len), 32769);
    assert_int_equal(decode(receiver, ts_buf_slice(&out)), BATCH_TAKEN);
    ts_buf_clear(&out);
    assert_int_equal(
        batch_finish(&batch, receiver, true, BATCH_MAX_PUBLISH, &out), TS_OK);
    assert_int_equal(ZSTD_getDictID_fromFrame(out.data, out.len), 32770);
    assert_int_equal(decode(sender, ts_buf_slice(&out)),
                     BATCH_REFUSED_DICTIONARY);
    ts_buf_fini(&out);
    batch_fini(&batch);
    batch_codec_free(receiver);
    batch_codec_free(sender);
}

/* What a rest gives back is made again: the frames are the same as before. */
static void a_rest_changes_no_frame(void **state) {
    struct batch_codec *codec = with_dictionary();
    struct batch batch;
    struct ts_buf before = {0};
    struct ts_buf after = {0};

    (void)state;
    fill(&batch, 3);
    for (int trained = 0; trained < 2; trained++) {
        ts_buf_clear(&before);
        ts_buf_clear(&after);
        assert_int_equal(
            batch_finish(&batch, codec, trained, BATCH_MAX_PUBLISH, &before),
            TS_OK);
        assert_int_equal(decode(codec, ts_buf_slice(&before)), BATCH_TAKEN);
        batch_codec_rest(codec);
        assert_int_equal(decode(codec, ts_buf_slice(&before)), BATCH_TAKEN);
        assert_int_equal(
            batch_finish(&batch, codec, trained, BATCH_MAX_PUBLISH, &after),
            TS_OK);
        assert_true(
            ts_slice_equal(ts_buf_slice(&before), ts_buf_slice(&after)));
    }
    ts_buf_fini(&before);
    ts_buf_fini(&after);
    batch_fini(&batch);
    batch_codec_free(codec);
}

/* A frame can be read with its own dictionary only: a file that changes makes
 * frames unreadable that are out there. Ids below 32768 and from 2^31 are not
 * ours to give (RFC 8878, 5). */
static void shipped_dictionaries_never_change(void **state) {
    struct batch_codec *codec = with_dictionary();
    const struct {
        struct ts_slice file;
        uint32_t id, crc;
    } shipped[] = {{batch_dictionary_32770, 32770, 0x35b3d7ad},
                   {batch_dictionary_32769, 32769, 0xb8ae21d6}};
    uint32_t ids[BATCH_DICTIONARIES_MAX];

    (void)state;
    assert_int_equal(batch_codec_dictionaries(codec, ids), 2);
    for (size_t i = 0; i < 2; i++) {
        struct ts_slice file = shipped[i].file;
        assert_int_equal(ids[i], shipped[i].id);
        assert_int_equal(ZSTD_getDictID_fromDict(file.data, file.len), ids[i]);
        assert_int_equal(file.len, 4096);
        assert_int_equal(crc32(0, file.data, (unsigned)file.len),
                         shipped[i].crc);
    }
    assert_int_equal(batch_codec_dictionary(codec), 32770);
    batch_codec_free(codec);
}

/* Bytes an event, with room for other events than those it was made for. */
static void the_dictionary_pays(void **state) {
    struct batch_codec *codec = with_dictionary();
    struct batch batch;
    struct ts_buf trained = {0};
    struct ts_buf untrained = {0};

    (void)state;
    fill(&batch, 10);
    assert_int_equal(
        batch_finish(&batch, codec, true, BATCH_MAX_PUBLISH, &trained), TS_OK);
    assert_int_equal(
        batch_finish(&batch, codec, false, BATCH_MAX_PUBLISH, &untrained),
        TS_OK);
    assert_true(trained.len * 10 < untrained.len * 7);
    assert_true(trained.len * 6 < batch.json.len);
    ts_buf_fini(&untrained);
    ts_buf_fini(&trained);
    batch_fini(&batch);
    batch_codec_free(codec);
}

static void refusals_have_words(void **state) {
    (void)state;
    for (unsigned i = BATCH_REFUSED_FORMAT; i <= BATCH_REFUSED_BUSY; i++) {
        const char *word = batch_refusal_name((enum batch_refusal)i);
        assert_int_equal(batch_refusal_find(ts_slice_text(word)), i);
    }
    assert_int_equal(batch_refusal_find(ts_slice_text("moon")),
                     BATCH_REFUSED_FORMAT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_forms_come_back),
        cmocka_unit_test(plain_is_sent_when_smaller),
        cmocka_unit_test(a_finished_batch_can_grow),
        cmocka_unit_test(limits_of_a_batch_hold),
        cmocka_unit_test(wrong_json_is_refused),
        cmocka_unit_test(too_much_is_refused_as_size),
        cmocka_unit_test(bombs_are_refused_unopened),
        cmocka_unit_test(a_lying_content_size_is_refused),
        cmocka_unit_test(a_wide_window_is_refused),
        cmocka_unit_test(one_frame_and_nothing_else),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(other_dictionaries_are_named),
        cmocka_unit_test(frames_of_an_older_dictionary_are_read),
        cmocka_unit_test(a_rest_changes_no_frame),
        cmocka_unit_test(shipped_dictionaries_never_change),
        cmocka_unit_test(the_dictionary_pays),
        cmocka_unit_test(refusals_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
