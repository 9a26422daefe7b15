#include "hub/take.h"

#include "base/guard.h"
#include "base/token.h"
#include "hub/archive.h"
#include "hub/sure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT };
enum { MASK_RUN = 8 };

const struct db_statement take_statements[] = {
    [COUNT] = {"take_count", "INSERT INTO take_count (shard, name, value) "
                             "VALUES ($1, $2, $3) ON CONFLICT (shard, name) "
                             "DO UPDATE SET value = take_count.value + $3"},
    {NULL, NULL},
};

const char *take_counter_name(enum take_counter counter) {
    static const char *const names[TAKE_COUNTERS] = {
        [TAKE_ARCHIVED] = "archived",
        [TAKE_DUPLICATES] = "duplicates",
        [TAKE_LATE] = "late",
        [TAKE_QUARANTINED] = "quarantined",
        [TAKE_CONFLICTS] = "conflicts",
        [TAKE_GUARDED] = "guarded",
        [TAKE_GAPS] = "gaps",
        [TAKE_HOLES] = "holes",
        [TAKE_REFUSED_FORMAT] = "refused_format",
        [TAKE_REFUSED_SIZE] = "refused_size",
        [TAKE_REFUSED_DICTIONARY] = "refused_dictionary",
        [TAKE_REFUSED_IDENTITY] = "refused_identity",
        [TAKE_REFUSED_RETAINED] = "refused_retained",
    };

    return names[counter];
}

enum ts_status take_flush_counts(struct db *db, unsigned shard,
                                 const uint64_t counts[TAKE_COUNTERS],
                                 struct ts_err *err) {
    enum ts_status status = TS_OK;

    for (unsigned i = 0; status == TS_OK && i < TAKE_COUNTERS; i++) {
        struct db_value values[] = {
            db_int(shard), db_cstr(take_counter_name((enum take_counter)i)),
            db_int((int64_t)counts[i])};
        if (counts[i])
            status =
                db_run(db, &take_statements[COUNT], values, 3, NULL, NULL, err);
    }
    return status;
}

static enum batch_refusal refuse(enum batch_refusal why, struct ts_err *err,
                                 const char *text) {
    (void)ts_fail(err, TS_INVALID, "%s", text);
    return why;
}

static enum batch_refusal check_one(const struct take *take, size_t i,
                                    struct ts_err *err) {
    const struct event_view *first = &take->views[0], *view = &take->views[i];

    if (strcmp(view->journal, first->journal) != 0)
        return refuse(BATCH_REFUSED_FORMAT, err,
                      "a batch must be of one journal");
    if (view->sequence != first->sequence + i || !view->sequence)
        return refuse(BATCH_REFUSED_FORMAT, err,
                      "the sequence must be without gap inside a batch");
    if (!registry_has_source(take->entry, view->terminal, view->store))
        return refuse(BATCH_REFUSED_IDENTITY, err,
                      "the source is not this terminal and its store, now or "
                      "before");
    if (strcmp(view->terminal, first->terminal) != 0 ||
        strcmp(view->store, first->store) != 0)
        return refuse(BATCH_REFUSED_FORMAT, err,
                      "a journal must have one source");
    return BATCH_TAKEN;
}

enum batch_refusal take_check(struct take *take, struct ts_err *err) {
    const struct plain_batch *plain = take->plain;
    enum batch_refusal why = BATCH_TAKEN;

    take->count = plain ? plain->count : json_array_size(take->events);
    free(take->views);
    take->views = ts_alloc(take->count * sizeof *take->views);
    for (size_t i = 0; why == BATCH_TAKEN && i < take->count; i++) {
        if (plain)
            take->views[i] = plain->events[i].view;
        else if (event_parse(&take->views[i], json_array_get(take->events, i),
                             err) != TS_OK)
            return BATCH_REFUSED_FORMAT;
        why = check_one(take, i, err);
    }
    return why;
}

/* The guard over everything that is free text: no card can hide in a member
 * whose form was checked, and a journal of 16 digits must not be taken for one.
 */
static size_t guard_event(json_t *event) {
    json_t *rest = json_object();
    const char *name;
    json_t *value;
    void *next;
    size_t removed;

    json_object_foreach_safe(event, next, name, value) {
        if (event_checked_member(ts_slice_text(name)))
            continue;
        (void)json_object_set(rest, name, value);
        (void)json_object_del(event, name);
    }
    removed = ts_guard_scrub_json(rest);
    (void)json_object_update(event, rest);
    json_decref(rest);
    return removed;
}

/* Removes from every object below what is called a card and is no token. */
static size_t drop_clear_cards(json_t *value) {
    static const char *const names[] = {"card", "card_was"};
    size_t dropped = 0, index;
    const char *name;
    json_t *child;

    for (size_t i = 0; json_is_object(value) && i < 2; i++) {
        const json_t *card = json_object_get(value, names[i]);
        if (!card || json_is_null(card) ||
            (json_is_string(card) &&
             ts_token_valid(ts_json_text(value, names[i]))))
            continue;
        (void)json_object_del(value, names[i]);
        dropped++;
    }
    json_object_foreach(value, name, child) dropped += drop_clear_cards(child);
    json_array_foreach(value, index, child) dropped += drop_clear_cards(child);
    return dropped;
}

static enum ts_status set_aside(struct take *take,
                                const struct event_view *view,
                                struct ts_slice body, const char *reason,
                                struct ts_err *err) {
    take->counts[TAKE_QUARANTINED]++;
    return archive_quarantine(take->db, ts_shard(ts_slice_text(view->store)),
                              view->source, ts_slice_text(reason), take->now,
                              body, err);
}

static enum ts_status alarm(struct take *take, const char *kind,
                            const char *text, struct ts_err *err) {
    return archive_alarm(take->db, take->lane.shard, kind,
                         ts_slice_text(take->terminal), text, take->now, err);
}

static enum ts_status on_conflict(struct take *take,
                                  const struct event_view *view,
                                  struct ts_slice body, struct ts_err *err) {
    char text[160];
    enum ts_status status;

    take->counts[TAKE_CONFLICTS]++;
    (void)snprintf(text, sizeof text,
                   "event %s-%llu came again with other content: look for a "
                   "cloned disk or a restored image",
                   view->journal, (unsigned long long)view->sequence);
    status = set_aside(take, view, body,
                       "conflict: the same journal and sequence with other "
                       "content is archived",
                       err);
    return status == TS_OK ? alarm(take, "conflict", text, err) : status;
}

/* Links the journal to the one before it that `body` names; previous_last is a
 * counter of 20 digits. */
static enum ts_status link_journal(struct take *take,
                                   const struct event_view *view,
                                   const json_t *body, struct ts_err *err) {
    const json_t *data = json_object_get(body, "data");
    struct ts_slice previous = ts_json_text(data, "previous");
    char name[TS_JOURNAL_TEXT] = "";
    struct lane before;
    uint64_t last = 0, rivals = 0;
    enum ts_status status;

    if (!ts_journal_valid(previous) ||
        ts_counter_parse(&last, ts_json_text(data, "previous_last")) != TS_OK)
        return TS_OK;
    memcpy(name, previous.data, previous.len);
    status =
        lane_find(take->db, take->terminal, take->entry, name, &before, err);
    if (status == TS_OK)
        status = lane_link(take->db, &before, last, view->journal, take->now,
                           &rivals, err);
    if (status == TS_OK && rivals)
        status = alarm(take, "clone",
                       "two journals name the same journal before them: two "
                       "machines run under this name",
                       err);
    return status;
}

static enum ts_status on_started(struct take *take,
                                 const struct event_view *view,
                                 struct ts_slice text, struct ts_err *err) {
    json_t *body;
    enum ts_status status = ts_json_parse(&body, text, err);

    if (status != TS_OK)
        return status;
    status = link_journal(take, view, body, err);
    json_decref(body);
    return status;
}

static const char *clock_word(enum event_clock clock) {
    switch (clock) {
    case EVENT_CLOCK_SET:
        return "set";
    case EVENT_CLOCK_CORRECTED:
        return "corrected";
    default:
        return "unset";
    }
}

/* An event of the batch on its way: what archive_put_all borrows. */
struct ready {
    size_t index; /* in the batch */
    size_t guarded;
    char key[2 * TS_NAME_TEXT + TS_JOURNAL_TEXT + TS_COUNTER_TEXT];
    struct ts_slice body;
    struct ts_buf room; /* of the body, where it is not the batch's own */
};

/* "<terminal>/<journal>/<sequence>" */
static struct ts_slice write_key(struct ready *ready,
                                 const struct event_view *view) {
    size_t terminal = strlen(view->terminal), journal = strlen(view->journal);
    char *at = ready->key;

    memcpy(at, view->terminal, terminal);
    at += terminal;
    *at++ = '/';
    memcpy(at, view->journal, journal);
    at += journal;
    *at++ = '/';
    ts_counter_text(at, view->sequence);
    return ts_slice_of(ready->key,
                       (size_t)(at - ready->key) + TS_COUNTER_TEXT - 1);
}

static void describe(const struct take *take, struct ready *ready,
                     struct archive_event *out) {
    const struct event_view *view = &take->views[ready->index];

    *out = (struct archive_event){
        .shard = ts_shard(ts_slice_text(view->store)),
        .key = write_key(ready, view),
        .source = view->source,
        .type = view->type,
        .channel = ts_slice_text("store"),
        .time = view->time,
        .received = take->now,
        .visit = view->visit,
        .boot = ts_slice_text(view->boot),
        .uptime = view->uptime,
        .clock = ts_slice_text(clock_word(view->clock)),
        .body = ready->body,
    };
}

static enum ts_status on_outcome(struct take *take,
                                 const struct event_view *view,
                                 struct ts_slice body,
                                 enum archive_outcome outcome,
                                 struct ts_err *err) {
    if (outcome == ARCHIVE_CONFLICT)
        return on_conflict(take, view, body, err);
    if (outcome == ARCHIVE_DUPLICATE) {
        take->counts[TAKE_DUPLICATES]++;
        return TS_OK;
    }
    take->counts[TAKE_ARCHIVED]++;
    take->counts[TAKE_LATE] += view->sequence <= take->lane.through;
    if (ts_slice_equal(view->type, ts_slice_text("terminal.started")))
        return on_started(take, view, body, err);
    return TS_OK;
}

/* Guards the event and writes its body. *clear: it had a card in clear, was set
 * aside and is not archived. */
static enum ts_status guard_one(struct take *take, struct ready *one,
                                bool *clear, struct ts_err *err) {
    json_t *event;

    *clear = false;
    if (take->plain) {
        one->body = plain_batch_body(take->plain, one->index);
        return TS_OK;
    }
    event = json_array_get(take->events, one->index);
    one->guarded = guard_event(event);
    *clear = drop_clear_cards(event);
    sure(ts_json_canonical(&one->room, event));
    one->body = ts_buf_slice(&one->room);
    if (!*clear)
        return TS_OK;
    return set_aside(take, &take->views[one->index], one->body,
                     "the card is not a token: a clear number was removed; "
                     "look at the terminal's version and settings",
                     err);
}

/* Guards every event; those that may be archived are described. */
static enum ts_status prepare(struct take *take, struct ready *ready,
                              struct archive_event *rows, size_t *count,
                              struct ts_err *err) {
    enum ts_status status = TS_OK;

    for (size_t i = 0; status == TS_OK && i < take->count; i++) {
        struct ready *one = &ready[*count];
        bool clear;
        *one = (struct ready){.index = i};
        status = guard_one(take, one, &clear, err);
        if (clear || status != TS_OK)
            ts_buf_fini(&one->room);
        else
            describe(take, one, &rows[(*count)++]);
    }
    return status;
}

static enum ts_status settle(struct take *take, const struct ready *ready,
                             enum archive_outcome outcome, struct ts_err *err) {
    enum ts_status status =
        on_outcome(take, &take->views[ready->index], ready->body, outcome, err);

    if (status != TS_OK || !ready->guarded)
        return status;
    take->counts[TAKE_GUARDED] += ready->guarded;
    return alarm(take, "payment_card",
                 "a terminal sent a payment card, which was removed: look at "
                 "its version and settings",
                 err);
}

static enum ts_status archive_batch(struct take *take, struct ts_err *err) {
    struct ready *ready = ts_alloc(take->count * sizeof *ready);
    struct archive_event *rows = ts_alloc(take->count * sizeof *rows);
    enum archive_outcome *outcomes = ts_alloc(take->count * sizeof *outcomes);
    size_t count = 0;
    enum ts_status status = prepare(take, ready, rows, &count, err);

    if (status == TS_OK && count)
        status = archive_put_all(take->db, rows, count, outcomes, err);
    for (size_t i = 0; status == TS_OK && i < count; i++)
        status = settle(take, &ready[i], outcomes[i], err);
    for (size_t i = 0; i < count; i++)
        ts_buf_fini(&ready[i].room);
    free(ready);
    free(rows);
    free(outcomes);
    return status;
}

enum ts_status take_events(struct take *take, struct ts_err *err) {
    const struct event_view *views = take->views;
    uint64_t last = views[take->count - 1].sequence;
    enum ts_status status;

    if (views[0].sequence > take->lane.through + 1) {
        take->counts[TAKE_GAPS]++;
        return TS_OK;
    }
    if (!take->lane.any) {
        memcpy(take->lane.terminal, views[0].terminal,
               sizeof take->lane.terminal);
        memcpy(take->lane.store, views[0].store, sizeof take->lane.store);
        take->lane.shard = ts_shard(ts_slice_text(views[0].store));
    }
    status = archive_batch(take, err);
    if (status != TS_OK || (take->lane.any && last <= take->lane.through))
        return status;
    take->lane.through = last;
    return lane_put(take->db, &take->lane, take->now, err);
}

/* `9f2c6a1be07d4455-00000000000000000042` */
static bool parse_id(struct ts_slice text, char journal[TS_JOURNAL_TEXT],
                     uint64_t *sequence) {
    size_t half = TS_JOURNAL_TEXT - 1;

    if (text.len != half + TS_COUNTER_TEXT || text.data[half] != '-' ||
        !ts_journal_valid(ts_slice_of(text.data, half)) ||
        ts_counter_parse(sequence, ts_slice_of(text.data + half + 1,
                                               TS_COUNTER_TEXT - 1)) != TS_OK)
        return false;
    memcpy(journal, text.data, half);
    journal[half] = 0;
    return *sequence > 0;
}

static size_t skip_blank(struct ts_slice text, size_t at) {
    while (at < text.len && strchr(" \t\r\n", text.data[at]) && text.data[at])
        at++;
    return at;
}

/* Every `"id":"<journal>-<sequence>"` in bytes that may be no JSON; the last
 * one is kept. */
static size_t scan_ids(struct ts_slice raw, char journal[TS_JOURNAL_TEXT],
                       uint64_t *sequence) {
    const size_t len = TS_JOURNAL_TEXT - 1 + TS_COUNTER_TEXT;
    size_t found = 0;

    for (size_t i = 0; i + 4 < raw.len; i++) {
        size_t at;
        if (memcmp(raw.data + i, "\"id\"", 4) != 0)
            continue;
        at = skip_blank(raw, i + 4);
        if (at >= raw.len || raw.data[at] != ':')
            continue;
        at = skip_blank(raw, at + 1);
        if (at + 1 + len > raw.len || raw.data[at] != '"')
            continue;
        found +=
            parse_id(ts_slice_of(raw.data + at + 1, len), journal, sequence);
    }
    return found;
}

size_t take_payload_key(const json_t *events, struct ts_slice payload,
                        char journal[TS_JOURNAL_TEXT], uint64_t *sequence) {
    size_t count = json_array_size(events);

    journal[0] = 0;
    *sequence = 0;
    if (!count)
        return scan_ids(payload, journal, sequence);
    for (size_t i = 0; i < count; i++)
        if (parse_id(ts_json_text(json_array_get(events, i), "id"), journal,
                     sequence))
            return count;
    return 0;
}

/* What is a compressed frame cannot be guarded: only its size and checksum
 * are kept. What is JSON is guarded as JSON; the rest loses its digits. */
static void guard_payload(struct ts_buf *out, json_t *events,
                          struct ts_slice payload) {
    static const uint8_t magic[] = {0x28, 0xb5, 0x2f, 0xfd};

    if (events) {
        (void)ts_guard_scrub_json(events);
        (void)drop_clear_cards(events);
        sure(ts_json_canonical(out, json_array_get(events, 0)));
    } else if (payload.len >= sizeof magic &&
               !memcmp(payload.data, magic, sizeof magic)) {
        sure(ts_buf_printf(out, "%zu compressed bytes, crc32 %08x", payload.len,
                           ts_crc32(payload)));
    } else {
        sure(ts_buf_add(out, payload));
        ts_guard_mask(out->data, out->len, MASK_RUN);
    }
}

static enum ts_status move_past(struct take *take, uint64_t sequence,
                                struct ts_err *err) {
    if (sequence != take->lane.through + 1)
        return TS_OK;
    take->lane.through = sequence;
    return lane_put(take->db, &take->lane, take->now, err);
}

enum ts_status take_single(struct take *take, struct ts_slice payload,
                           const char *reason, struct ts_err *err) {
    char journal[TS_JOURNAL_TEXT], source[128], why[TS_ERR_TEXT + 64];
    struct ts_buf raw = {0};
    uint64_t sequence = 0;
    bool known =
        take_payload_key(take->events, payload, journal, &sequence) == 1;
    enum ts_status status;

    (void)snprintf(source, sizeof source, "/stores/%s/terminals/%s",
                   take->lane.store, take->terminal);
    if (known)
        (void)snprintf(why, sizeof why, "%s (event %s-%llu)", reason, journal,
                       (unsigned long long)sequence);
    else
        (void)snprintf(why, sizeof why, "%s", reason);
    guard_payload(&raw, take->events, payload);
    take->counts[TAKE_QUARANTINED]++;
    status = archive_quarantine(take->db, take->lane.shard,
                                ts_slice_text(source), ts_slice_text(why),
                                take->now, ts_buf_slice(&raw), err);
    ts_buf_fini(&raw);
    return status == TS_OK && known ? move_past(take, sequence, err) : status;
}
