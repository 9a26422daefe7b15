#include "tools/fault_line.h"

#include "tools/fault_pipe.h"

#include <event2/util.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,
    ACCEPTS = 64, /* a callback */
    NO_DESCRIPTOR_US = 100 * 1000,
    RECEIVE_BYTES = 32 * 1024
};

struct fault_line {
    struct fault_wire wire;
    struct sockaddr_storage at, to;
    socklen_t at_len, to_len;
    int holder; /* keeps the port while nothing listens */
    int listener;
    int filler; /* fills the queue of a listener that must not answer */
    struct event *door, *door_again, *thaw;
};

/* The port stands at the same place for IPv4 and IPv6. */
static uint16_t port_of(const struct sockaddr_storage *at) {
    struct sockaddr_in in = {0};

    memcpy(&in, at, sizeof in);
    return ntohs(in.sin_port);
}

static void close_fd(int *fd) {
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static enum ts_status find_host(struct sockaddr_storage *out, socklen_t *len,
                                const char *host, uint16_t port, int flags,
                                struct ts_err *err) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
    struct addrinfo *found = NULL;
    char service[8];
    int rc;

    (void)snprintf(service, sizeof service, "%u", port);
    rc = getaddrinfo(host, service, &hints, &found);
    if (rc)
        return ts_fail(err, TS_INVALID, "no address for host %s: %s", host,
                       gai_strerror(rc));
    memcpy(out, found->ai_addr, found->ai_addrlen);
    *len = found->ai_addrlen;
    freeaddrinfo(found);
    return TS_OK;
}

static int bind_at(const struct fault_line *line) {
    int bytes = RECEIVE_BYTES;
    int one = 1;
    int fd = socket(line->at.ss_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (bind(fd, (const struct sockaddr *)&line->at, line->at_len) == 0)
        return fd;
    one = errno;
    (void)close(fd);
    errno = one;
    return -1;
}

static enum ts_status fail_listen(const struct fault_line *line,
                                  struct ts_err *err) {
    return ts_fail(err, TS_IO, "cannot listen on port %u: %s",
                   port_of(&line->at), strerror(errno));
}

static void on_door(evutil_socket_t fd, short what, void *arg);

static void door_close(struct fault_line *line) {
    if (line->door)
        event_free(line->door);
    line->door = NULL;
    (void)event_del(line->door_again);
    close_fd(&line->listener);
    close_fd(&line->filler);
}

static enum ts_status door_open(struct fault_line *line, struct ts_err *err) {
    if (line->listener < 0)
        line->listener = bind_at(line);
    if (line->listener < 0 || listen(line->listener, BACKLOG) < 0)
        return fail_listen(line, err);
    if (!line->door)
        line->door = event_new(line->wire.loop, line->listener,
                               EV_READ | EV_PERSIST, on_door, line);
    (void)event_add(line->door, NULL);
    return TS_OK;
}

/* Linux drops a SYN to a listener whose queue is full: the one who dials
 * hears nothing. One connection of our own fills a queue of length 0. */
static enum ts_status door_deafen(struct fault_line *line, struct ts_err *err) {
    enum ts_status status = door_open(line, err);

    if (status != TS_OK || line->filler >= 0)
        return status;
    (void)event_del(line->door);
    line->filler = socket(line->at.ss_family,
                          SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (line->filler < 0 || listen(line->listener, 0) < 0)
        return fail_listen(line, err);
    (void)connect(line->filler, (const struct sockaddr *)&line->at,
                  line->at_len);
    return TS_OK;
}

static enum ts_status door_set(struct fault_line *line, struct ts_err *err) {
    enum fault_mode mode = line->wire.faults.mode;

    if (mode == FAULT_CUT)
        door_close(line);
    else if (mode == FAULT_HALF_OPEN)
        return door_deafen(line, err);
    else
        return door_open(line, err);
    return TS_OK;
}

static void refuse(struct fault_line *line, int fd) {
    struct linger now = {.l_onoff = 1};

    line->wire.counts.refused++;
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    (void)close(fd);
}

static bool is_filler(struct fault_line *line,
                      const struct sockaddr_storage *peer) {
    struct sockaddr_storage own = {0};
    socklen_t len = sizeof own;

    if (line->filler < 0 ||
        getsockname(line->filler, (struct sockaddr *)&own, &len) < 0 ||
        port_of(&own) != port_of(peer))
        return false;
    close_fd(&line->filler);
    return true;
}

static void welcome(struct fault_line *line, int fd) {
    bool portal = line->wire.faults.mode == FAULT_PORTAL;

    line->wire.counts.accepted++;
    if (line->wire.faults.mode == FAULT_REFUSE)
        refuse(line, fd);
    else
        fault_pipe_new(&line->wire, fd,
                       portal ? NULL : (const struct sockaddr *)&line->to,
                       line->to_len);
}

static void on_door(evutil_socket_t door, short what, void *arg) {
    struct fault_line *line = arg;

    (void)what;
    for (int i = 0; i < ACCEPTS; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t len = sizeof peer;
        int fd = accept4(door, (struct sockaddr *)&peer, &len,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 && is_filler(line, &peer)) {
            (void)close(fd);
        } else if (fd >= 0) {
            welcome(line, fd);
        } else if (errno == EMFILE || errno == ENFILE) {
            struct timeval wait = {.tv_usec = NO_DESCRIPTOR_US};
            (void)event_del(line->door);
            (void)event_add(line->door_again, &wait);
            return;
        } else {
            return;
        }
    }
}

static void on_door_again(evutil_socket_t fd, short what, void *arg) {
    struct fault_line *line = arg;

    (void)fd;
    (void)what;
    if (line->door && line->wire.faults.mode != FAULT_HALF_OPEN)
        (void)event_add(line->door, NULL);
}

static void on_thaw(evutil_socket_t fd, short what, void *arg) {
    struct fault_line *line = arg;

    (void)fd;
    (void)what;
    line->wire.frozen = line->wire.faults.mode == FAULT_HALF_OPEN;
    fault_pipes_wake(&line->wire, false, false);
}

static void freeze_set(struct fault_line *line) {
    const struct faults *faults = &line->wire.faults;
    struct timeval wait = {.tv_sec = faults->stall_ms / 1000,
                           .tv_usec =
                               (suseconds_t)(faults->stall_ms % 1000) * 1000};

    if (faults->open)
        (void)event_del(line->thaw);
    if (faults->stall_ms)
        (void)event_add(line->thaw, &wait);
    line->wire.frozen = faults->mode == FAULT_HALF_OPEN ||
                        event_pending(line->thaw, EV_TIMEOUT, NULL);
}

enum ts_status fault_line_say(struct fault_line *line, struct ts_slice words,
                              struct ts_err *err) {
    struct fault_wire *wire = &line->wire;
    enum fault_mode before = wire->faults.mode;
    enum ts_status status = faults_parse(&wire->faults, words, err);
    const struct faults *faults = &wire->faults;

    if (status != TS_OK)
        return status;
    status = door_set(line, err);
    if (faults->open)
        wire->free_us[FAULT_UP] = wire->free_us[FAULT_DOWN] = 0;
    if (faults->reset)
        fault_pipes_close(wire, true);
    else if (faults->mode != before && faults->mode != FAULT_NONE &&
             faults->mode != FAULT_HALF_OPEN)
        fault_pipes_close(wire, false);
    if (faults->mode != FAULT_PORTAL)
        fault_pipes_leave_portal(wire);
    freeze_set(line);
    fault_pipes_wake(wire, faults->open, faults->count_anew);
    return status;
}

static enum ts_status start(struct fault_line *line,
                            const struct fault_line_options *options,
                            struct ts_err *err) {
    enum ts_status status = find_host(
        &line->to, &line->to_len, options->to_host, options->to_port, 0, err);

    if (status == TS_OK)
        status = find_host(&line->at, &line->at_len, options->listen_host,
                           options->listen_port, AI_NUMERICHOST, err);
    if (status != TS_OK)
        return status;
    line->holder = bind_at(line);
    if (line->holder < 0)
        return fail_listen(line, err);
    (void)getsockname(line->holder, (struct sockaddr *)&line->at,
                      &line->at_len);
    return door_open(line, err);
}

enum ts_status fault_line_new(struct fault_line **out, struct event_base *loop,
                              const struct fault_line_options *options,
                              struct ts_err *err) {
    struct fault_line *line = ts_alloc(sizeof *line);
    enum ts_status status;

    line->wire.loop = loop;
    line->wire.faults = faults_none();
    /* Neighbouring seeds must not give neighbouring numbers. */
    line->wire.random = (options->seed + 1) * UINT64_C(0x9E3779B97F4A7C15);
    line->holder = line->listener = line->filler = -1;
    line->door_again = evtimer_new(loop, on_door_again, line);
    line->thaw = evtimer_new(loop, on_thaw, line);
    status = start(line, options, err);
    if (status == TS_OK)
        *out = line;
    else
        fault_line_free(line);
    return status;
}

void fault_line_free(struct fault_line *line) {
    if (!line)
        return;
    fault_pipes_close(&line->wire, false);
    door_close(line);
    close_fd(&line->holder);
    event_free(line->door_again);
    event_free(line->thaw);
    free(line);
}

uint16_t fault_line_port(const struct fault_line *line) {
    return port_of(&line->at);
}

struct fault_line_counts fault_line_counts(const struct fault_line *line) {
    return line->wire.counts;
}
