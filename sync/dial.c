#include "sync/dial.h"

#include <event2/dns.h>
#include <event2/util.h>

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A look-up outlives its dial when that is cancelled: evdns answers later. */
struct lookup {
    struct dial *dial; /* NULL: cancelled */
    struct event_base *loop;
    struct evdns_base *dns; /* taken over when cancelled */
};

/* A connection under way. */
struct attempt {
    struct dial *dial;
    int fd; /* -1: none, or over */
    struct event *writable;
};

struct dial {
    struct event_base *loop;
    char *host, *resolv_conf;
    char asks[TS_ERR_TEXT / 2]; /* what it says while it looks up */
    uint16_t port;
    unsigned first;
    dial_done *done;
    void *ctx;
    struct event *step;  /* runs the next step out of foreign callbacks */
    struct event *limit; /* of the look-up, then the head start */
    struct lookup *lookup;
    struct evdns_base *dns;
    struct evdns_getaddrinfo_request *request;
    struct evutil_addrinfo *found;
    const struct evutil_addrinfo *order[DIAL_ADDRESSES_MAX];
    size_t count, next, under_way;
    struct attempt attempts[DIAL_ADDRESSES_MAX];
    bool over;
    struct ts_err err;
};

static void schedule(struct dial *dial) { event_active(dial->step, 0, 0); }

static void limit_ms(struct dial *dial, unsigned ms) {
    struct timeval wait = {.tv_sec = ms / 1000,
                           .tv_usec = (suseconds_t)(ms % 1000) * 1000};

    (void)evtimer_add(dial->limit, &wait);
}

static void attempt_close(struct attempt *attempt) {
    if (attempt->writable)
        event_free(attempt->writable);
    attempt->writable = NULL;
    if (attempt->fd < 0)
        return;
    (void)close(attempt->fd);
    attempt->fd = -1;
    attempt->dial->under_way--;
}

static void fail_connect(struct dial *dial, int error) {
    const char *help = "check the network and that the broker runs";

    if (error == ECONNREFUSED)
        help = "nothing listens there: check that the broker runs, and the "
               "port";
    (void)ts_fail(&dial->err, TS_CLOSED, "%s port %u: %s; %s", dial->host,
                  dial->port, strerror(error), help);
}

/* The others are of no use any more. `fd` is -1 for none. */
static void finish(struct dial *dial, int fd) {
    struct ts_err err = dial->err;

    (void)event_del(dial->limit);
    (void)event_del(dial->step);
    for (size_t i = 0; i < dial->count; i++)
        attempt_close(&dial->attempts[i]);
    dial->over = true;
    dial->done(dial->ctx, fd, &err);
}

static void on_writable(evutil_socket_t fd, short what, void *arg) {
    struct attempt *attempt = arg;
    struct dial *dial = attempt->dial;
    int error = 0;
    socklen_t len = sizeof error;

    (void)what;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    if (!error) {
        attempt->fd = -1;
        attempt_close(attempt);
        finish(dial, fd);
        return;
    }
    fail_connect(dial, error);
    attempt_close(attempt);
    schedule(dial);
}

/* True when a connect is under way. */
static bool attempt_start(struct attempt *attempt,
                          const struct evutil_addrinfo *to) {
    struct dial *dial = attempt->dial;
    int one = 1;

    attempt->fd =
        socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (attempt->fd < 0) {
        fail_connect(dial, errno);
        return false;
    }
    dial->under_way++;
    (void)setsockopt(attempt->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(attempt->fd, to->ai_addr, (socklen_t)to->ai_addrlen) < 0 &&
        errno != EINPROGRESS) {
        fail_connect(dial, errno);
        attempt_close(attempt);
        return false;
    }
    attempt->writable =
        event_new(dial->loop, attempt->fd, EV_WRITE, on_writable, attempt);
    (void)event_add(attempt->writable, NULL);
    return true;
}

/* The next address, beside those that still wait for an answer. */
static void on_step(evutil_socket_t fd, short what, void *arg) {
    struct dial *dial = arg;

    (void)fd;
    (void)what;
    while (dial->next < dial->count) {
        size_t at = dial->next++;
        if (attempt_start(&dial->attempts[at], dial->order[at])) {
            limit_ms(dial, DIAL_HEAD_START_MS);
            return;
        }
    }
    if (!dial->under_way)
        finish(dial, -1);
}

static void on_limit(evutil_socket_t fd, short what, void *arg) {
    struct dial *dial = arg;

    if (!dial->lookup) {
        if (dial->next < dial->count)
            on_step(fd, what, arg);
        return;
    }
    (void)ts_fail(&dial->err, TS_CLOSED, "%s port %u: %s", dial->host,
                  dial->port, dial_stage(dial));
    finish(dial, -1);
}

/* The first that is left of `family`, or of the other. */
static size_t pick(const struct evutil_addrinfo *const *left, size_t count,
                   int family) {
    size_t any = count;

    for (size_t i = count; i-- > 0;)
        if (left[i])
            any = i;
    for (size_t i = 0; i < count; i++)
        if (left[i] && left[i]->ai_family == family)
            return i;
    return any;
}

/* The two families in turn, so that one without a way out costs a head start
 * at most. */
static void set_order(struct dial *dial) {
    const struct evutil_addrinfo *left[DIAL_ADDRESSES_MAX] = {NULL};
    int family = dial->found ? dial->found->ai_family : 0;

    for (const struct evutil_addrinfo *at = dial->found;
         at && dial->count < DIAL_ADDRESSES_MAX; at = at->ai_next)
        left[dial->count++] = at;
    for (size_t i = 0; i < dial->count; i++) {
        size_t from = pick(left, dial->count, family);
        assert(from < dial->count && left[from] && "as many as are left");
        size_t to = i + dial->count - dial->first % dial->count;
        dial->order[to % dial->count] = left[from];
        family = left[from]->ai_family == AF_INET ? AF_INET6 : AF_INET;
        left[from] = NULL;
    }
}

/* evdns still works on its base while it answers a cancelled look-up. */
static void free_dns(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    evdns_base_free(arg, 0);
}

static void on_found(int rc, struct evutil_addrinfo *found, void *arg) {
    struct lookup *lookup = arg;
    struct dial *dial = lookup->dial;

    if (!dial) {
        struct timeval now = {0};
        if (found)
            evutil_freeaddrinfo(found);
        (void)event_base_once(lookup->loop, -1, EV_TIMEOUT, free_dns,
                              lookup->dns, &now);
        free(lookup);
        return;
    }
    free(lookup);
    dial->lookup = NULL;
    dial->request = NULL;
    dial->found = found;
    (void)event_del(dial->limit);
    set_order(dial);
    if (rc)
        (void)ts_fail(&dial->err, TS_INVALID,
                      "no address for host %s (%s); check the name, and DNS or "
                      "/etc/hosts",
                      dial->host, evutil_gai_strerror(rc));
    if (!dial->over)
        schedule(dial);
}

static void look_up(struct dial *dial) {
    struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_protocol = IPPROTO_TCP,
                                    .ai_flags = EVUTIL_AI_ADDRCONFIG};
    uint8_t address[16];
    char port[8];
    struct evdns_getaddrinfo_request *request;

    /* An address as it was given is tried, whatever the machine's own are. */
    if (inet_pton(AF_INET6, dial->host, address) == 1)
        hints.ai_flags = EVUTIL_AI_NUMERICHOST;

    (void)snprintf(port, sizeof port, "%u", dial->port);
    /* Read at each connection: DHCP may have changed the servers. */
    dial->dns = evdns_base_new(dial->loop, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    (void)evdns_base_resolv_conf_parse(dial->dns, DNS_OPTIONS_ALL,
                                       dial->resolv_conf);
    /* A lost packet is asked for again within the limit. */
    (void)evdns_base_set_option(dial->dns, "timeout:", "2");
    limit_ms(dial, DIAL_LOOKUP_MS);
    dial->lookup = ts_alloc(sizeof *dial->lookup);
    dial->lookup->dial = dial;
    dial->lookup->loop = dial->loop;
    dial->lookup->dns = dial->dns;
    request = evdns_getaddrinfo(dial->dns, dial->host, port, &hints, on_found,
                                dial->lookup);
    if (dial->lookup)
        dial->request = request;
}

struct dial *dial_new(struct event_base *loop,
                      const struct dial_options *options, dial_done *done,
                      void *ctx) {
    struct dial *dial = ts_alloc(sizeof *dial);

    dial->loop = loop;
    dial->host = ts_strdup(options->host);
    dial->resolv_conf = ts_strdup(options->resolv_conf ? options->resolv_conf
                                                       : "/etc/resolv.conf");
    (void)snprintf(dial->asks, sizeof dial->asks,
                   "no answer from DNS; check the name servers in %s",
                   dial->resolv_conf);
    dial->port = options->port;
    dial->first = options->first;
    dial->done = done;
    dial->ctx = ctx;
    for (size_t i = 0; i < DIAL_ADDRESSES_MAX; i++)
        dial->attempts[i] = (struct attempt){.dial = dial, .fd = -1};
    dial->step = evtimer_new(loop, on_step, dial);
    dial->limit = evtimer_new(loop, on_limit, dial);
    look_up(dial);
    return dial;
}

void dial_free(struct dial *dial) {
    if (!dial)
        return;
    if (dial->lookup) {
        dial->lookup->dial = NULL;
        evdns_getaddrinfo_cancel(dial->request);
    } else {
        evdns_base_free(dial->dns, 0);
    }
    for (size_t i = 0; i < DIAL_ADDRESSES_MAX; i++)
        attempt_close(&dial->attempts[i]);
    event_free(dial->step);
    event_free(dial->limit);
    if (dial->found)
        evutil_freeaddrinfo(dial->found);
    free(dial->host);
    free(dial->resolv_conf);
    free(dial);
}

const char *dial_stage(const struct dial *dial) {
    return dial->lookup ? dial->asks
                        : "no answer; check the network, the firewall and the "
                          "address";
}
