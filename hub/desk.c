#include "hub/desk.h"

#include "base/log.h"
#include "hub/rows.h"
#include "hub/sure.h"

#include <string.h>

enum {
    GROW,
    LOG,
    LOG_MAKE,
    LOG_RENEW,
    LOG_RENEW_ALL,
    RECORD,
    SAME,
    PUT,
    AFTER,
    BELLS
};

/* Room in a publish for everything that is not a record. */
enum { FRAME_BYTES = 512 };

#define RECORD_COLUMNS                                                         \
    "SELECT position, kind, record_key, value, expires_ms FROM desk_record "

const struct db_statement desk_statements[] = {
    [GROW] = {"desk_grow",
              "INSERT INTO desk_log (shard, store, log, through, changed_ms) "
              "VALUES ($1, $2, $3, 1, $4) ON CONFLICT (shard, store) "
              "DO UPDATE SET through = desk_log.through + 1, changed_ms = $4 "
              "RETURNING through"},
    [LOG] = {"desk_log", "SELECT log, through FROM desk_log "
                         "WHERE shard = $1 AND store = $2"},
    [LOG_MAKE] = {"desk_log_make",
                  "INSERT INTO desk_log (shard, store, log, through, "
                  "changed_ms) VALUES ($1, $2, $3, 0, $4) "
                  "ON CONFLICT (shard, store) DO NOTHING"},
    [LOG_RENEW] = {"desk_log_renew",
                   "UPDATE desk_log SET log = $3, changed_ms = $4 "
                   "WHERE shard = $1 AND store = $2"},
    [LOG_RENEW_ALL] = {"desk_log_renew_all",
                       "UPDATE desk_log SET log = $1, changed_ms = $2"},
    [RECORD] = {"desk_record",
                RECORD_COLUMNS "WHERE shard = $1 AND store = $2 AND kind = $3 "
                               "AND record_key = $4"},
    [SAME] = {"desk_same",
              "SELECT COUNT(*) FROM desk_record WHERE shard = $1 "
              "AND store = $2 AND kind = $3 AND record_key = $4 "
              "AND (value = $5 OR (value IS NULL AND length($5) = 0)) "
              "AND COALESCE(expires_ms, -1) = $6"},
    [PUT] = {"desk_put",
             "INSERT INTO desk_record (shard, store, kind, record_key, "
             "position, value, expires_ms) VALUES ($1, $2, $3, $4, $5, $6, $7) "
             "ON CONFLICT (shard, store, kind, record_key) DO UPDATE SET "
             "position = $5, value = $6, expires_ms = $7"},
    [AFTER] = {"desk_after", RECORD_COLUMNS
               "WHERE shard = $1 AND store = $2 AND position > $3 "
               "ORDER BY position LIMIT $4"},
    [BELLS] = {"desk_bells", "SELECT store, log, through, changed_ms "
                             "FROM desk_log WHERE changed_ms > $1 "
                             "OR (changed_ms = $1 AND store > $2) "
                             "ORDER BY changed_ms, store LIMIT 200"},
    {NULL, NULL},
};

static unsigned shard_of(const char *store) {
    return ts_shard(ts_slice_text(store));
}

/* Whether the log holds this very record already. */
static enum ts_status is_same(struct db *db, const struct desk_change *change,
                              struct ts_slice value, bool *same,
                              struct ts_err *err) {
    struct db_value values[] = {
        db_int(shard_of(change->store)),
        db_cstr(change->store),
        db_int(change->kind),
        db_text(change->key),
        db_blob(value),
        db_int(change->has_expires ? change->expires.unix_ms : -1)};
    int64_t count = 0;
    enum ts_status status =
        db_run(db, &desk_statements[SAME], values, 6, row_number, &count, err);

    *same = count > 0;
    return status;
}

static enum ts_status grow(struct db *db, const struct desk_change *change,
                           int64_t *position, struct ts_err *err) {
    char log[TS_JOURNAL_TEXT];
    struct db_value values[] = {db_int(shard_of(change->store)),
                                db_cstr(change->store), db_null(),
                                db_int(change->now.unix_ms)};

    ts_random_hex(log, TS_JOURNAL_TEXT - 1);
    values[2] = db_cstr(log);
    return db_run(db, &desk_statements[GROW], values, 4, row_number, position,
                  err);
}

static enum ts_status put_value(struct db *db, const struct desk_change *change,
                                struct ts_slice value, struct ts_err *err) {
    int64_t position = 0;
    bool same;
    enum ts_status status = is_same(db, change, value, &same, err);

    if (status != TS_OK || same)
        return status;
    status = grow(db, change, &position, err);
    if (status != TS_OK)
        return status;
    return db_run(
        db, &desk_statements[PUT],
        (struct db_value[]){
            db_int(shard_of(change->store)), db_cstr(change->store),
            db_int(change->kind), db_text(change->key), db_int(position),
            change->value ? db_blob(value) : db_null(),
            change->has_expires ? db_int(change->expires.unix_ms) : db_null()},
        7, NULL, NULL, err);
}

enum ts_status desk_put(struct db *db, const struct desk_change *change,
                        struct ts_err *err) {
    struct ts_buf value = {0};
    enum ts_status status;

    if (!change->key.len || change->key.len > MESSAGE_KEY_MAX)
        return ts_fail(err, TS_INVALID, "a desk key must have 1 to %d bytes",
                       MESSAGE_KEY_MAX);
    if (change->value)
        sure(ts_json_canonical(&value, change->value));
    if (value.len > EVENT_MAX_BYTES)
        status = ts_fail(err, TS_FULL, "a desk value must be under %d bytes",
                         EVENT_MAX_BYTES);
    else
        status = put_value(db, change, ts_buf_slice(&value), err);
    ts_buf_fini(&value);
    return status;
}

struct log {
    bool any;
    char id[TS_JOURNAL_TEXT];
    uint64_t through;
};

static bool log_row(void *arg, const struct db_value *columns, size_t count) {
    struct log *log = arg;

    (void)count;
    log->any = true;
    column_copy(log->id, sizeof log->id, &columns[0]);
    log->through = (uint64_t)columns[1].number;
    return false;
}

static enum ts_status log_find(struct db *db, const char *store,
                               struct log *log, struct ts_err *err) {
    struct db_value values[] = {db_int(shard_of(store)), db_cstr(store)};

    return db_run(db, &desk_statements[LOG], values, 2, log_row, log, err);
}

static enum ts_status log_write(struct db *db, int which, const char *store,
                                struct ts_wall now, struct ts_err *err) {
    char id[TS_JOURNAL_TEXT];
    struct db_value values[] = {db_int(shard_of(store)), db_cstr(store),
                                db_null(), db_int(now.unix_ms)};

    ts_random_hex(id, TS_JOURNAL_TEXT - 1);
    values[2] = db_cstr(id);
    return db_run(db, &desk_statements[which], values, 4, NULL, NULL, err);
}

enum ts_status desk_renew(struct db *db, struct ts_wall now,
                          struct ts_err *err) {
    char id[TS_JOURNAL_TEXT];
    struct db_value values[] = {db_null(), db_int(now.unix_ms)};

    ts_random_hex(id, TS_JOURNAL_TEXT - 1);
    values[0] = db_cstr(id);
    return db_run(db, &desk_statements[LOG_RENEW_ALL], values, 2, NULL, NULL,
                  err);
}

/* The store's log, made at the first question; renewed when the terminal
 * knows more of it than there is. */
static enum ts_status log_get(struct db *db, const char *store,
                              const struct message_pull *pull,
                              struct ts_wall now, struct log *log,
                              struct ts_err *err) {
    enum ts_status status = log_find(db, store, log, err);
    bool beyond =
        log->any && !strcmp(log->id, pull->log) && pull->after > log->through;

    if (status != TS_OK || (log->any && !beyond))
        return status;
    if (beyond)
        ts_log(TS_LOG_WARN, "desk",
               "store %s: a terminal holds more than this hub, which must "
               "have been restored: the store's log is loaded anew",
               store);
    status = log_write(db, beyond ? LOG_RENEW : LOG_MAKE, store, now, err);
    return status == TS_OK ? log_find(db, store, log, err) : status;
}

struct page {
    json_t *records;
    size_t bytes, rows, max_rows;
    struct ts_wall now;
    bool fresh; /* the terminal holds nothing of this log yet */
    uint64_t to;
    bool full; /* there is more */
};

/* What has run out goes as a deletion: the terminal may hold it as it was. */
static json_t *record_json(const struct db_value *columns, bool run_out) {
    json_t *value = NULL, *json;
    struct message_desk_record record = {
        .position = (uint64_t)columns[0].number,
        .kind = (enum desk_kind)columns[1].number,
        .key = columns[2].bytes,
        .has_expires = columns[4].kind == DB_INT && !run_out,
        .expires = {columns[4].number},
    };

    if (columns[3].kind == DB_BLOB && !run_out &&
        ts_json_parse(&value, columns[3].bytes, NULL) == TS_OK)
        record.value = value;
    json = message_desk_record_json(&record);
    json_decref(value);
    return json;
}

static bool page_row(void *arg, const struct db_value *columns, size_t count) {
    struct page *page = arg;
    size_t size = columns[2].bytes.len + columns[3].bytes.len + 160;
    bool run_out =
        columns[4].kind == DB_INT && columns[4].number <= page->now.unix_ms;

    (void)count;
    if (page->rows == page->max_rows ||
        page->bytes + size > BATCH_MAX_PUBLISH - FRAME_BYTES) {
        page->full = true;
        return false;
    }
    page->rows++;
    page->to = (uint64_t)columns[0].number;
    if (run_out && page->fresh)
        return true;
    page->bytes += size;
    (void)json_array_append_new(page->records, record_json(columns, run_out));
    return true;
}

static enum ts_status answer_range(struct db *db, const char *store,
                                   const struct message_pull *pull,
                                   struct page *page,
                                   struct message_desk *answer,
                                   struct ts_err *err) {
    struct log log = {0};
    struct db_value values[] = {db_int(shard_of(store)), db_cstr(store),
                                db_null(), db_int((int64_t)pull->limit + 1)};
    enum ts_status status = log_get(db, store, pull, page->now, &log, err);

    if (status != TS_OK)
        return status;
    memcpy(answer->log, log.id, sizeof answer->log);
    answer->has_range = true;
    answer->from = strcmp(log.id, pull->log) ? 0 : pull->after;
    page->to = answer->from;
    page->fresh = !answer->from;
    values[2] = db_int((int64_t)answer->from);
    status =
        db_run(db, &desk_statements[AFTER], values, 4, page_row, page, err);
    answer->more = page->full;
    answer->to = page->full ? page->to : log.through;
    return status;
}

static enum ts_status answer_one(struct db *db, const char *store,
                                 struct ts_slice token, struct page *page,
                                 struct ts_err *err) {
    struct db_value values[] = {db_int(shard_of(store)), db_cstr(store),
                                db_int(DESK_PROFILE), db_text(token)};
    struct message_desk_record none = {.kind = DESK_PROFILE, .key = token};
    size_t before = json_array_size(page->records);
    enum ts_status status =
        db_run(db, &desk_statements[RECORD], values, 4, page_row, page, err);

    if (status == TS_OK && json_array_size(page->records) == before)
        (void)json_array_append_new(page->records,
                                    message_desk_record_json(&none));
    return status;
}

static enum ts_status answer_want(struct db *db, const char *store,
                                  const struct message_pull *pull,
                                  struct page *page,
                                  struct message_desk *answer,
                                  struct ts_err *err) {
    struct log log = {0};
    enum ts_status status = log_get(db, store, pull, page->now, &log, err);
    size_t index;
    const json_t *token;

    memcpy(answer->log, log.id, sizeof answer->log);
    json_array_foreach(pull->want, index, token) {
        if (status == TS_OK)
            status = answer_one(db, store,
                                ts_slice_of(json_string_value(token),
                                            json_string_length(token)),
                                page, err);
    }
    return status;
}

enum ts_status desk_answer(struct db *db, const char *store,
                           const struct message_pull *pull, struct ts_wall now,
                           struct ts_buf *out, struct ts_err *err) {
    struct page page = {.records = json_array(), .now = now};
    struct message_desk answer = {.records = page.records};
    enum ts_status status;

    page.max_rows = pull->want ? MESSAGE_LIMIT_MAX : pull->limit;
    status = pull->want ? answer_want(db, store, pull, &page, &answer, err)
                        : answer_range(db, store, pull, &page, &answer, err);
    if (status == TS_OK)
        message_desk_encode(out, &answer);
    json_decref(page.records);
    return status;
}

struct ringer {
    struct desk_bell_cursor *cursor;
    desk_bell *each;
    void *arg;
};

static bool bell_row(void *arg, const struct db_value *columns, size_t count) {
    const struct ringer *ringer = arg;
    struct message_bell bell = {.through = (uint64_t)columns[2].number};
    struct desk_bell_cursor next = {.changed = {columns[3].number}};

    (void)count;
    column_copy(next.store, sizeof next.store, &columns[0]);
    column_copy(bell.log, sizeof bell.log, &columns[1]);
    if (!ringer->each(ringer->arg, next.store, &bell))
        return false;
    *ringer->cursor = next;
    return true;
}

enum ts_status desk_bells(struct db *db, struct desk_bell_cursor *cursor,
                          desk_bell *each, void *arg, struct ts_err *err) {
    struct db_value values[] = {db_int(cursor->changed.unix_ms), db_null()};
    struct ringer ringer = {cursor, each, arg};
    char store[TS_NAME_TEXT];

    memcpy(store, cursor->store, sizeof store);
    values[1] = db_cstr(store);
    return db_run(db, &desk_statements[BELLS], values, 2, bell_row, &ringer,
                  err);
}
