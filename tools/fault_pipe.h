/* One connection through a faulty line: two sockets and what is under way
 * between them. */
#ifndef TS_TOOLS_FAULT_PIPE_H
#define TS_TOOLS_FAULT_PIPE_H

#include "tools/fault_line.h"
#include "tools/fault_words.h"

#include <sys/socket.h>

struct fault_pipe;

/* What all connections of a line share. */
struct fault_wire {
    struct event_base *loop;
    struct faults faults;
    bool frozen;                 /* nothing moves */
    int64_t free_us[FAULT_WAYS]; /* when the rate lets the next byte go */
    uint64_t random;
    struct fault_line_counts counts;
    struct fault_pipe *first;
};

/* `fd` is non-blocking and taken, whatever is answered; `to` NULL: a captive
 * portal answers. */
void fault_pipe_new(struct fault_wire *wire, int fd, const struct sockaddr *to,
                    socklen_t to_len);
/* Ends all of a wire. `reset`: with RST and not with FIN. */
void fault_pipes_close(struct fault_wire *wire, bool reset);
/* After any change of the wire's faults. `hurry`: what is under way arrives
 * now. `anew`: bytes count from here for cut_after. */
void fault_pipes_wake(struct fault_wire *wire, bool hurry, bool anew);
/* Ends those that talk to the portal. */
void fault_pipes_leave_portal(struct fault_wire *wire);

#endif
