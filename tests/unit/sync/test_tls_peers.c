/* Peers that a broker must not be: wrong certificates, old versions, weak
 * ciphers, bytes that are no TLS; and what a kept session is good for. The
 * servers are OpenSSL's, or a child that says what a table holds. */
#include "base/time.h"
#include "sync/tls_private.h"

#include "cmocka_all.h"
#include "tests/support/broker.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, ARGS_MAX = 24, FLOOD = 10 * 1024 * 1024 };

struct fixture {
    char *folder, *certs;
    char log[300];
};

static int set_up(void **state) {
    struct fixture *f = ts_alloc(sizeof *f);

    (void)signal(SIGPIPE, SIG_IGN);
    f->folder = test_folder_new("peers");
    f->certs = test_folder_new("certs");
    test_certs_make(f->certs);
    test_certs_make_odd(f->certs);
    (void)snprintf(f->log, sizeof f->log, "%s/server.log", f->folder);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;

    test_folder_free(f->folder);
    test_folder_free(f->certs);
    free(f);
    return 0;
}

struct server {
    pid_t pid;
    int in; /* its commands */
    uint16_t port;
};

static bool log_has(const struct fixture *f, const char *text) {
    struct ts_buf log = {0};
    bool found = ts_file_read(&log, f->log, 1 << 20, NULL) == TS_OK &&
                 strstr(ts_buf_text(&log), text);

    ts_buf_fini(&log);
    return found;
}

static void wait_for_log(const struct fixture *f, const char *text) {
    struct timespec pause = {.tv_nsec = 10000000};

    for (int i = 0; i < PATIENCE_MS / 10; i++) {
        if (log_has(f, text))
            return;
        (void)nanosleep(&pause, NULL);
    }
    fail_msg("the server does not say %s", text);
}

/* `more` are options of openssl s_server, blank-separated. */
static struct server server_start(const struct fixture *f, const char *name,
                                  const char *more) {
    struct server server = {.port = test_port_free()};
    char line[1200];
    char *argv[ARGS_MAX];
    size_t count = 0;
    int in[2];

    (void)snprintf(line, sizeof line,
                   "openssl s_server -accept 127.0.0.1:%u -cert %s/%s.crt -key "
                   "%s/%s.key %s",
                   server.port, f->certs, name, f->certs, name, more);
    (void)unlink(f->log);
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    server.pid = fork();
    if (server.pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        int out = open(f->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        char *rest = line;
        while (count < ARGS_MAX - 1 && (argv[count] = strsep(&rest, " ")))
            count += *argv[count] != 0;
        argv[count] = NULL;
        (void)dup2(in[0], 0);
        (void)dup2(out, 1);
        (void)dup2(out, 2);
        if (argv[0])
            (void)execvp(argv[0], argv);
        _exit(127);
    }
    (void)close(in[0]);
    server.in = in[1];
    wait_for_log(f, "ACCEPT");
    return server;
}

static void server_stop(struct server *server) {
    (void)kill(server->pid, SIGKILL);
    (void)waitpid(server->pid, NULL, 0);
    (void)close(server->in);
}

struct fake_time {
    int64_t wall_ms, mono_ms;
};

static struct ts_wall fake_wall(void *ctx) {
    return (struct ts_wall){((struct fake_time *)ctx)->wall_ms};
}

static struct ts_mono fake_mono(void *ctx) {
    return (struct ts_mono){((struct fake_time *)ctx)->mono_ms};
}

static bool fake_synchronised(void *ctx) {
    (void)ctx;
    return true;
}

/* Everything of one client; texts for its files. */
struct client {
    struct fake_time time;
    struct ts_clock clock;
    char ca[300], crl[300], cert[300], key[300];
    struct tls *tls;
    int fd;
};

static void client_open(struct client *client, const struct fixture *f,
                        const char *name, const char *server_name, bool crl) {
    memset(client, 0, sizeof *client);
    client->fd = -1;
    client->time.wall_ms = ts_clock_wall(ts_clock_system()).unix_ms;
    client->clock = (struct ts_clock){&client->time, fake_wall, fake_mono,
                                      fake_synchronised};
    (void)snprintf(client->ca, 300, "%s/ca.crt", f->certs);
    (void)snprintf(client->crl, 300, "%s/crl.pem", f->certs);
    (void)snprintf(client->cert, 300, "%s/%s.crt", f->certs, name);
    (void)snprintf(client->key, 300, "%s/%s.key", f->certs, name);
    client->tls =
        tls_new(&(struct tls_options){.ca_file = client->ca,
                                      .crl_file = crl ? client->crl : NULL,
                                      .cert_file = client->cert,
                                      .key_file = client->key,
                                      .server_name = server_name,
                                      .clock = &client->clock});
}

static void client_hang_up(struct client *client) {
    tls_end(client->tls);
    if (client->fd >= 0)
        (void)close(client->fd);
    client->fd = -1;
}

static void client_close(struct client *client) {
    client_hang_up(client);
    tls_free(client->tls);
}

static void client_dial(struct client *client, uint16_t port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client->fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(fcntl(client->fd, F_SETFL, O_NONBLOCK), 0);
}

static void client_wait(const struct client *client) {
    struct pollfd ready = {.fd = client->fd, .events = POLLIN};

    if (tls_wants_write(client->tls))
        ready.events = POLLOUT;
    assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
}

/* A whole handshake on a new connection. */
static enum ts_status client_join(struct client *client, uint16_t port,
                                  struct ts_err *err) {
    enum ts_status status;

    client_hang_up(client);
    client_dial(client, port);
    status = tls_begin(client->tls, client->fd, err);
    while (status == TS_OK &&
           (status = tls_handshake(client->tls, err)) == TS_AGAIN) {
        client_wait(client);
        status = TS_OK;
    }
    return status;
}

/* Until the session says something other than that it waits. */
static enum ts_status client_read(struct client *client, struct ts_err *err) {
    uint8_t bytes[64];
    size_t got;
    enum ts_status status;

    while ((status = tls_read(client->tls, bytes, sizeof bytes, &got, err)) ==
           TS_AGAIN)
        client_wait(client);
    return status;
}

struct wrong {
    const char *cert, *more; /* the server's */
    const char *name;        /* that is wanted of it */
    bool crl;
    enum ts_status status; /* TS_OK: this one is right */
    const char *text, *also;
};

#define WEAK "-cipher ALL@SECLEVEL=0"

static const struct wrong wrongs[] = {
    {"server", "", "localhost", true, TS_OK, "", ""},
    {"odd-address", "", "127.0.0.1", false, TS_OK, "", ""},
    {"odd-address", "", "::1", false, TS_OK, "", ""},
    {"odd-address", "", "127.0.0.2", false, TS_DENIED,
     "wanted 127.0.0.2, but it is for 127.0.0.1, ::1", "server_name"},
    {"server", "", "127.0.0.1", false, TS_DENIED,
     "wanted 127.0.0.1, but it is for localhost", "server_name"},
    {"server-other", "", "localhost", false, TS_DENIED,
     "wanted localhost, but it is for broker.example", "name servers answer"},
    {"server-expired", "", "localhost", false, TS_DENIED,
     "the broker's certificate expired on 2021-02-03T04:05:06Z", "renew it"},
    {"server-future", "", "localhost", false, TS_DENIED,
     "is not valid before 2048-02-03T04:05:06Z", "clock"},
    {"server-rogue", "", "localhost", false, TS_DENIED,
     "certificate is not signed by the CA in ca_file (", "install the CA"},
    {"odd-self", "", "localhost", false, TS_DENIED,
     "is self-signed, and is not signed by the CA in ca_file", "install"},
    {"server-revoked", "", "localhost", true, TS_DENIED,
     "is revoked by the list in crl_file", "new certificate"},
    {"server-revoked", "", "localhost", false, TS_OK, "", ""},
    {"odd-terminal", "", "localhost", false, TS_DENIED,
     "is not a server's (extended key usage)", "serverAuth"},
    {"client", "", "localhost", false, TS_DENIED,
     "wanted localhost, but it is for lane-1", "server_name"},
    {"odd-rsa1024", WEAK, "localhost", false, TS_DENIED, "has a weak key",
     "EC P-256"},
    {"odd-p192", WEAK, "localhost", false, TS_DENIED,
     "shares no cipher with us", "TLS settings"},
    {"odd-sha1", WEAK, "localhost", false, TS_DENIED,
     "is signed with a weak hash (SHA-1 or MD5)", "SHA-256"},
    {"server", "-tls1_1 " WEAK, "localhost", false, TS_DENIED,
     "shares no cipher with us (TLS 1.2", "TLS settings"},
    {"server", "-tls1 " WEAK, "localhost", false, TS_DENIED,
     "shares no cipher with us (TLS 1.2", "TLS settings"},
    {"server", "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA@SECLEVEL=0", "localhost",
     false, TS_DENIED, "shares no cipher with us", "TLS settings"},
    {"server", "-tls1_3", "localhost", false, TS_INVALID,
     "does not speak TLS 1.2", "enable it there"},
    {"server", "-Verify 1 -verify_return_error", "localhost", false, TS_DENIED,
     "does not know the CA of our certificate", "CA that the broker trusts"},
};

static void test_wrong_peers(void **state) {
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        const struct wrong *row = &wrongs[i];
        struct server server = server_start(f, row->cert, row->more);
        struct client client;
        struct ts_err err = {0};
        enum ts_status status;

        client_open(&client, f, "client", row->name, row->crl);
        status = client_join(&client, server.port, &err);
        if (status != row->status ||
            (status != TS_OK &&
             (!strstr(err.text, row->text) || !strstr(err.text, row->also))))
            fail_msg("%s %s as %s: %d %s", row->cert, row->more, row->name,
                     status, err.text);
        client_close(&client);
        server_stop(&server);
    }
}

/* Every wrong row has words of its own. */
static void test_own_words(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++)
        if (wrongs[i].status != TS_OK &&
            (strlen(wrongs[i].text) < 10 || strlen(wrongs[i].also) < 3))
            fail_msg("row %zu asserts nothing", i);
}

/* What no server of OpenSSL's can be made to present. */
static void test_flag_words(void **state) {
    static const struct {
        uint32_t flags;
        const char *text;
    } rows[] = {
        {MBEDTLS_X509_BADCERT_KEY_USAGE, "may not be used for TLS (key usage)"},
        {MBEDTLS_X509_BADCERT_NS_CERT_TYPE, "is not a server's"},
        {MBEDTLS_X509_BADCRL_EXPIRED, "list in crl_file (/l) is out of date"},
        {MBEDTLS_X509_BADCRL_FUTURE, "list in crl_file (/l) is dated in the"},
        {MBEDTLS_X509_BADCRL_NOT_TRUSTED,
         "list in crl_file (/l) is not signed"},
        {MBEDTLS_X509_BADCRL_BAD_MD, "list in crl_file (/l) has a weak"},
        {MBEDTLS_X509_BADCERT_OTHER, "fails its check (flags 0x100)"}};
    char list[] = "/l";
    struct tls_paths paths = {.crl = list};
    struct tls_terms terms = {.paths = &paths, .server_name = "localhost"};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int depth = 0; depth < 2; depth++) {
            char text[TS_ERR_TEXT];
            tls_explain_certificate(text, sizeof text, &terms, NULL, depth,
                                    rows[i].flags);
            if (!strstr(text, rows[i].text))
                fail_msg("%s", text);
            assert_int_equal(strstr(text, "the CA certificate above") == text,
                             depth);
        }
}

static void test_weak_own_key(void **state) {
    struct fixture *f = *state;
    struct client client;
    struct ts_err err;

    client_open(&client, f, "odd-client-rsa1024", "localhost", false);
    assert_int_equal(tls_check_files(client.tls, &err), TS_INVALID);
    assert_non_null(strstr(err.text, "has 1024 bits, too few for RSA"));
    client_close(&client);
}

static void test_chacha_first(void **state) {
    struct fixture *f = *state;
    struct server server = server_start(f, "server", "");
    struct client client;
    struct ts_err err;

    client_open(&client, f, "client", "localhost", false);
    assert_int_equal(client_join(&client, server.port, &err), TS_OK);
    wait_for_log(f, "CIPHER is ECDHE-ECDSA-CHACHA20-POLY1305");
    client_close(&client);
    server_stop(&server);
}

struct end {
    const char *more, *request; /* of the server, to it */
    const char *command;        /* on its standard input */
    enum ts_status status;
    const char *text;
};

/* With and without close_notify, and a wish to negotiate again. */
static const struct end ends[] = {
    {"-www", "GET / HTTP/1.0\r\n\r\n", NULL, TS_CLOSED,
     "the broker closed the connection"},
    {"", NULL, NULL, TS_CLOSED, "the connection was cut"},
    {"-tls1_2", NULL, "r\n", TS_DENIED, "TLS alert 40"},
};

static void end_session(const struct fixture *f, const struct end *end,
                        struct client *client, struct server *server) {
    struct ts_err err;
    size_t sent;

    if (end->request) {
        assert_int_equal(
            tls_write(client->tls, ts_slice_text(end->request), &sent, &err),
            TS_OK);
        return;
    }
    wait_for_log(f, "CIPHER is");
    if (end->command)
        assert_true(write(server->in, end->command, strlen(end->command)) > 0);
    else
        (void)kill(server->pid, SIGKILL);
}

static void test_ends(void **state) {
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct server server = server_start(f, "server", ends[i].more);
        struct client client;
        struct ts_err err;
        enum ts_status status;

        client_open(&client, f, "client", "localhost", false);
        assert_int_equal(client_join(&client, server.port, &err), TS_OK);
        end_session(f, &ends[i], &client, &server);
        while ((status = client_read(&client, &err)) == TS_OK)
            ;
        if (status != ends[i].status || !strstr(err.text, ends[i].text))
            fail_msg("%zu: %d %s", i, status, err.text);
        client_close(&client);
        server_stop(&server);
    }
}

/* What a child says to one that connects, over and over, up to `total`. */
struct rude {
    const char *bytes;
    size_t len, total;
    enum ts_status status;
    const char *text;
};

#define BYTES(text) text, sizeof(text) - 1

static const struct rude rudes[] = {
    {BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"), 28, TS_INVALID,
     "answers with HTTP and does not speak TLS"},
    {BYTES("\x20\x02\x00\x00"), 4, TS_INVALID, "the peer does not speak TLS"},
    {BYTES("\x15\x03\x03\x00\x02\x02\x28"), 7, TS_DENIED,
     "refused the handshake"},
    {BYTES("\x16\x03\x03\x40\x01garbage"), 11, TS_CLOSED,
     "closed the connection during the TLS handshake"},
    {BYTES("\x16\x03\x03\x00\x04\x0e\x00\x00\x00"), 9, TS_INVALID,
     "the broker's hello is broken"},
    {BYTES("\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02"
           "thirty-two bytes that are random\x00\xc0\x2b\x00"),
     47, TS_INVALID, "speaks an older TLS than 1.2"},
    {BYTES("\x16\x09\x09\x00\x04\x02\x00\x00\x00"), 9, TS_INVALID,
     "what the peer sends is no TLS"},
    {BYTES(""), 0, TS_CLOSED, "closed the connection during the TLS handshake"},
    /* Warnings that one may pass over, without end. */
    {BYTES("\x15\x03\x03\x00\x02\x01\x29"), FLOOD, TS_INVALID,
     "the peer's TLS handshake has no end (128 KiB so far)"},
    {BYTES("\x16\x03\x03\x3f\xff\x0b\x00\x3f\xfb"), FLOOD, TS_INVALID,
     "the broker's hello is broken"},
    {BYTES("no end of words "), FLOOD, TS_INVALID,
     "the peer does not speak TLS"},
};

static void say_all(int fd, const struct rude *rude) {
    uint8_t block[16384];
    size_t sent = 0;

    if (!rude->len)
        return;
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (uint8_t)rude->bytes[i % rude->len];
    while (sent < rude->total) {
        /* Whole repetitions, so that the next block goes on with them. */
        size_t left = rude->total - sent;
        size_t fits = sizeof block / rude->len * rude->len;
        ssize_t n = send(fd, block, left < fits ? left : fits, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        sent += (size_t)n;
        if ((size_t)n < fits)
            return;
    }
}

/* Reads until the client has gone, so that no reset overtakes the words. */
static pid_t rude_start(const struct rude *rude, uint16_t *port) {
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    pid_t pid;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        char bytes[512];
        int fd = accept(listener, NULL, NULL);
        (void)!recv(fd, bytes, sizeof bytes, 0);
        say_all(fd, rude);
        (void)shutdown(fd, SHUT_WR);
        while (recv(fd, bytes, sizeof bytes, 0) > 0)
            ;
        _exit(0);
    }
    (void)close(listener);
    return pid;
}

static void test_rude_peers(void **state) {
    enum { BOUND = 256 * 1024 };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof rudes / sizeof *rudes; i++) {
        struct client client;
        struct ts_err err = {0};
        enum ts_status status;
        uint16_t port;
        pid_t pid = rude_start(&rudes[i], &port);

        client_open(&client, f, "client", "localhost", false);
        status = client_join(&client, port, &err);
        if (status != rudes[i].status || !strstr(err.text, rudes[i].text))
            fail_msg("row %zu: %d %s", i, status, err.text);
        assert_true(tls_bytes_in(client.tls) < BOUND);
        client_close(&client);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
    }
}

static bool resumes(struct client *client, const struct server *server) {
    struct ts_err err = {0};

    if (client_join(client, server->port, &err) != TS_OK)
        fail_msg("%s", err.text);
    return tls_resumed(client->tls);
}

static void append_newline(const char *path) {
    FILE *file = fopen(path, "ae");

    assert_non_null(file);
    assert_true(fputs("\n", file) >= 0);
    (void)fclose(file);
}

/* A kept session is taken up as long as a handshake would end the same way. */
static void test_kept_session(void **state) {
    struct fixture *f = *state;
    struct server server = server_start(f, "server", "-tls1_2");
    struct client client;
    struct ts_wall late;
    struct ts_err err;

    client_open(&client, f, "client", "localhost", true);
    assert_false(resumes(&client, &server));
    assert_true(resumes(&client, &server));
    client.time.mono_ms += (int64_t)7 * 3600 * 1000;
    assert_true(resumes(&client, &server)); /* and is no newer for that */
    client.time.mono_ms += (int64_t)2 * 3600 * 1000;
    assert_false(resumes(&client, &server));
    assert_true(resumes(&client, &server));
    append_newline(client.crl); /* another list */
    assert_false(resumes(&client, &server));
    append_newline(client.cert); /* another certificate of ours */
    assert_false(resumes(&client, &server));
    append_newline(client.ca);
    assert_false(resumes(&client, &server));
    assert_true(resumes(&client, &server));
    tls_set_server_name(client.tls, "broker.example");
    assert_int_equal(client_join(&client, server.port, &err), TS_DENIED);
    assert_non_null(strstr(err.text, "wanted broker.example"));
    tls_set_server_name(client.tls, "localhost");
    assert_false(resumes(&client, &server));
    /* The certificate ends while the session is kept. */
    assert_int_equal(
        ts_wall_parse(&late, ts_slice_text("2050-06-01T00:00:00Z")), TS_OK);
    client.time.wall_ms = late.unix_ms;
    assert_int_equal(client_join(&client, server.port, &err), TS_DENIED);
    assert_non_null(strstr(err.text, "is out of date")); /* the list as well */
    client_close(&client);
    server_stop(&server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_peers),
        cmocka_unit_test(test_own_words),
        cmocka_unit_test(test_flag_words),
        cmocka_unit_test(test_weak_own_key),
        cmocka_unit_test(test_chacha_first),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_rude_peers),
        cmocka_unit_test(test_kept_session),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
