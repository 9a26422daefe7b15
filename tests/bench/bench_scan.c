/* Scan to durable commit and to the page, beside the raw sync of the same disk
 * in the same run.
 *
 *   bench_scan --link PATH --port PORT --count N --file FILE
 *
 * Plays a reader on a pty that PATH points to and follows the event stream of
 * the agent on 127.0.0.1:PORT (which beeps with BEL, profile "bel"). Before
 * each scan it appends 300 bytes to FILE and syncs them. Prints one JSON
 * object: microseconds, p50 and p99, of sync, commit and page. */
#include "base/bytes.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { DEADLINE_MS = 20000, BASKET = 20 };

struct bench {
    const char *link;
    const char *file;
    uint16_t port;
    size_t count;
    int reader; /* pty master */
    int stream; /* event stream */
    int disk;
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

static void open_reader(struct bench *b) {
    struct termios raw;
    int slave;

    b->reader = posix_openpt(O_RDWR | O_NOCTTY);
    if (b->reader < 0 || grantpt(b->reader) || unlockpt(b->reader))
        die("pty");
    /* Held open, so that the pty is raw before the agent comes. */
    slave = open(ptsname(b->reader), O_RDWR | O_NOCTTY);
    if (slave < 0 || tcgetattr(slave, &raw))
        die("pty");
    cfmakeraw(&raw);
    if (tcsetattr(slave, TCSANOW, &raw))
        die("pty");
    (void)unlink(b->link);
    if (symlink(ptsname(b->reader), b->link))
        die(b->link);
}

/* Sends one request on a connection of its own, which is the answer. */
static int request(const struct bench *b, const char *head, const char *body) {
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(b->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char text[512];
    int len = snprintf(text, sizeof text,
                       "%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                       "Content-Type: application/json\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       head, b->port, strlen(body), body);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) ||
        write(fd, text, (size_t)len) != len)
        die(head);
    return fd;
}

/* Reads until `mark` has gone by; true when it did before the deadline. */
static bool wait_for(int fd, const char *mark) {
    char window[8192];
    size_t held = 0;
    size_t len = strlen(mark);

    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        ssize_t got;

        if (poll(&wait, 1, DEADLINE_MS) <= 0)
            return false;
        got = read(fd, window + held, sizeof window - held);
        if (got <= 0)
            return false;
        held += (size_t)got;
        if (memmem(window, held, mark, len))
            return true;
        if (held > len) { /* keep what may be the mark's beginning */
            memmove(window, window + held - len, len);
            held = len;
        }
    }
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

static int64_t sync_once(const struct bench *b) {
    char row[300];
    int64_t began = now_us();

    memset(row, 'x', sizeof row);
    if (write(b->disk, row, sizeof row) != sizeof row || fdatasync(b->disk))
        die(b->file);
    return now_us() - began;
}

static int by_value(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

static void report(const char *name, int64_t *values, size_t count) {
    qsort(values, count, sizeof *values, by_value);
    printf("\"%s\":{\"p50\":%lld,\"p99\":%lld}", name,
           (long long)values[count / 2], (long long)values[count * 99 / 100]);
}

/* Baskets of a usual size: the page carries the open basket. */
static void close_visit(struct bench *b) {
    int answer = request(b, "POST /api/visit/close",
                         "{\"receipt\":\"R-1\",\"total_minor\":100,"
                         "\"currency\":\"EUR\"}");

    if (!wait_for(answer, " 200 ") || !wait_for(b->stream, "visit.closed"))
        die("close");
    (void)close(answer);
}

static void measure(struct bench *b) {
    int64_t *sync = ts_alloc(b->count * sizeof *sync);
    int64_t *commit = ts_alloc(b->count * sizeof *commit);
    int64_t *page = ts_alloc(b->count * sizeof *page);

    for (size_t i = 0; i < b->count; i++) {
        char code[16];
        int64_t began;

        sync[i] = sync_once(b);
        make_code(code, i);
        began = now_us();
        if (write(b->reader, code, strlen(code)) < 0)
            die("scan");
        if (!wait_for(b->reader, "\a"))
            die("no beep");
        commit[i] = now_us() - began;
        if (!wait_for(b->stream, "item.scanned"))
            die("no event");
        page[i] = now_us() - began;
        if (i % BASKET == BASKET - 1)
            close_visit(b);
    }
    printf("{\"count\":%zu,", b->count);
    report("sync", sync, b->count);
    printf(",");
    report("commit", commit, b->count);
    printf(",");
    report("page", page, b->count);
    printf("}\n");
    free(sync);
    free(commit);
    free(page);
}

static void read_arguments(struct bench *b, int argc, char **argv) {
    static const struct option options[] = {
        {"link", required_argument, NULL, 'l'},
        {"port", required_argument, NULL, 'p'},
        {"count", required_argument, NULL, 'n'},
        {"file", required_argument, NULL, 'f'},
        {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        switch (option) {
        case 'l':
            b->link = optarg;
            break;
        case 'p':
            b->port = (uint16_t)strtoul(optarg, NULL, 10);
            break;
        case 'n':
            b->count = strtoul(optarg, NULL, 10);
            break;
        case 'f':
            b->file = optarg;
            break;
        default:
            exit(2);
        }
    }
    if (!b->link || !b->file || !b->port || !b->count) {
        (void)fprintf(stderr, "usage: bench_scan --link PATH --port PORT "
                              "--count N --file FILE\n");
        exit(2);
    }
}

int main(int argc, char **argv) {
    struct bench b = {0};

    read_arguments(&b, argc, argv);
    b.disk = open(b.file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (b.disk < 0)
        die(b.file);
    open_reader(&b);
    /* A line tells the caller that the reader is plugged in; one comes back
     * when the agent hears it. */
    printf("plugged\n");
    (void)fflush(stdout);
    (void)getchar();
    b.stream = request(&b, "GET /api/events", "");
    if (!wait_for(b.stream, "event: view"))
        die("no view");
    measure(&b);
    return 0;
}
