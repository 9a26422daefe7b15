/* Dialling by name: a name server of our own on loopback answers right, wrong,
 * late or never; addresses that swallow a connection cost a head start. */
#include "sync/dial.h"

#include "cmocka_all.h"
#include "tests/support/broker.h"

#include <arpa/inet.h>
#include <event2/dns.h>
#include <event2/dns_struct.h>
#include <event2/util.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PATIENCE_S = 60,
    EVERY_EVENT = EVENT_BASE_COUNT_ACTIVE | EVENT_BASE_COUNT_VIRTUAL |
                  EVENT_BASE_COUNT_ADDED
};

struct world {
    struct event_base *loop;
    char *folder;
    char resolv_conf[300];
    int dns_fd;
    struct evdns_server_port *dns;
    bool hangs;
    unsigned asked;
    int events;      /* the loop's, with no dial */
    uint32_t v4[16]; /* network order; what every name has */
    int v4_count;
};

static void on_question(struct evdns_server_request *request, void *arg) {
    struct world *world = arg;

    world->asked++;
    if (world->hangs) {
        (void)evdns_server_request_drop(request);
        return;
    }
    for (int i = 0; i < request->nquestions; i++)
        if (request->questions[i]->type == EVDNS_TYPE_A && world->v4_count)
            (void)evdns_server_request_add_a_reply(
                request, request->questions[i]->name, world->v4_count,
                world->v4, 1);
    (void)evdns_server_request_respond(request,
                                       world->v4_count ? 0 : DNS_ERR_NOTEXIST);
}

static int set_up(void **state) {
    struct world *world = ts_alloc(sizeof *world);
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    FILE *file;

    world->loop = event_base_new();
    world->folder = test_folder_new("dial");
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    world->dns_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(world->dns_fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(world->dns_fd, (struct sockaddr *)&at, &len),
                     0);
    world->dns = evdns_add_server_port_with_base(world->loop, world->dns_fd, 0,
                                                 on_question, world);
    (void)snprintf(world->resolv_conf, sizeof world->resolv_conf,
                   "%s/resolv.conf", world->folder);
    file = fopen(world->resolv_conf, "we");
    assert_non_null(file);
    (void)fprintf(file, "nameserver 127.0.0.1:%u\n", ntohs(at.sin_port));
    (void)fclose(file);
    world->events = event_base_get_num_events(world->loop, EVERY_EVENT);
    *state = world;
    return 0;
}

/* A look-up that was cancelled frees itself within the loop. */
static void let_end(struct world *world) {
    while (event_base_get_num_events(world->loop, EVERY_EVENT) > world->events)
        (void)event_base_loop(world->loop, EVLOOP_ONCE);
}

static int tear_down(void **state) {
    struct world *world = *state;

    let_end(world);
    evdns_close_server_port(world->dns);
    (void)close(world->dns_fd);
    event_base_free(world->loop);
    test_folder_free(world->folder);
    free(world);
    return 0;
}

/* 127.0.0.`last`, where only this test listens. */
static uint32_t loopback(unsigned last) {
    return htonl(INADDR_LOOPBACK - 1 + last);
}

struct listener {
    int fd, held[8];
    size_t count;
    uint16_t port;
};

static void listen_at(struct listener *listener, uint32_t address,
                      uint16_t port, int backlog) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t len = sizeof at;
    int one = 1;

    at.sin_addr.s_addr = address;
    listener->count = 0;
    listener->fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    assert_int_equal(bind(listener->fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener->fd, backlog), 0);
    assert_int_equal(getsockname(listener->fd, (struct sockaddr *)&at, &len),
                     0);
    listener->port = ntohs(at.sin_port);
}

/* A full queue: the kernel drops what comes next, as a black hole does. */
static void swallow_at(struct listener *listener, uint32_t address,
                       uint16_t port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};

    at.sin_addr.s_addr = address;
    listen_at(listener, address, port, 0);
    for (; listener->count < 8; listener->count++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fd, (struct sockaddr *)&at, sizeof at);
        listener->held[listener->count] = fd;
    }
}

static void listener_close(struct listener *listener) {
    for (size_t i = 0; i < listener->count; i++)
        (void)close(listener->held[i]);
    (void)close(listener->fd);
}

struct result {
    bool over;
    int fd;
    struct ts_err err;
    uint32_t peer;
};

static void on_done(void *ctx, int fd, const struct ts_err *err) {
    struct result *result = ctx;
    struct sockaddr_in at = {0};
    socklen_t len = sizeof at;

    assert_false(result->over);
    result->over = true;
    result->fd = fd;
    result->err = *err;
    if (fd >= 0 && getpeername(fd, (struct sockaddr *)&at, &len) == 0)
        result->peer = at.sin_addr.s_addr;
}

static void on_late(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    *(bool *)arg = true;
}

static struct result dial(struct world *world, const char *host, uint16_t port,
                          unsigned first) {
    struct dial_options options = {host, port, first, world->resolv_conf};
    struct result result = {.fd = -1};
    struct timeval limit = {.tv_sec = PATIENCE_S};
    bool late = false;
    struct event *timer = evtimer_new(world->loop, on_late, &late);
    struct dial *dial = dial_new(world->loop, &options, on_done, &result);

    (void)evtimer_add(timer, &limit);
    while (!result.over && !late)
        (void)event_base_loop(world->loop, EVLOOP_ONCE);
    assert_false(late);
    event_free(timer);
    dial_free(dial);
    if (result.fd >= 0)
        (void)close(result.fd);
    return result;
}

static void test_name(void **state) {
    struct world *world = *state;
    struct listener good;
    struct result result;

    listen_at(&good, loopback(2), 0, 8);
    world->v4[world->v4_count++] = loopback(2);
    result = dial(world, "mq.example.com", good.port, 0);
    assert_true(result.fd >= 0);
    assert_int_equal(result.peer, loopback(2));
    assert_true(world->asked > 0);
    listener_close(&good);
}

/* The one that swallows comes first; the connect must not wait for it. */
static void test_black_hole(void **state) {
    struct world *world = *state;
    struct listener good;
    struct listener holes[3];
    struct result result;

    listen_at(&good, loopback(9), 0, 8);
    for (unsigned i = 0; i < 3; i++) {
        swallow_at(&holes[i], loopback(2 + i), good.port);
        world->v4[world->v4_count++] = loopback(2 + i);
    }
    world->v4[world->v4_count++] = loopback(9);
    result = dial(world, "mq.example.com", good.port, 0);
    assert_true(result.fd >= 0);
    assert_int_equal(result.peer, loopback(9));
    for (unsigned i = 0; i < 3; i++)
        listener_close(&holes[i]);
    listener_close(&good);
}

/* One that refuses gives way at once, without the head start. */
static void test_refused_first(void **state) {
    struct world *world = *state;
    struct listener good;
    struct result result;

    listen_at(&good, loopback(9), 0, 8);
    world->v4[world->v4_count++] = loopback(2);
    world->v4[world->v4_count++] = loopback(9);
    result = dial(world, "mq.example.com", good.port, 0);
    assert_int_equal(result.peer, loopback(9));
    listener_close(&good);
}

static void test_all_refuse(void **state) {
    struct world *world = *state;
    struct result result;

    for (unsigned i = 0; i < 3; i++)
        world->v4[world->v4_count++] = loopback(2 + i);
    result = dial(world, "mq.example.com", test_port_free(), 0);
    assert_int_equal(result.fd, -1);
    assert_int_equal(result.err.status, TS_CLOSED);
    assert_non_null(strstr(result.err.text, "nothing listens there"));
    assert_non_null(strstr(result.err.text, "mq.example.com port"));
}

/* Each attempt begins with another address. */
static void test_first_goes_round(void **state) {
    struct world *world = *state;
    struct listener good[3];
    unsigned seen[3] = {0};

    listen_at(&good[0], loopback(2), 0, 8);
    for (unsigned i = 0; i < 3; i++) {
        if (i)
            listen_at(&good[i], loopback(2 + i), good[0].port, 8);
        world->v4[world->v4_count++] = loopback(2 + i);
    }
    for (unsigned first = 0; first < 6; first++) {
        struct result result =
            dial(world, "mq.example.com", good[0].port, first);
        for (unsigned i = 0; i < 3; i++)
            seen[i] += result.peer == loopback(2 + i);
    }
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(seen[i], 2);
        listener_close(&good[i]);
    }
}

static void test_many_addresses(void **state) {
    struct world *world = *state;
    struct result result;

    while (world->v4_count < 16) {
        world->v4[world->v4_count] = loopback(2 + (unsigned)world->v4_count);
        world->v4_count++;
    }
    result = dial(world, "mq.example.com", test_port_free(), 3);
    assert_int_equal(result.err.status, TS_CLOSED);
}

static void test_no_name(void **state) {
    struct world *world = *state;
    struct result result = dial(world, "mq.example.com", 8883, 0);

    assert_int_equal(result.fd, -1);
    assert_non_null(strstr(result.err.text, "no address for host"));
    assert_true(world->asked > 0);
}

static void test_dns_hangs(void **state) {
    struct world *world = *state;
    struct result result;

    world->hangs = true;
    result = dial(world, "mq.example.com", 8883, 0);
    assert_int_equal(result.fd, -1);
    assert_non_null(strstr(result.err.text, "DNS"));
    assert_true(world->asked > 1); /* a lost packet is asked for again */
}

/* Freed while DNS has not answered, and while a connect is under way. */
static void test_cancelled(void **state) {
    struct world *world = *state;
    struct listener hole;
    struct dial_options options = {"mq.example.com", 0, 0, world->resolv_conf};
    struct result result = {.fd = -1};
    struct dial *dial;

    world->hangs = true;
    dial = dial_new(world->loop, &options, on_done, &result);
    while (!world->asked)
        (void)event_base_loop(world->loop, EVLOOP_ONCE);
    dial_free(dial);
    let_end(world);
    world->hangs = false;
    swallow_at(&hole, loopback(2), 0);
    options.port = hole.port;
    world->v4[world->v4_count++] = loopback(2);
    dial = dial_new(world->loop, &options, on_done, &result);
    while (strstr(dial_stage(dial), "DNS"))
        (void)event_base_loop(world->loop, EVLOOP_ONCE);
    dial_free(dial);
    let_end(world);
    assert_false(result.over);
    listener_close(&hole);
}

static void test_literals(void **state) {
    struct world *world = *state;
    struct sockaddr_in6 at = {.sin6_family = AF_INET6,
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t len = sizeof at;
    struct listener good;
    int six;

    listen_at(&good, loopback(1), 0, 8);
    assert_true(dial(world, "127.0.0.1", good.port, 0).fd >= 0);
    listener_close(&good);
    six = socket(AF_INET6, SOCK_STREAM, 0);
    if (six < 0 || bind(six, (struct sockaddr *)&at, sizeof at))
        skip(); /* a machine without IPv6 */
    assert_int_equal(listen(six, 8), 0);
    assert_int_equal(getsockname(six, (struct sockaddr *)&at, &len), 0);
    assert_true(dial(world, "::1", ntohs(at.sin6_port), 0).fd >= 0);
    (void)close(six);
    assert_int_equal(world->asked, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_name),
        TEST(test_black_hole),
        TEST(test_refused_first),
        TEST(test_all_refuse),
        TEST(test_first_goes_round),
        TEST(test_many_addresses),
        TEST(test_no_name),
        TEST(test_dns_hangs),
        TEST(test_cancelled),
        TEST(test_literals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
