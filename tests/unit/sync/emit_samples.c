/* emit_samples        one line a payload, as the product encodes it
 * emit_samples check  reads {"schema", "payload"} lines and says of each what
 *                     the decoder says: "ok", or "no" and the reason
 * tests/system/schema.test.mjs holds both against the JSON Schemas. */
#include "sync/batch.h"
#include "sync/event.h"
#include "sync/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char journal[] = "9f2c6a1be07d4455";
static const char token[] = "c1.uKCh5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqY";
static const char print[] = "u1.uKCh5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqY";
static const struct ts_wall noon = {1795255200123LL};

static void emit(const char *schema, struct ts_buf *payload) {
    (void)printf("{\"schema\":\"%s\",\"payload\":%s}\n", schema,
                 ts_buf_text(payload));
    ts_buf_clear(payload);
}

static void emit_event(const char *type, json_t *take_data, bool in_visit) {
    static const struct event_origin origin = {"milano-01", "milano-01-lane-3",
                                               "5d1e88c2"};
    struct event event = {
        .type = type,
        .time = noon,
        .uptime = {8812345},
        .clock = in_visit ? EVENT_CLOCK_SET : EVENT_CLOCK_UNSET,
        .visit = in_visit ? "0192f3c4-0000-7000-8000-000000000001" : NULL,
        .data = take_data,
    };
    struct ts_buf out = {0};
    struct ts_err err;

    if (event_encode(&out, &origin, journal, 42, &event, &err) != TS_OK) {
        (void)fprintf(stderr, "%s: %s\n", type, err.text);
        exit(1);
    }
    emit("event", &out);
    json_decref(take_data);
    ts_buf_fini(&out);
}

static void emit_machine_events(void) {
    emit_event("terminal.started", json_pack("{s:s}", "version", "0.1.0"),
               false);
    emit_event("terminal.started",
               json_pack("{s:s, s:s, s:s}", "version", "0.1.0", "previous",
                         journal, "previous_last", "00000000000000000041"),
               false);
    emit_event("clock.corrected",
               json_pack("{s:s, s:s, s:s, s:i}", "boot", "5d1e88c2", "uptime",
                         "8812000", "hubtime", "2026-11-21T10:00:00.000Z",
                         "error_ms", 40),
               false);
    emit_event("clock.stepped", json_pack("{s:i}", "by_ms", -1200), false);
    emit_event("reader.attached", json_pack("{s:s}", "reader", "hand"), false);
    emit_event("reader.detached", json_pack("{s:s}", "reader", "hand"), false);
    emit_event("reader.faulted", json_pack("{s:s}", "reader", "hand"), false);
    emit_event("scan.rejected",
               json_pack("{s:s, s:s, s:i}", "reader", "hand", "error",
                         "bad_checksum", "count", 2),
               true);
    emit_event("payment_card.refused", json_pack("{s:s}", "reader", "hand"),
               true);
    emit_event("journal.refused",
               json_pack("{s:s, s:i, s:s, s:s}", "class", "telemetry", "count",
                         12, "since", "2026-11-21T10:00:00.000Z", "reason",
                         "full"),
               false);
    emit_event("journal.damaged",
               json_pack("{s:i, s:i}", "salvaged", 120, "lost", 1), false);
    emit_event("erase.done", json_pack("{s:i}", "position", 77), false);
}

static void emit_scan_events(void) {
    emit_event("card.presented",
               json_pack("{s:s, s:s, s:s, s:s}", "reader", "hand", "card",
                         token, "masked",
                         "\xc2\xb7\xc2\xb7\xc2\xb7\xc2\xb7 6538", "symbology",
                         "EAN-13"),
               true);
    emit_event("card.presented",
               json_pack("{s:s, s:s, s:s, s:s, s:s}", "reader", "hand", "card",
                         token, "card_was", token, "masked", "", "symbology",
                         "QR Code"),
               true);
    emit_event("item.scanned",
               json_pack("{s:s, s:s, s:s, s:i, s:i}", "reader", "hand", "gtin",
                         "08001234567894", "symbology", "EAN-13", "quantity", 1,
                         "weight_g", 452),
               true);
    emit_event("item.scanned",
               json_pack("{s:s, s:s, s:s}", "reader", "hand", "code",
                         "BAG-SMALL", "symbology", "Code 128"),
               true);
    emit_event("item.scanned",
               json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:s, s:s, s:s}",
                         "reader", "hand", "gtin", "02001230000009",
                         "symbology", "GS1 DataBar", "quantity", 1, "weight_g",
                         1250, "price_minor", 499, "currency", "EUR", "lot",
                         "L-7", "expiry", "2026-12-31"),
               true);
    emit_event("coupon.presented",
               json_pack("{s:s, s:s, s:s}", "reader", "hand", "coupon",
                         "8110-0614141-012345", "symbology", "GS1 DataBar"),
               true);
    emit_event("item.voided",
               json_pack("{s:s, s:s}", "journal", journal, "sequence",
                         "00000000000000000040"),
               true);
    emit_event("code.unknown",
               json_pack("{s:s, s:s, s:i, s:s}", "reader", "hand", "symbology",
                         "Code 39", "length", 12, "print", print),
               true);
}

static void emit_visit_events(void) {
    static const char *const offers[] = {"offer.shown", "offer.accepted",
                                         "offer.declined", "offer.redeemed"};

    emit_event("visit.opened", json_pack("{s:s}", "kind", "checkout"), true);
    emit_event("visit.closed",
               json_pack("{s:s, s:s, s:s, s:i, s:s}", "kind", "checkout",
                         "outcome", "paid", "receipt", "00004711",
                         "total_minor", 2345, "currency", "EUR"),
               true);
    emit_event("visit.closed",
               json_pack("{s:s, s:s}", "kind", "kiosk", "outcome", "timeout"),
               true);
    emit_event("checkin.made", json_pack("{s:s}", "reader", "hand"), true);
    for (size_t i = 0; i < sizeof offers / sizeof *offers; i++)
        emit_event(offers[i],
                   json_pack("{s:s, s:s}", "offer", "spring-coffee", "place",
                             "checkout"),
                   true);
    emit_event("consent.changed",
               json_pack("{s:s, s:b, s:s}", "purpose", "offers", "granted", 1,
                         "card", token),
               true);
    emit_event("feedback.given",
               json_pack("{s:s, s:i, s:s}", "question", "visit-today", "score",
                         4, "text", "quick"),
               true);
}

static void emit_acks(struct ts_buf *out) {
    struct message_ack ack = {.through = 42, .window = 8, .hubtime = noon};
    struct message_resume resume = {.oldest = 1, .newest = 42};

    memcpy(ack.journal, journal, sizeof journal);
    memcpy(resume.journal, journal, sizeof journal);
    for (unsigned i = BATCH_TAKEN; i <= BATCH_REFUSED_BUSY; i++) {
        ack.refused = (enum batch_refusal)i;
        message_ack_encode(out, &ack);
        emit("ack", out);
    }
    message_resume_encode(out, &resume);
    emit("resume", out);
}

static void emit_states(struct ts_buf *out) {
    struct message_state state = {.online = true,
                                  .boot = "5d1e88c2",
                                  .session = 17,
                                  .version = "0.1.0",
                                  .store = "milano-01"};
    struct message_hub hub = {
        .online = true, .epoch = 3, .dicts = {32770, 32769}, .window = 8};

    memcpy(state.journal, journal, sizeof journal);
    message_state_encode(out, &state);
    emit("state", out);
    state.online = false;
    state.unsent = 12;
    state.has_oldest = true;
    state.oldest_unsent = noon;
    message_state_encode(out, &state);
    emit("state", out);
    message_hub_encode(out, &hub);
    emit("hub", out);
    hub.dict_count = 1;
    message_hub_encode(out, &hub);
    emit("hub", out);
}

static void emit_pulls(struct ts_buf *out) {
    json_t *want = json_pack("[s]", token);
    struct message_pull pull = {.after = 0, .limit = 500};
    struct message_bell bell = {.through = 77};

    memcpy(bell.log, journal, sizeof journal);
    message_bell_encode(out, &bell);
    emit("bell", out);
    message_pull_encode(out, &pull);
    emit("pull", out);
    memcpy(pull.log, journal, sizeof journal);
    pull.after = 77;
    pull.want = want;
    message_pull_encode(out, &pull);
    emit("pull", out);
    json_decref(want);
}

static void emit_desk(struct ts_buf *out) {
    json_t *records = json_array();
    json_t *value = json_pack("{s:s}", "name", "Ada");
    struct message_desk desk = {.from = 10, .to = 15, .records = records};

    memcpy(desk.log, journal, sizeof journal);
    for (unsigned kind = DESK_PROFILE; kind <= DESK_REDEMPTION; kind++) {
        struct message_desk_record record = {
            .position = 11 + kind,
            .kind = (enum desk_kind)kind,
            .key = ts_slice_text(token),
            .value = kind == DESK_ERASE ? NULL : value,
            .has_expires = kind == DESK_OFFER,
            .expires = noon,
        };
        (void)json_array_append_new(records, message_desk_record_json(&record));
    }
    message_desk_encode(out, &desk);
    emit("desk", out);
    desk.has_range = true;
    desk.more = true;
    message_desk_encode(out, &desk);
    emit("desk", out);
    json_decref(value);
    json_decref(records);
}

static enum ts_status check_desk(const json_t *json, struct ts_err *err) {
    struct message_desk desk;
    enum ts_status status = message_desk_decode(&desk, json, err);
    size_t index;
    const json_t *record;

    if (status != TS_OK)
        return status;
    json_array_foreach(desk.records, index, record) {
        struct message_desk_record read;
        status = message_desk_record_decode(&read, record, err);
        if (status != TS_OK)
            break;
    }
    return status;
}

static enum ts_status check_batch(const json_t *json, struct ts_err *err) {
    struct batch_codec *codec = batch_codec_shipped();
    struct ts_buf text = {0};
    json_t *events = NULL;
    size_t index;
    const json_t *event;
    enum ts_status status = ts_json_compact(&text, json);

    if (status == TS_OK &&
        batch_decode(codec, ts_buf_slice(&text), &events, err) != BATCH_TAKEN)
        status = TS_INVALID;
    json_array_foreach(events, index, event) {
        struct event_view view;
        if (status == TS_OK)
            status = event_parse(&view, event, err);
    }
    json_decref(events);
    ts_buf_fini(&text);
    batch_codec_free(codec);
    return status;
}

static enum ts_status check(const char *schema, const json_t *json,
                            struct ts_err *err) {
    union {
        struct event_view event;
        struct message_ack ack;
        struct message_resume resume;
        struct message_state state;
        struct message_pull pull;
        struct message_bell bell;
        struct message_hub hub;
    } out;

    if (!strcmp(schema, "event"))
        return event_parse(&out.event, json, err);
    if (!strcmp(schema, "batch"))
        return check_batch(json, err);
    if (!strcmp(schema, "ack"))
        return message_ack_decode(&out.ack, json, err);
    if (!strcmp(schema, "resume"))
        return message_resume_decode(&out.resume, json, err);
    if (!strcmp(schema, "state"))
        return message_state_decode(&out.state, json, err);
    if (!strcmp(schema, "pull"))
        return message_pull_decode(&out.pull, json, err);
    if (!strcmp(schema, "desk"))
        return check_desk(json, err);
    if (!strcmp(schema, "bell"))
        return message_bell_decode(&out.bell, json, err);
    if (!strcmp(schema, "hub"))
        return message_hub_decode(&out.hub, json, err);
    return ts_fail(err, TS_INVALID, "no such schema: %s", schema);
}

static int check_lines(void) {
    char *line = NULL;
    size_t size = 0;
    ssize_t len;

    while ((len = getline(&line, &size, stdin)) > 0) {
        json_t *sample = NULL;
        struct ts_err err;
        if (ts_json_parse(&sample, ts_slice_of(line, (size_t)len), &err) !=
                TS_OK ||
            !json_is_string(json_object_get(sample, "schema"))) {
            (void)fprintf(stderr, "not a sample: %s", line);
            json_decref(sample);
            free(line);
            return 1;
        }
        if (check(json_string_value(json_object_get(sample, "schema")),
                  json_object_get(sample, "payload"), &err) == TS_OK)
            (void)printf("ok\n");
        else
            (void)printf("no %s\n", err.text);
        json_decref(sample);
    }
    free(line);
    return 0;
}

int main(int argc, char **argv) {
    struct ts_buf out = {0};

    if (argc > 1 && !strcmp(argv[1], "check"))
        return check_lines();
    emit_machine_events();
    emit_scan_events();
    emit_visit_events();
    emit_acks(&out);
    emit_states(&out);
    emit_pulls(&out);
    emit_desk(&out);
    ts_buf_fini(&out);
    return 0;
}
