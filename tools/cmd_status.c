#include "tools/commands.h"

#include "base/json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static const char usage[] =
    "usage: tessera status [--port PORT] [--json]\n"
    "\n"
    "Asks the agent on this machine how it is: journal, line, readers.\n"
    "Answers 0 when all is well, 1 when something needs a person.\n"
    "\n"
    "  --port PORT  port of its pages (default 8460)\n"
    "  --json       the whole answer as JSON\n";

enum { ANSWER_MAX = 256 * 1024, TIMEOUT_S = 5, PORT_DEFAULT = 8460 };

static enum ts_status dial(int port, int *out, struct ts_err *err) {
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval timeout = {TIMEOUT_S, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return ts_fail(err, TS_IO, "no socket: %s", strerror(errno));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (connect(fd, (const struct sockaddr *)&at, sizeof at) != 0) {
        enum ts_status status = ts_fail(
            err, TS_CLOSED,
            "no agent answers on port %d (%s): is tessera-agent running, and "
            "is this its screen.port?",
            port, strerror(errno));
        (void)close(fd);
        return status;
    }
    *out = fd;
    return TS_OK;
}

static enum ts_status exchange(int fd, int port, struct ts_buf *answer,
                               struct ts_err *err) {
    char bytes[4096];
    ssize_t got;
    int len = snprintf(bytes, sizeof bytes,
                       "GET /api/status HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                       "Connection: close\r\n\r\n",
                       port);

    if (send(fd, bytes, (size_t)len, MSG_NOSIGNAL) != len)
        return ts_fail(err, TS_CLOSED, "the agent hung up");
    while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0)
        if (ts_buf_add(answer, ts_slice_of(bytes, (size_t)got)) != TS_OK)
            return ts_fail(err, TS_FULL, "the answer is no status");
    if (got < 0)
        return ts_fail(err, TS_IO, "the agent does not answer: %s",
                       strerror(errno));
    return TS_OK;
}

static enum ts_status ask(int port, json_t **out, struct ts_err *err) {
    struct ts_buf answer = {.max = ANSWER_MAX};
    enum ts_status status;
    const char *body = NULL;
    int fd = -1;

    status = dial(port, &fd, err);
    if (status == TS_OK) {
        status = exchange(fd, port, &answer, err);
        (void)close(fd);
    }
    if (status == TS_OK)
        body = strstr(ts_buf_text(&answer), "\r\n\r\n");
    if (status == TS_OK &&
        (!body || strncmp(ts_buf_text(&answer), "HTTP/1.1 200", 12) != 0))
        status = ts_fail(err, TS_INVALID,
                         "what answers on port %d is no tessera-agent", port);
    if (status == TS_OK)
        status = ts_json_parse(out, ts_slice_text(body + 4), err);
    ts_buf_fini(&answer);
    return status;
}

static const char *text(const json_t *object, const char *member) {
    const char *value = json_string_value(json_object_get(object, member));

    return value ? value : "";
}

static long long number(const json_t *object, const char *member) {
    return json_integer_value(json_object_get(object, member));
}

/* " 12 scans, 1 repeat", and what else is not 0. */
static void print_counts(const json_t *counts) {
    static const char *const names[] = {"scans", "repeats", "retransmissions",
                                        "rejects", "unplugged"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (i == 0 || number(counts, names[i]))
            (void)printf("%s%lld %s", i ? ", " : "", number(counts, names[i]),
                         names[i]);
}

static void print_group(const char *what, const json_t *group) {
    const char *name;
    const json_t *count;
    const char *between = "";

    if (!json_object_size(group))
        return;
    (void)printf("          %s: ", what);
    json_object_foreach((json_t *)group, name, count) {
        (void)printf("%s%s %lld", between, name, json_integer_value(count));
        between = ", ";
    }
    (void)putchar('\n');
}

static bool print_readers(const json_t *readers) {
    bool well = true;

    for (size_t i = 0; i < json_array_size(readers); i++) {
        const json_t *reader = json_array_get(readers, i);

        well &= !strcmp(text(reader, "state"), "attached");
        (void)printf("reader    %s: %s, %s\n", text(reader, "name"),
                     text(reader, "state"), text(reader, "text"));
        (void)printf("          ");
        print_counts(json_object_get(reader, "counts"));
        (void)putchar('\n');
        print_group(
            "rejected",
            json_object_get(json_object_get(reader, "counts"), "errors"));
        print_group(
            "notices",
            json_object_get(json_object_get(reader, "counts"), "notices"));
    }
    return well;
}

/* Rows that wait because the settings say so. */
static void print_wait(const json_t *uplink) {
    const char *why = text(uplink, "waits");

    if (*why)
        (void)printf("          waits on purpose until %s: %s\n",
                     text(uplink, "waits_until"),
                     !strcmp(why, "quiet_hours")
                         ? "quiet hours (hub.quiet_hours)"
                         : "ceiling (hub.max_bytes_per_s)");
}

static bool print_status(const json_t *status) {
    const json_t *journal = json_object_get(status, "journal");
    const json_t *uplink = json_object_get(status, "uplink");
    bool well = json_is_true(json_object_get(journal, "ok"));
    bool up = json_is_true(json_object_get(uplink, "up"));

    (void)printf("terminal  %s in %s (%s), version %s, up %lld s\n",
                 text(status, "terminal"), text(status, "store"),
                 text(status, "kind"), text(status, "version"),
                 number(status, "uptime_s"));
    (void)printf("journal   %s, %lld unsent, %lld copies, %lld bytes\n",
                 well ? "records" : text(journal, "text"),
                 number(journal, "unsent"), number(journal, "copies"),
                 number(journal, "bytes"));
    if (well && text(journal, "text")[0])
        (void)printf("          %s\n", text(journal, "text"));
    if (json_is_true(json_object_get(uplink, "set")))
        (void)printf(
            "line      %s%s, %lld events acknowledged\n",
            up ? "up: " : "down: ", text(uplink, up ? "broker" : "last_error"),
            number(uplink, "events_acked"));
    else
        (void)printf("line      no hub is set\n");
    print_wait(uplink);
    (void)printf("clock     %s\n",
                 text(json_object_get(status, "time"), "clock"));
    return print_readers(json_object_get(status, "readers")) && well &&
           (up || !json_is_true(json_object_get(uplink, "set")));
}

static bool read_options(int argc, char **argv, int *port, bool *json,
                         bool *help) {
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        char *end = "";
        long value = option == 'p' ? strtol(optarg, &end, 10) : 1;

        if (option == '?' || *end || value < 1 || value > 65535)
            return false;
        if (option == 'p')
            *port = (int)value;
        *json |= option == 'j';
        *help |= option == 'h';
    }
    return optind == argc;
}

int cmd_status(int argc, char **argv) {
    int port = PORT_DEFAULT;
    bool as_json = false;
    bool help = false;
    bool well = true;
    json_t *status = NULL;
    struct ts_err err;

    if (!read_options(argc, argv, &port, &as_json, &help) || help) {
        (void)fputs(usage, help ? stdout : stderr);
        return help ? COMMAND_OK : COMMAND_USAGE;
    }
    if (ask(port, &status, &err) != TS_OK) {
        (void)fprintf(stderr, "tessera status: %s\n", err.text);
        return COMMAND_FAILED;
    }
    if (as_json) {
        (void)json_dumpf(status, stdout, JSON_INDENT(2));
        (void)putchar('\n');
    } else {
        well = print_status(status);
    }
    json_decref(status);
    return well ? COMMAND_OK : COMMAND_FAILED;
}
