/* The screen over a fake terminal, through real HTTP in one loop. */
#include "agent/screen.h"
#include "base/json.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct shop {
    struct event_base *loop;
    struct screen *screen;
    char did[256]; /* the last command as the terminal got it */
    enum ts_status answer;
    int serial, items;
};

/* One connection: sends raw bytes, keeps what comes back. */
struct caller {
    struct shop *shop;
    struct bufferevent *socket;
    char text[256 * 1024];
    size_t len;
    const char *waits_for; /* NULL: the end */
    bool ended, late;
};

static json_t *view(void *ctx) {
    struct shop *shop = ctx;
    json_t *items = json_array();
    for (int i = 0; i < shop->items; i++)
        (void)json_array_append_new(items,
                                    json_pack("{s:s, s:s, s:i, s:b}", "journal",
                                              "9f2c6a1be07d4455", "sequence",
                                              "00000000000000000042",
                                              "quantity", 1, "voided", 0));
    return json_pack("{s:s, s:o, s:i}", "store", "milano-01", "items", items,
                     "serial", shop->serial);
}

static json_t *status(void *ctx) {
    (void)ctx;
    return json_pack("{s:i}", "unsent", 7);
}

static enum ts_status metrics(void *ctx, struct ts_buf *out) {
    struct shop *shop = ctx;
    if (shop->answer != TS_OK)
        return shop->answer;
    return ts_buf_add_text(out, "tessera_lane_scans_total 3\n");
}

static enum ts_status outcome(const struct shop *shop, struct ts_err *err) {
    return shop->answer == TS_OK
               ? TS_OK
               : ts_fail(err, shop->answer, "no visit is open");
}

static enum ts_status visit_close(void *ctx, const char *receipt,
                                  int64_t total_minor, const char *currency,
                                  struct ts_err *err) {
    struct shop *shop = ctx;
    (void)snprintf(shop->did, sizeof shop->did, "close %s %" PRId64 " %s",
                   receipt, total_minor, currency ? currency : "(terminal's)");
    return outcome(shop, err);
}

static enum ts_status visit_cancel(void *ctx, struct ts_err *err) {
    struct shop *shop = ctx;
    (void)snprintf(shop->did, sizeof shop->did, "cancel");
    return outcome(shop, err);
}

static enum ts_status item_void(void *ctx, const char *journal,
                                uint64_t sequence, struct ts_err *err) {
    struct shop *shop = ctx;
    (void)snprintf(shop->did, sizeof shop->did, "void %s %" PRIu64, journal,
                   sequence);
    return outcome(shop, err);
}

static enum ts_status feedback(void *ctx, const char *question, int score,
                               const char *text, struct ts_err *err) {
    struct shop *shop = ctx;
    (void)snprintf(shop->did, sizeof shop->did, "feedback %s %d [%s]", question,
                   score, text);
    return outcome(shop, err);
}

static enum ts_status consent(void *ctx, const char *purpose, bool granted,
                              struct ts_err *err) {
    struct shop *shop = ctx;
    (void)snprintf(shop->did, sizeof shop->did, "consent %s %d", purpose,
                   (int)granted);
    return outcome(shop, err);
}

static void settle(void *ctx, screen_settled *done, void *arg) {
    (void)ctx;
    done(arg, TS_OK);
}

static const char *trouble(void *ctx) {
    (void)ctx;
    return "the disk is full";
}

static void shop_open(struct shop *shop, struct screen_options options) {
    *shop = (struct shop){.loop = event_base_new()};
    const struct screen_actions actions = {
        shop,      view,     status,  metrics, visit_close, visit_cancel,
        item_void, feedback, consent, settle,  trouble};
    struct ts_err err = {0};
    if (screen_start(&shop->screen, shop->loop, &options, &actions, &err) !=
        TS_OK)
        fail_msg("%s", err.text);
}

static int setup(void **state) {
    struct shop *shop = malloc(sizeof *shop);
    shop_open(shop, (struct screen_options){.kiosk = true, .max_streams = 2});
    *state = shop;
    return 0;
}

static int teardown(void **state) {
    struct shop *shop = *state;
    screen_stop(shop->screen);
    event_base_free(shop->loop);
    free(shop);
    return 0;
}

static void on_read(struct bufferevent *socket, void *arg) {
    struct caller *caller = arg;
    size_t room = sizeof caller->text - 1 - caller->len;
    caller->len += bufferevent_read(socket, caller->text + caller->len, room);
    caller->text[caller->len] = '\0';
    if (caller->waits_for && strstr(caller->text, caller->waits_for))
        (void)event_base_loopbreak(caller->shop->loop);
}

static void on_event(struct bufferevent *socket, short what, void *arg) {
    struct caller *caller = arg;
    if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)))
        return;
    on_read(socket, caller);
    caller->ended = true;
    (void)event_base_loopbreak(caller->shop->loop);
}

static void on_late(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what;
    struct caller *caller = arg;
    caller->late = true;
    (void)event_base_loopbreak(caller->shop->loop);
}

static struct caller *caller_new(struct shop *shop) {
    struct caller *caller = calloc(1, sizeof *caller);
    caller->shop = shop;
    caller->socket = bufferevent_socket_new(shop->loop, -1, 0);
    bufferevent_setcb(caller->socket, on_read, NULL, on_event, caller);
    (void)bufferevent_enable(caller->socket, EV_READ | EV_WRITE);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(screen_port(shop->screen)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bufferevent_socket_connect(
                         caller->socket, (struct sockaddr *)&to, sizeof to),
                     0);
    return caller;
}

static void caller_free(struct caller *caller) {
    evutil_socket_t fd = bufferevent_getfd(caller->socket);
    bufferevent_free(caller->socket);
    if (fd >= 0)
        (void)evutil_closesocket(fd);
    free(caller);
}

/* Until `text` came (NULL: until the other side closed). */
static void await_text(struct caller *caller, const char *text) {
    static const struct timeval patience = {.tv_sec = 60};
    caller->waits_for = text;
    if (caller->ended || (text && strstr(caller->text, text)))
        return;
    struct event *late = evtimer_new(caller->shop->loop, on_late, caller);
    (void)evtimer_add(late, &patience);
    (void)event_base_dispatch(caller->shop->loop);
    event_free(late);
    if (caller->late)
        fail_msg("waited for %s in:\n%s", text ? text : "the end",
                 caller->text);
}

static char *answer_to(struct shop *shop, const char *request, size_t len) {
    struct caller *caller = caller_new(shop);
    (void)bufferevent_write(caller->socket, request, len);
    await_text(caller, NULL);
    char *text = strdup(caller->text);
    caller_free(caller);
    return text;
}

/* `headers` are whole lines; Host is added unless they name one. */
static char *ask(struct shop *shop, const char *method, const char *path,
                 const char *headers, const char *body) {
    struct ts_buf request = {0};
    char host[64] = "";
    if (!strstr(headers, "Host:"))
        (void)snprintf(host, sizeof host, "Host: 127.0.0.1:%u\r\n",
                       (unsigned)screen_port(shop->screen));
    assert_int_equal(
        ts_buf_printf(&request, "%s %s HTTP/1.1\r\n%s%sConnection: close\r\n",
                      method, path, host, headers),
        TS_OK);
    if (body)
        assert_int_equal(
            ts_buf_printf(&request, "Content-Length: %zu\r\n", strlen(body)),
            TS_OK);
    assert_int_equal(ts_buf_printf(&request, "\r\n%s", body ? body : ""),
                     TS_OK);
    char *text = answer_to(shop, (const char *)request.data, request.len);
    ts_buf_fini(&request);
    return text;
}

static int code_of(const char *answer) {
    int code = 0;
    if (strncmp(answer, "HTTP/1.1 ", 9) == 0)
        code = (int)strtol(answer + 9, NULL, 10);
    return code;
}

static char *post(struct shop *shop, const char *path, const char *body) {
    return ask(shop, "POST", path, "Content-Type: application/json\r\n", body);
}

static void expect_post(struct shop *shop, const char *path, const char *body,
                        int code, const char *holds) {
    char *answer = post(shop, path, body);
    if (code_of(answer) != code || (holds && !strstr(answer, holds)))
        fail_msg("%s %s: expected %d %s, got\n%s", path, body, code,
                 holds ? holds : "", answer);
    free(answer);
}

static void expect_get(struct shop *shop, const char *path, int code,
                       const char *holds) {
    char *answer = ask(shop, "GET", path, "", NULL);
    if (code_of(answer) != code || (holds && !strstr(answer, holds)))
        fail_msg("%s: expected %d %s, got\n%.2000s", path, code,
                 holds ? holds : "", answer);
    free(answer);
}

static void test_answers_what_the_terminal_says(void **state) {
    struct shop *shop = *state;
    shop->serial = 41;
    expect_get(shop, "/api/view", 200,
               "{\"store\":\"milano-01\",\"items\":[],\"serial\":41}");
    expect_get(shop, "/api/status", 200, "{\"unsent\":7}");
    expect_get(shop, "/metrics", 200, "tessera_lane_scans_total 3\n");
    expect_get(shop, "/healthz", 200, "ok");
    expect_get(shop, "/api/nothing", 404, NULL);
    expect_get(shop, "/api/visit/cancel", 405, NULL);
    shop->answer = TS_IO;
    expect_get(shop, "/metrics", 500, "error");
}

static void test_serves_the_page_of_its_kind(void **state) {
    struct shop *shop = *state;
    expect_get(shop, "/", 200, "kiosk.js");
    expect_get(shop, "/kiosk", 200, "kiosk.js");
    expect_get(shop, "/checkout", 200, "checkout.js");
    expect_get(shop, "/kiosk", 200, "default-src 'self'");
    char *page = ask(shop, "GET", "/checkout", "", NULL);
    assert_null(strstr(page, "{{"));
    assert_null(strstr(page, "<style"));
    assert_null(strstr(page, "<script>"));
    free(page);
}

static void test_assets_are_kept_by_the_browser(void **state) {
    struct shop *shop = *state;
    char *page = ask(shop, "GET", "/", "", NULL);
    const char *at = strstr(page, "/app/");
    assert_non_null(at);
    char path[64];
    (void)snprintf(path, sizeof path, "%.14stext.js", at);
    expect_get(shop, path, 200, "max-age=31536000");
    expect_get(shop, path, 200, "Content-Type: text/javascript");
    expect_get(shop, "/app/text.js", 200, "Cache-Control: no-cache");
    expect_get(shop, "/app/00000000/text.js", 200, "Cache-Control: no-cache");
    expect_get(shop, "/app/kiosk.html", 404, NULL);
    expect_get(shop, "/app/../etc/passwd", 400, NULL);
    expect_get(shop, "/app/passwd", 404, NULL);
    expect_get(shop, "/app/", 404, NULL);
    free(page);

    char *first = ask(shop, "GET", path, "", NULL);
    const char *tag = strstr(first, "ETag: ");
    assert_non_null(tag);
    char header[64];
    (void)snprintf(header, sizeof header, "If-None-Match: %.10s\r\n", tag + 6);
    char *second = ask(shop, "GET", path, header, NULL);
    assert_int_equal(code_of(second), 304);
    free(second);
    free(first);
}

static void test_commands_reach_the_terminal(void **state) {
    struct shop *shop = *state;
    static const struct {
        const char *path, *body, *did;
    } cases[] = {
        {"/api/visit/close",
         "{\"receipt\":\"0042-7\",\"total_minor\":1250,\"currency\":\"EUR\"}",
         "close 0042-7 1250 EUR"},
        {"/api/visit/close",
         "{\"receipt\":\"1\",\"total_minor\":0,\"currency\":\"CHF\"}",
         "close 1 0 CHF"},
        {"/api/visit/close", "{\"receipt\":\"1\",\"total_minor\":5}",
         "close 1 5 (terminal's)"},
        {"/api/visit/cancel", "{}", "cancel"},
        {"/api/item/void",
         "{\"journal\":\"9f2c6a1be07d4455\","
         "\"sequence\":\"00000000000000000042\"}",
         "void 9f2c6a1be07d4455 42"},
        {"/api/feedback", "{\"question\":\"visit.mood\",\"score\":5}",
         "feedback visit.mood 5 []"},
        {"/api/feedback",
         "{\"question\":\"nps\",\"score\":0,\"text\":\"perch\xc3\xa9 no\"}",
         "feedback nps 0 [perch\xc3\xa9 no]"},
        {"/api/consent", "{\"purpose\":\"marketing\",\"granted\":true}",
         "consent marketing 1"},
        {"/api/consent", "{\"purpose\":\"marketing\",\"granted\":false}",
         "consent marketing 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        shop->did[0] = '\0';
        expect_post(shop, cases[i].path, cases[i].body, 200, "\"ok\":true");
        assert_string_equal(shop->did, cases[i].did);
    }
}

static void test_the_terminals_refusal_is_told(void **state) {
    struct shop *shop = *state;
    static const struct {
        enum ts_status status;
        int code;
    } cases[] = {{TS_INVALID, 422}, {TS_CLOSED, 409}, {TS_FULL, 503},
                 {TS_AGAIN, 503},   {TS_DENIED, 403}, {TS_IO, 500}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        shop->answer = cases[i].status;
        expect_post(shop, "/api/visit/cancel", "{}", cases[i].code,
                    "no visit is open");
    }
}

static void test_bad_bodies_stop_at_the_door(void **state) {
    struct shop *shop = *state;
    static const struct {
        const char *path, *body;
        int code;
        const char *says;
    } cases[] = {
        {"/api/visit/cancel", "", 400, "message"},
        {"/api/visit/cancel", "{", 400, "message"},
        {"/api/visit/cancel", "[]", 400, "one JSON object"},
        {"/api/visit/cancel", "{\"a\":1,\"a\":2}", 400, "message"},
        {"/api/visit/close", "{}", 422, "receipt"},
        {"/api/visit/close",
         "{\"receipt\":\"\",\"total_minor\":1,\"currency\":\"EUR\"}", 422,
         "receipt"},
        {"/api/visit/close",
         "{\"receipt\":\"a\\u0007b\",\"total_minor\":1,\"currency\":\"EUR\"}",
         422, "receipt"},
        {"/api/visit/close",
         "{\"receipt\":\"1\",\"total_minor\":12.5,\"currency\":\"EUR\"}", 422,
         "total_minor"},
        {"/api/visit/close",
         "{\"receipt\":\"1\",\"total_minor\":-1,\"currency\":\"EUR\"}", 422,
         "total_minor"},
        {"/api/visit/close",
         "{\"receipt\":\"1\",\"total_minor\":100000000000,"
         "\"currency\":\"EUR\"}",
         422, "total_minor"},
        {"/api/visit/close",
         "{\"receipt\":\"1\",\"total_minor\":1,\"currency\":\"eur\"}", 422,
         "currency"},
        {"/api/visit/close",
         "{\"receipt\":\"4111 1111 1111 1111\",\"total_minor\":1,"
         "\"currency\":\"EUR\"}",
         422, "payment card"},
        {"/api/item/void",
         "{\"journal\":\"xyz\",\"sequence\":\"00000000000000000042\"}", 422,
         "journal"},
        {"/api/item/void",
         "{\"journal\":\"9f2c6a1be07d4455\",\"sequence\":\"42\"}", 422,
         "sequence"},
        {"/api/item/void",
         "{\"journal\":\"9f2c6a1be07d4455\","
         "\"sequence\":\"99999999999999999999\"}",
         422, "sequence"},
        {"/api/feedback", "{\"question\":\"Una domanda\",\"score\":1}", 422,
         "question"},
        {"/api/feedback", "{\"question\":\"q\",\"score\":11}", 422, "score"},
        {"/api/feedback", "{\"question\":\"q\",\"score\":\"5\"}", 422, "score"},
        {"/api/feedback", "{\"question\":\"q\",\"score\":1,\"text\":5}", 422,
         "text"},
        {"/api/feedback",
         "{\"question\":\"q\",\"score\":1,"
         "\"text\":\"la mia carta 5500-0000-0000-0004\"}",
         422, "payment card"},
        {"/api/consent", "{\"purpose\":\"marketing\",\"granted\":1}", 422,
         "granted"},
        {"/api/consent", "{\"granted\":true}", 422, "purpose"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_post(shop, cases[i].path, cases[i].body, cases[i].code,
                    cases[i].says);
    assert_string_equal(shop->did, "");
}

static void test_a_large_body_is_refused(void **state) {
    struct shop *shop = *state;
    char *body = malloc(16 * 1024 + 2);
    memset(body, ' ', 16 * 1024 + 1);
    body[16 * 1024 + 1] = '\0';
    expect_post(shop, "/api/visit/cancel", body, 413, NULL);
    memcpy(body, "{}", 2);
    body[(size_t)16 * 1024] = '\0';
    expect_post(shop, "/api/visit/cancel", body, 200, NULL);
    free(body);
}

/* '@' stands for the port of the screen. */
static void fill_in_port(const struct shop *shop, char *out, size_t size,
                         const char *text) {
    size_t len = 0;
    for (; *text && len + 8 < size; text++)
        len += (size_t)(*text == '@'
                            ? snprintf(out + len, size - len, "%u",
                                       (unsigned)screen_port(shop->screen))
                            : snprintf(out + len, size - len, "%c", *text));
}

static void expect_headers(struct shop *shop, const char *given, int code) {
    char headers[256] = "";
    fill_in_port(shop, headers, sizeof headers, given);
    shop->did[0] = '\0';
    char *answer = ask(shop, "POST", "/api/visit/cancel", headers, "{}");
    if (code_of(answer) != code)
        fail_msg("%s: expected %d, got\n%s", headers, code, answer);
    assert_string_equal(shop->did, code == 200 ? "cancel" : "");
    free(answer);
}

static void test_only_this_machine_may_ask(void **state) {
    struct shop *shop = *state;
    static const struct {
        const char *headers; /* @ is the port */
        int code;
    } cases[] = {
        {"Host: localhost:@\r\n", 200},
        {"Host: LOCALHOST:@\r\n", 200},
        {"Host: [::1]:@\r\n", 200},
        {"Host: shop.example:@\r\n", 403},
        {"Host: 127.0.0.1.evil.example:@\r\n", 403},
        {"Host: localhost\r\n", 403},
        {"Host: 127.0.0.1:1\r\n", 403},
        {"Host: 127.0.0.1:@\r\nOrigin: http://127.0.0.1:@\r\n", 200},
        {"Host: 127.0.0.1:@\r\nOrigin: http://localhost:@\r\n", 200},
        {"Host: 127.0.0.1:@\r\nOrigin: https://127.0.0.1:@\r\n", 403},
        {"Host: 127.0.0.1:@\r\nOrigin: http://127.0.0.1:1\r\n", 403},
        {"Host: 127.0.0.1:@\r\nOrigin: http://evil.example\r\n", 403},
        {"Host: 127.0.0.1:@\r\nOrigin: null\r\n", 403},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char headers[160];
        (void)snprintf(headers, sizeof headers,
                       "%sContent-Type: application/json\r\n",
                       cases[i].headers);
        expect_headers(shop, headers, cases[i].code);
    }
}

static void test_every_address_is_guarded(void **state) {
    struct shop *shop = *state;
    static const char *const paths[] = {
        "/",           "/checkout",   "/app/text.js", "/api/view",
        "/api/events", "/api/status", "/metrics",     "/healthz"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char *answer =
            ask(shop, "GET", paths[i], "Host: evil.example\r\n", NULL);
        if (code_of(answer) != 403)
            fail_msg("%s answers a foreign host:\n%s", paths[i], answer);
        free(answer);
    }
}

static void test_a_form_of_another_page_cannot_post(void **state) {
    struct shop *shop = *state;
    expect_headers(shop, "Content-Type: text/plain\r\n", 415);
    expect_headers(shop, "Content-Type: application/jsonp\r\n", 415);
    expect_headers(shop, "", 415);
    expect_headers(shop, "Content-Type: application/json; charset=utf-8\r\n",
                   200);
}

static struct caller *listen_to(struct shop *shop) {
    struct caller *caller = caller_new(shop);
    struct evbuffer *out = bufferevent_get_output(caller->socket);
    (void)evbuffer_add_printf(
        out, "GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n",
        (unsigned)screen_port(shop->screen));
    return caller;
}

static void test_events_follow_the_terminal(void **state) {
    struct shop *shop = *state;
    shop->serial = 1;
    struct caller *page = listen_to(shop);
    await_text(page, "\"serial\":1}");
    assert_non_null(strstr(page->text, "event: hello"));
    assert_non_null(strstr(page->text, "event: view"));
    assert_non_null(strstr(page->text, "text/event-stream"));
    shop->serial = 2;
    screen_on_change(shop->screen);
    await_text(page, "\"serial\":2}");
    screen_on_recorded(shop->screen, "9f2c6a1be07d4455", 42, "item.scanned");
    await_text(page, "\"type\":\"item.scanned\"}");
    assert_non_null(
        strstr(page->text, "id: 9f2c6a1be07d4455-00000000000000000042"));
    assert_non_null(strstr(page->text, "event: recorded"));
    assert_non_null(strstr(page->text,
                           "{\"journal\":\"9f2c6a1be07d4455\",\"sequence\":"
                           "\"00000000000000000042\""));
    caller_free(page);
}

/* The largest basket that a lane keeps. */
static void test_a_thousand_items_are_shown(void **state) {
    struct shop *shop = *state;
    shop->items = 1000;
    struct caller *page = listen_to(shop);
    await_text(page, "\"serial\":0}");
    shop->serial = 1;
    screen_on_change(shop->screen);
    await_text(page, "\"serial\":1}");
    caller_free(page);
}

static void test_many_changes_are_one_view(void **state) {
    struct shop *shop = *state;
    struct caller *page = listen_to(shop);
    await_text(page, "\"serial\":0}");
    for (shop->serial = 1; shop->serial < 500; shop->serial++)
        screen_on_change(shop->screen);
    await_text(page, "\"serial\":500}");
    assert_null(strstr(page->text, "\"serial\":499}"));
    caller_free(page);
}

static void test_a_beat_is_heard_while_nothing_happens(void **state) {
    struct caller *page = listen_to(*state);
    await_text(page, "event: beat");
    caller_free(page);
}

static void test_pages_beyond_the_limit_wait(void **state) {
    struct shop *shop = *state;
    struct caller *first = listen_to(shop), *second = listen_to(shop);
    await_text(first, "\"serial\"");
    await_text(second, "\"serial\"");
    expect_get(shop, "/api/events", 503, NULL);
    caller_free(first);
    shop->serial = 9;
    screen_on_change(shop->screen);
    await_text(second, "\"serial\":9}");
    struct caller *third = listen_to(shop);
    await_text(third, "\"serial\":9}");
    caller_free(second);
    caller_free(third);
}

static void test_stopping_ends_open_pages(void **state) {
    (void)state;
    struct shop shop;
    shop_open(&shop, (struct screen_options){0});
    struct caller *page = listen_to(&shop);
    await_text(page, "\"serial\"");
    screen_stop(shop.screen);
    await_text(page, NULL);
    assert_true(page->ended);
    caller_free(page);
    event_base_free(shop.loop);
}

static void test_refuses_addresses_of_the_network(void **state) {
    struct shop *shop = *state;
    static const char *const addresses[] = {"0.0.0.0", "::", "192.168.1.4",
                                            "shop.example", ""};
    const struct screen_actions actions = {.ctx = shop};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct screen_options options = {.address = addresses[i]};
        struct screen *screen = NULL;
        struct ts_err err = {0};
        assert_int_equal(
            screen_start(&screen, shop->loop, &options, &actions, &err),
            TS_INVALID);
        assert_non_null(strstr(err.text, "127.0.0.1"));
        assert_null(screen);
    }
}

static void test_a_taken_port_is_named(void **state) {
    struct shop *shop = *state;
    const struct screen_actions actions = {.ctx = shop};
    struct screen_options options = {.port = screen_port(shop->screen)};
    struct screen *screen = NULL;
    struct ts_err err = {0};
    assert_int_not_equal(
        screen_start(&screen, shop->loop, &options, &actions, &err), TS_OK);
    char port[8];
    (void)snprintf(port, sizeof port, "%u", (unsigned)options.port);
    assert_non_null(strstr(err.text, port));
}

#define SHOP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        SHOP_TEST(test_answers_what_the_terminal_says),
        SHOP_TEST(test_serves_the_page_of_its_kind),
        SHOP_TEST(test_assets_are_kept_by_the_browser),
        SHOP_TEST(test_commands_reach_the_terminal),
        SHOP_TEST(test_the_terminals_refusal_is_told),
        SHOP_TEST(test_bad_bodies_stop_at_the_door),
        SHOP_TEST(test_a_large_body_is_refused),
        SHOP_TEST(test_only_this_machine_may_ask),
        SHOP_TEST(test_every_address_is_guarded),
        SHOP_TEST(test_a_form_of_another_page_cannot_post),
        SHOP_TEST(test_events_follow_the_terminal),
        SHOP_TEST(test_a_thousand_items_are_shown),
        SHOP_TEST(test_many_changes_are_one_view),
        SHOP_TEST(test_a_beat_is_heard_while_nothing_happens),
        SHOP_TEST(test_pages_beyond_the_limit_wait),
        cmocka_unit_test(test_stopping_ends_open_pages),
        SHOP_TEST(test_refuses_addresses_of_the_network),
        SHOP_TEST(test_a_taken_port_is_named),
    };
    return cmocka_run_group_tests_name("screen", tests, NULL, NULL);
}
