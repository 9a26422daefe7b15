#include "lane_fixture.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

static const struct code_rule rule_table[] = {
    {.prefix = "25", .programme = "main", .length = 13, .mod10 = true},
    {.prefix = "BAG", .item = true},
};
static const struct code_rules rules = {.rules = rule_table, .count = 2};

static json_t *find_member(void *ctx, const char *card) {
    const struct fixture *f = ctx;

    return json_incref(json_object_get(f->members, card));
}

static json_t *find_offers(void *ctx, const char *card) {
    const struct fixture *f = ctx;

    return json_incref(json_object_get(f->offers, card));
}

static void on_change(void *arg) { ((struct fixture *)arg)->changes++; }

static void on_recorded(void *arg, const char *journal, uint64_t sequence,
                        const char *type) {
    (void)journal;
    (void)sequence;
    (void)type;
    ((struct fixture *)arg)->recorded++;
}

void fixture_start(struct fixture *f) {
    struct journal_report report;
    struct ts_err err = {0};
    struct recorder_options recorder = {
        .report = &report, .keeper = &f->keeper, .version = "1.2.3"};

    if (journal_open(&f->journal, &f->journal_options, &report, &err) != TS_OK)
        fail_msg("%s", err.text);
    recorder.journal = f->journal;
    f->recorder = recorder_new(f->loop, &recorder);
    f->options.journal = f->journal;
    f->options.recorder = f->recorder;
    if (lane_new(&f->lane, f->loop, &f->options, &err) != TS_OK)
        fail_msg("%s", err.text);
    lane_on_change(f->lane, on_change, f);
    lane_on_recorded(f->lane, on_recorded, f);
}

void fixture_stop(struct fixture *f) {
    recorder_flush(f->recorder);
    recorder_free(f->recorder);
    lane_free(f->lane);
    journal_close(f->journal);
}

void fixture_restart(struct fixture *f) {
    fixture_stop(f);
    fixture_start(f);
}

int fixture_set_up(void **state) {
    struct fixture *f = ts_alloc(sizeof *f);
    uint8_t key[TS_KEY_BYTES];

    *f = (struct fixture){.answers = 0};
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    folder_make(f->folder);
    hand_clock_init(&f->clock);
    f->journal_options = test_journal_options(f->folder, f->path, &f->clock);
    f->loop = event_base_new();
    timekeeper_init(&f->keeper, &f->clock.clock);
    memcpy(f->keeper.boot, TEST_BOOT, sizeof TEST_BOOT);
    f->keys = ts_keys_new(1, key);
    f->members = json_object();
    f->offers = json_object();
    f->options = (struct lane_options){
        .store = "milano-01",
        .terminal = "milano-01-lane-3",
        .language = "it",
        .currency = "EUR",
        .timeout_s = 900,
        .kiosk_s = 20,
        .keeper = &f->keeper,
        .keys = f->keys,
        .find_member = find_member,
        .find_offers = find_offers,
        .desk_ctx = f,
    };
    fixture_start(f);
    *state = f;
    return 0;
}

int fixture_tear_down(void **state) {
    struct fixture *f = *state;

    fixture_stop(f);
    json_decref(f->members);
    json_decref(f->offers);
    ts_keys_free(f->keys);
    event_base_free(f->loop);
    folder_remove(f->folder);
    free(f);
    return 0;
}

void fixture_be_kiosk(struct fixture *f) {
    f->options.kind = VISIT_KIOSK;
    fixture_restart(f);
}

void fixture_flush_without_disk(struct fixture *f) {
    struct rlimit old;
    struct rlimit none;

    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    none = old;
    none.rlim_cur = 1;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    recorder_flush(f->recorder);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
}

void fixture_on_answer(void *arg, bool taken, enum scan_outcome outcome) {
    struct fixture *f = arg;

    f->answers++;
    f->taken += taken;
    f->outcome = outcome;
}

void fixture_scan(struct fixture *f, const char *text) {
    struct scan scanned = {.text = ts_slice_text(text)};
    struct code code = {0};

    code_classify(&code, &scanned, &rules);
    assert_int_not_equal(code.kind, CODE_REJECTED);
    lane_take_scan(f->lane, &(struct lane_scan){"scanner", &code, scanned.text,
                                                fixture_on_answer, f});
}

void fixture_scan_and_commit(struct fixture *f, const char *text) {
    fixture_scan(f, text);
    recorder_flush(f->recorder);
}

static bool list_row(void *arg, const char *journal, uint64_t sequence,
                     struct ts_slice payload) {
    struct listing *listing = arg;
    struct event_view view;
    json_t *json;

    (void)journal;
    (void)sequence;
    assert_int_equal(ts_json_parse(&json, payload, NULL), TS_OK);
    assert_int_equal(event_parse(&view, json, NULL), TS_OK);
    assert_int_equal(ts_buf_printf(&listing->types, "%.*s\n",
                                   (int)view.type.len,
                                   (const char *)view.type.data),
                     TS_OK);
    assert_int_equal(ts_buf_add(&listing->all, payload), TS_OK);
    json_decref(json);
    return true;
}

struct listing fixture_list(struct fixture *f) {
    struct listing listing = {{0}, {0}};
    struct ts_err err;

    recorder_flush(f->recorder);
    assert_int_equal(journal_walk(f->journal, "", 0, list_row, &listing, &err),
                     TS_OK);
    return listing;
}

void listing_fini(struct listing *listing) {
    ts_buf_fini(&listing->types);
    ts_buf_fini(&listing->all);
}

json_t *fixture_visit(struct fixture *f) {
    json_t *view;
    json_t *visit;

    recorder_flush(f->recorder);
    view = lane_view(f->lane);

    assert_non_null(view);
    visit = json_incref(json_object_get(view, "visit"));
    json_decref(view);
    return visit;
}

static char *notice_kind(struct fixture *f) {
    json_t *view = lane_view(f->lane);
    char *kind = ts_strdup(json_string_value(
        json_object_get(json_object_get(view, "notice"), "kind")));

    json_decref(view);
    return kind;
}

void fixture_expect_notice(struct fixture *f, const char *kind) {
    char *is = notice_kind(f);

    assert_string_equal(is, kind);
    free(is);
}
