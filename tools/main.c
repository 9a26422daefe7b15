#include "tools/commands.h"

#include "base/process.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static int help_run(int argc, char **argv);

/* In the order that `tessera --help` prints. */
static const struct command commands[] = {
    {"ports", "list the serial ports and what is behind them", cmd_ports},
    {"decode", "print what a driver makes of a reader's bytes", cmd_decode},
    {"simulate", "play a reader, or a line with faults", cmd_simulate},
    {"status", "ask the agent on this machine how it is", cmd_status},
    {"journal", "print the events of a journal", cmd_journal},
    {"check-config", "say what is wrong with a settings file",
     cmd_check_config},
    {"help", "say what a subcommand does", help_run},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static const struct command *command_find(const char *name) {
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static void usage_print(FILE *to) {
    fputs("usage: tessera <subcommand> [options]\n\nSubcommands:\n", to);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-13s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`tessera <subcommand> --help` tells the options of each;\n"
          "`tessera --version` tells the version.\n",
          to);
}

static int command_run(const char *name, int argc, char **argv) {
    const struct command *command = command_find(name);
    if (command)
        return command->run(argc, argv);
    fprintf(stderr, "tessera: no subcommand \"%s\"; see `tessera --help`\n",
            name);
    return COMMAND_USAGE;
}

static int help_run(int argc, char **argv) {
    if (argc < 2 || argv[1][0] == '-' || strcmp(argv[1], "help") == 0) {
        usage_print(stdout);
        return COMMAND_OK;
    }
    char option[] = "--help";
    char *arguments[] = {argv[1], option, NULL};
    return command_run(argv[1], 2, arguments);
}

int main(int argc, char **argv) {
    ts_process_seal();
    if (argc < 2) {
        usage_print(stderr);
        return COMMAND_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("tessera %s\n", TS_VERSION);
        return COMMAND_OK;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        usage_print(stdout);
        return COMMAND_OK;
    }
    return command_run(argv[1], argc - 1, argv + 1);
}
