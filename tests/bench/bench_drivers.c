/* Bytes a second through the drivers of barcode readers, on one core, beside
 * one look at each byte. Prints one JSON object. */
#include "drivers/ssi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SCANS = 2000, ROUNDS = 200, READ_BYTES = 1024 };

struct bench {
    const struct driver *driver;
    void *state;
    struct driver_sink sink;
    size_t scans;
};

/* As the agent does, with the commit left out. */
static void on_scan(void *ctx, const struct scan *scan) {
    struct bench *bench = ctx;

    bench->scans += scan->text.len > 0;
    bench->driver->confirm(bench->state, TONE_NONE, &bench->sink);
}

static void on_reject(void *ctx, enum scan_error error, const char *hint) {
    (void)ctx;
    (void)fprintf(stderr, "rejected: %s %s\n", scan_error_name(error), hint);
    exit(1);
}

static void on_notice(void *ctx, const struct notice *notice) {
    (void)ctx;
    (void)notice;
}

static void on_send(void *ctx, struct ts_slice bytes) {
    (void)ctx;
    (void)bytes;
}

static double seconds(void) {
    struct timespec at;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void add(struct ts_buf *out, const void *data, size_t len) {
    if (ts_buf_add(out, ts_slice_of(data, len)) != TS_OK)
        abort();
}

static void line_scan(struct ts_buf *out, const char *digits) {
    add(out, digits, strlen(digits));
    add(out, "\r\n", 2);
}

static void ssi_scan(struct ts_buf *out, const char *digits) {
    uint8_t data[32] = {0x0b};
    uint8_t bytes[SSI_PACKET_MAX];
    struct ts_slice text = ts_slice_text(digits);

    memcpy(data + 1, text.data, text.len);
    struct ssi_packet packet = {SSI_DECODE_DATA, SSI_DECODER, 0,
                                ts_slice_of(data, text.len + 1)};
    add(out, bytes, ssi_encode(bytes, &packet));
}

static void dechdr_scan(struct ts_buf *out, const char *digits) {
    char frame[64];
    size_t len = strlen(digits) + 1;

    (void)snprintf(frame, sizeof frame,
                   "\x16\xfe%c%c%c%c\rMSGGET%04zudE0\x1d%s\r", (int)(len + 14),
                   1, 1, 1, len, digits);
    memset(frame + 3, 0, 3);
    add(out, frame, 21 + len);
}

struct part {
    const char *driver, *profile;
    void (*scan)(struct ts_buf *out, const char *digits);
};

static void feed_all(struct bench *bench, struct ts_slice bytes,
                     struct ts_mono now) {
    while (bytes.len) {
        size_t len = bytes.len < READ_BYTES ? bytes.len : READ_BYTES;
        bench->driver->feed(bench->state, ts_slice_of(bytes.data, len), now,
                            &bench->sink);
        bytes = ts_slice_of(bytes.data + len, bytes.len - len);
    }
}

static double through_driver(const struct part *part, struct ts_slice bytes) {
    struct bench bench = {.driver = driver_find(part->driver)};

    bench.sink =
        (struct driver_sink){&bench, on_scan, on_reject, on_notice, on_send};
    bench.state = ts_alloc(bench.driver->state_size);
    memset(bench.state, 0, bench.driver->state_size);
    bench.driver->open(bench.state,
                       driver_profile_find(bench.driver, part->profile),
                       &bench.sink);
    double began = seconds();
    for (int64_t round = 0; round < ROUNDS; round++)
        feed_all(&bench, bytes, (struct ts_mono){round});
    double took = seconds() - began;
    if (bench.scans != (size_t)SCANS * ROUNDS)
        abort();
    free(bench.state);
    return took;
}

static double raw(struct ts_slice bytes) {
    volatile uint8_t sum = 0;
    double began = seconds();

    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < bytes.len; i++)
            sum = (uint8_t)(sum + bytes.data[i]);
    return seconds() - began;
}

static void part_run(const struct part *part, bool last) {
    struct ts_buf bytes;

    ts_buf_init(&bytes, 0);
    for (unsigned i = 0; i < SCANS; i++) {
        char digits[16];
        (void)snprintf(digits, sizeof digits, "952%010u", i);
        part->scan(&bytes, digits);
    }
    double all = (double)bytes.len * ROUNDS;
    double ours = through_driver(part, ts_buf_slice(&bytes));
    printf("\"%s\":{\"bytes_per_second\":%.0f,\"scans_per_second\":%.0f,"
           "\"raw_bytes_per_second\":%.0f}%s",
           part->driver, all / ours, (double)SCANS * ROUNDS / ours,
           all / raw(ts_buf_slice(&bytes)), last ? "" : ",");
    ts_buf_fini(&bytes);
}

int main(void) {
    static const struct part parts[] = {{"line", "generic", line_scan},
                                        {"ssi", "as-is", ssi_scan},
                                        {"dechdr", "as-is", dechdr_scan}};
    size_t count = sizeof parts / sizeof parts[0];

    printf("{");
    for (size_t i = 0; i < count; i++)
        part_run(&parts[i], i + 1 == count);
    printf("}\n");
    return 0;
}
