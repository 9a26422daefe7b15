#include "base/http_parts.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { WAITING_MAX = 1024 * 1024 };

struct ts_http_stream {
    LIST_ENTRY(ts_http_stream) link;
    struct ts_http *http;
    struct ts_http_client client;
    bool doomed; /* its end is already scheduled */
};

static void stream_free(struct ts_http_stream *stream) {
    LIST_REMOVE(stream, link);
    stream->http->stream_count--;
    if (stream->client.on_gone)
        stream->client.on_gone(stream->client.arg);
    free(stream);
}

static void on_stream_gone(struct evhttp_connection *connection, void *arg) {
    struct ts_http_stream *stream = arg;

    (void)connection;
    if (!stream->client.ours)
        evhttp_request_free(stream->client.evreq);
    stream->client.evreq = NULL;
    ts_http_unwatch(&stream->client);
    stream_free(stream);
}

static size_t waiting(const struct ts_http_stream *stream) {
    struct evhttp_connection *connection =
        evhttp_request_get_connection(stream->client.evreq);

    return evbuffer_get_length(
        bufferevent_get_output(evhttp_connection_get_bufferevent(connection)));
}

/* Takes `piece`'s bytes. A reader that is too slow is hung up on from the
 * loop, because the caller may stand inside evhttp. */
static void send_piece(struct ts_http_stream *stream, struct evbuffer *piece) {
    if (stream->doomed)
        return;
    if (waiting(stream) + evbuffer_get_length(piece) > WAITING_MAX) {
        stream->doomed = true;
        event_active(stream->client.closed, EV_CLOSED, 0);
        return;
    }
    evhttp_send_reply_chunk(stream->client.evreq, piece);
}

static void send_text(struct ts_http_stream *stream, const char *text) {
    struct evbuffer *piece = evbuffer_new();

    if (piece && !evbuffer_add(piece, text, strlen(text)))
        send_piece(stream, piece);
    if (piece)
        evbuffer_free(piece);
}

/* Events are small and many: Nagle's wait for the reader's delayed
 * acknowledgement would cost each of them 40 ms. */
static void send_at_once(struct evhttp_request *evreq) {
    struct bufferevent *line =
        evhttp_connection_get_bufferevent(evhttp_request_get_connection(evreq));
    int on = 1;

    (void)setsockopt(bufferevent_getfd(line), IPPROTO_TCP, TCP_NODELAY, &on,
                     sizeof on);
}

struct ts_http_stream *ts_http_stream_start(struct ts_http_request *request,
                                            void (*on_gone)(void *arg),
                                            void *arg) {
    struct ts_http *http = request->http;
    struct evhttp_request *evreq = request->client.evreq;
    struct ts_http_stream *stream;

    if (!evreq || evhttp_request_get_command(evreq) == EVHTTP_REQ_HEAD) {
        ts_http_reply(request, 200, "text/event-stream", ts_slice_text(""));
        return NULL;
    }
    if (http->stream_count >= http->max_streams) {
        ts_http_add_header(request, "Retry-After", "5");
        ts_http_reply_error(request, 503,
                            "too many open streams; close other windows");
        return NULL;
    }
    ts_http_unwatch(&request->client);
    stream = ts_alloc(sizeof *stream);
    stream->http = http;
    stream->client.evreq = evreq;
    LIST_INSERT_HEAD(&http->streams, stream, link);
    http->stream_count++;
    send_at_once(evreq);
    ts_http_secure(evreq);
    ts_http_add_header(request, "Content-Type", "text/event-stream");
    evhttp_send_reply_start(evreq, 200, "OK");
    ts_http_watch(&stream->client, http->loop, on_stream_gone, stream);
    send_text(stream, "retry: 1000\n\n");
    stream->client.on_gone = on_gone;
    stream->client.arg = arg;
    request->client.evreq = NULL;
    if (!request->inside)
        ts_http_request_free(request);
    return stream;
}

/* A line end inside of the data starts another data line. */
static void add_data(struct evbuffer *piece, struct ts_slice data) {
    while (data.len) {
        const uint8_t *end = memchr(data.data, '\n', data.len);
        size_t len = end ? (size_t)(end - data.data) : data.len;
        (void)evbuffer_add(piece, "data: ", 6);
        (void)evbuffer_add(piece, data.data, len);
        (void)evbuffer_add(piece, "\n", 1);
        data.data += len + (end ? 1 : 0);
        data.len -= len + (end ? 1 : 0);
    }
}

void ts_http_stream_send(struct ts_http_stream *stream, const char *event,
                         const char *id, struct ts_slice data) {
    struct evbuffer *piece = evbuffer_new();

    if (!piece)
        return;
    if (id)
        (void)evbuffer_add_printf(piece, "id: %s\n", id);
    if (event)
        (void)evbuffer_add_printf(piece, "event: %s\n", event);
    if (data.len)
        add_data(piece, data);
    else
        (void)evbuffer_add(piece, "data:\n", 6);
    (void)evbuffer_add(piece, "\n", 1);
    send_piece(stream, piece);
    evbuffer_free(piece);
}

void ts_http_ping_streams(struct ts_http *http) {
    struct ts_http_stream *stream;

    LIST_FOREACH(stream, &http->streams, link)
    send_text(stream, ":\n\n");
}

void ts_http_drop_streams(struct ts_http *http) {
    struct ts_http_stream *stream;

    while ((stream = LIST_FIRST(&http->streams))) {
        ts_http_unwatch(&stream->client);
        /* NOLINTNEXTLINE: the list head moved on */
        stream_free(stream);
    }
}
