#include "lane_fixture.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <sqlite3.h>

static const struct {
    const char *name;
    enum visit_kind kind;
    const char *scans[6];
    const char *types; /* after terminal.started */
} tables[] = {
    {"items",
     VISIT_CHECKOUT,
     {ITEM_A, ITEM_B},
     "visit.opened\nitem.scanned\n"
     "item.scanned\n"},
    {"card, then item",
     VISIT_CHECKOUT,
     {CARD_A, ITEM_A},
     "visit.opened\ncard.presented\nitem.scanned\n"},
    {"item, then card",
     VISIT_CHECKOUT,
     {ITEM_A, CARD_A},
     "visit.opened\nitem.scanned\ncard.presented\n"},
    {"second card replaces the first",
     VISIT_CHECKOUT,
     {CARD_A, CARD_B},
     "visit.opened\ncard.presented\ncard.presented\n"},
    {"named item", VISIT_CHECKOUT, {"BAG-1"}, "visit.opened\nitem.scanned\n"},
    {"unknown opens nothing", VISIT_CHECKOUT, {"WHATEVER"}, "code.unknown\n"},
    {"payment card opens nothing",
     VISIT_CHECKOUT,
     {PAN},
     "payment_card.refused\n"},
    {"kiosk",
     VISIT_KIOSK,
     {CARD_A},
     "visit.opened\ncard.presented\ncheckin.made\n"},
    {"two cards at a kiosk are two visits",
     VISIT_KIOSK,
     {CARD_A, CARD_B},
     "visit.opened\ncard.presented\ncheckin.made\nvisit.closed\n"
     "visit.opened\ncard.presented\ncheckin.made\n"},
    {"kiosk price check",
     VISIT_KIOSK,
     {ITEM_A, CARD_A},
     "visit.opened\nitem.scanned\ncard.presented\ncheckin.made\n"},
};

static void test_tables(void **state) {
    struct fixture *f = *state;

    (void)f;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        void *fresh = NULL;
        struct fixture *own;
        struct listing listing;
        unsigned scans = 0;
        const char *first = "terminal.started\n";

        (void)fixture_set_up(&fresh);
        own = fresh;
        own->options.kind = tables[i].kind;
        fixture_restart(own);
        for (; tables[i].scans[scans]; scans++)
            fixture_scan(own, tables[i].scans[scans]);
        listing = fixture_list(own);
        assert_int_equal(own->answers, scans);
        assert_int_equal(own->taken, scans);
        if (strncmp(ts_buf_text(&listing.types), first, strlen(first)) != 0 ||
            strcmp(ts_buf_text(&listing.types) + strlen(first),
                   tables[i].types) != 0)
            fail_msg("%s: %s", tables[i].name, ts_buf_text(&listing.types));
        listing_fini(&listing);
        (void)fixture_tear_down(&fresh);
    }
}

static void test_nothing_in_clear(void **state) {
    static const char *const secrets[] = {PAN, "411111", CARD_A, "1008336538",
                                          "WHATEVER-1"};
    struct fixture *f = *state;
    struct ts_buf file = {0};

    fixture_scan(f, CARD_A);
    fixture_scan(f, PAN);
    fixture_scan(f, "WHATEVER-1");
    assert_int_equal(
        lane_feedback(f->lane, "nps", 9, "my card is 2501 0083 36538", NULL),
        TS_OK);
    fixture_stop(f);
    assert_int_equal(ts_file_read(&file, f->path, 64 << 20, NULL), TS_OK);
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        assert_null(
            memmem(file.data, file.len, secrets[i], strlen(secrets[i])));
    assert_null(memmem(file.data, file.len, "0083 36538", 10));
    /* The token of the protocol's own example. */
    assert_non_null(memmem(file.data, file.len,
                           "c1.uKCh5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqY",
                           46));
    ts_buf_fini(&file);
    fixture_start(f);
}

static void test_started_is_first(void **state) {
    struct fixture *f = *state;
    struct listing listing;
    char first[TS_JOURNAL_TEXT];

    fixture_scan(f, ITEM_A);
    memcpy(first, journal_id(f->journal), sizeof first);
    fixture_restart(f);
    fixture_scan(f, ITEM_B);
    listing = fixture_list(f);
    assert_string_equal(ts_buf_text(&listing.types),
                        "terminal.started\nvisit.opened\nitem.scanned\n"
                        "terminal.started\nitem.scanned\n");
    assert_non_null(strstr(ts_buf_text(&listing.all), first));
    assert_non_null(strstr(ts_buf_text(&listing.all),
                           "\"previous_last\":\"00000000000000000003\""));
    listing_fini(&listing);
}

/* What staff see follows the commit. */
static void test_answer_follows_the_commit(void **state) {
    struct fixture *f = *state;
    unsigned changes = f->changes;

    fixture_scan(f, ITEM_A);
    assert_int_equal(f->answers, 0);
    assert_int_equal(f->changes, changes);
    while (!f->answers)
        (void)event_base_loop(f->loop, EVLOOP_ONCE);
    assert_int_equal(f->taken, 1);
    assert_int_equal(f->outcome, OUTCOME_RECORDED);
    assert_int_equal(f->recorded, 3);
    assert_int_equal(f->changes, changes + 1);
}

static void test_member_is_greeted(void **state) {
    struct fixture *f = *state;
    json_t *visit;

    (void)json_object_set_new(f->members,
                              "c1.uKCh5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqY",
                              json_pack("{s:s}", "name", "Ada"));
    fixture_scan_and_commit(f, CARD_A);
    assert_int_equal(f->outcome, OUTCOME_MEMBER);
    fixture_expect_notice(f, "member");
    visit = fixture_visit(f);
    assert_string_equal(
        json_string_value(json_object_get(
            json_object_get(json_object_get(visit, "card"), "member"), "name")),
        "Ada");
    json_decref(visit);
    fixture_scan_and_commit(f, CARD_B);
    assert_int_equal(f->outcome, OUTCOME_RECORDED);
    fixture_expect_notice(f, "recorded");
}

static void random_void(struct fixture *f, uint64_t *random) {
    json_t *visit = fixture_visit(f);
    json_t *items = json_object_get(visit, "items");
    size_t count = json_array_size(items);
    uint64_t sequence;

    if (count) {
        json_t *item = json_array_get(items, draw(random) % count);
        assert_int_equal(
            ts_counter_parse(&sequence, ts_json_text(item, "sequence")), TS_OK);
        (void)!lane_void(f->lane,
                         json_string_value(json_object_get(item, "journal")),
                         sequence, NULL);
    }
    json_decref(visit);
}

static void random_step(struct fixture *f, uint64_t *random) {
    static const char *const texts[] = {CARD_A, CARD_B,  ITEM_A,    ITEM_B,
                                        ITEM_A, "BAG-1", "STRANGE", PAN};

    switch (draw(random) % 16) {
    case 0:
        (void)!lane_close(f->lane, "R-1", 1999, "EUR", NULL);
        break;
    case 1:
        (void)!lane_cancel(f->lane, NULL);
        break;
    case 2:
    case 3:
        random_void(f, random);
        break;
    case 4:
        (void)!lane_feedback(f->lane, "nps", 10, "", NULL);
        break;
    case 5:
        (void)!lane_consent(f->lane, "email", true, NULL);
        break;
    default:
        fixture_scan(f, texts[draw(random) % 8]);
        break;
    }
}

static void test_fold_equals_live(void **state) {
    struct fixture *f = *state;
    uint64_t random = 42;

    for (int round = 0; round < 40; round++) {
        uint64_t steps = draw(&random) % 12 + 1;
        json_t *before;
        json_t *after;

        if (round == 20)
            fixture_be_kiosk(f);
        for (uint64_t i = 0; i < steps; i++)
            random_step(f, &random);
        before = fixture_visit(f);
        fixture_restart(f);
        after = fixture_visit(f);
        assert_true(json_equal(before, after));
        json_decref(before);
        json_decref(after);
    }
}

static const struct {
    const char *receipt;
    int64_t total_minor;
    const char *currency;
    const char *says;
} bad_closes[] = {
    {"", 1, "EUR", "receipt number must be 1 to 64"},
    {"a\nb", 1, "EUR", "receipt number must be 1 to 64"},
    {PAN, 1, "EUR", "payment card"},
    {"42", -1, "EUR", "total must be 0 to"},
    {"42", 1000000000001, "EUR", "total must be 0 to"},
    {"42", 1, "eur", "three capital letters"},
    {"42", 1, "EURO", "three capital letters"},
};

static void test_commands_refuse(void **state) {
    struct fixture *f = *state;
    struct ts_err err;

    assert_int_equal(lane_close(f->lane, "42", 1, "EUR", &err), TS_INVALID);
    assert_non_null(strstr(err.text, "no visit is open"));
    assert_int_equal(lane_cancel(f->lane, &err), TS_INVALID);
    assert_int_equal(lane_consent(f->lane, "email", true, &err), TS_INVALID);
    fixture_scan(f, ITEM_A);
    for (size_t i = 0; i < sizeof bad_closes / sizeof *bad_closes; i++) {
        assert_int_equal(lane_close(f->lane, bad_closes[i].receipt,
                                    bad_closes[i].total_minor,
                                    bad_closes[i].currency, &err),
                         TS_INVALID);
        assert_non_null(strstr(err.text, bad_closes[i].says));
    }
    assert_int_equal(lane_consent(f->lane, "email", true, &err), TS_INVALID);
    assert_non_null(strstr(err.text, "no card is presented"));
    assert_int_equal(lane_void(f->lane, journal_id(f->journal), 99, &err),
                     TS_INVALID);
    assert_int_equal(lane_void(f->lane, journal_id(f->journal), 3, &err),
                     TS_OK);
    assert_int_equal(lane_void(f->lane, journal_id(f->journal), 3, &err),
                     TS_INVALID);
    assert_non_null(strstr(err.text, "already"));
    assert_int_equal(lane_feedback(f->lane, "How?", 1, "", &err), TS_INVALID);
    assert_int_equal(lane_feedback(f->lane, "nps", 11, "", &err), TS_INVALID);
    assert_int_equal(lane_feedback(f->lane, PAN, 1, "", &err), TS_INVALID);
    assert_int_equal(lane_feedback(f->lane, "nps", 1, "pay " PAN, &err),
                     TS_INVALID);
    assert_int_equal(lane_feedback(f->lane, "nps", 1, "\xff", &err),
                     TS_INVALID);
    fixture_scan(f, CARD_A);
    assert_int_equal(lane_consent(f->lane, PAN, true, &err), TS_INVALID);
    assert_int_equal(lane_close(f->lane, "42", 1, "", &err), TS_OK);
}

static void test_kiosk_closes_by_itself(void **state) {
    struct fixture *f = *state;
    json_t *visit;
    struct listing listing;

    f->options.kiosk_s = 1;
    fixture_be_kiosk(f);
    fixture_scan(f, CARD_A);
    visit = fixture_visit(f);
    while (!json_is_null(visit)) {
        (void)event_base_loop(f->loop, EVLOOP_ONCE);
        json_decref(visit);
        visit = fixture_visit(f);
    }
    json_decref(visit);
    listing = fixture_list(f);
    assert_non_null(strstr(ts_buf_text(&listing.all), "\"outcome\":\"done\""));
    listing_fini(&listing);
}

static void test_full_journal(void **state) {
    struct fixture *f = *state;
    struct listing listing;
    int scans = 0;

    f->journal_options.max_bytes = 60000;
    fixture_restart(f);
    do {
        fixture_scan_and_commit(f, ITEM_A);
        scans++;
    } while (f->outcome != OUTCOME_REFUSED && scans < 1000);
    assert_true(scans < 1000);
    fixture_expect_notice(f, "full");
    /* Cards last. */
    fixture_scan_and_commit(f, CARD_A);
    assert_int_equal(f->outcome, OUTCOME_RECORDED);
    listing = fixture_list(f);
    assert_int_equal(f->answers, f->taken + 1);
    listing_fini(&listing);
}

/* What was refused is told when there is room, behind terminal.started also
 * when the file broke in between; a report that is lost is told again. */
static void test_refusals_are_told(void **state) {
    struct fixture *f = *state;
    struct listing listing;
    struct rlimit old;
    struct rlimit none;
    struct journal_refusal left;

    f->journal_options.max_bytes = 60000;
    fixture_restart(f);
    while (f->outcome != OUTCOME_REFUSED)
        fixture_scan_and_commit(f, ITEM_A);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    none = old;
    none.rlim_cur = 1;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    recorder_tidy(f->recorder);
    recorder_flush(f->recorder);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    left = journal_refusals(f->journal, JOURNAL_ITEM);
    assert_true(left.count == 1);
    recorder_tidy(f->recorder);
    recorder_flush(f->recorder);
    left = journal_refusals(f->journal, JOURNAL_ITEM);
    assert_true(left.count == 0);
    listing = fixture_list(f);
    assert_non_null(strstr(ts_buf_text(&listing.types), "journal.refused"));
    listing_fini(&listing);
}

static bool ignore_row(void *arg, uint64_t sequence, struct ts_slice payload) {
    (void)arg;
    (void)sequence;
    (void)payload;
    return true;
}

/* Another hand changes a row: the file is replaced, a new journal begins. */
static void damage(struct fixture *f) {
    struct uplink_source source = journal_source(f->journal);
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "UPDATE rows SET crc=crc+1 WHERE sequence=2",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    (void)sqlite3_close(db);
    assert_int_equal(source.read(source.ctx, journal_id(f->journal), 1, 10,
                                 ignore_row, NULL, NULL),
                     TS_CORRUPT);
    recorder_tidy(f->recorder);
}

/* What is carried over is told when all of it is there. */
static void await_type(struct fixture *f, const char *type) {
    bool there = false;

    while (!there) {
        struct listing listing;

        (void)event_base_loop(f->loop, EVLOOP_ONCE);
        listing = fixture_list(f);
        there = strstr(ts_buf_text(&listing.types), type) != NULL;
        listing_fini(&listing);
    }
}

static void test_started_is_first_after_damage(void **state) {
    struct fixture *f = *state;
    struct listing listing;

    f->journal_options.max_bytes = 60000;
    fixture_restart(f);
    while (f->outcome != OUTCOME_REFUSED)
        fixture_scan_and_commit(f, ITEM_A);
    /* Told a moment ago, and refused again since. */
    recorder_tidy(f->recorder);
    recorder_flush(f->recorder);
    fixture_scan_and_commit(f, ITEM_A);
    damage(f);
    await_type(f, "journal.damaged");
    f->clock.mono_ms += 61000;
    recorder_tidy(f->recorder);
    listing = fixture_list(f);
    assert_non_null(strstr(ts_buf_text(&listing.types),
                           "journal.refused\nterminal.started\n"
                           "journal.damaged\njournal.refused\n"));
    listing_fini(&listing);
}

/* The card before is closed by what lets the next one in. */
static void test_full_kiosk_takes_cards(void **state) {
    struct fixture *f = *state;
    struct ts_err err;

    f->journal_options.max_bytes = 60000;
    fixture_be_kiosk(f);
    fixture_scan_and_commit(f, CARD_A);
    for (int i = 0; i < 1000 && journal_has_room(f->journal, JOURNAL_VISIT);
         i++)
        if (lane_consent(f->lane, "email", true, &err) != TS_OK)
            break;
    assert_false(journal_has_room(f->journal, JOURNAL_VISIT));
    assert_true(journal_has_room(f->journal, JOURNAL_CARD));
    fixture_scan_and_commit(f, CARD_B);
    assert_int_equal(f->outcome, OUTCOME_RECORDED);
    assert_int_equal(f->taken, 2);
}

/* The disk takes nothing more: the scan is refused, the basket stays what the
 * journal holds, and work goes on when there is room again. */
static void test_disk_full(void **state) {
    struct fixture *f = *state;
    struct rlimit old;
    struct rlimit none;
    json_t *before;
    json_t *after;
    unsigned taken;

    fixture_scan_and_commit(f, CARD_A);
    fixture_scan_and_commit(f, ITEM_A);
    before = fixture_visit(f);
    taken = f->taken;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    none = old;
    none.rlim_cur = 1;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    fixture_scan_and_commit(f, ITEM_B);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(f->taken, taken);
    assert_int_equal(f->outcome, OUTCOME_REFUSED);
    fixture_expect_notice(f, "failed");
    after = fixture_visit(f);
    assert_true(json_equal(before, after));
    json_decref(after);
    fixture_scan_and_commit(f, ITEM_B);
    assert_int_equal(f->taken, taken + 1);
    after = fixture_visit(f);
    assert_int_equal(json_array_size(json_object_get(after, "items")), 2);
    json_decref(after);
    json_decref(before);
}

static size_t count_of(struct fixture *f, const char *type) {
    struct listing listing = fixture_list(f);
    size_t count = 0;

    for (const char *at = ts_buf_text(&listing.types); (at = strstr(at, type));
         at++)
        count++;
    listing_fini(&listing);
    return count;
}

/* A port that is missing all day is told once; one that comes and goes is told
 * some times, and where it ended. */
static void test_reader_states_are_bounded(void **state) {
    struct fixture *f = *state;
    json_t *readers;

    for (int i = 0; i < 1000; i++) {
        f->clock.mono_ms += 5000;
        lane_set_reader(f->lane, "lost", READER_DETACHED, "no /dev/x");
    }
    assert_int_equal(count_of(f, "reader."), 1);
    for (int i = 0; i < 1000; i++)
        lane_set_reader(f->lane, "loose",
                        i % 2 ? READER_ATTACHED : READER_DETACHED,
                        i % 2 ? "reads" : "gone");
    assert_int_equal(count_of(f, "reader."), 1 + 6);
    lane_set_reader(f->lane, "loose", READER_FAULTED, "in use");
    readers = lane_readers(f->lane);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(readers, 1), "state")),
        "faulted");
    json_decref(readers);
    lane_tell_readers(f->lane);
    assert_int_equal(count_of(f, "reader.faulted"), 0);
    f->clock.mono_ms += 60000;
    lane_tell_readers(f->lane);
    lane_tell_readers(f->lane);
    assert_int_equal(count_of(f, "reader.faulted"), 1);
    assert_int_equal(count_of(f, "reader."), 1 + 6 + 1);
    /* A calm hour later it has all its words again. */
    f->clock.mono_ms += 3600000;
    for (int i = 0; i < 6; i++)
        lane_set_reader(f->lane, "loose",
                        i % 2 ? READER_FAULTED : READER_ATTACHED, "again");
    assert_int_equal(count_of(f, "reader."), 1 + 6 + 1 + 6);
}

static void test_clock_words(void **state) {
    struct fixture *f = *state;
    struct event event;

    f->clock.synchronised = false;
    timekeeper_stamp(&f->keeper, &event);
    assert_int_equal(event.clock, EVENT_CLOCK_UNSET);
    /* The hub says that it is a day later than this clock thinks. */
    assert_true(timekeeper_learn(&f->keeper,
                                 (struct ts_wall){f->clock.wall_ms + 86400000},
                                 (struct ts_mono){f->clock.mono_ms}, 50));
    timekeeper_stamp(&f->keeper, &event);
    assert_int_equal(event.clock, EVENT_CLOCK_CORRECTED);
    assert_true(event.time.unix_ms == f->clock.wall_ms + 86400000);
    assert_false(timekeeper_learn(&f->keeper,
                                  (struct ts_wall){f->clock.wall_ms + 86400900},
                                  (struct ts_mono){f->clock.mono_ms}, 50));
    /* A right clock that nothing vouches for still goes by the hub's word. */
    f->clock.wall_ms += 86400300;
    timekeeper_stamp(&f->keeper, &event);
    assert_int_equal(event.clock, EVENT_CLOCK_CORRECTED);
    assert_true(event.time.unix_ms == f->clock.wall_ms - 300);
    f->clock.synchronised = true;
    timekeeper_stamp(&f->keeper, &event);
    assert_int_equal(event.clock, EVENT_CLOCK_SET);
    assert_true(event.time.unix_ms == f->clock.wall_ms);
    /* The system's word does not count against the hub's. */
    f->clock.wall_ms += 86400000;
    timekeeper_stamp(&f->keeper, &event);
    assert_int_equal(event.clock, EVENT_CLOCK_CORRECTED);
    assert_true(event.time.unix_ms == f->clock.wall_ms - 86400300);
    f->clock.wall_ms -= 86400000;
    f->clock.synchronised = false;
    assert_true(timekeeper_watch(&f->keeper) == 0);
    f->clock.wall_ms += 1000;
    assert_true(timekeeper_watch(&f->keeper) == 0);
    f->clock.wall_ms += 5000;
    assert_true(timekeeper_watch(&f->keeper) == 5000);
    assert_true(timekeeper_watch(&f->keeper) == 0);
}

/* What certificates are checked against: no clock that is ahead, be it this
 * machine's or the hub's, makes them end early. */
static void test_line_clock(void **state) {
    struct fixture *f = *state;
    const int64_t now = f->clock.wall_ms;
    const int64_t year = 31536000000;
    const struct ts_clock *line = &f->keeper.line;

    f->clock.synchronised = false;
    assert_true(ts_clock_wall(line).unix_ms == now);
    assert_true(timekeeper_learn(&f->keeper, (struct ts_wall){now},
                                 (struct ts_mono){f->clock.mono_ms}, 50));
    f->clock.wall_ms = now + year;
    assert_true(ts_clock_wall(line).unix_ms == now);
    f->clock.wall_ms = 40000;
    assert_true(ts_clock_wall(line).unix_ms == 40000);
    f->clock.wall_ms = now;
    assert_true(timekeeper_learn(&f->keeper, (struct ts_wall){now + year},
                                 (struct ts_mono){f->clock.mono_ms}, 50));
    assert_true(ts_clock_wall(line).unix_ms == now);
    assert_true(ts_clock_mono(line).ms == f->clock.mono_ms);
}

static bool learn(struct fixture *f, int64_t off_ms, int64_t after_ms,
                  int64_t error_ms) {
    return timekeeper_learn(
        &f->keeper, (struct ts_wall){f->clock.wall_ms + off_ms},
        (struct ts_mono){f->clock.mono_ms + after_ms}, error_ms);
}

static void test_an_offset_is_told_when_it_says_more(void **state) {
    struct fixture *f = *state;
    char text[TIMEKEEPER_TEXT];

    f->clock.synchronised = false;
    assert_true(learn(f, 0, 0, 30000));
    assert_false(learn(f, 0, 0, 20000));
    assert_true(learn(f, 0, 0, 40));
    assert_false(learn(f, 0, 0, 10));
    assert_false(learn(f, 599999, 599999, 40));
    assert_false(learn(f, 600000, 600000, 1001));
    f->clock.synchronised = true;
    assert_false(learn(f, 600000, 600000, 40));
    f->clock.synchronised = false;
    assert_true(learn(f, 600000, 600000, 40));
    timekeeper_text(&f->keeper, text);
    timekeeper_init(&f->keeper, &f->clock.clock);
    memcpy(f->keeper.boot, TEST_BOOT, sizeof TEST_BOOT);
    timekeeper_restore(&f->keeper, text);
    assert_true(f->keeper.known);
    assert_true(f->keeper.at_ms == f->clock.mono_ms + 600000);
    assert_int_equal(f->keeper.error_ms, 40);
}

/* Only the hub's word lifts the floor; it is kept now and then. */
static void test_time_floor(void **state) {
    struct fixture *f = *state;
    const int64_t then = f->clock.wall_ms;
    char text[TS_TIME_TEXT];

    assert_true(timekeeper_trust(&f->keeper, (struct ts_wall){then}));
    assert_false(timekeeper_trust(&f->keeper, (struct ts_wall){then + 60000}));
    assert_false(timekeeper_trust(&f->keeper, (struct ts_wall){then - 60000}));
    f->clock.wall_ms += 86400000;
    (void)timekeeper_watch(&f->keeper);
    assert_true(f->keeper.floor.unix_ms == then);
    assert_true(timekeeper_trust(&f->keeper, (struct ts_wall){then + 3600000}));
    ts_wall_text(text, f->keeper.floor);
    timekeeper_init(&f->keeper, &f->clock.clock);
    memcpy(f->keeper.boot, TEST_BOOT, sizeof TEST_BOOT);
    timekeeper_restore_floor(&f->keeper, "yesterday");
    assert_true(f->keeper.floor.unix_ms == 0);
    timekeeper_restore_floor(&f->keeper, text);
    assert_true(f->keeper.floor.unix_ms == then + 3600000);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
        CASE(test_tables),
        CASE(test_nothing_in_clear),
        CASE(test_started_is_first),
        CASE(test_answer_follows_the_commit),
        CASE(test_member_is_greeted),
        CASE(test_fold_equals_live),
        CASE(test_commands_refuse),
        CASE(test_kiosk_closes_by_itself),
        CASE(test_full_journal),
        CASE(test_refusals_are_told),
        CASE(test_started_is_first_after_damage),
        CASE(test_full_kiosk_takes_cards),
        CASE(test_disk_full),
        CASE(test_reader_states_are_bounded),
        CASE(test_clock_words),
        CASE(test_line_clock),
        CASE(test_an_offset_is_told_when_it_says_more),
        CASE(test_time_floor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
