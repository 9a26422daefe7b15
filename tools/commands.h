/* The subcommands of `tessera`: one file each, one row each in main.c. */
#ifndef TS_TOOLS_COMMANDS_H
#define TS_TOOLS_COMMANDS_H

/* Exit codes that every subcommand keeps to. */
enum {
    COMMAND_OK = 0,
    COMMAND_FAILED = 1, /* it ran, and the answer is no: see its output */
    COMMAND_USAGE = 2   /* the call itself is wrong: see standard error */
};

/* argv[0] is the subcommand's name; argv[argc] is NULL. */
struct command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
};

int cmd_check_config(int argc, char **argv);
int cmd_decode(int argc, char **argv);
int cmd_journal(int argc, char **argv);
int cmd_ports(int argc, char **argv);
int cmd_simulate(int argc, char **argv);
int cmd_status(int argc, char **argv);

#endif
