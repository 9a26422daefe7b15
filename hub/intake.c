#include "hub/intake.h"

#include "base/log.h"
#include "hub/archive.h"
#include "hub/desk.h"
#include "hub/rows.h"
#include "hub/sure.h"
#include "hub/take.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WANT_SLOTS = 1024, WANT_PER_MINUTE = 600, MINUTE_MS = 60000 };

/* How many cards a terminal asked for in its present minute; terminals that
 * share a slot share the allowance of whoever came last. */
struct want_slot {
    uint32_t terminal;
    int64_t minute;
    unsigned count;
};

struct intake {
    struct intake_options options;
    struct batch_codec *codec;
    struct want_slot wants[WANT_SLOTS];
};

enum { QUARANTINED, OWNER, REPLAYED };

const struct db_statement intake_statements[] = {
    [QUARANTINED] = {"intake_quarantined",
                     "SELECT raw FROM quarantine WHERE id = $1"},
    [OWNER] = {"intake_owner",
               "SELECT t.terminal FROM terminal_source s "
               "JOIN terminal t ON t.terminal = s.terminal "
               "WHERE s.source_terminal = $1 AND s.source_store = $2 "
               "AND t.removed_ms IS NULL ORDER BY s.since_ms DESC LIMIT 1"},
    [REPLAYED] = {"intake_replayed",
                  "UPDATE quarantine SET replayed_ms = $2 WHERE id = $1"},
    {NULL, NULL},
};

struct intake *intake_new(const struct intake_options *options) {
    struct intake *intake = ts_alloc(sizeof *intake);

    memset(intake, 0, sizeof *intake);
    intake->options = *options;
    intake->codec = batch_codec_shipped();
    return intake;
}

void intake_free(struct intake *intake) {
    if (!intake)
        return;
    batch_codec_free(intake->codec);
    free(intake);
}

size_t intake_dictionaries(const struct intake *intake,
                           uint32_t ids[BATCH_DICTIONARIES_MAX]) {
    return batch_codec_dictionaries(intake->codec, ids);
}

void intake_declare(struct ts_metrics *metrics) {
    ts_metrics_declare(metrics, "tessera_take_total", TS_COUNTER,
                       "What became of events and batches of terminals");
    ts_metrics_declare(metrics, "tessera_want_limited_total", TS_COUNTER,
                       "Questions for cards over a terminal's limit");
    ts_metrics_declare(metrics, "tessera_state_ignored_total", TS_COUNTER,
                       "States of an older boot or session");
}

void intake_reply_fini(struct intake_reply *reply) {
    ts_buf_fini(&reply->payload);
    reply->any = false;
}

/* A message between its begin and its commit. */
struct visit {
    struct intake *intake;
    const struct topic *topic;
    bool retained;
    struct registry_entry entry;
    struct take take;
};

static struct db *db_of(const struct visit *visit) {
    return visit->intake->options.db;
}

static enum ts_status visit_open(struct visit *visit, struct ts_err *err) {
    const struct intake_options *options = &visit->intake->options;
    enum ts_status status = db_begin(options->db, err);

    if (status != TS_OK)
        return status;
    visit->take.db = options->db;
    visit->take.terminal = visit->topic->name;
    visit->take.entry = &visit->entry;
    visit->take.now = ts_clock_wall(options->clock);
    status = lease_check(options->lease, options->db, visit->topic->shard, err);
    if (status == TS_OK)
        status =
            registry_find(options->db, visit->topic->name, &visit->entry, err);
    if (status != TS_OK)
        db_rollback(options->db);
    return status;
}

static void count_metrics(const struct visit *visit) {
    for (unsigned i = 0; i < TAKE_COUNTERS; i++) {
        char label[64];
        uint64_t count = visit->take.counts[i];
        if (!count)
            continue;
        ts_metrics_label(label, sizeof label, "outcome",
                         take_counter_name((enum take_counter)i));
        ts_metrics_add(visit->intake->options.metrics, "tessera_take_total",
                       label, (double)count);
    }
}

/* Ends the transaction, whichever way `status` says. */
static enum ts_status visit_close(struct visit *visit, enum ts_status status,
                                  struct ts_err *err) {
    if (status == TS_OK)
        status = take_flush_counts(db_of(visit), visit->topic->shard,
                                   visit->take.counts, err);
    if (status == TS_OK)
        status = db_commit(db_of(visit), err);
    else
        db_rollback(db_of(visit));
    if (status == TS_OK)
        count_metrics(visit);
    return status;
}

static bool belongs(const struct visit *visit) {
    return visit->entry.known && visit->entry.shard == visit->topic->shard;
}

static enum ts_status visit_alarm(const struct visit *visit, const char *kind,
                                  const char *text, struct ts_err *err) {
    return archive_alarm(db_of(visit), visit->topic->shard, kind,
                         ts_slice_text(visit->topic->name), text,
                         visit->take.now, err);
}

static enum ts_status refuse_stranger(struct visit *visit, struct ts_err *err) {
    visit->take.counts[TAKE_REFUSED_IDENTITY]++;
    return visit_alarm(
        visit, "identity",
        visit->entry.known
            ? "the terminal speaks in the shard of another store: use "
              "`tessera-hub terminal move`, or mend its settings"
            : "the terminal is not in the registry: use `tessera-hub terminal "
              "add`, or stop it",
        err);
}

static void answer_ack(const struct visit *visit, enum batch_refusal refused,
                       struct intake_reply *reply) {
    struct message_ack ack = {.through = visit->take.lane.through,
                              .window = visit->intake->options.window,
                              .hubtime = visit->take.now,
                              .refused = refused};

    if (!visit->take.lane.journal[0])
        return;
    memcpy(ack.journal, visit->take.lane.journal, sizeof ack.journal);
    message_ack_encode(&reply->payload, &ack);
    reply->leaf = TOPIC_ACKS;
    reply->any = true;
}

/* The lane that the ack speaks of: what the payload says, or the one heard
 * last. */
static enum ts_status find_lane(struct visit *visit, struct ts_slice payload,
                                struct ts_err *err) {
    char journal[TS_JOURNAL_TEXT];
    uint64_t sequence;
    enum ts_status status = TS_OK;

    if (!take_payload_key(visit->take.events, payload, journal, &sequence))
        status = lane_last_journal(db_of(visit), visit->topic->name,
                                   &visit->entry, journal, err);
    if (status == TS_OK)
        status = lane_find(db_of(visit), visit->topic->name, &visit->entry,
                           journal, &visit->take.lane, err);
    return status;
}

static enum take_counter counter_of(enum batch_refusal why) {
    switch (why) {
    case BATCH_REFUSED_SIZE:
        return TAKE_REFUSED_SIZE;
    case BATCH_REFUSED_DICTIONARY:
        return TAKE_REFUSED_DICTIONARY;
    case BATCH_REFUSED_IDENTITY:
        return TAKE_REFUSED_IDENTITY;
    case BATCH_REFUSED_BUSY:
        return TAKE_REFUSED_BUSY;
    default:
        return TAKE_REFUSED_FORMAT;
    }
}

static enum ts_status on_refused(struct visit *visit, struct ts_slice payload,
                                 enum batch_refusal *why, const char *text,
                                 struct ts_err *err) {
    char journal[TS_JOURNAL_TEXT], reason[TS_ERR_TEXT];
    uint64_t sequence, before = visit->take.lane.through;
    enum ts_status status = TS_OK;
    size_t count =
        take_payload_key(visit->take.events, payload, journal, &sequence);
    bool single = count == 1 || json_array_size(visit->take.events) == 1;

    visit->take.counts[counter_of(*why)]++;
    if (*why == BATCH_REFUSED_DICTIONARY)
        return TS_OK;
    (void)snprintf(reason, sizeof reason, "%s: %.300s",
                   batch_refusal_name(*why), text);
    if (single)
        status = take_single(&visit->take, payload, reason, err);
    /* Its number told, it counts as taken, now or at an earlier sending. */
    if (status == TS_OK && single && count == 1 &&
        (visit->take.lane.through > before || sequence <= before))
        *why = BATCH_TAKEN;
    return status == TS_OK ? visit_alarm(visit, "refused", reason, err)
                           : status;
}

static enum ts_status check_shard(const struct visit *visit, unsigned shard,
                                  struct ts_err *err) {
    return shard == visit->topic->shard
               ? TS_OK
               : lease_check(visit->intake->options.lease, db_of(visit), shard,
                             err);
}

static enum ts_status take_batch(struct visit *visit, struct ts_err *err) {
    unsigned shard = ts_shard(ts_slice_text(visit->take.views[0].store));
    enum ts_status status = check_shard(visit, shard, err);

    if (status == TS_OK && visit->take.lane.shard != shard)
        status = check_shard(visit, visit->take.lane.shard, err);
    return status == TS_OK ? take_events(&visit->take, err) : status;
}

static enum ts_status on_batch(struct visit *visit, struct ts_slice payload,
                               enum batch_refusal *why, struct ts_err *err) {
    struct ts_err text = *err;
    enum ts_status status = find_lane(visit, payload, err);

    if (status != TS_OK)
        return status;
    if (!belongs(visit)) {
        *why = BATCH_REFUSED_IDENTITY;
        return refuse_stranger(visit, err);
    }
    if (*why == BATCH_TAKEN)
        *why = take_check(&visit->take, &text);
    if (*why == BATCH_TAKEN)
        return take_batch(visit, err);
    return on_refused(visit, payload, why, text.text, err);
}

static enum ts_status events_in(struct visit *visit, struct ts_slice payload,
                                struct intake_reply *reply,
                                struct ts_err *err) {
    const struct intake_options *options = &visit->intake->options;
    enum batch_refusal why =
        batch_decode(visit->intake->codec, payload, &visit->take.events, err);
    enum ts_status status = visit_open(visit, err);

    if (status == TS_OK)
        status = visit_close(visit, on_batch(visit, payload, &why, err), err);
    if (status == TS_OK) {
        answer_ack(visit, why, reply);
        if (visit->take.counts[TAKE_ARCHIVED] && options->on_taken)
            options->on_taken(options->ctx, ts_shard(ts_slice_text(
                                                visit->take.views[0].store)));
    }
    json_decref(visit->take.events);
    free(visit->take.views);
    return status;
}

static enum ts_status fill_hole(struct visit *visit, uint64_t oldest,
                                struct ts_err *err) {
    struct lane *lane = &visit->take.lane;
    char text[160];
    enum ts_status status = lane_hole(db_of(visit), lane, lane->through + 1,
                                      oldest - 1, visit->take.now, err);

    (void)snprintf(text, sizeof text,
                   "journal %s: events %llu to %llu are nowhere any more",
                   lane->journal, (unsigned long long)lane->through + 1,
                   (unsigned long long)oldest - 1);
    visit->take.counts[TAKE_HOLES]++;
    lane->through = oldest - 1;
    if (status == TS_OK)
        status = lane_put(db_of(visit), lane, visit->take.now, err);
    return status == TS_OK ? visit_alarm(visit, "hole", text, err) : status;
}

static enum ts_status on_resume(struct visit *visit,
                                const struct message_resume *resume,
                                enum batch_refusal *why, struct ts_err *err) {
    struct lane *lane = &visit->take.lane;
    enum ts_status status =
        lane_find(db_of(visit), visit->topic->name, &visit->entry,
                  resume->journal, lane, err);

    if (status == TS_OK && !belongs(visit)) {
        *why = BATCH_REFUSED_IDENTITY;
        return refuse_stranger(visit, err);
    }
    if (status == TS_OK)
        status = check_shard(visit, lane->shard, err);
    if (status != TS_OK)
        return status;
    if (resume->oldest > lane->through + 1)
        return fill_hole(visit, resume->oldest, err);
    if (resume->newest < lane->through)
        return visit_alarm(visit, "rewound",
                           "the terminal's journal ends before what the hub "
                           "has of it: look for a restored image",
                           err);
    return TS_OK;
}

/* A payload that is not what its topic says: counted, and told by an alarm. */
static enum ts_status refuse_payload(struct visit *visit,
                                     const struct ts_err *why,
                                     struct ts_err *err) {
    char text[TS_ERR_TEXT];
    enum ts_status status = visit_open(visit, err);

    if (status != TS_OK)
        return status;
    (void)snprintf(text, sizeof text, "%s", why->text);
    visit->take.counts[TAKE_REFUSED_FORMAT]++;
    return visit_close(visit, visit_alarm(visit, "refused", text, err), err);
}

static enum ts_status resume_in(struct visit *visit, const json_t *json,
                                struct intake_reply *reply,
                                struct ts_err *err) {
    struct message_resume resume;
    enum batch_refusal why = BATCH_TAKEN;
    struct ts_err text = {0};
    enum ts_status status;

    if (message_resume_decode(&resume, json, &text) != TS_OK)
        return refuse_payload(visit, &text, err);
    status = visit_open(visit, err);
    if (status == TS_OK)
        status = visit_close(visit, on_resume(visit, &resume, &why, err), err);
    if (status == TS_OK)
        answer_ack(visit, why, reply);
    return status;
}

static bool store_is_known(const struct visit *visit, const char *store) {
    return registry_has_source(&visit->entry, visit->topic->name, store);
}

static enum ts_status on_state(struct visit *visit,
                               const struct message_state *state,
                               struct ts_err *err) {
    enum lane_news news;
    enum ts_status status;

    if (!belongs(visit) || !store_is_known(visit, state->store))
        return refuse_stranger(visit, err);
    status = lane_state(db_of(visit), visit->topic->shard, visit->topic->name,
                        state, visit->retained, visit->take.now, &news, err);
    if (status != TS_OK)
        return status;
    if (news == LANE_STATE_OLD)
        ts_metrics_add(visit->intake->options.metrics,
                       "tessera_state_ignored_total", "", 1);
    if (news == LANE_STATE_CLONE)
        return visit_alarm(visit, "clone",
                           "boots take turns: two or more machines run under "
                           "this name",
                           err);
    return TS_OK;
}

static enum ts_status state_in(struct visit *visit, const json_t *json,
                               struct ts_err *err) {
    struct message_state state;
    struct ts_err text = {0};
    enum ts_status status;

    if (message_state_decode(&state, json, &text) != TS_OK)
        return refuse_payload(visit, &text, err);
    status = visit_open(visit, err);
    if (status == TS_OK)
        status = visit_close(visit, on_state(visit, &state, err), err);
    return status;
}

static bool want_allowed(struct visit *visit, const struct message_pull *pull) {
    uint32_t name = ts_crc32(ts_slice_text(visit->topic->name));
    struct want_slot *slot = &visit->intake->wants[name % WANT_SLOTS];
    int64_t minute = ts_clock_mono(visit->intake->options.clock).ms / MINUTE_MS;

    if (!pull->want)
        return true;
    if (slot->terminal != name || slot->minute != minute)
        *slot = (struct want_slot){.terminal = name, .minute = minute};
    slot->count += (unsigned)json_array_size(pull->want);
    if (slot->count <= WANT_PER_MINUTE)
        return true;
    ts_metrics_add(visit->intake->options.metrics, "tessera_want_limited_total",
                   "", 1);
    return false;
}

static enum ts_status on_pull(struct visit *visit,
                              const struct message_pull *pull,
                              struct intake_reply *reply, struct ts_err *err) {
    if (!belongs(visit))
        return refuse_stranger(visit, err);
    if (!want_allowed(visit, pull))
        return TS_OK;
    reply->leaf = TOPIC_DESK;
    reply->any = true;
    return desk_answer(db_of(visit), visit->entry.store, pull, visit->take.now,
                       &reply->payload, err);
}

static enum ts_status pull_in(struct visit *visit, const json_t *json,
                              struct intake_reply *reply, struct ts_err *err) {
    struct message_pull pull;
    struct ts_err text = {0};
    enum ts_status status;

    if (message_pull_decode(&pull, json, &text) != TS_OK)
        return refuse_payload(visit, &text, err);
    status = visit_open(visit, err);
    if (status == TS_OK)
        status = visit_close(visit, on_pull(visit, &pull, reply, err), err);
    if (status != TS_OK)
        intake_reply_fini(reply);
    return status;
}

static enum ts_status json_in(struct visit *visit, struct ts_slice payload,
                              struct intake_reply *reply, struct ts_err *err) {
    json_t *json = NULL;
    struct ts_err text = {0};
    enum ts_status status;

    if (ts_json_parse(&json, payload, &text) != TS_OK)
        return refuse_payload(visit, &text, err);
    switch (visit->topic->leaf) {
    case TOPIC_RESUME:
        status = resume_in(visit, json, reply, err);
        break;
    case TOPIC_STATE:
        status = state_in(visit, json, err);
        break;
    default:
        status = pull_in(visit, json, reply, err);
    }
    json_decref(json);
    return status;
}

/* Business never travels retained: the broker would give it to us again and
 * again. */
static enum ts_status retained_in(struct visit *visit, struct ts_err *err) {
    enum ts_status status = visit_open(visit, err);

    if (status != TS_OK)
        return status;
    visit->take.counts[TAKE_REFUSED_RETAINED]++;
    return visit_close(visit, TS_OK, err);
}

enum ts_status intake_message(struct intake *intake, const struct topic *topic,
                              struct ts_slice payload, bool retained,
                              struct intake_reply *reply, struct ts_err *err) {
    struct visit visit = {
        .intake = intake, .topic = topic, .retained = retained};
    struct ts_err local = {0};

    *reply = (struct intake_reply){.any = false};
    err = err ? err : &local;
    switch (topic->leaf) {
    case TOPIC_EVENTS:
    case TOPIC_RESUME:
    case TOPIC_PULL:
        if (retained)
            return retained_in(&visit, err);
        break;
    case TOPIC_STATE:
        /* A retained state that was deleted. */
        if (!payload.len)
            return TS_OK;
        break;
    default:
        return TS_OK;
    }
    return topic->leaf == TOPIC_EVENTS ? events_in(&visit, payload, reply, err)
                                       : json_in(&visit, payload, reply, err);
}

enum ts_status intake_busy(struct intake *intake, const struct topic *topic,
                           struct ts_slice payload, struct intake_reply *reply,
                           struct ts_err *err) {
    struct visit visit = {.intake = intake, .topic = topic};
    enum batch_refusal why =
        batch_decode(intake->codec, payload, &visit.take.events, err);
    enum ts_status status;

    *reply = (struct intake_reply){.any = false};
    visit.take.now = ts_clock_wall(intake->options.clock);
    status = registry_find(db_of(&visit), topic->name, &visit.entry, err);
    if (status == TS_OK && why == BATCH_TAKEN)
        status = find_lane(&visit, payload, err);
    if (status == TS_OK)
        answer_ack(&visit, BATCH_REFUSED_BUSY, reply);
    visit.take.counts[TAKE_REFUSED_BUSY]++;
    count_metrics(&visit);
    json_decref(visit.take.events);
    return status;
}

static bool raw_row(void *arg, const struct db_value *columns, size_t count) {
    (void)count;
    sure(ts_buf_add(arg, columns[0].bytes));
    return false;
}

static bool name_row(void *arg, const struct db_value *columns, size_t count) {
    (void)count;
    column_copy(arg, TS_NAME_TEXT, &columns[0]);
    return false;
}

/* The terminal of today that the event's source belongs to. */
static enum ts_status replay_owner(struct db *db, const json_t *event,
                                   char terminal[TS_NAME_TEXT],
                                   struct ts_err *err) {
    struct event_view view;
    struct db_value values[2];
    enum ts_status status = event_parse(&view, event, err);

    if (status != TS_OK)
        return status;
    terminal[0] = 0;
    values[0] = db_cstr(view.terminal);
    values[1] = db_cstr(view.store);
    status = db_run(db, &intake_statements[OWNER], values, 2, name_row,
                    terminal, err);
    if (status == TS_OK && !terminal[0])
        return ts_fail(err, TS_INVALID,
                       "no terminal in the registry is or was %s in store %s",
                       view.terminal, view.store);
    return status;
}

static enum ts_status replay_taken(struct visit *visit, const char *id,
                                   struct ts_err *err) {
    struct db_value values[] = {db_cstr(id), db_int(visit->take.now.unix_ms)};
    enum ts_status status =
        lane_find(db_of(visit), visit->topic->name, &visit->entry,
                  visit->take.views[0].journal, &visit->take.lane, err);

    if (status == TS_OK)
        status = take_batch(visit, err);
    if (status != TS_OK)
        return status;
    if (visit->take.counts[TAKE_QUARANTINED] || visit->take.counts[TAKE_GAPS])
        return ts_fail(err, TS_INVALID,
                       "the event is still not accepted: see its reason");
    return db_run(db_of(visit), &intake_statements[REPLAYED], values, 2, NULL,
                  NULL, err);
}

static enum ts_status replay_event(struct intake *intake, const char *id,
                                   json_t *event, struct ts_err *err) {
    struct topic topic = {.leaf = TOPIC_EVENTS};
    struct visit visit = {.intake = intake, .topic = &topic};
    struct registry_entry entry;
    enum ts_status status =
        replay_owner(intake->options.db, event, topic.name, err);

    if (status == TS_OK)
        status = registry_find(intake->options.db, topic.name, &entry, err);
    if (status != TS_OK)
        return status;
    topic.shard = entry.shard;
    visit.take.events = json_pack("[O]", event);
    status = visit_open(&visit, err);
    if (status == TS_OK) {
        status = take_check(&visit.take, err) == BATCH_TAKEN
                     ? replay_taken(&visit, id, err)
                     : TS_INVALID;
        status = visit_close(&visit, status, err);
    }
    if (status == TS_OK && intake->options.on_taken)
        intake->options.on_taken(
            intake->options.ctx,
            ts_shard(ts_slice_text(visit.take.views[0].store)));
    json_decref(visit.take.events);
    free(visit.take.views);
    return status;
}

enum ts_status intake_replay(struct intake *intake, const char *id,
                             struct ts_err *err) {
    struct db_value key[] = {db_cstr(id)};
    struct ts_buf raw = {0};
    json_t *event = NULL;
    enum ts_status status =
        db_run(intake->options.db, &intake_statements[QUARANTINED], key, 1,
               raw_row, &raw, err);

    if (status == TS_OK && !raw.len)
        status = ts_fail(err, TS_INVALID, "quarantine has no such id");
    if (status == TS_OK)
        status = ts_json_parse(&event, ts_buf_slice(&raw), err);
    if (status == TS_OK)
        status = replay_event(intake, id, event, err);
    json_decref(event);
    ts_buf_fini(&raw);
    return status;
}
