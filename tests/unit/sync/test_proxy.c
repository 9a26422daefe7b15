/* What an HTTP proxy may answer, whole and in pieces, and what is told. */
#include "sync/proxy.h"

#include "cmocka_all.h"
#include "tests/support/broker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define OK_LINE "HTTP/1.1 200 Connection established\r\n"

struct reply {
    const char *bytes;
    enum ts_status status;
    unsigned code;
    size_t rest; /* bytes behind the header */
};

static const struct reply replies[] = {
    {OK_LINE "\r\n", TS_OK, 200, 0},
    {OK_LINE "Via: 1.1 out\r\nX: y\r\n\r\n", TS_OK, 200, 0},
    {"HTTP/1.0 200\r\n\r\n", TS_OK, 200, 0},
    {"HTTP/1.1 200 OK\n\n", TS_OK, 200, 0},
    {OK_LINE "\r\n\x16\x03\x03", TS_OK, 200, 3},
    {"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 5\r\n\r\n"
     "hello",
     TS_OK, 407, 5},
    {"", TS_AGAIN, 0, 0},
    {"HTTP/1.", TS_AGAIN, 0, 0},
    {"HTTP/1.1 20", TS_AGAIN, 0, 0},
    {OK_LINE, TS_AGAIN, 0, 0},
    {OK_LINE "Via: out\r\n", TS_AGAIN, 0, 0},
    {"HTTP/2 200\r\n\r\n", TS_INVALID, 0, 0},
    {"HTTP/1.1 2000\r\n\r\n", TS_INVALID, 0, 0},
    {"HTTP/1.1 20x\r\n\r\n", TS_INVALID, 0, 0},
    {"HTTP/1.1 600 x\r\n\r\n", TS_INVALID, 0, 0},
    {"HTTP/1.1  200\r\n\r\n", TS_INVALID, 0, 0},
    {"http/1.1 200\r\n\r\n", TS_INVALID, 0, 0},
    {"220 mail.example ESMTP\r\n", TS_INVALID, 0, 0},
    {"\x16\x03\x03", TS_INVALID, 0, 0},
    {"\r\n\r\n", TS_INVALID, 0, 0},
};

/* Bytes that come later never turn a judgement round. */
static void check_pieces(const struct reply *row) {
    size_t len = strlen(row->bytes);

    for (size_t cut = 0; cut <= len; cut++) {
        struct proxy_reply reply = {0};
        enum ts_status status =
            proxy_reply_parse(&reply, ts_slice_of(row->bytes, cut));

        if (status != TS_AGAIN && status != row->status)
            fail_msg("%s cut at %zu: %d", row->bytes, cut, status);
        if (status == TS_OK && reply.len != len - row->rest)
            fail_msg("%s cut at %zu: header of %zu", row->bytes, cut,
                     reply.len);
    }
}

static void test_replies(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        struct proxy_reply reply = {0};
        enum ts_status status =
            proxy_reply_parse(&reply, ts_slice_text(replies[i].bytes));

        if (status != replies[i].status || reply.status != replies[i].code)
            fail_msg("%s: %d, %u", replies[i].bytes, status, reply.status);
        check_pieces(&replies[i]);
    }
}

static void test_nul_in_header(void **state) {
    static const char bytes[] = OK_LINE "X: \0\r\n\r\n";
    struct proxy_reply reply;

    (void)state;
    assert_int_equal(
        proxy_reply_parse(&reply, ts_slice_of(bytes, sizeof bytes - 1)),
        TS_INVALID);
}

static void put(char *at, const char *text) {
    while (*text)
        *at++ = *text++;
}

/* The longest header that is taken, and one byte more. */
static void test_long_header(void **state) {
    struct proxy_reply reply;
    char *bytes = ts_alloc(PROXY_REPLY_MAX + 2);

    (void)state;
    memset(bytes, 'x', PROXY_REPLY_MAX + 1);
    put(bytes, OK_LINE);
    put(bytes + PROXY_REPLY_MAX - 4, "\r\n\r\n");
    assert_int_equal(
        proxy_reply_parse(&reply, ts_slice_of(bytes, PROXY_REPLY_MAX)), TS_OK);
    assert_int_equal(reply.len, PROXY_REPLY_MAX);
    put(bytes + PROXY_REPLY_MAX - 4, "x\r\n\r\n");
    assert_int_equal(
        proxy_reply_parse(&reply, ts_slice_of(bytes, PROXY_REPLY_MAX - 1)),
        TS_AGAIN);
    assert_int_equal(
        proxy_reply_parse(&reply, ts_slice_of(bytes, PROXY_REPLY_MAX + 1)),
        TS_FULL);
    free(bytes);
}

static void test_urls(void **state) {
    static const char *const bad[] = {"",
                                      "proxy.example.com:3128",
                                      "http://",
                                      "http://proxy.example.com",
                                      "https://proxy.example.com:3128",
                                      "http://user:pw@proxy.example.com:3128",
                                      "http://proxy.example.com:3128/path",
                                      "http://proxy.example.com:0",
                                      "socks5://proxy.example.com:1080"};
    struct broker_address out;
    struct ts_err err;

    (void)state;
    assert_int_equal(
        proxy_url_parse(&out, "http://proxy.example.com:3128", &err), TS_OK);
    assert_string_equal(out.host, "proxy.example.com");
    assert_int_equal(out.port, 3128);
    assert_int_equal(proxy_url_parse(&out, "http://[2001:db8::1]:80/", &err),
                     TS_OK);
    assert_string_equal(out.host, "2001:db8::1");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (proxy_url_parse(&out, bad[i], &err) != TS_INVALID)
            fail_msg("%s", bad[i]);
        assert_non_null(strstr(err.text, "http://proxy.example.com:3128"));
        assert_null(strstr(err.text, "pw"));
    }
}

struct exchange {
    struct proxy *proxy;
    int ours, theirs;
};

static const struct broker_address target = {"mq.example.com", 8883};

static void exchange_begin(struct exchange *x, const struct broker_address *to,
                           const char *secret_file) {
    struct ts_err err;
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair),
                     0);
    x->ours = pair[0];
    x->theirs = pair[1];
    if (proxy_new(&x->proxy, to, secret_file, &err) != TS_OK)
        fail_msg("%s", err.text);
}

static void exchange_end(struct exchange *x) {
    proxy_free(x->proxy);
    (void)close(x->ours);
    if (x->theirs >= 0)
        (void)close(x->theirs);
}

static void say(struct exchange *x, const char *text) {
    assert_int_equal(send(x->theirs, text, strlen(text), MSG_NOSIGNAL),
                     strlen(text));
}

static void heard(struct exchange *x, const char *wanted) {
    char text[2048] = "";

    assert_true(recv(x->theirs, text, sizeof text - 1, 0) > 0);
    assert_string_equal(text, wanted);
}

/* Byte by byte; what follows the header stays in the socket. */
static void test_exchange(void **state) {
    static const char answer[] = OK_LINE "Via: out\r\n\r\n";
    struct broker_address six = {"2001:db8::1", 443};
    struct exchange x;
    struct ts_err err;
    char rest[8];

    (void)state;
    exchange_begin(&x, &six, NULL);
    assert_true(proxy_wants_write(x.proxy));
    assert_int_equal(proxy_step(x.proxy, x.ours, &err), TS_AGAIN);
    assert_false(proxy_wants_write(x.proxy));
    heard(&x, "CONNECT [2001:db8::1]:443 HTTP/1.1\r\n"
              "Host: [2001:db8::1]:443\r\n\r\n");
    for (size_t i = 0; i + 2 < sizeof answer; i++) {
        const char byte[2] = {answer[i], 0};
        say(&x, byte);
        assert_int_equal(proxy_step(x.proxy, x.ours, &err), TS_AGAIN);
    }
    say(&x, "\nTLS");
    assert_int_equal(proxy_step(x.proxy, x.ours, &err), TS_OK);
    assert_int_equal(recv(x.ours, rest, sizeof rest, 0), 3);
    assert_memory_equal(rest, "TLS", 3);
    exchange_end(&x);
}

static void write_secret(char path[300], const char *folder, const char *text,
                         mode_t mode) {
    FILE *file;

    (void)snprintf(path, 300, "%s/proxy", folder);
    (void)unlink(path);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    (void)fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void test_credentials(void **state) {
    char *folder = test_folder_new("proxy");
    char path[300];
    struct exchange x;
    struct ts_err err;

    (void)state;
    /* RFC 7617 section 2. */
    write_secret(path, folder, "Aladdin:open sesame\n", 0600);
    assert_int_equal(proxy_secret_check(path, &err), TS_OK);
    exchange_begin(&x, &target, path);
    assert_int_equal(proxy_step(x.proxy, x.ours, &err), TS_AGAIN);
    heard(&x,
          "CONNECT mq.example.com:8883 HTTP/1.1\r\n"
          "Host: mq.example.com:8883\r\n"
          "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
    say(&x, "HTTP/1.1 407 No\r\n\r\n");
    assert_int_equal(proxy_step(x.proxy, x.ours, &err), TS_DENIED);
    assert_non_null(strstr(err.text, "does not accept the user and password"));
    assert_non_null(strstr(err.text, path));
    assert_null(strstr(err.text, "sesame"));
    exchange_end(&x);
    test_folder_free(folder);
}

static void test_wrong_secrets(void **state) {
    static const struct {
        const char *text;
        mode_t mode;
        const char *says;
    } rows[] = {{"user:pw\n", 0644, "chmod 600"},
                {"user:pw\n", 0640, "chmod 600"},
                {"", 0600, "must hold one line, user:password"},
                {"user\n", 0600, "must hold one line, user:password"},
                {"a:b\nc:d\n", 0600, "must hold one line, user:password"}};
    char *folder = test_folder_new("proxy");
    char path[300];
    char *long_line = ts_alloc(PROXY_SECRET_MAX + 2);
    struct ts_err err;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_secret(path, folder, rows[i].text, rows[i].mode);
        assert_int_not_equal(proxy_secret_check(path, &err), TS_OK);
        if (!strstr(err.text, rows[i].says))
            fail_msg("%s", err.text);
        assert_non_null(strstr(err.text, "proxy_file: "));
        assert_null(strstr(err.text, ":pw"));
    }
    memset(long_line, ':', PROXY_SECRET_MAX + 1);
    write_secret(path, folder, long_line, 0600);
    assert_int_equal(proxy_secret_check(path, &err), TS_FULL);
    long_line[PROXY_SECRET_MAX] = 0;
    write_secret(path, folder, long_line, 0600);
    assert_int_equal(proxy_secret_check(path, &err), TS_OK);
    assert_int_not_equal(proxy_secret_check("/nowhere", &err), TS_OK);
    free(long_line);
    test_folder_free(folder);
}

struct refusal {
    const char *answer;
    enum ts_status status;
    const char *text, *help;
};

static const struct refusal refusals[] = {
    {"HTTP/1.1 407 Auth\r\n\r\n", TS_DENIED, "demands a user and password",
     "set proxy_file"},
    {"HTTP/1.1 403 Forbidden\r\n\r\n", TS_DENIED,
     "does not let us reach mq.example.com port 8883 (status 403)",
     "permit CONNECT"},
    {"HTTP/1.1 405 Method\r\n\r\n", TS_INVALID, "does not do CONNECT",
     "use a proxy that does"},
    {"HTTP/1.1 502 Bad Gateway\r\n\r\n", TS_CLOSED,
     "cannot reach mq.example.com port 8883 (status 502)",
     "the network behind the proxy"},
    {"HTTP/1.1 504 Timeout\r\n\r\n", TS_CLOSED, "(status 504)",
     "the network behind the proxy"},
    {"HTTP/1.1 302 Found\r\n\r\n", TS_DENIED,
     "does not connect us to mq.example.com port 8883 (status 302)", "its log"},
    {"HTTP/1.1 100 Continue\r\n\r\n", TS_DENIED, "(status 100)", "its log"},
    {"220 mail.example ESMTP\r\n", TS_INVALID,
     "does not answer as an HTTP proxy does", "own host and port"},
    {NULL, TS_CLOSED, "closed the connection without a whole answer",
     "its log"},
};

static void test_refusals(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct refusal *row = &refusals[i];
        struct exchange x;
        struct ts_err err;
        enum ts_status status;

        exchange_begin(&x, &target, NULL);
        if (row->answer) {
            say(&x, row->answer);
        } else {
            say(&x, OK_LINE);
            assert_int_equal(proxy_step(x.proxy, x.ours, &err), TS_AGAIN);
            (void)close(x.theirs);
            x.theirs = -1;
        }
        status = proxy_step(x.proxy, x.ours, &err);
        if (status != row->status || !strstr(err.text, row->text) ||
            !strstr(err.text, row->help))
            fail_msg("row %zu: %d %s", i, status, err.text);
        exchange_end(&x);
    }
}

/* A header that never ends costs PROXY_REPLY_MAX bytes and no more. */
static void test_endless_header(void **state) {
    struct exchange x;
    struct ts_err err;
    enum ts_status status;
    size_t sent = sizeof OK_LINE - 1;

    (void)state;
    exchange_begin(&x, &target, NULL);
    say(&x, OK_LINE);
    while ((status = proxy_step(x.proxy, x.ours, &err)) == TS_AGAIN &&
           sent < (size_t)PROXY_REPLY_MAX * 4) {
        say(&x, "X: and so on, and so on\r\n");
        sent += 25;
    }
    assert_int_equal(status, TS_INVALID);
    assert_non_null(strstr(err.text, "header of more than 8192 bytes"));
    assert_true(sent < PROXY_REPLY_MAX + 50);
    exchange_end(&x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replies),
        cmocka_unit_test(test_nul_in_header),
        cmocka_unit_test(test_long_header),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_exchange),
        cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_wrong_secrets),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_endless_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
