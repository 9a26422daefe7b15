/* What the files of the HTTP server share; nobody else. */
#ifndef TS_BASE_HTTP_PARTS_H
#define TS_BASE_HTTP_PARTS_H

#include "base/http.h"

#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include <sys/queue.h>

struct ts_http {
    struct evhttp *evhttp;
    struct event_base *loop;
    const struct ts_http_route *routes;
    void *ctx;
    size_t max_body_bytes;
    unsigned max_streams;
    unsigned stream_count;
    struct event *ping;
    uint16_t port;
    LIST_HEAD(, ts_http_request) requests;
    LIST_HEAD(, ts_http_stream) streams;
};

/* Whose client may leave while we still hold it. */
struct ts_http_client {
    struct evhttp_request *evreq;
    struct event *closed; /* the peer closed its end */
    bool ours;            /* we free the connection, and with it evreq */
    void (*on_gone)(void *arg);
    void *arg;
};

struct ts_http_request {
    LIST_ENTRY(ts_http_request) link;
    struct ts_http *http;
    struct ts_http_client client;
    bool inside; /* its handler is running */
    bool gone;
    char *path;
    struct evkeyvalq query;
    bool query_parsed;
    struct ts_buf inflated;
};

/* Calls `on_close` when the connection goes away from now on. */
void ts_http_watch(struct ts_http_client *client, struct event_base *loop,
                   void (*on_close)(struct evhttp_connection *, void *),
                   void *arg);
void ts_http_unwatch(struct ts_http_client *client);
/* Closes the connection from outside of evhttp's own calls. */
void ts_http_hang_up(struct ts_http_client *client);

/* The headers that every answer carries. */
void ts_http_secure(struct evhttp_request *evreq);

void ts_http_request_free(struct ts_http_request *request);
void ts_http_request_watch(struct ts_http_request *request);
void ts_http_drop_requests(struct ts_http *http);

void ts_http_ping_streams(struct ts_http *http);
void ts_http_drop_streams(struct ts_http *http);

#endif
