#include "tools/cmd_simulate.h"
#include "tools/commands.h"
#include "tools/simulation.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: tessera simulate [reader] [options] CAPTURE\n"
    "       tessera simulate [reader] [options] --from-stdin\n"
    "\n"
    "Plays a reader on a pseudo-terminal: an agent or any serial program can\n"
    "open it. Ends with one line of JSON that counts what went both ways.\n"
    "\n"
    "  --link PATH    make PATH a symbolic link to the pseudo-terminal\n"
    "  --from-stdin   play each line of standard input as soon as it comes;\n"
    "                 sends wait until a host has opened the port\n"
    "  --wait-open    send only while a host has the port open\n"
    "  --rate N       send N bytes a second (960 is 9600 baud)\n"
    "  --loop N       play the capture N times; 0: until stopped\n"
    "  --linger MS    stay so long after the last step (default: 1000)\n"
    "  --echo-host    print what the host writes, in hex: \"< 07\"\n"
    "\n"
    "Steps: \"> text\" with \\r \\n \\t \\\\ \\xHH, \". 150\" waits 150 ms,\n"
    "\"! unplug\", \"! plug\", \"# comment\".\n";

static volatile int stop_asked;

static void on_signal(int number) {
    (void)number;
    stop_asked = 1;
}

struct simulate {
    struct simulation_options how;
    const char *capture;
    bool from_stdin;
    unsigned loops;
    unsigned linger_ms;
};

enum { GO_ON = -1, LINE_MAX_BYTES = 64 * 1024 };
enum option_code {
    OPT_LINK = 256,
    OPT_STDIN,
    OPT_WAIT,
    OPT_RATE,
    OPT_LOOP,
    OPT_LINGER,
    OPT_ECHO
};

static const struct option options[] = {
    {"link", required_argument, NULL, OPT_LINK},
    {"from-stdin", no_argument, NULL, OPT_STDIN},
    {"wait-open", no_argument, NULL, OPT_WAIT},
    {"rate", required_argument, NULL, OPT_RATE},
    {"loop", required_argument, NULL, OPT_LOOP},
    {"linger", required_argument, NULL, OPT_LINGER},
    {"echo-host", no_argument, NULL, OPT_ECHO},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int number_take(unsigned *out, const char *option) {
    char *end;
    unsigned long number = strtoul(optarg, &end, 10);

    if (*optarg < '0' || *optarg > '9' || *end || number > 100000000) {
        (void)fprintf(stderr,
                      "tessera simulate: --%s takes a number, not \"%s\"\n",
                      option, optarg);
        return COMMAND_USAGE;
    }
    *out = (unsigned)number;
    return GO_ON;
}

static int option_take(struct simulate *simulate, int option) {
    switch (option) {
    case OPT_LINK:
        simulate->how.link = optarg;
        return GO_ON;
    case OPT_STDIN:
        simulate->from_stdin = true;
        simulate->how.wait_host = true;
        return GO_ON;
    case OPT_WAIT:
        simulate->how.wait_host = true;
        return GO_ON;
    case OPT_RATE:
        return number_take(&simulate->how.rate, "rate");
    case OPT_LOOP:
        return number_take(&simulate->loops, "loop");
    case OPT_LINGER:
        return number_take(&simulate->linger_ms, "linger");
    case OPT_ECHO:
        simulate->how.echo = stdout;
        return GO_ON;
    case 'h':
        fputs(usage, stdout);
        return COMMAND_OK;
    default:
        fputs("See `tessera simulate reader --help`.\n", stderr);
        return COMMAND_USAGE;
    }
}

static int arguments_read(struct simulate *simulate, int argc, char **argv) {
    int option;

    *simulate = (struct simulate){
        .how.stop = &stop_asked, .loops = 1, .linger_ms = 1000};
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        int code = option_take(simulate, option);
        if (code != GO_ON)
            return code;
    }
    if (argc - optind != (simulate->from_stdin ? 0 : 1)) {
        fputs("tessera simulate: give one CAPTURE, or --from-stdin\n", stderr);
        return COMMAND_USAGE;
    }
    simulate->capture = argv[optind];
    return GO_ON;
}

static enum ts_status play_file(struct simulation *simulation,
                                const struct simulate *simulate,
                                struct ts_err *err) {
    struct capture capture;
    enum ts_status status = capture_load(&capture, simulate->capture, err);

    if (status != TS_OK)
        return status;
    for (unsigned round = 0; status == TS_OK && !stop_asked &&
                             (simulate->loops == 0 || round < simulate->loops);
         round++) {
        for (size_t i = 0; i < capture.count && status == TS_OK; i++)
            status = simulation_play(simulation, &capture.steps[i], err);
    }
    capture_fini(&capture);
    return status;
}

/* A wrong line is told and skipped: the person at the keyboard goes on. */
static enum ts_status line_play(struct simulation *simulation,
                                struct ts_slice line, struct ts_err *err) {
    struct capture_step step;

    if (capture_parse_line(&step, line, err) != TS_OK) {
        (void)fprintf(stderr, "tessera simulate: %s\n", err->text);
        return TS_OK;
    }
    enum ts_status status = simulation_play(simulation, &step, err);
    ts_buf_fini(&step.bytes);
    return status;
}

static enum ts_status lines_play(struct simulation *simulation,
                                 struct ts_buf *pending, struct ts_err *err) {
    const uint8_t *end;

    while (pending->len &&
           (end = memchr(pending->data, '\n', pending->len)) != NULL) {
        size_t len = (size_t)(end - pending->data);
        enum ts_status status =
            line_play(simulation, ts_slice_of(pending->data, len), err);
        ts_buf_drop(pending, len + 1);
        if (status != TS_OK)
            return status;
    }
    return TS_OK;
}

static enum ts_status play_stdin(struct simulation *simulation,
                                 struct ts_err *err) {
    struct ts_buf pending;
    uint8_t piece[4096];
    enum ts_status status = TS_OK;

    ts_buf_init(&pending, LINE_MAX_BYTES + sizeof piece);
    while (status == TS_OK && !stop_asked) {
        if (!simulation_listen(simulation, STDIN_FILENO, 1000))
            continue;
        ssize_t len = read(STDIN_FILENO, piece, sizeof piece);
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            break;
        status = ts_buf_add(&pending, ts_slice_of(piece, (size_t)len));
        if (status != TS_OK)
            status = ts_fail(err, status, "a line is over 64 KiB; split it");
        else
            status = lines_play(simulation, &pending, err);
    }
    ts_buf_fini(&pending);
    return status;
}

static void summary_print(const struct simulation *simulation) {
    const struct simulation_counts *counts = simulation_counts(simulation);

    printf("{\"sends\":%llu,\"sent_bytes\":%llu,\"lost_bytes\":%llu,"
           "\"host_bytes\":%llu,\"host_writes\":%llu,\"unplugs\":%llu}\n",
           (unsigned long long)counts->sends,
           (unsigned long long)counts->sent_bytes,
           (unsigned long long)counts->lost_bytes,
           (unsigned long long)counts->host_bytes,
           (unsigned long long)counts->host_writes,
           (unsigned long long)counts->unplugs);
    (void)fflush(stdout);
}

static int simulate_run(const struct simulate *simulate) {
    struct simulation *simulation;
    struct ts_err err;

    if (simulation_new(&simulation, &simulate->how, &err) != TS_OK) {
        (void)fprintf(stderr, "tessera simulate: %s\n", err.text);
        return COMMAND_FAILED;
    }
    printf("{\"port\":\"%s\"}\n", simulation_path(simulation));
    (void)fflush(stdout);
    enum ts_status status = simulate->from_stdin
                                ? play_stdin(simulation, &err)
                                : play_file(simulation, simulate, &err);
    if (status == TS_OK)
        (void)simulation_listen(simulation, -1, simulate->linger_ms);
    else
        (void)fprintf(stderr, "tessera simulate: %s\n", err.text);
    summary_print(simulation);
    simulation_free(simulation);
    return status == TS_OK ? COMMAND_OK : COMMAND_FAILED;
}

int cmd_simulate_reader(int argc, char **argv) {
    struct simulate simulate;
    struct sigaction action = {.sa_handler = on_signal};
    int code = arguments_read(&simulate, argc, argv);

    if (code != GO_ON)
        return code;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    return simulate_run(&simulate);
}
