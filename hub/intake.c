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
    struct ts_buf json;       /* of the batch that is taken */
    struct plain_batch plain; /* the same, if it is so */
    int64_t commit_ms;        /* what the last commit took */
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

/* What a batch needed, up to some MB. */
static void rest(struct intake *intake) {
    ts_buf_fini(&intake->json);
    plain_batch_fini(&intake->plain);
}

void intake_free(struct intake *intake) {
    if (!intake)
        return;
    batch_codec_free(intake->codec);
    rest(intake);
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

/* Everything between a begin and its commit: of one message or of many. */
struct round {
    struct intake *intake;
    uint64_t leased;   /* bit: the shard's lease is checked */
    bool lost;         /* another hub has a lease */
    uint64_t archived; /* bit: something of the shard was */
    uint64_t counts[TS_SHARDS][TAKE_COUNTERS];
};

/* One message of a round. */
struct visit {
    struct round *round;
    struct intake *intake;
    const struct topic *topic;
    bool retained;
    struct registry_entry entry;
    struct ts_slice json; /* of a batch */
    struct take take;
};

static struct db *db_of(const struct visit *visit) {
    return visit->intake->options.db;
}

static enum ts_status round_lease(struct round *round, unsigned shard,
                                  struct ts_err *err) {
    const struct intake_options *options = &round->intake->options;
    uint64_t bit = UINT64_C(1) << shard;
    enum ts_status status;

    if (round->leased & bit)
        return TS_OK;
    status = lease_check(options->lease, options->db, shard, err);
    if (status == TS_OK)
        round->leased |= bit;
    round->lost |= status == TS_DENIED;
    return status;
}

/* `shards`: a bit for each that will be written. Their leases are locked in
 * rising order, so that no other hub waits for us while we wait for it. */
static enum ts_status round_open(struct round *round, uint64_t shards,
                                 struct ts_err *err) {
    enum ts_status status = db_begin(round->intake->options.db, err);

    if (status != TS_OK)
        return status;
    for (unsigned i = 0; status == TS_OK && i < TS_SHARDS; i++)
        if (shards >> i & 1)
            status = round_lease(round, i, err);
    if (status != TS_OK)
        db_rollback(round->intake->options.db);
    return status;
}

static void count_metrics(const struct round *round) {
    for (unsigned i = 0; i < TAKE_COUNTERS; i++) {
        char label[64];
        uint64_t count = 0;
        for (unsigned shard = 0; shard < TS_SHARDS; shard++)
            count += round->counts[shard][i];
        if (!count)
            continue;
        ts_metrics_label(label, sizeof label, "outcome",
                         take_counter_name((enum take_counter)i));
        ts_metrics_add(round->intake->options.metrics, "tessera_take_total",
                       label, (double)count);
    }
}

static void tell_taken(const struct round *round) {
    const struct intake_options *options = &round->intake->options;

    for (unsigned i = 0; options->on_taken && i < TS_SHARDS; i++)
        if (round->archived >> i & 1)
            options->on_taken(options->ctx, i);
}

static enum ts_status commit(struct intake *intake, struct ts_err *err) {
    const struct ts_clock *clock = intake->options.clock;
    int64_t began = ts_clock_mono(clock).ms;
    enum ts_status status = db_commit(intake->options.db, err);

    intake->commit_ms = ts_clock_mono(clock).ms - began;
    return status;
}

/* Ends the transaction, whichever way `status` says. */
static enum ts_status round_close(struct round *round, enum ts_status status,
                                  struct ts_err *err) {
    struct db *db = round->intake->options.db;

    for (unsigned i = 0; status == TS_OK && i < TS_SHARDS; i++)
        status = take_flush_counts(db, i, round->counts[i], err);
    if (status == TS_OK)
        status = commit(round->intake, err);
    else
        db_rollback(db);
    if (status != TS_OK)
        return status;
    count_metrics(round);
    tell_taken(round);
    return TS_OK;
}

static enum ts_status visit_open(struct visit *visit, struct ts_err *err) {
    const struct intake_options *options = &visit->intake->options;
    enum ts_status status = round_lease(visit->round, visit->topic->shard, err);

    visit->take.db = options->db;
    visit->take.terminal = visit->topic->name;
    visit->take.entry = &visit->entry;
    visit->take.now = ts_clock_wall(options->clock);
    return status == TS_OK ? registry_find(options->db, visit->topic->name,
                                           &visit->entry, err)
                           : status;
}

/* What it counted goes into the round's sum; `status` is handed through. */
static enum ts_status visit_close(struct visit *visit, enum ts_status status) {
    const struct take *take = &visit->take;

    for (unsigned i = 0; i < TAKE_COUNTERS; i++)
        visit->round->counts[visit->topic->shard][i] += take->counts[i];
    if (take->counts[TAKE_ARCHIVED])
        visit->round->archived |=
            UINT64_C(1) << ts_shard(ts_slice_text(take->views[0].store));
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

    if (visit->take.plain)
        memcpy(journal, visit->take.plain->events[0].view.journal,
               sizeof journal);
    else if (!take_payload_key(visit->take.events, payload, journal, &sequence))
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

static enum ts_status take_batch(struct visit *visit, struct ts_err *err) {
    unsigned shard = ts_shard(ts_slice_text(visit->take.views[0].store));
    enum ts_status status = round_lease(visit->round, shard, err);

    if (status == TS_OK && visit->take.lane.shard != shard)
        status = round_lease(visit->round, visit->take.lane.shard, err);
    return status == TS_OK ? take_events(&visit->take, err) : status;
}

static enum batch_refusal
read_batch(struct visit *visit, struct ts_slice payload, struct ts_err *err) {
    struct intake *intake = visit->intake;
    enum batch_refusal why =
        batch_text(intake->codec, payload, &intake->json, &visit->json, err);

    if (why != BATCH_TAKEN)
        return why;
    if (!plain_batch_read(&intake->plain, visit->json))
        return batch_events(visit->json, &visit->take.events, err);
    visit->take.plain = &intake->plain;
    return BATCH_TAKEN;
}

/* What is refused is looked at as a tree. */
static void make_tree(struct visit *visit) {
    if (visit->take.plain &&
        batch_events(visit->json, &visit->take.events, NULL) != BATCH_TAKEN)
        visit->take.events = NULL;
    visit->take.plain = NULL;
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
    make_tree(visit);
    return on_refused(visit, payload, why, text.text, err);
}

static enum ts_status events_in(struct visit *visit, struct ts_slice payload,
                                struct intake_reply *reply,
                                struct ts_err *err) {
    enum batch_refusal why = read_batch(visit, payload, err);
    enum ts_status status = visit_open(visit, err);

    if (status == TS_OK)
        status = visit_close(visit, on_batch(visit, payload, &why, err));
    if (status == TS_OK)
        answer_ack(visit, why, reply);
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
        status = round_lease(visit->round, lane->shard, err);
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
    return visit_close(visit, visit_alarm(visit, "refused", text, err));
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
        status = visit_close(visit, on_resume(visit, &resume, &why, err));
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
        status = visit_close(visit, on_state(visit, &state, err));
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
        status = visit_close(visit, on_pull(visit, &pull, reply, err));
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
    return visit_close(visit, TS_OK);
}

static enum ts_status message_in(struct round *round, struct intake_item *item,
                                 struct ts_err *err) {
    struct visit visit = {.round = round,
                          .intake = round->intake,
                          .topic = item->topic,
                          .retained = item->retained};
    struct ts_slice payload = item->payload;

    switch (item->topic->leaf) {
    case TOPIC_EVENTS:
    case TOPIC_RESUME:
    case TOPIC_PULL:
        if (item->retained)
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
    return item->topic->leaf == TOPIC_EVENTS
               ? events_in(&visit, payload, &item->reply, err)
               : json_in(&visit, payload, &item->reply, err);
}

static uint64_t shards_of(const struct intake_item *items, size_t count) {
    uint64_t shards = 0;

    for (size_t i = 0; i < count; i++)
        shards |= UINT64_C(1) << items[i].topic->shard;
    return shards;
}

/* On a slow disk a group lasts as long as its commit. */
static int64_t group_ms(const struct intake *intake) {
    if (intake->commit_ms < INTAKE_GROUP_MS)
        return INTAKE_GROUP_MS;
    return intake->commit_ms < INTAKE_GROUP_MOST_MS ? intake->commit_ms
                                                    : INTAKE_GROUP_MOST_MS;
}

static enum ts_status take_items(struct round *round, struct intake_item *items,
                                 size_t count, size_t *taken,
                                 struct ts_err *err) {
    const struct ts_clock *clock = round->intake->options.clock;
    int64_t until = ts_clock_mono(clock).ms + group_ms(round->intake);
    enum ts_status status = TS_OK;

    for (*taken = 0; status == TS_OK && *taken < count; ++*taken) {
        if (*taken && ts_clock_mono(clock).ms >= until)
            break;
        status = message_in(round, &items[*taken], err);
    }
    return status;
}

enum ts_status intake_group(struct intake *intake, struct intake_item *items,
                            size_t count, size_t *taken, struct ts_err *err) {
    struct round round = {.intake = intake};
    struct ts_err local = {0};
    enum ts_status status;

    err = err ? err : &local;
    for (size_t i = 0; i < count; i++)
        items[i].reply = (struct intake_reply){.any = false};
    *taken = 0;
    status = round_open(&round, shards_of(items, count), err);
    if (status == TS_OK)
        status = round_close(&round,
                             take_items(&round, items, count, taken, err), err);
    rest(intake);
    if (status == TS_OK)
        return TS_OK;
    for (size_t i = 0; i < count; i++)
        intake_reply_fini(&items[i].reply);
    *taken = 0;
    /* A right that is missing is no lost lease. */
    return status == TS_DENIED && !round.lost ? TS_IO : status;
}

enum ts_status intake_message(struct intake *intake, const struct topic *topic,
                              struct ts_slice payload, bool retained,
                              struct intake_reply *reply, struct ts_err *err) {
    struct intake_item item = {
        .topic = topic, .payload = payload, .retained = retained};
    size_t taken;
    enum ts_status status = intake_group(intake, &item, 1, &taken, err);

    *reply = item.reply;
    return status;
}

enum ts_status intake_leave_out(struct intake *intake,
                                const struct topic *topic, const char *why,
                                struct ts_err *err) {
    struct round round = {.intake = intake};
    char text[TS_ERR_TEXT + 64];
    enum ts_status status =
        round_open(&round, UINT64_C(1) << topic->shard, err);

    if (status != TS_OK)
        return status;
    (void)snprintf(text, sizeof text,
                   "a message cannot be taken; the terminal keeps it: %s", why);
    status = archive_alarm(intake->options.db, topic->shard, "left_out",
                           ts_slice_text(topic->name), text,
                           ts_clock_wall(intake->options.clock), err);
    return round_close(&round, status, err);
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

static enum ts_status replay_visit(struct visit *visit, const char *id,
                                   struct ts_err *err) {
    enum ts_status status = visit_open(visit, err);

    if (status != TS_OK)
        return status;
    if (take_check(&visit->take, err) != BATCH_TAKEN)
        return TS_INVALID;
    return visit_close(visit, replay_taken(visit, id, err));
}

static enum ts_status replay_event(struct intake *intake, const char *id,
                                   json_t *event, struct ts_err *err) {
    struct topic topic = {.leaf = TOPIC_EVENTS};
    struct round round = {.intake = intake};
    struct visit visit = {.round = &round, .intake = intake, .topic = &topic};
    struct registry_entry entry;
    enum ts_status status =
        replay_owner(intake->options.db, event, topic.name, err);

    if (status == TS_OK)
        status = registry_find(intake->options.db, topic.name, &entry, err);
    if (status != TS_OK)
        return status;
    topic.shard = entry.shard;
    visit.take.events = json_pack("[O]", event);
    status = round_open(&round, UINT64_C(1) << topic.shard, err);
    if (status == TS_OK)
        status = round_close(&round, replay_visit(&visit, id, err), err);
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
