#include "sync/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char journal[] = "9f2c6a1be07d4455";
static const struct event_origin origin = {"milano-01", "milano-01-lane-3",
                                           "5d1e88c2"};

static const char documented[] =
    "{\"specversion\":\"1.0\",\"clock\":\"set\","
    "\"source\":\"/stores/milano-01/terminals/milano-01-lane-3\","
    "\"boot\":\"5d1e88c2\",\"journal\":\"9f2c6a1be07d4455\","
    "\"sequence\":\"00000000000000000042\","
    "\"id\":\"9f2c6a1be07d4455-00000000000000000042\","
    "\"time\":\"2026-11-21T10:00:00.123Z\","
    "\"visit\":\"0192f3c4-0000-7000-8000-000000000001\","
    "\"uptime\":\"8812345\",\"type\":\"tessera.payment_card.refused.v1\","
    "\"data\":{\"reader\":\"scanner\"}}";

static struct event refused_card(json_t *data) {
    return (struct event){
        .type = "payment_card.refused",
        .time = {1795255200123LL},
        .uptime = {8812345},
        .clock = EVENT_CLOCK_SET,
        .visit = "0192f3c4-0000-7000-8000-000000000001",
        .data = data,
    };
}

static void bytes_are_as_documented(void **state) {
    json_t *data = json_pack("{s:s}", "reader", "scanner");
    struct event event = refused_card(data);
    struct ts_buf out = {0};
    struct ts_err err;

    (void)state;
    assert_int_equal(event_encode(&out, &origin, journal, 42, &event, &err),
                     TS_OK);
    assert_string_equal(ts_buf_text(&out), documented);
    event.visit = NULL;
    ts_buf_clear(&out);
    assert_int_equal(event_encode(&out, &origin, journal, 42, &event, &err),
                     TS_OK);
    assert_null(strstr(ts_buf_text(&out), "visit"));
    ts_buf_fini(&out);
    json_decref(data);
}

static void what_is_written_is_read(void **state) {
    json_t *object = NULL;
    struct event_view view;
    struct ts_err err;

    (void)state;
    assert_int_equal(ts_json_parse(&object, ts_slice_text(documented), &err),
                     TS_OK);
    assert_int_equal(event_parse(&view, object, &err), TS_OK);
    assert_string_equal(view.store, "milano-01");
    assert_string_equal(view.terminal, "milano-01-lane-3");
    assert_string_equal(view.journal, journal);
    assert_string_equal(view.boot, "5d1e88c2");
    assert_int_equal(view.sequence, 42);
    assert_int_equal(view.time.unix_ms, 1795255200123LL);
    assert_int_equal(view.uptime.ms, 8812345);
    assert_int_equal(view.clock, EVENT_CLOCK_SET);
    assert_true(event_type_known(view.type));
    assert_true(ts_slice_equal(
        view.visit, ts_slice_text("0192f3c4-0000-7000-8000-000000000001")));
    assert_ptr_equal(view.data, json_object_get(object, "data"));
    json_decref(object);
}

static void what_cannot_be_an_event_is_not_written(void **state) {
    json_t *data = json_object();
    json_t *list = json_array();
    char *long_text = ts_alloc(EVENT_MAX_BYTES + 1);
    struct event event = refused_card(data);
    struct ts_buf out = {0};
    struct ts_err err;

    (void)state;
    memset(long_text, 'x', EVENT_MAX_BYTES);
    assert_int_equal(ts_buf_add_text(&out, "kept"), TS_OK);
    event.type = "card.swallowed";
    assert_int_equal(event_encode(&out, &origin, journal, 1, &event, &err),
                     TS_INVALID);
    event = refused_card(list);
    assert_int_equal(event_encode(&out, &origin, journal, 1, &event, &err),
                     TS_INVALID);
    event = refused_card(data);
    event.visit = "next Tuesday";
    assert_int_equal(event_encode(&out, &origin, journal, 1, &event, &err),
                     TS_INVALID);
    event = refused_card(data);
    (void)json_object_set_new(data, "text", json_pack("[s%]", "a\0b", 3));
    assert_int_equal(event_encode(&out, &origin, journal, 1, &event, &err),
                     TS_INVALID);
    (void)json_object_set_new(data, "text", json_string(long_text));
    assert_int_equal(event_encode(&out, &origin, journal, 1, &event, &err),
                     TS_FULL);
    assert_string_equal(ts_buf_text(&out), "kept");
    free(long_text);
    ts_buf_fini(&out);
    json_decref(list);
    json_decref(data);
}

static void the_limit_is_exact(void **state) {
    json_t *data = json_pack("{s:s}", "reader", "");
    struct event event = refused_card(data);
    struct ts_buf out = {0};
    char *text = ts_alloc(EVENT_MAX_BYTES + 1);
    size_t room;

    (void)state;
    assert_int_equal(event_encode(&out, &origin, journal, 1, &event, NULL),
                     TS_OK);
    room = EVENT_MAX_BYTES - out.len;
    memset(text, 'x', room);
    (void)json_object_set_new(data, "reader", json_stringn(text, room));
    ts_buf_clear(&out);
    assert_int_equal(event_encode(&out, &origin, journal, 1, &event, NULL),
                     TS_OK);
    assert_int_equal(out.len, EVENT_MAX_BYTES);
    memset(text, 'x', room + 1);
    (void)json_object_set_new(data, "reader", json_stringn(text, room + 1));
    assert_int_equal(event_encode(&out, &origin, journal, 1, &event, NULL),
                     TS_FULL);
    free(text);
    ts_buf_fini(&out);
    json_decref(data);
}

/* The documented event with one member set to JSON text, or taken away. */
static enum ts_status parse_with(const char *member, const char *value) {
    json_t *object = NULL;
    struct event_view view;
    struct ts_err err;
    enum ts_status status;

    assert_int_equal(ts_json_parse(&object, ts_slice_text(documented), &err),
                     TS_OK);
    if (value)
        (void)json_object_set_new(object, member,
                                  json_loads(value, JSON_DECODE_ANY, NULL));
    else
        (void)json_object_del(object, member);
    status = event_parse(&view, object, &err);
    json_decref(object);
    return status;
}

static void broken_attributes_are_refused(void **state) {
    static const char *const required[] = {
        "specversion", "source", "id",     "type",  "time", "journal",
        "sequence",    "boot",   "uptime", "clock", "data"};
    static const struct {
        const char *member, *value;
    } bad[] = {
        {"specversion", "\"0.3\""},
        {"specversion", "1.0"},
        {"source", "\"/stores/milano-01\""},
        {"source", "\"/stores//terminals/lane-1\""},
        {"source", "\"/stores/milano-01/terminals/\""},
        {"source", "\"/stores/milano-01/terminals/hub\""},
        {"source", "\"/stores/milano-01/terminals/a/b\""},
        {"source", "\"/stores/Milano/terminals/lane-1\""},
        {"id", "\"9f2c6a1be07d4455-00000000000000000043\""},
        {"id", "\"9f2c6a1be07d4455\""},
        {"journal", "\"9f2c6a1be07d4456\""},
        {"journal", "\"9F2C6A1BE07D4455\""},
        {"sequence", "42"},
        {"sequence", "\"42\""},
        {"sequence", "\"00000000000000000000\""},
        {"type", "\"tessera.card.presented\""},
        {"type", "\"tessera..v1\""},
        {"type", "\"tessera.v1\""},
        {"type", "\"tessera.card..presented.v1\""},
        {"type", "\"tessera.card.presented.v\""},
        {"type", "\"tessera.card.presented.v01\""},
        {"type", "\"tessera.Card.v1\""},
        {"type", "\"com.other.v1\""},
        {"time", "\"2026-11-21T10:00:00Z\""},
        {"time", "\"2026-11-21T10:00:00.123+01:00\""},
        {"time", "\"2026-13-21T10:00:00.123Z\""},
        {"time", "\"yesterday\""},
        {"boot", "\"5d1e88c\""},
        {"boot", "\"5d1e88cz\""},
        {"uptime", "8812345"},
        {"uptime", "\"\""},
        {"uptime", "\"-1\""},
        {"uptime", "\"007\""},
        {"uptime", "\"9007199254740992\""},
        {"uptime", "\"99999999999999999999\""},
        {"clock", "\"right\""},
        {"clock", "null"},
        {"visit", "\"\""},
        {"visit", "null"},
        {"visit", "\"0192F3C4-0000-7000-8000-000000000001\""},
        {"data", "[]"},
        {"data", "\"{}\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (parse_with(required[i], NULL) != TS_INVALID)
            fail_msg("taken without %s", required[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (parse_with(bad[i].member, bad[i].value) != TS_INVALID)
            fail_msg("taken: %s %s", bad[i].member, bad[i].value);
}

static void what_is_new_passes(void **state) {
    (void)state;
    assert_int_equal(parse_with("traceparent", "\"00-ab\""), TS_OK);
    assert_int_equal(parse_with("visit", NULL), TS_OK);
    assert_int_equal(parse_with("type", "\"tessera.door.opened.v1\""), TS_OK);
    assert_int_equal(parse_with("uptime", "\"0\""), TS_OK);
    assert_int_equal(parse_with("uptime", "\"9007199254740991\""), TS_OK);
    assert_int_equal(parse_with("time", "\"1970-01-01T00:00:09.000Z\""), TS_OK);
}

static void another_version_is_another_type(void **state) {
    json_t *object = NULL;
    struct event_view view;

    (void)state;
    assert_int_equal(ts_json_parse(&object, ts_slice_text(documented), NULL),
                     TS_OK);
    (void)json_object_set_new(object, "type",
                              json_string("tessera.card.presented.v2"));
    assert_int_equal(event_parse(&view, object, NULL), TS_OK);
    assert_false(event_type_known(view.type));
    (void)json_object_set_new(object, "type",
                              json_string("tessera.card.presented.v11"));
    assert_int_equal(event_parse(&view, object, NULL), TS_OK);
    assert_false(event_type_known(view.type));
    json_decref(object);
}

static void only_objects_are_events(void **state) {
    struct event_view view;
    struct ts_err err;
    json_t *list = json_array();

    (void)state;
    assert_int_equal(event_parse(&view, list, &err), TS_INVALID);
    assert_int_equal(event_parse(&view, NULL, &err), TS_INVALID);
    json_decref(list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_as_documented),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(what_cannot_be_an_event_is_not_written),
        cmocka_unit_test(the_limit_is_exact),
        cmocka_unit_test(broken_attributes_are_refused),
        cmocka_unit_test(what_is_new_passes),
        cmocka_unit_test(another_version_is_another_type),
        cmocka_unit_test(only_objects_are_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
