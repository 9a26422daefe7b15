#include "sync/message.h"

#include "base/token.h"

#include <assert.h>
#include <string.h>

static const char *const kinds[] = {
    [DESK_PROFILE] = "profile",       [DESK_OFFER] = "offer",
    [DESK_SETTING] = "setting",       [DESK_ERASE] = "erase",
    [DESK_REDEMPTION] = "redemption",
};

/* Takes the reference. The caller's buffer has room: payloads are ours. */
static void write_payload(struct ts_buf *out, json_t *take_payload) {
    enum ts_status status;

    assert(take_payload);
    status = ts_json_compact(out, take_payload);
    assert(status == TS_OK);
    (void)status;
    json_decref(take_payload);
}

static json_t *counter_json(uint64_t value) {
    char text[TS_COUNTER_TEXT];

    ts_counter_text(text, value);
    return json_string(text);
}

static json_t *time_json(struct ts_wall at) {
    char text[TS_TIME_TEXT];

    ts_wall_text(text, at);
    return json_string(text);
}

static json_t *number_json(uint64_t value) {
    return json_integer((json_int_t)value);
}

void message_ack_encode(struct ts_buf *out, const struct message_ack *ack) {
    json_t *payload =
        json_pack("{s:s, s:o, s:o, s:o}", "journal", ack->journal, "through",
                  counter_json(ack->through), "window",
                  number_json(ack->window), "hubtime", time_json(ack->hubtime));

    if (ack->refused != BATCH_TAKEN)
        (void)json_object_set_new(
            payload, "refused", json_string(batch_refusal_name(ack->refused)));
    write_payload(out, payload);
}

void message_resume_encode(struct ts_buf *out,
                           const struct message_resume *resume) {
    write_payload(out, json_pack("{s:s, s:o, s:o}", "journal", resume->journal,
                                 "oldest", counter_json(resume->oldest),
                                 "newest", counter_json(resume->newest)));
}

void message_state_encode(struct ts_buf *out,
                          const struct message_state *state) {
    json_t *payload = json_pack(
        "{s:b, s:s, s:o, s:s, s:s, s:s, s:o}", "online", (int)state->online,
        "boot", state->boot, "session", number_json(state->session), "version",
        state->version, "store", state->store, "journal", state->journal,
        "unsent", number_json(state->unsent));

    if (state->has_oldest)
        (void)json_object_set_new(payload, "oldest_unsent",
                                  time_json(state->oldest_unsent));
    write_payload(out, payload);
}

void message_pull_encode(struct ts_buf *out, const struct message_pull *pull) {
    json_t *payload =
        json_pack("{s:s, s:o, s:o}", "log", pull->log, "after",
                  number_json(pull->after), "limit", number_json(pull->limit));

    if (pull->want)
        (void)json_object_set_new(payload, "want", json_deep_copy(pull->want));
    write_payload(out, payload);
}

void message_desk_encode(struct ts_buf *out, const struct message_desk *desk) {
    json_t *payload = json_pack("{s:s}", "log", desk->log);

    if (desk->has_range) {
        (void)json_object_set_new(payload, "from", number_json(desk->from));
        (void)json_object_set_new(payload, "to", number_json(desk->to));
    }
    (void)json_object_set_new(payload, "more", json_boolean(desk->more));
    (void)json_object_set_new(payload, "records",
                              json_deep_copy(desk->records));
    write_payload(out, payload);
}

json_t *message_desk_record_json(const struct message_desk_record *record) {
    json_t *value = record->value ? json_deep_copy(record->value) : json_null();
    json_t *json = json_pack(
        "{s:o, s:s, s:s%, s:o}", "position", number_json(record->position),
        "kind", kinds[record->kind], "key", (const char *)record->key.data,
        record->key.len, "value", value);

    if (record->has_expires)
        (void)json_object_set_new(json, "expires", time_json(record->expires));
    return json;
}

void message_bell_encode(struct ts_buf *out, const struct message_bell *bell) {
    write_payload(out, json_pack("{s:s, s:o}", "log", bell->log, "through",
                                 number_json(bell->through)));
}

void message_hub_encode(struct ts_buf *out, const struct message_hub *hub) {
    json_t *dicts = json_array();

    for (size_t i = 0; i < hub->dict_count; i++)
        (void)json_array_append_new(dicts, number_json(hub->dicts[i]));
    write_payload(out,
                  json_pack("{s:b, s:o, s:o, s:o}", "online", (int)hub->online,
                            "epoch", number_json(hub->epoch), "dicts", dicts,
                            "window", number_json(hub->window)));
}

/* Reads members one after another; after the first bad one the rest is
 * skipped and its text stays. */
struct reading {
    const json_t *json;
    const char *payload;
    struct ts_err *err;
    enum ts_status status;
};

static struct reading reading_of(const json_t *json, const char *payload,
                                 struct ts_err *err) {
    struct reading in = {json, payload, err, TS_OK};

    if (!json_is_object(json))
        in.status =
            ts_fail(err, TS_INVALID, "%s must be a JSON object", payload);
    return in;
}

static bool want(struct reading *in, bool good, const char *member,
                 const char *rule) {
    if (in->status == TS_OK && !good)
        in->status = ts_fail(in->err, TS_INVALID, "%s: %s must be %s",
                             in->payload, member, rule);
    return in->status == TS_OK;
}

static bool has(const struct reading *in, const char *member) {
    return in->status == TS_OK && json_object_get(in->json, member) != NULL;
}

/* `out` has room for what `valid` lets pass and a NUL. */
static void copy_text(struct reading *in, const char *member,
                      bool (*valid)(struct ts_slice), const char *rule,
                      char *out) {
    struct ts_slice text = ts_json_text(in->json, member);

    if (!want(in, text.data && valid(text), member, rule) || !text.data)
        return;
    memcpy(out, text.data, text.len);
    out[text.len] = 0;
}

static void read_journal(struct reading *in, const char *member, char *out) {
    copy_text(in, member, ts_journal_valid, "16 lower-case hex digits", out);
}

static bool boot_valid(struct ts_slice text) {
    if (text.len != TS_BOOT_TEXT - 1)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!strchr("0123456789abcdef", text.data[i]) || !text.data[i])
            return false;
    return true;
}

static bool version_valid(struct ts_slice text) {
    if (text.len < 1 || text.len >= sizeof((struct message_state *)0)->version)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    return true;
}

static void read_counter(struct reading *in, const char *member,
                         uint64_t *out) {
    (void)want(in,
               ts_counter_parse(out, ts_json_text(in->json, member)) == TS_OK,
               member, "20 digits, below 2^53");
}

static void read_number(struct reading *in, const char *member, uint64_t *out) {
    (void)want(in, ts_json_count(in->json, member, out), member,
               "a whole number from 0, below 2^53");
}

static void read_small(struct reading *in, const char *member, uint32_t max,
                       uint32_t *out) {
    uint64_t value = 0;

    if (in->status == TS_OK && !(ts_json_count(in->json, member, &value) &&
                                 value >= 1 && value <= max))
        in->status = ts_fail(in->err, TS_INVALID,
                             "%s: %s must be a whole number from 1 to %u",
                             in->payload, member, max);
    *out = (uint32_t)value;
}

static void read_bool(struct reading *in, const char *member, bool *out) {
    const json_t *value = json_object_get(in->json, member);

    if (want(in, json_is_boolean(value), member, "true or false"))
        *out = json_is_true(value);
}

static void read_time(struct reading *in, const char *member,
                      struct ts_wall *out) {
    struct ts_slice text = ts_json_text(in->json, member);

    (void)want(in,
               text.len == 24 && text.data[10] == 'T' && text.data[19] == '.' &&
                   text.data[23] == 'Z' && ts_wall_parse(out, text) == TS_OK,
               member, "RFC 3339 in UTC with milliseconds");
}

enum ts_status message_ack_decode(struct message_ack *out, const json_t *json,
                                  struct ts_err *err) {
    struct message_ack ack = {.refused = BATCH_TAKEN};
    struct reading in = reading_of(json, "ack", err);

    read_journal(&in, "journal", ack.journal);
    read_counter(&in, "through", &ack.through);
    read_small(&in, "window", MESSAGE_WINDOW_MAX, &ack.window);
    read_time(&in, "hubtime", &ack.hubtime);
    if (has(&in, "refused") &&
        want(&in, json_is_string(json_object_get(json, "refused")), "refused",
             "a word"))
        ack.refused = batch_refusal_find(ts_json_text(json, "refused"));
    if (in.status == TS_OK)
        *out = ack;
    return in.status;
}

enum ts_status message_resume_decode(struct message_resume *out,
                                     const json_t *json, struct ts_err *err) {
    struct message_resume resume = {.oldest = 0};
    struct reading in = reading_of(json, "resume", err);

    read_journal(&in, "journal", resume.journal);
    read_counter(&in, "oldest", &resume.oldest);
    read_counter(&in, "newest", &resume.newest);
    (void)want(&in, resume.oldest >= 1 && resume.newest >= resume.oldest,
               "newest", "no less than oldest, and oldest at least 1");
    if (in.status == TS_OK)
        *out = resume;
    return in.status;
}

enum ts_status message_state_decode(struct message_state *out,
                                    const json_t *json, struct ts_err *err) {
    struct message_state state = {.online = false};
    struct reading in = reading_of(json, "state", err);

    read_bool(&in, "online", &state.online);
    copy_text(&in, "boot", boot_valid, "8 lower-case hex digits", state.boot);
    read_number(&in, "session", &state.session);
    copy_text(&in, "version", version_valid,
              "1 to 31 printable characters without space", state.version);
    copy_text(&in, "store", ts_name_valid, "a store id, [a-z0-9-]{1,48}",
              state.store);
    read_journal(&in, "journal", state.journal);
    read_number(&in, "unsent", &state.unsent);
    state.has_oldest = has(&in, "oldest_unsent");
    if (state.has_oldest)
        read_time(&in, "oldest_unsent", &state.oldest_unsent);
    if (in.status == TS_OK)
        *out = state;
    return in.status;
}

static void read_want(struct reading *in, const json_t *tokens) {
    size_t index;
    const json_t *token;

    (void)want(in,
               json_is_array(tokens) && json_array_size(tokens) >= 1 &&
                   json_array_size(tokens) <= MESSAGE_WANT_MAX,
               "want", "an array of 1 to 64 card tokens");
    json_array_foreach(tokens, index, token) {
        struct ts_slice text =
            ts_slice_of(json_string_value(token), json_string_length(token));
        (void)want(in, ts_token_valid(text), "want",
                   "card tokens: c<key>.<43 base64url characters>");
    }
}

enum ts_status message_pull_decode(struct message_pull *out, const json_t *json,
                                   struct ts_err *err) {
    struct message_pull pull = {.want = json_object_get(json, "want")};
    struct reading in = reading_of(json, "pull", err);
    struct ts_slice log = ts_json_text(json, "log");

    if (!log.data || log.len > 0)
        read_journal(&in, "log", pull.log);
    read_number(&in, "after", &pull.after);
    read_small(&in, "limit", MESSAGE_LIMIT_MAX, &pull.limit);
    if (has(&in, "want"))
        read_want(&in, pull.want);
    if (in.status == TS_OK)
        *out = pull;
    return in.status;
}

enum ts_status message_desk_decode(struct message_desk *out, const json_t *json,
                                   struct ts_err *err) {
    struct message_desk desk = {.records = json_object_get(json, "records")};
    struct reading in = reading_of(json, "desk", err);

    read_journal(&in, "log", desk.log);
    desk.has_range = has(&in, "from") || has(&in, "to");
    if (desk.has_range) {
        read_number(&in, "from", &desk.from);
        read_number(&in, "to", &desk.to);
        (void)want(&in, desk.to >= desk.from, "to", "no less than from");
    }
    read_bool(&in, "more", &desk.more);
    (void)want(&in,
               json_is_array(desk.records) &&
                   json_array_size(desk.records) <= MESSAGE_LIMIT_MAX,
               "records", "an array of at most 1000 records");
    if (in.status == TS_OK)
        *out = desk;
    return in.status;
}

static void read_kind(struct reading *in, enum desk_kind *out) {
    struct ts_slice word = ts_json_text(in->json, "kind");
    bool found = false;

    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds && !found; i++) {
        found = ts_slice_equal(word, ts_slice_text(kinds[i]));
        if (found)
            *out = (enum desk_kind)i;
    }
    (void)want(in, found, "kind",
               "profile, offer, setting, erase or redemption");
}

enum ts_status message_desk_record_decode(struct message_desk_record *out,
                                          const json_t *json,
                                          struct ts_err *err) {
    struct message_desk_record record = {
        .key = ts_json_text(json, "key"),
        .value = json_object_get(json, "value"),
    };
    struct reading in = reading_of(json, "desk record", err);

    read_number(&in, "position", &record.position);
    read_kind(&in, &record.kind);
    (void)want(&in, record.key.len >= 1 && record.key.len <= MESSAGE_KEY_MAX,
               "key", "1 to 200 bytes");
    (void)want(&in, record.value != NULL, "value", "given; null deletes");
    if (json_is_null(record.value))
        record.value = NULL;
    record.has_expires = has(&in, "expires");
    if (record.has_expires)
        read_time(&in, "expires", &record.expires);
    if (in.status == TS_OK)
        *out = record;
    return in.status;
}

enum ts_status message_bell_decode(struct message_bell *out, const json_t *json,
                                   struct ts_err *err) {
    struct message_bell bell = {.through = 0};
    struct reading in = reading_of(json, "bell", err);

    read_journal(&in, "log", bell.log);
    read_number(&in, "through", &bell.through);
    if (in.status == TS_OK)
        *out = bell;
    return in.status;
}

static void read_dicts(struct reading *in, struct message_hub *hub) {
    const json_t *dicts = json_object_get(in->json, "dicts");
    size_t index;
    const json_t *id;

    if (!want(in,
              json_is_array(dicts) &&
                  json_array_size(dicts) <= MESSAGE_DICTS_MAX,
              "dicts", "an array of at most 16 dictionary ids"))
        return;
    json_array_foreach(dicts, index, id) {
        json_int_t value = json_integer_value(id);
        (void)want(in, value >= 1 && value <= UINT32_MAX, "dicts",
                   "dictionary ids from 1 to 4294967295");
        hub->dicts[index] = (uint32_t)value;
    }
    hub->dict_count = json_array_size(dicts);
}

enum ts_status message_hub_decode(struct message_hub *out, const json_t *json,
                                  struct ts_err *err) {
    struct message_hub hub = {.online = false};
    struct reading in = reading_of(json, "hub", err);

    read_bool(&in, "online", &hub.online);
    read_number(&in, "epoch", &hub.epoch);
    read_dicts(&in, &hub);
    read_small(&in, "window", MESSAGE_WINDOW_MAX, &hub.window);
    if (in.status == TS_OK)
        *out = hub;
    return in.status;
}
