#include "base/http_parts.h"

#include <event2/buffer.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

void ts_http_request_free(struct ts_http_request *request) {
    LIST_REMOVE(request, link);
    if (request->query_parsed)
        evhttp_clear_headers(&request->query);
    free(request->path);
    ts_buf_fini(&request->inflated);
    free(request);
}

/* The client left; a handler that asked to hear of it lets the request go. */
static void on_request_gone(struct evhttp_connection *connection, void *arg) {
    struct ts_http_request *request = arg;
    struct ts_http_client *client = &request->client;

    (void)connection;
    if (!client->ours)
        evhttp_request_free(client->evreq);
    client->evreq = NULL;
    request->gone = true;
    ts_http_unwatch(client);
    if (client->on_gone) {
        client->on_gone(client->arg);
        ts_http_request_free(request);
    }
}

void ts_http_request_watch(struct ts_http_request *request) {
    ts_http_watch(&request->client, request->http->loop, on_request_gone,
                  request);
}

void ts_http_defer(struct ts_http_request *request, void (*on_gone)(void *arg),
                   void *arg) {
    request->client.on_gone = on_gone;
    request->client.arg = arg;
}

void ts_http_drop_requests(struct ts_http *http) {
    struct ts_http_request *request;

    while ((request = LIST_FIRST(&http->requests))) {
        ts_http_unwatch(&request->client);
        /* NOLINTNEXTLINE: the list head moved on */
        if (request->client.on_gone)
            request->client.on_gone(request->client.arg);
        ts_http_request_free(request);
    }
}

const char *ts_http_path(const struct ts_http_request *request) {
    return request->path;
}

const char *ts_http_query(const struct ts_http_request *request,
                          const char *name) {
    struct ts_http_request *own = (struct ts_http_request *)(uintptr_t)request;
    const struct evhttp_uri *uri;

    if (!request->client.evreq)
        return NULL;
    if (!own->query_parsed) {
        const char *text;
        uri = evhttp_request_get_evhttp_uri(request->client.evreq);
        text = evhttp_uri_get_query(uri);
        TAILQ_INIT(&own->query);
        (void)evhttp_parse_query_str(text ? text : "", &own->query);
        own->query_parsed = true;
    }
    return evhttp_find_header(&own->query, name);
}

const char *ts_http_header(const struct ts_http_request *request,
                           const char *name) {
    if (!request->client.evreq)
        return NULL;
    return evhttp_find_header(
        evhttp_request_get_input_headers(request->client.evreq), name);
}

static enum ts_status inflate_into(struct ts_buf *out, struct ts_slice packed,
                                   z_stream *stream) {
    uint8_t chunk[16384];
    int result = Z_OK;

    stream->next_in = (Bytef *)(uintptr_t)packed.data;
    stream->avail_in = (uInt)packed.len;
    while (result == Z_OK) {
        stream->next_out = chunk;
        stream->avail_out = sizeof chunk;
        result = inflate(stream, Z_NO_FLUSH);
        if (result != Z_OK && result != Z_STREAM_END)
            return TS_INVALID;
        if (ts_buf_add(out, ts_slice_of(chunk, sizeof chunk -
                                                   stream->avail_out)) != TS_OK)
            return TS_FULL;
    }
    return stream->avail_in ? TS_INVALID : TS_OK;
}

static enum ts_status inflate_body(struct ts_http_request *request,
                                   struct ts_slice packed) {
    z_stream stream = {0};
    enum ts_status status;

    if (request->inflated.len)
        return TS_OK;
    if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK)
        return TS_IO;
    ts_buf_init(&request->inflated, request->http->max_body_bytes);
    status = inflate_into(&request->inflated, packed, &stream);
    (void)inflateEnd(&stream);
    if (status != TS_OK)
        ts_buf_clear(&request->inflated);
    return status;
}

enum ts_status ts_http_body(struct ts_http_request *request,
                            struct ts_slice *body) {
    const char *encoding = ts_http_header(request, "Content-Encoding");
    struct evbuffer *buffer;
    struct ts_slice raw;
    enum ts_status status = TS_OK;

    if (!request->client.evreq)
        return TS_CLOSED;
    buffer = evhttp_request_get_input_buffer(request->client.evreq);
    raw = ts_slice_of(evbuffer_pullup(buffer, -1), evbuffer_get_length(buffer));
    if (raw.len > request->http->max_body_bytes)
        return TS_FULL;
    if (encoding && (!evutil_ascii_strcasecmp(encoding, "gzip") ||
                     !evutil_ascii_strcasecmp(encoding, "x-gzip"))) {
        status = inflate_body(request, raw);
        raw = ts_buf_slice(&request->inflated);
    } else if (encoding && evutil_ascii_strcasecmp(encoding, "identity") != 0) {
        status = TS_INVALID;
    }
    if (status == TS_OK)
        *body = raw;
    return status;
}

void ts_http_add_header(struct ts_http_request *request, const char *name,
                        const char *value) {
    if (request->client.evreq)
        (void)evhttp_add_header(
            evhttp_request_get_output_headers(request->client.evreq), name,
            value);
}

void ts_http_reply(struct ts_http_request *request, int code,
                   const char *content_type, struct ts_slice body) {
    struct evhttp_request *evreq = request->client.evreq;
    char length[32];
    struct evbuffer *buffer;

    if (evreq) {
        ts_http_unwatch(&request->client);
        ts_http_secure(evreq);
        if (content_type)
            ts_http_add_header(request, "Content-Type", content_type);
        (void)snprintf(length, sizeof length, "%zu", body.len);
        if (code != 204 && code != 304)
            ts_http_add_header(request, "Content-Length", length);
        buffer = evhttp_request_get_output_buffer(evreq);
        if (body.len && evhttp_request_get_command(evreq) != EVHTTP_REQ_HEAD)
            (void)evbuffer_add(buffer, body.data, body.len);
        request->client.evreq = NULL;
        evhttp_send_reply(evreq, code, NULL, NULL);
    }
    if (!request->inside)
        ts_http_request_free(request);
}

void ts_http_reply_json(struct ts_http_request *request, int code,
                        const json_t *body) {
    char *text = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);

    ts_http_reply(request, code, "application/json", ts_slice_text(text));
    free(text);
}

static const char *code_word(int code) {
    static const struct {
        int code;
        const char *word;
    } words[] = {{400, "bad_request"},
                 {401, "unauthorized"},
                 {403, "forbidden"},
                 {404, "not_found"},
                 {405, "method_not_allowed"},
                 {409, "conflict"},
                 {410, "gone"},
                 {413, "too_large"},
                 {415, "unsupported_type"},
                 {422, "unprocessable"},
                 {429, "too_many_requests"},
                 {503, "unavailable"}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].code == code)
            return words[i].word;
    return code < 500 ? "refused" : "internal";
}

void ts_http_reply_error(struct ts_http_request *request, int code,
                         const char *message) {
    json_t *body =
        json_pack("{s:s, s:s}", "error", code_word(code), "message", message);

    ts_http_reply_json(request, code, body);
    json_decref(body);
}

/* What follows the scheme's name in the Authorization header. */
static const char *credentials(const struct ts_http_request *request,
                               const char *scheme) {
    const char *value = ts_http_header(request, "Authorization");
    size_t len = strlen(scheme);

    if (!value || evutil_ascii_strncasecmp(value, scheme, len) != 0 ||
        value[len] != ' ')
        return NULL;
    value += len;
    return value + strspn(value, " ");
}

struct ts_slice ts_http_bearer(const struct ts_http_request *request) {
    return ts_slice_text(credentials(request, "Bearer"));
}

enum ts_status ts_http_basic(const struct ts_http_request *request, char *out,
                             size_t size) {
    const char *text = credentials(request, "Basic");
    size_t len = 0;

    if (!text || !size ||
        ts_unbase64((uint8_t *)out, size - 1, &len, ts_slice_text(text)) !=
            TS_OK ||
        !memchr(out, ':', len) || memchr(out, 0, len))
        return TS_INVALID;
    out[len] = 0;
    return TS_OK;
}
