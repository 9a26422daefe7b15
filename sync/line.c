#include "sync/line.h"

#include "base/ids.h"
#include "sync/dial.h"
#include "sync/proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    PIPE_BYTES = 16384,
    PIPE_TURNS = 32, /* per callback, so that the lane never waits */
    DRAIN_S = 3
};

enum line_state {
    LINE_DIALING,
    LINE_PROXY,
    LINE_HANDSHAKE,
    LINE_READY, /* up, nobody attached */
    LINE_DATA,  /* both ways */
    LINE_DRAIN, /* our side ended: flush, close_notify */
    LINE_FLUSH, /* the peer ended: the rest to the UNIX side */
    LINE_CLOSED
};

struct flow {
    uint8_t bytes[PIPE_BYTES];
    size_t at, len;
};

struct line {
    struct event_base *loop;
    char *runtime_dir, *proxy_file, *resolv_conf;
    struct broker_address broker, proxy_at;
    bool by_proxy;
    struct tls *tls;
    struct line_events events;
    enum line_state state;
    struct ts_err reason;
    struct dial *dial;
    struct proxy *proxy; /* while it is asked */
    int tcp, local;
    bool tcp_blocked; /* a write waits for the socket */
    uint64_t bytes_in, bytes_out;
    struct flow up, down; /* towards the broker, towards us */
    struct event *tcp_read, *tcp_write, *local_read, *local_write;
    struct event *timer, *again;
};

static void step(struct line *line);

static void arm(struct event *event, bool on) {
    if (on)
        (void)event_add(event, NULL);
    else
        (void)event_del(event);
}

static void drop(struct event **event) {
    if (*event)
        event_free(*event);
    *event = NULL;
}

static void close_fd(int *fd) {
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static void shut(struct line *line) {
    dial_free(line->dial);
    line->dial = NULL;
    proxy_free(line->proxy);
    line->proxy = NULL;
    drop(&line->tcp_read);
    drop(&line->tcp_write);
    drop(&line->local_read);
    drop(&line->local_write);
    (void)event_del(line->timer);
    (void)event_del(line->again);
    if (line->tls)
        tls_end(line->tls);
    close_fd(&line->tcp);
    close_fd(&line->local);
    line->state = LINE_CLOSED;
}

static void closed(struct line *line) {
    if (line->state == LINE_CLOSED)
        return;
    shut(line);
    line->events.on_closed(line->events.ctx, &line->reason);
}

static const struct broker_address *dialled(const struct line *line) {
    return line->by_proxy ? &line->proxy_at : &line->broker;
}

static void describe_wait(struct line *line) {
    const struct broker_address *to = dialled(line);
    const char *proxy = line->by_proxy ? "proxy " : "";

    if (line->state == LINE_DIALING)
        (void)ts_fail(&line->reason, TS_CLOSED, "%s%s port %u: %s", proxy,
                      to->host, to->port, dial_stage(line->dial));
    else if (line->state == LINE_PROXY)
        (void)ts_fail(&line->reason, TS_CLOSED,
                      "proxy %s port %u: connected, but no whole answer to "
                      "CONNECT; check that this is the proxy's port, and the "
                      "way from it to %s port %u",
                      to->host, to->port, line->broker.host, line->broker.port);
    else if (line->state == LINE_HANDSHAKE)
        (void)ts_fail(&line->reason, TS_CLOSED,
                      "%s port %u: connected, but no answer in the TLS "
                      "handshake; check that this port is the broker's TLS "
                      "listener",
                      line->broker.host, line->broker.port);
}

static void on_timer(evutil_socket_t fd, short what, void *arg) {
    struct line *line = arg;

    (void)fd;
    (void)what;
    describe_wait(line);
    closed(line);
}

static void on_step(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    step(arg);
}

static void ready(struct line *line) {
    line->state = LINE_READY;
    (void)event_del(line->timer);
    arm(line->tcp_read, false);
    arm(line->tcp_write, false);
    line->events.on_ready(line->events.ctx);
}

static void handshake(struct line *line) {
    enum ts_status status = tls_handshake(line->tls, &line->reason);

    if (status == TS_OK) {
        ready(line);
    } else if (status == TS_AGAIN) {
        bool wants_write = tls_wants_write(line->tls);
        arm(line->tcp_read, !wants_write);
        arm(line->tcp_write, wants_write);
    } else {
        (void)ts_wrap(&line->reason, "%s port %u", line->broker.host,
                      line->broker.port);
        closed(line);
    }
}

static void begin(struct line *line) {
    if (!line->tls) {
        ready(line);
        return;
    }
    line->state = LINE_HANDSHAKE;
    if (tls_begin(line->tls, line->tcp, &line->reason) == TS_OK)
        handshake(line);
    else
        closed(line);
}

static void proxy_failed(struct line *line) {
    (void)ts_wrap(&line->reason, "proxy %s port %u", line->proxy_at.host,
                  line->proxy_at.port);
    closed(line);
}

static void ask_proxy(struct line *line) {
    enum ts_status status = proxy_step(line->proxy, line->tcp, &line->reason);

    if (status == TS_OK) {
        begin(line);
    } else if (status == TS_AGAIN) {
        arm(line->tcp_read, !proxy_wants_write(line->proxy));
        arm(line->tcp_write, proxy_wants_write(line->proxy));
    } else {
        proxy_failed(line);
    }
}

static void begin_proxy(struct line *line) {
    line->state = LINE_PROXY;
    if (proxy_new(&line->proxy, &line->broker, line->proxy_file,
                  &line->reason) == TS_OK)
        ask_proxy(line);
    else
        proxy_failed(line);
}

static void on_dialed(void *ctx, int fd, const struct ts_err *err) {
    struct line *line = ctx;
    const short persist = EV_PERSIST;

    dial_free(line->dial);
    line->dial = NULL;
    if (fd < 0) {
        line->reason = *err;
        if (line->by_proxy)
            (void)ts_wrap(&line->reason, "proxy");
        closed(line);
        return;
    }
    line->tcp = fd;
    line->tcp_read =
        event_new(line->loop, fd, EV_READ | persist, on_step, line);
    line->tcp_write =
        event_new(line->loop, fd, EV_WRITE | persist, on_step, line);
    if (line->by_proxy)
        begin_proxy(line);
    else
        begin(line);
}

static void start_dial(struct line *line, unsigned first) {
    const struct broker_address *to = dialled(line);
    struct dial_options options = {.host = to->host,
                                   .port = to->port,
                                   .first = first,
                                   .resolv_conf = line->resolv_conf};

    line->dial = dial_new(line->loop, &options, on_dialed, line);
}

struct line *line_open(struct event_base *loop,
                       const struct line_options *options,
                       const struct line_events *events) {
    struct line *line = ts_alloc(sizeof *line);
    struct timeval limit = {
        .tv_sec = options->connect_timeout_ms / 1000,
        .tv_usec = (suseconds_t)(options->connect_timeout_ms % 1000) * 1000};

    line->loop = loop;
    line->runtime_dir = ts_strdup(options->runtime_dir);
    line->broker = *options->broker;
    line->by_proxy = options->proxy;
    if (options->proxy)
        line->proxy_at = *options->proxy;
    if (options->resolv_conf)
        line->resolv_conf = ts_strdup(options->resolv_conf);
    if (options->proxy_file)
        line->proxy_file = ts_strdup(options->proxy_file);
    line->tls = options->tls;
    line->events = *events;
    line->tcp = line->local = -1;
    line->timer = evtimer_new(loop, on_timer, line);
    line->again = evtimer_new(loop, on_step, line);
    (void)evtimer_add(line->timer, &limit);
    (void)ts_fail(&line->reason, TS_CLOSED, "the connection was closed");
    start_dial(line, options->first);
    return line;
}

void line_free(struct line *line) {
    if (!line)
        return;
    if (line->state != LINE_CLOSED)
        shut(line);
    event_free(line->timer);
    event_free(line->again);
    free(line->runtime_dir);
    free(line->proxy_file);
    free(line->resolv_conf);
    free(line);
}

static enum ts_status wire_read(struct line *line, size_t *got) {
    ssize_t n;

    if (line->tls)
        return tls_read(line->tls, line->down.bytes, PIPE_BYTES, got,
                        &line->reason);
    n = recv(line->tcp, line->down.bytes, PIPE_BYTES, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return TS_AGAIN;
    if (n <= 0)
        return ts_fail(&line->reason, TS_CLOSED, "%s",
                       n ? "the connection was cut"
                         : "the broker closed the connection");
    line->bytes_in += (uint64_t)n;
    *got = (size_t)n;
    return TS_OK;
}

static enum ts_status wire_write(struct line *line, struct ts_slice bytes,
                                 size_t *sent) {
    ssize_t n;

    if (line->tls)
        return tls_write(line->tls, bytes, sent, &line->reason);
    n = send(line->tcp, bytes.data, bytes.len, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return TS_AGAIN;
    if (n < 0)
        return ts_fail(&line->reason, TS_CLOSED, "the connection was cut");
    line->bytes_out += (uint64_t)n;
    *sent = (size_t)n;
    return TS_OK;
}

static void peer_gone(struct line *line) {
    struct timeval limit = {.tv_sec = DRAIN_S};

    if (line->state != LINE_DATA) {
        line->state = LINE_FLUSH;
        return;
    }
    line->state = LINE_FLUSH;
    line->up.len = line->up.at = 0;
    (void)evtimer_add(line->timer, &limit);
}

static void local_gone(struct line *line) {
    struct timeval limit = {.tv_sec = DRAIN_S};

    line->state = LINE_DRAIN;
    line->down.len = line->down.at = 0;
    (void)evtimer_add(line->timer, &limit);
}

static bool local_fill(struct line *line) {
    ssize_t n = recv(line->local, line->up.bytes, PIPE_BYTES, 0);

    if (n > 0) {
        line->up.at = 0;
        line->up.len = (size_t)n;
        return true;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        local_gone(line);
    return false;
}

/* Both return true when something moved. */
static bool move_up(struct line *line) {
    size_t sent = 0;
    enum ts_status status;

    if (line->state != LINE_DATA && line->state != LINE_DRAIN)
        return false;
    if (line->up.at == line->up.len &&
        (line->state == LINE_DRAIN || !local_fill(line)))
        return false;
    status = wire_write(
        line,
        ts_slice_of(line->up.bytes + line->up.at, line->up.len - line->up.at),
        &sent);
    line->tcp_blocked = status == TS_AGAIN;
    if (status == TS_OK)
        line->up.at += sent;
    else if (status != TS_AGAIN)
        peer_gone(line);
    return status == TS_OK;
}

static bool wire_fill(struct line *line) {
    size_t got = 0;
    enum ts_status status = wire_read(line, &got);

    if (status == TS_OK) {
        line->down.at = 0;
        line->down.len = got;
        return true;
    }
    if (status != TS_AGAIN)
        peer_gone(line);
    return false;
}

static bool move_down(struct line *line) {
    ssize_t n;

    if (line->state != LINE_DATA && line->state != LINE_FLUSH)
        return false;
    if (line->down.at == line->down.len &&
        (line->state == LINE_FLUSH || !wire_fill(line)))
        return false;
    n = send(line->local, line->down.bytes + line->down.at,
             line->down.len - line->down.at, MSG_NOSIGNAL);
    if (n >= 0) {
        line->down.at += (size_t)n;
        return true;
    }
    if (errno != EAGAIN && errno != EINTR)
        local_gone(line);
    return false;
}

static bool finished(struct line *line) {
    if (line->state == LINE_FLUSH)
        return line->down.at == line->down.len;
    if (line->state != LINE_DRAIN || line->up.at < line->up.len)
        return false;
    line->tcp_blocked = line->tls && tls_close_notify(line->tls) == TS_AGAIN;
    return !line->tcp_blocked;
}

static void arm_all(struct line *line) {
    bool data = line->state == LINE_DATA;
    bool down_held = line->down.at < line->down.len;

    arm(line->tcp_read, data && !down_held);
    arm(line->tcp_write, line->tcp_blocked);
    arm(line->local_read, data && line->up.at == line->up.len);
    arm(line->local_write, down_held && line->state != LINE_DRAIN);
}

static void pump(struct line *line) {
    bool moved = true;

    for (int turn = 0; moved && turn < PIPE_TURNS; turn++) {
        moved = move_up(line);
        moved |= move_down(line);
    }
    if (finished(line)) {
        closed(line);
        return;
    }
    arm_all(line);
    if (moved)
        event_active(line->again, 0, 0);
}

static void step(struct line *line) {
    if (line->state == LINE_PROXY)
        ask_proxy(line);
    else if (line->state == LINE_HANDSHAKE)
        handshake(line);
    else if (line->state > LINE_READY && line->state < LINE_CLOSED)
        pump(line);
}

void line_flush(struct line *line) {
    if (line->state > LINE_READY && line->state < LINE_CLOSED)
        pump(line);
}

/* The folder must be ours alone: whoever can reach the name could connect. */
static enum ts_status open_folder(const char *path, int *fd,
                                  struct ts_err *err) {
    struct stat info;

    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return ts_fail(err, TS_IO, "runtime_dir %s cannot be made: %s", path,
                       strerror(errno));
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (*fd < 0)
        return ts_fail(err, TS_IO, "runtime_dir %s cannot be opened: %s", path,
                       strerror(errno));
    if (fstat(*fd, &info) < 0 || info.st_uid != geteuid() ||
        (info.st_mode & 077)) {
        close_fd(fd);
        return ts_fail(err, TS_DENIED,
                       "runtime_dir %s must belong to this user with mode "
                       "0700; run chmod 700 on it",
                       path);
    }
    return TS_OK;
}

static int listen_at(struct sockaddr_un *address, int folder) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    char name[17];
    mode_t old;
    int rc;

    if (fd < 0)
        return -1;
    ts_random_hex(name, 16);
    address->sun_family = AF_UNIX;
    /* The folder's own path may be longer than a socket address holds. */
    (void)snprintf(address->sun_path, sizeof address->sun_path,
                   "/proc/self/fd/%d/%s", folder, name);
    old = umask(0177);
    rc = bind(fd, (struct sockaddr *)address, sizeof *address);
    (void)umask(old);
    if (rc == 0 && listen(fd, 1) == 0)
        return fd;
    rc = errno;
    (void)close(fd);
    errno = rc;
    return -1;
}

static bool is_ourselves(int fd) {
    struct ucred peer = {0};
    socklen_t len = sizeof peer;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           peer.pid == getpid();
}

static enum ts_status accept_own(struct line *line, int listener,
                                 struct ts_err *err) {
    line->local = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (line->local < 0)
        return ts_fail(err, TS_IO, "socket in runtime_dir %s: %s",
                       line->runtime_dir, strerror(errno));
    if (is_ourselves(line->local))
        return TS_OK;
    close_fd(&line->local);
    return ts_fail(err, TS_DENIED,
                   "another process connected to our socket in %s; find out "
                   "who can enter this folder",
                   line->runtime_dir);
}

static void start_data(struct line *line) {
    const short persist = EV_PERSIST;

    line->local_read =
        event_new(line->loop, line->local, EV_READ | persist, on_step, line);
    line->local_write =
        event_new(line->loop, line->local, EV_WRITE | persist, on_step, line);
    line->state = LINE_DATA;
    event_active(line->again, 0, 0);
}

enum ts_status line_attach(struct line *line,
                           int (*connect_to)(void *arg, const char *path),
                           void *arg, struct ts_err *err) {
    struct sockaddr_un address = {0};
    int folder = -1;
    int listener;
    enum ts_status status = open_folder(line->runtime_dir, &folder, err);

    if (status != TS_OK)
        return status;
    listener = listen_at(&address, folder);
    if (listener < 0) {
        status = ts_fail(err, TS_IO, "no socket can be made in %s: %s",
                         line->runtime_dir, strerror(errno));
    } else if (connect_to(arg, address.sun_path)) {
        status = ts_fail(err, TS_IO, "the MQTT client cannot use %s",
                         line->runtime_dir);
    } else {
        status = accept_own(line, listener, err);
    }
    if (listener >= 0) {
        (void)unlink(address.sun_path);
        (void)close(listener);
    }
    close_fd(&folder);
    if (status == TS_OK)
        start_data(line);
    return status;
}

uint64_t line_bytes_in(const struct line *line) { return line->bytes_in; }
uint64_t line_bytes_out(const struct line *line) { return line->bytes_out; }
