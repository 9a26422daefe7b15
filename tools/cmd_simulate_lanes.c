#include "tools/cmd_simulate.h"
#include "tools/commands.h"
#include "tools/fleet_processes.h"
#include "tools/fleet_report.h"

#include "sync/topic.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: tessera simulate lanes --broker HOST:PORT [options]\n"
    "       tessera simulate lanes --list [options]\n"
    "\n"
    "Virtual terminals by the thousand, what a script does to them, and a\n"
    "report: what they recorded, what the archive holds, how long it took.\n"
    "\n"
    "  --broker HOST:PORT   where they connect\n"
    "  --lanes N            how many (default: 100)\n"
    "  --stores-of N        lanes a store (default: 8)\n"
    "  --prefix NAME        terminals NAME-00001 ... (default: sim)\n"
    "  --certs DIR          TLS: ca.crt, NAME-00001.crt and .key are there\n"
    "  --script FILE        what is done to them; - is standard input\n"
    "  --for TIME           without a script: record so long (default: 30s)\n"
    "  --rate N             events a minute and lane (default: 20)\n"
    "  --archive URL        the hub's database, to be compared; only read\n"
    "  --seed N             the same again (default: 1)\n"
    "  --json               the report as JSON\n"
    "  --processes N        default: as many as the open files ask for\n"
    "  --list               print \"TERMINAL STORE\" for `terminal load`\n"
    "  --topic-root NAME    default: tessera\n"
    "  --keep N             acknowledged copies a lane (default: 20)\n"
    "  --backoff MIN-MAX    ms before a new connection (default: 1000-60000)\n"
    "  --spread MS          over this a line's return spreads (default: 2000)\n"
    "  --quiet              no steps on standard error\n"
    "\n"
    "Exit: 0 the promise held, 1 it did not, 2 wrong call.\n";

enum { GO_ON = -1, LANES_MAX = 99999, SCRIPT_MAX = 1 << 20, HOST_MAX = 256 };
enum option_code {
    OPT_BROKER = 256,
    OPT_LANES,
    OPT_STORES,
    OPT_PREFIX,
    OPT_CERTS,
    OPT_SCRIPT,
    OPT_FOR,
    OPT_RATE,
    OPT_ARCHIVE,
    OPT_SEED,
    OPT_JSON,
    OPT_PROCESSES,
    OPT_LIST,
    OPT_ROOT,
    OPT_KEEP,
    OPT_BACKOFF,
    OPT_SPREAD,
    OPT_QUIET
};

static const struct option options[] = {
    {"broker", required_argument, NULL, OPT_BROKER},
    {"lanes", required_argument, NULL, OPT_LANES},
    {"stores-of", required_argument, NULL, OPT_STORES},
    {"prefix", required_argument, NULL, OPT_PREFIX},
    {"certs", required_argument, NULL, OPT_CERTS},
    {"script", required_argument, NULL, OPT_SCRIPT},
    {"for", required_argument, NULL, OPT_FOR},
    {"rate", required_argument, NULL, OPT_RATE},
    {"archive", required_argument, NULL, OPT_ARCHIVE},
    {"seed", required_argument, NULL, OPT_SEED},
    {"json", no_argument, NULL, OPT_JSON},
    {"processes", required_argument, NULL, OPT_PROCESSES},
    {"list", no_argument, NULL, OPT_LIST},
    {"topic-root", required_argument, NULL, OPT_ROOT},
    {"keep", required_argument, NULL, OPT_KEEP},
    {"backoff", required_argument, NULL, OPT_BACKOFF},
    {"spread", required_argument, NULL, OPT_SPREAD},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct call {
    struct fleet_options fleet;
    struct fleet_script script;
    char host[HOST_MAX], ca[1024], crl[1024];
    const char *script_file, *archive;
    int64_t for_ms;
    size_t processes;
    bool json, list;
};

static bool number_take(size_t *out, size_t min, size_t max) {
    char *end;
    unsigned long long number = strtoull(optarg, &end, 10);

    *out = (size_t)number;
    return *optarg >= '0' && *optarg <= '9' && !*end && number >= min &&
           number <= max;
}

static bool take_unsigned(unsigned *out, size_t min, size_t max) {
    size_t number;
    bool good = number_take(&number, min, max);

    *out = (unsigned)number;
    return good;
}

/* "localhost:8883" or "[::1]:8883". */
static bool take_broker(struct call *call) {
    const char *colon = strrchr(optarg, ':');
    bool brackets =
        *optarg == '[' && colon && colon > optarg && colon[-1] == ']';
    size_t len = colon ? (size_t)(colon - optarg) - (brackets ? 2 : 0) : 0;
    char *end = "x";
    unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;

    if (!len || len >= HOST_MAX || *end || !port || port > 65535)
        return false;
    memcpy(call->host, optarg + brackets, len);
    call->host[len] = '\0';
    call->fleet.host = call->host;
    call->fleet.port = (uint16_t)port;
    return true;
}

static bool take_rate(struct call *call) {
    char *end;

    call->fleet.rate = strtod(optarg, &end);
    return *optarg >= '0' && *optarg <= '9' && !*end &&
           call->fleet.rate <= 1000000;
}

static bool take_backoff(struct call *call) {
    char *dash, *end = "x";
    unsigned long min = strtoul(optarg, &dash, 10);
    unsigned long max = *dash == '-' ? strtoul(dash + 1, &end, 10) : 0;

    if (*optarg < '0' || *optarg > '9' || min < 50 || max < min ||
        max > 600000 || *end)
        return false;
    call->fleet.backoff_min_ms = (unsigned)min;
    call->fleet.backoff_max_ms = (unsigned)max;
    return true;
}

static bool take_prefix(struct call *call) {
    call->fleet.prefix = optarg;
    return strlen(optarg) <= 40 && ts_name_valid(ts_slice_text(optarg));
}

static bool take_certs(struct call *call) {
    struct fleet_options *o = &call->fleet;

    o->certs = optarg;
    o->ca_file = call->ca;
    (void)snprintf(call->crl, sizeof call->crl, "%s/crl.pem", optarg);
    if (!access(call->crl, R_OK))
        o->crl_file = call->crl;
    return snprintf(call->ca, sizeof call->ca, "%s/ca.crt", optarg) <
           (int)sizeof call->ca;
}

static bool take_scale(struct call *call, int option) {
    struct fleet_options *o = &call->fleet;
    size_t seed;

    switch (option) {
    case OPT_LANES:
        return number_take(&o->lanes, 1, LANES_MAX);
    case OPT_STORES:
        return number_take(&o->lanes_a_store, 1, LANES_MAX);
    case OPT_KEEP:
        return number_take(&o->keep, 0, 1000000);
    case OPT_PROCESSES:
        return number_take(&call->processes, 1, 256);
    case OPT_SPREAD:
        return take_unsigned(&o->spread_ms, 0, 3600000);
    default:
        if (!number_take(&seed, 0, 1000000000))
            return false;
        o->seed = seed;
        return true;
    }
}

static bool option_take(struct call *call, int option) {
    switch (option) {
    case OPT_BROKER:
        return take_broker(call);
    case OPT_PREFIX:
        return take_prefix(call);
    case OPT_CERTS:
        return take_certs(call);
    case OPT_SCRIPT:
        call->script_file = optarg;
        return true;
    case OPT_FOR:
        return fleet_time_parse(&call->for_ms, optarg);
    case OPT_RATE:
        return take_rate(call);
    case OPT_ARCHIVE:
        call->archive = optarg;
        return true;
    case OPT_JSON:
        return call->json = true;
    case OPT_LIST:
        return call->list = true;
    case OPT_ROOT:
        call->fleet.root = optarg;
        return topic_root_valid(ts_slice_text(optarg));
    case OPT_BACKOFF:
        return take_backoff(call);
    case OPT_QUIET:
        call->fleet.talk = false;
        return true;
    default:
        return take_scale(call, option);
    }
}

static int wrong_call(const char *text) {
    (void)fprintf(stderr,
                  "tessera simulate lanes: %s; see `tessera simulate lanes "
                  "--help`\n",
                  text);
    return COMMAND_USAGE;
}

static int arguments_read(struct call *call, int argc, char **argv) {
    int option, index = 0;
    char text[80];

    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, &index)) != -1) {
        if (option == 'h') {
            (void)fputs(usage, stdout);
            return COMMAND_OK;
        }
        if (option == '?')
            return COMMAND_USAGE;
        if (!option_take(call, option)) {
            (void)snprintf(text, sizeof text, "--%s: \"%.40s\" is not good",
                           options[index].name, optarg);
            return wrong_call(text);
        }
    }
    if (optind < argc)
        return wrong_call("there is a word too many");
    if (!call->fleet.host && !call->list)
        return wrong_call("give --broker HOST:PORT");
    return GO_ON;
}

static enum ts_status read_text(struct ts_buf *out, const char *path,
                                struct ts_err *err) {
    uint8_t piece[4096];
    ssize_t got;

    if (strcmp(path, "-") != 0)
        return ts_file_read(out, path, SCRIPT_MAX, err);
    out->max = SCRIPT_MAX;
    while ((got = read(STDIN_FILENO, piece, sizeof piece)) > 0)
        if (ts_buf_add(out, ts_slice_of(piece, (size_t)got)) != TS_OK)
            return ts_fail(err, TS_FULL, "the script is over 1 MiB");
    return got < 0 ? ts_fail(err, TS_IO, "standard input cannot be read")
                   : TS_OK;
}

static enum ts_status read_script(struct call *call, struct ts_err *err) {
    struct ts_buf text = {0};
    enum ts_status status = TS_OK;

    if (call->script_file)
        status = read_text(&text, call->script_file, err);
    else if (ts_buf_printf(&text, "at %lldms stop\n",
                           (long long)call->for_ms) != TS_OK)
        abort();
    if (status == TS_OK)
        status = fleet_script_parse(&call->script, ts_buf_slice(&text), err);
    if (status != TS_OK && call->script_file)
        (void)ts_wrap(err, "%s", call->script_file);
    ts_buf_fini(&text);
    return status;
}

static void print_list(const struct fleet_options *o) {
    char terminal[TS_NAME_TEXT], store[TS_NAME_TEXT];

    for (size_t i = 0; i < o->lanes; i++) {
        fleet_terminal_name(terminal, o->prefix, i);
        fleet_store_name(store, o, i);
        (void)printf("%s %s\n", terminal, store);
    }
}

static int print_report(const struct call *call, json_t *report) {
    bool ok = fleet_report_ok(report);

    if (call->json) {
        (void)json_dumpf(report, stdout,
                         JSON_INDENT(1) | JSON_REAL_PRECISION(6));
        (void)fputc('\n', stdout);
    } else {
        fleet_report_print(report, stdout);
    }
    json_decref(report);
    return ok ? COMMAND_OK : COMMAND_FAILED;
}

static int run(struct call *call) {
    json_t *report = NULL;
    struct ts_err err = {0};
    enum ts_status status = read_script(call, &err);

    if (status != TS_OK)
        return wrong_call(err.text);
    call->fleet.script = &call->script;
    if (!call->processes)
        call->processes = fleet_processes_needed(&call->fleet);
    status = fleet_processes_run(&call->fleet, call->processes, call->archive,
                                 &report, &err);
    fleet_script_fini(&call->script);
    if (status == TS_OK)
        return print_report(call, report);
    (void)fprintf(stderr, "tessera simulate lanes: %s\n", err.text);
    return status == TS_INVALID ? COMMAND_USAGE : COMMAND_FAILED;
}

int cmd_simulate_lanes(int argc, char **argv) {
    struct call call = {.for_ms = 30000,
                        .fleet = {.prefix = "sim",
                                  .lanes = 100,
                                  .lanes_a_store = 8,
                                  .seed = 1,
                                  .rate = 20,
                                  .keep = 20,
                                  .root = "tessera",
                                  .backoff_min_ms = 1000,
                                  .backoff_max_ms = 60000,
                                  .spread_ms = 2000,
                                  .ack_timeout_ms = 5000,
                                  .keepalive_s = 60,
                                  .talk = true}};
    int code = arguments_read(&call, argc, argv);

    if (code != GO_ON)
        return code;
    if (call.list) {
        print_list(&call.fleet);
        return COMMAND_OK;
    }
    return run(&call);
}
