/* tessera-train-dictionary train <file> [seed]
 * tessera-train-dictionary measure <file> [seed]
 * Makes the batch dictionary from made-up events, or measures one. */
#include "sync/batch.h"
#include "tools/event_samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zdict.h>

enum {
    DICTIONARY_BYTES = 4096,
    DICTIONARY_ID = 32770, /* ids from 32768 to 2^31 - 1 are private */
    COMPANIES = 100,
    LANES = 400,
    EVENTS_A_LANE = 60,
    LEVEL = 1
};

static int fail(const char *what) {
    (void)fprintf(stderr, "%s\n", what);
    return 1;
}

static void draw_samples(uint64_t seed, struct ts_buf *samples, size_t *sizes) {
    for (size_t lane = 0; lane < LANES; lane++) {
        struct event_sampler *sampler = event_sampler_new(
            seed + lane % COMPANIES * 1000 + lane / COMPANIES);
        for (size_t i = 0; i < EVENTS_A_LANE; i++) {
            size_t before = samples->len;
            event_sampler_next(sampler, samples);
            sizes[lane * EVENTS_A_LANE + i] = samples->len - before;
        }
        event_sampler_free(sampler);
    }
}

static int write_file(const char *path, const uint8_t *bytes, size_t len) {
    FILE *file = fopen(path, "wb");

    if (!file)
        return fail("cannot write the dictionary; check the path");
    if (fwrite(bytes, 1, len, file) != len) {
        (void)fclose(file);
        return fail("the disk did not take the dictionary");
    }
    return fclose(file) ? fail("the disk did not take the dictionary") : 0;
}

static int train(const char *path, uint64_t seed) {
    ZDICT_params_t params = {.compressionLevel = LEVEL,
                             .dictID = DICTIONARY_ID};
    size_t *sizes = ts_alloc(sizeof *sizes * LANES * EVENTS_A_LANE);
    uint8_t raw[DICTIONARY_BYTES];
    uint8_t dictionary[DICTIONARY_BYTES];
    struct ts_buf samples = {0};
    size_t len;

    draw_samples(seed, &samples, sizes);
    len = ZDICT_trainFromBuffer(raw, sizeof raw, samples.data, sizes,
                                LANES * EVENTS_A_LANE);
    if (!ZDICT_isError(len))
        len = ZDICT_finalizeDictionary(dictionary, sizeof dictionary, raw, len,
                                       samples.data, sizes,
                                       LANES * EVENTS_A_LANE, params);
    free(sizes);
    ts_buf_fini(&samples);
    if (ZDICT_isError(len))
        return fail(ZDICT_getErrorName(len));
    return write_file(path, dictionary, len);
}

struct totals {
    size_t events, plain, trained, untrained;
    double seconds; /* of the CPU, as it is sent */
};

static double cpu_seconds(void) {
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void measure_batch(struct totals *totals, struct batch_codec *codec,
                          struct event_sampler *sampler, size_t events) {
    struct batch batch;
    struct ts_buf event = {0};
    struct ts_buf out = {0};
    double begin;

    batch_init(&batch);
    for (size_t i = 0; i < events; i++) {
        ts_buf_clear(&event);
        event_sampler_next(sampler, &event);
        if (batch_add(&batch, ts_buf_slice(&event)) != TS_OK)
            abort();
    }
    totals->events += events;
    totals->plain += batch.json.len + 1;
    begin = cpu_seconds();
    if (batch_finish(&batch, codec, true, BATCH_MAX_BYTES, &out) != TS_OK)
        abort();
    totals->seconds += cpu_seconds() - begin;
    totals->trained += out.len;
    ts_buf_clear(&out);
    if (batch_finish(&batch, codec, false, BATCH_MAX_BYTES, &out) != TS_OK)
        abort();
    totals->untrained += out.len;
    ts_buf_fini(&event);
    ts_buf_fini(&out);
    batch_fini(&batch);
}

static int measure(const char *path, uint64_t seed) {
    static const size_t counts[] = {1, 10, 100, 1000};
    struct ts_buf dictionary = {0};
    struct batch_codec *codec;
    struct ts_err err;

    if (ts_file_read(&dictionary, path, 1 << 20, &err) != TS_OK)
        return fail(err.text);
    codec = batch_codec_new(ts_buf_slice(&dictionary));
    (void)printf("dictionary %u, %zu bytes; bytes per event\n"
                 "events  plain   zstd  as it is sent    us an event\n",
                 batch_codec_dictionary(codec), dictionary.len);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        struct totals totals = {0};
        for (uint64_t lane = 0; totals.events < 20000; lane++) {
            struct event_sampler *sampler = event_sampler_new(seed + lane);
            for (size_t left = 1000; left >= counts[c]; left -= counts[c])
                measure_batch(&totals, codec, sampler, counts[c]);
            event_sampler_free(sampler);
        }
        (void)printf("%6zu  %5.0f  %5.1f  %15.1f  %11.2f\n", counts[c],
                     (double)totals.plain / (double)totals.events,
                     (double)totals.untrained / (double)totals.events,
                     (double)totals.trained / (double)totals.events,
                     totals.seconds * 1e6 / (double)totals.events);
    }
    batch_codec_free(codec);
    ts_buf_fini(&dictionary);
    return 0;
}

int main(int argc, char **argv) {
    bool training = argc >= 3 && strcmp(argv[1], "train") == 0;

    if (argc < 3 || (!training && strcmp(argv[1], "measure") != 0))
        return fail("usage: tessera-train-dictionary train|measure <file> "
                    "[seed]");
    if (training)
        return train(argv[2], argc > 3 ? strtoull(argv[3], NULL, 10) : 1);
    return measure(argv[2], argc > 3 ? strtoull(argv[3], NULL, 10) : 90001);
}
