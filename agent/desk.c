#include "agent/desk.h"

#include "base/log.h"
#include "base/token.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PULL_LIMIT = 500 };

/* Where records go: the replica, or the copy that a new log is loaded into. */
enum desk_table { DESK_LIVE, DESK_SHADOW, DESK_TABLES };

struct desk_place {
    char log[TS_JOURNAL_TEXT];
    uint64_t position;
};

struct desk {
    sqlite3 *db;
    char *path;
    sqlite3_stmt *put[DESK_TABLES];
    sqlite3_stmt *forget[DESK_TABLES];
    sqlite3_stmt *find;
    sqlite3_stmt *offers;
    sqlite3_stmt *keep;
    struct desk_place places[DESK_TABLES];
};

static const char schema[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    "PRAGMA cache_size=-256; PRAGMA journal_size_limit=1048576;"
    "PRAGMA secure_delete=ON;"
    "CREATE TABLE IF NOT EXISTS desk(kind INTEGER NOT NULL,"
    " key TEXT NOT NULL, position INTEGER NOT NULL, value TEXT,"
    " expires INTEGER, PRIMARY KEY(kind,key)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS shadow(kind INTEGER NOT NULL,"
    " key TEXT NOT NULL, position INTEGER NOT NULL, value TEXT,"
    " expires INTEGER, PRIMARY KEY(kind,key)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS place(name INTEGER PRIMARY KEY,"
    " log TEXT NOT NULL, position INTEGER NOT NULL);";

static enum ts_status fail(const struct desk *desk, struct ts_err *err) {
    return ts_fail(err, TS_IO, "%s: %s; check the disk", desk->path,
                   sqlite3_errmsg(desk->db));
}

static bool prepare(struct desk *desk, sqlite3_stmt **out, const char *sql) {
    return sqlite3_prepare_v3(desk->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out,
                              NULL) == SQLITE_OK;
}

/* `value` null leaves a mark that keeps the position of the deletion. */
#define PUT_INTO(table)                                                        \
    "INSERT INTO " table "(kind,key,position,value,expires) "                  \
    "VALUES(?1,?2,?3,?4,?5) ON CONFLICT(kind,key) DO UPDATE SET "              \
    "position=excluded.position,value=excluded.value,"                         \
    "expires=excluded.expires WHERE excluded.position>" table ".position"
/* Of a card: its profile, and its offers, "<token>/<offer>". '0' follows '/'.
 */
#define FORGET_IN(table)                                                       \
    "UPDATE " table " SET value=NULL WHERE (key=?1 OR (key>?1||'/' AND "       \
    "key<?1||'0')) AND kind<>3 AND position<?2"

static bool prepare_all(struct desk *desk) {
    return prepare(desk, &desk->put[DESK_LIVE], PUT_INTO("desk")) &&
           prepare(desk, &desk->put[DESK_SHADOW], PUT_INTO("shadow")) &&
           prepare(desk, &desk->forget[DESK_LIVE], FORGET_IN("desk")) &&
           prepare(desk, &desk->forget[DESK_SHADOW], FORGET_IN("shadow")) &&
           prepare(desk, &desk->find,
                   "SELECT value,expires FROM desk WHERE kind=0 AND key=?1") &&
           prepare(desk, &desk->offers,
                   "SELECT substr(key,length(?1)+2),value FROM desk WHERE "
                   "kind=1 AND key>?1||'/' AND key<?1||'0' AND value IS NOT "
                   "NULL AND (expires IS NULL OR expires>?2) ORDER BY key "
                   "LIMIT ?3") &&
           prepare(desk, &desk->keep,
                   "INSERT INTO place(name,log,position) VALUES(?1,?2,?3) "
                   "ON CONFLICT(name) DO UPDATE SET log=excluded.log,"
                   "position=excluded.position");
}

static bool load_places(struct desk *desk) {
    sqlite3_stmt *statement = NULL;
    int step;

    if (!prepare(desk, &statement, "SELECT name,log,position FROM place"))
        return false;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        int name = sqlite3_column_int(statement, 0);

        if (name < 0 || name >= DESK_TABLES)
            continue;
        (void)snprintf(desk->places[name].log, TS_JOURNAL_TEXT, "%s",
                       (const char *)sqlite3_column_text(statement, 1));
        desk->places[name].position =
            (uint64_t)sqlite3_column_int64(statement, 2);
    }
    (void)sqlite3_finalize(statement);
    return step == SQLITE_DONE;
}

static void close_db(struct desk *desk) {
    for (int i = 0; i < DESK_TABLES; i++) {
        (void)sqlite3_finalize(desk->put[i]);
        (void)sqlite3_finalize(desk->forget[i]);
        desk->put[i] = desk->forget[i] = NULL;
    }
    (void)sqlite3_finalize(desk->find);
    (void)sqlite3_finalize(desk->offers);
    (void)sqlite3_finalize(desk->keep);
    desk->find = desk->offers = desk->keep = NULL;
    (void)sqlite3_close(desk->db);
    desk->db = NULL;
}

static bool open_db(struct desk *desk) {
    memset(desk->places, 0, sizeof desk->places);
    return sqlite3_open_v2(desk->path, &desk->db,
                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                               SQLITE_OPEN_NOMUTEX,
                           NULL) == SQLITE_OK &&
           sqlite3_db_config(desk->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0) ==
               SQLITE_OK &&
           sqlite3_exec(desk->db, schema, NULL, NULL, NULL) == SQLITE_OK &&
           prepare_all(desk) && load_places(desk);
}

static void throw_away(const struct desk *desk) {
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char path[300];

    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s%s", desk->path, suffixes[i]);
        (void)unlink(path);
    }
}

enum ts_status desk_open(struct desk **out, const char *path,
                         struct ts_err *err) {
    struct desk *desk = ts_alloc(sizeof *desk);
    bool open;

    *desk = (struct desk){.path = ts_strdup(path)};
    open = open_db(desk);
    if (!open && (sqlite3_errcode(desk->db) == SQLITE_CORRUPT ||
                  sqlite3_errcode(desk->db) == SQLITE_NOTADB)) {
        ts_log(TS_LOG_WARN, "desk",
               "%s is damaged: it is thrown away and loaded again", path);
        close_db(desk);
        throw_away(desk);
        open = open_db(desk);
    }
    if (!open) {
        enum ts_status status = fail(desk, err);
        desk_close(desk);
        return status;
    }
    *out = desk;
    return TS_OK;
}

void desk_close(struct desk *desk) {
    if (!desk)
        return;
    close_db(desk);
    free(desk->path);
    free(desk);
}

static bool run(sqlite3_stmt *statement) {
    bool done = sqlite3_step(statement) == SQLITE_DONE;

    (void)sqlite3_reset(statement);
    return done;
}

static bool put(struct desk *desk, enum desk_table table,
                const struct message_desk_record *record) {
    sqlite3_stmt *statement = desk->put[table];
    char *value = record->value ? json_dumps(record->value,
                                             JSON_COMPACT | JSON_ENCODE_ANY)
                                : NULL;
    bool done;

    (void)sqlite3_bind_int(statement, 1, (int)record->kind);
    (void)sqlite3_bind_text(statement, 2, (const char *)record->key.data,
                            (int)record->key.len, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 3, (int64_t)record->position);
    (void)sqlite3_bind_text(statement, 4, value, -1, SQLITE_STATIC);
    if (record->has_expires)
        (void)sqlite3_bind_int64(statement, 5, record->expires.unix_ms);
    else
        (void)sqlite3_bind_null(statement, 5);
    done = run(statement);
    (void)sqlite3_clear_bindings(statement);
    free(value);
    return done;
}

/* What came after the erasure is a new beginning and stays. */
static bool forget(struct desk *desk, enum desk_table table,
                   struct ts_slice key, uint64_t before) {
    sqlite3_stmt *statement = desk->forget[table];
    bool done;

    (void)sqlite3_bind_text(statement, 1, (const char *)key.data, (int)key.len,
                            SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)before);
    done = run(statement);
    (void)sqlite3_clear_bindings(statement);
    return done;
}

static bool keep_place(struct desk *desk, enum desk_table table,
                       const char *log, uint64_t position) {
    (void)sqlite3_bind_int(desk->keep, 1, (int)table);
    (void)sqlite3_bind_text(desk->keep, 2, log, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(desk->keep, 3, (int64_t)position);
    return run(desk->keep);
}

static void add_token(json_t *cards, struct ts_slice text) {
    if (text.data && ts_token_valid(text))
        (void)json_array_append_new(
            cards, json_stringn((const char *)text.data, text.len));
}

/* An erase record names the card: its key, or a list `cards` in its value. */
static void add_erased(json_t *cards,
                       const struct message_desk_record *record) {
    size_t index;
    const json_t *card;

    add_token(cards, record->key);
    json_array_foreach(json_object_get(record->value, "cards"), index, card)
        add_token(cards, ts_slice_of(json_string_value(card),
                                     json_string_length(card)));
}

json_t *desk_erased_cards(const struct message_desk *message) {
    json_t *cards = json_array();
    size_t index;
    const json_t *json;

    json_array_foreach(message->records, index, json) {
        struct message_desk_record record;
        if (message_desk_record_decode(&record, json, NULL) == TS_OK &&
            record.kind == DESK_ERASE)
            add_erased(cards, &record);
    }
    return cards;
}

static bool erase(struct desk *desk, enum desk_table table,
                  const struct message_desk_record *record) {
    json_t *cards = json_array();
    size_t index;
    const json_t *card;
    bool done = forget(desk, table, record->key, record->position);

    add_erased(cards, record);
    json_array_foreach(cards, index, card) {
        done = done && forget(desk, table,
                              ts_slice_of(json_string_value(card),
                                          json_string_length(card)),
                              record->position);
    }
    json_decref(cards);
    return done;
}

static enum ts_status write_records(struct desk *desk, enum desk_table table,
                                    const json_t *records,
                                    struct desk_result *result,
                                    struct ts_err *err) {
    for (size_t i = 0; i < json_array_size(records); i++) {
        struct message_desk_record record;
        struct ts_err why;

        /* The rest of the desk must not wait for what a newer hub knows. */
        if (message_desk_record_decode(&record, json_array_get(records, i),
                                       &why) != TS_OK) {
            ts_log(TS_LOG_WARN, "desk", "a record is left out: %s", why.text);
            continue;
        }
        if (record.kind == DESK_ERASE) {
            if (!erase(desk, table, &record))
                return fail(desk, err);
            if (record.position > result->erased)
                result->erased = record.position;
        }
        /* Position 0: a card that the hub does not know. */
        if ((record.position || record.value) && !put(desk, table, &record))
            return fail(desk, err);
        result->changed = true;
    }
    return TS_OK;
}

static bool exec(struct desk *desk, const char *sql) {
    return sqlite3_exec(desk->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* What changes in memory when the transaction is committed. */
struct change {
    enum desk_table table;
    struct desk_place place;
    bool swap;
};

static bool plan(const struct desk *desk, const struct message_desk *message,
                 struct change *change, bool *fresh) {
    const struct desk_place *live = &desk->places[DESK_LIVE];
    const struct desk_place *shadow = &desk->places[DESK_SHADOW];
    bool loading = !strcmp(message->log, shadow->log);

    change->table = DESK_LIVE;
    *fresh = false;
    if (!strcmp(message->log, live->log))
        return !message->has_range || message->from == live->position;
    if (!message->has_range)
        return false;
    change->table = DESK_SHADOW;
    change->swap = !message->more;
    *fresh = message->from == 0;
    return *fresh || (loading && message->from == shadow->position);
}

static bool finish(struct desk *desk, const struct message_desk *message,
                   const struct change *change) {
    if (!message->has_range)
        return true;
    if (!change->swap)
        return keep_place(desk, change->table, message->log, message->to);
    return exec(desk, "DELETE FROM desk; INSERT INTO desk SELECT * FROM "
                      "shadow; DELETE FROM shadow") &&
           keep_place(desk, DESK_LIVE, message->log, message->to) &&
           keep_place(desk, DESK_SHADOW, "", 0);
}

static void settle(struct desk *desk, const struct message_desk *message,
                   const struct change *change) {
    enum desk_table table = change->swap ? DESK_LIVE : change->table;

    if (!message->has_range)
        return;
    memcpy(desk->places[table].log, message->log, TS_JOURNAL_TEXT);
    desk->places[table].position = message->to;
    if (change->swap)
        desk->places[DESK_SHADOW] = (struct desk_place){.position = 0};
}

enum ts_status desk_apply(struct desk *desk, const struct message_desk *message,
                          struct desk_result *result, struct ts_err *err) {
    struct change change = {.swap = false};
    bool fresh;
    enum ts_status status = TS_OK;

    *result = (struct desk_result){.pull = message->has_range && message->more};
    if (!plan(desk, message, &change, &fresh)) {
        /* Not ours to apply: an answer to what was asked before a change.
         * Asking at once could go round for ever; the next bell asks. */
        result->pull = false;
        return TS_OK;
    }
    if (!exec(desk, "BEGIN IMMEDIATE") ||
        (fresh && change.table == DESK_SHADOW &&
         !exec(desk, "DELETE FROM shadow")))
        status = fail(desk, err);
    if (status == TS_OK)
        status =
            write_records(desk, change.table, message->records, result, err);
    if (status == TS_OK &&
        (!finish(desk, message, &change) || !exec(desk, "COMMIT")))
        status = fail(desk, err);
    if (status == TS_OK) {
        settle(desk, message, &change);
    } else {
        (void)exec(desk, "ROLLBACK");
        *result = (struct desk_result){.pull = false};
    }
    return status;
}

bool desk_bell(const struct desk *desk, const struct message_bell *bell) {
    const struct desk_place *live = &desk->places[DESK_LIVE];

    return strcmp(bell->log, live->log) != 0 || bell->through > live->position;
}

void desk_request(const struct desk *desk, struct message_pull *out) {
    bool loading = desk->places[DESK_SHADOW].log[0] != 0;
    const struct desk_place *place =
        &desk->places[loading ? DESK_SHADOW : DESK_LIVE];

    *out = (struct message_pull){.after = place->position, .limit = PULL_LIMIT};
    memcpy(out->log, place->log, TS_JOURNAL_TEXT);
}

json_t *desk_find(struct desk *desk, const char *card, struct ts_wall now) {
    json_t *value = NULL;

    (void)sqlite3_bind_text(desk->find, 1, card, -1, SQLITE_STATIC);
    if (sqlite3_step(desk->find) == SQLITE_ROW &&
        sqlite3_column_type(desk->find, 0) != SQLITE_NULL &&
        (sqlite3_column_type(desk->find, 1) == SQLITE_NULL ||
         sqlite3_column_int64(desk->find, 1) > now.unix_ms) &&
        ts_json_parse(&value,
                      ts_slice_of(sqlite3_column_text(desk->find, 0),
                                  (size_t)sqlite3_column_bytes(desk->find, 0)),
                      NULL) != TS_OK)
        value = NULL;
    (void)sqlite3_reset(desk->find);
    return value;
}

static struct ts_slice column_text(sqlite3_stmt *statement, int column) {
    return ts_slice_of(sqlite3_column_text(statement, column),
                       (size_t)sqlite3_column_bytes(statement, column));
}

static json_t *offer_json(sqlite3_stmt *statement) {
    struct ts_slice id = column_text(statement, 0);
    json_t *offer = json_object();
    json_t *value = NULL;

    (void)json_object_set_new(offer, "offer",
                              json_stringn((const char *)id.data, id.len));
    if (ts_json_parse(&value, column_text(statement, 1), NULL) == TS_OK &&
        json_is_string(json_object_get(value, "title")))
        (void)json_object_set(offer, "title", json_object_get(value, "title"));
    json_decref(value);
    return offer;
}

json_t *desk_offers(struct desk *desk, const char *card, struct ts_wall now) {
    json_t *offers = json_array();

    (void)sqlite3_bind_text(desk->offers, 1, card, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(desk->offers, 2, now.unix_ms);
    (void)sqlite3_bind_int(desk->offers, 3, DESK_OFFERS_MAX);
    while (sqlite3_step(desk->offers) == SQLITE_ROW)
        (void)json_array_append_new(offers, offer_json(desk->offers));
    (void)sqlite3_reset(desk->offers);
    (void)sqlite3_clear_bindings(desk->offers);
    return offers;
}

void desk_rest(struct desk *desk) { (void)sqlite3_db_release_memory(desk->db); }

void desk_get_stats(struct desk *desk, struct desk_stats *out) {
    sqlite3_stmt *statement = NULL;

    *out = (struct desk_stats){.position = desk->places[DESK_LIVE].position};
    memcpy(out->log, desk->places[DESK_LIVE].log, TS_JOURNAL_TEXT);
    if (prepare(desk, &statement,
                "SELECT count(*) FROM desk WHERE value IS NOT NULL") &&
        sqlite3_step(statement) == SQLITE_ROW)
        out->rows = (uint64_t)sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
}
