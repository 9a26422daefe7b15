#include "viewer.h"

#include "hub/tokens.h"
#include "hub/web.h"

#include <event2/buffer.h>
#include <event2/http.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_S = 60 };

struct viewer {
    struct event_base *loop;
    struct hub_config config;
    struct web web;
    struct ts_http *http;
    char tokens[128];
    char auth[TOKENS_TEXT + 16];
    bool done;
    int code;
    struct ts_buf body;
    json_t *json;
};

struct viewer *viewer_new(struct rejoin_hub *hub, const char *folder) {
    struct viewer *viewer = ts_alloc(sizeof *viewer);
    struct ts_http_options http = {.address = "127.0.0.1",
                                   .max_body_bytes = 65536,
                                   .timeout_s = 60,
                                   .max_streams = 1};
    char token[TOKENS_TEXT];
    struct ts_err err = {0};

    *viewer = (struct viewer){.loop = event_base_new()};
    (void)snprintf(viewer->tokens, sizeof viewer->tokens, "%s/tokens", folder);
    if (tokens_add(viewer->tokens, "console", token, &err) != TS_OK)
        fail_msg("%s", err.text);
    (void)snprintf(viewer->auth, sizeof viewer->auth, "Bearer %s", token);
    viewer->config.token_file = viewer->tokens;
    viewer->web = (struct web){.config = &viewer->config,
                               .metrics = hub->metrics,
                               .clock = hub->clock,
                               .db = hub->db,
                               .intake = hub->intake};
    if (ts_http_start(&viewer->http, viewer->loop, &http, web_routes,
                      &viewer->web, &err) != TS_OK)
        fail_msg("%s", err.text);
    return viewer;
}

void viewer_free(struct viewer *viewer) {
    ts_http_stop(viewer->http);
    (void)unlink(viewer->tokens);
    event_base_free(viewer->loop);
    json_decref(viewer->json);
    ts_buf_fini(&viewer->body);
    free(viewer);
}

static void on_answer(struct evhttp_request *answer, void *ctx) {
    struct viewer *viewer = ctx;
    struct evbuffer *in;

    viewer->done = true;
    viewer->code = answer ? evhttp_request_get_response_code(answer) : 0;
    if (!answer)
        return;
    in = evhttp_request_get_input_buffer(answer);
    assert_int_equal(
        ts_buf_add(&viewer->body, ts_slice_of(evbuffer_pullup(in, -1),
                                              evbuffer_get_length(in))),
        TS_OK);
}

static void ask(struct viewer *viewer, const char *path) {
    struct evhttp_connection *line = evhttp_connection_base_new(
        viewer->loop, NULL, "127.0.0.1", ts_http_port(viewer->http));
    struct evhttp_request *request = evhttp_request_new(on_answer, viewer);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

    viewer->done = false;
    ts_buf_clear(&viewer->body);
    evhttp_connection_set_timeout(line, PATIENCE_S);
    (void)evhttp_add_header(headers, "Host", "127.0.0.1");
    (void)evhttp_add_header(headers, "Authorization", viewer->auth);
    assert_int_equal(evhttp_make_request(line, request, EVHTTP_REQ_GET, path),
                     0);
    while (!viewer->done)
        (void)event_base_loop(viewer->loop, EVLOOP_ONCE);
    evhttp_connection_free(line);
    if (viewer->code != 200)
        fail_msg("%s: %d %s", path, viewer->code, ts_buf_text(&viewer->body));
}

json_t *viewer_ask(struct viewer *viewer, const char *path,
                   const char *member) {
    struct ts_err err = {0};

    ask(viewer, path);
    json_decref(viewer->json);
    viewer->json = NULL;
    if (ts_json_parse(&viewer->json, ts_buf_slice(&viewer->body), &err) !=
        TS_OK)
        fail_msg("%s: %s", path, err.text);
    return json_object_get(viewer->json, member);
}

static bool is_text(const json_t *object, const char *name, const char *text) {
    return ts_slice_equal(ts_json_text(object, name), ts_slice_text(text));
}

json_t *viewer_alarm(struct viewer *viewer, const char *kind,
                     const char *terminal) {
    json_t *alarms = viewer_ask(viewer, "/api/alarms", "alarms");
    json_t *alarm;
    size_t index;

    json_array_foreach(alarms, index, alarm) {
        if (is_text(alarm, "kind", kind) && is_text(alarm, "subject", terminal))
            return alarm;
    }
    return NULL;
}

double viewer_metric(struct viewer *viewer, const char *metric) {
    const char *text, *line;
    size_t len = strlen(metric);

    ask(viewer, "/metrics");
    text = ts_buf_text(&viewer->body);
    for (line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (!strncmp(line, metric, len) && line[len] == ' ')
            return strtod(line + len, NULL);
    }
    return -1;
}
