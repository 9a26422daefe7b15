#include "tools/cmd_simulate.h"
#include "tools/commands.h"
#include "tools/fault_line.h"

#include "base/json.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char usage[] =
    "usage: tessera simulate line --listen HOST:PORT --to HOST:PORT [options]\n"
    "\n"
    "A TCP line with faults: whoever connects to --listen is joined to --to.\n"
    "The first line of output is {\"port\":N}, the last one counts.\n"
    "\n"
    "  --listen HOST:PORT  where it listens; port 0: any free one\n"
    "  --to HOST:PORT      the other end\n"
    "  --say WORDS         the faults at the start\n"
    "  --from-stdin        take words from each line of standard input, and\n"
    "                      answer each with the counts; ends with the input\n"
    "  --seed N            of what is lost (default: 1)\n"
    "\n"
    "Words, parted by commas; they stay until \"open\":\n"
    "  open              no fault any more\n"
    "  cut               all connections end, new ones are refused\n"
    "  refuse            the same, but new ones are accepted and reset\n"
    "  reset             all connections are reset, new ones are welcome\n"
    "  cut after N       each connection ends behind its N-th byte from now;\n"
    "                    \"cut up after N\", \"cut down after N\": one way,\n"
    "                    \"cut after N once\": the first alone\n"
    "  half-open         nothing moves, nobody is told, dialling hangs\n"
    "  stall MS          nothing moves for so long\n"
    "  delay MS          one way\n"
    "  rate N            bytes a second, each way, of all connections\n"
    "  loss N            percent of the segments come a time-out later\n"
    "  portal            new connections get a captive portal's HTTP 302\n"
    "  garbage           other bytes come out than went in\n"
    "A line of input without words only asks for the counts.\n";

enum { GO_ON = -1, LINE_MAX_BYTES = 4096, HOST_MAX = 256 };
enum option_code { OPT_LISTEN = 256, OPT_TO, OPT_SAY, OPT_STDIN, OPT_SEED };

static const struct option options[] = {
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"to", required_argument, NULL, OPT_TO},
    {"say", required_argument, NULL, OPT_SAY},
    {"from-stdin", no_argument, NULL, OPT_STDIN},
    {"seed", required_argument, NULL, OPT_SEED},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct place {
    char host[HOST_MAX];
    uint16_t port;
};

struct call {
    struct place listen, to;
    const char *say;
    bool from_stdin;
    uint64_t seed;
};

struct play {
    struct event_base *loop;
    struct fault_line *line;
    struct ts_buf pending;
};

/* "127.0.0.1:8883" or "[::1]:8883". */
static bool place_take(struct place *out, const char *text) {
    const char *colon = strrchr(text, ':');
    bool brackets = *text == '[' && colon && colon > text && colon[-1] == ']';
    size_t len = colon ? (size_t)(colon - text) - (brackets ? 2 : 0) : 0;
    char *end = "x";
    unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;

    if (!len || len >= HOST_MAX || *end || end == colon + 1 || port > 65535)
        return false;
    memcpy(out->host, text + brackets, len);
    out->host[len] = '\0';
    out->port = (uint16_t)port;
    return true;
}

static bool seed_take(uint64_t *out, const char *text) {
    char *end;

    *out = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end;
}

static bool option_take(struct call *call, int option) {
    switch (option) {
    case OPT_LISTEN:
        return place_take(&call->listen, optarg);
    case OPT_TO:
        return place_take(&call->to, optarg) && call->to.port;
    case OPT_SEED:
        return seed_take(&call->seed, optarg);
    case OPT_SAY:
        call->say = optarg;
        return true;
    case OPT_STDIN:
        call->from_stdin = true;
        return true;
    default:
        return false;
    }
}

static int arguments_read(struct call *call, int argc, char **argv) {
    int option;
    bool good = true;

    *call = (struct call){.seed = 1};
    optind = 1;
    while (good && (option = getopt_long(argc, argv, "h", options, NULL)) != -1)
        if (option == 'h') {
            (void)fputs(usage, stdout);
            return COMMAND_OK;
        } else {
            good = option_take(call, option);
        }
    if (good && optind == argc && *call->listen.host && *call->to.host)
        return GO_ON;
    (void)fputs("tessera simulate line: give --listen HOST:PORT and --to "
                "HOST:PORT; see `tessera simulate line --help`\n",
                stderr);
    return COMMAND_USAGE;
}

static json_t *counts_json(const struct fault_line *line) {
    struct fault_line_counts counts = fault_line_counts(line);

    return json_pack(
        "{sI sI sI sI sI sI}", "accepted", (json_int_t)counts.accepted,
        "refused", (json_int_t)counts.refused, "cut", (json_int_t)counts.cut,
        "lost", (json_int_t)counts.lost, "open", (json_int_t)counts.open,
        "bytes_up", (json_int_t)counts.bytes_up, "bytes_down",
        (json_int_t)counts.bytes_down);
}

static void print_take(json_t *object) {
    (void)json_dumpf(object, stdout, JSON_COMPACT);
    (void)putchar('\n');
    (void)fflush(stdout);
    json_decref(object);
}

static bool is_blank(struct ts_slice words) {
    for (size_t i = 0; i < words.len; i++)
        if (!strchr(" \t\r", words.data[i]))
            return false;
    return true;
}

/* A mistake is told in the answer: the one who talks goes on. */
static void line_play(struct play *play, struct ts_slice words) {
    json_t *answer;
    struct ts_err err;
    bool asks = is_blank(words);
    bool good = asks || fault_line_say(play->line, words, &err) == TS_OK;

    answer = counts_json(play->line);
    (void)json_object_set_new(
        answer, "said", json_stringn((const char *)words.data, words.len));
    if (!good)
        (void)json_object_set_new(answer, "error", json_string(err.text));
    print_take(answer);
}

static void lines_play(struct play *play) {
    const uint8_t *end;

    while (play->pending.len && (end = memchr(play->pending.data, '\n',
                                              play->pending.len)) != NULL) {
        size_t len = (size_t)(end - play->pending.data);
        line_play(play, ts_slice_of(play->pending.data, len));
        ts_buf_drop(&play->pending, len + 1);
    }
}

static void on_input(evutil_socket_t fd, short what, void *arg) {
    struct play *play = arg;
    uint8_t piece[1024];
    ssize_t len = read(fd, piece, sizeof piece);

    (void)what;
    if (len < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (len <= 0) {
        (void)event_base_loopexit(play->loop, NULL);
    } else if (ts_buf_add(&play->pending, ts_slice_of(piece, (size_t)len)) ==
               TS_OK) {
        lines_play(play);
    } else {
        (void)fputs("tessera simulate line: a line is over 4096 bytes\n",
                    stderr);
        (void)event_base_loopexit(play->loop, NULL);
    }
}

static void on_signal(evutil_socket_t number, short what, void *arg) {
    struct play *play = arg;

    (void)number;
    (void)what;
    (void)event_base_loopexit(play->loop, NULL);
}

/* Two descriptors a connection: as many as the system lets us have. */
static void descriptors_raise(void) {
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int play_run(struct play *play, bool from_stdin) {
    struct event *input = event_new(play->loop, STDIN_FILENO,
                                    EV_READ | EV_PERSIST, on_input, play);
    struct event *interrupt = evsignal_new(play->loop, SIGINT, on_signal, play);
    struct event *end = evsignal_new(play->loop, SIGTERM, on_signal, play);
    int code = COMMAND_OK;

    print_take(json_pack("{si}", "port", (int)fault_line_port(play->line)));
    (void)event_add(interrupt, NULL);
    (void)event_add(end, NULL);
    if (from_stdin && event_add(input, NULL) < 0) {
        (void)fputs("tessera simulate line: standard input must be a pipe or "
                    "a terminal\n",
                    stderr);
        code = COMMAND_USAGE;
    } else {
        (void)event_base_dispatch(play->loop);
    }
    event_free(input);
    event_free(interrupt);
    event_free(end);
    print_take(counts_json(play->line));
    return code;
}

static enum ts_status line_make(struct play *play, const struct call *call,
                                struct ts_err *err) {
    const struct fault_line_options how = {.listen_host = call->listen.host,
                                           .listen_port = call->listen.port,
                                           .to_host = call->to.host,
                                           .to_port = call->to.port,
                                           .seed = call->seed};
    enum ts_status status = fault_line_new(&play->line, play->loop, &how, err);

    if (status == TS_OK && call->say)
        status = fault_line_say(play->line, ts_slice_text(call->say), err);
    return status;
}

int cmd_simulate_line(int argc, char **argv) {
    struct call call;
    struct play play = {.pending = {.max = LINE_MAX_BYTES}};
    struct ts_err err;
    int code = arguments_read(&call, argc, argv);

    if (code != GO_ON)
        return code;
    descriptors_raise();
    play.loop = event_base_new();
    if (line_make(&play, &call, &err) == TS_OK) {
        code = play_run(&play, call.from_stdin);
    } else {
        (void)fprintf(stderr, "tessera simulate line: %s\n", err.text);
        code = err.status == TS_INVALID ? COMMAND_USAGE : COMMAND_FAILED;
    }
    fault_line_free(play.line);
    event_base_free(play.loop);
    ts_buf_fini(&play.pending);
    return code;
}
