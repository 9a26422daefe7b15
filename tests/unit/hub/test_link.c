#include "hub/link.h"

#include "hub/registry.h"
#include "hub/rows.h"
#include "tests/support/broker.h"
#include "tests/unit/hub/engines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    LANES = 40,
    ROOM = 8,
    WAIT_MS = 60000,
    ROOM_BYTES = 900 /* of three batches at most */
};

/* A hub and one terminal's end of the broker, in one loop. */
struct stand {
    struct event_base *loop;
    struct db *db;
    struct lease lease;
    struct ts_metrics *metrics;
    struct intake *intake;
    struct link *link;
    struct hub_config config;
    char *folder;
    struct broker *broker;
    struct mqtt *lane;
    bool up;
    unsigned acks[LANES]; /* of each terminal */
    unsigned answered;    /* terminals with an ack */
};

static void must(enum ts_status status, const struct ts_err *err) {
    if (status != TS_OK)
        fail_msg("%s", err->text);
}

static void never(void *ctx, const struct ts_err *reason) {
    (void)ctx;
    fail_msg("%s", reason->text);
}

static void lane_up(void *ctx) {
    struct stand *stand = ctx;
    struct ts_err err;

    must(mqtt_subscribe(stand->lane, "tessera/1/+/+/acks", &err), &err);
    stand->up = true;
}

static void lane_down(void *ctx, const struct ts_err *reason) {
    (void)ctx;
    (void)reason;
}

static void lane_message(void *ctx, struct ts_slice text,
                         struct ts_slice payload, bool retained) {
    struct stand *stand = ctx;
    struct topic topic;
    unsigned lane;

    (void)payload;
    assert_false(retained);
    assert_int_equal(topic_parse(&topic, "tessera", text), TS_OK);
    lane = (unsigned)strtoul(topic.name + strlen("lane-"), NULL, 10);
    assert_true(lane < LANES);
    stand->answered += !stand->acks[lane]++;
}

static void lane_published(void *ctx, int id, int reason) {
    (void)ctx;
    (void)id;
    (void)reason;
}

static struct mqtt_options line_of(const struct stand *stand, const char *id) {
    return (struct mqtt_options){.host = "127.0.0.1",
                                 .port = broker_port(stand->broker),
                                 .client_id = id,
                                 .keepalive_s = 60,
                                 .connect_timeout_s = 20,
                                 .backoff_min_ms = 20,
                                 .backoff_max_ms = 200,
                                 .runtime_dir = stand->folder,
                                 .clock = ts_clock_system()};
}

static void turn(struct stand *stand, int64_t until_ms) {
    struct timeval tick = {.tv_usec = 20000};

    (void)event_base_loopexit(stand->loop, &tick);
    (void)event_base_dispatch(stand->loop);
    if (ts_clock_mono(ts_clock_system()).ms > until_ms)
        fail_msg("waited in vain; %u terminals have an answer",
                 stand->answered);
}

static int64_t deadline(void) {
    return ts_clock_mono(ts_clock_system()).ms + WAIT_MS;
}

static void name_of(char out[TS_NAME_TEXT], unsigned lane) {
    (void)snprintf(out, TS_NAME_TEXT, "lane-%02u", lane);
}

static void open_hub(struct stand *stand, const char *url) {
    struct ts_wall now = ts_clock_wall(ts_clock_system());
    struct intake_options options = {
        .lease = &stand->lease, .clock = ts_clock_system(), .window = 16};
    char name[TS_NAME_TEXT];
    struct ts_err err = {0};

    must(db_open(&stand->db, url, &err), &err);
    must(lease_take(&stand->lease, stand->db, "hub-1", true, now, &err), &err);
    for (unsigned i = 0; i < LANES; i++) {
        name_of(name, i);
        must(registry_add(stand->db, name, "roma-01", now, &err), &err);
    }
    stand->metrics = ts_metrics_new();
    intake_declare(stand->metrics);
    link_declare(stand->metrics);
    options.db = stand->db;
    options.metrics = stand->metrics;
    stand->intake = intake_new(&options);
    stand->config = (struct hub_config){.name = "hub-1",
                                        .root = "tessera",
                                        .window = 16,
                                        .max_waiting = ROOM,
                                        .max_waiting_bytes = 64 << 20,
                                        .mqtt = line_of(stand, "hub-1")};
}

static struct stand *stand_open_on(const char *url) {
    struct stand *stand = ts_alloc(sizeof *stand);
    struct mqtt_events events = {.ctx = stand,
                                 .on_up = lane_up,
                                 .on_down = lane_down,
                                 .on_message = lane_message,
                                 .on_published = lane_published};
    struct mqtt_options options;
    struct link_options link = {.on_lost = never};
    struct ts_err err;
    int64_t until = deadline();

    memset(stand, 0, sizeof *stand);
    stand->loop = event_base_new();
    stand->folder = test_folder_new("link");
    stand->broker = broker_start(stand->folder, 0, "");
    open_hub(stand, url);
    link.loop = stand->loop;
    link.config = &stand->config;
    link.intake = stand->intake;
    link.db = stand->db;
    link.lease = &stand->lease;
    link.metrics = stand->metrics;
    must(link_open(&stand->link, &link, &err), &err);
    options = line_of(stand, "lane");
    must(mqtt_new(&stand->lane, stand->loop, &options, &events, &err), &err);
    mqtt_start(stand->lane);
    while (!stand->up || !link_is_up(stand->link))
        turn(stand, until);
    return stand;
}

static struct stand *stand_open(void) {
    return stand_open_on("sqlite::memory:");
}

static void stand_close(struct stand *stand) {
    mqtt_stop(stand->lane);
    mqtt_free(stand->lane);
    link_close(stand->link);
    intake_free(stand->intake);
    ts_metrics_free(stand->metrics);
    db_close(stand->db);
    broker_stop(stand->broker);
    test_folder_free(stand->folder);
    event_base_free(stand->loop);
    free(stand);
}

/* One batch of `count` events, each with a text of so many characters. */
static void offer_many(struct stand *stand, unsigned lane, const char *store,
                       unsigned count, int filler) {
    struct ts_buf text = {0};
    char name[TS_NAME_TEXT], topic[TOPIC_TEXT];
    struct ts_err err;
    int id;

    name_of(name, lane);
    topic_text(topic, "tessera", ts_shard(ts_slice_text("roma-01")), name,
               TOPIC_EVENTS);
    for (unsigned i = 1; i <= count; i++)
        assert_int_equal(
            ts_buf_printf(
                &text,
                "%s{\"specversion\":\"1.0\",\"source\":\"/stores/%s/terminals/"
                "%s\",\"id\":\"9f2c6a1be07d44%02u-%020u\","
                "\"type\":\"tessera.item.scanned.v1\","
                "\"time\":\"2026-11-21T10:00:00.123Z\","
                "\"journal\":\"9f2c6a1be07d44%02u\",\"sequence\":\"%020u\","
                "\"boot\":\"5d1e88c2\",\"uptime\":\"8812345\","
                "\"clock\":\"set\",\"data\":{\"gtin\":\"05901234123457\","
                "\"filler\":\"%*s\"}}",
                i > 1 ? "," : "[", store, name, lane, i, lane, i, filler, ""),
            TS_OK);
    assert_int_equal(ts_buf_add_text(&text, "]"), TS_OK);
    must(
        mqtt_publish(stand->lane, topic, ts_buf_slice(&text), false, &id, &err),
        &err);
    ts_buf_fini(&text);
}

/* `store` is the event's own: another than the registry's is set aside. */
static void offer(struct stand *stand, unsigned lane, const char *store) {
    offer_many(stand, lane, store, 1, 0);
}

static int64_t events(struct stand *stand) {
    static const struct db_statement count = {"count",
                                              "SELECT COUNT(*) FROM event"};
    int64_t number = -1;
    struct ts_err err = {0};

    must(db_run(stand->db, &count, NULL, 0, row_number, &number, &err), &err);
    return number;
}

static double messages(const struct stand *stand, const char *outcome) {
    char label[64];

    ts_metrics_label(label, sizeof label, "outcome", outcome);
    return ts_metrics_get(stand->metrics, "tessera_messages_total", label);
}

static double held(const struct stand *stand) {
    return ts_metrics_get(stand->metrics, "tessera_held_total", "");
}

/* Five times what has room waits at the broker, and nobody is turned away. */
static void test_broker_keeps_what_has_no_room(void **state) {
    struct stand *stand = stand_open();
    int64_t until = deadline();

    (void)state;
    for (unsigned i = 0; i < LANES; i++)
        offer(stand, i, "roma-01");
    while (stand->answered < LANES)
        turn(stand, until);
    assert_int_equal(events(stand), LANES);
    stand_close(stand);
}

/* Room for many batches, but not for their bytes: the line is not read. */
static void test_bytes_hold_the_line(void **state) {
    struct stand *stand = stand_open();
    int64_t until = deadline();

    (void)state;
    stand->config.max_waiting = 4096;
    stand->config.max_waiting_bytes = ROOM_BYTES;
    for (unsigned i = 0; i < LANES; i++)
        offer(stand, i, "roma-01");
    while (stand->answered < LANES)
        turn(stand, until);
    assert_int_equal(events(stand), LANES);
    assert_true(held(stand) > 0);
    assert_true(messages(stand, "overflow") == 0);
    assert_true(ts_metrics_get(stand->metrics, "tessera_waiting_bytes", "") ==
                0);
    stand_close(stand);
}

/* One batch is enough to hold the line, and it is read again. */
static void test_bytes_of_one_are_room_enough(void **state) {
    struct stand *stand = stand_open();
    int64_t until = deadline();

    (void)state;
    stand->config.max_waiting = 4096;
    stand->config.max_waiting_bytes = 1;
    for (unsigned i = 0; i < LANES; i++)
        offer(stand, i, "roma-01");
    while (stand->answered < LANES)
        turn(stand, until);
    assert_true(held(stand) > 0);
    stand_close(stand);
}

static void run_sql(struct stand *stand, const struct db_statement *statement) {
    struct ts_err err;

    must(db_run(stand->db, statement, NULL, 0, NULL, NULL, &err), &err);
}

/* While nothing can be taken the line is read, and the room is the limit. */
static void test_bytes_over_the_room_are_let_go(void **state) {
    static const struct db_statement away = {
        "away", "ALTER TABLE lane_position RENAME TO elsewhere"};
    static const struct db_statement back = {
        "back", "ALTER TABLE elsewhere RENAME TO lane_position"};
    struct stand *stand = stand_open();
    int64_t until = deadline();

    (void)state;
    stand->config.max_waiting = 4096;
    stand->config.max_waiting_bytes = ROOM_BYTES;
    run_sql(stand, &away);
    while (messages(stand, "overflow") < 1) {
        offer(stand, 0, "roma-01");
        turn(stand, until);
    }
    assert_int_equal(stand->answered, 0);
    run_sql(stand, &back);
    while (!stand->acks[1]) {
        offer(stand, 1, "roma-01");
        turn(stand, until);
    }
    stand_close(stand);
}

/* The one that the database refuses is left out; the others are taken, once. */
static void test_one_failure_takes_nobody_along(void **state) {
    static const struct db_statement away = {
        "away", "ALTER TABLE quarantine RENAME TO elsewhere"};
    struct stand *stand = stand_open();
    int64_t until = deadline();

    (void)state;
    run_sql(stand, &away);
    for (unsigned i = 0; i < 5; i++)
        offer(stand, i, i == 2 ? "elsewhere-1" : "roma-01");
    while (stand->answered < 4 || messages(stand, "left_out") < 1)
        turn(stand, until);
    assert_int_equal(events(stand), 4);
    assert_int_equal(stand->acks[2], 0);
    offer(stand, 5, "roma-01");
    while (stand->answered < 5)
        turn(stand, until);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(stand->acks[i], i != 2);
    stand_close(stand);
}

static int64_t left_out_alarms(struct stand *stand) {
    static const struct db_statement count = {
        "alarms", "SELECT COUNT(*) FROM alarm WHERE kind = 'left_out' "
                  "AND subject = 'lane-02'"};
    int64_t number = -1;
    struct ts_err err;

    must(db_run(stand->db, &count, NULL, 0, row_number, &number, &err), &err);
    return number;
}

/* The others are taken at once, and those that come later; lane 2 gets no
 * word, and an alarm says so. */
static void poison_is_left_out(struct stand *stand) {
    int64_t until = deadline();

    while (stand->answered < 4)
        turn(stand, until);
    for (unsigned i = 0; messages(stand, "left_out") < 1 || stand->answered < 8;
         i++) {
        offer(stand, 5 + i % 4, "roma-01");
        turn(stand, until);
    }
    assert_int_equal(stand->acks[2], 0);
    assert_int_equal(events(stand), 8);
    assert_int_equal(left_out_alarms(stand), 1);
}

static void cured(struct stand *stand) {
    int64_t until = deadline();

    while (!stand->acks[2]) {
        offer(stand, 2, "roma-01");
        turn(stand, until);
    }
}

/* Whatever PostgreSQL says of the one batch. */
static void test_one_poisonous_message(void **state) {
    static const char *const sqlstates[] = {
        "22021", /* a value: TS_INVALID */
        "23505", /* a key: TS_AGAIN */
        "XX001", /* a damaged page: TS_CORRUPT */
        "42501", /* a right, not the lease: TS_IO */
    };
    static const struct db_statement laid = {
        "laid", "CREATE TRIGGER poison BEFORE INSERT ON event FOR EACH ROW "
                "EXECUTE FUNCTION poison()"};
    static const struct db_statement lifted = {"lifted",
                                               "DROP TRIGGER poison ON event"};

    for (size_t at = 0; at < sizeof sqlstates / sizeof *sqlstates; at++) {
        struct stand *stand = stand_open_on(engines_postgres(*state));
        struct ts_buf sql = {0};
        struct db_statement function = {"function", NULL};

        assert_int_equal(
            ts_buf_printf(&sql,
                          "CREATE FUNCTION poison() RETURNS trigger AS $$ "
                          "BEGIN IF NEW.event_key LIKE 'lane-02/%%' THEN "
                          "RAISE 'poison' USING ERRCODE = '%s'; END IF; "
                          "RETURN NEW; END $$ LANGUAGE plpgsql",
                          sqlstates[at]),
            TS_OK);
        function.sql = ts_buf_text(&sql);
        run_sql(stand, &function);
        run_sql(stand, &laid);
        for (unsigned i = 0; i < 5; i++)
            offer(stand, i, "roma-01");
        poison_is_left_out(stand);
        run_sql(stand, &lifted);
        cured(stand);
        stand_close(stand);
        ts_buf_fini(&sql);
    }
}

/* The disk has room for small batches and none for a large one. */
static void test_one_oversize_message(void **state) {
    static const struct db_statement pages = {"pages", "PRAGMA page_count"};
    struct stand *stand = stand_open();
    struct db_statement limit = {"limit", NULL};
    struct ts_buf sql = {0};
    int64_t count = 0;
    struct ts_err err;

    (void)state;
    must(db_run(stand->db, &pages, NULL, 0, row_number, &count, &err), &err);
    assert_int_equal(
        ts_buf_printf(&sql, "PRAGMA max_page_count = %d", (int)count + 20),
        TS_OK);
    limit.sql = ts_buf_text(&sql);
    run_sql(stand, &limit);
    for (unsigned i = 0; i < 5; i++)
        offer_many(stand, i, "roma-01", i == 2 ? 20 : 1, i == 2 ? 8192 : 0);
    poison_is_left_out(stand);
    cured(stand);
    stand_close(stand);
    ts_buf_fini(&sql);
}

static int start(void **state) {
    *state = engines_start();
    return 0;
}

static int stop(void **state) {
    engines_stop(*state);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broker_keeps_what_has_no_room),
        cmocka_unit_test(test_bytes_hold_the_line),
        cmocka_unit_test(test_bytes_of_one_are_room_enough),
        cmocka_unit_test(test_bytes_over_the_room_are_let_go),
        cmocka_unit_test(test_one_failure_takes_nobody_along),
        cmocka_unit_test(test_one_poisonous_message),
        cmocka_unit_test(test_one_oversize_message),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
