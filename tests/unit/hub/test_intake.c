#include "tests/unit/hub/intake_bench.h"

#include "hub/archive.h"
#include "hub/desk.h"
#include "hub/registry.h"
#include "hub/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void batch_is_taken_once(struct bench *bench) {
    send_range(bench, 1, 5);
    assert_ack(bench, 5, BATCH_TAKEN);
    assert_int_equal(bench->woken, 1);
    send_range(bench, 1, 5);
    assert_ack(bench, 5, BATCH_TAKEN);
    assert_int_equal(events(bench), 5);
    assert_int_equal(bench->woken, 1);
    assert_int_equal(quarantined(bench), 0);
}

/* A fraction is not read without a tree, and the batch around it neither. */
static void an_event_is_one_whichever_way_it_is_read(struct bench *bench) {
    const struct sample samples[] = {
        {.sequence = 1,
         .data = "{\"z\":\"]C1\\u001d01 \\\"\\u00e9\","
                 "\"a\":[1,{\"y\":true,\"b\":null}]}"},
        {.sequence = 2, .data = "{\"weight\":1.5}"},
        {.sequence = 3, .data = "{\"card\":\"" TOKEN "\",\"n\":-4}"},
        {.sequence = 4, .data = "{\"weight\":0.25}"},
    };

    send_samples(bench, samples, 1);
    send_samples(bench, samples, 4);
    send_samples(bench, samples + 2, 1);
    assert_ack(bench, 4, BATCH_TAKEN);
    assert_int_equal(events(bench), 4);
    assert_int_equal(quarantined(bench), 0);
    assert_int_equal(alarms(bench, "conflict"), 0);
}

static void overlap_is_taken_from_through(struct bench *bench) {
    send_range(bench, 1, 5);
    send_range(bench, 3, 9);
    assert_ack(bench, 9, BATCH_TAKEN);
    assert_int_equal(events(bench), 9);
    assert_int_equal(ask_number(bench, "SELECT MAX(arrival) FROM event"), 9);
}

static void gap_is_answered_and_left(struct bench *bench) {
    send_range(bench, 2, 4);
    assert_ack(bench, 0, BATCH_TAKEN);
    send_range(bench, 1, 2);
    send_range(bench, 4, 6);
    assert_ack(bench, 2, BATCH_TAKEN);
    assert_int_equal(events(bench), 2);
}

static void conflict_is_kept_and_told(struct bench *bench) {
    send_range(bench, 1, 3);
    send_one(bench, (struct sample){.sequence = 2,
                                    .data = "{\"gtin\":\"04006381333931\"}"});
    assert_ack(bench, 3, BATCH_TAKEN);
    assert_int_equal(events(bench), 3);
    assert_int_equal(quarantined(bench), 1);
    assert_int_equal(alarms(bench, "conflict"), 1);
}

static void stranger_is_refused(struct bench *bench) {
    (void)snprintf(bench->topic.name, sizeof bench->topic.name, "unknown-1");
    send_one(bench, (struct sample){.sequence = 1});
    assert_ack(bench, 0, BATCH_REFUSED_IDENTITY);
    assert_int_equal(events(bench) + quarantined(bench), 0);
    assert_int_equal(alarms(bench, "identity"), 1);
}

static void removed_terminal_is_refused(struct bench *bench) {
    send_range(bench, 1, 2);
    assert_int_equal(registry_remove(bench->db, LANE, wall_fixed(NULL), NULL),
                     TS_OK);
    send_range(bench, 3, 4);
    assert_ack(bench, 2, BATCH_REFUSED_IDENTITY);
    assert_int_equal(events(bench), 2);
}

static void wrong_shard_is_refused(struct bench *bench) {
    bench->topic.shard = (bench->topic.shard + 1) % TS_SHARDS;
    send_range(bench, 1, 2);
    assert_ack(bench, 0, BATCH_REFUSED_IDENTITY);
    assert_int_equal(events(bench) + quarantined(bench), 0);
}

static void wrong_source_is_refused(struct bench *bench) {
    struct sample samples[] = {{.sequence = 1, .terminal = "milano-01-lane-4"},
                               {.sequence = 2, .terminal = "milano-01-lane-4"}};

    send_samples(bench, samples, 2);
    assert_ack(bench, 0, BATCH_REFUSED_IDENTITY);
    assert_int_equal(events(bench) + quarantined(bench), 0);
    /* Alone, it is set aside and blocks nothing. */
    send_samples(bench, samples, 1);
    assert_ack(bench, 1, BATCH_TAKEN);
    assert_int_equal(events(bench), 0);
    assert_int_equal(quarantined(bench), 1);
    send_range(bench, 2, 3);
    assert_ack(bench, 3, BATCH_TAKEN);
}

static void wrong_store_is_refused(struct bench *bench) {
    struct sample samples[] = {{.sequence = 1, .store = "roma-02"},
                               {.sequence = 2, .store = "roma-02"}};

    send_samples(bench, samples, 2);
    assert_ack(bench, 0, BATCH_REFUSED_IDENTITY);
    assert_int_equal(events(bench), 0);
}

static void former_store_stays_welcome(struct bench *bench) {
    struct ts_err err = {0};

    send_range(bench, 1, 3);
    assert_int_equal(
        registry_move(bench->db, LANE, "roma-02", wall_fixed(NULL), &err),
        TS_OK);
    bench->topic.shard = ts_shard(ts_slice_text("roma-02"));
    send_range(bench, 3, 6);
    assert_ack(bench, 6, BATCH_TAKEN);
    assert_int_equal(events(bench), 6);
    assert_int_equal(
        ask_number(bench, "SELECT COUNT(*) FROM event WHERE source = "
                          "'/stores/milano-01/terminals/milano-01-lane-3'"),
        6);
    send_one(bench, (struct sample){.sequence = 1,
                                    .store = "roma-02",
                                    .journal = "00000000000000aa"});
    assert_int_equal(bench->ack.through, 1);
    assert_int_equal(events(bench), 7);
}

static void former_name_stays_welcome(struct bench *bench) {
    struct ts_err err = {0};

    send_range(bench, 1, 3);
    assert_int_equal(registry_rename(bench->db, LANE, "milano-01-till-1",
                                     wall_fixed(NULL), &err),
                     TS_OK);
    (void)snprintf(bench->topic.name, sizeof bench->topic.name,
                   "milano-01-till-1");
    send_range(bench, 2, 5);
    assert_ack(bench, 5, BATCH_TAKEN);
    assert_int_equal(events(bench), 5);
}

static void mixed_batches_are_refused(struct bench *bench) {
    struct sample hole[] = {{.sequence = 1}, {.sequence = 3}};
    struct sample journals[] = {{.sequence = 1},
                                {.sequence = 2, .journal = "00000000000000aa"}};

    send_samples(bench, hole, 2);
    assert_ack(bench, 0, BATCH_REFUSED_FORMAT);
    send_samples(bench, journals, 2);
    assert_int_equal(bench->ack.refused, BATCH_REFUSED_FORMAT);
    assert_int_equal(events(bench) + quarantined(bench), 0);
    assert_int_equal(alarms(bench, "refused"), 1);
}

static bool body_row(void *arg, const struct db_value *columns, size_t count) {
    (void)count;
    assert_int_equal(ts_buf_add(arg, columns[0].bytes), TS_OK);
    return true;
}

/* Everything of every row that could hold an event's text. */
static bool stored_anywhere(struct bench *bench, const char *text) {
    static const struct db_statement bodies[] = {
        {"bodies", "SELECT body FROM event"},
        {"raws", "SELECT raw FROM quarantine"},
        {"reasons", "SELECT reason FROM quarantine"},
        {"alarms", "SELECT text FROM alarm"},
    };
    struct ts_buf all = {0};
    bool found;

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        assert_int_equal(
            db_run(bench->db, &bodies[i], NULL, 0, body_row, &all, NULL),
            TS_OK);
    assert_true(all.len > 0);
    found = strstr(ts_buf_text(&all), text) != NULL;
    ts_buf_fini(&all);
    return found;
}

static void clear_number_is_never_kept(struct bench *bench) {
    send_one(bench, (struct sample){.sequence = 1,
                                    .type = "card.presented",
                                    .data = "{\"card\":\"2501008336538\"}"});
    assert_ack(bench, 1, BATCH_TAKEN);
    assert_int_equal(events(bench), 0);
    assert_int_equal(quarantined(bench), 1);
    assert_false(stored_anywhere(bench, "2501008336538"));
    send_one(bench, (struct sample){.sequence = 2,
                                    .type = "card.presented",
                                    .data = "{\"card\":\"" TOKEN "\"}"});
    assert_ack(bench, 2, BATCH_TAKEN);
    assert_int_equal(events(bench), 1);
    assert_true(stored_anywhere(bench, TOKEN));
}

static void payment_number_is_never_kept(struct bench *bench) {
    struct sample sample = {
        .sequence = 1,
        .type = "feedback.given",
        .data = "{\"text\":\"my card is 4111 1111 1111 1111 thanks\"}"};

    send_one(bench, sample);
    assert_ack(bench, 1, BATCH_TAKEN);
    assert_int_equal(events(bench), 1);
    assert_false(stored_anywhere(bench, "1111 1111"));
    assert_int_equal(alarms(bench, "payment_card"), 1);
    /* The same again is the same, guarded or not. */
    send_one(bench, sample);
    assert_int_equal(events(bench), 1);
    assert_int_equal(alarms(bench, "conflict"), 0);
}

static void broken_single_moves_on(struct bench *bench) {
    send_text(bench, TOPIC_EVENTS,
              "[{\"id\":\"" JOURNAL "-00000000000000000001\", \"x\": "
              "\"4111111111111111\", broken");
    assert_ack(bench, 1, BATCH_TAKEN);
    assert_int_equal(quarantined(bench), 1);
    assert_false(stored_anywhere(bench, "4111111111111111"));
    send_range(bench, 2, 3);
    assert_ack(bench, 3, BATCH_TAKEN);
}

static void garbage_is_answered(struct bench *bench) {
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3};

    send_text(bench, TOPIC_EVENTS, "what is this");
    assert_string_equal(bench->ack.journal, ""); /* of which journal? */
    send_range(bench, 1, 2);
    send_text(bench, TOPIC_EVENTS, "what is this");
    assert_ack(bench, 2, BATCH_REFUSED_FORMAT);
    bench_send(bench, TOPIC_EVENTS, ts_slice_of(frame, sizeof frame));
    assert_ack(bench, 2, BATCH_REFUSED_FORMAT);
    assert_int_equal(events(bench), 2);
}

static void single_of_wrong_form_is_set_aside(struct bench *bench) {
    send_text(bench, TOPIC_EVENTS,
              "[{\"id\":\"" JOURNAL "-00000000000000000001\","
              "\"specversion\":\"9\"}]");
    assert_ack(bench, 1, BATCH_TAKEN);
    assert_int_equal(quarantined(bench), 1);
    assert_int_equal(events(bench), 0);
}

static void unknown_dictionary_is_told(struct bench *bench) {
    /* A frame header that names dictionary 7 and a content of 10 bytes. */
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x21,
                                    0x07, 0x0a, 0x01, 0x00, 0x00};

    send_range(bench, 1, 1);
    bench_send(bench, TOPIC_EVENTS, ts_slice_of(frame, sizeof frame));
    assert_ack(bench, 1, BATCH_REFUSED_DICTIONARY);
    assert_int_equal(quarantined(bench), 0);
}

static void resume_text(struct bench *bench, uint64_t oldest, uint64_t newest) {
    char text[160];

    (void)snprintf(text, sizeof text,
                   "{\"journal\":\"" JOURNAL "\",\"oldest\":\"%020llu\","
                   "\"newest\":\"%020llu\"}",
                   (unsigned long long)oldest, (unsigned long long)newest);
    send_text(bench, TOPIC_RESUME, text);
}

static void resume_is_answered(struct bench *bench) {
    resume_text(bench, 1, 8);
    assert_ack(bench, 0, BATCH_TAKEN);
    send_range(bench, 1, 5);
    resume_text(bench, 1, 8);
    assert_ack(bench, 5, BATCH_TAKEN);
    resume_text(bench, 6, 8);
    assert_ack(bench, 5, BATCH_TAKEN);
    assert_int_equal(alarms(bench, "hole"), 0);
    resume_text(bench, 1, 4);
    assert_ack(bench, 5, BATCH_TAKEN);
    assert_int_equal(alarms(bench, "rewound"), 1);
}

static void hole_is_exact_and_told(struct bench *bench) {
    send_range(bench, 1, 5);
    resume_text(bench, 9, 12);
    assert_ack(bench, 8, BATCH_TAKEN);
    assert_int_equal(alarms(bench, "hole"), 1);
    assert_int_equal(
        ask_number(bench, "SELECT COUNT(*) FROM hole WHERE first_sequence = 6 "
                          "AND last_sequence = 8"),
        1);
    send_range(bench, 9, 12);
    assert_ack(bench, 12, BATCH_TAKEN);
    resume_text(bench, 9, 12);
    assert_int_equal(ask_number(bench, "SELECT COUNT(*) FROM hole"), 1);
    /* What was given up comes after all. */
    send_range(bench, 6, 8);
    assert_ack(bench, 12, BATCH_TAKEN);
    assert_int_equal(events(bench), 12);
}

static void started(struct bench *bench, const char *journal,
                    const char *previous, uint64_t last) {
    char data[160];

    (void)snprintf(data, sizeof data,
                   "{\"version\":\"1\",\"previous\":\"%s\","
                   "\"previous_last\":\"%020llu\"}",
                   previous, (unsigned long long)last);
    send_one(bench, (struct sample){.sequence = 1,
                                    .journal = journal,
                                    .type = "terminal.started",
                                    .data = data});
}

static const char pending[] =
    "SELECT COUNT(*) FROM journal_link l LEFT JOIN lane_position p "
    "ON p.shard = l.shard AND p.terminal = l.terminal "
    "AND p.journal = l.previous "
    "WHERE COALESCE(p.through, 0) < l.previous_last";

static void missing_tail_is_pending(struct bench *bench) {
    send_range(bench, 1, 3);
    started(bench, "00000000000000aa", JOURNAL, 5);
    assert_int_equal(ask_number(bench, pending), 1);
    send_range(bench, 4, 5);
    assert_int_equal(ask_number(bench, pending), 0);
    assert_int_equal(alarms(bench, "clone"), 0);
}

static void two_heirs_are_a_clone(struct bench *bench) {
    send_range(bench, 1, 3);
    started(bench, "00000000000000aa", JOURNAL, 3);
    started(bench, "00000000000000aa", JOURNAL, 3);
    assert_int_equal(alarms(bench, "clone"), 0);
    started(bench, "00000000000000bb", JOURNAL, 3);
    assert_int_equal(alarms(bench, "clone"), 1);
}

static void state(struct bench *bench, const char *boot, unsigned session,
                  bool online) {
    char text[320];

    (void)snprintf(text, sizeof text,
                   "{\"online\":%s,\"boot\":\"%s\",\"session\":%u,"
                   "\"version\":\"1.0\",\"store\":\"" STORE "\","
                   "\"journal\":\"" JOURNAL "\",\"unsent\":%u}",
                   online ? "true" : "false", boot, session, session);
    send_text(bench, TOPIC_STATE, text);
}

static const char online_sql[] = "SELECT online FROM lane_state";
static const char session_sql[] = "SELECT session FROM lane_state";

static void state_keeps_the_newest(struct bench *bench) {
    state(bench, "aaaaaaaa", 3, true);
    state(bench, "aaaaaaaa", 2, false); /* a will that comes late */
    assert_int_equal(ask_number(bench, online_sql), 1);
    assert_int_equal(ask_number(bench, session_sql), 3);
    state(bench, "aaaaaaaa", 3, false);
    assert_int_equal(ask_number(bench, online_sql), 0);
    state(bench, "bbbbbbbb", 4, true);
    state(bench, "aaaaaaaa", 3, false); /* the will of the boot before */
    assert_int_equal(ask_number(bench, online_sql), 1);
    assert_int_equal(alarms(bench, "clone"), 0);
}

static void boots_in_turns_are_a_clone(struct bench *bench) {
    state(bench, "aaaaaaaa", 1, true);
    state(bench, "bbbbbbbb", 2, true);
    state(bench, "cccccccc", 3, true);
    assert_int_equal(alarms(bench, "clone"), 0);
    state(bench, "bbbbbbbb", 3, true);
    assert_int_equal(alarms(bench, "clone"), 1);
}

static void four_boots_in_turns_are_a_clone(struct bench *bench) {
    static const char *const boots[] = {"aaaaaaaa", "bbbbbbbb", "cccccccc",
                                        "dddddddd"};

    for (unsigned i = 0; i < 4; i++)
        state(bench, boots[i], i + 1, true);
    state(bench, boots[0], 1, false); /* a will that comes very late */
    assert_int_equal(alarms(bench, "clone"), 0);
    for (unsigned i = 0; i < 4; i++) {
        state(bench, boots[i], i + 5, true);
        assert_int_equal(alarms(bench, "clone"), 1);
        assert_int_equal(ask_number(bench, "SELECT times FROM alarm "
                                           "WHERE kind = 'clone'"),
                         i + 1);
    }
}

/* A machine that is restarted for years. */
/* A broker that died comes back with what it retained some boots ago. */
static void an_old_retained_state_is_no_clone(struct bench *bench) {
    state(bench, "aaaaaaaa", 1, true);
    state(bench, "bbbbbbbb", 2, true);
    state(bench, "cccccccc", 3, true);
    bench->retained = true;
    state(bench, "aaaaaaaa", 1, true);
    assert_int_equal(ask_number(bench, session_sql), 3);
    bench->retained = false;
    state(bench, "cccccccc", 3, true);
    assert_int_equal(alarms(bench, "clone"), 0);
}

static void many_boots_are_no_clone(struct bench *bench) {
    char boot[9];

    for (unsigned i = 0; i < 40; i++) {
        (void)snprintf(boot, sizeof boot, "%08x", i + 1);
        state(bench, boot, i + 1, true);
    }
    assert_int_equal(alarms(bench, "clone"), 0);
    state(bench, "00000021", 41, true); /* the last but seven */
    assert_int_equal(alarms(bench, "clone"), 1);
}

static void lost_lease_stops(struct bench *bench) {
    struct lease other;
    struct intake_reply reply;
    struct ts_err err = {0};

    bench->topic.leaf = TOPIC_EVENTS;
    assert_int_equal(
        lease_take(&other, bench->db, "hub-2", false, wall_fixed(NULL), &err),
        TS_DENIED);
    assert_int_equal(lease_take(&other, bench->db, "hub-2", false,
                                (struct ts_wall){wall_fixed(NULL).unix_ms +
                                                 LEASE_TTL_MS + 1},
                                &err),
                     TS_OK);
    assert_int_equal(intake_message(bench->intake, &bench->topic,
                                    ts_slice_text("[]"), false, &reply, &err),
                     TS_DENIED);
    assert_false(db_in_transaction(bench->db));
    assert_int_equal(
        lease_renew(&bench->lease, bench->db, wall_fixed(NULL), &err),
        TS_DENIED);
}

static void retained_business_is_void(struct bench *bench) {
    struct ts_buf text = {0};
    struct intake_reply reply;
    struct ts_err err = {0};

    assert_int_equal(ts_buf_add_text(&text, "["), TS_OK);
    event_text(&text, &(struct sample){.sequence = 1});
    assert_int_equal(ts_buf_add_text(&text, "]"), TS_OK);
    bench->topic.leaf = TOPIC_EVENTS;
    assert_int_equal(intake_message(bench->intake, &bench->topic,
                                    ts_buf_slice(&text), true, &reply, &err),
                     TS_OK);
    assert_false(reply.any);
    assert_int_equal(events(bench), 0);
    ts_buf_fini(&text);
}

static bool id_row(void *arg, const struct db_value *columns, size_t count) {
    (void)count;
    column_copy(arg, 40, &columns[0]);
    return false;
}

static void quarantine_is_replayed(struct bench *bench) {
    static const struct db_statement first = {"first",
                                              "SELECT id FROM quarantine"};
    struct ts_err err = {0};
    char id[40] = "";

    send_one(bench, (struct sample){.sequence = 1, .store = "roma-02"});
    assert_ack(bench, 1, BATCH_TAKEN);
    assert_int_equal(db_run(bench->db, &first, NULL, 0, id_row, id, &err),
                     TS_OK);
    assert_int_equal(intake_replay(bench->intake, id, &err), TS_INVALID);
    assert_non_null(strstr(err.text, "roma-02"));
    /* The registry is mended: it had been in that store. */
    assert_int_equal(
        registry_move(bench->db, LANE, "roma-02", wall_fixed(NULL), &err),
        TS_OK);
    if (intake_replay(bench->intake, id, &err) != TS_OK)
        fail_msg("%s", err.text);
    assert_int_equal(events(bench), 1);
    assert_int_equal(ask_number(bench, "SELECT COUNT(*) FROM quarantine "
                                       "WHERE replayed_ms IS NOT NULL"),
                     1);
    assert_int_equal(intake_replay(bench->intake, "none", &err), TS_INVALID);
}

static void pull_gives_the_own_store_only(struct bench *bench) {
    static const char pull[] = "{\"log\":\"\",\"after\":0,\"limit\":10}";
    struct desk_change change = {.store = STORE,
                                 .kind = DESK_SETTING,
                                 .key = ts_slice_text("a"),
                                 .now = wall_fixed(NULL)};
    json_t *value = json_pack("{s:i}", "v", 1);

    change.value = value;
    assert_int_equal(desk_put(bench->db, &change, NULL), TS_OK);
    change.store = "roma-02";
    change.key = ts_slice_text("b");
    assert_int_equal(desk_put(bench->db, &change, NULL), TS_OK);
    json_decref(value);
    send_text(bench, TOPIC_PULL, pull);
    assert_non_null(bench->desk);
    assert_int_equal(json_array_size(json_object_get(bench->desk, "records")),
                     1);
    bench->topic.shard = ts_shard(ts_slice_text("roma-02"));
    send_text(bench, TOPIC_PULL, pull);
    assert_null(bench->desk);
    assert_int_equal(alarms(bench, "identity"), 1);
}

/* The limit is of questions for cards: the desk itself goes on. */
static void wants_are_limited(struct bench *bench) {
    json_t *want = json_array();
    struct message_pull pull = {.limit = 10, .want = want};
    struct ts_buf text = {0};

    for (int i = 0; i < 64; i++)
        (void)json_array_append_new(want, json_string(TOKEN));
    message_pull_encode(&text, &pull);
    for (int i = 0; i < 9; i++) {
        bench_send(bench, TOPIC_PULL, ts_buf_slice(&text));
        assert_non_null(bench->desk);
    }
    bench_send(bench, TOPIC_PULL, ts_buf_slice(&text));
    assert_null(bench->desk);
    send_text(bench, TOPIC_PULL, "{\"log\":\"\",\"after\":0,\"limit\":10}");
    assert_non_null(bench->desk);
    ts_buf_fini(&text);
    json_decref(want);
}

#define CASES(X)                                                               \
    X(batch_is_taken_once)                                                     \
    X(an_event_is_one_whichever_way_it_is_read)                                \
    X(overlap_is_taken_from_through)                                           \
    X(gap_is_answered_and_left)                                                \
    X(conflict_is_kept_and_told)                                               \
    X(stranger_is_refused)                                                     \
    X(removed_terminal_is_refused)                                             \
    X(wrong_shard_is_refused)                                                  \
    X(wrong_source_is_refused)                                                 \
    X(wrong_store_is_refused)                                                  \
    X(former_store_stays_welcome)                                              \
    X(former_name_stays_welcome)                                               \
    X(mixed_batches_are_refused)                                               \
    X(clear_number_is_never_kept)                                              \
    X(payment_number_is_never_kept)                                            \
    X(broken_single_moves_on)                                                  \
    X(garbage_is_answered)                                                     \
    X(single_of_wrong_form_is_set_aside)                                       \
    X(unknown_dictionary_is_told)                                              \
    X(resume_is_answered)                                                      \
    X(hole_is_exact_and_told)                                                  \
    X(missing_tail_is_pending)                                                 \
    X(two_heirs_are_a_clone)                                                   \
    X(state_keeps_the_newest)                                                  \
    X(boots_in_turns_are_a_clone)                                              \
    X(four_boots_in_turns_are_a_clone)                                         \
    X(an_old_retained_state_is_no_clone)                                       \
    X(many_boots_are_no_clone)                                                 \
    X(lost_lease_stops)                                                        \
    X(retained_business_is_void)                                               \
    X(quarantine_is_replayed)                                                  \
    X(wants_are_limited)                                                       \
    X(pull_gives_the_own_store_only)
CASES(ON_BOTH)

int main(void) {
#define ROW(name) cmocka_unit_test(test_##name),
    const struct CMUnitTest tests[] = {CASES(ROW)};

    return cmocka_run_group_tests(tests, intake_bench_start, intake_bench_stop);
}
