/* Durable commit to the first byte of the signal at the reader.
 *
 *   bench_tone --folder FOLDER --count N
 *
 * The agent's journal, recorder, lane and reader (line/bel) in one process,
 * a device on a pty in another; the journal is in FOLDER. Prints one JSON
 * object: microseconds, p50, p99 and the longest. */
#include "agent/reader.h"

#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { DEADLINE_MS = 20000, PATH_TEXT = 200 };

struct bench {
    const char *folder;
    size_t count;
    char port[PATH_TEXT];
    int device;                 /* pty master */
    _Atomic int64_t *commit_us; /* shared with the device */
    struct event_base *loop;
};

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int64_t now_us(void) {
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static void open_device(struct bench *b) {
    struct termios raw;
    int slave;

    b->device = posix_openpt(O_RDWR | O_NOCTTY);
    if (b->device < 0 || grantpt(b->device) || unlockpt(b->device))
        die("pty");
    slave = open(ptsname(b->device), O_RDWR | O_NOCTTY);
    if (slave < 0 || tcgetattr(slave, &raw))
        die("pty");
    cfmakeraw(&raw);
    if (tcsetattr(slave, TCSANOW, &raw))
        die("pty");
    (void)snprintf(b->port, sizeof b->port, "%s", ptsname(b->device));
}

/* EAN-13 of the demonstration range, never the same twice. */
static void make_code(char out[16], size_t n) {
    unsigned sum = 0;

    (void)snprintf(out, 16, "952%09zu", n % 1000000000);
    for (int i = 0; i < 12; i++)
        sum += (unsigned)(out[i] - '0') * (i % 2 ? 3 : 1);
    out[12] = (char)('0' + (10 - sum % 10) % 10);
    out[13] = '\r';
    out[14] = 0;
}

static int by_value(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

static void play_device(struct bench *b) {
    int64_t *spans = ts_alloc(b->count * sizeof *spans);

    for (size_t i = 0; i < b->count; i++) {
        struct pollfd wait = {.fd = b->device, .events = POLLIN};
        char code[16];
        char heard[16];
        int64_t at;

        make_code(code, i);
        if (write(b->device, code, strlen(code)) < 0)
            die("scan");
        if (poll(&wait, 1, DEADLINE_MS) <= 0)
            die("no signal");
        at = now_us();
        if (read(b->device, heard, sizeof heard) < 1)
            die("no signal");
        spans[i] = at - atomic_load(b->commit_us);
    }
    qsort(spans, b->count, sizeof *spans, by_value);
    printf("{\"count\":%zu,\"p50\":%lld,\"p99\":%lld,\"max\":%lld}\n", b->count,
           (long long)spans[b->count / 2],
           (long long)spans[b->count * 99 / 100],
           (long long)spans[b->count - 1]);
    (void)fflush(stdout);
    free(spans);
}

/* Told as soon as the journal's commit has returned, before the answers. */
static void on_recorded(void *arg, const char *journal, uint64_t sequence,
                        const char *type) {
    const struct bench *b = arg;

    (void)journal;
    (void)sequence;
    (void)type;
    atomic_store(b->commit_us, now_us());
}

static void on_child(evutil_socket_t signal, short what, void *arg) {
    const struct bench *b = arg;

    (void)signal;
    (void)what;
    (void)event_base_loopbreak(b->loop);
}

struct parts {
    struct timekeeper keeper;
    struct ts_keys *keys;
    struct journal *journal;
    struct journal_report report;
    struct recorder *recorder;
    struct lane *lane;
    struct reader *reader;
};

static void open_parts(struct parts *parts, const struct bench *b) {
    char path[PATH_TEXT + 16];
    uint8_t key[TS_KEY_BYTES] = {1};
    struct journal_options journal = {
        .path = path,
        .max_bytes = 512 << 20,
        .keep_bytes = 64 << 20,
        .keep_ms = 86400000,
        .origin = {"bench-01", "bench-lane-1", "5d1e88c2"},
        .clock = ts_clock_system()};
    struct recorder_options recorder = {
        .report = &parts->report, .keeper = &parts->keeper, .version = "bench"};
    struct ts_err err = {0};

    (void)snprintf(path, sizeof path, "%s/journal.db", b->folder);
    timekeeper_init(&parts->keeper, ts_clock_system());
    parts->keys = ts_keys_new(1, key);
    if (journal_open(&parts->journal, &journal, &parts->report, &err) !=
        TS_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    recorder.journal = parts->journal;
    parts->recorder = recorder_new(b->loop, &recorder);
}

static void open_lane(struct parts *parts, struct bench *b) {
    struct lane_options lane = {.store = "bench-01",
                                .terminal = "bench-lane-1",
                                .language = "it",
                                .currency = "EUR",
                                .journal = parts->journal,
                                .recorder = parts->recorder,
                                .keeper = &parts->keeper,
                                .keys = parts->keys};
    struct reader_options reader = {.name = "scanner",
                                    .port = b->port,
                                    .driver = "line",
                                    .profile = "bel",
                                    .line = {9600, 8, 'N', 1, false},
                                    .clock = ts_clock_system()};
    struct ts_err err = {0};

    for (int i = 0; i < OUTCOMES; i++)
        reader.tones[i] = driver_tone_default((enum scan_outcome)i);
    if (lane_new(&parts->lane, b->loop, &lane, &err) != TS_OK)
        exit(1);
    lane_on_recorded(parts->lane, on_recorded, b);
    reader.lane = parts->lane;
    if (reader_new(&parts->reader, b->loop, &reader, &err) != TS_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
}

static void close_parts(struct parts *parts) {
    recorder_flush(parts->recorder);
    reader_free(parts->reader);
    recorder_free(parts->recorder);
    lane_free(parts->lane);
    journal_close(parts->journal);
    ts_keys_free(parts->keys);
}

static int run(struct bench *b) {
    struct parts parts = {.journal = NULL};
    struct event *ended;
    pid_t child;
    int how = 1;

    b->loop = event_base_new();
    ended = evsignal_new(b->loop, SIGCHLD, on_child, b);
    (void)event_add(ended, NULL);
    open_parts(&parts, b);
    open_lane(&parts, b);
    child = fork();
    if (child < 0)
        die("fork");
    if (!child) {
        play_device(b);
        _exit(0);
    }
    (void)event_base_dispatch(b->loop);
    (void)waitpid(child, &how, 0);
    close_parts(&parts);
    event_free(ended);
    event_base_free(b->loop);
    return how ? 1 : 0;
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"folder", required_argument, NULL, 'f'},
        {"count", required_argument, NULL, 'n'},
        {NULL, 0, NULL, 0}};
    struct bench b = {.count = 0};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == 'f')
            b.folder = optarg;
        else if (option == 'n')
            b.count = strtoul(optarg, NULL, 10);
        else
            return 2;
    }
    if (!b.folder || !b.count) {
        (void)fprintf(stderr, "usage: bench_tone --folder FOLDER --count N\n");
        return 2;
    }
    b.commit_us = mmap(NULL, sizeof *b.commit_us, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (b.commit_us == MAP_FAILED)
        die("mmap");
    open_device(&b);
    return run(&b);
}
