/* The hub's API over real HTTP, on both engines: what intake took is told
 * whole, once, and only to who has a token. */
#include "hub/link.h"
#include "hub/registry.h"
#include "hub/tokens.h"
#include "hub/web.h"

#include "base/ids.h"
#include "base/json.h"
#include "base/log.h"
#include "tests/support/broker.h"
#include "tests/unit/hub/engines.h"

#include <event2/buffer.h>
#include <event2/http.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define LANE  "milano-01-lane-3"
#define STORE "milano-01"
#define FIRST "9f2c6a1be07d4455"
#define CARD  "c1.uKCh5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqY"

enum { MAX_EVENTS = 64, PATIENCE_S = 60 };

struct stand {
    struct engines *engines;
    struct event_base *loop;
    struct hub_config config;
    struct web web;
    struct lease lease;
    struct ts_http *http;
    char tokens[128];
    char auth[TOKENS_TEXT + 16];
    /* The last answer. */
    bool done;
    int code;
    struct ts_buf body;
    json_t *json; /* of the body, or NULL */
    char challenge[32];
    int64_t moves;
};

static struct ts_wall wall_fixed(void *ctx) {
    (void)ctx;
    return (struct ts_wall){1795600000000};
}
static struct ts_mono mono_fixed(void *ctx) {
    (void)ctx;
    return (struct ts_mono){5000};
}
static bool always(void *ctx) {
    (void)ctx;
    return true;
}
static const struct ts_clock fixed = {NULL, wall_fixed, mono_fixed, always};

static void must(enum ts_status status, const struct ts_err *err) {
    if (status != TS_OK)
        fail_msg("%s", err->text);
}

static void stand_serve(struct stand *stand) {
    struct ts_http_options http = {.address = "127.0.0.1",
                                   .max_body_bytes = 65536,
                                   .timeout_s = 60,
                                   .max_streams = 1};
    struct ts_err err;
    char token[TOKENS_TEXT];

    (void)snprintf(stand->tokens, sizeof stand->tokens, "%s/tokens-%p",
                   engines_folder(stand->engines), (void *)stand);
    must(tokens_add(stand->tokens, "console", token, &err), &err);
    (void)snprintf(stand->auth, sizeof stand->auth, "Bearer %s", token);
    stand->config.token_file = stand->tokens;
    stand->web.config = &stand->config;
    must(ts_http_start(&stand->http, stand->loop, &http, web_routes,
                       &stand->web, &err),
         &err);
}

static struct stand *stand_open(struct engines *engines, const char *url) {
    struct stand *stand = ts_alloc(sizeof *stand);
    struct intake_options options = {
        .lease = &stand->lease, .clock = &fixed, .window = 16};
    struct ts_err err;

    ts_log_set_level(TS_LOG_ERROR);
    stand->engines = engines;
    stand->loop = event_base_new();
    stand->web.clock = &fixed;
    must(db_open(&stand->web.db, url, &err), &err);
    must(lease_take(&stand->lease, stand->web.db, "hub-1", true,
                    wall_fixed(NULL), &err),
         &err);
    must(registry_add(stand->web.db, LANE, STORE, wall_fixed(NULL), &err),
         &err);
    stand->web.metrics = ts_metrics_new();
    intake_declare(stand->web.metrics);
    link_declare(stand->web.metrics);
    options.db = stand->web.db;
    options.metrics = stand->web.metrics;
    stand->web.intake = intake_new(&options);
    stand_serve(stand);
    return stand;
}

static void stand_close(struct stand *stand) {
    ts_http_stop(stand->http);
    intake_free(stand->web.intake);
    ts_metrics_free(stand->web.metrics);
    db_close(stand->web.db);
    event_base_free(stand->loop);
    json_decref(stand->json);
    ts_buf_fini(&stand->body);
    assert_int_equal(unlink(stand->tokens), 0);
    free(stand);
}

static void on_answer(struct evhttp_request *answer, void *ctx) {
    struct stand *stand = ctx;
    struct evbuffer *in;
    const char *challenge;

    stand->done = true;
    stand->code = answer ? evhttp_request_get_response_code(answer) : 0;
    if (!answer)
        return;
    in = evhttp_request_get_input_buffer(answer);
    if (ts_buf_add(&stand->body, ts_slice_of(evbuffer_pullup(in, -1),
                                             evbuffer_get_length(in))) != TS_OK)
        abort();
    challenge = evhttp_find_header(evhttp_request_get_input_headers(answer),
                                   "WWW-Authenticate");
    (void)snprintf(stand->challenge, sizeof stand->challenge, "%s",
                   challenge ? challenge : "");
}

static void forget_answer(struct stand *stand) {
    json_decref(stand->json);
    stand->json = NULL;
    stand->done = false;
    ts_buf_clear(&stand->body);
}

/* `post` NULL: GET; `auth` NULL: no Authorization. */
static int ask_as(struct stand *stand, const char *auth, const char *path,
                  const char *post) {
    struct evhttp_connection *line = evhttp_connection_base_new(
        stand->loop, NULL, "127.0.0.1", ts_http_port(stand->http));
    struct evhttp_request *request = evhttp_request_new(on_answer, stand);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

    forget_answer(stand);
    evhttp_connection_set_timeout(line, PATIENCE_S);
    (void)evhttp_add_header(headers, "Host", "127.0.0.1");
    if (auth)
        (void)evhttp_add_header(headers, "Authorization", auth);
    if (post)
        (void)evbuffer_add(evhttp_request_get_output_buffer(request), post,
                           strlen(post));
    assert_int_equal(
        evhttp_make_request(line, request,
                            post ? EVHTTP_REQ_POST : EVHTTP_REQ_GET, path),
        0);
    while (!stand->done)
        (void)event_base_loop(stand->loop, EVLOOP_ONCE);
    evhttp_connection_free(line);
    if (ts_json_parse(&stand->json, ts_buf_slice(&stand->body), NULL) != TS_OK)
        stand->json = NULL;
    return stand->code;
}

static int ask(struct stand *stand, const char *path) {
    return ask_as(stand, stand->auth, path, NULL);
}

static json_t *asked(struct stand *stand, const char *path,
                     const char *member) {
    json_t *value;

    if (ask(stand, path) != 200)
        fail_msg("%s: %d %s", path, stand->code, ts_buf_text(&stand->body));
    value = json_object_get(stand->json, member);
    if (!value)
        fail_msg("%s: no %s in %s", path, member, ts_buf_text(&stand->body));
    return value;
}

static const char *text_of(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static json_int_t number_of(const json_t *object, const char *name) {
    return json_integer_value(json_object_get(object, name));
}

static void tell(struct stand *stand, enum topic_leaf leaf, const char *store,
                 const char *text) {
    struct topic topic = {
        .shard = ts_shard(ts_slice_text(store)), .name = LANE, .leaf = leaf};
    struct intake_reply reply;
    struct ts_err err;

    must(intake_message(stand->web.intake, &topic, ts_slice_text(text), false,
                        &reply, &err),
         &err);
    intake_reply_fini(&reply);
}

struct sample {
    const char *store, *journal, *type, *data;
    unsigned first, last;
};

static void add_event(struct ts_buf *out, const struct sample *s,
                      unsigned sequence) {
    assert_int_equal(
        ts_buf_printf(
            out,
            "%c{\"specversion\":\"1.0\",\"source\":\"/stores/%s/terminals/%s\","
            "\"id\":\"%s-%020u\",\"type\":\"tessera.%s.v1\","
            "\"time\":\"2026-11-21T10:00:00.123Z\",\"journal\":\"%s\","
            "\"sequence\":\"%020u\",\"boot\":\"5d1e88c2\","
            "\"uptime\":\"8812345\",\"clock\":\"set\",\"data\":%s}",
            sequence == s->first ? '[' : ',', s->store, LANE, s->journal,
            sequence, s->type ? s->type : "item.scanned", s->journal, sequence,
            s->data ? s->data : "{\"gtin\":\"05901234123457\"}"),
        TS_OK);
}

static void send_events(struct stand *stand, struct sample s) {
    struct ts_buf text = {0};

    for (unsigned i = s.first; i <= s.last; i++)
        add_event(&text, &s, i);
    assert_int_equal(ts_buf_add_text(&text, "]"), TS_OK);
    tell(stand, TOPIC_EVENTS, s.store, ts_buf_text(&text));
    ts_buf_fini(&text);
}

static void send_usual(struct stand *stand, unsigned first, unsigned last) {
    send_events(stand, (struct sample){STORE, FIRST, NULL, NULL, first, last});
}

static void nothing_without_a_token(struct stand *stand) {
    static const char *const doors[] = {
        "/api/archive?terminal=milano-01-lane-3",
        "/api/stores",
        "/api/alarms",
        "/api/holes",
        "/api/counts",
        "/api/quarantine",
    };
    static const char *const wrong[] = {
        NULL, "Bearer", "Bearer ", "Bearer 0000", "Basic d2stc2hvcDo=", "x"};
    struct ts_err err;
    char path[256];

    for (size_t i = 0; i < sizeof doors / sizeof *doors; i++) {
        for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
            assert_int_equal(ask_as(stand, wrong[k], doors[i], NULL), 401);
            assert_string_equal(stand->challenge, "Bearer");
            assert_non_null(strstr(text_of(stand->json, "message"), "token"));
        }
        assert_int_equal(ask(stand, doors[i]), 200);
        assert_string_equal(stand->challenge, "");
    }
    assert_int_equal(ask_as(stand, NULL, "/api/quarantine/replay", "{}"), 401);
    (void)snprintf(path, sizeof path, "/api/counts?token=%s", stand->auth + 7);
    assert_int_equal(ask_as(stand, NULL, path, NULL), 401);
    stand->auth[8] ^= 1;
    assert_int_equal(ask(stand, "/api/counts"), 401);
    stand->auth[8] ^= 1;
    must(tokens_remove(stand->tokens, "console", &err), &err);
    assert_int_equal(ask(stand, "/api/counts"), 401);
}

static void a_token_file_open_to_all_opens_nothing(struct stand *stand) {
    assert_int_equal(chmod(stand->tokens, 0644), 0);
    assert_int_equal(ask(stand, "/api/counts"), 401);
    assert_int_equal(chmod(stand->tokens, 0600), 0);
    assert_int_equal(ask(stand, "/api/counts"), 200);
}

/* What the pages of one question held, in their order. */
struct story {
    char keys[MAX_EVENTS][48];
    size_t count, pages;
};

static void add_page(struct story *story, const json_t *events) {
    size_t i;
    json_t *event;

    json_array_foreach(events, i, event) {
        assert_true(story->count < MAX_EVENTS);
        (void)snprintf(story->keys[story->count++], sizeof *story->keys,
                       "%s-%lld", text_of(event, "journal"),
                       (long long)number_of(event, "sequence"));
    }
}

static void read_story(struct stand *stand, unsigned limit, const char *of,
                       struct story *story) {
    char path[256];
    char next[64] = "";

    *story = (struct story){.count = 0};
    do {
        (void)snprintf(path, sizeof path,
                       "/api/archive?terminal=%s&limit=%u%s%s", of, limit,
                       next[0] ? "&after=" : "", next);
        add_page(story, asked(stand, path, "events"));
        (void)snprintf(next, sizeof next, "%s", text_of(stand->json, "next"));
        assert_true(++story->pages <= MAX_EVENTS + 2);
    } while (next[0]);
}

static void expect_story(struct stand *stand, const struct sample *samples,
                         size_t count, const char *of) {
    static const unsigned limits[] = {1, 2, 3, 5, 7, 12, 20, 1000};
    struct story want = {.count = 0};
    struct story got;

    for (size_t i = 0; i < count; i++)
        for (unsigned n = samples[i].first; n <= samples[i].last; n++)
            (void)snprintf(want.keys[want.count++], sizeof *want.keys, "%s-%u",
                           samples[i].journal, n);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        read_story(stand, limits[i], of, &got);
        if (got.count != want.count)
            fail_msg("limit %u: %zu events instead of %zu", limits[i],
                     got.count, want.count);
        for (size_t k = 0; k < want.count; k++)
            assert_string_equal(got.keys[k], want.keys[k]);
    }
}

static void move(struct stand *stand, const char *store) {
    struct ts_err err;

    must(registry_move(
             stand->web.db, LANE, store,
             (struct ts_wall){wall_fixed(NULL).unix_ms + 1000 * ++stand->moves},
             &err),
         &err);
}

static void pages_give_each_event_once(struct stand *stand) {
    static const struct sample samples[] = {
        {STORE, FIRST, NULL, NULL, 1, 7},
        {STORE, "a000000000000001", NULL, NULL, 1, 1},
        {STORE, "b000000000000002", NULL, NULL, 1, 12}};

    for (size_t i = 0; i < 3; i++)
        send_events(stand, samples[i]);
    expect_story(stand, samples, 3, LANE);
    expect_story(stand, &samples[2], 1, LANE "&journal=b000000000000002");
}

/* Another store of the same shard: position rows do not tell them apart. */
static void pages_follow_a_terminal_that_moved(struct stand *stand) {
    struct sample samples[] = {
        {STORE, FIRST, NULL, NULL, 1, 5},
        {NULL, "a000000000000001", NULL, NULL, 1, 4},
        {"roma-02", "b000000000000002", NULL, NULL, 1, 6}};
    unsigned shard = ts_shard(ts_slice_text(STORE));
    char neighbour[TS_NAME_TEXT];
    struct ts_err err;

    for (unsigned i = 0; i == 0 || ts_shard(ts_slice_text(neighbour)) != shard;
         i++)
        (void)snprintf(neighbour, sizeof neighbour, "napoli-%u", i);
    samples[1].store = neighbour;
    send_events(stand, samples[0]);
    move(stand, neighbour);
    send_events(stand, samples[1]);
    move(stand, "roma-02");
    send_events(stand, samples[2]);
    expect_story(stand, samples, 3, LANE);
    must(registry_rename(stand->web.db, LANE, "roma-02-lane-9",
                         wall_fixed(NULL), &err),
         &err);
    expect_story(stand, samples, 3, "roma-02-lane-9");
    expect_story(stand, &samples[1], 1,
                 "roma-02-lane-9&journal=a000000000000001");
}

/* The clock of this test stands still. */
static void journals_of_one_instant_stand_as_they_came(struct stand *stand) {
    static const struct sample samples[] = {
        {STORE, FIRST, NULL, NULL, 1, 7},
        {STORE, "b000000000000002", NULL, NULL, 1, 3},
        {STORE, "a000000000000001", NULL, NULL, 1, 12},
        {STORE, "0000000000000003", NULL, NULL, 1, 2}};
    enum { SAMPLES = sizeof samples / sizeof *samples };

    for (size_t i = 0; i < SAMPLES; i++)
        send_events(stand, samples[i]);
    expect_story(stand, samples, SAMPLES, LANE);
}

static void an_archived_event_is_told_whole(struct stand *stand) {
    json_t *event;
    json_t *body;

    send_usual(stand, 1, 3);
    event = json_array_get(asked(stand,
                                 "/api/archive?terminal=" LANE "&journal=" FIRST
                                 "&after=1&limit=1",
                                 "events"),
                           0);
    assert_int_equal(number_of(event, "sequence"), 2);
    assert_string_equal(text_of(event, "type"), "item.scanned");
    assert_string_equal(text_of(event, "time"), "2026-11-21T10:00:00.123Z");
    body = json_object_get(event, "body");
    assert_string_equal(text_of(body, "id"), FIRST "-00000000000000000002");
    assert_string_equal(text_of(json_object_get(body, "data"), "gtin"),
                        "05901234123457");
}

static void wrong_questions_are_told(struct stand *stand) {
    static const char *const wrong[] = {
        "/api/archive",
        "/api/archive?terminal=milano-01-lane-3&limit=0",
        "/api/archive?terminal=milano-01-lane-3&limit=1001",
        "/api/archive?terminal=milano-01-lane-3&limit=",
        "/api/archive?terminal=milano-01-lane-3&limit=1x",
        "/api/archive?terminal=milano-01-lane-3&after=",
        "/api/archive?terminal=milano-01-lane-3&after=7",
        "/api/archive?terminal=milano-01-lane-3&after=9f2c6a1be07d4455-",
        "/api/archive?terminal=milano-01-lane-3&after=9f2c6a1be07d4455-7x",
        "/api/archive?terminal=milano-01-lane-3&after=nonsense-7",
        "/api/alarms?limit=-1",
        "/api/holes?limit=x",
        "/api/quarantine?limit=99999999999999999999"};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (ask(stand, wrong[i]) != 400)
            fail_msg("%s: %d", wrong[i], stand->code);
        assert_true(strlen(text_of(stand->json, "message")) > 10);
    }
    assert_int_equal(
        json_array_size(asked(stand, "/api/archive?terminal=nobody", "events")),
        0);
    assert_int_equal(ask(stand, "/api/nothing"), 404);
    assert_int_equal(ask_as(stand, stand->auth, "/api/counts", "{}"), 405);
}

static int replay(struct stand *stand, const char *id) {
    char body[96];

    (void)snprintf(body, sizeof body, "{\"id\":\"%s\"}", id);
    return ask_as(stand, stand->auth, "/api/quarantine/replay", body);
}

static void quarantine_is_shown_and_replayed(struct stand *stand) {
    char id[64];
    const json_t *row;

    send_events(stand,
                (struct sample){STORE, FIRST, "item.scanned", NULL, 1, 1});
    /* Under the name of a store that it has never been in. */
    tell(
        stand, TOPIC_EVENTS, STORE,
        "[{\"specversion\":\"1.0\",\"source\":\"/stores/roma-02/terminals/" LANE
        "\",\"id\":\"" FIRST "-00000000000000000002\",\"type\":"
        "\"tessera.card.presented.v1\",\"time\":\"2026-11-21T10:00:01.000Z\","
        "\"journal\":\"" FIRST "\",\"sequence\":\"00000000000000000002\","
        "\"boot\":\"5d1e88c2\",\"uptime\":\"1\",\"clock\":\"set\",\"data\":{"
        "\"card\":\"" CARD "\",\"note\":\"4111 1111 1111 1111\"}}]");
    row = json_array_get(asked(stand, "/api/quarantine", "quarantine"), 0);
    assert_non_null(row);
    assert_non_null(strstr(text_of(row, "reason"), "identity"));
    assert_non_null(strstr(text_of(row, "raw"), "roma-02"));
    assert_non_null(strstr(text_of(row, "raw"), CARD));
    assert_null(strstr(text_of(row, "raw"), "4111"));
    assert_true(json_is_null(json_object_get(row, "replayed")));
    (void)snprintf(id, sizeof id, "%s", text_of(row, "id"));
    assert_int_equal(replay(stand, id), 409);
    assert_non_null(strstr(text_of(stand->json, "message"), "roma-02"));
    move(stand, "roma-02");
    assert_int_equal(replay(stand, id), 200);
    assert_true(json_is_true(json_object_get(stand->json, "replayed")));
    row = json_array_get(asked(stand, "/api/quarantine", "quarantine"), 0);
    assert_true(json_is_string(json_object_get(row, "replayed")));
    assert_int_equal(
        json_array_size(asked(stand, "/api/archive?terminal=" LANE, "events")),
        2);
}

static void a_replay_needs_an_id(struct stand *stand) {
    static const char *const wrong[] = {"",   "{",          "{}",
                                        "[]", "{\"id\":7}", "\"id\""};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(
            ask_as(stand, stand->auth, "/api/quarantine/replay", wrong[i]),
            400);
    assert_int_equal(replay(stand, "none"), 409);
    assert_int_equal(ask(stand, "/api/quarantine/replay"), 405);
}

static void holes_are_exact(struct stand *stand) {
    const json_t *hole;

    send_usual(stand, 1, 4);
    tell(stand, TOPIC_RESUME, STORE,
         "{\"journal\":\"" FIRST "\",\"oldest\":\"00000000000000000009\","
         "\"newest\":\"00000000000000000012\"}");
    hole = json_array_get(asked(stand, "/api/holes", "holes"), 0);
    assert_string_equal(text_of(hole, "terminal"), LANE);
    assert_string_equal(text_of(hole, "journal"), FIRST);
    assert_int_equal(number_of(hole, "first"), 5);
    assert_int_equal(number_of(hole, "last"), 8);
    assert_int_equal(json_array_size(json_object_get(stand->json, "pending")),
                     0);
    /* The next run says that this one ended at 14: 9 to 14 are awaited. */
    send_events(stand,
                (struct sample){STORE, "a000000000000001", "terminal.started",
                                "{\"version\":\"0.1.0\",\"previous\":"
                                "\"" FIRST "\",\"previous_last\":"
                                "\"00000000000000000014\"}",
                                1, 1});
    hole = json_array_get(asked(stand, "/api/holes", "pending"), 0);
    assert_string_equal(text_of(hole, "journal"), FIRST);
    assert_int_equal(number_of(hole, "first"), 9);
    assert_int_equal(number_of(hole, "last"), 14);
    send_usual(stand, 9, 14);
    assert_int_equal(json_array_size(asked(stand, "/api/holes", "pending")), 0);
    assert_int_equal(json_array_size(json_object_get(stand->json, "holes")), 1);
}

static void alarms_and_counts_tell_what_happened(struct stand *stand) {
    const json_t *alarm;
    const json_t *counts;

    send_usual(stand, 1, 4);
    send_usual(stand, 3, 6);
    send_events(stand, (struct sample){STORE, FIRST, NULL,
                                       "{\"gtin\":\"04006381333931\"}", 2, 2});
    alarm = json_array_get(asked(stand, "/api/alarms?limit=1", "alarms"), 0);
    assert_string_equal(text_of(alarm, "kind"), "conflict");
    assert_true(number_of(alarm, "times") >= 1);
    assert_string_equal(text_of(alarm, "last"), "2026-11-25T09:46:40.000Z");
    assert_int_equal(ask(stand, "/api/counts"), 200);
    counts = stand->json;
    assert_int_equal(number_of(counts, "archived"), 6);
    assert_int_equal(number_of(counts, "conflicts"), 1);
    assert_true(json_is_integer(json_object_get(counts, "refused_identity")));
    assert_int_equal(number_of(counts, "refused_identity"), 0);
}

static void stores_show_their_lanes(struct stand *stand) {
    const json_t *store;
    const json_t *lane;

    tell(stand, TOPIC_STATE, STORE,
         "{\"online\":true,\"boot\":\"5d1e88c2\",\"session\":7,\"version\":\"0."
         "1.0\",\"store\":\"" STORE "\",\"journal\":\"" FIRST
         "\",\"unsent\":3,\"oldest_unsent\":"
         "\"2026-11-21T10:00:00.000Z\"}");
    send_usual(stand, 1, 4);
    store = json_array_get(asked(stand, "/api/stores", "stores"), 0);
    assert_string_equal(text_of(store, "store"), STORE);
    lane = json_array_get(json_object_get(store, "lanes"), 0);
    assert_string_equal(text_of(lane, "terminal"), LANE);
    assert_true(json_is_true(json_object_get(lane, "online")));
    assert_int_equal(number_of(lane, "unsent"), 3);
    assert_int_equal(number_of(lane, "through"), 4);
    assert_string_equal(text_of(lane, "oldest_unsent"),
                        "2026-11-21T10:00:00.000Z");
}

static void metrics_hold_nothing_personal(struct stand *stand) {
    static const char *const personal[] = {CARD,
                                           "c1.",
                                           "u1.",
                                           "2501008336538",
                                           "6538",
                                           "anna@example.com",
                                           "05901234123457",
                                           FIRST};

    send_events(stand, (struct sample){STORE, FIRST, "card.presented",
                                       "{\"reader\":\"r\",\"card\":\"" CARD
                                       "\",\"masked\":\"*********6538\","
                                       "\"symbology\":\"EAN-13\"}",
                                       1, 2});
    send_events(stand, (struct sample){STORE, FIRST, "code.unknown",
                                       "{\"print\":\"u1.x\",\"note\":"
                                       "\"anna@example.com\"}",
                                       3, 3});
    (void)ask(stand, "/api/people/none?value=2501008336538");
    assert_int_equal(ask_as(stand, NULL, "/metrics", NULL), 200);
    assert_non_null(strstr(ts_buf_text(&stand->body), "tessera_take_total"));
    for (size_t i = 0; i < sizeof personal / sizeof *personal; i++)
        if (strstr(ts_buf_text(&stand->body), personal[i]))
            fail_msg("%s in /metrics", personal[i]);
}

static void without_a_database_it_lives_but_is_not_ready(struct stand *stand) {
    struct db *db = stand->web.db;

    stand->web.db = NULL;
    assert_int_equal(ask_as(stand, NULL, "/healthz", NULL), 200);
    assert_string_equal(ts_buf_text(&stand->body), "ok\n");
    assert_int_equal(ask_as(stand, NULL, "/readyz", NULL), 503);
    assert_non_null(strstr(ts_buf_text(&stand->body), "database"));
    assert_int_equal(ask(stand, "/api/counts"), 503);
    assert_int_equal(ask_as(stand, NULL, "/api/counts", NULL), 401);
    stand->web.db = db;
    assert_int_equal(ask_as(stand, NULL, "/readyz", NULL), 503);
    assert_non_null(strstr(ts_buf_text(&stand->body), "broker"));
}

static void never(void *ctx, const struct ts_err *reason) {
    (void)ctx;
    fail_msg("%s", reason->text);
}

static void on_late(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    *(bool *)arg = true;
}

/* Turns the loop until /readyz answers `code`. */
static void wait_ready(struct stand *stand, int code) {
    bool late = false;
    struct event *timer = evtimer_new(stand->loop, on_late, &late);
    struct timeval limit = {.tv_sec = PATIENCE_S};

    (void)evtimer_add(timer, &limit);
    while (ask_as(stand, NULL, "/readyz", NULL) != code && !late)
        (void)event_base_loop(stand->loop, EVLOOP_ONCE);
    event_free(timer);
    if (late)
        fail_msg("waited in vain for %d", code);
}

static void ready_follows_the_broker(struct stand *stand) {
    char *folder = test_folder_new("api");
    struct broker *broker = broker_start(folder, 0, "");
    struct link_options options = {.loop = stand->loop,
                                   .config = &stand->config,
                                   .intake = stand->web.intake,
                                   .db = stand->web.db,
                                   .lease = &stand->lease,
                                   .metrics = stand->web.metrics,
                                   .on_lost = never};
    struct ts_err err;

    stand->config.name = "hub-1";
    stand->config.root = "tessera";
    stand->config.window = stand->config.max_waiting = 16;
    stand->config.max_waiting_bytes = 64 << 20;
    stand->config.mqtt = (struct mqtt_options){.host = "127.0.0.1",
                                               .port = broker_port(broker),
                                               .client_id = "hub-1",
                                               .keepalive_s = 60,
                                               .connect_timeout_s = 20,
                                               .backoff_min_ms = 20,
                                               .backoff_max_ms = 200,
                                               .runtime_dir = folder,
                                               .clock = ts_clock_system()};
    must(link_open(&stand->web.link, &options, &err), &err);
    wait_ready(stand, 200);
    assert_string_equal(ts_buf_text(&stand->body), "ready\n");
    broker_stop(broker);
    wait_ready(stand, 503);
    link_close(stand->web.link);
    stand->web.link = NULL;
    test_folder_free(folder);
}

static void on_both(void **state, void (*run)(struct stand *stand)) {
    for (int i = 0; i < 2; i++) {
        const char *url = i ? engines_postgres(*state) : engines_sqlite(*state);
        struct stand *stand = stand_open(*state, url);
        run(stand);
        stand_close(stand);
    }
}

#define ON_BOTH(name)                                                          \
    static void test_##name(void **state) { on_both(state, name); }
#define CASES(X)                                                               \
    X(nothing_without_a_token)                                                 \
    X(a_token_file_open_to_all_opens_nothing)                                  \
    X(pages_give_each_event_once)                                              \
    X(pages_follow_a_terminal_that_moved)                                      \
    X(journals_of_one_instant_stand_as_they_came)                              \
    X(an_archived_event_is_told_whole)                                         \
    X(wrong_questions_are_told)                                                \
    X(quarantine_is_shown_and_replayed)                                        \
    X(a_replay_needs_an_id)                                                    \
    X(holes_are_exact)                                                         \
    X(alarms_and_counts_tell_what_happened)                                    \
    X(stores_show_their_lanes)                                                 \
    X(metrics_hold_nothing_personal)                                           \
    X(without_a_database_it_lives_but_is_not_ready)                            \
    X(ready_follows_the_broker)
CASES(ON_BOTH)

static int start(void **state) {
    *state = engines_start();
    return 0;
}

static int stop(void **state) {
    engines_stop(*state);
    return 0;
}

int main(void) {
#define ROW(name) cmocka_unit_test(test_##name),
    const struct CMUnitTest tests[] = {CASES(ROW)};

    return cmocka_run_group_tests(tests, start, stop);
}
