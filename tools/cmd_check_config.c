#include "tools/commands.h"

#include "agent/config.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: tessera check-config [FILE]\n"
    "\n"
    "Reads the settings of a terminal (default " AGENT_CONFIG_PATH ") and\n"
    "says everything that is wrong with them, one problem a line, with what\n"
    "to do. Nothing is started and nothing is changed.\n";

enum { PROBLEMS_MAX = 64 * 1024 };

int cmd_check_config(int argc, char **argv) {
    struct ts_buf problems = {.max = PROBLEMS_MAX};
    struct agent_config config;
    const char *path = argc > 1 ? argv[1] : AGENT_CONFIG_PATH;
    int code = COMMAND_OK;

    if (argc > 1 && !strcmp(argv[1], "--help")) {
        (void)fputs(usage, stdout);
        return COMMAND_OK;
    }
    if (argc > 2 || path[0] == '-') {
        (void)fputs(usage, stderr);
        return COMMAND_USAGE;
    }
    if (agent_config_load(&config, path, &problems) == TS_OK) {
        (void)printf("%s: good\n", path);
        agent_config_fini(&config);
    } else {
        (void)fputs(ts_buf_text(&problems), stdout);
        code = COMMAND_FAILED;
    }
    ts_buf_fini(&problems);
    return code;
}
