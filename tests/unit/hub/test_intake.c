#include "hub/intake.h"

#include "base/ids.h"
#include "hub/archive.h"
#include "hub/desk.h"
#include "hub/registry.h"
#include "hub/rows.h"
#include "tests/unit/hub/engines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LANE    "milano-01-lane-3"
#define STORE   "milano-01"
#define JOURNAL "9f2c6a1be07d4455"
#define TOKEN   "c1.uKCh5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqY"

/* One hub without broker: a database, its lease, and intake. */
struct bench {
    struct db *db;
    struct lease lease;
    struct ts_metrics *metrics;
    struct intake *intake;
    struct topic topic;
    struct message_ack ack; /* the last one, journal "" when none came */
    json_t *desk;           /* the last desk answer */
    unsigned woken;
    bool retained; /* what is sent comes retained */
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

static void on_taken(void *ctx, unsigned shard) {
    struct bench *bench = ctx;

    assert_true(shard < TS_SHARDS);
    assert_false(db_in_transaction(bench->db));
    bench->woken++;
}

static void bench_open(struct bench *bench, const char *url) {
    struct intake_options options = {.lease = &bench->lease,
                                     .clock = &fixed,
                                     .window = 16,
                                     .on_taken = on_taken,
                                     .ctx = bench};
    struct ts_err err = {0};

    memset(bench, 0, sizeof *bench);
    if (db_open(&bench->db, url, &err) != TS_OK ||
        lease_take(&bench->lease, bench->db, "hub-1", true, wall_fixed(NULL),
                   &err) != TS_OK ||
        registry_add(bench->db, LANE, STORE, wall_fixed(NULL), &err) != TS_OK)
        fail_msg("%s", err.text);
    bench->metrics = ts_metrics_new();
    intake_declare(bench->metrics);
    options.db = bench->db;
    options.metrics = bench->metrics;
    bench->intake = intake_new(&options);
    (void)snprintf(bench->topic.name, sizeof bench->topic.name, LANE);
    bench->topic.shard = ts_shard(ts_slice_text(STORE));
}

static void bench_close(struct bench *bench) {
    json_decref(bench->desk);
    intake_free(bench->intake);
    ts_metrics_free(bench->metrics);
    db_close(bench->db);
}

static void keep_reply(struct bench *bench, const struct intake_reply *reply) {
    json_t *json = NULL;
    struct ts_err err = {0};

    memset(&bench->ack, 0, sizeof bench->ack);
    json_decref(bench->desk);
    bench->desk = NULL;
    if (!reply->any)
        return;
    assert_int_equal(ts_json_parse(&json, ts_buf_slice(&reply->payload), &err),
                     TS_OK);
    if (reply->leaf == TOPIC_ACKS) {
        assert_int_equal(message_ack_decode(&bench->ack, json, &err), TS_OK);
        assert_int_equal(bench->ack.window, 16);
        json_decref(json);
    } else {
        bench->desk = json;
    }
}

static void send(struct bench *bench, enum topic_leaf leaf,
                 struct ts_slice payload) {
    struct intake_reply reply;
    struct ts_err err = {0};

    bench->topic.leaf = leaf;
    if (intake_message(bench->intake, &bench->topic, payload, bench->retained,
                       &reply, &err) != TS_OK)
        fail_msg("%s", err.text);
    keep_reply(bench, &reply);
    intake_reply_fini(&reply);
}

static void send_text(struct bench *bench, enum topic_leaf leaf,
                      const char *text) {
    send(bench, leaf, ts_slice_text(text));
}

/* An event as a terminal writes it. */
struct sample {
    const char *store, *terminal, *journal, *type, *data;
    uint64_t sequence;
};

static void event_text(struct ts_buf *out, const struct sample *given) {
    struct sample s = *given;

    s.store = s.store ? s.store : STORE;
    s.terminal = s.terminal ? s.terminal : LANE;
    s.journal = s.journal ? s.journal : JOURNAL;
    s.type = s.type ? s.type : "item.scanned";
    s.data = s.data ? s.data : "{\"gtin\":\"05901234123457\"}";
    assert_int_equal(
        ts_buf_printf(
            out,
            "{\"specversion\":\"1.0\",\"source\":\"/stores/%s/terminals/%s\","
            "\"id\":\"%s-%020llu\",\"type\":\"tessera.%s.v1\","
            "\"time\":\"2026-11-21T10:00:00.123Z\",\"journal\":\"%s\","
            "\"sequence\":\"%020llu\",\"boot\":\"5d1e88c2\","
            "\"uptime\":\"8812345\",\"clock\":\"set\",\"data\":%s}",
            s.store, s.terminal, s.journal, (unsigned long long)s.sequence,
            s.type, s.journal, (unsigned long long)s.sequence, s.data),
        TS_OK);
}

static void send_samples(struct bench *bench, const struct sample *samples,
                         size_t count) {
    struct ts_buf text = {0};

    assert_int_equal(ts_buf_add_text(&text, "["), TS_OK);
    for (size_t i = 0; i < count; i++) {
        if (i)
            assert_int_equal(ts_buf_add_text(&text, ","), TS_OK);
        event_text(&text, &samples[i]);
    }
    assert_int_equal(ts_buf_add_text(&text, "]"), TS_OK);
    send(bench, TOPIC_EVENTS, ts_buf_slice(&text));
    ts_buf_fini(&text);
}

static void send_one(struct bench *bench, struct sample sample) {
    send_samples(bench, &sample, 1);
}

/* first to last of the usual journal. */
static void send_range(struct bench *bench, uint64_t first, uint64_t last) {
    struct sample samples[64] = {{0}};
    size_t count = (size_t)(last - first + 1);

    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++)
        samples[i].sequence = first + i;
    send_samples(bench, samples, count);
}

static void assert_ack(const struct bench *bench, uint64_t through,
                       enum batch_refusal refused) {
    assert_string_equal(bench->ack.journal, JOURNAL);
    assert_int_equal(bench->ack.through, through);
    assert_int_equal(bench->ack.refused, refused);
}

static int64_t ask_number(struct bench *bench, const char *sql) {
    /* Prepared statements are known by their address. */
    static struct db_statement statements[256];
    static size_t used;
    struct ts_err err = {0};
    int64_t number = -1;
    struct db_statement *statement = NULL;

    for (size_t i = 0; i < used && !statement; i++)
        if (!strcmp(statements[i].sql, sql))
            statement = &statements[i];
    if (!statement) {
        statement = &statements[used++];
        *statement = (struct db_statement){"ask", sql};
    }
    if (db_run(bench->db, statement, NULL, 0, row_number, &number, &err) !=
        TS_OK)
        fail_msg("%s", err.text);
    return number;
}

static int64_t events(struct bench *bench) {
    return ask_number(bench, "SELECT COUNT(*) FROM event");
}
static int64_t quarantined(struct bench *bench) {
    return ask_number(bench, "SELECT COUNT(*) FROM quarantine");
}
static int64_t alarms(struct bench *bench, const char *kind) {
    static const char *const kinds[][2] = {
        {"identity", "SELECT COUNT(*) FROM alarm WHERE kind = 'identity'"},
        {"conflict", "SELECT COUNT(*) FROM alarm WHERE kind = 'conflict'"},
        {"clone", "SELECT COUNT(*) FROM alarm WHERE kind = 'clone'"},
        {"hole", "SELECT COUNT(*) FROM alarm WHERE kind = 'hole'"},
        {"refused", "SELECT COUNT(*) FROM alarm WHERE kind = 'refused'"},
        {"rewound", "SELECT COUNT(*) FROM alarm WHERE kind = 'rewound'"},
        {"payment_card",
         "SELECT COUNT(*) FROM alarm WHERE kind = 'payment_card'"},
    };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i][0], kind))
            return ask_number(bench, kinds[i][1]);
    fail();
    return 0;
}

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
    send(bench, TOPIC_EVENTS, ts_slice_of(frame, sizeof frame));
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
    send(bench, TOPIC_EVENTS, ts_slice_of(frame, sizeof frame));
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

/* One batch of each of some terminals, taken together. */
enum { CROWD = 5 };
struct crowd {
    struct topic topics[CROWD];
    struct ts_buf texts[CROWD];
    struct intake_item items[CROWD];
};

static void crowd_open(struct crowd *crowd, struct bench *bench) {
    memset(crowd, 0, sizeof *crowd);
    for (unsigned i = 0; i < CROWD; i++) {
        struct topic *topic = &crowd->topics[i];
        char store[32];
        struct sample sample = {
            .sequence = 1, .store = store, .terminal = topic->name};

        (void)snprintf(store, sizeof store, "roma-0%u", i % 3);
        (void)snprintf(topic->name, sizeof topic->name, "roma-lane-%u", i);
        topic->shard = ts_shard(ts_slice_text(store));
        topic->leaf = TOPIC_EVENTS;
        assert_int_equal(
            registry_add(bench->db, topic->name, store, wall_fixed(NULL), NULL),
            TS_OK);
        assert_int_equal(ts_buf_add_text(&crowd->texts[i], "["), TS_OK);
        event_text(&crowd->texts[i], &sample);
        assert_int_equal(ts_buf_add_text(&crowd->texts[i], "]"), TS_OK);
        crowd->items[i] = (struct intake_item){
            .topic = topic, .payload = ts_buf_slice(&crowd->texts[i])};
    }
}

static void crowd_close(struct crowd *crowd) {
    for (unsigned i = 0; i < CROWD; i++) {
        intake_reply_fini(&crowd->items[i].reply);
        ts_buf_fini(&crowd->texts[i]);
    }
}

static void assert_no_replies(const struct crowd *crowd) {
    for (unsigned i = 0; i < CROWD; i++) {
        assert_false(crowd->items[i].reply.any);
        assert_int_equal(crowd->items[i].reply.payload.len, 0);
    }
}

static void group_is_one_commit(struct bench *bench) {
    struct crowd crowd;
    struct ts_err err = {0};
    size_t taken = 0;

    crowd_open(&crowd, bench);
    if (intake_group(bench->intake, crowd.items, CROWD, &taken, &err) != TS_OK)
        fail_msg("%s", err.text);
    assert_int_equal(taken, CROWD);
    for (unsigned i = 0; i < CROWD; i++) {
        keep_reply(bench, &crowd.items[i].reply);
        assert_ack(bench, 1, BATCH_TAKEN);
    }
    assert_int_equal(events(bench), CROWD);
    assert_int_equal(bench->woken, 3); /* once a shard */
    assert_int_equal(ask_number(bench, "SELECT COUNT(*) FROM take_count "
                                       "WHERE name = 'archived'"),
                     3);
    assert_int_equal(ask_number(bench, "SELECT SUM(value) FROM take_count "
                                       "WHERE name = 'archived'"),
                     CROWD);
    crowd_close(&crowd);
}

/* Of one lane, in the order in which they came. */
static void group_keeps_the_order(struct bench *bench) {
    struct crowd crowd;
    size_t taken = 0;

    crowd_open(&crowd, bench);
    for (unsigned i = 0; i < CROWD; i++) {
        crowd.topics[i] = crowd.topics[0];
        ts_buf_clear(&crowd.texts[i]);
        assert_int_equal(ts_buf_add_text(&crowd.texts[i], "["), TS_OK);
        event_text(&crowd.texts[i], &(struct sample){.store = "roma-00",
                                                     .terminal = "roma-lane-0",
                                                     .sequence = i + 1});
        assert_int_equal(ts_buf_add_text(&crowd.texts[i], "]"), TS_OK);
        crowd.items[i].payload = ts_buf_slice(&crowd.texts[i]);
    }
    assert_int_equal(
        intake_group(bench->intake, crowd.items, CROWD, &taken, NULL), TS_OK);
    for (unsigned i = 0; i < CROWD; i++) {
        keep_reply(bench, &crowd.items[i].reply);
        assert_ack(bench, i + 1, BATCH_TAKEN);
    }
    assert_int_equal(events(bench), CROWD);
    crowd_close(&crowd);
}

static void run_sql(struct bench *bench, const struct db_statement *statement) {
    struct ts_err err = {0};

    if (db_run(bench->db, statement, NULL, 0, NULL, NULL, &err) != TS_OK)
        fail_msg("%s", err.text);
}

/* The third must go to quarantine, and there is none. */
static void group_fails_as_a_whole(struct bench *bench) {
    static const struct db_statement away = {
        "away", "ALTER TABLE quarantine RENAME TO elsewhere"};
    struct crowd crowd;
    struct intake_reply reply;
    struct ts_err err = {0};
    size_t taken = 0;

    crowd_open(&crowd, bench);
    crowd.topics[2] = crowd.topics[1];
    run_sql(bench, &away);
    assert_int_equal(
        intake_group(bench->intake, crowd.items, CROWD, &taken, &err),
        TS_INVALID);
    assert_int_equal(taken, 0);
    assert_no_replies(&crowd);
    assert_false(db_in_transaction(bench->db));
    assert_int_equal(events(bench) + bench->woken, 0);
    /* One by one, only that one is left. */
    for (unsigned i = 0; i < CROWD; i++) {
        assert_int_equal(intake_message(bench->intake, &crowd.topics[i],
                                        crowd.items[i].payload, false, &reply,
                                        NULL),
                         i == 2 ? TS_INVALID : TS_OK);
        assert_int_equal(reply.any, i != 2);
        intake_reply_fini(&reply);
    }
    assert_int_equal(events(bench), CROWD - 1);
    crowd_close(&crowd);
}

static void lost_lease_stops_a_group(struct bench *bench) {
    static const struct db_statement taken_over = {
        "taken_over", "UPDATE shard_lease SET epoch = epoch + 1"};
    struct crowd crowd;
    struct ts_err err = {0};
    size_t taken = 0;

    crowd_open(&crowd, bench);
    run_sql(bench, &taken_over);
    assert_int_equal(
        intake_group(bench->intake, crowd.items, CROWD, &taken, &err),
        TS_DENIED);
    assert_no_replies(&crowd);
    assert_int_equal(events(bench), 0);
    crowd_close(&crowd);
}

static struct ts_mono mono_runs(void *ctx) {
    static struct ts_mono now;

    (void)ctx;
    now.ms += INTAKE_GROUP_MOST_MS;
    return now;
}

/* Each look at the clock is a whole turn later. */
static void slow_group_ends_early(struct bench *bench) {
    static const struct ts_clock runs = {NULL, wall_fixed, mono_runs, always};
    struct intake_options options = {.db = bench->db,
                                     .lease = &bench->lease,
                                     .metrics = bench->metrics,
                                     .clock = &runs,
                                     .window = 16};
    struct intake *slow = intake_new(&options);
    struct crowd crowd;
    size_t taken = 0;

    crowd_open(&crowd, bench);
    assert_int_equal(intake_group(slow, crowd.items, CROWD, &taken, NULL),
                     TS_OK);
    assert_int_equal(taken, 1);
    assert_true(crowd.items[0].reply.any);
    assert_false(crowd.items[1].reply.any);
    assert_int_equal(events(bench), 1);
    crowd_close(&crowd);
    intake_free(slow);
}

/* A constraint that is looked at by the commit alone. */
static void test_failed_commit_answers_nothing(void **state_of) {
    static const struct db_statement steps[] = {
        {"f0", "PRAGMA foreign_keys = ON"},
        {"f1", "CREATE TABLE owner (id INTEGER PRIMARY KEY)"},
        {"f2", "CREATE TABLE owned (id INTEGER REFERENCES owner (id) "
               "DEFERRABLE INITIALLY DEFERRED)"},
        {"f3", "CREATE TRIGGER late AFTER INSERT ON event BEGIN "
               "INSERT INTO owned VALUES (7); END"},
        {"f4", "INSERT INTO owner VALUES (7)"},
    };
    struct bench bench;
    struct crowd crowd;
    size_t taken = 0;

    (void)state_of;
    bench_open(&bench, "sqlite::memory:");
    crowd_open(&crowd, &bench);
    for (size_t i = 0; i < 4; i++)
        run_sql(&bench, &steps[i]);
    assert_int_not_equal(
        intake_group(bench.intake, crowd.items, CROWD, &taken, NULL), TS_OK);
    assert_no_replies(&crowd);
    assert_int_equal(taken, 0);
    assert_int_equal(events(&bench) + bench.woken, 0);
    run_sql(&bench, &steps[4]);
    assert_int_equal(
        intake_group(bench.intake, crowd.items, CROWD, &taken, NULL), TS_OK);
    assert_true(crowd.items[CROWD - 1].reply.any);
    assert_int_equal(events(&bench), CROWD);
    crowd_close(&crowd);
    bench_close(&bench);
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

typedef void intake_case(struct bench *bench);

/* The limit is of questions for cards: the desk itself goes on. */
static void wants_are_limited(struct bench *bench) {
    json_t *want = json_array();
    struct message_pull pull = {.limit = 10, .want = want};
    struct ts_buf text = {0};

    for (int i = 0; i < 64; i++)
        (void)json_array_append_new(want, json_string(TOKEN));
    message_pull_encode(&text, &pull);
    for (int i = 0; i < 9; i++) {
        send(bench, TOPIC_PULL, ts_buf_slice(&text));
        assert_non_null(bench->desk);
    }
    send(bench, TOPIC_PULL, ts_buf_slice(&text));
    assert_null(bench->desk);
    send_text(bench, TOPIC_PULL, "{\"log\":\"\",\"after\":0,\"limit\":10}");
    assert_non_null(bench->desk);
    ts_buf_fini(&text);
    json_decref(want);
}

static void on_url(const char *url, intake_case *run) {
    struct bench bench;

    bench_open(&bench, url);
    run(&bench);
    bench_close(&bench);
}

#define ON_BOTH(name)                                                          \
    static void test_##name(void **state_of) {                                 \
        on_url("sqlite::memory:", name);                                       \
        on_url(engines_postgres(*state_of), name);                             \
    }
#define CASES(X)                                                               \
    X(batch_is_taken_once)                                                     \
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
    X(group_is_one_commit)                                                     \
    X(group_keeps_the_order)                                                   \
    X(group_fails_as_a_whole)                                                  \
    X(lost_lease_stops_a_group)                                                \
    X(slow_group_ends_early)                                                   \
    X(quarantine_is_replayed)                                                  \
    X(wants_are_limited)                                                       \
    X(pull_gives_the_own_store_only)
CASES(ON_BOTH)

static int start(void **state_of) {
    *state_of = engines_start();
    return 0;
}

static int stop(void **state_of) {
    engines_stop(*state_of);
    return 0;
}

int main(void) {
#define ROW(name) cmocka_unit_test(test_##name),
    const struct CMUnitTest tests[] = {
        CASES(ROW) cmocka_unit_test(test_failed_commit_answers_nothing)};

    return cmocka_run_group_tests(tests, start, stop);
}
