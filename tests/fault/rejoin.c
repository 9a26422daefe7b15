#include "rejoin.h"

#include "hub/archive.h"
#include "hub/registry.h"
#include "hub/rows.h"
#include "sync/parcel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WINDOW = 16, ACK_TIMEOUT_MS = 5000, FIRST_MONO_MS = 1000 };

static void must(enum ts_status status, const struct ts_err *err) {
    if (status != TS_OK)
        fail_msg("%s", err->text);
}

void rejoin_hub_open(struct rejoin_hub *hub, const char *url,
                     const struct ts_clock *clock) {
    struct intake_options options = {
        .lease = &hub->lease, .clock = clock, .window = WINDOW};
    struct ts_err err = {0};

    *hub = (struct rejoin_hub){.clock = clock};
    must(db_open(&hub->db, url, &err), &err);
    must(lease_take(&hub->lease, hub->db, "hub-1", true, ts_clock_wall(clock),
                    &err),
         &err);
    hub->metrics = ts_metrics_new();
    intake_declare(hub->metrics);
    options.db = hub->db;
    options.metrics = hub->metrics;
    hub->intake = intake_new(&options);
}

void rejoin_hub_close(struct rejoin_hub *hub) {
    intake_free(hub->intake);
    ts_metrics_free(hub->metrics);
    db_close(hub->db);
    *hub = (struct rejoin_hub){.db = NULL};
}

void rejoin_hub_add(struct rejoin_hub *hub, const char *terminal,
                    const char *store) {
    struct registry_entry entry;
    struct ts_err err = {0};

    must(registry_find(hub->db, terminal, &entry, &err), &err);
    if (!entry.known)
        must(registry_add(hub->db, terminal, store, ts_clock_wall(hub->clock),
                          &err),
             &err);
}

int64_t rejoin_hub_number(struct rejoin_hub *hub,
                          const struct db_statement *statement) {
    struct ts_err err = {0};
    int64_t number = -1;

    must(db_run(hub->db, statement, NULL, 0, row_number, &number, &err), &err);
    return number;
}

int64_t rejoin_hub_alarms(struct rejoin_hub *hub, const char *kind) {
    static const struct db_statement times = {
        "rejoin_alarms", "SELECT SUM(times) FROM alarm WHERE kind = $1"};
    struct db_value values[] = {db_cstr(kind)};
    struct ts_err err = {0};
    int64_t number = 0;

    must(db_run(hub->db, &times, values, 1, row_number, &number, &err), &err);
    return number;
}

void rejoin_hub_walk(struct rejoin_hub *hub, const char *store,
                     bool (*each)(void *arg, const struct archive_event *event),
                     void *arg) {
    struct ts_err err = {0};

    must(archive_after(hub->db, ts_shard(ts_slice_text(store)), 0, INT32_MAX,
                       each, arg, &err),
         &err);
}

struct letter {
    struct letter *next;
    enum rejoin_way way;
    enum topic_leaf leaf;
    struct ts_buf payload;
};

struct rejoin {
    struct rejoin_options options;
    struct uplink_core *core;
    struct parcel parcel;
    struct letter *first;
    struct ts_mono now;
    uint32_t random;
    bool up;
};

void rejoin_put(struct rejoin *wire, enum rejoin_way way, enum topic_leaf leaf,
                struct ts_slice payload) {
    struct letter *letter, **end = &wire->first;

    if (wire->options.passes &&
        !wire->options.passes(wire->options.ctx, way, leaf, payload))
        return;
    letter = ts_alloc(sizeof *letter);
    *letter = (struct letter){.way = way, .leaf = leaf};
    assert_int_equal(ts_buf_add(&letter->payload, payload), TS_OK);
    while (*end)
        end = &(*end)->next;
    *end = letter;
}

static enum ts_status on_send(void *ctx, const struct uplink_core_send *send,
                              struct uplink_core_sent *sent,
                              struct ts_err *err) {
    struct rejoin *wire = ctx;
    struct ts_slice payload;
    enum ts_status status = parcel_pack(&wire->parcel, send, sent, err);

    if (status != TS_OK)
        return status;
    payload = ts_buf_slice(&wire->parcel.press->out);
    sent->bytes = payload.len;
    rejoin_put(wire, REJOIN_UP, TOPIC_EVENTS, payload);
    return TS_OK;
}

static enum ts_status on_resume(void *ctx, const struct message_resume *resume,
                                struct ts_err *err) {
    struct ts_buf out = {0};

    (void)err;
    message_resume_encode(&out, resume);
    rejoin_put(ctx, REJOIN_UP, TOPIC_RESUME, ts_buf_slice(&out));
    ts_buf_fini(&out);
    return TS_OK;
}

static void on_hub_time(void *ctx, struct ts_wall hubtime, struct ts_mono at,
                        int64_t error_ms) {
    (void)ctx;
    (void)hubtime;
    (void)at;
    (void)error_ms;
}

/* `state` is the test's own affair. */
static void on_greet(void *ctx) { (void)ctx; }

static uint32_t on_random(void *ctx) {
    struct rejoin *wire = ctx;

    wire->random ^= wire->random << 13;
    wire->random ^= wire->random >> 17;
    wire->random ^= wire->random << 5;
    return wire->random;
}

struct rejoin *rejoin_new(const struct rejoin_options *options) {
    struct rejoin *wire = ts_alloc(sizeof *wire);
    struct uplink_core_options core = {.ack_timeout_ms = ACK_TIMEOUT_MS,
                                       .max_window = WINDOW};
    struct uplink_core_port port = {wire,        on_send,  on_resume,
                                    on_hub_time, on_greet, on_random};
    size_t max_bytes = options->max_publish_bytes ? options->max_publish_bytes
                                                  : BATCH_MAX_PUBLISH;

    *wire = (struct rejoin){
        .options = *options, .now = {FIRST_MONO_MS}, .random = 2463534242U};
    parcel_init(&wire->parcel, &wire->options.source, max_bytes, true, NULL);
    wire->core = uplink_core_new(&core, &wire->options.source, &port);
    return wire;
}

static struct letter *take_letter(struct rejoin *wire) {
    struct letter *letter = wire->first;

    if (letter)
        wire->first = letter->next;
    return letter;
}

static void letter_free(struct letter *letter) {
    ts_buf_fini(&letter->payload);
    free(letter);
}

void rejoin_free(struct rejoin *wire) {
    struct letter *letter;

    if (!wire)
        return;
    while ((letter = take_letter(wire)))
        letter_free(letter);
    uplink_core_free(wire->core);
    parcel_fini(&wire->parcel);
    free(wire);
}

void rejoin_up(struct rejoin *wire) {
    wire->up = true;
    uplink_core_up(wire->core, wire->now);
}

void rejoin_hub_back(struct rejoin *wire) {
    uplink_core_hub_back(wire->core, wire->now);
}

void rejoin_down(struct rejoin *wire) {
    wire->up = false;
    uplink_core_down(wire->core);
}

void rejoin_notify(struct rejoin *wire) {
    uplink_core_notify(wire->core, wire->now);
}

void rejoin_say_state(struct rejoin *wire, const struct message_state *state) {
    struct ts_buf out = {0};

    message_state_encode(&out, state);
    rejoin_put(wire, REJOIN_UP, TOPIC_STATE, ts_buf_slice(&out));
    ts_buf_fini(&out);
}

static void to_hub(struct rejoin *wire, const struct letter *letter) {
    struct topic topic = {.shard = ts_shard(ts_slice_text(wire->options.store)),
                          .leaf = letter->leaf};
    struct intake_reply reply;
    struct ts_err err = {0};

    (void)snprintf(topic.name, sizeof topic.name, "%s", wire->options.terminal);
    must(intake_message(wire->options.hub->intake, &topic,
                        ts_buf_slice(&letter->payload), false, &reply, &err),
         &err);
    if (reply.any)
        rejoin_put(wire, REJOIN_DOWN, reply.leaf, ts_buf_slice(&reply.payload));
    intake_reply_fini(&reply);
}

static void to_terminal(struct rejoin *wire, const struct letter *letter) {
    struct message_ack ack;
    struct ts_err err = {0};
    json_t *json = NULL;

    if (letter->leaf != TOPIC_ACKS)
        return;
    must(ts_json_parse(&json, ts_buf_slice(&letter->payload), &err), &err);
    must(message_ack_decode(&ack, json, &err), &err);
    json_decref(json);
    uplink_core_on_ack(wire->core, wire->now, &ack);
}

static void carry_all(struct rejoin *wire) {
    struct letter *letter;

    while ((letter = take_letter(wire))) {
        if (letter->way == REJOIN_UP)
            to_hub(wire, letter);
        else
            to_terminal(wire, letter);
        letter_free(letter);
    }
}

bool rejoin_run(struct rejoin *wire, int64_t limit_ms) {
    int64_t end_ms = wire->now.ms + limit_ms;
    struct ts_mono at;

    carry_all(wire);
    while (wire->up && uplink_core_deadline(wire->core, &at) &&
           at.ms <= end_ms) {
        if (at.ms > wire->now.ms)
            wire->now = at;
        else
            wire->now.ms++;
        uplink_core_pump(wire->core, wire->now);
        carry_all(wire);
    }
    return !rejoin_status(wire).unsent;
}

struct uplink_core_status rejoin_status(const struct rejoin *wire) {
    struct uplink_core_status status;

    uplink_core_get_status(wire->core, &status);
    return status;
}
