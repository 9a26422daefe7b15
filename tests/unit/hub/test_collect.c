#include "world.h"

#include "base/http.h"
#include "hub/collect.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <zlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char auth[] = "Basic d2stc2hvcDo="; /* wk-shop: */

static const struct collect_source sources[] = {
    {"shop", "wk-shop", "web", SEGMENT_AUTO},
    {"mail", "wk-mail", "email", SEGMENT_SERVER}};

struct stand {
    struct world world;
    struct lease lease;
    struct event_base *loop;
    struct ts_metrics *metrics;
    struct collect *collect;
    struct ts_http *http;
    unsigned commits;
    /* The last answer. */
    int code;
    struct ts_buf body;
    char retry_after[16], allow_origin[64], allow_headers[64], expose[64];
    bool done;
};

static void on_request(void *ctx, struct ts_http_request *request) {
    collect_handle(((struct stand *)ctx)->collect, request);
}

static void on_commit(void *ctx, unsigned shard) {
    (void)shard;
    ((struct stand *)ctx)->commits++;
}

static void stand_start(struct stand *stand, unsigned max_events_per_s) {
    static const struct ts_http_route routes[] = {
        {"/v1/*", TS_HTTP_GET | TS_HTTP_POST | TS_HTTP_OPTIONS, on_request},
        {NULL, 0, NULL}};
    struct ts_http_options http = {.address = "127.0.0.1",
                                   .max_body_bytes = 1048576,
                                   .timeout_s = 30,
                                   .max_streams = 1};
    struct collect_options options = {.source_count = 2,
                                      .sources = sources,
                                      .max_events_per_s = max_events_per_s,
                                      .on_commit = on_commit,
                                      .ctx = stand};
    struct ts_err err;

    memset(stand, 0, sizeof *stand);
    world_open(&stand->world);
    stand->loop = event_base_new();
    stand->metrics = ts_metrics_new();
    collect_declare(stand->metrics);
    if (lease_take(&stand->lease, stand->world.db, "hub-1", true,
                   stand->world.now, &err) != TS_OK)
        fail_msg("%s", err.text);
    options.lease = &stand->lease;
    options.db = stand->world.db;
    options.cards = stand->world.cards;
    options.clock = &stand->world.clock;
    options.metrics = stand->metrics;
    stand->collect = collect_new(&options);
    if (ts_http_start(&stand->http, stand->loop, &http, routes, stand, &err) !=
        TS_OK)
        fail_msg("%s", err.text);
}

static void stand_stop(struct stand *stand) {
    ts_http_stop(stand->http);
    collect_free(stand->collect);
    ts_metrics_free(stand->metrics);
    event_base_free(stand->loop);
    ts_buf_fini(&stand->body);
    world_close(&stand->world);
}

static int setup(void **state) {
    struct stand *stand = ts_alloc(sizeof *stand);

    stand_start(stand, 0);
    *state = stand;
    return 0;
}

static int teardown(void **state) {
    stand_stop(*state);
    free(*state);
    return 0;
}

static void keep_header(char *out, size_t size,
                        const struct evhttp_request *answer, const char *name) {
    const char *value = evhttp_find_header(
        evhttp_request_get_input_headers((struct evhttp_request *)answer),
        name);

    snprintf(out, size, "%s", value ? value : "");
}

static void on_answer(struct evhttp_request *answer, void *ctx) {
    struct stand *stand = ctx;
    struct evbuffer *in;

    stand->done = true;
    stand->code = answer ? evhttp_request_get_response_code(answer) : 0;
    ts_buf_clear(&stand->body);
    if (!answer)
        return;
    in = evhttp_request_get_input_buffer(answer);
    assert_int_equal(
        ts_buf_add(&stand->body, ts_slice_of(evbuffer_pullup(in, -1),
                                             evbuffer_get_length(in))),
        TS_OK);
    keep_header(stand->retry_after, sizeof stand->retry_after, answer,
                "Retry-After");
    keep_header(stand->allow_origin, sizeof stand->allow_origin, answer,
                "Access-Control-Allow-Origin");
    keep_header(stand->allow_headers, sizeof stand->allow_headers, answer,
                "Access-Control-Allow-Headers");
    keep_header(stand->expose, sizeof stand->expose, answer,
                "Access-Control-Expose-Headers");
}

struct ask {
    enum evhttp_cmd_type method;
    const char *path, *key, *type, *encoding, *asked;
    struct ts_slice body;
};

static int ask(struct stand *stand, const struct ask *ask) {
    struct evhttp_connection *line = evhttp_connection_base_new(
        stand->loop, NULL, "127.0.0.1", ts_http_port(stand->http));
    struct evhttp_request *request = evhttp_request_new(on_answer, stand);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

    evhttp_connection_set_timeout(line, 60);
    evhttp_add_header(headers, "Host", "hub.example");
    evhttp_add_header(headers, "Origin", "https://shop.example");
    if (ask->key)
        evhttp_add_header(headers, "Authorization", ask->key);
    evhttp_add_header(headers, "Content-Type",
                      ask->type ? ask->type : "text/plain");
    if (ask->encoding)
        evhttp_add_header(headers, "Content-Encoding", ask->encoding);
    if (ask->asked)
        evhttp_add_header(headers, "Access-Control-Request-Headers",
                          ask->asked);
    if (ask->body.len)
        evbuffer_add(evhttp_request_get_output_buffer(request), ask->body.data,
                     ask->body.len);
    stand->done = false;
    assert_int_equal(evhttp_make_request(line, request, ask->method, ask->path),
                     0);
    while (!stand->done)
        event_base_loop(stand->loop, EVLOOP_ONCE);
    evhttp_connection_free(line);
    return stand->code;
}

static int post(struct stand *stand, const char *path, const char *key,
                const char *body) {
    return ask(stand, &(struct ask){.method = EVHTTP_REQ_POST,
                                    .path = path,
                                    .key = key,
                                    .body = ts_slice_text(body)});
}

static bool count_row(void *arg, const struct db_value *columns, size_t count) {
    (void)count;
    *(int64_t *)arg = columns[0].number;
    return true;
}

static const struct db_statement counts[] = {
    {"test_events", "SELECT COUNT(*) FROM event"},
    {"test_quarantine", "SELECT COUNT(*) FROM quarantine"},
    {"test_clear", "SELECT (SELECT COUNT(*) FROM event WHERE CAST(body AS "
                   "TEXT) LIKE '%2501008336538%' OR CAST(body AS TEXT) LIKE "
                   "'%4111111111111111%') + (SELECT COUNT(*) FROM quarantine "
                   "WHERE CAST(raw AS TEXT) LIKE '%2501008336538%' OR CAST(raw "
                   "AS TEXT) LIKE '%4111111111111111%')"},
    {NULL, NULL}};

static int64_t count(struct stand *stand, int which) {
    int64_t n = -1;
    struct ts_err err;

    if (db_run(stand->world.db, &counts[which], NULL, 0, count_row, &n, &err) !=
        TS_OK)
        fail_msg("%s", err.text);
    return n;
}

static void takes_every_call(void **state) {
    static const char *const paths[][2] = {
        {"/v1/track", "/v1/t"}, {"/v1/identify", "/v1/i"},
        {"/v1/page", "/v1/p"},  {"/v1/screen", "/v1/s"},
        {"/v1/group", "/v1/g"}, {"/v1/alias", "/v1/a"},
        {"/v1/batch", "/v1/b"}, {"/v1/import", "/v1/m"}};
    struct stand *stand = *state;
    char body[400];

    for (size_t i = 0; i < 8; i++)
        for (size_t k = 0; k < 2; k++) {
            const char *form =
                i < 6 ? "{\"userId\":\"u\",\"event\":\"e\",\"groupId\":\"g\","
                        "\"previousId\":\"p\",\"messageId\":\"%zu-%zu\"}"
                      : "{\"batch\":[{\"type\":\"page\",\"anonymousId\":\"a\","
                        "\"messageId\":\"%zu-%zu\"}],\"sentAt\":"
                        "\"2026-11-21T10:00:00Z\"}";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(body, sizeof body, form, i, k);
#pragma GCC diagnostic pop
            assert_int_equal(post(stand, paths[i][k], auth, body), 200);
            assert_string_equal(ts_buf_text(&stand->body),
                                "{\"success\":true}");
        }
    assert_int_equal(count(stand, 0), 15); /* /v1/m keeps nothing */
    assert_int_equal(stand->commits, 15);
    assert_string_equal(stand->allow_origin, "https://shop.example");
    assert_string_equal(stand->expose, "Retry-After");
}

static void counts_a_retry_once(void **state) {
    struct stand *stand = *state;
    static const char body[] =
        "{\"batch\":[{\"type\":\"track\",\"event\":\"x\",\"userId\":\"u\","
        "\"messageId\":\"m\"},{\"type\":\"track\",\"event\":\"x\",\"userId\":"
        "\"u\",\"messageId\":\"m\"}],\"writeKey\":\"wk-shop\",\"sentAt\":"
        "\"2026-11-21T10:00:00Z\"}";

    assert_int_equal(post(stand, "/v1/batch", NULL, body), 200);
    stand->world.now.unix_ms += 5000;
    assert_int_equal(post(stand, "/v1/batch", auth, body), 200);
    assert_int_equal(count(stand, 0), 1);
    assert_int_equal(count(stand, 1), 0);
}

static void tells_what_it_refused(void **state) {
    struct stand *stand = *state;

    assert_int_equal(
        post(stand, "/v1/batch", auth,
             "{\"batch\":[{\"type\":\"track\",\"userId\":\"u\",\"messageId\":"
             "\"bad\",\"traits\":{\"loyalty_card\":\"2501008336538\"}},7,"
             "{\"type\":\"page\",\"userId\":\"u\",\"messageId\":\"good\"}]}"),
        200);
    assert_non_null(strstr(ts_buf_text(&stand->body), "\"success\":true"));
    assert_non_null(strstr(ts_buf_text(&stand->body), "\"messageId\":\"bad\""));
    assert_non_null(strstr(ts_buf_text(&stand->body), "\"index\":1"));
    assert_int_equal(count(stand, 0), 1);
    assert_int_equal(count(stand, 1), 2);
    assert_int_equal(count(stand, 2), 0);
    assert_true(ts_metrics_get(stand->metrics, "tessera_collect_events_total",
                               "source=\"shop\",outcome=\"rejected\"") == 2);
}

static void keeps_no_card_number(void **state) {
    struct stand *stand = *state;

    assert_int_equal(
        post(stand, "/v1/identify", auth,
             "{\"userId\":\"u\",\"traits\":{\"loyalty_card\":2501008336538,"
             "\"note\":\"4111 1111 1111 1111 4111111111111111\"}}"),
        200);
    assert_int_equal(
        post(stand, "/v1/identify", auth, "{\"card\":\"4111111111111111\" oh "),
        400);
    assert_int_equal(count(stand, 0), 1);
    assert_int_equal(count(stand, 1), 1);
    assert_int_equal(count(stand, 2), 0);
}

static void answers_as_clients_need_it(void **state) {
    struct stand *stand = *state;
    static const char event[] = "{\"userId\":\"u\",\"event\":\"e\"}";
    static const size_t too_large = 614400, over_event = 40960;
    char *large = ts_alloc(too_large + 1);

    memset(large, ' ', too_large);
    large[too_large] = '\0';
    assert_int_equal(post(stand, "/v1/track", "Basic eHh4Og==", event), 401);
    assert_int_equal(post(stand, "/v1/track", NULL, event), 401);
    assert_int_equal(post(stand, "/v1/track", auth, "[1"), 400);
    assert_int_equal(post(stand, "/v1/track", auth, "\"\xff\xfe\""), 400);
    assert_int_equal(post(stand, "/v1/batch", auth, "{\"batch\":3}"), 400);
    assert_int_equal(post(stand, "/v1/nothing", auth, event), 404);
    assert_int_equal(post(stand, "/v1/batch", auth, large), 413);
    memcpy(large, event, strlen(event));
    large[over_event] = '\0';
    assert_int_equal(post(stand, "/v1/track", auth, large), 400);
    collect_set_ready(stand->collect, false);
    assert_int_equal(post(stand, "/v1/track", "Basic eHh4Og==", event), 503);
    assert_string_equal(stand->retry_after, "2");
    collect_set_ready(stand->collect, true);
    assert_int_equal(post(stand, "/v1/track", auth, event), 200);
    free(large);
}

static void answers_a_preflight_with_what_it_asks(void **state) {
    struct stand *stand = *state;

    assert_int_equal(
        ask(stand, &(struct ask){.method = EVHTTP_REQ_OPTIONS,
                                 .path = "/v1/t",
                                 .asked = "authorization,x-retry-count"}),
        204);
    assert_string_equal(stand->allow_headers, "authorization,x-retry-count");
    assert_string_equal(stand->allow_origin, "https://shop.example");
}

static void gives_the_browser_its_settings(void **state) {
    struct stand *stand = *state;
    struct ask get = {.method = EVHTTP_REQ_GET,
                      .path = "/v1/projects/wk-shop/settings"};

    assert_int_equal(ask(stand, &get), 200);
    assert_non_null(strstr(ts_buf_text(&stand->body),
                           "{\"Segment.io\":{\"apiKey\":\"wk-shop\"}}"));
    get.path = "/v1/projects/other/settings";
    assert_int_equal(ask(stand, &get), 404);
}

static size_t gzip(uint8_t *out, size_t size, const char *text) {
    z_stream z = {0};

    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    z.next_in = (uint8_t *)(uintptr_t)text;
    z.avail_in = (unsigned)strlen(text);
    z.next_out = out;
    z.avail_out = (unsigned)size;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size = z.total_out;
    deflateEnd(&z);
    return size;
}

static void takes_gzip_under_any_type(void **state) {
    struct stand *stand = *state;
    uint8_t packed[512];
    size_t len = gzip(packed, sizeof packed,
                      "{\"batch\":[{\"type\":\"page\",\"userId\":\"u\"}]}");
    struct ask request = {.method = EVHTTP_REQ_POST,
                          .path = "/v1/batch",
                          .key = auth,
                          .type = "application/x-www-form-urlencoded",
                          .encoding = "gzip",
                          .body = ts_slice_of(packed, len)};

    assert_int_equal(ask(stand, &request), 200);
    assert_int_equal(count(stand, 0), 1);
    packed[len / 2] ^= 0x55;
    assert_int_equal(ask(stand, &request), 400);
}

static void slows_a_source_down(void **state) {
    struct stand *stand = ts_alloc(sizeof *stand);
    static const char event[] = "{\"userId\":\"u\",\"event\":\"e\"}";
    int answers[2] = {0, 0};

    (void)state;
    stand_start(stand, 1);
    for (int i = 0; i < 15; i++)
        answers[post(stand, "/v1/track", auth, event) == 429]++;
    assert_int_equal(answers[0], 10);
    assert_int_equal(answers[1], 5);
    assert_string_equal(stand->retry_after, "2");
    stand->world.now.unix_ms += 2000;
    assert_int_equal(post(stand, "/v1/track", auth, event), 200);
    stand_stop(stand);
    free(stand);
}

/* Another hub took over while this one was paused: whatever comes, nothing is
 * written and the client keeps it. */
static void takes_nothing_without_its_lease(void **state) {
    static const char *const bodies[] = {
        "{\"userId\":\"u\",\"event\":\"e\",\"messageId\":\"m\"}",
        "{\"messageId\":\"nobody\"}", "{\"userId\":\"u\",,"};
    struct stand *stand = *state;
    struct lease other;
    struct ts_err err;

    assert_int_equal(lease_take(&other, stand->world.db, "hub-2", true,
                                stand->world.now, &err),
                     TS_OK);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        assert_int_equal(post(stand, "/v1/track", auth, bodies[i]), 503);
        assert_string_equal(stand->retry_after, "2");
    }
    assert_int_equal(count(stand, 0), 0);
    assert_int_equal(count(stand, 1), 0);
    assert_int_equal(stand->commits, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_every_call, setup, teardown),
        cmocka_unit_test_setup_teardown(counts_a_retry_once, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_what_it_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(keeps_no_card_number, setup, teardown),
        cmocka_unit_test_setup_teardown(answers_as_clients_need_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(answers_a_preflight_with_what_it_asks,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(gives_the_browser_its_settings, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(takes_gzip_under_any_type, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(takes_nothing_without_its_lease, setup,
                                        teardown),
        cmocka_unit_test(slows_a_source_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
