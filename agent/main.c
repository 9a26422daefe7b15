#include "agent/agent.h"
#include "base/log.h"
#include "base/process.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, PROBLEMS_MAX = 65536 };

struct arguments {
    const char *config;
    bool check, version, help;
};

static void print_usage(FILE *to) {
    fputs("usage: tessera-agent [--config FILE] [--check]\n\n"
          "Runs one terminal: reads its scanners, keeps the journal, serves "
          "its pages\nand talks to the hub.\n\n"
          "  --config FILE  settings (default " AGENT_CONFIG_PATH ")\n"
          "  --check        say what is wrong with the settings and end\n"
          "  --version      say the version and end\n"
          "  --help         this text\n",
          to);
}

static bool read_arguments(struct arguments *out, int argc, char **argv) {
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, 'k'},
        {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    int option;

    *out = (struct arguments){.config = AGENT_CONFIG_PATH};
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'c')
            out->config = optarg;
        else if (option == 'k')
            out->check = true;
        else if (option == 'v')
            out->version = true;
        else if (option == 'h')
            out->help = true;
        else
            return false;
    }
    return optind == argc;
}

static void set_log_level(const struct agent_config *config) {
    static const char *const words[] = {"error", "warn", "info", "debug"};
    const char *word = ts_settings_text(config->settings, "log_level");

    for (int i = 0; i < 4; i++)
        if (!strcmp(word, words[i]))
            ts_log_set_level((enum ts_log_level)i);
}

static void on_signal(evutil_socket_t number, short what, void *arg) {
    (void)what;
    ts_log(TS_LOG_INFO, "agent", "ends on signal %d", (int)number);
    (void)event_base_loopbreak(arg);
}

static int run(const struct agent_config *config) {
    struct event_base *loop = event_base_new();
    struct event *term = evsignal_new(loop, SIGTERM, on_signal, loop);
    struct event *interrupt = evsignal_new(loop, SIGINT, on_signal, loop);
    struct agent *agent = NULL;
    struct ts_err err;
    int code = EXIT_OK;

    (void)event_add(term, NULL);
    (void)event_add(interrupt, NULL);
    if (agent_start(&agent, loop, config, ts_clock_system(), &err) != TS_OK) {
        ts_log(TS_LOG_ERROR, "agent", "%s", err.text);
        code = EXIT_FAILED;
    } else {
        ts_log(TS_LOG_INFO, "agent", "version %s runs as %s", TS_VERSION,
               ts_settings_text(config->settings, "terminal"));
        (void)event_base_dispatch(loop);
        agent_stop(agent);
    }
    event_free(interrupt);
    event_free(term);
    event_base_free(loop);
    return code;
}

static int check_line(const struct agent_config *config, const char *path) {
    struct ts_err err;

    if (agent_line_check(config, &err) != TS_OK) {
        (void)fprintf(stderr, "%s: %s\n", path, err.text);
        return EXIT_FAILED;
    }
    (void)printf("%s: good\n", path);
    return EXIT_OK;
}

static int load_and_run(const struct arguments *arguments) {
    struct ts_buf problems = {.max = PROBLEMS_MAX};
    struct agent_config config;
    int code = EXIT_OK;

    if (agent_config_load(&config, arguments->config, &problems) != TS_OK) {
        (void)fputs(ts_buf_text(&problems), stderr);
        code = EXIT_FAILED;
    } else {
        set_log_level(&config);
        code = arguments->check ? check_line(&config, arguments->config)
                                : run(&config);
        agent_config_fini(&config);
    }
    ts_buf_fini(&problems);
    return code;
}

int main(int argc, char **argv) {
    struct arguments arguments;

    if (!read_arguments(&arguments, argc, argv)) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (arguments.help || arguments.version) {
        if (arguments.help)
            print_usage(stdout);
        else
            (void)printf("tessera-agent %s\n", TS_VERSION);
        return EXIT_OK;
    }
    ts_process_seal();
    ts_process_stay_small();
    (void)signal(SIGPIPE, SIG_IGN);
    return load_and_run(&arguments);
}
