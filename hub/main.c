#include "base/log.h"
#include "base/process.h"
#include "hub/commands.h"
#include "hub/config.h"
#include "hub/run.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char default_config[] = "/etc/tessera/hub.conf";

static int usage(FILE *out) {
    (void)fprintf(
        out, "usage: tessera-hub [--config FILE] [COMMAND]\n"
             "  run                          run the hub (the default)\n"
             "  check                        look at settings and database\n"
             "  terminal add TERMINAL STORE  let a terminal in\n"
             "  terminal load FILE           let many in: TERMINAL STORE, one "
             "a line\n"
             "  terminal move TERMINAL STORE it stands in another store now\n"
             "  terminal rename TERMINAL NAME\n"
             "  terminal remove TERMINAL\n"
             "  terminal list\n"
             "  token add NAME               make a bearer token, shown once\n"
             "  token remove NAME\n"
             "  token list\n"
             "  offer put STORE CARD OFFER TITLE [DAYS]\n"
             "                               what waits for a card, by its "
             "token\n"
             "  offer remove STORE CARD OFFER\n"
             "  rebuild                      derive all again; stop the hub\n"
             "  restored                     the database is a backup put "
             "back\n");
    return out == stdout ? COMMAND_OK : COMMAND_USAGE;
}

static int run(const struct hub_config *config) {
    struct ts_err err = {0};

    if (hub_run(config, &err) == TS_OK)
        return COMMAND_OK;
    ts_log(TS_LOG_ERROR, "hub", "%s", err.text);
    return COMMAND_FAILED;
}

static int command(const struct hub_config *config, int count, char **words) {
    const char *name = count ? words[0] : "run";

    if (!strcmp(name, "terminal"))
        return command_terminal(config, count - 1, words + 1);
    if (!strcmp(name, "token"))
        return command_token(config, count - 1, words + 1);
    if (!strcmp(name, "offer"))
        return command_offer(config, count - 1, words + 1);
    if (count > 1)
        return usage(stderr);
    if (!strcmp(name, "run"))
        return run(config);
    if (!strcmp(name, "check"))
        return command_check(config);
    if (!strcmp(name, "rebuild"))
        return command_rebuild(config);
    if (!strcmp(name, "restored"))
        return command_restored(config);
    return usage(stderr);
}

static int with_config(const char *path, int count, char **words) {
    struct hub_config config;
    struct ts_buf problems = {0};
    int result = COMMAND_USAGE;

    if (hub_config_load(&config, path, &problems) == TS_OK) {
        result = command(&config, count, words);
        hub_config_fini(&config);
    } else {
        (void)fputs(ts_buf_text(&problems), stderr);
    }
    ts_buf_fini(&problems);
    return result;
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    const char *path = default_config;
    int option;

    while ((option = getopt_long(argc, argv, "+c:hV", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 'h':
            return usage(stdout);
        case 'V':
            (void)printf("tessera-hub " TS_VERSION "\n");
            return COMMAND_OK;
        default:
            return usage(stderr);
        }
    }
    ts_process_seal();
    return with_config(path, argc - optind, argv + optind);
}
