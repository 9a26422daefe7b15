/* A screen over a scripted terminal, for browser tests. Lines of JSON on
 * standard input: {"view": V} shows V, {"recorded": [journal, sequence, type]}
 * announces an event, {"refuse": text | null} lets commands fail, end of input
 * ends. Lines on standard output: {"port": n}, {"obeyed": true} after each
 * line, and each command as it came. */
#include "agent/screen.h"
#include "base/json.h"

#include <event2/buffer.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    struct event_base *loop;
    struct evbuffer *input;
    struct screen *screen;
    json_t *view;
    char refusal[TS_ERR_TEXT];
};

static void say(json_t *value) {
    char *line = json_dumps(value, JSON_COMPACT);
    json_decref(value);
    printf("%s\n", line);
    (void)fflush(stdout);
    free(line);
}

static enum ts_status outcome(const struct fixture *fixture,
                              struct ts_err *err) {
    return fixture->refusal[0]
               ? ts_fail(err, TS_INVALID, "%s", fixture->refusal)
               : TS_OK;
}

static json_t *view(void *ctx) {
    struct fixture *fixture = ctx;
    return json_incref(fixture->view);
}

static json_t *status(void *ctx) {
    (void)ctx;
    return json_pack("{s:s}", "fixture", "screen");
}

static enum ts_status metrics(void *ctx, struct ts_buf *out) {
    (void)ctx;
    return ts_buf_add_text(out, "tessera_fixture 1\n");
}

static enum ts_status visit_close(void *ctx, const char *receipt,
                                  int64_t total_minor, const char *currency,
                                  struct ts_err *err) {
    say(json_pack("{s:s, s:s, s:I, s:s}", "command", "close", "receipt",
                  receipt, "total_minor", (json_int_t)total_minor, "currency",
                  currency));
    return outcome(ctx, err);
}

static enum ts_status visit_cancel(void *ctx, struct ts_err *err) {
    say(json_pack("{s:s}", "command", "cancel"));
    return outcome(ctx, err);
}

static enum ts_status item_void(void *ctx, const char *journal,
                                uint64_t sequence, struct ts_err *err) {
    say(json_pack("{s:s, s:s, s:I}", "command", "void", "journal", journal,
                  "sequence", (json_int_t)sequence));
    return outcome(ctx, err);
}

static enum ts_status feedback(void *ctx, const char *question, int score,
                               const char *text, struct ts_err *err) {
    say(json_pack("{s:s, s:s, s:i, s:s}", "command", "feedback", "question",
                  question, "score", score, "text", text));
    return outcome(ctx, err);
}

static enum ts_status consent(void *ctx, const char *purpose, bool granted,
                              struct ts_err *err) {
    say(json_pack("{s:s, s:s, s:b}", "command", "consent", "purpose", purpose,
                  "granted", (int)granted));
    return outcome(ctx, err);
}

static void announce(struct fixture *fixture, const json_t *recorded) {
    const char *journal = NULL, *type = NULL;
    json_int_t sequence = 0;
    if (json_unpack((json_t *)recorded, "[sIs]", &journal, &sequence, &type) ==
        0)
        screen_on_recorded(fixture->screen, journal, (uint64_t)sequence, type);
}

static void obey(struct fixture *fixture, const json_t *line) {
    json_t *shown = json_object_get(line, "view");
    const json_t *recorded = json_object_get(line, "recorded");
    const json_t *refuse = json_object_get(line, "refuse");
    if (shown) {
        json_decref(fixture->view);
        fixture->view = json_incref(shown);
        screen_on_change(fixture->screen);
    }
    if (recorded)
        announce(fixture, recorded);
    if (refuse)
        (void)snprintf(fixture->refusal, sizeof fixture->refusal, "%s",
                       json_is_string(refuse) ? json_string_value(refuse) : "");
}

static void on_input(evutil_socket_t fd, short what, void *arg) {
    (void)what;
    struct fixture *fixture = arg;
    if (evbuffer_read(fixture->input, fd, -1) <= 0) {
        (void)event_base_loopbreak(fixture->loop);
        return;
    }
    char *text;
    while ((text = evbuffer_readln(fixture->input, NULL, EVBUFFER_EOL_LF))) {
        struct ts_err err;
        json_t *line = NULL;
        if (ts_json_parse(&line, ts_slice_text(text), &err) == TS_OK)
            obey(fixture, line);
        else
            (void)fprintf(stderr, "fixture_screen: %s\n", err.text);
        json_decref(line);
        free(text);
        say(json_pack("{s:b}", "obeyed", 1));
    }
}

static void settle(void *ctx, screen_settled *done, void *arg) {
    (void)ctx;
    done(arg, TS_OK);
}

static const char *trouble(void *ctx) {
    (void)ctx;
    return "";
}

static int run(struct fixture *fixture, uint16_t port) {
    const struct screen_actions actions = {
        fixture,   view,     status,  metrics, visit_close, visit_cancel,
        item_void, feedback, consent, settle,  trouble};
    const struct screen_options options = {.port = port};
    struct ts_err err;
    if (screen_start(&fixture->screen, fixture->loop, &options, &actions,
                     &err) != TS_OK) {
        (void)fprintf(stderr, "fixture_screen: %s\n", err.text);
        return 1;
    }
    struct event *input = event_new(fixture->loop, STDIN_FILENO,
                                    EV_READ | EV_PERSIST, on_input, fixture);
    (void)event_add(input, NULL);
    say(json_pack("{s:i}", "port", (int)screen_port(fixture->screen)));
    (void)event_base_dispatch(fixture->loop);
    event_free(input);
    screen_stop(fixture->screen);
    return 0;
}

/* The one argument is a port; a page finds a restarted terminal there. */
int main(int argc, char **argv) {
    /* Edge-polling takes no files, and a test may feed one. */
    struct event_config *config = event_config_new();
    (void)event_config_avoid_method(config, "epoll");
    struct fixture fixture = {.loop = event_base_new_with_config(config),
                              .input = evbuffer_new(),
                              .view = json_object()};
    event_config_free(config);
    long port = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    int code = run(&fixture, (uint16_t)port);
    json_decref(fixture.view);
    evbuffer_free(fixture.input);
    event_base_free(fixture.loop);
    return code;
}
