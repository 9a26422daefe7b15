/* What a wait for company costs and saves: scans come by lot at a mean rate,
 * each is answered when it is durable.
 *
 *   bench_journal FOLDER SECONDS RATE GROUP_MS...
 *
 * Prints one line for each GROUP_MS: events, bytes and syncs an event as the
 * journal counts them, and the wait of a scan in microseconds, p50 and p99. */
#include "agent/recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_MAX = 100000 };

struct bench {
    struct event_base *loop;
    struct journal *journal;
    struct recorder *recorder;
    struct timekeeper keeper;
    struct event *next;
    double rate;
    uint64_t random;
    int64_t end_us;
    int64_t *began, *took;
    size_t count, answered;
};

static int64_t now_us(void) {
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static void on_done(void *arg, enum ts_status status) {
    struct bench *b = arg;

    if (status != TS_OK)
        exit(1);
    b->took[b->answered] = now_us() - b->began[b->answered];
    b->answered++; /* answers come in order */
    if (b->answered == b->count && now_us() > b->end_us)
        (void)event_base_loopbreak(b->loop);
}

/* Between half and one and a half of the mean. */
static void arm(struct bench *b) {
    long us;
    struct timeval wait;

    b->random = b->random * 6364136223846793005ULL + 1442695040888963407ULL;
    us = (long)(1e6 / b->rate * (0.5 + (double)(b->random >> 40) / (1 << 24)));
    wait = (struct timeval){us / 1000000, us % 1000000};
    (void)evtimer_add(b->next, &wait);
}

static void on_next(evutil_socket_t fd, short what, void *arg) {
    struct bench *b = arg;
    struct recorder_place place;
    struct recorder_event event = {
        .class = JOURNAL_ITEM,
        .type = "item.scanned",
        .visit = "0192f3c4-0000-7000-8000-000000000001",
        .data =
            json_pack("{s:s,s:s,s:s,s:i}", "reader", "scanner", "gtin",
                      "09521234500018", "symbology", "EAN-13", "quantity", 1),
        .done = on_done,
        .arg = b};

    (void)fd;
    (void)what;
    if (now_us() > b->end_us || b->count == EVENTS_MAX) {
        if (b->answered == b->count)
            (void)event_base_loopbreak(b->loop);
        return;
    }
    b->began[b->count++] = now_us();
    if (recorder_append(b->recorder, &event, &place, NULL) != TS_OK)
        exit(1);
    arm(b);
}

static int by_value(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

static void report(struct bench *b, unsigned group_ms) {
    struct journal_stats stats;

    if (!b->answered || journal_get_stats(b->journal, &stats, NULL) != TS_OK)
        exit(1);
    qsort(b->took, b->answered, sizeof *b->took, by_value);
    printf("group_ms %u: %zu events, %.0f bytes and %.2f syncs an event, "
           "p50 %lld us, p99 %lld us\n",
           group_ms, b->answered,
           (double)stats.disk_bytes / (double)b->answered,
           (double)stats.disk_syncs / (double)b->answered,
           (long long)b->took[b->answered / 2],
           (long long)b->took[b->answered * 99 / 100]);
}

static void run(const char *folder, int seconds, double rate,
                unsigned group_ms) {
    char path[256];
    struct bench b = {.rate = rate, .random = group_ms + 1};
    struct journal_report told;
    struct journal_options options = {
        .path = path,
        .max_bytes = 512 << 20,
        .keep_bytes = 64 << 20,
        .keep_ms = 7 * 86400000LL,
        .origin = {"milano-01", "milano-01-lane-3", "5d1e88c2"},
        .clock = ts_clock_system()};
    struct recorder_options recorder = {.report = &told,
                                        .keeper = &b.keeper,
                                        .version = "bench",
                                        .group_ms = group_ms};
    struct ts_err err;

    (void)snprintf(path, sizeof path, "%s/journal-%u.db", folder, group_ms);
    timekeeper_init(&b.keeper, options.clock);
    b.loop = event_base_new();
    b.began = ts_alloc(EVENTS_MAX * sizeof *b.began);
    b.took = ts_alloc(EVENTS_MAX * sizeof *b.took);
    if (journal_open(&b.journal, &options, &told, &err) != TS_OK) {
        (void)fprintf(stderr, "bench_journal: %s\n", err.text);
        exit(1);
    }
    recorder.journal = b.journal;
    b.recorder = recorder_new(b.loop, &recorder);
    b.next = evtimer_new(b.loop, on_next, &b);
    b.end_us = now_us() + (int64_t)seconds * 1000000;
    arm(&b);
    (void)event_base_dispatch(b.loop);
    report(&b, group_ms);
    recorder_free(b.recorder);
    journal_close(b.journal);
    event_free(b.next);
    event_base_free(b.loop);
    free(b.began);
    free(b.took);
    (void)unlink(path);
}

int main(int argc, char **argv) {
    if (argc < 5) {
        (void)fprintf(stderr,
                      "usage: bench_journal FOLDER SECONDS RATE GROUP_MS...\n");
        return 2;
    }
    for (int i = 4; i < argc; i++)
        run(argv[1], (int)strtol(argv[2], NULL, 10), strtod(argv[3], NULL),
            (unsigned)strtoul(argv[i], NULL, 10));
    return 0;
}
