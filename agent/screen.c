#include "agent/screen.h"

#include "agent/screen_parts.h"
#include "base/json.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A page that hears nothing for three beats says that it is not up to date. */
enum { BEAT_S = 5, TIMEOUT_S = 60 };

struct client {
    struct screen *screen;
    struct ts_http_stream *stream;
    struct client *next;
};

struct screen {
    struct screen_actions actions;
    struct ts_http *http;
    struct event *changed;
    struct event *beat;
    struct client *clients;
    uint16_t port;
    bool kiosk;
};

typedef void command(const struct screen_actions *actions,
                     struct ts_http_request *request);

static void reply_json(struct ts_http_request *request, json_t *value) {
    ts_http_add_header(request, "Cache-Control", "no-store");
    ts_http_reply_json(request, 200, value);
    json_decref(value);
}

static void send_json(struct ts_http_stream *stream, const char *event,
                      json_t *value) {
    struct ts_buf text = {0};
    if (ts_json_compact(&text, value) == TS_OK)
        ts_http_stream_send(stream, event, NULL, ts_buf_slice(&text));
    ts_buf_fini(&text);
    json_decref(value);
}

/* Sending may close a slow page, which takes its client off the list. */
static void send_all(struct screen *screen, const char *event, const char *id,
                     struct ts_slice data) {
    struct client *client = screen->clients;
    while (client) {
        struct client *next = client->next;
        ts_http_stream_send(client->stream, event, id, data);
        client = next;
    }
}

static void send_view(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what;
    struct screen *screen = arg;
    if (!screen->clients)
        return;
    json_t *view = screen->actions.view(screen->actions.ctx);
    struct ts_buf text = {0};
    if (ts_json_compact(&text, view) == TS_OK)
        send_all(screen, "view", NULL, ts_buf_slice(&text));
    ts_buf_fini(&text);
    json_decref(view);
}

static void send_beat(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what;
    send_all(arg, "beat", NULL, ts_slice_text("{}"));
}

static void on_gone(void *arg) {
    struct client *client = arg;
    struct client **link = &client->screen->clients;
    while (*link && *link != client)
        link = &(*link)->next;
    if (*link)
        *link = client->next;
    free(client);
}

static void get_events(void *ctx, struct ts_http_request *request) {
    struct screen *screen = ctx;
    if (!screen_guard_admits(request, screen->port))
        return;
    struct client *client = ts_alloc(sizeof *client);
    *client = (struct client){.screen = screen};
    struct ts_http_stream *stream =
        ts_http_stream_start(request, on_gone, client);
    if (!stream) {
        free(client);
        return;
    }
    client->stream = stream;
    client->next = screen->clients;
    screen->clients = client;
    char bundle[SCREEN_BUNDLE_TEXT];
    screen_assets_bundle(bundle);
    send_json(stream, "hello", json_pack("{s:s}", "bundle", bundle));
    if (screen->clients == client)
        send_json(stream, "view", screen->actions.view(screen->actions.ctx));
}

static void get_view(void *ctx, struct ts_http_request *request) {
    struct screen *screen = ctx;
    if (screen_guard_admits(request, screen->port))
        reply_json(request, screen->actions.view(screen->actions.ctx));
}

static void get_status(void *ctx, struct ts_http_request *request) {
    struct screen *screen = ctx;
    if (screen_guard_admits(request, screen->port))
        reply_json(request, screen->actions.status(screen->actions.ctx));
}

static void get_metrics(void *ctx, struct ts_http_request *request) {
    struct screen *screen = ctx;
    if (!screen_guard_admits(request, screen->port))
        return;
    struct ts_buf text = {0};
    if (screen->actions.metrics(screen->actions.ctx, &text) == TS_OK)
        ts_http_reply(request, 200, "text/plain; version=0.0.4; charset=utf-8",
                      ts_buf_slice(&text));
    else
        ts_http_reply_error(request, 500, "the metrics could not be written");
    ts_buf_fini(&text);
}

static void get_health(void *ctx, struct ts_http_request *request) {
    struct screen *screen = ctx;
    if (screen_guard_admits(request, screen->port))
        ts_http_reply(request, 200, "text/plain; charset=utf-8",
                      ts_slice_text("ok\n"));
}

static void get_page(void *ctx, struct ts_http_request *request) {
    struct screen *screen = ctx;
    if (!screen_guard_admits(request, screen->port))
        return;
    const char *path = ts_http_path(request);
    bool kiosk = strcmp(path, "/kiosk") == 0 ||
                 (strcmp(path, "/") == 0 && screen->kiosk);
    screen_assets_page(request, kiosk ? "kiosk.html" : "checkout.html");
}

static void get_asset(void *ctx, struct ts_http_request *request) {
    struct screen *screen = ctx;
    if (screen_guard_admits(request, screen->port))
        screen_assets_file(request);
}

/* A form of another page can post without asking the browser first, but not
 * with this content type. */
static bool is_json(const struct ts_http_request *request) {
    static const char json[] = "application/json";
    const char *type = ts_http_header(request, "Content-Type");
    size_t len = sizeof json - 1;
    return type && strncasecmp(type, json, len) == 0 &&
           (type[len] == '\0' || type[len] == ';' || type[len] == ' ');
}

static void run(struct screen *screen, struct ts_http_request *request,
                command *act) {
    if (!screen_guard_admits(request, screen->port))
        return;
    if (!is_json(request)) {
        ts_http_reply_error(request, 415,
                            "send JSON with Content-Type: application/json");
        return;
    }
    ts_http_add_header(request, "Cache-Control", "no-store");
    act(&screen->actions, request);
}

static void post_close(void *ctx, struct ts_http_request *request) {
    run(ctx, request, screen_post_close);
}

static void post_cancel(void *ctx, struct ts_http_request *request) {
    run(ctx, request, screen_post_cancel);
}

static void post_void(void *ctx, struct ts_http_request *request) {
    run(ctx, request, screen_post_void);
}

static void post_feedback(void *ctx, struct ts_http_request *request) {
    run(ctx, request, screen_post_feedback);
}

static void post_consent(void *ctx, struct ts_http_request *request) {
    run(ctx, request, screen_post_consent);
}

static const struct ts_http_route routes[] = {
    {"/", TS_HTTP_GET, get_page},
    {"/checkout", TS_HTTP_GET, get_page},
    {"/kiosk", TS_HTTP_GET, get_page},
    {"/app/*", TS_HTTP_GET, get_asset},
    {"/api/view", TS_HTTP_GET, get_view},
    {"/api/events", TS_HTTP_GET, get_events},
    {"/api/status", TS_HTTP_GET, get_status},
    {"/api/visit/close", TS_HTTP_POST, post_close},
    {"/api/visit/cancel", TS_HTTP_POST, post_cancel},
    {"/api/item/void", TS_HTTP_POST, post_void},
    {"/api/feedback", TS_HTTP_POST, post_feedback},
    {"/api/consent", TS_HTTP_POST, post_consent},
    {"/metrics", TS_HTTP_GET, get_metrics},
    {"/healthz", TS_HTTP_GET, get_health},
    {NULL, 0, NULL},
};

static bool is_loopback(const char *address) {
    struct in_addr v4;
    if (inet_pton(AF_INET, address, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return strcmp(address, "::1") == 0 || strcmp(address, "localhost") == 0;
}

static enum ts_status start_timers(struct screen *screen,
                                   struct event_base *loop,
                                   struct ts_err *err) {
    static const struct timeval period = {.tv_sec = BEAT_S};
    screen->changed = evtimer_new(loop, send_view, screen);
    screen->beat = event_new(loop, -1, EV_PERSIST, send_beat, screen);
    if (!screen->changed || !screen->beat ||
        event_add(screen->beat, &period) != 0)
        return ts_fail(err, TS_IO, "screen: the loop takes no more timers");
    return TS_OK;
}

enum ts_status screen_start(struct screen **out, struct event_base *loop,
                            const struct screen_options *options,
                            const struct screen_actions *actions,
                            struct ts_err *err) {
    const char *address = options->address ? options->address : "127.0.0.1";
    if (!is_loopback(address))
        return ts_fail(err, TS_INVALID,
                       "screen address %s is not of this machine: use "
                       "127.0.0.1",
                       address);
    struct screen *screen = ts_alloc(sizeof *screen);
    *screen = (struct screen){.actions = *actions, .kiosk = options->kiosk};
    struct ts_http_options http = {
        .address = address,
        .port = options->port,
        .max_body_bytes = SCREEN_MAX_BODY,
        .timeout_s = TIMEOUT_S,
        .max_streams =
            options->max_streams ? options->max_streams : SCREEN_MAX_STREAMS,
    };
    enum ts_status status = start_timers(screen, loop, err);
    if (status == TS_OK)
        status = ts_http_start(&screen->http, loop, &http, routes, screen, err);
    if (status != TS_OK) {
        screen_stop(screen);
        return status;
    }
    screen->port = ts_http_port(screen->http);
    *out = screen;
    return TS_OK;
}

void screen_stop(struct screen *screen) {
    if (!screen)
        return;
    if (screen->http)
        ts_http_stop(screen->http);
    if (screen->changed)
        event_free(screen->changed);
    if (screen->beat)
        event_free(screen->beat);
    free(screen);
}

uint16_t screen_port(const struct screen *screen) { return screen->port; }

void screen_on_change(void *arg) {
    struct screen *screen = arg;
    static const struct timeval now = {0};
    if (evtimer_add(screen->changed, &now) != 0)
        ts_log(TS_LOG_ERROR, "screen", "a change could not be announced");
}

void screen_on_recorded(void *arg, const char *journal, uint64_t sequence,
                        const char *type) {
    struct screen *screen = arg;
    char id[64], number[24];
    (void)snprintf(number, sizeof number, "%020" PRIu64, sequence);
    (void)snprintf(id, sizeof id, "%s-%s", journal, number);
    json_t *value = json_pack("{s:s, s:s, s:s}", "journal", journal, "sequence",
                              number, "type", type);
    struct ts_buf text = {0};
    if (value && ts_json_compact(&text, value) == TS_OK)
        send_all(screen, "recorded", id, ts_buf_slice(&text));
    ts_buf_fini(&text);
    json_decref(value);
}
