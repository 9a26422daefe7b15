/* Events a second that the hub takes, from the packed batch to the commit.
 *
 *   bench_take --database URL [--events N] [--batch N]
 *
 * The database must be new. Every batch is one commit, as on the wire. Prints
 * one JSON object with the rate of new events and that of the same events
 * sent again. */
#include "hub/intake.h"
#include "hub/registry.h"
#include "sync/batch.h"
#include "sync/event.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char journal[] = "9f2c6a1be07d4455";

struct bench {
    const char *url;
    uint64_t events;
    uint64_t batch;
    struct db *db;
    struct lease lease;
    struct ts_metrics *metrics;
    struct intake *intake;
    struct batch_codec *codec;
    struct topic topic;
};

static void must(enum ts_status status, const struct ts_err *err) {
    if (status == TS_OK)
        return;
    (void)fprintf(stderr, "bench_take: %s\n", err->text);
    exit(1);
}

static double seconds(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void bench_open(struct bench *bench) {
    struct intake_options options = {
        .lease = &bench->lease, .clock = ts_clock_system(), .window = 16};
    struct ts_wall now = ts_clock_wall(options.clock);
    struct ts_err err = {0};

    must(db_open(&bench->db, bench->url, &err), &err);
    must(lease_take(&bench->lease, bench->db, "hub-1", true, now, &err), &err);
    must(registry_add(bench->db, "milano-01-lane-3", "milano-01", now, &err),
         &err);
    bench->metrics = ts_metrics_new();
    intake_declare(bench->metrics);
    options.db = bench->db;
    options.metrics = bench->metrics;
    bench->intake = intake_new(&options);
    bench->codec = batch_codec_shipped();
    bench->topic = (struct topic){.shard = ts_shard(ts_slice_text("milano-01")),
                                  .name = "milano-01-lane-3",
                                  .leaf = TOPIC_EVENTS};
}

static void add_event(struct batch *batch, uint64_t sequence) {
    static const struct event_origin origin = {"milano-01", "milano-01-lane-3",
                                               "5d1e88c2"};
    json_t *data = json_pack("{s:s, s:s, s:s, s:i}", "reader", "counter",
                             "gtin", "05901234123457", "symbology", "ean13",
                             "quantity", (int)(sequence % 7) + 1);
    struct event event = {.type = "item.scanned",
                          .time = {1795600000000 + (int64_t)sequence * 900},
                          .uptime = {(int64_t)sequence * 900},
                          .clock = EVENT_CLOCK_SET,
                          .visit = "0192f3c4-0000-7000-8000-000000000001",
                          .data = data};
    struct ts_buf text = {0};
    struct ts_err err = {0};

    must(event_encode(&text, &origin, journal, sequence, &event, &err), &err);
    must(batch_add(batch, ts_buf_slice(&text)), &err);
    ts_buf_fini(&text);
    json_decref(data);
}

/* All batches, packed beforehand. */
static struct ts_buf *pack(struct bench *bench, size_t *count) {
    struct ts_buf *out;
    struct batch batch;

    *count = (size_t)(bench->events / bench->batch);
    out = ts_alloc(*count * sizeof *out);
    memset(out, 0, *count * sizeof *out);
    batch_init(&batch);
    for (size_t i = 0; i < *count; i++) {
        struct ts_err err = {.text = "the batch is over the limits"};
        batch_clear(&batch);
        for (uint64_t j = 1; j <= bench->batch; j++)
            add_event(&batch, i * bench->batch + j);
        must(batch_finish(&batch, bench->codec, true, BATCH_MAX_PUBLISH,
                          &out[i]),
             &err);
    }
    batch_fini(&batch);
    return out;
}

static double take_all(struct bench *bench, const struct ts_buf *batches,
                       size_t count) {
    double start = seconds();

    for (size_t i = 0; i < count; i++) {
        struct intake_reply reply;
        struct ts_err err = {0};
        must(intake_message(bench->intake, &bench->topic,
                            ts_buf_slice(&batches[i]), false, &reply, &err),
             &err);
        intake_reply_fini(&reply);
    }
    return (double)(count * bench->batch) / (seconds() - start);
}

static void bench_close(struct bench *bench) {
    intake_free(bench->intake);
    ts_metrics_free(bench->metrics);
    batch_codec_free(bench->codec);
    db_close(bench->db);
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"database", required_argument, NULL, 'd'},
        {"events", required_argument, NULL, 'e'},
        {"batch", required_argument, NULL, 'b'},
        {NULL, 0, NULL, 0},
    };
    struct bench bench = {.events = 50000, .batch = 500};
    struct ts_buf *batches;
    size_t count;
    double fresh, again;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'd')
            bench.url = optarg;
        else if (option == 'e')
            bench.events = strtoull(optarg, NULL, 10);
        else if (option == 'b')
            bench.batch = strtoull(optarg, NULL, 10);
    }
    if (!bench.url || !bench.batch || bench.batch > BATCH_MAX_EVENTS ||
        bench.events < bench.batch) {
        (void)fprintf(stderr, "usage: bench_take --database URL [--events N] "
                              "[--batch N]\n");
        return 2;
    }
    bench_open(&bench);
    batches = pack(&bench, &count);
    fresh = take_all(&bench, batches, count);
    again = take_all(&bench, batches, count);
    (void)printf("{\"batch\":%llu,\"events\":%llu,\"new_per_s\":%.0f,"
                 "\"again_per_s\":%.0f}\n",
                 (unsigned long long)bench.batch,
                 (unsigned long long)count * bench.batch, fresh, again);
    for (size_t i = 0; i < count; i++)
        ts_buf_fini(&batches[i]);
    free(batches);
    bench_close(&bench);
    return 0;
}
