#include "lane_fixture.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What a scan becomes: items with what their code tells, coupons, cards with
 * offers, and a scan that a device sends again. */

static void take(struct fixture *f, const char *reader,
                 const struct code *code) {
    lane_take_scan(f->lane,
                   &(struct lane_scan){reader, code, ts_slice_text("made up"),
                                       fixture_on_answer, f});
    recorder_flush(f->recorder);
}

enum { WITHIN_MS = 60000 };

static bool again(struct fixture *f, const char *reader,
                  const struct code *code) {
    bool known = lane_take_again(f->lane,
                                 &(struct lane_scan){reader, code,
                                                     ts_slice_text("made up"),
                                                     fixture_on_answer, f},
                                 WITHIN_MS);

    recorder_flush(f->recorder);
    return known;
}

static size_t events(struct fixture *f, const char *type) {
    struct listing listing = fixture_list(f);
    const char *at = ts_buf_text(&listing.types);
    size_t count = 0;

    for (; (at = strstr(at, type)); at++)
        count++;
    listing_fini(&listing);
    return count;
}

/* The data of the last event of a type, a new reference. */
struct last {
    const char *type;
    json_t *data;
};

static bool find_last(void *arg, const char *journal, uint64_t sequence,
                      struct ts_slice payload) {
    struct last *last = arg;
    struct event_view view;
    json_t *json;

    (void)journal;
    (void)sequence;
    assert_int_equal(ts_json_parse(&json, payload, NULL), TS_OK);
    assert_int_equal(event_parse(&view, json, NULL), TS_OK);
    if (ts_slice_equal(view.type, ts_slice_text(last->type))) {
        json_decref(last->data);
        last->data = json_deep_copy(view.data);
    }
    json_decref(json);
    return true;
}

static void expect_last(struct fixture *f, const char *type, const char *json) {
    struct last last = {type, NULL};
    json_t *expected;
    struct ts_err err;

    recorder_flush(f->recorder);
    assert_int_equal(journal_walk(f->journal, "", 0, find_last, &last, &err),
                     TS_OK);
    assert_int_equal(ts_json_parse(&expected, ts_slice_text(json), &err),
                     TS_OK);
    assert_non_null(last.data);
    if (!json_equal(last.data, expected))
        fail_msg("%s", json_dumps(last.data, 0));
    json_decref(last.data);
    json_decref(expected);
}

static struct code item(const char *gtin) {
    struct code code = {.kind = CODE_ITEM, .symbology = SYMBOLOGY_EAN_13};

    (void)snprintf(code.gtin, sizeof code.gtin, "%s", gtin);
    return code;
}

static struct code card(const char *number) {
    return (struct code){.kind = CODE_CARD,
                         .symbology = SYMBOLOGY_EAN_13,
                         .programme = "main",
                         .number = ts_slice_text(number)};
}

static struct code coupon(const char *text) {
    struct code code = {.kind = CODE_COUPON,
                        .symbology = SYMBOLOGY_GS1_DATABAR};

    (void)snprintf(code.coupon, sizeof code.coupon, "%s", text);
    return code;
}

static void test_item_keeps_what_its_code_tells(void **state) {
    struct fixture *f = *state;
    struct code code = item("02001230000009");
    json_t *visit;
    json_t *shown;

    code.has_weight = code.has_price = code.has_quantity = true;
    memcpy(code.add_on, "12", 3);
    code.weight_g = 1250;
    code.price_minor = 499;
    code.quantity = 2;
    (void)snprintf(code.lot, sizeof code.lot, "L-7");
    (void)snprintf(code.expiry, sizeof code.expiry, "2026-12-31");
    take(f, "scanner", &code);
    expect_last(f, "item.scanned",
                "{\"reader\":\"scanner\",\"symbology\":\"EAN-13\","
                "\"quantity\":2,\"gtin\":\"02001230000009\","
                "\"weight_g\":1250,\"price_minor\":499,\"currency\":\"EUR\","
                "\"add_on\":\"12\","
                "\"lot\":\"L-7\",\"expiry\":\"2026-12-31\"}");
    fixture_restart(f);
    visit = fixture_visit(f);
    shown = json_array_get(json_object_get(visit, "items"), 0);
    assert_int_equal(json_integer_value(json_object_get(shown, "weight_g")),
                     1250);
    assert_int_equal(json_integer_value(json_object_get(shown, "price_minor")),
                     499);
    assert_string_equal(json_string_value(json_object_get(shown, "currency")),
                        "EUR");
    assert_string_equal(json_string_value(json_object_get(shown, "lot")),
                        "L-7");
    assert_string_equal(json_string_value(json_object_get(shown, "expiry")),
                        "2026-12-31");
    json_decref(visit);
}

static void test_item_tells_nothing_that_it_does_not_know(void **state) {
    struct fixture *f = *state;
    struct code code = item("08001230000015");
    json_t *visit;

    take(f, "scanner", &code);
    expect_last(f, "item.scanned",
                "{\"reader\":\"scanner\",\"symbology\":\"EAN-13\","
                "\"quantity\":1,\"gtin\":\"08001230000015\"}");
    visit = fixture_visit(f);
    assert_null(json_object_get(
        json_array_get(json_object_get(visit, "items"), 0), "weight_g"));
    json_decref(visit);
    /* The code's own currency counts more than the shop's. */
    code.has_price = true;
    code.price_minor = 120;
    memcpy(code.currency, "CHF", 4);
    take(f, "scanner", &code);
    expect_last(f, "item.scanned",
                "{\"reader\":\"scanner\",\"symbology\":\"EAN-13\","
                "\"quantity\":1,\"gtin\":\"08001230000015\","
                "\"price_minor\":120,\"currency\":\"CHF\"}");
}

static void test_coupon_is_an_event_of_the_visit(void **state) {
    struct fixture *f = *state;
    struct code code = coupon("8110-0614141-012345");
    json_t *visit;
    json_t *coupons;

    take(f, "scanner", &code);
    expect_last(f, "coupon.presented",
                "{\"reader\":\"scanner\",\"symbology\":\"GS1 DataBar\","
                "\"coupon\":\"8110-0614141-012345\"}");
    fixture_expect_notice(f, "coupon");
    assert_int_equal(f->outcome, OUTCOME_RECORDED);
    fixture_restart(f);
    visit = fixture_visit(f);
    coupons = json_object_get(visit, "coupons");
    assert_int_equal(json_array_size(coupons), 1);
    assert_string_equal(json_string_value(json_array_get(coupons, 0)),
                        "8110-0614141-012345");
    assert_int_equal(json_integer_value(json_object_get(visit, "count")), 0);
    json_decref(visit);
}

static void test_offer_is_told(void **state) {
    struct fixture *f = *state;
    struct code code = card(CARD_A);
    json_t *visit;

    (void)json_object_set_new(
        f->offers, TOKEN_A,
        json_pack("[{s:s,s:s}]", "offer", "coffee", "title", "Un caffè"));
    take(f, "scanner", &code);
    assert_int_equal(f->outcome, OUTCOME_OFFER);
    fixture_expect_notice(f, "offer");
    visit = fixture_visit(f);
    assert_string_equal(
        json_string_value(json_object_get(
            json_array_get(
                json_object_get(json_object_get(visit, "card"), "offers"), 0),
            "title")),
        "Un caffè");
    json_decref(visit);
    code = card(CARD_B);
    take(f, "scanner", &code);
    assert_int_equal(f->outcome, OUTCOME_RECORDED);
    /* A kiosk greets each card; the tone tells of the offer. */
    fixture_be_kiosk(f);
    code = card(CARD_A);
    take(f, "scanner", &code);
    assert_int_equal(f->outcome, OUTCOME_OFFER);
    fixture_expect_notice(f, "checkin");
}

static void test_sent_again_is_one_scan(void **state) {
    struct fixture *f = *state;
    struct code first = item("08001230000015");
    struct code second = item("08001230000022");
    unsigned answers;

    assert_false(again(f, "scanner", &first));
    take(f, "scanner", &first);
    answers = f->answers;
    assert_true(again(f, "scanner", &first));
    assert_int_equal(f->answers, answers + 1);
    assert_int_equal(f->taken, f->answers);
    assert_int_equal(f->outcome, OUTCOME_RECORDED);
    assert_int_equal(events(f, "item.scanned"), 1);
    /* Only the last one, of the same reader, and all of it. */
    take(f, "scanner", &second);
    assert_false(again(f, "scanner", &first));
    assert_false(again(f, "other", &second));
    second.has_weight = true;
    second.weight_g = 100;
    assert_false(again(f, "scanner", &second));
}

static struct code code_of(enum code_kind kind) {
    switch (kind) {
    case CODE_ITEM:
        return item("08001230000015");
    case CODE_CARD:
        return card(CARD_A);
    case CODE_COUPON:
        return coupon("C-1");
    default:
        return (struct code){.kind = kind, .symbology = SYMBOLOGY_QR};
    }
}

static void test_every_kind_is_known_again(void **state) {
    struct fixture *f = *state;
    static const enum scan_outcome outcomes[] = {
        [CODE_ITEM] = OUTCOME_RECORDED,        [CODE_CARD] = OUTCOME_MEMBER,
        [CODE_COUPON] = OUTCOME_RECORDED,      [CODE_UNKNOWN] = OUTCOME_UNKNOWN,
        [CODE_PAYMENT_CARD] = OUTCOME_REFUSED,
    };

    (void)json_object_set_new(f->members, TOKEN_A, json_object());
    for (int kind = 0; kind < CODE_REJECTED; kind++) {
        struct code code = code_of((enum code_kind)kind);
        size_t before;

        take(f, "scanner", &code);
        fixture_restart(f);
        before = events(f, "\n");
        f->outcome = OUTCOMES;
        assert_true(again(f, "scanner", &code));
        assert_int_equal(f->outcome, outcomes[kind]);
        assert_int_equal(events(f, "\n"), before);
    }
}

static void test_readers_are_remembered_apart(void **state) {
    struct fixture *f = *state;
    struct code code = item("08001230000015");
    struct code other = item("08001230000022");

    /* The same code at two readers at once: two people, two pieces. */
    take(f, "left", &code);
    take(f, "right", &code);
    assert_int_equal(events(f, "item.scanned"), 2);
    take(f, "right", &other);
    fixture_restart(f);
    assert_true(again(f, "left", &code));
    assert_false(again(f, "right", &code));
    assert_true(again(f, "right", &other));
    assert_int_equal(events(f, "item.scanned"), 3);
}

/* The agent dies between the commit and the answer to the device. */
static void test_killed_before_the_answer(void **state) {
    struct fixture *f = *state;
    struct code code = item("08001230000015");
    pid_t child;
    int how = 0;

    fixture_stop(f);
    child = fork();
    assert_true(child >= 0);
    if (!child) {
        fixture_start(f);
        take(f, "scanner", &code);
        (void)kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
    fixture_start(f);
    assert_true(again(f, "scanner", &code));
    assert_int_equal(events(f, "item.scanned"), 1);
}

/* The next bottle of the same wine, long after the agent was restarted. */
static void test_the_same_code_later_is_another(void **state) {
    struct fixture *f = *state;
    struct code code = item("08001230000015");

    take(f, "scanner", &code);
    fixture_restart(f);
    f->clock.mono_ms += WITHIN_MS;
    assert_true(again(f, "scanner", &code));
    f->clock.mono_ms += 1;
    assert_false(again(f, "scanner", &code));
    take(f, "scanner", &code);
    assert_true(again(f, "scanner", &code));
    assert_int_equal(events(f, "item.scanned"), 2);
}

/* A scan that was never written is not known again. */
static void test_lost_group_is_forgotten(void **state) {
    struct fixture *f = *state;
    struct code kept = item("08001230000015");
    struct code lost = item("08001230000022");

    take(f, "scanner", &kept);
    lane_take_scan(f->lane, &(struct lane_scan){"scanner", &lost,
                                                ts_slice_text("made up"),
                                                fixture_on_answer, f});
    /* Sent again while the first is not durable: it shares its fate. */
    assert_true(lane_take_again(f->lane,
                                &(struct lane_scan){"scanner", &lost,
                                                    ts_slice_text("made up"),
                                                    fixture_on_answer, f},
                                WITHIN_MS));
    fixture_flush_without_disk(f);
    assert_int_equal(f->answers, 3);
    assert_int_equal(f->taken, 1);
    assert_false(again(f, "scanner", &lost));
    assert_true(again(f, "scanner", &kept));
    assert_int_equal(events(f, "item.scanned"), 1);
}

/* The search at the start has a bound. */
static void test_looks_back_so_far_only(void **state) {
    struct fixture *f = *state;
    struct code early = item("08001230000015");
    struct code late = item("08001230000022");

    take(f, "left", &early);
    for (int i = 0; i < 1000; i++)
        lane_take_scan(f->lane, &(struct lane_scan){"right", &late,
                                                    ts_slice_text("made up"),
                                                    fixture_on_answer, f});
    recorder_flush(f->recorder);
    assert_true(again(f, "left", &early));
    fixture_restart(f);
    assert_true(again(f, "right", &late));
    assert_false(again(f, "left", &early));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
        CASE(test_item_keeps_what_its_code_tells),
        CASE(test_item_tells_nothing_that_it_does_not_know),
        CASE(test_coupon_is_an_event_of_the_visit),
        CASE(test_offer_is_told),
        CASE(test_sent_again_is_one_scan),
        CASE(test_every_kind_is_known_again),
        CASE(test_readers_are_remembered_apart),
        CASE(test_killed_before_the_answer),
        CASE(test_the_same_code_later_is_another),
        CASE(test_lost_group_is_forgotten),
        CASE(test_looks_back_so_far_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
