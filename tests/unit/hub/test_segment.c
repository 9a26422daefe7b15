#include "base/log.h"
#include "hub/segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const int64_t received_ms = INT64_C(1795255200000);
static const char *const traits[] = {"loyalty_card", "card_number"};

static struct ts_keys *test_keys(void) {
    uint8_t key[TS_KEY_BYTES];

    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    return ts_keys_new(1, key);
}

static json_t *parse(const char *text) {
    struct ts_err err;
    json_t *json;

    if (ts_json_parse(&json, ts_slice_text(text), &err) != TS_OK)
        fail_msg("%s in %s", err.text, text);
    return json;
}

static struct segment_frame frame_at(const char *sent) {
    struct segment_frame frame = {
        .source = "shop", .channel = "web", .received = {received_ms}};

    if (sent) {
        frame.has_sent = true;
        assert_int_equal(ts_wall_parse(&frame.sent, ts_slice_text(sent)),
                         TS_OK);
    }
    return frame;
}

/* What each kind of client sends; times are around 2026-11-21T10:00:00Z. */
struct body {
    const char *what, *item, *type, *sent;
    const char *key;  /* NULL: any */
    const char *time; /* NULL: refused */
    const char *says; /* part of the refusal, or of the body */
};

static const struct body bodies[] = {
    {"a server library keeps its time",
     "{\"type\":\"track\",\"userId\":\"u1\",\"event\":\"Order Completed\","
     "\"messageId\":\"node-next-1-a\",\"timestamp\":\"2026-11-21T09:00:00Z\","
     "\"context\":{\"library\":{\"name\":\"@segment/analytics-node\"}},"
     "\"_metadata\":{\"nodeVersion\":\"20\"}}",
     NULL, "2026-11-21T09:30:00Z", "shop/node-next-1-a",
     "2026-11-21T09:00:00.000Z", "Order Completed"},
    {"a browser with a clock an hour fast",
     "{\"type\":\"page\",\"userId\":null,\"anonymousId\":\"a\",\"messageId\":"
     "\"ajs-next-1\",\"timestamp\":\"2026-11-21T10:59:58.500Z\",\"context\":{"
     "\"library\":{\"name\":\"npm:next\"},\"x\":1},\"channel\":\"web\"}",
     NULL, "2026-11-21T11:00:00Z", "shop/ajs-next-1",
     "2026-11-21T09:59:58.500Z", "anonymousId"},
    {"a browser SDK known by its library",
     "{\"anonymousId\":\"a\",\"messageId\":\"m\",\"timestamp\":"
     "\"2026-11-20T10:00:00Z\",\"sentAt\":\"2026-11-20T10:00:05Z\","
     "\"context\":{\"library\":{\"name\":\"analytics.js\"}}}",
     "page", NULL, "shop/m", "2026-11-21T09:59:55.000Z", "\"type\":\"page\""},
    {"a server library that repeats an old sentAt",
     "{\"type\":\"track\",\"event\":\"x\",\"userId\":\"u\",\"messageId\":"
     "\"r\",\"channel\":\"server\",\"originalTimestamp\":"
     "\"2026-11-21T09:59:00Z\",\"sentAt\":\"2026-11-21T09:59:01Z\"}",
     NULL, "2026-11-21T09:59:01Z", "shop/r", "2026-11-21T09:59:00.000Z",
     "originalTimestamp"},
    {"never later than received",
     "{\"type\":\"screen\",\"userId\":\"u\",\"messageId\":\"s\","
     "\"timestamp\":\"2027-01-01T00:00:00+01:00\"}",
     NULL, NULL, "shop/s", "2026-11-21T10:00:00.000Z", "2027-01-01"},
    {"without a time of its own",
     "{\"type\":\"screen\",\"userId\":\"u\",\"messageId\":\"s2\"}", NULL, NULL,
     "shop/s2", "2026-11-21T10:00:00.000Z", "screen"},
    {"a number for a user id",
     "{\"type\":\"group\",\"userId\":820982911946154508,\"groupId\":7,"
     "\"messageId\":\"g\"}",
     NULL, NULL, "shop/g", "2026-11-21T10:00:00.000Z",
     "\"userId\":\"820982911946154508\""},
    {"no message id",
     "{\"type\":\"identify\",\"userId\":\"u\",\"timestamp\":"
     "\"2026-11-21T09:00:00Z\"}",
     NULL, NULL, NULL, "2026-11-21T09:00:00.000Z", "made-"},
    {"nobody", "{\"type\":\"page\",\"userId\":null}", NULL, NULL, NULL, NULL,
     "neither userId nor anonymousId"},
    {"a track call without its event", "{\"type\":\"track\",\"userId\":\"u\"}",
     NULL, NULL, NULL, NULL, "\"event\""},
    {"an alias without the former id", "{\"userId\":\"u\"}", "alias", NULL,
     NULL, NULL, "previousId"},
    {"a call that does not exist", "{\"type\":\"trackk\",\"userId\":\"u\"}",
     NULL, NULL, NULL, NULL, "\"type\" must be"},
    {"not an object", "[1]", NULL, NULL, NULL, NULL, "JSON object"},
};

static void reads_what_clients_send(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        const struct body *body = &bodies[i];
        struct segment_frame frame = frame_at(body->sent);
        struct segment_event event;
        struct ts_err err = {0};
        char time[TS_TIME_TEXT];
        json_t *item = parse(body->item);
        enum ts_status status =
            segment_read(&event, item, body->type, &frame, &err);

        json_decref(item);
        if (!body->time) {
            if (status != TS_INVALID || !strstr(err.text, body->says))
                fail_msg("%s: %s", body->what, err.text);
            continue;
        }
        if (status != TS_OK)
            fail_msg("%s: %s", body->what, err.text);
        ts_wall_text(time, event.archive.time);
        if (strcmp(time, body->time) != 0 ||
            !strstr(ts_buf_text(&event.body), body->says) ||
            (body->key && strcmp(ts_buf_text(&event.key), body->key) != 0))
            fail_msg("%s: %s %s", body->what, time, ts_buf_text(&event.body));
        segment_event_fini(&event);
    }
}

static char *read_once(const char *text, const char *sent, int64_t at_ms,
                       char **key) {
    struct segment_frame frame = frame_at(sent);
    struct segment_event event;
    struct ts_err err;
    json_t *item = parse(text);
    char *body;

    frame.received.unix_ms = at_ms;
    if (segment_read(&event, item, NULL, &frame, &err) != TS_OK)
        fail_msg("%s", err.text);
    body = ts_strdup(ts_buf_text(&event.body));
    *key = ts_strdup(ts_buf_text(&event.key));
    segment_event_fini(&event);
    json_decref(item);
    return body;
}

/* A retry carries a new sentAt and retry data; it must meet the first. */
static void a_retry_is_the_same_event(void **state) {
    char *key[3], *body[3];

    (void)state;
    body[0] = read_once("{\"type\":\"track\",\"event\":\"x\",\"userId\":\"u\"}",
                        "2026-11-21T10:00:00Z", received_ms, &key[0]);
    body[1] = read_once(
        "{\"userId\":\"u\",\"event\":\"x\",\"type\":\"track\","
        "\"sentAt\":\"2026-11-21T10:00:07Z\",\"_metadata\":{\"r\":1}}",
        NULL, received_ms + 7000, &key[1]);
    body[2] = read_once("{\"type\":\"track\",\"event\":\"x\",\"userId\":\"u\"}",
                        NULL, received_ms + INT64_C(48) * 3600000, &key[2]);
    assert_string_equal(key[0], key[1]);
    assert_string_equal(body[0], body[1]);
    assert_string_not_equal(key[0], key[2]);
    for (int i = 0; i < 3; i++) {
        free(key[i]);
        free(body[i]);
    }
}

/* The token of docs/protocol.md, "Privacy". */
static const char token[] = "c1.uKCh5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqY";

static void loyalty_numbers_become_tokens(void **state) {
    static const char *const items[] = {
        "{\"traits\":{\"loyalty_card\":\"2501008336538\"}}",
        "{\"traits\":{\"Card_Number\":2501008336538}}",
        "{\"context\":{\"traits\":{\"loyalty_card\":\"2501 0083 36538\"}}}",
        "{\"context\":{\"externalIds\":[{\"type\":\"card\",\"id\":"
        "\"2501008336538\",\"collection\":\"users\",\"encoding\":\"none\"}],"
        "\"page\":{\"url\":\"https://shop.example/?card=2501008336538#x\"}},"
        "\"userId\":2501008336538,\"properties\":{\"2501008336538\":[1,"
        "\"2501008336538\"]}}",
    };
    struct ts_keys *keys = test_keys();
    struct segment_cards cards = {keys, "main", traits, 2};

    (void)state;
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        json_t *item = parse(items[i]);
        char *text;
        assert_int_equal(segment_clean(item, &cards), 0);
        text = json_dumps(item, 0);
        assert_non_null(strstr(text, token));
        assert_null(strstr(text, "2501008336538"));
        assert_null(strstr(text, "2501 0083"));
        free(text);
        json_decref(item);
    }
    ts_keys_free(keys);
}

static void payment_cards_are_wiped(void **state) {
    struct ts_keys *keys = test_keys();
    struct segment_cards cards = {keys, "main", traits, 2};
    json_t *item = parse("{\"traits\":{\"loyalty_card\":\"4111111111111111\"},"
                         "\"properties\":{\"note\":\"paid 5555 5555 5555 4444\""
                         ",\"payment\":{\"type\":\"card\",\"id\":\"pm_1\"}}}");
    char *text;

    (void)state;
    assert_int_equal(segment_clean(item, &cards), 2);
    text = json_dumps(item, JSON_COMPACT);
    assert_null(strstr(text, "4111"));
    assert_null(strstr(text, "5555"));
    assert_non_null(strstr(text, "\"loyalty_card\":null"));
    assert_non_null(strstr(text, "pm_1"));
    free(text);
    json_decref(item);
    ts_keys_free(keys);
}

/* Wiping them would make one event of many. */
static void ids_that_look_like_cards_stay_apart(void **state) {
    struct ts_keys *keys = test_keys();
    struct segment_cards cards = {keys, "main", traits, 2};
    json_t *body = parse("{\"batch\":[{\"messageId\":\"4111111111111111\"},{"
                         "\"messageId\":\"5555555555554444\"}]}");
    const json_t *batch = json_object_get(body, "batch");
    struct ts_slice a, b;

    (void)state;
    assert_int_equal(segment_clean(body, &cards), 0);
    a = ts_json_text(json_array_get(batch, 0), "messageId");
    b = ts_json_text(json_array_get(batch, 1), "messageId");
    assert_true(a.len > 20 && a.data[0] == 'u');
    assert_false(ts_slice_equal(a, b));
    json_decref(body);
    ts_keys_free(keys);
}

static void the_batch_lends_its_context(void **state) {
    json_t *outer =
        parse("{\"context\":{\"ip\":\"192.0.2.1\",\"app\":{\"name\":"
              "\"a\",\"build\":1}},\"integrations\":{\"All\":true}}");
    json_t *item = parse("{\"context\":{\"app\":{\"name\":\"own\"}}}");
    const json_t *app;

    (void)state;
    segment_merge_outer(item, outer);
    app = json_object_get(json_object_get(item, "context"), "app");
    assert_string_equal(json_string_value(json_object_get(app, "name")), "own");
    assert_int_equal(json_integer_value(json_object_get(app, "build")), 1);
    assert_true(json_is_true(
        json_object_get(json_object_get(item, "integrations"), "All")));
    json_decref(outer);
    json_decref(item);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_clients_send),
        cmocka_unit_test(a_retry_is_the_same_event),
        cmocka_unit_test(loyalty_numbers_become_tokens),
        cmocka_unit_test(payment_cards_are_wiped),
        cmocka_unit_test(ids_that_look_like_cards_stay_apart),
        cmocka_unit_test(the_batch_lends_its_context),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
