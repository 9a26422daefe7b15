/* Real sockets on loopback, driven in turns with the server's loop. */
#include "base/http.h"

#include "test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

enum { BODY_MAX = 4096, WAIT_MS = 20000 };

struct world {
    struct event_base *loop;
    struct ts_http *http;
    struct ts_http_request *held;
    struct ts_http_stream *stream;
    unsigned gone;
    bool flood;
};

static void on_gone(void *arg) {
    struct world *world = arg;

    world->gone++;
    world->held = NULL;
    world->stream = NULL;
}

static void on_hello(void *ctx, struct ts_http_request *request) {
    const char *name = ts_http_query(request, "name");

    (void)ctx;
    ts_http_reply(request, 200, "text/plain",
                  ts_slice_text(name ? name : "hello"));
}

static void on_echo(void *ctx, struct ts_http_request *request) {
    struct ts_slice body;
    enum ts_status status = ts_http_body(request, &body);

    (void)ctx;
    if (status == TS_OK)
        ts_http_reply(request, 200, "text/plain", body);
    else
        ts_http_reply_error(request, status == TS_FULL ? 413 : 400, "body");
}

static void on_hold(void *ctx, struct ts_http_request *request) {
    struct world *world = ctx;

    world->held = request;
    ts_http_defer(request, on_gone, world);
}

static void on_release(void *ctx, struct ts_http_request *request) {
    struct world *world = ctx;

    if (world->held)
        ts_http_reply(world->held, 200, "text/plain", ts_slice_text("late"));
    world->held = NULL;
    ts_http_reply(request, 204, NULL, ts_slice_text(NULL));
}

static void on_stream(void *ctx, struct ts_http_request *request) {
    struct world *world = ctx;
    static const char lump[8192] = {'x'};
    struct ts_http_stream *stream =
        ts_http_stream_start(request, on_gone, world);

    if (!stream)
        return;
    world->stream = stream;
    ts_http_stream_send(stream, "scan", "7", ts_slice_text("one\ntwo"));
    for (int i = 0; world->flood && i < 200; i++)
        ts_http_stream_send(stream, NULL, NULL, ts_slice_of(lump, sizeof lump));
}

static void on_who(void *ctx, struct ts_http_request *request) {
    char basic[32];
    struct ts_slice bearer = ts_http_bearer(request);

    (void)ctx;
    if (ts_http_basic(request, basic, sizeof basic) == TS_OK)
        bearer = ts_slice_text(basic);
    ts_http_reply(request, 200, "text/plain", bearer);
}

static void on_count(void *ctx, struct ts_http_request *request) {
    struct world *world = ctx;
    json_t *body = json_pack("{s:i}", "gone", (int)world->gone);

    ts_http_reply_json(request, 200, body);
    json_decref(body);
}

static const struct ts_http_route routes[] = {
    {"/hello", TS_HTTP_GET, on_hello},
    {"/files/*", TS_HTTP_GET, on_hello},
    {"/echo", TS_HTTP_POST | TS_HTTP_OPTIONS, on_echo},
    {"/hold", TS_HTTP_GET, on_hold},
    {"/release", TS_HTTP_GET, on_release},
    {"/stream", TS_HTTP_GET, on_stream},
    {"/who", TS_HTTP_GET, on_who},
    {"/count", TS_HTTP_GET, on_count},
    {0}};

static int setup(void **state) {
    struct world *world = ts_alloc(sizeof *world);
    struct ts_http_options options = {
        .max_body_bytes = BODY_MAX, .timeout_s = 30, .max_streams = 1};

    world->loop = event_base_new();
    assert_int_equal(
        ts_http_start(&world->http, world->loop, &options, routes, world, NULL),
        TS_OK);
    *state = world;
    return 0;
}

static int teardown(void **state) {
    struct world *world = *state;

    ts_http_stop(world->http);
    event_base_free(world->loop);
    free(world);
    return 0;
}

/* A client connection, driven in turns with the server's loop. */
static int dial(const struct world *world) {
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(ts_http_port(world->http)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void send_bytes(int fd, const void *bytes, size_t len) {
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

static void send_text(int fd, const char *text) {
    send_bytes(fd, text, strlen(text));
}

/* Lets the server run once and appends what came; false at the end. */
static bool turn(struct world *world, int fd, struct ts_buf *in) {
    char chunk[16384];
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    ssize_t got;

    assert_true(event_base_loop(world->loop, EVLOOP_NONBLOCK) >= 0);
    if (poll(&ready, 1, 1) != 1)
        return true;
    got = recv(fd, chunk, sizeof chunk, 0);
    if (got <= 0)
        return false;
    assert_int_equal(ts_buf_add(in, ts_slice_of(chunk, (size_t)got)), TS_OK);
    return true;
}

static void wait_for(struct world *world, int fd, struct ts_buf *in,
                     const char *text) {
    for (int i = 0; i < WAIT_MS; i++) {
        bool open = turn(world, fd, in);
        if (strstr(ts_buf_text(in), text))
            return;
        if (!open)
            break;
    }
    fail_msg("no \"%s\" in: %s", text, ts_buf_text(in));
}

static void wait_for_end(struct world *world, int fd, struct ts_buf *in) {
    for (int i = 0; i < WAIT_MS; i++)
        if (!turn(world, fd, in))
            return;
    fail_msg("the connection stays open");
}

static void wait_for_gone(struct world *world, unsigned count) {
    for (int i = 0; i < WAIT_MS && world->gone < count; i++) {
        assert_true(event_base_loop(world->loop, EVLOOP_NONBLOCK) >= 0);
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(world->gone, count);
}

static void ask(struct world *world, const char *request, const char *answer) {
    struct ts_buf in = {0};
    int fd = dial(world);

    send_text(fd, request);
    wait_for(world, fd, &in, answer);
    assert_int_equal(close(fd), 0);
    ts_buf_fini(&in);
}

static void every_answer_has_the_headers(void **state) {
    static const char *const wanted[] = {
        ("Content-Security-Policy: default-src 'self'; object-src 'none'; "
         "base-uri 'none'; form-action 'self'; frame-ancestors 'none'\r\n"),
        "X-Content-Type-Options: nosniff\r\n",
        "Referrer-Policy: no-referrer\r\n", "Cache-Control: no-store\r\n"};

    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        ask(*state, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", wanted[i]);
        ask(*state, "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", wanted[i]);
        ask(*state, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n", wanted[i]);
        wait_for_gone(*state, (unsigned)i + 1);
    }
}

static void routes_and_methods_are_told_apart(void **state) {
    ask(*state, "GET /hello?name=a%20b+c HTTP/1.1\r\n\r\n", "\r\n\r\na b c");
    ask(*state, "GET /files/deep/x HTTP/1.1\r\n\r\n", "\r\n\r\nhello");
    ask(*state, "GET /file HTTP/1.1\r\n\r\n", " 404 ");
    ask(*state, "POST /hello HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        "Allow: GET, HEAD\r\n");
    ask(*state, "PUT /hello HTTP/1.1\r\nContent-Length: 0\r\n\r\n", " 405 ");
    ask(*state, "OPTIONS /hello HTTP/1.1\r\n\r\n", " 405 ");
    ask(*state, "OPTIONS /echo HTTP/1.1\r\n\r\n", " 200 ");
    ask(*state, "DELETE /echo HTTP/1.1\r\n\r\n", "Allow: POST, OPTIONS\r\n");
}

static void paths_that_try_something_are_refused(void **state) {
    static const char *const paths[] = {"/files/../hello", "/files/%2e%2e/x",
                                        "/hello%00",       "/files/a%0ab",
                                        "/files/%5c..",    "/files/%ff"};
    char request[128];

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n\r\n",
                       paths[i]);
        ask(*state, request, " 400 ");
    }
}

static void head_has_no_body_and_the_line_stays_open(void **state) {
    struct ts_buf in = {0};
    int fd = dial(*state);

    send_text(fd, "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_for(*state, fd, &in, "Content-Length: 5\r\n");
    wait_for(*state, fd, &in, "\r\n\r\n");
    send_text(fd, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_for(*state, fd, &in, "\r\n\r\nhello");
    assert_null(strstr(ts_buf_text(&in), "helloHTTP"));
    assert_int_equal(close(fd), 0);
    ts_buf_fini(&in);
}

static size_t pack(uint8_t *out, size_t cap, size_t zeros) {
    z_stream stream = {0};
    uint8_t *plain = ts_alloc(zeros);

    memset(plain, 'z', zeros);
    assert_int_equal(
        deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = plain;
    stream.avail_in = (uInt)zeros;
    stream.next_out = out;
    stream.avail_out = (uInt)cap;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    (void)deflateEnd(&stream);
    free(plain);
    return cap - stream.avail_out;
}

static void ask_packed(struct world *world, size_t zeros, size_t cut,
                       const char *answer) {
    struct ts_buf in = {0};
    uint8_t packed[2048];
    size_t len = pack(packed, sizeof packed, zeros) - cut;
    char head[128];
    int fd = dial(world);

    (void)snprintf(head, sizeof head,
                   "POST /echo HTTP/1.1\r\nContent-Encoding: gzip\r\n"
                   "Content-Length: %zu\r\n\r\n",
                   len);
    send_text(fd, head);
    send_bytes(fd, packed, len);
    wait_for(world, fd, &in, answer);
    assert_int_equal(close(fd), 0);
    ts_buf_fini(&in);
}

static void bodies_are_bounded_also_when_inflated(void **state) {
    struct ts_buf in = {0};
    char lump[BODY_MAX + 1];
    int fd = dial(*state);

    ask(*state,
        "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        "\r\n\r\nabcde");
    ask_packed(*state, 5, 0, "\r\n\r\nzzzzz");
    ask_packed(*state, BODY_MAX, 0, " 200 ");
    ask_packed(*state, BODY_MAX + 1, 0, " 413 ");
    ask_packed(*state, 1000000, 0, " 413 ");
    ask_packed(*state, 5, 3, " 400 ");
    memset(lump, 'z', sizeof lump);
    send_text(fd, "POST /echo HTTP/1.1\r\nContent-Length: 4097\r\n\r\n");
    send_bytes(fd, lump, sizeof lump);
    wait_for(*state, fd, &in, "too_large");
    assert_int_equal(close(fd), 0);
    ts_buf_fini(&in);
    ask(*state, "POST /echo HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        " 413 ");
}

static void endless_headers_are_cut_off(void **state) {
    struct ts_buf in = {0};
    char lump[4096];
    int fd = dial(*state);

    memset(lump, 'h', sizeof lump);
    send_text(fd, "GET /hello HTTP/1.1\r\nX: ");
    for (int i = 0; i < 12; i++)
        send_bytes(fd, lump, sizeof lump);
    wait_for(*state, fd, &in, " 400 ");
    assert_int_equal(close(fd), 0);
    ts_buf_fini(&in);
}

static void a_held_request_is_answered_later(void **state) {
    struct world *world = *state;
    struct ts_buf in = {0};
    int fd = dial(world);

    send_text(fd, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\nGET /early");
    for (int i = 0; i < WAIT_MS && !world->held; i++)
        (void)turn(world, fd, &in);
    ask(world, "GET /release HTTP/1.1\r\nHost: a\r\n\r\n", " 204 ");
    wait_for(world, fd, &in, "\r\n\r\nlate");
    assert_int_equal(close(fd), 0);
    ts_buf_fini(&in);
    assert_int_equal(world->gone, 0);
}

static void a_client_that_leaves_is_noticed(void **state) {
    struct world *world = *state;
    struct ts_buf in = {0};
    int fd = dial(world);

    send_text(fd, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < WAIT_MS && !world->held; i++)
        (void)turn(world, fd, &in);
    assert_int_equal(close(fd), 0);
    wait_for_gone(world, 1);
    ts_buf_fini(&in);
    ask(world, "GET /count HTTP/1.1\r\nHost: a\r\n\r\n", "{\"gone\":1}");
}

static void a_stream_sends_events_and_is_counted(void **state) {
    struct world *world = *state;
    struct ts_buf in = {0};
    int fd = dial(world);

    send_text(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_for(world, fd, &in, "id: 7\nevent: scan\ndata: one\ndata: two\n\n");
    assert_non_null(strstr(ts_buf_text(&in), "retry: 1000\n"));
    assert_non_null(strstr(ts_buf_text(&in), "text/event-stream"));
    ask(world, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n", " 503 ");
    ts_http_stream_send(world->stream, NULL, NULL, ts_slice_text("more"));
    wait_for(world, fd, &in, "data: more\n\n");
    assert_int_equal(close(fd), 0);
    wait_for_gone(world, 1);
    ts_buf_fini(&in);
}

static void a_slow_reader_is_hung_up_on(void **state) {
    struct world *world = *state;
    struct ts_buf in = {0};
    int fd = dial(world);

    world->flood = true;
    send_text(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_for_end(world, fd, &in);
    wait_for_gone(world, 1);
    assert_int_equal(close(fd), 0);
    ts_buf_fini(&in);
}

static void stopping_lets_all_go(void **state) {
    struct world *world = *state;
    struct ts_buf in = {0};
    int held = dial(world);
    int stream = dial(world);

    send_text(held, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    send_text(stream, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < WAIT_MS && !(world->held && world->stream); i++)
        (void)turn(world, stream, &in);
    ts_http_stop(world->http);
    world->http = NULL;
    assert_int_equal(world->gone, 2);
    wait_for_end(world, stream, &in);
    wait_for_end(world, held, &in);
    assert_int_equal(close(held), 0);
    assert_int_equal(close(stream), 0);
    ts_buf_fini(&in);
}

static void credentials_are_taken_apart(void **state) {
    ask(*state, "GET /who HTTP/1.1\r\nAuthorization: Bearer abc.d\r\n\r\n",
        "\r\n\r\nabc.d");
    ask(*state, "GET /who HTTP/1.1\r\nAuthorization: basic a2V5Og==\r\n\r\n",
        "\r\n\r\nkey:");
    ask(*state, "GET /who HTTP/1.1\r\nAuthorization: Basic ????\r\n\r\n",
        "Content-Length: 0");
    ask(*state, "GET /who HTTP/1.1\r\n\r\n", "Content-Length: 0");
}

static void expect_refusal(struct world *world, const char *address,
                           uint16_t port, const char *says) {
    struct ts_http_options options = {.address = address, .port = port};
    struct ts_http *http = NULL;
    struct ts_err err;

    assert_int_not_equal(
        ts_http_start(&http, world->loop, &options, routes, world, &err),
        TS_OK);
    assert_non_null(strstr(err.text, says));
    assert_null(http);
}

static void a_port_that_cannot_be_had_is_named(void **state) {
    struct world *world = *state;
    char place[40];

    (void)snprintf(place, sizeof place, "127.0.0.1:%u: another program",
                   (unsigned)ts_http_port(world->http));
    expect_refusal(world, NULL, ts_http_port(world->http), place);
    expect_refusal(world, "somewhere", 80, "not an IP address");
    expect_refusal(world, "192.0.2.1", 8080, "does not have that address");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(every_answer_has_the_headers),
        CASE(routes_and_methods_are_told_apart),
        CASE(paths_that_try_something_are_refused),
        CASE(head_has_no_body_and_the_line_stays_open),
        CASE(bodies_are_bounded_also_when_inflated),
        CASE(endless_headers_are_cut_off),
        CASE(a_held_request_is_answered_later),
        CASE(a_client_that_leaves_is_noticed),
        CASE(a_stream_sends_events_and_is_counted),
        CASE(a_slow_reader_is_hung_up_on),
        CASE(stopping_lets_all_go),
        CASE(credentials_are_taken_apart),
        CASE(a_port_that_cannot_be_had_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
