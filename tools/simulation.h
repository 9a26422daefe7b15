/* A reader played on a pty from the steps of a capture. */
#ifndef TS_TOOLS_SIMULATION_H
#define TS_TOOLS_SIMULATION_H

#include "tools/capture.h"

#include <stdio.h>

struct simulation_options {
    const char *link;         /* symbolic link to the pty, or NULL */
    unsigned rate;            /* bytes a second; 0: as fast as the host reads */
    bool wait_host;           /* send only while a host has the port open */
    FILE *echo;               /* each piece the host writes, "< 07"; or NULL */
    const volatile int *stop; /* set by a signal: end early */
};

struct simulation_counts {
    uint64_t sends;
    uint64_t sent_bytes;
    uint64_t lost_bytes; /* sent while no host had the port open */
    uint64_t host_bytes;
    uint64_t host_writes;
    uint64_t unplugs;
};

struct simulation;

enum ts_status simulation_new(struct simulation **out,
                              const struct simulation_options *options,
                              struct ts_err *err) TS_MUST_USE;
void simulation_free(struct simulation *simulation);
/* The path that a host opens: the link, or the pty itself. */
const char *simulation_path(const struct simulation *simulation);
/* Returns when the step is done, or when `stop` is set. */
enum ts_status simulation_play(struct simulation *simulation,
                               const struct capture_step *step,
                               struct ts_err *err) TS_MUST_USE;
/* Listens to the host; returns after `ms`, or earlier when `input` (a
 * descriptor, or -1) is readable: then true. */
bool simulation_listen(struct simulation *simulation, int input, int64_t ms);
const struct simulation_counts *
simulation_counts(const struct simulation *simulation);

#endif
