#include "hub/archive.h"

#include "base/hash.h"
#include "base/log.h"
#include "hub/sure.h"

#include <stdlib.h>
#include <string.h>

enum { RAW_MAX = 128 * 1024 };

enum { PUT, BY_KEY, AFTER, GET, QUARANTINE, ALARM };
#define EVENT_COLUMNS                                                          \
    "SELECT shard, arrival, event_key, source, type, channel, time_ms, "       \
    "received_ms, visit, boot, uptime_ms, clock, body FROM event "

/* The next arrival is read from the table itself: a counter would be a second
 * write for each event. Two writers of one shard meet in the primary key, and
 * the later one gets TS_AGAIN. */
const struct db_statement archive_statements[] = {
    [PUT] = {"archive_put",
             "INSERT INTO event (shard, arrival, event_key, source, type, "
             "channel, time_ms, received_ms, visit, boot, uptime_ms, clock, "
             "hash, body) VALUES ($1, (SELECT COALESCE(MAX(arrival), 0) + 1 "
             "FROM event WHERE shard = $1), $2, $3, $4, $5, $6, $7, $8, $9, "
             "$10, $11, $12, $13) ON CONFLICT (shard, event_key) DO NOTHING"},
    [BY_KEY] = {"archive_by_key", "SELECT hash FROM event "
                                  "WHERE shard = $1 AND event_key = $2"},
    [AFTER] = {"archive_after", EVENT_COLUMNS
               "WHERE shard = $1 AND arrival > $2 ORDER BY arrival LIMIT $3"},
    [GET] = {"archive_get", EVENT_COLUMNS "WHERE shard = $1 AND arrival = $2"},
    [QUARANTINE] = {"archive_quarantine",
                    "INSERT INTO quarantine (shard, id, source, reason, times, "
                    "first_ms, last_ms, raw) "
                    "VALUES ($1, $2, $3, $4, 1, $5, $5, $6) "
                    "ON CONFLICT (shard, id) DO UPDATE SET "
                    "times = quarantine.times + 1, last_ms = $5"},
    [ALARM] = {"archive_alarm",
               "INSERT INTO alarm (shard, kind, subject, text, times, "
               "first_ms, last_ms) VALUES ($1, $2, $3, $4, 1, $5, $5) "
               "ON CONFLICT (shard, kind, subject) DO UPDATE SET "
               "times = alarm.times + 1, last_ms = $5, text = $4 "
               "RETURNING times"},
    {NULL, NULL},
};

/* An absent text is stored as an empty one. */
static struct db_value text_of(struct ts_slice text) {
    return db_text(text.data ? text : ts_slice_text(""));
}

/* One event of a group on its way into the archive. */
struct putting {
    uint8_t hash[TS_HASH_BYTES];
    bool found; /* the row that was there before */
};

struct group {
    const struct archive_event *events;
    size_t count;
    struct putting *puttings;
    enum archive_outcome *outcomes;
    size_t *known; /* places of those that were there before */
    size_t known_count;
};

enum { PUT_VALUES = 13, KEY_VALUES = 2 };

static void put_values(struct db_value out[PUT_VALUES],
                       const struct archive_event *event,
                       const struct putting *putting) {
    const struct db_value values[PUT_VALUES] = {
        db_int(event->shard),
        text_of(event->key),
        text_of(event->source),
        text_of(event->type),
        text_of(event->channel),
        db_int(event->time.unix_ms),
        db_int(event->received.unix_ms),
        text_of(event->visit),
        text_of(event->boot),
        db_int(event->uptime.ms),
        text_of(event->clock),
        db_blob(ts_slice_of(putting->hash, TS_HASH_BYTES)),
        db_blob(event->body),
    };

    memcpy(out, values, sizeof values);
}

static void put_done(void *arg, size_t set, uint64_t changed) {
    const struct group *group = arg;

    if (changed)
        group->outcomes[set] = ARCHIVE_NEW;
}

static enum ts_status put_all(struct db *db, struct group *group,
                              struct ts_err *err) {
    struct db_value *values =
        ts_alloc(group->count * PUT_VALUES * sizeof *values);
    struct db_sets sets = {.statement = &archive_statements[PUT],
                           .values = values,
                           .set_count = group->count,
                           .count = PUT_VALUES,
                           .done = put_done,
                           .arg = group};
    enum ts_status status;

    for (size_t i = 0; i < group->count; i++) {
        ts_hash(group->puttings[i].hash, &group->events[i].body, 1);
        group->outcomes[i] = ARCHIVE_CONFLICT; /* until it is told better */
        put_values(values + i * PUT_VALUES, &group->events[i],
                   &group->puttings[i]);
    }
    status = db_run_sets(db, &sets, err);
    free(values);
    return status;
}

static bool known_row(void *arg, size_t set, const struct db_value *columns,
                      size_t count) {
    struct group *group = arg;
    size_t at = group->known[set];
    const struct ts_slice hash = columns[0].bytes;

    (void)count;
    group->puttings[at].found = true;
    if (hash.len == TS_HASH_BYTES &&
        !memcmp(hash.data, group->puttings[at].hash, TS_HASH_BYTES))
        group->outcomes[at] = ARCHIVE_DUPLICATE;
    return false;
}

/* Looks at the rows that were there before. */
static enum ts_status compare_known(struct db *db, struct group *group,
                                    struct ts_err *err) {
    struct db_value *values =
        ts_alloc(group->known_count * KEY_VALUES * sizeof *values);
    struct db_sets sets = {.statement = &archive_statements[BY_KEY],
                           .values = values,
                           .set_count = group->known_count,
                           .count = KEY_VALUES,
                           .row = known_row,
                           .arg = group};
    enum ts_status status;

    for (size_t i = 0; i < group->known_count; i++) {
        const struct archive_event *event = &group->events[group->known[i]];
        values[i * KEY_VALUES] = db_int(event->shard);
        values[i * KEY_VALUES + 1] = text_of(event->key);
    }
    status = db_run_sets(db, &sets, err);
    free(values);
    for (size_t i = 0; status == TS_OK && i < group->known_count; i++)
        if (!group->puttings[group->known[i]].found)
            status =
                ts_fail(err, TS_AGAIN, "the event came and went meanwhile");
    return status;
}

enum ts_status archive_put_all(struct db *db,
                               const struct archive_event *events, size_t count,
                               enum archive_outcome *outcomes,
                               struct ts_err *err) {
    struct group group = {events,
                          count,
                          ts_alloc(count * sizeof *group.puttings),
                          outcomes,
                          ts_alloc(count * sizeof *group.known),
                          0};
    enum ts_status status;

    memset(group.puttings, 0, count * sizeof *group.puttings);
    status = put_all(db, &group, err);
    for (size_t i = 0; status == TS_OK && i < count; i++)
        if (outcomes[i] != ARCHIVE_NEW)
            group.known[group.known_count++] = i;
    if (status == TS_OK && group.known_count)
        status = compare_known(db, &group, err);
    free(group.puttings);
    free(group.known);
    return status;
}

enum ts_status archive_put(struct db *db, const struct archive_event *event,
                           enum archive_outcome *outcome, struct ts_err *err) {
    return archive_put_all(db, event, 1, outcome, err);
}

struct reader {
    bool (*each)(void *arg, const struct archive_event *event);
    void *arg;
};

static bool event_row(void *arg, const struct db_value *columns, size_t count) {
    const struct reader *reader = arg;
    struct archive_event event = {
        .shard = (unsigned)columns[0].number,
        .arrival = (uint64_t)columns[1].number,
        .key = columns[2].bytes,
        .source = columns[3].bytes,
        .type = columns[4].bytes,
        .channel = columns[5].bytes,
        .time = {columns[6].number},
        .received = {columns[7].number},
        .visit = columns[8].bytes,
        .boot = columns[9].bytes,
        .uptime = {columns[10].number},
        .clock = columns[11].bytes,
        .body = columns[12].bytes,
    };

    (void)count;
    return reader->each(reader->arg, &event);
}

enum ts_status
/* NOLINTNEXTLINE(readability-function-size): a page and its reader */
archive_after(struct db *db, unsigned shard, uint64_t arrival, size_t limit,
              bool (*each)(void *arg, const struct archive_event *event),
              void *arg, struct ts_err *err) {
    struct db_value values[] = {db_int(shard), db_int((int64_t)arrival),
                                db_int((int64_t)limit)};
    struct reader reader = {each, arg};

    return db_run(db, &archive_statements[AFTER], values, 3, event_row, &reader,
                  err);
}

enum ts_status archive_get(struct db *db, unsigned shard, uint64_t arrival,
                           bool (*each)(void *arg,
                                        const struct archive_event *event),
                           void *arg, struct ts_err *err) {
    struct db_value values[] = {db_int(shard), db_int((int64_t)arrival)};
    struct reader reader = {each, arg};

    return db_run(db, &archive_statements[GET], values, 2, event_row, &reader,
                  err);
}

/* The id is made of the content, so that a resend counts and does not grow
 * the table. */
static void quarantine_id(char out[2 * 16 + 1], struct ts_slice source,
                          struct ts_slice raw) {
    const struct ts_slice parts[] = {source, ts_slice_text("\n"), raw};
    uint8_t hash[TS_HASH_BYTES];

    ts_hash(hash, parts, 3);
    ts_hex(out, ts_slice_of(hash, 16));
}

/* Each argument is a column. NOLINTNEXTLINE(readability-function-size) */
enum ts_status archive_quarantine(struct db *db, unsigned shard,
                                  struct ts_slice source,
                                  struct ts_slice reason,
                                  struct ts_wall received, struct ts_slice raw,
                                  struct ts_err *err) {
    char id[33];
    struct ts_buf why = {0};
    enum ts_status status;

    quarantine_id(id, source, raw);
    sure(ts_buf_add(&why, reason));
    if (raw.len > RAW_MAX) {
        sure(ts_buf_printf(&why, " (cut: %zu of %zu bytes kept)",
                           (size_t)RAW_MAX, raw.len));
        raw.len = RAW_MAX;
    }
    status =
        db_run(db, &archive_statements[QUARANTINE],
               (struct db_value[]){db_int(shard), db_cstr(id), text_of(source),
                                   text_of(ts_buf_slice(&why)),
                                   db_int(received.unix_ms), db_blob(raw)},
               6, NULL, NULL, err);
    ts_buf_fini(&why);
    return status;
}

static bool times_row(void *arg, const struct db_value *columns, size_t count) {
    (void)count;
    *(int64_t *)arg = columns[0].number;
    return false;
}

/* Each argument is a column. NOLINTNEXTLINE(readability-function-size) */
enum ts_status archive_alarm(struct db *db, unsigned shard, const char *kind,
                             struct ts_slice subject, const char *text,
                             struct ts_wall at, struct ts_err *err) {
    struct db_value values[] = {db_int(shard), db_cstr(kind), text_of(subject),
                                db_cstr(text), db_int(at.unix_ms)};
    int64_t times = 0;
    enum ts_status status = db_run(db, &archive_statements[ALARM], values, 5,
                                   times_row, &times, err);

    if (status == TS_OK && times == 1)
        ts_log(TS_LOG_WARN, "alarm", "%s %.*s: %s", kind, (int)subject.len,
               (const char *)subject.data, text);
    return status;
}
