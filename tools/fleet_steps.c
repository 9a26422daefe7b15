#include "tools/fleet_private.h"

#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RESTART_MIN_MS = 500, RESTART_MAX_MS = 3000 };

static uint64_t mix(uint64_t z) {
    z += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/* The same choice in every process: a shuffle of all lanes or stores, of which
 * the first are taken. */
static size_t *shuffled(uint64_t seed, size_t count) {
    size_t *order = ts_alloc(count * sizeof *order);

    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)(mix(seed + i) % i);
        size_t kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
    return order;
}

static void hit_one(const struct fleet *fleet, bool *hit, size_t lane) {
    const struct fleet_options *o = &fleet->options;

    if (lane >= o->first && lane < o->first + o->count)
        hit[lane - o->first] = true;
}

/* Which lanes of this process a step means. */
static bool *pick(const struct fleet *fleet, const struct fleet_step *step) {
    const struct fleet_options *o = &fleet->options;
    size_t unit = step->pick.stores ? o->lanes_a_store : 1;
    size_t units = (o->lanes + unit - 1) / unit;
    double wanted = step->pick.percent
                        ? (double)units * step->pick.amount / 100 + 0.5
                        : step->pick.amount;
    bool *hit = ts_alloc(o->count * sizeof *hit);
    size_t *order = shuffled(o->seed * 31 + step->line, units);

    for (size_t i = 0; i < units && (double)(i + 1) <= wanted; i++)
        for (size_t k = 0; k < unit; k++)
            hit_one(fleet, hit, order[i] * unit + k);
    free(order);
    return hit;
}

static struct fleet_fault *fault_begin(struct fleet *fleet,
                                       const struct fleet_step *step,
                                       bool *take_hit) {
    size_t count = fleet->options.count;
    struct fleet_fault *fault = &fleet->faults[fleet->fault_count++];

    *fault = (struct fleet_fault){.step = step,
                                  .began_ms = fleet_now_ms(fleet),
                                  .ended_ms = -1,
                                  .connected_ms = -1,
                                  .recovered_ms = -1,
                                  .lanes = take_hit};
    fault->waits = ts_alloc(count);
    fault->wanted = ts_alloc(count * sizeof *fault->wanted);
    for (size_t i = 0; i < count; i++)
        fault->hit += take_hit[i];
    fleet->calm_since_us = INT64_MAX;
    return fault;
}

static void fault_settle(struct fleet *fleet, struct fleet_fault *fault) {
    int64_t now = fleet_now_ms(fleet);

    if (!fault->not_connected && fault->connected_ms < 0)
        fault->connected_ms = now;
    if (fault->not_recovered || fault->recovered_ms >= 0)
        return;
    fault->recovered_ms = now;
    fleet->calm_since_us = vlane_now_us();
    for (size_t i = 0; i < fleet->fault_count; i++)
        if (fleet->faults[i].recovered_ms < 0)
            fleet->calm_since_us = INT64_MAX;
}

static void fault_end(struct fleet *fleet, struct fleet_fault *fault) {
    if (fault->ended_ms >= 0)
        return;
    fault->ended_ms = fleet_now_ms(fleet);
    for (size_t i = 0; i < fleet->options.count; i++) {
        struct vlane_stats stats;
        if (!fault->lanes[i])
            continue;
        vlane_get_stats(fleet->lanes[i], &stats);
        fault->wanted[i] = stats.journal.recorded + stats.journal.pending;
        fault->backlog += stats.journal.unsent + stats.journal.pending;
        fault->waits[i] = FLEET_WAITS_LINE | FLEET_WAITS_WORD;
        fault->not_connected++;
        fault->not_recovered++;
    }
    for (size_t i = 0; i < fleet->options.count; i++)
        if (fault->lanes[i])
            fleet_look(fleet, i);
    fault_settle(fleet, fault);
}

static void look_at(struct fleet *fleet, struct fleet_fault *fault,
                    size_t index, const struct vlane_stats *stats) {
    uint8_t *waits = &fault->waits[index];

    if (*waits & FLEET_WAITS_LINE && stats->up) {
        *waits &= (uint8_t)~FLEET_WAITS_LINE;
        fault->not_connected--;
    }
    /* What a kill took from the group that was open is wanted no more. */
    if (*waits == FLEET_WAITS_WORD &&
        (stats->journal.recorded - stats->journal.unsent >=
             fault->wanted[index] ||
         !(stats->journal.unsent + stats->journal.pending))) {
        *waits = 0;
        fault->not_recovered--;
    }
    fault_settle(fleet, fault);
}

void fleet_look(struct fleet *fleet, size_t index) {
    struct vlane_stats stats;
    bool known = false;

    for (size_t i = 0; i < fleet->fault_count; i++) {
        struct fleet_fault *fault = &fleet->faults[i];
        if (fault->ended_ms < 0 || !fault->waits[index])
            continue;
        if (!known)
            vlane_get_stats(fleet->lanes[index], &stats);
        known = true;
        look_at(fleet, fault, index, &stats);
    }
}

static void end_all(struct fleet *fleet, enum fleet_act act) {
    for (size_t i = 0; i < fleet->fault_count; i++)
        if (fleet->faults[i].step->act == act)
            fault_end(fleet, &fleet->faults[i]);
}

void fleet_restarted(struct fleet *fleet, size_t index) {
    for (size_t i = 0; i < fleet->fault_count; i++) {
        struct fleet_fault *fault = &fleet->faults[i];
        if (fault->ended_ms < 0 && fault->restarts && fault->lanes[index] &&
            --fault->restarts == 0)
            fault_end(fleet, fault);
    }
}

/* Words that harm once and are over at once or by themselves. */
static bool is_passing(const char *words) {
    return !strcmp(words, "reset") || !strncmp(words, "stall ", 6);
}

static void do_line(struct fleet *fleet, const struct fleet_step *step) {
    const struct fleet_options *o = &fleet->options;
    bool *hit = pick(fleet, step);
    bool heals = !strcmp(step->words, "open");
    struct fleet_fault *fault = heals ? NULL : fault_begin(fleet, step, hit);
    struct ts_err err = {0};

    for (size_t i = 0; i < o->count; i++)
        if (hit[i] && i % o->lanes_a_store == 0 &&
            fault_line_say(fleet->lines[i / o->lanes_a_store],
                           ts_slice_text(step->words), &err) != TS_OK)
            fleet_say(fleet, "line %u: %s", step->line, err.text);
    if (heals) {
        end_all(fleet, FLEET_LINE);
        free(hit);
    } else if (is_passing(step->words)) {
        fault_end(fleet, fault);
    }
}

static void do_kill(struct fleet *fleet, const struct fleet_step *step) {
    struct fleet_fault *fault = fault_begin(fleet, step, pick(fleet, step));

    for (size_t i = 0; i < fleet->options.count; i++) {
        struct vlane_stats stats;
        unsigned wait =
            (unsigned)(mix(fleet->options.seed + (uint64_t)step->line * 7919U +
                           fleet->options.first + i) %
                       (RESTART_MAX_MS - RESTART_MIN_MS));
        if (!fault->lanes[i])
            continue;
        vlane_get_stats(fleet->lanes[i], &stats);
        fault->restarts += stats.powered;
        vlane_kill(fleet->lanes[i], RESTART_MIN_MS + wait);
    }
    if (!fault->restarts)
        fault_end(fleet, fault);
}

static void do_power(struct fleet *fleet, const struct fleet_step *step) {
    bool *hit = pick(fleet, step);

    for (size_t i = 0; i < fleet->options.count; i++)
        if (hit[i] && step->act == FLEET_POWER_OFF)
            vlane_power_off(fleet->lanes[i]);
        else if (hit[i])
            vlane_power_on(fleet->lanes[i],
                           1 + (unsigned)(mix(i + step->line) % 1000));
    if (step->act == FLEET_POWER_OFF) {
        (void)fault_begin(fleet, step, hit);
        return;
    }
    end_all(fleet, FLEET_POWER_OFF);
    free(hit);
}

static void do_plug(struct fleet *fleet, const struct fleet_step *step) {
    bool *hit = pick(fleet, step);

    for (size_t i = 0; i < fleet->options.count; i++)
        if (hit[i])
            vlane_plug(fleet->lanes[i], step->act == FLEET_PLUG);
    if (step->act == FLEET_UNPLUG) {
        (void)fault_begin(fleet, step, hit);
        return;
    }
    end_all(fleet, FLEET_UNPLUG);
    free(hit);
}

static void do_number(struct fleet *fleet, const struct fleet_step *step) {
    bool *hit = pick(fleet, step);

    for (size_t i = 0; i < fleet->options.count; i++) {
        if (!hit[i])
            continue;
        if (step->act == FLEET_CLOCK)
            vlane_step_clock(fleet->lanes[i], (int64_t)step->number);
        else if (step->act == FLEET_BACKLOG)
            vlane_backlog(fleet->lanes[i], (uint64_t)step->number);
        else
            vlane_set_rate(fleet->lanes[i], step->number);
    }
    if (step->act == FLEET_RATE)
        free(hit);
    else
        fault_end(fleet, fault_begin(fleet, step, hit));
}

static void stop_scans(struct fleet *fleet) {
    for (size_t i = 0; i < fleet->options.count; i++)
        vlane_set_rate(fleet->lanes[i], 0);
}

/* Without the descriptors of the lanes: what it starts may outlive us. */
static bool spawn_alone(pid_t *pid, char **argv) {
    posix_spawn_file_actions_t actions;
    bool done;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return false;
    done = posix_spawn_file_actions_addclosefrom_np(&actions,
                                                    STDERR_FILENO + 1) == 0 &&
           posix_spawn(pid, argv[0], &actions, NULL, argv, environ) == 0;
    (void)posix_spawn_file_actions_destroy(&actions);
    return done;
}

static void run_command(struct fleet *fleet, const struct fleet_step *step) {
    char shell[] = "/bin/sh", dash[] = "-c";
    char *argv[] = {shell, dash, step->words, NULL};
    struct fleet_command *command = &fleet->commands[fleet->command_count];

    if (!fleet->options.commands)
        return;
    if (fleet->command_count == FLEET_COMMANDS ||
        !spawn_alone(&command->pid, argv)) {
        fleet_say(fleet, "line %u: the command cannot be started", step->line);
        fleet->commands_failed++;
        return;
    }
    command->step = step;
    fleet->command_count++;
}

void fleet_command_ended(struct fleet *fleet) {
    for (size_t i = 0; i < fleet->command_count; i++) {
        struct fleet_command *command = &fleet->commands[i];
        int result = 0;
        if (!command->pid || waitpid(command->pid, &result, WNOHANG) <= 0)
            continue;
        command->pid = 0;
        if (result) {
            fleet->commands_failed++;
            fleet_say(fleet, "line %u: the command failed: %s",
                      command->step->line, command->step->words);
        }
    }
}

static void do_command(struct fleet *fleet, const struct fleet_step *step) {
    run_command(fleet, step);
    if (step->act == FLEET_BREAK)
        (void)fault_begin(fleet, step, pick(fleet, step));
    else if (step->act == FLEET_MEND)
        end_all(fleet, FLEET_BREAK);
}

void fleet_step(struct fleet *fleet, const struct fleet_step *step) {
    fleet_say(fleet, "%s", step->text);
    switch (step->act) {
    case FLEET_LINE:
        do_line(fleet, step);
        break;
    case FLEET_KILL:
        do_kill(fleet, step);
        break;
    case FLEET_POWER_OFF:
    case FLEET_POWER_ON:
        do_power(fleet, step);
        break;
    case FLEET_UNPLUG:
    case FLEET_PLUG:
        do_plug(fleet, step);
        break;
    case FLEET_CLOCK:
    case FLEET_BACKLOG:
    case FLEET_RATE:
        do_number(fleet, step);
        break;
    case FLEET_STOP:
    case FLEET_UNTIL:
        stop_scans(fleet);
        break;
    case FLEET_BREAK:
    case FLEET_MEND:
    case FLEET_EXEC:
        do_command(fleet, step);
        break;
    }
}
