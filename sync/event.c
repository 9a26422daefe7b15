#include "sync/event.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char type_head[] = "tessera.";
static const char type_tail[] = ".v1";

static const char *const types[] = {
    "terminal.started", "clock.corrected", "clock.stepped",
    "reader.attached",  "reader.detached", "reader.faulted",
    "scan.rejected",    "card.presented",  "item.scanned",
    "item.voided",      "visit.opened",    "visit.closed",
    "checkin.made",     "offer.shown",     "offer.accepted",
    "offer.declined",   "offer.redeemed",  "consent.changed",
    "feedback.given",   "code.unknown",    "payment_card.refused",
    "journal.refused",  "journal.damaged", "erase.done",
    "coupon.presented",
};

static const char *const clocks[] = {
    [EVENT_CLOCK_UNSET] = "unset",
    [EVENT_CLOCK_SET] = "set",
    [EVENT_CLOCK_CORRECTED] = "corrected",
};

bool event_type_known(struct ts_slice type) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (ts_slice_equal(type, ts_slice_text(types[i])))
            return true;
    return false;
}

static bool is_lower(uint8_t c) { return c >= 'a' && c <= 'z'; }
static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }
static bool is_hex(uint8_t c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

static bool all_hex(struct ts_slice text, size_t len) {
    if (text.len != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_hex(text.data[i]))
            return false;
    return true;
}

static bool uuid_valid(struct ts_slice text) {
    if (text.len != TS_UUID_TEXT - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text.data[i] != '-' : !is_hex(text.data[i]))
            return false;
    }
    return true;
}

static enum ts_status write_event(struct ts_buf *out,
                                  const struct event_origin *origin,
                                  const char *journal, uint64_t sequence,
                                  const struct event *event) {
    char number[TS_COUNTER_TEXT];
    char time[TS_TIME_TEXT];

    ts_counter_text(number, sequence);
    ts_wall_text(time, event->time);
    if (ts_buf_printf(out,
                      "{\"specversion\":\"1.0\",\"clock\":\"%s\","
                      "\"source\":\"/stores/%s/terminals/%s\","
                      "\"boot\":\"%s\",\"journal\":\"%s\","
                      "\"sequence\":\"%s\",\"id\":\"%s-%s\","
                      "\"time\":\"%s\",",
                      clocks[event->clock], origin->store, origin->terminal,
                      origin->boot, journal, number, journal, number,
                      time) != TS_OK)
        return TS_FULL;
    if (event->visit &&
        ts_buf_printf(out, "\"visit\":\"%s\",", event->visit) != TS_OK)
        return TS_FULL;
    if (ts_buf_printf(out,
                      "\"uptime\":\"%lld\",\"type\":\"%s%s%s\","
                      "\"data\":",
                      (long long)event->uptime.ms, type_head, event->type,
                      type_tail) != TS_OK ||
        ts_json_compact(out, event->data) != TS_OK)
        return TS_FULL;
    return ts_buf_add_text(out, "}");
}

/* JSON can say U+0000, receivers and databases cannot hold it. */
static bool holds_nul(const json_t *value) {
    const char *name;
    const json_t *member;
    size_t index;
    bool found = json_is_string(value) &&
                 memchr(json_string_value(value), 0, json_string_length(value));

    /* jansson's iteration wants a writable object and changes nothing. */
    json_object_foreach((json_t *)(uintptr_t)value, name, member) {
        found = found || holds_nul(member);
    }
    json_array_foreach(value, index, member) {
        found = found || holds_nul(member);
    }
    return found;
}

static enum ts_status check_event(const struct event *event,
                                  struct ts_err *err) {
    if (!event_type_known(ts_slice_text(event->type)))
        return ts_fail(err, TS_INVALID, "event type %s is not in the protocol",
                       event->type);
    if (!json_is_object(event->data))
        return ts_fail(err, TS_INVALID, "data of %s must be a JSON object",
                       event->type);
    if (holds_nul(event->data))
        return ts_fail(err, TS_INVALID, "data of %s must not hold U+0000",
                       event->type);
    if (event->visit && !uuid_valid(ts_slice_text(event->visit)))
        return ts_fail(err, TS_INVALID,
                       "visit of %s must be a UUID in lower case", event->type);
    return TS_OK;
}

enum ts_status event_encode(struct ts_buf *out,
                            const struct event_origin *origin,
                            const char journal[TS_JOURNAL_TEXT],
                            uint64_t sequence, const struct event *event,
                            struct ts_err *err) {
    size_t start = out->len;
    enum ts_status status = check_event(event, err);

    assert(ts_journal_valid(ts_slice_text(journal)));
    assert(sequence > 0 && event->uptime.ms >= 0);
    if (status != TS_OK)
        return status;
    status = write_event(out, origin, journal, sequence, event);
    if (status == TS_OK && out->len - start <= EVENT_MAX_BYTES)
        return TS_OK;
    out->len = start;
    return ts_fail(err, TS_FULL, "event %s is larger than %d bytes",
                   event->type, EVENT_MAX_BYTES);
}

enum member {
    SPECVERSION,
    SOURCE,
    JOURNAL,
    SEQUENCE,
    ID,
    TYPE,
    TIME,
    BOOT,
    UPTIME,
    CLOCK,
    VISIT,
    MEMBERS
};

static const char *const member_names[MEMBERS] = {[SPECVERSION] = "specversion",
                                                  [SOURCE] = "source",
                                                  [JOURNAL] = "journal",
                                                  [SEQUENCE] = "sequence",
                                                  [ID] = "id",
                                                  [TYPE] = "type",
                                                  [TIME] = "time",
                                                  [BOOT] = "boot",
                                                  [UPTIME] = "uptime",
                                                  [CLOCK] = "clock",
                                                  [VISIT] = "visit"};

/* What is read of an event, wherever it comes from. A member that is absent or
 * no text is empty. */
struct texts {
    struct ts_slice of[MEMBERS];
    bool visit; /* it is there, whatever it is */
    bool data;  /* it is an object */
};

/* Cuts `prefix` off the front. */
static bool eat(struct ts_slice *text, const char *prefix) {
    size_t len = strlen(prefix);

    if (text->len < len || memcmp(text->data, prefix, len) != 0)
        return false;
    *text = ts_slice_of(text->data + len, text->len - len);
    return true;
}

static bool parse_source(struct event_view *view, struct ts_slice text) {
    static const char between[] = "/terminals/";
    struct ts_slice store;
    const uint8_t *slash;

    view->source = text;
    if (!eat(&text, "/stores/") || !text.len)
        return false;
    slash = memchr(text.data, '/', text.len);
    if (!slash)
        return false;
    store = ts_slice_of(text.data, (size_t)(slash - text.data));
    text = ts_slice_of(slash, text.len - store.len);
    if (!eat(&text, between) || !ts_name_valid(store) || !ts_name_valid(text))
        return false;
    memcpy(view->store, store.data, store.len);
    memcpy(view->terminal, text.data, text.len);
    return true;
}

/* tessera.<name>.v<n>: the name is dotted words of [a-z_0-9]. */
static bool parse_type(struct event_view *view, struct ts_slice text) {
    size_t len;
    size_t end;
    uint8_t before = '.';

    if (!eat(&text, type_head) || text.len > 128)
        return false;
    for (len = text.len; len && is_digit(text.data[len - 1]);)
        len--;
    if (len == text.len || text.data[len] == '0' || len < 3 ||
        text.data[len - 1] != 'v' || text.data[len - 2] != '.')
        return false;
    end = len - 2;
    for (size_t i = 0; i < end; i++) {
        uint8_t c = text.data[i];
        if (c == '.' ? before == '.' : !is_lower(c) && !is_digit(c) && c != '_')
            return false;
        before = c;
    }
    if (before == '.')
        return false;
    /* Another version is another type: it keeps its tail. */
    if (text.len - len == 1 && text.data[len] == '1')
        text.len = end;
    view->type = text;
    return true;
}

static bool parse_uptime(struct event_view *view, struct ts_slice text) {
    int64_t value = 0;

    if (text.len < 1 || text.len > 16 || (text.len > 1 && text.data[0] == '0'))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i]))
            return false;
        value = value * 10 + (text.data[i] - '0');
    }
    view->uptime.ms = value;
    return value < 1LL << 53;
}

static bool parse_clock(struct event_view *view, struct ts_slice text) {
    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++)
        if (ts_slice_equal(text, ts_slice_text(clocks[i]))) {
            view->clock = (enum event_clock)i;
            return true;
        }
    return false;
}

/* The id repeats journal and sequence; all three must agree. */
static bool parse_key(struct event_view *view, const struct texts *texts) {
    struct ts_slice journal = texts->of[JOURNAL], id = texts->of[ID];

    if (!journal.data || !ts_journal_valid(journal) ||
        ts_counter_parse(&view->sequence, texts->of[SEQUENCE]) != TS_OK ||
        view->sequence == 0)
        return false;
    memcpy(view->journal, journal.data, journal.len);
    return id.len > journal.len && id.data[journal.len] == '-' &&
           ts_slice_equal(ts_slice_of(id.data, journal.len), journal) &&
           ts_slice_equal(
               ts_slice_of(id.data + journal.len + 1, id.len - journal.len - 1),
               texts->of[SEQUENCE]);
}

/* Always UTC with milliseconds, so that one instant has one text. */
static bool parse_time(struct event_view *view, struct ts_slice text) {
    return text.len == 24 && text.data[10] == 'T' && text.data[19] == '.' &&
           text.data[23] == 'Z' && ts_wall_parse(&view->time, text) == TS_OK;
}

static bool parse_boot(struct event_view *view, struct ts_slice text) {
    if (!all_hex(text, TS_BOOT_TEXT - 1))
        return false;
    memcpy(view->boot, text.data, text.len);
    return true;
}

static bool parse_visit(struct event_view *view, const struct texts *texts) {
    view->visit = texts->of[VISIT];
    return !texts->visit || uuid_valid(view->visit);
}

static enum ts_status check_texts(struct event_view *view,
                                  const struct texts *texts,
                                  struct ts_err *err) {
    const char *bad = NULL;

    if (!ts_slice_equal(texts->of[SPECVERSION], ts_slice_text("1.0")))
        bad = "specversion must be 1.0";
    else if (!parse_source(view, texts->of[SOURCE]))
        bad = "source must be /stores/<store>/terminals/<terminal>";
    else if (!parse_key(view, texts))
        bad = "journal (16 hex digits), sequence (20 digits, from 1) and id "
              "(<journal>-<sequence>) must be given and agree";
    else if (!parse_type(view, texts->of[TYPE]))
        bad = "type must be tessera.<name>.v<n>";
    else if (!parse_time(view, texts->of[TIME]))
        bad = "time must be RFC 3339 in UTC with milliseconds";
    else if (!parse_boot(view, texts->of[BOOT]))
        bad = "boot must be 8 hex digits";
    else if (!parse_uptime(view, texts->of[UPTIME]))
        bad = "uptime must be milliseconds as a decimal string";
    else if (!parse_clock(view, texts->of[CLOCK]))
        bad = "clock must be set, corrected or unset";
    else if (!parse_visit(view, texts))
        bad = "visit must be a UUID in lower case";
    else if (!texts->data)
        bad = "data must be a JSON object";
    return bad ? ts_fail(err, TS_INVALID, "event refused: %s", bad) : TS_OK;
}

enum ts_status event_parse(struct event_view *out, const json_t *object,
                           struct ts_err *err) {
    struct event_view view = {.data = json_object_get(object, "data")};
    struct texts texts = {.visit = json_object_get(object, "visit"),
                          .data = json_is_object(view.data)};
    enum ts_status status;

    if (!json_is_object(object))
        return ts_fail(err, TS_INVALID, "an event must be a JSON object");
    for (size_t i = 0; i < MEMBERS; i++)
        texts.of[i] = ts_json_text(object, member_names[i]);
    status = check_texts(&view, &texts, err);
    if (status == TS_OK)
        *out = view;
    return status;
}

static size_t find_member(struct ts_slice name) {
    size_t i = 0;

    while (i < MEMBERS && !ts_slice_equal(name, ts_slice_text(member_names[i])))
        i++;
    return i;
}

bool event_checked_member(struct ts_slice name) {
    return find_member(name) < MEMBERS;
}

enum ts_status event_parse_plain(struct event_view *out,
                                 const struct ts_plain *plain, size_t at,
                                 struct ts_err *err) {
    const struct ts_plain_node *nodes = plain->nodes;
    struct texts texts = {.visit = false};

    if (nodes[at].kind != TS_PLAIN_OBJECT)
        return ts_fail(err, TS_INVALID, "an event must be a JSON object");
    for (size_t i = at + 1; i < nodes[at].next; i = nodes[i].next) {
        size_t member = find_member(nodes[i].name);
        if (member == MEMBERS)
            texts.data = texts.data ||
                         (nodes[i].kind == TS_PLAIN_OBJECT &&
                          ts_slice_equal(nodes[i].name, ts_slice_text("data")));
        else if (nodes[i].kind == TS_PLAIN_STRING)
            texts.of[member] = nodes[i].text;
        texts.visit = texts.visit || member == VISIT;
    }
    *out = (struct event_view){.data = NULL};
    return check_texts(out, &texts, err);
}
