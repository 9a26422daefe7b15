#include "sync/proxy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct proxy {
    struct broker_address target;
    char *secret_file;
    struct ts_buf request;
    size_t sent;
    uint8_t reply[PROXY_REPLY_MAX];
    size_t held;
};

enum ts_status proxy_url_parse(struct broker_address *out, const char *url,
                               struct ts_err *err) {
    static const char scheme[] = "http://";
    struct broker_address found;
    char text[BROKER_TEXT] = "";
    size_t len;

    if (!strncmp(url, scheme, sizeof scheme - 1)) {
        url += sizeof scheme - 1;
        len = strcspn(url, "/");
        if (len < sizeof text && url[len + (url[len] == '/')] == 0)
            memcpy(text, url, len);
    }
    if (text[0] && !strchr(text, '@') &&
        broker_address_parse(&found, text, 0, NULL) == TS_OK && found.port) {
        *out = found;
        return TS_OK;
    }
    return ts_fail(err, TS_INVALID,
                   "proxy is no proxy's address; write it as "
                   "http://proxy.example.com:3128, with the port; user and "
                   "password stand in proxy_file alone");
}

static const char reply_start[] = "HTTP/1.";
enum { REPLY_START = sizeof reply_start - 1, CODE_AT = REPLY_START + 2 };

static bool digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

/* "HTTP/1.1 200" and a blank or the end of the line; what is not there yet
 * may still become right. */
static bool line_may_be_reply(struct ts_slice bytes) {
    const uint8_t *b = bytes.data;

    for (size_t i = 0; i < bytes.len && i <= CODE_AT + 3; i++) {
        bool fits = i < REPLY_START    ? b[i] == (uint8_t)reply_start[i]
                    : i == REPLY_START ? digit(b[i])
                    : i < CODE_AT      ? b[i] == ' '
                    : i == CODE_AT     ? b[i] >= '1' && b[i] <= '5'
                    : i < CODE_AT + 3  ? digit(b[i])
                                       : strchr(" \r\n", b[i]) && b[i];
        if (!fits)
            return false;
    }
    return true;
}

/* Bytes up to and with the empty line; 0: it has not come. */
static size_t header_end(struct ts_slice bytes) {
    size_t line = 0; /* bytes of the present line, CR aside */

    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.data[i] == '\n') {
            if (!line)
                return i + 1;
            line = 0;
        } else if (bytes.data[i] != '\r') {
            line++;
        }
    }
    return 0;
}

enum ts_status proxy_reply_parse(struct proxy_reply *out,
                                 struct ts_slice bytes) {
    struct ts_slice head = bytes;
    size_t end;

    if (head.len > PROXY_REPLY_MAX)
        head.len = PROXY_REPLY_MAX;
    if (!line_may_be_reply(head))
        return TS_INVALID;
    end = header_end(head);
    if (!end)
        return bytes.len >= PROXY_REPLY_MAX ? TS_FULL : TS_AGAIN;
    if (memchr(head.data, 0, end))
        return TS_INVALID;
    *out = (struct proxy_reply){.len = end};
    for (size_t i = CODE_AT; i < CODE_AT + 3; i++)
        out->status = out->status * 10 + (unsigned)(head.data[i] - '0');
    return TS_OK;
}

static void wipe(struct ts_buf *buf) {
    if (buf->data)
        explicit_bzero(buf->data, buf->cap);
    ts_buf_fini(buf);
}

/* One line, user:password. */
static enum ts_status read_secret(struct ts_buf *buf, const char *path,
                                  struct ts_err *err) {
    enum ts_status status = ts_file_private(path, 077, err);
    struct ts_slice line;

    if (status == TS_OK)
        status = ts_file_read(buf, path, PROXY_SECRET_MAX, err);
    if (status != TS_OK)
        return ts_wrap(err, "proxy_file");
    while (buf->len && strchr("\r\n", buf->data[buf->len - 1]))
        buf->len--;
    line = ts_buf_slice(buf);
    if (!memchr(line.data, ':', line.len) || memchr(line.data, '\n', line.len))
        return ts_fail(err, TS_INVALID,
                       "proxy_file: %s must hold one line, user:password",
                       path);
    return TS_OK;
}

enum ts_status proxy_secret_check(const char *path, struct ts_err *err) {
    struct ts_buf secret = {0};
    enum ts_status status = read_secret(&secret, path, err);

    wipe(&secret);
    return status;
}

static enum ts_status add_credentials(struct ts_buf *out, const char *path,
                                      struct ts_err *err) {
    enum { TEXT = (PROXY_SECRET_MAX + 2) / 3 * 4 + 1 };
    struct ts_buf secret = {0};
    char text[TEXT];
    enum ts_status status = read_secret(&secret, path, err);

    if (status == TS_OK) {
        ts_base64(text, ts_buf_slice(&secret));
        if (ts_buf_add_text(out, "Proxy-Authorization: Basic ") != TS_OK ||
            ts_buf_add_text(out, text) != TS_OK ||
            ts_buf_add_text(out, "\r\n") != TS_OK)
            abort();
        explicit_bzero(text, sizeof text);
    }
    wipe(&secret);
    return status;
}

static enum ts_status make_request(struct proxy *proxy, struct ts_err *err) {
    bool brackets = strchr(proxy->target.host, ':');
    struct ts_buf *out = &proxy->request;
    char name[BROKER_TEXT];
    char line[2 * BROKER_TEXT + 40];
    enum ts_status status = TS_OK;

    (void)snprintf(name, sizeof name, "%s%s%s:%u", brackets ? "[" : "",
                   proxy->target.host, brackets ? "]" : "", proxy->target.port);
    (void)snprintf(line, sizeof line, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n",
                   name, name);
    if (ts_buf_add_text(out, line) != TS_OK)
        abort();
    if (proxy->secret_file)
        status = add_credentials(out, proxy->secret_file, err);
    if (status == TS_OK && ts_buf_add_text(out, "\r\n") != TS_OK)
        abort();
    return status;
}

enum ts_status proxy_new(struct proxy **out,
                         const struct broker_address *target,
                         const char *secret_file, struct ts_err *err) {
    enum { ROOM = 2 * BROKER_TEXT + 40 + 2 * PROXY_SECRET_MAX };
    struct proxy *proxy = ts_alloc(sizeof *proxy);
    enum ts_status status;

    proxy->target = *target;
    proxy->secret_file = secret_file ? ts_strdup(secret_file) : NULL;
    ts_buf_init(&proxy->request, 0);
    proxy->request.cap = ROOM;
    proxy->request.data = ts_alloc(ROOM);
    status = make_request(proxy, err);
    if (status != TS_OK) {
        proxy_free(proxy);
        return status;
    }
    *out = proxy;
    return TS_OK;
}

void proxy_free(struct proxy *proxy) {
    if (!proxy)
        return;
    wipe(&proxy->request);
    free(proxy->secret_file);
    free(proxy);
}

bool proxy_wants_write(const struct proxy *proxy) {
    return proxy->sent < proxy->request.len;
}

struct refusal {
    unsigned from, to;
    enum ts_status status;
    const char *text, *help;
};

/* RFC 9110 section 15. */
static const struct refusal refusals[] = {
    {403, 403, TS_DENIED, "does not let us reach",
     "have it permit CONNECT to this name and port for this machine"},
    {405, 405, TS_INVALID, "does not do CONNECT to",
     "use a proxy that does, and check that this is the proxy's port"},
    {501, 501, TS_INVALID, "does not do CONNECT to",
     "use a proxy that does, and check that this is the proxy's port"},
    {502, 504, TS_CLOSED, "cannot reach",
     "check the broker's name and port, and the network behind the proxy"},
    {0, 999, TS_DENIED, "does not connect us to", "its log tells why"},
};

static enum ts_status describe(const struct proxy *proxy, unsigned code,
                               struct ts_err *err) {
    const struct refusal *why = refusals;

    if (code == 407 && proxy->secret_file)
        return ts_fail(err, TS_DENIED,
                       "does not accept the user and password in %s (407); "
                       "correct this file, and check that the proxy takes "
                       "Basic authentication",
                       proxy->secret_file);
    if (code == 407)
        return ts_fail(err, TS_DENIED,
                       "demands a user and password (407); write user:password "
                       "to a file of mode 0600 and set proxy_file");
    while (code < why->from || code > why->to)
        why++;
    return ts_fail(err, why->status, "%s %s port %u (status %u); %s", why->text,
                   proxy->target.host, proxy->target.port, code, why->help);
}

static enum ts_status send_request(struct proxy *proxy, int fd,
                                   struct ts_err *err) {
    while (proxy_wants_write(proxy)) {
        ssize_t n = send(fd, proxy->request.data + proxy->sent,
                         proxy->request.len - proxy->sent, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return TS_AGAIN;
        if (n < 0)
            return ts_fail(err, TS_CLOSED,
                           "cut the connection; check that this is the "
                           "proxy's port");
        proxy->sent += (size_t)n;
    }
    explicit_bzero(proxy->request.data, proxy->request.cap);
    return TS_OK;
}

/* Looks before it takes: what follows the header is the broker's. */
static ssize_t look(struct proxy *proxy, int fd) {
    return recv(fd, proxy->reply + proxy->held,
                sizeof proxy->reply - proxy->held, MSG_PEEK);
}

static void take(struct proxy *proxy, int fd, size_t len) {
    (void)!recv(fd, proxy->reply + proxy->held, len, 0);
    proxy->held += len;
}

static enum ts_status judge(const struct proxy *proxy, enum ts_status status,
                            const struct proxy_reply *reply,
                            struct ts_err *err) {
    if (status == TS_INVALID)
        return ts_fail(err, TS_INVALID,
                       "does not answer as an HTTP proxy does; check that "
                       "proxy is the proxy's own host and port");
    if (status == TS_FULL)
        return ts_fail(err, TS_INVALID,
                       "answers with a header of more than %d bytes; check "
                       "that proxy is the proxy's own host and port",
                       PROXY_REPLY_MAX);
    if (status == TS_OK && reply->status / 100 != 2)
        return describe(proxy, reply->status, err);
    return status;
}

static enum ts_status read_reply(struct proxy *proxy, int fd,
                                 struct ts_err *err) {
    struct proxy_reply reply = {0};

    for (;;) {
        ssize_t n = look(proxy, fd);
        size_t all;
        enum ts_status status;

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return TS_AGAIN;
        if (n <= 0)
            return ts_fail(err, TS_CLOSED,
                           "closed the connection without a whole answer; "
                           "check its log, and that this is the proxy's port");
        all = proxy->held + (size_t)n;
        status = proxy_reply_parse(&reply, ts_slice_of(proxy->reply, all));
        take(proxy, fd, status == TS_OK ? reply.len - proxy->held : (size_t)n);
        if (status != TS_AGAIN)
            return judge(proxy, status, &reply, err);
    }
}

enum ts_status proxy_step(struct proxy *proxy, int fd, struct ts_err *err) {
    enum ts_status status =
        proxy_wants_write(proxy) ? send_request(proxy, fd, err) : TS_OK;

    return status == TS_OK ? read_reply(proxy, fd, err) : status;
}
