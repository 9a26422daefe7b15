#include "hub/api.h"

#include "base/json.h"
#include "hub/intake.h"
#include "hub/registry.h"
#include "hub/rows.h"
#include "hub/take.h"
#include "hub/web.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 1000, ROWS_DEFAULT = 100, RAW_SHOWN = 4096 };

enum { STORES, ALARMS, HOLES, PENDING, QUARANTINE, COUNTS, JOURNALS, EVENTS };

const struct db_statement api_statements[] = {
    [STORES] =
        {"api_stores",
         "SELECT t.store, t.terminal, s.online, s.at_ms, s.unsent, "
         "s.oldest_unsent_ms, s.journal, s.version, s.session, "
         "(SELECT MAX(p.last_ms) FROM lane_position p WHERE p.shard = t.shard "
         "AND p.terminal = t.terminal), "
         "(SELECT p.through FROM lane_position p WHERE p.shard = t.shard "
         "AND p.terminal = t.terminal AND p.journal = s.journal), "
         "(SELECT COUNT(*) FROM alarm a WHERE a.subject = t.terminal) "
         "FROM terminal t LEFT JOIN lane_state s ON s.shard = t.shard "
         "AND s.terminal = t.terminal WHERE t.removed_ms IS NULL "
         "ORDER BY t.store, t.terminal"},
    [ALARMS] = {"api_alarms",
                "SELECT kind, subject, text, times, first_ms, last_ms "
                "FROM alarm ORDER BY last_ms DESC, kind, subject LIMIT $1"},
    [HOLES] = {"api_holes",
               "SELECT terminal, journal, first_sequence, last_sequence, "
               "at_ms FROM hole ORDER BY at_ms DESC, terminal LIMIT $1"},
    /* Journals that another one says ended later than what has come. */
    [PENDING] = {"api_pending",
                 "SELECT l.terminal, l.previous, COALESCE(p.through, 0) + 1, "
                 "l.previous_last, l.at_ms FROM journal_link l "
                 "LEFT JOIN lane_position p ON p.shard = l.shard "
                 "AND p.terminal = l.terminal AND p.journal = l.previous "
                 "WHERE COALESCE(p.through, 0) < l.previous_last "
                 "ORDER BY l.at_ms DESC, l.terminal LIMIT $1"},
    [QUARANTINE] = {"api_quarantine",
                    "SELECT id, source, reason, times, first_ms, last_ms, "
                    "replayed_ms, raw FROM quarantine "
                    "ORDER BY last_ms DESC, id LIMIT $1"},
    [COUNTS] = {"api_counts", "SELECT name, SUM(value) FROM take_count "
                              "GROUP BY name ORDER BY name"},
    /* Of all shards that the terminal has been in, the newest first: $2 to
     * $17. Several journals may come in one millisecond; arrivals count within
     * a shard. */
    [JOURNALS] = {"api_journals",
                  "SELECT p.journal FROM lane_position p WHERE p.terminal = "
                  "$1 AND p.shard IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, "
                  "$11, $12, $13, $14, $15, $16, $17) GROUP BY p.journal "
                  "ORDER BY MIN(p.first_ms), MIN(CASE p.shard WHEN $2 THEN "
                  "16 WHEN $3 THEN 15 WHEN $4 THEN 14 WHEN $5 THEN 13 WHEN "
                  "$6 THEN 12 WHEN $7 THEN 11 WHEN $8 THEN 10 WHEN $9 THEN "
                  "9 WHEN $10 THEN 8 WHEN $11 THEN 7 WHEN $12 THEN 6 WHEN "
                  "$13 THEN 5 WHEN $14 THEN 4 WHEN $15 THEN 3 WHEN $16 THEN "
                  "2 WHEN $17 THEN 1 END), MIN((SELECT e.arrival FROM event "
                  "e WHERE e.shard = p.shard AND e.event_key > p.terminal "
                  "|| '/' || p.journal || '/00000000000000000000' AND "
                  "e.event_key <= p.terminal || '/' || p.journal || "
                  "'/99999999999999999999' ORDER BY e.event_key LIMIT 1)), "
                  "p.journal"},
    /* The bounds share all but their digits, so that every collation agrees. */
    [EVENTS] = {"api_events",
                "SELECT event_key, type, time_ms, body FROM event "
                "WHERE shard = $1 AND event_key > $2 AND event_key <= $3 "
                "ORDER BY event_key LIMIT $4"},
    {NULL, NULL},
};

static json_t *text_json(const struct db_value *column) {
    return column->kind == DB_TEXT
               ? json_stringn((const char *)column->bytes.data,
                              column->bytes.len)
               : json_null();
}

static json_t *number_json(const struct db_value *column) {
    return column->kind == DB_INT ? json_integer(column->number) : json_null();
}

static json_t *time_json(const struct db_value *column) {
    char text[TS_TIME_TEXT];

    if (column->kind != DB_INT)
        return json_null();
    ts_wall_text(text, (struct ts_wall){column->number});
    return json_string(text);
}

static json_t *raw_json(const struct db_value *column) {
    struct ts_slice raw = column->bytes;

    if (raw.len > RAW_SHOWN)
        raw.len = RAW_SHOWN;
    /* A cut may go through a character. */
    while (raw.len && !ts_utf8_valid(raw) && column->bytes.len > raw.len &&
           raw.len > RAW_SHOWN - 4)
        raw.len--;
    return ts_utf8_valid(raw) ? json_stringn((const char *)raw.data, raw.len)
                              : json_null();
}

/* 1 to ROWS_MAX; ROWS_DEFAULT when absent; 0 when it is no such number. */
static int64_t limit_of(const struct ts_http_request *request) {
    const char *text = ts_http_query(request, "limit");
    char *end;
    long value;

    if (!text)
        return ROWS_DEFAULT;
    value = strtol(text, &end, 10);
    return *text && !*end && value >= 1 && value <= ROWS_MAX ? value : 0;
}

static bool ask(struct ts_http_request *request, const struct web *web,
                int64_t *limit) {
    if (!hub_authorised(web, request))
        return false;
    *limit = limit_of(request);
    if (!*limit)
        ts_http_reply_error(request, 400, "limit must be 1 to 1000");
    return *limit != 0;
}

/* Runs a statement whose rows are appended to an array. */
static enum ts_status list(const struct web *web, int which, int64_t limit,
                           db_row *row, json_t *out, struct ts_err *err) {
    struct db_value values[] = {db_int(limit)};

    return db_run(web->db, &api_statements[which], values, 1, row, out, err);
}

/* Takes the reference. */
static void reply(struct ts_http_request *request, enum ts_status status,
                  json_t *take_body, const struct ts_err *err) {
    if (status == TS_OK)
        ts_http_reply_json(request, 200, take_body);
    else
        web_reply_failure(request, "api", err);
    json_decref(take_body);
}

static json_t *store_of(json_t *stores, const struct db_value *name) {
    json_t *last = json_array_get(stores, json_array_size(stores) - 1);

    if (last && ts_slice_equal(ts_json_text(last, "store"), name->bytes))
        return last;
    last = json_pack("{s:o, s:[]}", "store", text_json(name), "lanes");
    (void)json_array_append_new(stores, last);
    return last;
}

/* When anything of the lane was last heard. */
static struct db_value later_of(const struct db_value *a,
                                const struct db_value *b) {
    if (a->kind != DB_INT || (b->kind == DB_INT && b->number > a->number))
        return *b;
    return *a;
}

static bool store_row(void *arg, const struct db_value *c, size_t count) {
    json_t *store = store_of(arg, &c[0]);
    struct db_value contact = later_of(&c[3], &c[9]);

    (void)count;
    (void)json_array_append_new(
        json_object_get(store, "lanes"),
        json_pack(
            "{s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "terminal",
            text_json(&c[1]), "online", c[2].kind == DB_INT && c[2].number,
            "last_contact", time_json(&contact), "unsent", number_json(&c[4]),
            "oldest_unsent", time_json(&c[5]), "journal", text_json(&c[6]),
            "version", text_json(&c[7]), "session", number_json(&c[8]),
            "through", number_json(&c[10]), "alarms", number_json(&c[11])));
    return true;
}

void api_stores(void *ctx, struct ts_http_request *request) {
    const struct web *web = ctx;
    json_t *stores;
    struct ts_err err = {0};
    enum ts_status status;

    if (!hub_authorised(web, request))
        return;
    stores = json_array();
    status = db_run(web->db, &api_statements[STORES], NULL, 0, store_row,
                    stores, &err);
    reply(request, status, json_pack("{s:o}", "stores", stores), &err);
}

static bool alarm_row(void *arg, const struct db_value *c, size_t count) {
    (void)count;
    (void)json_array_append_new(
        arg, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "kind",
                       text_json(&c[0]), "subject", text_json(&c[1]), "text",
                       text_json(&c[2]), "times", number_json(&c[3]), "first",
                       time_json(&c[4]), "last", time_json(&c[5])));
    return true;
}

void api_alarms(void *ctx, struct ts_http_request *request) {
    const struct web *web = ctx;
    json_t *alarms;
    struct ts_err err = {0};
    int64_t limit;
    enum ts_status status;

    if (!ask(request, web, &limit))
        return;
    alarms = json_array();
    status = list(web, ALARMS, limit, alarm_row, alarms, &err);
    reply(request, status, json_pack("{s:o}", "alarms", alarms), &err);
}

static bool hole_row(void *arg, const struct db_value *c, size_t count) {
    (void)count;
    (void)json_array_append_new(
        arg,
        json_pack("{s:o, s:o, s:o, s:o, s:o}", "terminal", text_json(&c[0]),
                  "journal", text_json(&c[1]), "first", number_json(&c[2]),
                  "last", number_json(&c[3]), "at", time_json(&c[4])));
    return true;
}

void api_holes(void *ctx, struct ts_http_request *request) {
    const struct web *web = ctx;
    json_t *holes, *pending;
    struct ts_err err = {0};
    int64_t limit;
    enum ts_status status;

    if (!ask(request, web, &limit))
        return;
    holes = json_array();
    pending = json_array();
    status = list(web, HOLES, limit, hole_row, holes, &err);
    if (status == TS_OK)
        status = list(web, PENDING, limit, hole_row, pending, &err);
    reply(request, status,
          json_pack("{s:o, s:o}", "holes", holes, "pending", pending), &err);
}

static bool quarantine_row(void *arg, const struct db_value *c, size_t count) {
    (void)count;
    (void)json_array_append_new(
        arg, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
                       text_json(&c[0]), "source", text_json(&c[1]), "reason",
                       text_json(&c[2]), "times", number_json(&c[3]), "first",
                       time_json(&c[4]), "last", time_json(&c[5]), "replayed",
                       time_json(&c[6]), "raw", raw_json(&c[7])));
    return true;
}

void api_quarantine(void *ctx, struct ts_http_request *request) {
    const struct web *web = ctx;
    json_t *rows;
    struct ts_err err = {0};
    int64_t limit;
    enum ts_status status;

    if (!ask(request, web, &limit))
        return;
    rows = json_array();
    status = list(web, QUARANTINE, limit, quarantine_row, rows, &err);
    reply(request, status, json_pack("{s:o}", "quarantine", rows), &err);
}

static void replay(const struct web *web, struct ts_http_request *request,
                   const char *id) {
    struct ts_err err = {0};
    enum ts_status status = intake_replay(web->intake, id, &err);
    json_t *body;

    if (status == TS_INVALID) {
        ts_http_reply_error(request, 409, err.text);
        return;
    }
    body = json_pack("{s:s, s:b}", "id", id, "replayed", 1);
    reply(request, status, body, &err);
}

void api_quarantine_replay(void *ctx, struct ts_http_request *request) {
    const struct web *web = ctx;
    struct ts_slice body;
    json_t *json = NULL;
    const char *id;

    if (!hub_authorised(web, request))
        return;
    if (ts_http_body(request, &body) != TS_OK ||
        ts_json_parse(&json, body, NULL) != TS_OK) {
        ts_http_reply_error(request, 400, "send {\"id\": \"...\"}");
        return;
    }
    id = json_string_value(json_object_get(json, "id"));
    if (id)
        replay(web, request, id);
    else
        ts_http_reply_error(request, 400, "send {\"id\": \"...\"}");
    json_decref(json);
}

static bool count_row(void *arg, const struct db_value *c, size_t count) {
    char name[48];

    (void)count;
    column_copy(name, sizeof name, &c[0]);
    (void)json_object_set_new(arg, name, number_json(&c[1]));
    return true;
}

void api_counts(void *ctx, struct ts_http_request *request) {
    const struct web *web = ctx;
    json_t *counts;
    struct ts_err err = {0};
    enum ts_status status;

    if (!hub_authorised(web, request))
        return;
    counts = json_object();
    for (unsigned i = 0; i < TAKE_COUNTERS; i++)
        (void)json_object_set_new(
            counts, take_counter_name((enum take_counter)i), json_integer(0));
    status = db_run(web->db, &api_statements[COUNTS], NULL, 0, count_row,
                    counts, &err);
    reply(request, status, counts, &err);
}

/* A page of a terminal's events: journals in the order of their first
 * contact, each in its own order. A journal may lie in two shards when the
 * terminal was moved. */
struct page {
    const struct web *web;
    json_t *events;
    size_t limit;
    char journal[TS_JOURNAL_TEXT]; /* of the last event, or of the cursor */
    uint64_t after;
    bool reached;     /* the cursor's journal; journals before it are done */
    const char *only; /* one journal, or NULL */
    const char *terminal;
    unsigned shards[REGISTRY_SOURCES_MAX];
    size_t shard_count;
    enum ts_status status;
    struct ts_err err;
};

struct journal_rows {
    const char *journal;
    json_t *events;
};

static bool event_row(void *arg, const struct db_value *c, size_t count) {
    struct journal_rows *rows = arg;
    struct ts_slice key = c[0].bytes;
    struct ts_slice digits = ts_slice_of(
        key.data + key.len - (TS_COUNTER_TEXT - 1), TS_COUNTER_TEXT - 1);
    uint64_t sequence = 0;
    json_t *body = NULL;

    (void)count;
    if (ts_counter_parse(&sequence, digits) != TS_OK ||
        ts_json_parse(&body, c[3].bytes, NULL) != TS_OK)
        body = json_null();
    (void)json_array_append_new(
        rows->events,
        json_pack("{s:s, s:I, s:o, s:o, s:o}", "journal", rows->journal,
                  "sequence", (json_int_t)sequence, "type", text_json(&c[1]),
                  "time", time_json(&c[2]), "body", body));
    return true;
}

static json_int_t sequence_of(const json_t *event) {
    return json_integer_value(json_object_get(event, "sequence"));
}

/* Moves the lowest numbers to the page until it is full. */
static void fill_page(struct page *page, json_t *const *parts, size_t count) {
    size_t at[REGISTRY_SOURCES_MAX] = {0};

    while (json_array_size(page->events) < page->limit) {
        json_t *lowest = NULL;
        size_t part = 0;
        for (size_t i = 0; i < count; i++) {
            json_t *event = json_array_get(parts[i], at[i]);
            if (!event || (lowest && sequence_of(lowest) <= sequence_of(event)))
                continue;
            lowest = event;
            part = i;
        }
        if (!lowest)
            return;
        at[part]++;
        page->after = (uint64_t)sequence_of(lowest);
        (void)json_array_append(page->events, lowest);
    }
}

static void read_journal(struct page *page) {
    json_t *parts[REGISTRY_SOURCES_MAX];
    char low[160], high[160];
    size_t room = page->limit - json_array_size(page->events);

    (void)snprintf(low, sizeof low, "%s/%s/%020llu", page->terminal,
                   page->journal, (unsigned long long)page->after);
    (void)snprintf(high, sizeof high, "%s/%s/99999999999999999999",
                   page->terminal, page->journal);
    for (size_t i = 0; i < page->shard_count; i++) {
        struct journal_rows rows = {page->journal, json_array()};
        struct db_value values[] = {db_int(page->shards[i]), db_cstr(low),
                                    db_cstr(high), db_int((int64_t)room)};
        parts[i] = rows.events;
        if (page->status == TS_OK)
            page->status = db_run(page->web->db, &api_statements[EVENTS],
                                  values, 4, event_row, &rows, &page->err);
    }
    if (page->status == TS_OK)
        fill_page(page, parts, page->shard_count);
    for (size_t i = 0; i < page->shard_count; i++)
        json_decref(parts[i]);
}

static bool journal_row(void *arg, const struct db_value *c, size_t count) {
    struct page *page = arg;
    char name[TS_JOURNAL_TEXT];

    (void)count;
    column_copy(name, sizeof name, &c[0]);
    if (page->only && strcmp(page->only, name) != 0)
        return true;
    if (!page->reached && strcmp(page->journal, name) != 0)
        return true;
    if (page->reached)
        page->after = 0;
    page->reached = true;
    memcpy(page->journal, name, sizeof name);
    read_journal(page);
    return page->status == TS_OK && json_array_size(page->events) < page->limit;
}

static void add_shard(struct page *page, const char *store) {
    unsigned shard = ts_shard(ts_slice_text(store));

    for (size_t i = 0; i < page->shard_count; i++)
        if (page->shards[i] == shard)
            return;
    page->shards[page->shard_count++] = shard;
}

static enum ts_status read_name(struct page *page,
                                const struct registry_entry *entry,
                                const char *terminal) {
    struct db_value values[1 + REGISTRY_SOURCES_MAX] = {db_cstr(terminal)};
    enum ts_status status;

    page->terminal = terminal;
    page->shard_count = 0;
    for (size_t i = 0; i < entry->count; i++)
        if (!strcmp(entry->sources[i].terminal, terminal))
            add_shard(page, entry->sources[i].store);
    assert(page->shard_count); /* `terminal` is of one of the sources */
    for (size_t i = 0; i < REGISTRY_SOURCES_MAX; i++)
        values[1 + i] = db_int(page->shards[i % page->shard_count]);
    status = db_run(page->web->db, &api_statements[JOURNALS], values,
                    1 + REGISTRY_SOURCES_MAX, journal_row, page, &page->err);
    return status == TS_OK ? page->status : status;
}

/* Each name that the terminal has had, oldest first. */
static enum ts_status read_names(struct page *page,
                                 const struct registry_entry *entry) {
    enum ts_status status = TS_OK;

    for (size_t i = entry->count; i-- > 0 && status == TS_OK;) {
        const char *terminal = entry->sources[i].terminal;
        size_t older = i + 1;
        while (older < entry->count &&
               strcmp(entry->sources[older].terminal, terminal) != 0)
            older++;
        if (older < entry->count)
            continue;
        if (json_array_size(page->events) >= page->limit)
            break;
        status = read_name(page, entry, terminal);
    }
    return status;
}

/* `<journal>-<sequence>`, or a sequence when one journal is asked for. */
static bool cursor_parse(struct page *page, const char *after) {
    const char *dash = strchr(after, '-');
    const char *digits = dash ? dash + 1 : after;
    char *end;

    if (dash) {
        if (!ts_journal_valid(ts_slice_of(after, (size_t)(dash - after))))
            return false;
        memcpy(page->journal, after, TS_JOURNAL_TEXT - 1);
    } else if (page->only) {
        (void)snprintf(page->journal, sizeof page->journal, "%.16s",
                       page->only);
    }
    page->reached = false;
    page->after = strtoull(digits, &end, 10);
    return *digits && !*end && page->journal[0];
}

static json_t *page_json(struct page *page) {
    char next[TS_JOURNAL_TEXT + TS_COUNTER_TEXT];
    json_t *body = json_pack("{s:O}", "events", page->events);

    if (json_array_size(page->events) == page->limit) {
        (void)snprintf(next, sizeof next, "%s-%llu", page->journal,
                       (unsigned long long)page->after);
        (void)json_object_set_new(body, "next", json_string(next));
    }
    return body;
}

void api_archive(void *ctx, struct ts_http_request *request) {
    const struct web *web = ctx;
    const char *terminal = ts_http_query(request, "terminal");
    const char *after = ts_http_query(request, "after");
    struct page page = {.web = web, .reached = true};
    struct registry_entry entry;
    int64_t limit;
    enum ts_status status;

    if (!ask(request, web, &limit))
        return;
    page.limit = (size_t)limit;
    page.only = ts_http_query(request, "journal");
    if (!terminal || (after && !cursor_parse(&page, after))) {
        ts_http_reply_error(request, 400,
                            "give terminal=, and as after= the last `next`");
        return;
    }
    page.events = json_array();
    status = registry_find(web->db, terminal, &entry, &page.err);
    if (status == TS_OK)
        status = read_names(&page, &entry);
    reply(request, status, page_json(&page), &page.err);
    json_decref(page.events);
}
