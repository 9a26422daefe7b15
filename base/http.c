#include "base/http_parts.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* evhttp answers what is beyond the slack itself, with a bare page. */
enum { HEADERS_MAX = 32 * 1024, BODY_SLACK = 64 * 1024, PING_S = 15 };

void ts_http_secure(struct evhttp_request *evreq) {
    static const char *const headers[][2] = {
        {"Content-Security-Policy",
         "default-src 'self'; object-src 'none'; base-uri 'none'; "
         "form-action 'self'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},
    };
    struct evkeyvalq *out = evhttp_request_get_output_headers(evreq);

    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        (void)evhttp_remove_header(out, headers[i][0]);
        (void)evhttp_add_header(out, headers[i][0], headers[i][1]);
    }
    if (!evhttp_find_header(out, "Cache-Control"))
        (void)evhttp_add_header(out, "Cache-Control", "no-store");
}

static void on_peer_closed(evutil_socket_t fd, short what, void *arg) {
    struct ts_http_client *client = arg;

    (void)fd;
    (void)what;
    ts_http_hang_up(client);
}

void ts_http_watch(struct ts_http_client *client, struct event_base *loop,
                   void (*on_close)(struct evhttp_connection *, void *),
                   void *arg) {
    struct evhttp_connection *connection =
        evhttp_request_get_connection(client->evreq);
    struct bufferevent *bev = evhttp_connection_get_bufferevent(connection);

    evhttp_connection_set_closecb(connection, on_close, arg);
    /* evhttp does not read while an answer is due, and must not be made to:
     * early bytes of the next request would end the program. */
    client->closed = event_new(loop, bufferevent_getfd(bev), EV_CLOSED,
                               on_peer_closed, client);
    if (client->closed)
        (void)event_add(client->closed, NULL);
}

void ts_http_unwatch(struct ts_http_client *client) {
    struct evhttp_connection *connection =
        client->evreq ? evhttp_request_get_connection(client->evreq) : NULL;

    if (client->closed)
        event_free(client->closed);
    client->closed = NULL;
    if (connection)
        evhttp_connection_set_closecb(connection, NULL, NULL);
}

void ts_http_hang_up(struct ts_http_client *client) {
    client->ours = true;
    evhttp_connection_free(evhttp_request_get_connection(client->evreq));
}

static unsigned method_of(struct evhttp_request *evreq) {
    switch (evhttp_request_get_command(evreq)) {
    case EVHTTP_REQ_GET:
    case EVHTTP_REQ_HEAD:
        return TS_HTTP_GET;
    case EVHTTP_REQ_POST:
        return TS_HTTP_POST;
    case EVHTTP_REQ_OPTIONS:
        return TS_HTTP_OPTIONS;
    case EVHTTP_REQ_DELETE:
        return TS_HTTP_DELETE;
    default:
        return 0;
    }
}

unsigned ts_http_method(const struct ts_http_request *request) {
    return method_of(request->client.evreq);
}

static bool path_matches(const char *pattern, const char *path) {
    size_t len = strlen(pattern);

    if (len && pattern[len - 1] == '*')
        return !strncmp(pattern, path, len - 1);
    return !strcmp(pattern, path);
}

/* The route, or NULL with the methods that the path has. */
static const struct ts_http_route *find_route(const struct ts_http *http,
                                              const char *path, unsigned method,
                                              unsigned *allowed) {
    *allowed = 0;
    for (const struct ts_http_route *route = http->routes; route->path;
         route++) {
        if (!path_matches(route->path, path))
            continue;
        if (route->methods & method)
            return route;
        *allowed |= route->methods;
    }
    return NULL;
}

static void reply_no_route(struct ts_http_request *request, unsigned allowed) {
    char text[64];

    if (!allowed) {
        ts_http_reply_error(request, 404, "there is nothing at this address");
        return;
    }
    (void)snprintf(text, sizeof text, "%s%s%s%s",
                   allowed & TS_HTTP_GET ? ", GET, HEAD" : "",
                   allowed & TS_HTTP_POST ? ", POST" : "",
                   allowed & TS_HTTP_DELETE ? ", DELETE" : "",
                   allowed & TS_HTTP_OPTIONS ? ", OPTIONS" : "");
    ts_http_add_header(request, "Allow", text + 2);
    ts_http_reply_error(request, 405, "this address does not take this method");
}

static bool has_dot_segment(const char *path) {
    while (*path) {
        size_t len = strcspn(path, "/");
        if ((len == 1 && path[0] == '.') ||
            (len == 2 && path[0] == '.' && path[1] == '.'))
            return true;
        path += len + (path[len] == '/');
    }
    return false;
}

/* The decoded path, or NULL for one that tries something. */
static char *decode_path(struct evhttp_request *evreq) {
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(evreq);
    const char *raw = uri ? evhttp_uri_get_path(uri) : NULL;
    size_t len = 0;
    char *path = evhttp_uridecode(raw && *raw ? raw : "/", 0, &len);
    bool good = path && strlen(path) == len && path[0] == '/' &&
                !strchr(path, '\\') && !has_dot_segment(path) &&
                ts_utf8_valid(ts_slice_of(path, len));

    for (size_t i = 0; good && i < len; i++)
        good = (unsigned char)path[i] >= 0x20 && path[i] != 0x7f;
    if (good)
        return path;
    free(path);
    return NULL;
}

static void on_request(struct evhttp_request *evreq, void *arg) {
    struct ts_http *http = arg;
    struct ts_http_request *request = ts_alloc(sizeof *request);
    const struct ts_http_route *route = NULL;
    unsigned allowed = 0;

    request->http = http;
    request->client.evreq = evreq;
    request->inside = true;
    request->path = decode_path(evreq);
    LIST_INSERT_HEAD(&http->requests, request, link);
    if (!request->path) {
        ts_http_reply_error(request, 400, "the address is malformed");
        ts_http_request_free(request);
        return;
    }
    route = find_route(http, request->path, method_of(evreq), &allowed);
    if (evbuffer_get_length(evhttp_request_get_input_buffer(evreq)) >
        http->max_body_bytes)
        ts_http_reply_error(request, 413, "the body is larger than allowed");
    else if (route)
        route->handler(http->ctx, request);
    else
        reply_no_route(request, allowed);
    request->inside = false;
    if (request->client.evreq)
        ts_http_request_watch(request);
    else
        ts_http_request_free(request);
}

static void on_ping(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    ts_http_ping_streams(arg);
}

static enum ts_status parse_address(struct sockaddr_storage *out, int *len,
                                    const char *text, uint16_t port) {
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    char bare[64];
    size_t size = strlen(text);

    if (size > 2 && text[0] == '[' && text[size - 1] == ']') {
        text++;
        size -= 2;
    }
    if (size >= sizeof bare)
        return TS_INVALID;
    memcpy(bare, text, size);
    bare[size] = 0;
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, bare, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        *len = sizeof *v4;
        return TS_OK;
    }
    if (inet_pton(AF_INET6, bare, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        *len = sizeof *v6;
        return TS_OK;
    }
    return TS_INVALID;
}

static enum ts_status bind_failed(struct ts_err *err, const char *address,
                                  unsigned port, int cause) {
    switch (cause) {
    case EADDRINUSE:
        return ts_fail(err, TS_IO,
                       "cannot listen on %s:%u: another program has this "
                       "port; stop it or set another port",
                       address, port);
    case EACCES:
        return ts_fail(err, TS_IO,
                       "cannot listen on %s:%u: not permitted; set a port of "
                       "1024 or higher",
                       address, port);
    case EADDRNOTAVAIL:
        return ts_fail(err, TS_IO,
                       "cannot listen on %s:%u: this machine does not have "
                       "that address; set 127.0.0.1 or one it has",
                       address, port);
    default:
        return ts_fail(err, TS_IO, "cannot listen on %s:%u: %s", address, port,
                       strerror(cause));
    }
}

static enum ts_status listen_on(struct ts_http *http,
                                const struct ts_http_options *options,
                                struct ts_err *err) {
    const char *text = options->address ? options->address : "127.0.0.1";
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    struct evconnlistener *listener;
    int len = 0;

    if (parse_address(&address, &len, text, options->port) != TS_OK)
        return ts_fail(err, TS_INVALID,
                       "cannot listen on %s:%u: not an IP address; write it "
                       "like 127.0.0.1 or ::1",
                       text, (unsigned)options->port);
    listener = evconnlistener_new_bind(
        http->loop, NULL, NULL,
        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, 128,
        (struct sockaddr *)&address, len);
    if (!listener)
        return bind_failed(err, text, options->port, errno);
    if (!evhttp_bind_listener(http->evhttp, listener)) {
        evconnlistener_free(listener);
        return ts_fail(err, TS_IO, "cannot listen on %s:%u: out of memory",
                       text, (unsigned)options->port);
    }
    if (!getsockname(evconnlistener_get_fd(listener),
                     (struct sockaddr *)&address, &size))
        http->port = ntohs(address.ss_family == AF_INET
                               ? ((struct sockaddr_in *)&address)->sin_port
                               : ((struct sockaddr_in6 *)&address)->sin6_port);
    return TS_OK;
}

enum ts_status ts_http_start(struct ts_http **out, struct event_base *loop,
                             const struct ts_http_options *options,
                             const struct ts_http_route *routes, void *ctx,
                             struct ts_err *err) {
    static const struct timeval every = {.tv_sec = PING_S};
    struct ts_http *http = ts_alloc(sizeof *http);
    enum ts_status status;

    *http = (struct ts_http){.loop = loop,
                             .routes = routes,
                             .ctx = ctx,
                             .max_body_bytes = options->max_body_bytes,
                             .max_streams = options->max_streams};
    http->evhttp = evhttp_new(loop);
    http->ping = event_new(loop, -1, EV_PERSIST, on_ping, http);
    if (!http->evhttp || !http->ping || event_add(http->ping, &every)) {
        ts_http_stop(http);
        return ts_fail(err, TS_IO, "the HTTP server finds no memory");
    }
    evhttp_set_gencb(http->evhttp, on_request, http);
    evhttp_set_max_headers_size(http->evhttp, HEADERS_MAX);
    evhttp_set_max_body_size(
        http->evhttp, (ev_ssize_t)(options->max_body_bytes + BODY_SLACK));
    evhttp_set_timeout(http->evhttp, (int)options->timeout_s);
    evhttp_set_allowed_methods(
        http->evhttp, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
                          EVHTTP_REQ_OPTIONS | EVHTTP_REQ_DELETE |
                          EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH);
    status = listen_on(http, options, err);
    if (status != TS_OK) {
        ts_http_stop(http);
        return status;
    }
    *out = http;
    return TS_OK;
}

void ts_http_stop(struct ts_http *http) {
    if (!http)
        return;
    ts_http_drop_streams(http);
    ts_http_drop_requests(http);
    if (http->ping)
        event_free(http->ping);
    if (http->evhttp)
        evhttp_free(http->evhttp);
    free(http);
}

uint16_t ts_http_port(const struct ts_http *http) { return http->port; }
