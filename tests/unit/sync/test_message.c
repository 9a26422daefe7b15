#include "sync/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define J     "\"9f2c6a1be07d4455\""
#define N0    "\"00000000000000000000\""
#define N1    "\"00000000000000000001\""
#define N42   "\"00000000000000000042\""
#define TOKEN "\"c1.uKCh5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqY\""
#define T     "\"2026-11-21T10:00:00.123Z\""

static const struct ts_wall noon = {1795255200123LL};

static json_t *json_of(const char *text) {
    json_t *json = NULL;
    struct ts_err err;

    if (ts_json_parse(&json, ts_slice_text(text), &err) != TS_OK)
        fail_msg("%s: %s", text, err.text);
    return json;
}

union payload {
    struct message_ack ack;
    struct message_resume resume;
    struct message_state state;
    struct message_pull pull;
    struct message_desk desk;
    struct message_desk_record record;
    struct message_bell bell;
    struct message_hub hub;
};

enum kind { ACK, RESUME, STATE, PULL, DESK, RECORD, BELL, HUB };

static enum ts_status decode(enum kind kind, union payload *out,
                             const json_t *json, struct ts_err *err) {
    switch (kind) {
    case ACK:
        return message_ack_decode(&out->ack, json, err);
    case RESUME:
        return message_resume_decode(&out->resume, json, err);
    case STATE:
        return message_state_decode(&out->state, json, err);
    case PULL:
        return message_pull_decode(&out->pull, json, err);
    case DESK:
        return message_desk_decode(&out->desk, json, err);
    case RECORD:
        return message_desk_record_decode(&out->record, json, err);
    case BELL:
        return message_bell_decode(&out->bell, json, err);
    case HUB:
        return message_hub_decode(&out->hub, json, err);
    }
    return TS_INVALID;
}

static void good_payloads_pass(void **state) {
    static const struct {
        enum kind kind;
        const char *text;
    } good[] = {
        {ACK, "{\"journal\":" J ",\"through\":" N0
              ",\"window\":1,\"hubtime\":" T "}"},
        {ACK, "{\"journal\":" J ",\"through\":" N42 ",\"window\":64,"
              "\"hubtime\":" T ",\"refused\":\"busy\",\"later\":[]}"},
        {RESUME, "{\"journal\":" J ",\"oldest\":" N1 ",\"newest\":" N1 "}"},
        {STATE, "{\"online\":true,\"boot\":\"00000000\",\"session\":0,"
                "\"version\":\"1\",\"store\":\"a\",\"journal\":" J
                ",\"unsent\":9007199254740991}"},
        {PULL, "{\"log\":\"\",\"after\":0,\"limit\":1000}"},
        {PULL, "{\"log\":" J ",\"after\":0,\"limit\":1,\"want\":[" TOKEN "]}"},
        {DESK, "{\"log\":" J ",\"more\":false,\"records\":[]}"},
        {DESK, "{\"log\":" J ",\"from\":3,\"to\":3,\"more\":true,"
               "\"records\":[]}"},
        {RECORD, "{\"position\":0,\"kind\":\"profile\",\"key\":\"k\","
                 "\"value\":null}"},
        {BELL, "{\"log\":" J ",\"through\":0}"},
        {HUB, "{\"online\":false,\"epoch\":0,\"dicts\":[],\"window\":1}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        json_t *json = json_of(good[i].text);
        union payload out;
        struct ts_err err = {TS_OK, ""};
        if (decode(good[i].kind, &out, json, &err) != TS_OK)
            fail_msg("%s: %s", good[i].text, err.text);
        json_decref(json);
    }
}

static const struct {
    enum kind kind;
    const char *text, *named;
} bad[] = {
    {ACK, "{}", "journal"},
    {ACK, "[]", "object"},
    {ACK, "{\"journal\":" J ",\"through\":42}", "through"},
    {ACK, "{\"journal\":" J ",\"through\":\"00009007199254740992\"}",
     "through"},
    {ACK, "{\"journal\":" J ",\"through\":" N1 ",\"window\":65}", "window"},
    {ACK, "{\"journal\":" J ",\"through\":" N1 ",\"window\":0}", "window"},
    {ACK, "{\"journal\":" J ",\"through\":" N1 ",\"window\":1}", "hubtime"},
    {ACK,
     "{\"journal\":" J ",\"through\":" N1 ",\"window\":1,\"hubtime\":" T
     ",\"refused\":null}",
     "refused"},
    {RESUME, "{\"journal\":" J ",\"oldest\":" N0 ",\"newest\":" N1 "}",
     "oldest"},
    {RESUME, "{\"journal\":" J ",\"oldest\":" N42 ",\"newest\":" N1 "}",
     "newest"},
    {STATE, "{\"online\":1}", "online"},
    {STATE, "{\"online\":true,\"boot\":\"5D1E88C2\"}", "boot"},
    {STATE, "{\"online\":true,\"boot\":\"5d1e88c\\u0001\"}", "boot"},
    {STATE, "{\"online\":true,\"boot\":\"5d1e88c2\",\"session\":-1}",
     "session"},
    {STATE,
     "{\"online\":true,\"boot\":\"5d1e88c2\",\"session\":1,"
     "\"version\":\"12345678901234567890123456789012\"}",
     "version"},
    {STATE,
     "{\"online\":true,\"boot\":\"5d1e88c2\",\"session\":1,"
     "\"version\":\"1\",\"store\":\"hub\"}",
     "store"},
    {PULL, "{\"after\":0,\"limit\":1}", "log"},
    {PULL, "{\"log\":\"x\",\"after\":0,\"limit\":1}", "log"},
    {PULL, "{\"log\":\"\",\"after\":0,\"limit\":1001}", "limit"},
    {PULL, "{\"log\":\"\",\"after\":0,\"limit\":1,\"want\":[]}", "want"},
    {PULL,
     "{\"log\":\"\",\"after\":0,\"limit\":1,"
     "\"want\":[\"2501008336538\"]}",
     "want"},
    {PULL, "{\"log\":\"\",\"after\":0,\"limit\":1,\"want\":[" TOKEN ",7]}",
     "want"},
    {DESK, "{\"log\":" J ",\"from\":1,\"more\":true,\"records\":[]}", "to"},
    {DESK, "{\"log\":" J ",\"to\":1,\"more\":true,\"records\":[]}", "from"},
    {DESK,
     "{\"log\":" J ",\"from\":2,\"to\":1,\"more\":true,"
     "\"records\":[]}",
     "to"},
    {DESK, "{\"log\":" J ",\"more\":true,\"records\":{}}", "records"},
    {RECORD, "{\"kind\":\"offer\",\"key\":\"k\",\"value\":1}", "position"},
    {RECORD, "{\"position\":1,\"kind\":\"\",\"key\":\"k\",\"value\":1}",
     "kind"},
    {RECORD,
     "{\"position\":1,\"kind\":\"offer\",\"key\":\"\","
     "\"value\":1}",
     "key"},
    {RECORD, "{\"position\":1,\"kind\":\"offer\",\"key\":\"k\"}", "value"},
    {RECORD,
     "{\"position\":1,\"kind\":\"offer\",\"key\":\"k\","
     "\"value\":1,\"expires\":null}",
     "expires"},
    {BELL, "{\"log\":" J ",\"through\":\"1\"}", "through"},
    {HUB, "{\"online\":true,\"epoch\":1,\"dicts\":[0],\"window\":1}", "dicts"},
    {HUB,
     "{\"online\":true,\"epoch\":1,\"dicts\":[4294967296],"
     "\"window\":1}",
     "dicts"},
    {HUB,
     "{\"online\":true,\"epoch\":1,"
     "\"dicts\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17],"
     "\"window\":1}",
     "dicts"},
};

static void bad_payloads_are_refused_by_name(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *json = json_of(bad[i].text);
        union payload out;
        union payload before;
        struct ts_err err = {TS_OK, ""};
        memset(&out, 0x5a, sizeof out);
        memset(&before, 0x5a, sizeof before);
        if (decode(bad[i].kind, &out, json, &err) != TS_INVALID)
            fail_msg("taken: %s", bad[i].text);
        if (!strstr(err.text, bad[i].named))
            fail_msg("%s: says %s", bad[i].text, err.text);
        assert_memory_equal(&out, &before, sizeof out);
        json_decref(json);
    }
}

static void nothing_is_refused(void **state) {
    (void)state;
    for (unsigned kind = ACK; kind <= HUB; kind++) {
        union payload out;
        struct ts_err err;
        assert_int_equal(decode((enum kind)kind, &out, NULL, &err), TS_INVALID);
    }
}

static void an_ack_comes_back(void **state) {
    struct message_ack sent = {"9f2c6a1be07d4455", 42, 8, noon,
                               BATCH_REFUSED_DICTIONARY};
    struct message_ack got;
    struct ts_buf out = {0};
    json_t *json;

    (void)state;
    message_ack_encode(&out, &sent);
    assert_string_equal(ts_buf_text(&out), "{\"journal\":" J ",\"through\":" N42
                                           ",\"window\":8,\"hubtime\":" T
                                           ",\"refused\":\"dictionary\"}");
    json = json_of(ts_buf_text(&out));
    assert_int_equal(message_ack_decode(&got, json, NULL), TS_OK);
    assert_string_equal(got.journal, sent.journal);
    assert_int_equal(got.through, 42);
    assert_int_equal(got.window, 8);
    assert_int_equal(got.hubtime.unix_ms, noon.unix_ms);
    assert_int_equal(got.refused, BATCH_REFUSED_DICTIONARY);
    json_decref(json);
    ts_buf_clear(&out);
    sent.refused = BATCH_TAKEN;
    message_ack_encode(&out, &sent);
    assert_null(strstr(ts_buf_text(&out), "refused"));
    ts_buf_fini(&out);
}

static void a_word_of_tomorrow_is_format(void **state) {
    json_t *json =
        json_of("{\"journal\":" J ",\"through\":" N1
                ",\"window\":1,\"hubtime\":" T ",\"refused\":\"moon\"}");
    struct message_ack ack;

    (void)state;
    assert_int_equal(message_ack_decode(&ack, json, NULL), TS_OK);
    assert_int_equal(ack.refused, BATCH_REFUSED_FORMAT);
    json_decref(json);
}

static void a_state_comes_back(void **state) {
    struct message_state sent = {.online = true,
                                 .boot = "5d1e88c2",
                                 .session = 17,
                                 .version = "0.1.0",
                                 .store = "milano-01",
                                 .journal = "9f2c6a1be07d4455",
                                 .unsent = 3,
                                 .has_oldest = true,
                                 .oldest_unsent = noon};
    struct message_state got;
    struct ts_buf out = {0};
    json_t *json;

    (void)state;
    message_state_encode(&out, &sent);
    json = json_of(ts_buf_text(&out));
    assert_int_equal(message_state_decode(&got, json, NULL), TS_OK);
    assert_true(got.online && got.has_oldest);
    assert_string_equal(got.boot, sent.boot);
    assert_string_equal(got.version, sent.version);
    assert_string_equal(got.store, sent.store);
    assert_string_equal(got.journal, sent.journal);
    assert_int_equal(got.session, 17);
    assert_int_equal(got.unsent, 3);
    assert_int_equal(got.oldest_unsent.unix_ms, noon.unix_ms);
    json_decref(json);
    ts_buf_fini(&out);
}

static void a_desk_comes_back(void **state) {
    static const char key[] = "k\xc3\xbc";
    json_t *value = json_pack("{s:i}", "points", 120);
    struct message_desk_record record = {7,     DESK_OFFER, ts_slice_of(key, 3),
                                         value, true,       noon};
    json_t *records = json_pack("[o]", message_desk_record_json(&record));
    struct message_desk desk = {"9f2c6a1be07d4455", true, 6, 7, false, records};
    struct message_desk got;
    struct message_desk_record read;
    struct ts_buf out = {0};
    json_t *json;

    (void)state;
    message_desk_encode(&out, &desk);
    json = json_of(ts_buf_text(&out));
    assert_int_equal(message_desk_decode(&got, json, NULL), TS_OK);
    assert_true(got.has_range && !got.more);
    assert_int_equal(got.from, 6);
    assert_int_equal(got.to, 7);
    assert_int_equal(json_array_size(got.records), 1);
    assert_int_equal(
        message_desk_record_decode(&read, json_array_get(got.records, 0), NULL),
        TS_OK);
    assert_int_equal(read.position, 7);
    assert_int_equal(read.kind, DESK_OFFER);
    assert_true(ts_slice_equal(read.key, ts_slice_of(key, 3)));
    assert_true(json_equal((json_t *)(uintptr_t)read.value, value));
    assert_true(read.has_expires);
    assert_int_equal(read.expires.unix_ms, noon.unix_ms);
    json_decref(json);
    json_decref(records);
    json_decref(value);
    ts_buf_fini(&out);
}

static void a_hub_comes_back(void **state) {
    struct message_hub sent = {.online = true,
                               .epoch = 5,
                               .dicts = {32770, 32769},
                               .dict_count = 2,
                               .window = 16};
    struct message_hub got;
    struct ts_buf out = {0};
    json_t *json;

    (void)state;
    message_hub_encode(&out, &sent);
    assert_string_equal(ts_buf_text(&out),
                        "{\"online\":true,\"epoch\":5,\"dicts\":[32770,32769],"
                        "\"window\":16}");
    json = json_of(ts_buf_text(&out));
    assert_int_equal(message_hub_decode(&got, json, NULL), TS_OK);
    assert_int_equal(got.dict_count, 2);
    assert_int_equal(got.dicts[1], 32769);
    assert_int_equal(got.window, 16);
    json_decref(json);
    ts_buf_fini(&out);
}

/* One resume a journal held at each connect: it has to stay small. */
static void a_resume_is_small(void **state) {
    struct message_resume resume = {"9f2c6a1be07d4455", 1, 42};
    struct ts_buf out = {0};

    (void)state;
    message_resume_encode(&out, &resume);
    assert_string_equal(ts_buf_text(&out), "{\"journal\":" J ",\"oldest\":" N1
                                           ",\"newest\":" N42 "}");
    assert_true(out.len < 100);
    ts_buf_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_payloads_pass),
        cmocka_unit_test(bad_payloads_are_refused_by_name),
        cmocka_unit_test(nothing_is_refused),
        cmocka_unit_test(an_ack_comes_back),
        cmocka_unit_test(a_word_of_tomorrow_is_format),
        cmocka_unit_test(a_state_comes_back),
        cmocka_unit_test(a_desk_comes_back),
        cmocka_unit_test(a_hub_comes_back),
        cmocka_unit_test(a_resume_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
