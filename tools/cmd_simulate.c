#include "tools/cmd_simulate.h"
#include "tools/commands.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: tessera simulate [reader] [options] CAPTURE\n"
    "       tessera simulate line --listen HOST:PORT --to HOST:PORT [options]\n"
    "       tessera simulate lanes --broker HOST:PORT [options]\n"
    "\n"
    "reader plays a reader on a pseudo-terminal, and is what is meant without\n"
    "a word; line stands between two ends of a TCP connection and is cut,\n"
    "slow, lossy or lying as it is told; lanes are virtual terminals by the\n"
    "thousand, what a script does to them, and a report.\n"
    "`tessera simulate reader --help` and so on tell the options of each.\n";

static const struct command parts[] = {
    {"reader", "play a reader on a pseudo-terminal", cmd_simulate_reader},
    {"line", "be a TCP line with faults", cmd_simulate_line},
    {"lanes", "be thousands of terminals", cmd_simulate_lanes},
};

int cmd_simulate(int argc, char **argv) {
    const char *word = argc > 1 ? argv[1] : "";

    if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
        (void)fputs(usage, stdout);
        return COMMAND_OK;
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strcmp(parts[i].name, word))
            return parts[i].run(argc - 1, argv + 1);
    return cmd_simulate_reader(argc, argv);
}
