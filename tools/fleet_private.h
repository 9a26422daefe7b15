/* The parts of a fleet, shared by fleet.c, fleet_steps.c and fleet_result.c. */
#ifndef TS_TOOLS_FLEET_PRIVATE_H
#define TS_TOOLS_FLEET_PRIVATE_H

#include "tools/fault_line.h"
#include "tools/fleet.h"
#include "tools/latency.h"

#include <sys/types.h>

enum { FLEET_REASONS = 16, FLEET_COMMANDS = 64 };

/* A step that did harm, from its beginning until all lanes that it hit are
 * connected and have the hub's word for what they held at its end. */
struct fleet_fault {
    const struct fleet_step *step;
    int64_t began_ms, ended_ms, connected_ms, recovered_ms; /* -1: not yet */
    size_t hit, not_connected, not_recovered, restarts;
    uint64_t backlog; /* unsent rows of the lanes hit, at its end */
    bool *lanes;      /* of this process: hit */
    uint8_t *waits;   /* 1: to connect, 2: for the hub's word */
    uint64_t *wanted; /* rows that must be acknowledged */
};
enum { FLEET_WAITS_LINE = 1, FLEET_WAITS_WORD = 2 };

struct fleet_reason {
    char text[TS_ERR_TEXT];
    uint64_t times;
};

struct fleet_command {
    pid_t pid; /* 0: over */
    const struct fleet_step *step;
};

struct fleet {
    struct fleet_options options;
    struct event_base *loop;
    struct vlane_common common;
    char *runtime_dir;
    struct vlane **lanes;
    struct fault_line **lines;
    size_t line_count;
    struct event *step_timer, *watch_timer, *child;
    size_t next_step;
    bool draining, drained;
    int64_t drain_by_ms, drained_ms, all_up_ms, calm_since_us;
    size_t up;
    struct fleet_fault *faults;
    size_t fault_count;
    struct latency waits, calm;
    uint32_t *connects; /* in each second */
    size_t seconds;
    struct fleet_reason reasons[FLEET_REASONS];
    uint64_t other_reasons;
    struct fleet_command commands[FLEET_COMMANDS];
    size_t command_count, commands_failed;
};

int64_t fleet_now_ms(const struct fleet *fleet); /* of the script */
/* Does the next step; called at its time. */
void fleet_step(struct fleet *fleet, const struct fleet_step *step);
void fleet_command_ended(struct fleet *fleet);
/* A lane of this process came up or was given the hub's word. */
void fleet_look(struct fleet *fleet, size_t index);
void fleet_restarted(struct fleet *fleet, size_t index);
void fleet_say(const struct fleet *fleet, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
