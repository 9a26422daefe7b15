#include "sync/dial.h"

#include <event2/dns.h>
#include <event2/util.h>

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

struct dial {
    struct event_base *loop;
    char *host;
    uint16_t port;
    dial_done *done;
    void *ctx;
    struct event *step; /* runs the next step out of foreign callbacks */
    struct lookup *lookup;
    struct evdns_base *dns;
    struct evdns_getaddrinfo_request *request;
    struct evutil_addrinfo *found, *next;
    int fd;
    struct event *writable;
    struct ts_err err;
};

static void schedule(struct dial *dial) { event_active(dial->step, 0, 0); }

static void close_socket(struct dial *dial) {
    if (dial->writable)
        event_free(dial->writable);
    dial->writable = NULL;
    if (dial->fd >= 0)
        (void)close(dial->fd);
    dial->fd = -1;
}

static void fail_connect(struct dial *dial, int error) {
    const char *help = "check the network and that the broker runs";

    if (error == ECONNREFUSED)
        help = "nothing listens there: check that the broker runs, and the "
               "port";
    (void)ts_fail(&dial->err, TS_CLOSED, "%s port %u: %s; %s", dial->host,
                  dial->port, strerror(error), help);
}

static void finish(struct dial *dial) {
    int fd = dial->fd;
    dial_done *done = dial->done;
    void *ctx = dial->ctx;
    struct ts_err err = dial->err;

    dial->fd = -1;
    done(ctx, fd, &err);
}

static void on_writable(evutil_socket_t fd, short what, void *arg) {
    struct dial *dial = arg;
    int error = 0;
    socklen_t len = sizeof error;

    (void)what;
    event_free(dial->writable);
    dial->writable = NULL;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    if (!error) {
        finish(dial);
        return;
    }
    fail_connect(dial, error);
    close_socket(dial);
    schedule(dial);
}

/* True when a connect is under way on dial->fd. */
static bool connect_one(struct dial *dial, const struct evutil_addrinfo *to) {
    int one = 1;

    dial->fd =
        socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (dial->fd < 0) {
        fail_connect(dial, errno);
        return false;
    }
    (void)setsockopt(dial->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(dial->fd, to->ai_addr, (socklen_t)to->ai_addrlen) < 0 &&
        errno != EINPROGRESS) {
        fail_connect(dial, errno);
        close_socket(dial);
        return false;
    }
    dial->writable =
        event_new(dial->loop, dial->fd, EV_WRITE, on_writable, dial);
    (void)event_add(dial->writable, NULL);
    return true;
}

static void on_step(evutil_socket_t fd, short what, void *arg) {
    struct dial *dial = arg;

    (void)fd;
    (void)what;
    while (dial->next) {
        const struct evutil_addrinfo *to = dial->next;
        dial->next = to->ai_next;
        if (connect_one(dial, to))
            return;
    }
    finish(dial);
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
    dial->found = dial->next = found;
    if (rc)
        (void)ts_fail(&dial->err, TS_INVALID,
                      "no address for host %s (%s); check the name, and DNS or "
                      "/etc/hosts",
                      dial->host, evutil_gai_strerror(rc));
    schedule(dial);
}

static void look_up(struct dial *dial) {
    struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_protocol = IPPROTO_TCP,
                                    .ai_flags = EVUTIL_AI_ADDRCONFIG};
    char port[8];
    struct evdns_getaddrinfo_request *request;

    (void)snprintf(port, sizeof port, "%u", dial->port);
    /* Read at each connection: DHCP may have changed the servers. */
    dial->dns = evdns_base_new(dial->loop, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    (void)evdns_base_resolv_conf_parse(dial->dns, DNS_OPTIONS_ALL,
                                       "/etc/resolv.conf");
    dial->lookup = ts_alloc(sizeof *dial->lookup);
    dial->lookup->dial = dial;
    dial->lookup->loop = dial->loop;
    dial->lookup->dns = dial->dns;
    request = evdns_getaddrinfo(dial->dns, dial->host, port, &hints, on_found,
                                dial->lookup);
    if (dial->lookup)
        dial->request = request;
}

struct dial *dial_new(struct event_base *loop, const char *host, uint16_t port,
                      dial_done *done, void *ctx) {
    struct dial *dial = ts_alloc(sizeof *dial);

    dial->loop = loop;
    dial->host = ts_strdup(host);
    dial->port = port;
    dial->done = done;
    dial->ctx = ctx;
    dial->fd = -1;
    dial->step = evtimer_new(loop, on_step, dial);
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
    close_socket(dial);
    event_free(dial->step);
    if (dial->found)
        evutil_freeaddrinfo(dial->found);
    free(dial->host);
    free(dial);
}

const char *dial_stage(const struct dial *dial) {
    return dial->lookup ? "no answer from DNS; check the name servers in "
                          "/etc/resolv.conf"
                        : "no answer; check the network, the firewall and the "
                          "address";
}
