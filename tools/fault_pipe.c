#include "tools/fault_pipe.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    SEGMENT_BYTES = 1460,
    QUEUE_MAX_BYTES = 64 * 1024, /* under way, each way; then it waits */
    QUEUE_MIN_BYTES = 4 * SEGMENT_BYTES,
    SOCKET_BUFFER_BYTES = 32 * 1024, /* so that thousands stay affordable */
    TURNS = 16,                      /* segments a callback */
    RESEND_MIN_US = 200 * 1000,      /* Linux TCP_RTO_MIN */
    RESENDS_MAX = 8,
    SECOND_US = 1000 * 1000
};

static const char portal_answer[] = "HTTP/1.1 302 Found\r\n"
                                    "Location: http://portal.invalid/login\r\n"
                                    "Content-Length: 0\r\n"
                                    "Connection: close\r\n\r\n";

enum verdict { GO_ON, ENDED, BROKEN };

struct segment {
    struct segment *next;
    int64_t due_us;
    size_t at, len;
    uint8_t bytes[];
};

/* One way through: from the socket `from` to the socket `to`. */
struct flow {
    enum fault_way way;
    struct segment *head, **tail;
    size_t queued;
    int64_t last_due_us;
    uint64_t carried; /* bytes, for cut_after */
    bool ended;       /* nothing more comes */
    bool cut;         /* by cut_after: close when it is empty */
    bool broken;      /* by a reset: the same */
    bool told;        /* the other end knows that it ended */
    struct event *readable, *writable, *timer;
};

struct fault_pipe {
    struct fault_wire *wire;
    struct fault_pipe *next, **place;
    int fd[FAULT_WAYS]; /* the end that its flow reads */
    bool connected;
    bool portal;
    enum verdict verdict;
    struct event *dialed;
    struct flow flows[FAULT_WAYS];
};

static int64_t now_us(void) {
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

/* xorshift64*: the same faults for the same seed. */
static uint64_t random_next(struct fault_wire *wire) {
    uint64_t x = wire->random ? wire->random : 1;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    wire->random = x;
    return x * UINT64_C(2685821657736338717);
}

static bool is_lost(struct fault_wire *wire) {
    bool lost = wire->faults.loss > 0 &&
                (double)(random_next(wire) >> 11) < wire->faults.loss * 0x1p53;

    wire->counts.lost += lost;
    return lost;
}

/* A lost segment comes again after a time-out that doubles at each loss. */
static int64_t resend_us(struct fault_wire *wire) {
    int64_t one = RESEND_MIN_US + (int64_t)wire->faults.delay_ms * 2000;
    int64_t wait = 0;

    for (int i = 0; i < RESENDS_MAX && is_lost(wire); i++, one *= 2)
        wait += one;
    return wait;
}

static int64_t due_us(struct fault_wire *wire, struct flow *flow, size_t len) {
    int64_t due = now_us();
    int64_t *free_us = &wire->free_us[flow->way];

    if (wire->faults.rate) {
        due = due > *free_us ? due : *free_us;
        due += (int64_t)(len * SECOND_US / wire->faults.rate);
        *free_us = due;
    }
    due += (int64_t)wire->faults.delay_ms * 1000 + resend_us(wire);
    if (due < flow->last_due_us)
        due = flow->last_due_us;
    return flow->last_due_us = due;
}

static void spoil(struct fault_wire *wire, uint8_t *bytes, size_t len) {
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(random_next(wire) >> 56);
}

static void put(struct fault_wire *wire, struct flow *flow,
                struct ts_slice bytes) {
    struct segment *segment = ts_alloc(sizeof *segment + bytes.len);

    segment->len = bytes.len;
    memcpy(segment->bytes, bytes.data, bytes.len);
    if (wire->faults.garbage)
        spoil(wire, segment->bytes, bytes.len);
    segment->due_us = due_us(wire, flow, bytes.len);
    *flow->tail = segment;
    flow->tail = &segment->next;
    flow->queued += bytes.len;
    flow->carried += bytes.len;
}

static void drop_first(struct flow *flow) {
    struct segment *segment = flow->head;

    flow->head = segment->next;
    if (!flow->head)
        flow->tail = &flow->head;
    flow->queued -= segment->len;
    free(segment);
}

/* A slow line holds a second of bytes, as a modem does. */
static size_t queue_max(const struct fault_wire *wire) {
    size_t rate = wire->faults.rate;

    if (!rate || rate > QUEUE_MAX_BYTES)
        return QUEUE_MAX_BYTES;
    return rate > QUEUE_MIN_BYTES ? rate : QUEUE_MIN_BYTES;
}

static bool takes_more(const struct fault_pipe *pipe, const struct flow *flow) {
    return pipe->connected && !pipe->wire->frozen && !flow->ended &&
           pipe->fd[flow->way] >= 0 && flow->queued < queue_max(pipe->wire);
}

static void answer_as_portal(struct fault_pipe *pipe) {
    struct flow *down = &pipe->flows[FAULT_DOWN];

    if (down->ended)
        return;
    put(pipe->wire, down, ts_slice_text(portal_answer));
    down->ended = true;
}

/* How much may still pass before cut_after. */
static size_t room(const struct fault_pipe *pipe, const struct flow *flow) {
    uint64_t limit = pipe->wire->faults.cut_after[flow->way];
    uint64_t left = limit > flow->carried ? limit - flow->carried : 0;

    return left < SEGMENT_BYTES ? (size_t)left : SEGMENT_BYTES;
}

static void cut_here(struct fault_pipe *pipe, struct flow *flow) {
    struct faults *faults = &pipe->wire->faults;

    flow->ended = flow->cut = true;
    if (faults->cut_once)
        faults->cut_after[FAULT_UP] = faults->cut_after[FAULT_DOWN] =
            FAULT_NEVER;
}

static bool read_one(struct fault_pipe *pipe, struct flow *flow) {
    uint8_t bytes[SEGMENT_BYTES];
    size_t max = room(pipe, flow);
    ssize_t len;

    if (!max) {
        cut_here(pipe, flow);
        return false;
    }
    len = recv(pipe->fd[flow->way], bytes, max, 0);
    if (len > 0 && pipe->portal)
        answer_as_portal(pipe);
    else if (len > 0)
        put(pipe->wire, flow, ts_slice_of(bytes, (size_t)len));
    else if (len == 0)
        flow->ended = true;
    else if (errno != EAGAIN && errno != EINTR)
        flow->ended = flow->broken = true;
    return len > 0;
}

/* The end that it goes to is no more; what comes from there may still. */
static void abandon(struct flow *flow) {
    while (flow->head)
        drop_first(flow);
    flow->ended = flow->told = true;
}

/* False when the socket is full or gone. */
static bool write_first(struct fault_pipe *pipe, struct flow *flow) {
    struct fault_line_counts *counts = &pipe->wire->counts;
    struct segment *segment = flow->head;
    ssize_t len = send(pipe->fd[!flow->way], segment->bytes + segment->at,
                       segment->len - segment->at, MSG_NOSIGNAL);

    if (len < 0) {
        if (errno != EAGAIN && errno != EINTR)
            abandon(flow);
        return false;
    }
    *(flow->way == FAULT_UP ? &counts->bytes_up : &counts->bytes_down) +=
        (uint64_t)len;
    segment->at += (size_t)len;
    if (segment->at < segment->len)
        return false;
    drop_first(flow);
    return true;
}

static void end_flow(struct fault_pipe *pipe, struct flow *flow) {
    if (flow->cut) {
        pipe->wire->counts.cut++;
        pipe->verdict = ENDED;
    } else if (flow->broken) {
        pipe->verdict = BROKEN;
    } else if (!flow->told && pipe->fd[!flow->way] >= 0) {
        (void)shutdown(pipe->fd[!flow->way], SHUT_WR);
    }
    flow->told = true;
    if (pipe->flows[!flow->way].told && pipe->verdict == GO_ON)
        pipe->verdict = ENDED;
}

static void arm(struct event *event, bool on) {
    if (!event)
        return;
    if (on)
        (void)event_add(event, NULL);
    else
        (void)event_del(event);
}

static void arm_flow(struct fault_pipe *pipe, struct flow *flow) {
    int64_t wait = flow->head ? flow->head->due_us - now_us() : 0;
    bool moves = flow->head && pipe->connected && !pipe->wire->frozen;

    arm(flow->readable, takes_more(pipe, flow));
    arm(flow->writable, moves && wait <= 0);
    if (moves && wait > 0) {
        struct timeval at = {.tv_sec = wait / SECOND_US,
                             .tv_usec = wait % SECOND_US};
        (void)event_add(flow->timer, &at);
    } else {
        (void)event_del(flow->timer);
    }
}

static void pump(struct fault_pipe *pipe, struct flow *flow) {
    for (int i = 0; i < TURNS && takes_more(pipe, flow); i++)
        if (!read_one(pipe, flow))
            break;
    if (!pipe->wire->frozen && pipe->connected)
        while (flow->head && flow->head->due_us <= now_us())
            if (!write_first(pipe, flow))
                break;
    if (flow->ended && !flow->head && !pipe->wire->frozen)
        end_flow(pipe, flow);
}

static void event_drop(struct event *event) {
    if (event)
        event_free(event);
}

static void pipe_close(struct fault_pipe *pipe, bool reset) {
    struct linger now = {.l_onoff = 1};

    *pipe->place = pipe->next;
    if (pipe->next)
        pipe->next->place = pipe->place;
    pipe->wire->counts.open--;
    event_drop(pipe->dialed);
    for (int way = 0; way < FAULT_WAYS; way++) {
        struct flow *flow = &pipe->flows[way];
        event_drop(flow->readable);
        event_drop(flow->writable);
        event_drop(flow->timer);
        while (flow->head)
            drop_first(flow);
    }
    for (int way = 0; way < FAULT_WAYS; way++) {
        if (pipe->fd[way] < 0)
            continue;
        if (reset)
            (void)setsockopt(pipe->fd[way], SOL_SOCKET, SO_LINGER, &now,
                             sizeof now);
        (void)close(pipe->fd[way]);
    }
    free(pipe);
}

/* May free the pipe: the last thing that a callback does. */
static void pipe_step(struct fault_pipe *pipe) {
    pump(pipe, &pipe->flows[FAULT_UP]);
    pump(pipe, &pipe->flows[FAULT_DOWN]);
    if (pipe->verdict != GO_ON) {
        pipe_close(pipe, pipe->verdict == BROKEN);
        return;
    }
    arm_flow(pipe, &pipe->flows[FAULT_UP]);
    arm_flow(pipe, &pipe->flows[FAULT_DOWN]);
}

static void on_event(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    pipe_step(arg);
}

static void on_dialed(evutil_socket_t fd, short what, void *arg) {
    struct fault_pipe *pipe = arg;
    int error = 0;
    socklen_t len = sizeof error;

    (void)what;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error) {
        pipe->wire->counts.refused++;
        pipe_close(pipe, true);
        return;
    }
    pipe->connected = true;
    pipe_step(pipe);
}

static void tune(int fd) {
    int one = 1;
    int bytes = SOCKET_BUFFER_BYTES;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

/* -1 when the kernel says no at once. */
static int dial_far(const struct sockaddr *to, socklen_t to_len) {
    int bytes = SOCKET_BUFFER_BYTES;
    int fd =
        socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    tune(fd);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (connect(fd, to, to_len) == 0 || errno == EINPROGRESS)
        return fd;
    (void)close(fd);
    return -1;
}

static void flow_init(struct fault_pipe *pipe, enum fault_way way) {
    struct event_base *loop = pipe->wire->loop;
    struct flow *flow = &pipe->flows[way];

    flow->way = way;
    flow->tail = &flow->head;
    flow->timer = evtimer_new(loop, on_event, pipe);
    if (pipe->fd[way] >= 0)
        flow->readable = event_new(loop, pipe->fd[way], EV_READ | EV_PERSIST,
                                   on_event, pipe);
    if (pipe->fd[!way] >= 0)
        flow->writable = event_new(loop, pipe->fd[!way], EV_WRITE | EV_PERSIST,
                                   on_event, pipe);
}

static void start(struct fault_pipe *pipe) {
    if (pipe->portal) {
        pipe->connected = true;
        pipe_step(pipe);
        return;
    }
    if (pipe->fd[FAULT_DOWN] < 0) {
        pipe->wire->counts.refused++;
        pipe_close(pipe, true);
        return;
    }
    pipe->dialed = event_new(pipe->wire->loop, pipe->fd[FAULT_DOWN], EV_WRITE,
                             on_dialed, pipe);
    (void)event_add(pipe->dialed, NULL);
}

void fault_pipe_new(struct fault_wire *wire, int fd, const struct sockaddr *to,
                    socklen_t to_len) {
    struct fault_pipe *pipe = ts_alloc(sizeof *pipe);

    pipe->wire = wire;
    pipe->portal = !to;
    pipe->fd[FAULT_UP] = fd;
    pipe->fd[FAULT_DOWN] = to ? dial_far(to, to_len) : -1;
    pipe->next = wire->first;
    pipe->place = &wire->first;
    if (pipe->next)
        pipe->next->place = &pipe->next;
    wire->first = pipe;
    wire->counts.open++;
    tune(fd);
    flow_init(pipe, FAULT_UP);
    flow_init(pipe, FAULT_DOWN);
    start(pipe);
}

void fault_pipes_close(struct fault_wire *wire, bool reset) {
    while (wire->first) {
        wire->counts.cut++;
        pipe_close(wire->first, reset);
    }
}

static void hurry_flow(struct flow *flow) {
    flow->last_due_us = 0;
    for (struct segment *each = flow->head; each; each = each->next)
        each->due_us = 0;
}

void fault_pipes_wake(struct fault_wire *wire, bool hurry, bool anew) {
    struct fault_pipe *next;

    for (struct fault_pipe *pipe = wire->first; pipe; pipe = next) {
        next = pipe->next;
        for (int way = 0; way < FAULT_WAYS; way++) {
            if (hurry)
                hurry_flow(&pipe->flows[way]);
            if (anew)
                pipe->flows[way].carried = 0;
        }
        pipe_step(pipe);
    }
}

void fault_pipes_leave_portal(struct fault_wire *wire) {
    struct fault_pipe *next;

    for (struct fault_pipe *pipe = wire->first; pipe; pipe = next) {
        next = pipe->next;
        if (pipe->portal)
            pipe_close(pipe, false);
    }
}
