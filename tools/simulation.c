#include "tools/simulation.h"

#include "base/time.h"
#include "tools/pty.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    TURN_MS = 20,     /* how often a closed port is looked at */
    COOKED_MS = 1000, /* a host that stays in line mode is taken as it is */
    PIECES_A_SECOND = 100
};

struct simulation {
    struct simulation_options options;
    struct simulation_counts counts;
    struct pty pty;
    int64_t cooked_since; /* 0: not in that state */
    int64_t next_ms;      /* with a rate: when the next piece may go */
};

static int64_t now_ms(void) { return ts_clock_mono(ts_clock_system()).ms; }

static bool stopped(const struct simulation *simulation) {
    return simulation->options.stop && *simulation->options.stop;
}

enum ts_status simulation_new(struct simulation **out,
                              const struct simulation_options *options,
                              struct ts_err *err) {
    struct simulation *simulation = ts_alloc(sizeof *simulation);

    simulation->options = *options;
    enum ts_status status = pty_plug(&simulation->pty, options->link, err);
    if (status != TS_OK) {
        free(simulation);
        return status;
    }
    *out = simulation;
    return TS_OK;
}

void simulation_free(struct simulation *simulation) {
    if (!simulation)
        return;
    pty_unplug(&simulation->pty);
    free(simulation);
}

const char *simulation_path(const struct simulation *simulation) {
    return simulation->options.link ? simulation->options.link
                                    : simulation->pty.slave;
}

const struct simulation_counts *
simulation_counts(const struct simulation *simulation) {
    return &simulation->counts;
}

static void host_read(struct simulation *simulation) {
    uint8_t bytes[512];
    char hex[2 * sizeof bytes + 1];
    ssize_t len = read(simulation->pty.master, bytes, sizeof bytes);

    if (len <= 0)
        return;
    simulation->counts.host_writes++;
    simulation->counts.host_bytes += (uint64_t)len;
    if (!simulation->options.echo)
        return;
    ts_hex(hex, ts_slice_of(bytes, (size_t)len));
    (void)fprintf(simulation->options.echo, "< %s\n", hex);
    (void)fflush(simulation->options.echo);
}

/* The host has the port, in the mode that it wants. */
static bool host_ready(struct simulation *simulation) {
    enum pty_host host = pty_host(&simulation->pty);

    if (host != PTY_HOST_COOKED) {
        simulation->cooked_since = 0;
        return host == PTY_HOST_READY;
    }
    if (!simulation->cooked_since)
        simulation->cooked_since = now_ms();
    return now_ms() - simulation->cooked_since >= COOKED_MS;
}

/* One turn of waiting; true when `input` is readable. */
static bool turn(struct simulation *simulation, int input, bool want_write,
                 int64_t ms) {
    struct pollfd fds[2] = {{.fd = input, .events = POLLIN},
                            {.fd = -1, .events = POLLIN}};

    /* A closed pty is always "ready": leave it out and look again soon. What
     * the host said before it went is heard all the same. */
    if (pty_host(&simulation->pty) == PTY_HOST_GONE) {
        host_read(simulation);
    } else {
        fds[1].fd = simulation->pty.master;
        if (want_write)
            fds[1].events |= POLLOUT;
    }
    if (poll(fds, 2, (int)(ms < TURN_MS ? ms : TURN_MS)) <= 0)
        return false;
    if (fds[1].revents & POLLIN)
        host_read(simulation);
    return fds[0].revents != 0;
}

bool simulation_listen(struct simulation *simulation, int input, int64_t ms) {
    int64_t end = now_ms() + ms;

    for (int64_t left = ms; left > 0 && !stopped(simulation);
         left = end - now_ms()) {
        if (turn(simulation, input, false, left))
            return true;
    }
    return false;
}

static size_t piece_len(const struct simulation *simulation, size_t left) {
    size_t rate = simulation->options.rate;
    size_t piece = rate < PIECES_A_SECOND ? 1 : rate / PIECES_A_SECOND;
    return rate && piece < left ? piece : left;
}

/* Bytes gone to the host or lost; 0: try again. */
static size_t piece_send(struct simulation *simulation, struct ts_slice bytes) {
    size_t len = piece_len(simulation, bytes.len);
    ssize_t sent = simulation->pty.master < 0
                       ? -1
                       : write(simulation->pty.master, bytes.data, len);

    if (sent < 0 && (errno == EAGAIN || errno == EINTR) &&
        simulation->pty.master >= 0)
        return 0;
    if (sent < 0) {
        simulation->counts.lost_bytes += len;
        return len;
    }
    simulation->counts.sent_bytes += (uint64_t)sent;
    if (simulation->options.rate)
        simulation->next_ms =
            now_ms() + sent * 1000 / (int64_t)simulation->options.rate;
    return (size_t)sent;
}

static void send_all(struct simulation *simulation, struct ts_slice bytes) {
    while (bytes.len && !stopped(simulation)) {
        int64_t wait_ms = simulation->next_ms - now_ms();
        size_t sent = 0;
        if (simulation->options.wait_host && !host_ready(simulation))
            wait_ms = TURN_MS;
        if (wait_ms <= 0)
            sent = piece_send(simulation, bytes);
        bytes.data += sent;
        bytes.len -= sent;
        if (sent == 0)
            (void)turn(simulation, -1, wait_ms <= 0,
                       wait_ms > 0 ? wait_ms : TURN_MS);
    }
    simulation->counts.sends++;
}

enum ts_status simulation_play(struct simulation *simulation,
                               const struct capture_step *step,
                               struct ts_err *err) {
    switch (step->what) {
    case CAPTURE_SEND:
        send_all(simulation, ts_buf_slice(&step->bytes));
        return TS_OK;
    case CAPTURE_WAIT:
        (void)simulation_listen(simulation, -1, step->wait_ms);
        return TS_OK;
    case CAPTURE_UNPLUG:
        simulation->counts.unplugs += simulation->pty.master >= 0;
        pty_unplug(&simulation->pty);
        return TS_OK;
    case CAPTURE_PLUG:
        if (simulation->pty.master >= 0)
            return TS_OK;
        return pty_plug(&simulation->pty, simulation->options.link, err);
    default:
        return TS_OK; /* what a replay checks is nothing to play */
    }
}
