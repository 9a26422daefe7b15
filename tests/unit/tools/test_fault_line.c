/* A faulty line between a client and a server that echoes, on loopback. */
#include "tools/fault_line.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_MS = 30000, CROWD = 1000, BULK = 300 * 1000 };

struct world {
    struct event_base *loop;
    struct evconnlistener *echo;
    struct fault_line *line;
    uint64_t echoed; /* bytes that reached the far end */
    bool mute;       /* the far end reads nothing */
    struct bufferevent *muted;
    int ends;   /* far ends that stand */
    int broken; /* connections that the far end lost */
};

static int64_t now_ms(void) {
    struct timespec now;

    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void on_echo(struct bufferevent *end, void *arg) {
    struct world *world = arg;
    struct evbuffer *in = bufferevent_get_input(end);

    world->echoed += evbuffer_get_length(in);
    assert_int_equal(bufferevent_write_buffer(end, in), 0);
}

static void on_echo_end(struct bufferevent *end, short what, void *arg) {
    struct world *world = arg;

    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) {
        world->broken++;
        world->ends--;
        bufferevent_free(end);
    }
}

static void on_echo_accept(struct evconnlistener *listener, evutil_socket_t fd,
                           struct sockaddr *from, int len, void *arg) {
    struct world *world = arg;
    struct bufferevent *end =
        bufferevent_socket_new(world->loop, fd, BEV_OPT_CLOSE_ON_FREE);

    (void)listener;
    (void)from;
    (void)len;
    bufferevent_setcb(end, on_echo, NULL, on_echo_end, world);
    world->ends++;
    if (world->mute)
        world->muted = end;
    else
        assert_int_equal(bufferevent_enable(end, EV_READ | EV_WRITE), 0);
}

static uint16_t echo_port(struct world *world) {
    struct sockaddr_in at = {0};
    socklen_t len = sizeof at;

    assert_int_equal(getsockname(evconnlistener_get_fd(world->echo),
                                 (struct sockaddr *)&at, &len),
                     0);
    return ntohs(at.sin_port);
}

static struct world *world_new(const char *words) {
    struct world *world = ts_alloc(sizeof *world);
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct ts_err err;

    world->loop = event_base_new();
    world->echo =
        evconnlistener_new_bind(world->loop, on_echo_accept, world,
                                LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 4096,
                                (const struct sockaddr *)&at, sizeof at);
    assert_non_null(world->echo);
    const struct fault_line_options how = {.listen_host = "127.0.0.1",
                                           .to_host = "127.0.0.1",
                                           .to_port = echo_port(world),
                                           .seed = 7};
    assert_int_equal(fault_line_new(&world->line, world->loop, &how, &err),
                     TS_OK);
    if (words)
        assert_int_equal(
            fault_line_say(world->line, ts_slice_text(words), &err), TS_OK);
    return world;
}

static void say(struct world *world, const char *words) {
    struct ts_err err;

    if (fault_line_say(world->line, ts_slice_text(words), &err) != TS_OK)
        fail_msg("%s: %s", words, err.text);
}

static void turn(struct world *world) {
    struct timeval soon = {.tv_usec = 2000};

    assert_int_equal(event_base_loopexit(world->loop, &soon), 0);
    assert_true(event_base_dispatch(world->loop) >= 0);
}

static void world_free(struct world *world) {
    int64_t until = now_ms() + DEADLINE_MS;

    fault_line_free(world->line);
    while (world->ends) {
        turn(world);
        assert_true(now_ms() < until);
    }
    evconnlistener_free(world->echo);
    event_base_free(world->loop);
    free(world);
}

static int dial(struct world *world) {
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(fault_line_port(world->line)),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    if (connect(fd, (const struct sockaddr *)&at, sizeof at) == 0 ||
        errno == EINPROGRESS)
        return fd;
    (void)close(fd);
    return -errno;
}

enum { CAME = 0, NOTHING = -1, GONE = -2, WAS_RESET = -3 };

/* Takes all that comes until `want` bytes came, or it is over, or `ms`
 * passed: answers how many came, or a negative word. */
static int64_t hear(struct world *world, int fd, struct ts_buf *into,
                    size_t want, int64_t ms) {
    int64_t until = now_ms() + ms;
    uint8_t piece[4096];

    while (into->len < want) {
        ssize_t len = recv(fd, piece, sizeof piece, 0);
        if (len == 0)
            return GONE;
        if (len < 0 && errno != EAGAIN && errno != ENOTCONN)
            return errno == ECONNRESET ? WAS_RESET : -errno;
        if (len > 0)
            assert_int_equal(ts_buf_add(into, ts_slice_of(piece, (size_t)len)),
                             TS_OK);
        else if (now_ms() >= until)
            return NOTHING;
        else
            turn(world);
    }
    return CAME;
}

static void send_all(struct world *world, int fd, struct ts_slice bytes) {
    int64_t until = now_ms() + DEADLINE_MS;

    while (bytes.len) {
        ssize_t len = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (len > 0)
            bytes = ts_slice_of(bytes.data + len, bytes.len - (size_t)len);
        else
            turn(world);
        assert_true(now_ms() < until);
    }
}

/* "hello" goes through and comes back. */
static int64_t greet(struct world *world, int fd) {
    struct ts_buf got = {.max = 0};
    int64_t began = now_ms();

    send_all(world, fd, ts_slice_text("hello"));
    assert_int_equal(hear(world, fd, &got, 5, DEADLINE_MS), CAME);
    assert_true(ts_slice_equal(ts_buf_slice(&got), ts_slice_text("hello")));
    ts_buf_fini(&got);
    return now_ms() - began;
}

static int64_t hear_end(struct world *world, int fd) {
    struct ts_buf got = {.max = 0};
    int64_t end = hear(world, fd, &got, SIZE_MAX, DEADLINE_MS);

    ts_buf_fini(&got);
    return end;
}

static void bulk_fill(struct ts_buf *bulk) {
    for (uint32_t i = 0; bulk->len < BULK; i++)
        assert_int_equal(ts_buf_add(bulk, ts_slice_of(&i, sizeof i)), TS_OK);
}

static void bulk_passes(struct world *world) {
    struct ts_buf bulk = {.max = 0};
    struct ts_buf got = {.max = 0};
    int fd = dial(world);
    size_t sent = 0;

    bulk_fill(&bulk);
    while (sent < bulk.len) {
        ssize_t len = send(fd, bulk.data + sent, bulk.len - sent, MSG_NOSIGNAL);
        sent += len > 0 ? (size_t)len : 0;
        assert_true(hear(world, fd, &got, got.len + 1, 5) <= 0);
    }
    assert_int_equal(hear(world, fd, &got, bulk.len, DEADLINE_MS), CAME);
    assert_true(ts_slice_equal(ts_buf_slice(&got), ts_buf_slice(&bulk)));
    ts_buf_fini(&bulk);
    ts_buf_fini(&got);
    (void)close(fd);
}

static void an_open_line_changes_nothing(void **state) {
    struct world *world = world_new(NULL);
    int64_t until = now_ms() + DEADLINE_MS;

    (void)state;
    bulk_passes(world);
    while (fault_line_counts(world->line).open) {
        turn(world);
        assert_true(now_ms() < until);
    }
    assert_int_equal(fault_line_counts(world->line).accepted, 1);
    assert_int_equal(fault_line_counts(world->line).cut, 0);
    assert_int_equal(fault_line_counts(world->line).bytes_up, BULK);
    assert_int_equal(fault_line_counts(world->line).bytes_down, BULK);
    assert_int_equal(world->broken, 1);
    world_free(world);
}

static void a_bad_line_delivers_all_in_order(void **state) {
    struct world *world = world_new("delay 5, loss 2, rate 2000000");

    (void)state;
    bulk_passes(world);
    world_free(world);
}

static void a_cut_ends_and_refuses_until_open(void **state) {
    struct world *world = world_new(NULL);
    uint16_t port = fault_line_port(world->line);
    int fd = dial(world);

    (void)state;
    (void)greet(world, fd);
    say(world, "cut");
    assert_true(hear_end(world, fd) == GONE);
    (void)close(fd);
    fd = dial(world);
    assert_true(fd == -ECONNREFUSED || hear_end(world, fd) == -ECONNREFUSED);
    assert_int_equal(fault_line_counts(world->line).cut, 1);
    say(world, "open");
    assert_int_equal(fault_line_port(world->line), port);
    fd = dial(world);
    (void)greet(world, fd);
    (void)close(fd);
    world_free(world);
}

static void a_reset_is_a_reset_and_new_ones_pass(void **state) {
    struct world *world = world_new(NULL);
    int fd = dial(world);

    (void)state;
    (void)greet(world, fd);
    say(world, "reset");
    assert_true(hear_end(world, fd) == WAS_RESET);
    (void)close(fd);
    fd = dial(world);
    (void)greet(world, fd);
    say(world, "refuse");
    assert_true(hear_end(world, fd) == GONE);
    (void)close(fd);
    fd = dial(world);
    assert_true(hear_end(world, fd) == WAS_RESET);
    assert_int_equal(fault_line_counts(world->line).refused, 1);
    (void)close(fd);
    world_free(world);
}

static void it_is_cut_behind_a_byte(void **state) {
    static const struct {
        const char *words;
        uint64_t up, down_at_most;
    } cases[] = {{"cut up after 1234", 1234, 1234},
                 {"cut after 77 once", 77, 77},
                 {"cut down after 50", 300, 50}};
    uint8_t bytes[300] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world *world = world_new(cases[i].words);
        int fd = dial(world);
        for (int n = 0; n < 10 && (n == 0 || cases[i].up > 300); n++)
            send_all(world, fd, ts_slice_of(bytes, sizeof bytes));
        (void)hear_end(world, fd);
        assert_int_equal(fault_line_counts(world->line).bytes_up, cases[i].up);
        assert_true(fault_line_counts(world->line).bytes_down <=
                    cases[i].down_at_most);
        assert_int_equal(fault_line_counts(world->line).cut, 1);
        (void)close(fd);
        fd = dial(world);
        if (strstr(cases[i].words, "once"))
            for (int n = 0; n < 20; n++)
                (void)greet(world, fd);
        (void)close(fd);
        world_free(world);
    }
}

static void a_half_open_line_tells_nobody(void **state) {
    struct world *world = world_new(NULL);
    struct ts_buf got = {.max = 0};
    int fd = dial(world);
    int late;

    (void)state;
    (void)greet(world, fd);
    say(world, "half-open");
    send_all(world, fd, ts_slice_text("hello"));
    late = dial(world);
    (void)send(late, "x", 1, MSG_NOSIGNAL);
    assert_true(hear(world, fd, &got, 1, 100) == NOTHING);
    assert_int_equal(world->echoed, 5);
    assert_int_equal(world->broken, 0);
    assert_true(send(late, "x", 1, MSG_NOSIGNAL) < 0); /* not connected yet */
    say(world, "open");
    assert_int_equal(hear(world, fd, &got, 5, DEADLINE_MS), CAME);
    (void)greet(world, late);
    assert_int_equal(fault_line_counts(world->line).accepted, 2);
    ts_buf_fini(&got);
    (void)close(fd);
    (void)close(late);
    world_free(world);
}

static void time_passes_on_the_line(void **state) {
    struct world *world = world_new(NULL);
    struct ts_buf got = {.max = 0};
    int fd = dial(world);

    (void)state;
    (void)greet(world, fd);
    say(world, "delay 60");
    assert_true(greet(world, fd) >= 120);
    say(world, "open, stall 80");
    assert_true(greet(world, fd) >= 80);
    say(world, "open, rate 50");
    assert_true(greet(world, fd) >= 200);
    say(world, "delay 3600000");
    send_all(world, fd, ts_slice_text("later"));
    assert_true(hear(world, fd, &got, 1, 50) == NOTHING);
    say(world, "open"); /* what is under way arrives */
    assert_int_equal(hear(world, fd, &got, 5, DEADLINE_MS), CAME);
    ts_buf_fini(&got);
    (void)close(fd);
    world_free(world);
}

static void a_lost_segment_comes_a_time_out_later(void **state) {
    struct world *world = world_new("loss 10");
    int fd = dial(world);
    int late = 0;

    (void)state;
    for (int i = 0; i < 40 && late < 2; i++) {
        late += greet(world, fd) >= 200;
    }
    assert_int_equal(late, 2);
    assert_true(fault_line_counts(world->line).lost >= 2);
    say(world, "loss 0");
    (void)greet(world, fd);
    (void)close(fd);
    world_free(world);
}

static void a_portal_answers_whatever_it_hears(void **state) {
    struct world *world = world_new(NULL);
    struct ts_buf got = {.max = 0};
    int old = dial(world);
    int fd;

    (void)state;
    (void)greet(world, old);
    say(world, "portal");
    assert_true(hear_end(world, old) == GONE);
    fd = dial(world);
    send_all(world, fd, ts_slice_of("\x16\x03\x01", 3));
    assert_true(hear(world, fd, &got, SIZE_MAX, DEADLINE_MS) == GONE);
    assert_ptr_equal(strstr(ts_buf_text(&got), "HTTP/1.1 302 "),
                     ts_buf_text(&got));
    assert_int_equal(world->echoed, 5);
    say(world, "open");
    assert_int_equal(fault_line_counts(world->line).open, 0);
    ts_buf_fini(&got);
    (void)close(old);
    (void)close(fd);
    world_free(world);
}

static void garbage_has_the_length_and_not_the_bytes(void **state) {
    struct world *world = world_new("garbage");
    struct ts_buf got = {.max = 0};
    static const char text[] = "a text that is not to come out again";
    int fd = dial(world);

    (void)state;
    send_all(world, fd, ts_slice_text(text));
    assert_int_equal(hear(world, fd, &got, strlen(text), DEADLINE_MS), CAME);
    assert_int_equal(got.len, strlen(text));
    assert_false(ts_slice_equal(ts_buf_slice(&got), ts_slice_text(text)));
    ts_buf_fini(&got);
    (void)close(fd);
    world_free(world);
}

/* The far end reads nothing: the near one must be made to wait. */
static void what_is_under_way_is_bounded(void **state) {
    struct world *world = world_new(NULL);
    uint8_t bytes[16384] = {0};
    uint64_t sent = 0;
    int fd;

    (void)state;
    world->mute = true;
    fd = dial(world);
    for (int idle = 0; idle < 50;) {
        ssize_t len = send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
        idle = len > 0 ? 0 : idle + 1;
        sent += len > 0 ? (uint64_t)len : 0;
        turn(world);
        assert_true(sent < UINT64_C(32) << 20);
    }
    /* The rest is in the sender's own socket and the far end's. */
    assert_true(sent - fault_line_counts(world->line).bytes_up < UINT64_C(8)
                                                                     << 20);
    assert_int_equal(bufferevent_enable(world->muted, EV_READ | EV_WRITE), 0);
    (void)close(fd);
    say(world, "cut");
    world_free(world);
}

static void nobody_at_the_far_end_is_a_refusal(void **state) {
    struct world *world = world_new(NULL);
    int fd;

    (void)state;
    evconnlistener_disable(world->echo);
    (void)shutdown(evconnlistener_get_fd(world->echo), SHUT_RDWR);
    fd = dial(world);
    assert_true(hear_end(world, fd) == WAS_RESET);
    assert_int_equal(fault_line_counts(world->line).refused, 1);
    (void)close(fd);
    world_free(world);
}

/* As many as the test's own four descriptors each allow. */
static size_t crowd_size(void) {
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return limit.rlim_cur / 5 < CROWD ? limit.rlim_cur / 5 : CROWD;
}

static void a_crowd_is_cut_and_comes_back(void **state) {
    struct world *world = world_new("delay 20");
    static int fds[CROWD];
    size_t crowd = crowd_size();

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < crowd; i++) {
            fds[i] = dial(world);
            assert_true(fds[i] >= 0);
        }
        for (size_t i = 0; i < crowd; i++)
            send_all(world, fds[i], ts_slice_text("all"));
        for (size_t i = 0; i < crowd; i++) {
            struct ts_buf got = {.max = 0};
            assert_int_equal(hear(world, fds[i], &got, 3, DEADLINE_MS), CAME);
            ts_buf_fini(&got);
        }
        assert_int_equal(fault_line_counts(world->line).open, crowd);
        say(world, round ? "reset" : "cut");
        assert_int_equal(fault_line_counts(world->line).open, 0);
        for (size_t i = 0; i < crowd; i++) {
            assert_true(hear_end(world, fds[i]) < NOTHING);
            (void)close(fds[i]);
        }
        say(world, "open");
    }
    assert_int_equal(fault_line_counts(world->line).accepted, 2 * crowd);
    assert_int_equal(fault_line_counts(world->line).cut, 2 * crowd);
    world_free(world);
}

static void a_wrong_address_is_told(void **state) {
    struct event_base *loop = event_base_new();
    struct fault_line *line = NULL;
    struct ts_err err;
    struct fault_line_options how = {
        .listen_host = "nowhere.invalid", .to_host = "127.0.0.1", .to_port = 1};

    (void)state;
    assert_int_equal(fault_line_new(&line, loop, &how, &err), TS_INVALID);
    assert_non_null(strstr(err.text, "nowhere.invalid"));
    how.listen_host = "192.0.2.1";
    assert_int_equal(fault_line_new(&line, loop, &how, &err), TS_IO);
    assert_null(line);
    event_base_free(loop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_line_changes_nothing),
        cmocka_unit_test(a_bad_line_delivers_all_in_order),
        cmocka_unit_test(a_cut_ends_and_refuses_until_open),
        cmocka_unit_test(a_reset_is_a_reset_and_new_ones_pass),
        cmocka_unit_test(it_is_cut_behind_a_byte),
        cmocka_unit_test(a_half_open_line_tells_nobody),
        cmocka_unit_test(time_passes_on_the_line),
        cmocka_unit_test(a_lost_segment_comes_a_time_out_later),
        cmocka_unit_test(a_portal_answers_whatever_it_hears),
        cmocka_unit_test(garbage_has_the_length_and_not_the_bytes),
        cmocka_unit_test(what_is_under_way_is_bounded),
        cmocka_unit_test(nobody_at_the_far_end_is_a_refusal),
        cmocka_unit_test(a_crowd_is_cut_and_comes_back),
        cmocka_unit_test(a_wrong_address_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
