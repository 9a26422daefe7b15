/* What `tessera simulate` can play: one file each, one row each in
 * cmd_simulate.c. Called as a struct command is. */
#ifndef TS_TOOLS_CMD_SIMULATE_H
#define TS_TOOLS_CMD_SIMULATE_H

int cmd_simulate_lanes(int argc, char **argv);
int cmd_simulate_line(int argc, char **argv);
int cmd_simulate_reader(int argc, char **argv);

#endif
