#include "tests/unit/hub/intake_bench.h"

#include "hub/registry.h"
#include "hub/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ts_wall wall_fixed(void *ctx) {
    (void)ctx;
    return (struct ts_wall){1795600000000};
}
static struct ts_mono mono_fixed(void *ctx) {
    (void)ctx;
    return (struct ts_mono){5000};
}
bool always(void *ctx) {
    (void)ctx;
    return true;
}
const struct ts_clock bench_clock = {NULL, wall_fixed, mono_fixed, always};

static void on_taken(void *ctx, unsigned shard) {
    struct bench *bench = ctx;

    assert_true(shard < TS_SHARDS);
    assert_false(db_in_transaction(bench->db));
    bench->woken++;
}

void bench_open(struct bench *bench, const char *url) {
    struct intake_options options = {.lease = &bench->lease,
                                     .clock = &bench_clock,
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

void bench_close(struct bench *bench) {
    json_decref(bench->desk);
    intake_free(bench->intake);
    ts_metrics_free(bench->metrics);
    db_close(bench->db);
}

void keep_reply(struct bench *bench, const struct intake_reply *reply) {
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

void bench_send(struct bench *bench, enum topic_leaf leaf,
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

void send_text(struct bench *bench, enum topic_leaf leaf, const char *text) {
    bench_send(bench, leaf, ts_slice_text(text));
}

void event_text(struct ts_buf *out, const struct sample *given) {
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

void send_samples(struct bench *bench, const struct sample *samples,
                  size_t count) {
    struct ts_buf text = {0};

    assert_int_equal(ts_buf_add_text(&text, "["), TS_OK);
    for (size_t i = 0; i < count; i++) {
        if (i)
            assert_int_equal(ts_buf_add_text(&text, ","), TS_OK);
        event_text(&text, &samples[i]);
    }
    assert_int_equal(ts_buf_add_text(&text, "]"), TS_OK);
    bench_send(bench, TOPIC_EVENTS, ts_buf_slice(&text));
    ts_buf_fini(&text);
}

void send_one(struct bench *bench, struct sample sample) {
    send_samples(bench, &sample, 1);
}

/* first to last of the usual journal. */
void send_range(struct bench *bench, uint64_t first, uint64_t last) {
    struct sample samples[64] = {{0}};
    size_t count = (size_t)(last - first + 1);

    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++)
        samples[i].sequence = first + i;
    send_samples(bench, samples, count);
}

void assert_ack(const struct bench *bench, uint64_t through,
                enum batch_refusal refused) {
    assert_string_equal(bench->ack.journal, JOURNAL);
    assert_int_equal(bench->ack.through, through);
    assert_int_equal(bench->ack.refused, refused);
}

int64_t ask_number(struct bench *bench, const char *sql) {
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

int64_t events(struct bench *bench) {
    return ask_number(bench, "SELECT COUNT(*) FROM event");
}
int64_t quarantined(struct bench *bench) {
    return ask_number(bench, "SELECT COUNT(*) FROM quarantine");
}
int64_t alarms(struct bench *bench, const char *kind) {
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

void on_url(const char *url, intake_case *run) {
    struct bench bench;

    bench_open(&bench, url);
    run(&bench);
    bench_close(&bench);
}

int intake_bench_start(void **state_of) {
    *state_of = engines_start();
    return 0;
}

int intake_bench_stop(void **state_of) {
    engines_stop(*state_of);
    return 0;
}
