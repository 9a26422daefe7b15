#include "sync/batch.h"

#include "sync/event.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum {
    LEVEL = 1,
    /* Of a lone event or a few: a search of 5 us where the commit beside it
     * takes a hundred saves a tenth; a backlog is worth no such search. */
    SMALL_LEVEL = 6,
    SMALL_BYTES = 64 * 1024
};

struct known {
    uint32_t id;
    struct ts_slice bytes;
    ZSTD_DDict *reader; /* NULL until needed */
};

/* A sender never reads, and mostly rests: each state is made when it is needed.
 */
struct batch_codec {
    ZSTD_CCtx *plain;
    ZSTD_CCtx *trained;
    ZSTD_DCtx *reader;
    struct ts_slice dictionary; /* to send with; empty: none */
    uint32_t id;                /* of `dictionary` */
    struct known known[BATCH_DICTIONARIES_MAX];
    size_t known_count;
};

static const char *const refusals[] = {
    [BATCH_TAKEN] = "",
    [BATCH_REFUSED_FORMAT] = "format",
    [BATCH_REFUSED_SIZE] = "size",
    [BATCH_REFUSED_DICTIONARY] = "dictionary",
    [BATCH_REFUSED_IDENTITY] = "identity",
    [BATCH_REFUSED_BUSY] = "busy",
};

const char *batch_refusal_name(enum batch_refusal refusal) {
    return refusals[refusal];
}

enum batch_refusal batch_refusal_find(struct ts_slice word) {
    for (unsigned i = BATCH_REFUSED_FORMAT; i <= BATCH_REFUSED_BUSY; i++)
        if (ts_slice_equal(word, ts_slice_text(refusals[i])))
            return (enum batch_refusal)i;
    return BATCH_REFUSED_FORMAT;
}

static void *need(void *made) {
    if (!made)
        abort();
    return made;
}

static ZSTD_CCtx *new_writer(int level) {
    ZSTD_CCtx *writer = need(ZSTD_createCCtx());
    size_t code =
        ZSTD_CCtx_setParameter(writer, ZSTD_c_compressionLevel, level);

    assert(!ZSTD_isError(code));
    (void)code;
    return writer;
}

static ZSTD_CCtx *plain_writer(struct batch_codec *codec) {
    if (!codec->plain)
        codec->plain = new_writer(LEVEL);
    return codec->plain;
}

static ZSTD_CCtx *trained_writer(struct batch_codec *codec) {
    size_t code;

    if (codec->trained)
        return codec->trained;
    codec->trained = new_writer(SMALL_LEVEL);
    code = ZSTD_CCtx_loadDictionary(codec->trained, codec->dictionary.data,
                                    codec->dictionary.len);
    assert(!ZSTD_isError(code));
    (void)code;
    return codec->trained;
}

void batch_codec_learn(struct batch_codec *codec, struct ts_slice dictionary) {
    struct known *known = &codec->known[codec->known_count++];

    assert(codec->known_count <= BATCH_DICTIONARIES_MAX);
    known->id = ZSTD_getDictID_fromDict(dictionary.data, dictionary.len);
    known->bytes = dictionary;
    /* Id 0 on the wire means no dictionary. */
    assert(known->id != 0);
}

struct batch_codec *batch_codec_new(struct ts_slice dictionary) {
    struct batch_codec *codec = ts_alloc(sizeof *codec);

    *codec = (struct batch_codec){.dictionary = dictionary};
    if (dictionary.len) {
        codec->id = ZSTD_getDictID_fromDict(dictionary.data, dictionary.len);
        batch_codec_learn(codec, dictionary);
    }
    return codec;
}

struct batch_codec *batch_codec_shipped(void) {
    struct batch_codec *codec = batch_codec_new(batch_dictionary_32770);

    batch_codec_learn(codec, batch_dictionary_32769);
    return codec;
}

void batch_codec_rest(struct batch_codec *codec) {
    ZSTD_freeCCtx(codec->plain);
    ZSTD_freeCCtx(codec->trained);
    ZSTD_freeDCtx(codec->reader);
    codec->plain = codec->trained = NULL;
    codec->reader = NULL;
    for (size_t i = 0; i < codec->known_count; i++) {
        ZSTD_freeDDict(codec->known[i].reader);
        codec->known[i].reader = NULL;
    }
}

void batch_codec_free(struct batch_codec *codec) {
    if (!codec)
        return;
    batch_codec_rest(codec);
    free(codec);
}

uint32_t batch_codec_dictionary(const struct batch_codec *codec) {
    return codec->id;
}

size_t batch_codec_dictionaries(const struct batch_codec *codec,
                                uint32_t ids[BATCH_DICTIONARIES_MAX]) {
    for (size_t i = 0; i < codec->known_count; i++)
        ids[i] = codec->known[i].id;
    return codec->known_count;
}

static struct known *find_known(struct batch_codec *codec, uint32_t id) {
    for (size_t i = 0; id && i < codec->known_count; i++)
        if (codec->known[i].id == id)
            return &codec->known[i];
    return NULL;
}

/* NULL for a frame without a dictionary. */
static const ZSTD_DDict *reader_of(struct batch_codec *codec, uint32_t id) {
    struct known *known = find_known(codec, id);

    if (known && !known->reader)
        known->reader =
            need(ZSTD_createDDict(known->bytes.data, known->bytes.len));
    return known ? known->reader : NULL;
}

void batch_init(struct batch *batch) {
    ts_buf_init(&batch->json, BATCH_MAX_BYTES);
    batch->events = 0;
}

void batch_fini(struct batch *batch) { ts_buf_fini(&batch->json); }

void batch_clear(struct batch *batch) {
    ts_buf_clear(&batch->json);
    batch->events = 0;
}

/* The array is kept open; batch_finish closes it, so one byte stays free. */
enum ts_status batch_add(struct batch *batch, struct ts_slice event) {
    size_t start = batch->json.len;

    if (batch->events == BATCH_MAX_EVENTS || event.len > EVENT_MAX_BYTES ||
        start + 1 + event.len + 1 > BATCH_MAX_BYTES)
        return TS_FULL;
    if (ts_buf_add_text(&batch->json, batch->events ? "," : "[") != TS_OK ||
        ts_buf_add(&batch->json, event) != TS_OK) {
        batch->json.len = start;
        return TS_FULL;
    }
    batch->events++;
    return TS_OK;
}

/* Appends one zstd frame to `out`; false when it would not be smaller. */
static bool pack(struct batch_codec *codec, bool use_dictionary,
                 struct ts_slice json, struct ts_buf *out) {
    bool trained = use_dictionary && codec->id && json.len <= SMALL_BYTES;
    ZSTD_CCtx *writer = trained ? trained_writer(codec) : plain_writer(codec);
    size_t room = ZSTD_compressBound(json.len);
    uint8_t *frame = ts_alloc(room);
    size_t size = ZSTD_compress2(writer, frame, room, json.data, json.len);
    bool packed = !ZSTD_isError(size) && size < json.len &&
                  ts_buf_add(out, ts_slice_of(frame, size)) == TS_OK;

    free(frame);
    return packed;
}

enum ts_status batch_finish(struct batch *batch, struct batch_codec *codec,
                            bool use_dictionary, size_t max_publish,
                            struct ts_buf *out) {
    size_t start = out->len;
    size_t open = batch->json.len;
    enum ts_status status = TS_OK;

    assert(batch->events > 0);
    status = ts_buf_add_text(&batch->json, "]");
    if (status == TS_OK &&
        !pack(codec, use_dictionary, ts_buf_slice(&batch->json), out))
        status = ts_buf_add(out, ts_buf_slice(&batch->json));
    batch->json.len = open;
    if (status == TS_OK && out->len - start <= max_publish)
        return TS_OK;
    out->len = start;
    return TS_FULL;
}

static enum batch_refusal refuse(enum batch_refusal why, struct ts_err *err,
                                 const char *text) {
    (void)ts_fail(err, TS_INVALID, "batch refused (%s): %s", refusals[why],
                  text);
    return why;
}

/* RFC 8878, section 3.1.1.1: a frame in one segment has no window of its own;
 * otherwise the window descriptor follows the frame header descriptor. */
static uint64_t frame_window(struct ts_slice frame) {
    uint64_t base;

    if (frame.len < 6 || (frame.data[4] & 0x20))
        return 0;
    base = 1ULL << (10 + (frame.data[5] >> 3));
    return base + base / 8 * (frame.data[5] & 7);
}

/* Everything that can be said before a byte is inflated. */
static enum batch_refusal check_frame(struct batch_codec *codec,
                                      struct ts_slice frame,
                                      struct ts_err *err) {
    unsigned long long size = ZSTD_getFrameContentSize(frame.data, frame.len);
    uint32_t id = ZSTD_getDictID_fromFrame(frame.data, frame.len);

    if (size == ZSTD_CONTENTSIZE_ERROR)
        return refuse(BATCH_REFUSED_FORMAT, err, "broken zstd frame header");
    if (size == ZSTD_CONTENTSIZE_UNKNOWN)
        return refuse(BATCH_REFUSED_FORMAT, err,
                      "the zstd frame must state its content size");
    if (size > BATCH_MAX_BYTES || frame_window(frame) > BATCH_MAX_BYTES)
        return refuse(BATCH_REFUSED_SIZE, err,
                      "more than 1 MiB before compression");
    if (id != 0 && !find_known(codec, id))
        return refuse(BATCH_REFUSED_DICTIONARY, err,
                      "the dictionary is not held here; send without one");
    if (ZSTD_findFrameCompressedSize(frame.data, frame.len) != frame.len)
        return refuse(BATCH_REFUSED_FORMAT, err,
                      "not exactly one whole zstd frame");
    return BATCH_TAKEN;
}

static enum batch_refusal inflate_frame(struct batch_codec *codec,
                                        struct ts_slice frame,
                                        struct ts_buf *json,
                                        struct ts_err *err) {
    enum batch_refusal why = check_frame(codec, frame, err);
    size_t size;
    size_t got;

    if (why != BATCH_TAKEN)
        return why;
    size = (size_t)ZSTD_getFrameContentSize(frame.data, frame.len);
    ts_buf_clear(json);
    if (ts_buf_grow(json, size) != TS_OK)
        return refuse(BATCH_REFUSED_SIZE, err, "no room for it");
    if (!codec->reader)
        codec->reader = need(ZSTD_createDCtx());
    got = ZSTD_decompress_usingDDict(
        codec->reader, json->data, size, frame.data, frame.len,
        reader_of(codec, ZSTD_getDictID_fromFrame(frame.data, frame.len)));
    if (ZSTD_isError(got) || got != size)
        return refuse(BATCH_REFUSED_FORMAT, err, "damaged zstd frame");
    json->len = got;
    return BATCH_TAKEN;
}

/* The longest element of a valid JSON array, in bytes as they were sent. */
static size_t longest_element(struct ts_slice text) {
    size_t longest = 0;
    size_t start = 0;
    unsigned depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth == 2)
                start = i;
        } else if ((c == ']' || c == '}') && depth-- == 2 &&
                   i + 1 - start > longest) {
            longest = i + 1 - start;
        }
    }
    return longest;
}

static enum batch_refusal check_array(const json_t *array, struct ts_slice text,
                                      struct ts_err *err) {
    size_t index;
    const json_t *event;

    if (!json_is_array(array) || json_array_size(array) == 0)
        return refuse(BATCH_REFUSED_FORMAT, err,
                      "must be a JSON array of at least one event");
    if (json_array_size(array) > BATCH_MAX_EVENTS)
        return refuse(BATCH_REFUSED_SIZE, err, "more than 1,000 events");
    json_array_foreach(array, index, event) {
        if (!json_is_object(event))
            return refuse(BATCH_REFUSED_FORMAT, err,
                          "every element must be a JSON object");
    }
    if (text.len > EVENT_MAX_BYTES && longest_element(text) > EVENT_MAX_BYTES)
        return refuse(BATCH_REFUSED_SIZE, err, "an event is over 32 KiB");
    return BATCH_TAKEN;
}

enum batch_refusal batch_events(struct ts_slice text, json_t **events,
                                struct ts_err *err) {
    json_t *array = NULL;
    enum batch_refusal why;

    if (text.len > BATCH_MAX_BYTES)
        return refuse(BATCH_REFUSED_SIZE, err, "more than 1 MiB of JSON");
    if (ts_json_parse(&array, text, err) != TS_OK) {
        if (err)
            (void)ts_wrap(err, "batch refused (format)");
        return BATCH_REFUSED_FORMAT;
    }
    why = check_array(array, text, err);
    if (why == BATCH_TAKEN)
        *events = json_incref(array);
    json_decref(array);
    return why;
}

enum batch_refusal batch_text(struct batch_codec *codec,
                              struct ts_slice payload, struct ts_buf *room,
                              struct ts_slice *text, struct ts_err *err) {
    static const uint8_t magic[] = {0x28, 0xb5, 0x2f, 0xfd};
    enum batch_refusal why;

    *text = payload;
    if (payload.len < sizeof magic ||
        memcmp(payload.data, magic, sizeof magic) != 0)
        return BATCH_TAKEN;
    why = inflate_frame(codec, payload, room, err);
    *text = ts_buf_slice(room);
    return why;
}

enum batch_refusal batch_decode(struct batch_codec *codec,
                                struct ts_slice payload, json_t **events,
                                struct ts_err *err) {
    struct ts_buf room = {0};
    struct ts_slice text;
    enum batch_refusal why = batch_text(codec, payload, &room, &text, err);

    if (why == BATCH_TAKEN)
        why = batch_events(text, events, err);
    ts_buf_fini(&room);
    return why;
}
