/* A TCP line between two ends that can be cut, slow, lossy or lying. What a
 * real line does to a program, without one: the kernel's TCP stays whole on
 * both sides, so a lost segment shows as what it does to a stream. */
#ifndef TS_TOOLS_FAULT_LINE_H
#define TS_TOOLS_FAULT_LINE_H

#include "base/bytes.h"

#include <event2/event.h>

struct fault_line;

/* Borrowed for the call. */
struct fault_line_options {
    const char *listen_host; /* numeric */
    uint16_t listen_port;    /* 0: any free one */
    const char *to_host;     /* looked up once, at the start, and waited for */
    uint16_t to_port;
    uint64_t seed; /* of what is lost and of garbage */
};

struct fault_line_counts {
    uint64_t accepted;
    /* Accepted and reset at once: "refuse", or nothing listens at `to`. What
     * "cut" makes the kernel refuse is not seen here. */
    uint64_t refused;
    uint64_t cut;                  /* closed by a fault */
    uint64_t lost;                 /* segments, each time that one is */
    uint64_t bytes_up, bytes_down; /* delivered; up: from who connected */
    uint64_t open;                 /* connections that stand now */
};

enum ts_status fault_line_new(struct fault_line **out, struct event_base *loop,
                              const struct fault_line_options *options,
                              struct ts_err *err) TS_MUST_USE;
/* Closes all connections. */
void fault_line_free(struct fault_line *line);
/* Where it listens; the port stays its own while it is cut. */
uint16_t fault_line_port(const struct fault_line *line);
/* Words of tools/fault_words.h, in force when it returns. Not within a
 * callback of this line. */
enum ts_status fault_line_say(struct fault_line *line, struct ts_slice words,
                              struct ts_err *err) TS_MUST_USE;
struct fault_line_counts fault_line_counts(const struct fault_line *line);

#endif
