/* A small HTTP server in the program's loop; libevent's evhttp behind it.
 * Every answer carries the security headers (CSP default-src 'self',
 * nosniff, no-referrer, frame-ancestors 'none'); no answer redirects. */
#ifndef TS_BASE_HTTP_H
#define TS_BASE_HTTP_H

#include "base/bytes.h"

#include <event2/event.h>
#include <jansson.h>

struct ts_http;
struct ts_http_request; /* lives until it is answered or the client leaves */
struct ts_http_stream;  /* server-sent events to one client */

enum {
    TS_HTTP_GET = 1,
    TS_HTTP_POST = 2,
    TS_HTTP_OPTIONS = 4,
    TS_HTTP_DELETE = 8
};

/* Must answer now or keep the request and answer later. */
typedef void ts_http_handler(void *ctx, struct ts_http_request *request);

struct ts_http_route {
    const char *path; /* exact; ends in '*': every path that begins so */
    unsigned methods; /* others answer 405 */
    ts_http_handler *handler;
};

struct ts_http_options {
    const char *address;   /* "127.0.0.1" unless set */
    uint16_t port;         /* 0: any free one, see ts_http_port */
    size_t max_body_bytes; /* as received and as inflated; over it: 413 */
    unsigned timeout_s;    /* silent connections are closed */
    unsigned max_streams;  /* more are answered 503 and counted */
};

/* `routes` (last row path NULL) and `ctx` must outlive the server. A port in
 * use or denied gives a text that names it and says what to do. */
enum ts_status ts_http_start(struct ts_http **out, struct event_base *loop,
                             const struct ts_http_options *options,
                             const struct ts_http_route *routes, void *ctx,
                             struct ts_err *err) TS_MUST_USE;
void ts_http_stop(struct ts_http *http);
uint16_t ts_http_port(const struct ts_http *http);

unsigned ts_http_method(const struct ts_http_request *request);
/* Decoded path without the query. */
const char *ts_http_path(const struct ts_http_request *request);
/* Decoded query value or NULL. */
const char *ts_http_query(const struct ts_http_request *request,
                          const char *name);
/* Header value or NULL. */
const char *ts_http_header(const struct ts_http_request *request,
                           const char *name);
/* The body, inflated when Content-Encoding is gzip. TS_FULL over the limit,
 * TS_INVALID for broken gzip; the slice lives as long as the request. */
enum ts_status ts_http_body(struct ts_http_request *request,
                            struct ts_slice *body) TS_MUST_USE;

/* `on_gone` is called when the client leaves before the answer; the request
 * must not be used afterwards. For handlers that answer later. */
void ts_http_defer(struct ts_http_request *request, void (*on_gone)(void *arg),
                   void *arg);

/* Each of these ends the request. */
void ts_http_add_header(struct ts_http_request *request, const char *name,
                        const char *value);
void ts_http_reply(struct ts_http_request *request, int code,
                   const char *content_type, struct ts_slice body);
void ts_http_reply_json(struct ts_http_request *request, int code,
                        const json_t *body);
/* {"error": code word, "message": what to do} */
void ts_http_reply_error(struct ts_http_request *request, int code,
                         const char *message);

/* Turns the request into a stream; NULL when there are too many (answered
 * 503). A slow reader with more than 1 MiB waiting is closed and asks again
 * by itself. `on_gone` is called once, also at ts_http_stop. */
struct ts_http_stream *ts_http_stream_start(struct ts_http_request *request,
                                            void (*on_gone)(void *arg),
                                            void *arg);
void ts_http_stream_send(struct ts_http_stream *stream, const char *event,
                         const char *id, struct ts_slice data);

/* The bearer token of the Authorization header, or an empty slice. */
struct ts_slice ts_http_bearer(const struct ts_http_request *request);
/* User and password of Basic authorization into `out` (NUL-terminated, the
 * colon kept); TS_INVALID when absent or malformed. */
enum ts_status ts_http_basic(const struct ts_http_request *request, char *out,
                             size_t size) TS_MUST_USE;

#endif
