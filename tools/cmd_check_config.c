#include "tools/commands.h"

#include "agent/agent.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: tessera check-config [FILE]\n"
    "\n"
    "Reads the settings of a terminal (default " AGENT_CONFIG_PATH ") and\n"
    "the files that they name, and says everything that is wrong, one problem\n"
    "a line, with what to do. Nothing is started and nothing is changed. Of a\n"
    "good file it names each reader's protocol, make and serial line, the\n"
    "profile's where the file leaves it open.\n";

enum { PROBLEMS_MAX = 64 * 1024 };

static void print_reader(const struct agent_config_reader *reader) {
    const struct port_line *line = &reader->line;

    (void)printf("reader %s: %s/%s at %u %u%c%u%s\n", reader->name,
                 reader->driver, reader->profile, line->baud, line->data_bits,
                 line->parity, line->stop_bits,
                 line->rts_cts ? " with RTS/CTS" : "");
}

static int check_line(const struct agent_config *config, const char *path) {
    struct ts_err err;

    if (agent_line_check(config, &err) != TS_OK) {
        (void)printf("%s: %s\n", path, err.text);
        return COMMAND_FAILED;
    }
    for (size_t i = 0; i < config->reader_count; i++)
        print_reader(&config->readers[i]);
    (void)printf("%s: good\n", path);
    return COMMAND_OK;
}

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
        code = check_line(&config, path);
        agent_config_fini(&config);
    } else {
        (void)fputs(ts_buf_text(&problems), stdout);
        code = COMMAND_FAILED;
    }
    ts_buf_fini(&problems);
    return code;
}
