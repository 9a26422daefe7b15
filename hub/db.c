#include "hub/db.h"

#include "base/log.h"
#include "hub/db_adapter.h"
#include "hub/sure.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct db {
    const struct db_adapter *adapter;
    void *engine;
    uint64_t changed;
    bool open; /* a transaction is */
};

const struct db_statement db_statements[] = {
    {"db_migrations_done",
     "SELECT COALESCE(MAX(number), 0) FROM hub_migration"},
    {"db_migration_note", "INSERT INTO hub_migration (number, name) "
                          "VALUES ($1, $2)"},
    {"db_ping", "SELECT 1"},
    {NULL, NULL},
};
enum { MIGRATIONS_DONE, MIGRATION_NOTE, PING };

size_t db_slot_of(struct db_slots *slots,
                  const struct db_statement *statement) {
    size_t at = ((uintptr_t)statement >> 4) % DB_SLOTS;
    size_t tried = 0;

    while (slots->statements[at] && slots->statements[at] != statement) {
        at = (at + 1) % DB_SLOTS;
        assert(++tried < DB_SLOTS);
    }
    slots->statements[at] = statement;
    return at;
}

static const char migration_table[] =
    "CREATE TABLE IF NOT EXISTS hub_migration ("
    "number BIGINT PRIMARY KEY, name TEXT NOT NULL);";

static const struct db_adapter *adapter_find(const char *url) {
    static const struct db_adapter *const known[] = {&db_adapter_sqlite,
                                                     &db_adapter_postgres};

    for (size_t i = 0; i < 2; i++)
        if (!strncmp(url, known[i]->scheme, strlen(known[i]->scheme)))
            return known[i];
    /* libpq takes both spellings. */
    return strncmp(url, "postgres:", 9) ? NULL : &db_adapter_postgres;
}

static bool number_row(void *arg, const struct db_value *columns,
                       size_t count) {
    *(int64_t *)arg = count ? columns[0].number : 0;
    return false;
}

static enum ts_status migrate_one(struct db *db,
                                  const struct db_migration *step,
                                  struct ts_err *err) {
    struct db_value values[] = {db_int(step->number), db_cstr(step->name)};
    struct ts_buf sql = {0};
    enum ts_status status;

    sure(ts_buf_add(&sql, *step->sql));
    status = db->adapter->script(db->engine, ts_buf_text(&sql), err);
    ts_buf_fini(&sql);
    if (status == TS_OK)
        status = db_run(db, &db_statements[MIGRATION_NOTE], values, 2, NULL,
                        NULL, err);
    if (status != TS_OK) {
        if (err)
            (void)ts_wrap(err, "migration %04d_%s", (int)step->number,
                          step->name);
        return status;
    }
    ts_log(TS_LOG_INFO, "db", "migration %04d_%s applied", (int)step->number,
           step->name);
    return TS_OK;
}

/* One transaction for each step; each looks again at what is done, because
 * another process may be doing the same. */
static enum ts_status migrate_step(struct db *db, bool *more,
                                   struct ts_err *err) {
    const struct db_migration *step = db_migrations;
    int64_t done = 0;
    enum ts_status status = db_begin(db, err);

    if (status != TS_OK)
        return status;
    status = db->adapter->lock_schema(db->engine, err);
    if (status == TS_OK)
        status = db->adapter->script(db->engine, migration_table, err);
    if (status == TS_OK)
        status = db_run(db, &db_statements[MIGRATIONS_DONE], NULL, 0,
                        number_row, &done, err);
    while (step->sql && step->number <= done)
        step++;
    *more = step->sql != NULL;
    if (status == TS_OK && !*more && step != db_migrations &&
        step[-1].number < done)
        status = ts_fail(err, TS_DENIED,
                         "the database has schema %d, this version knows %d: "
                         "start the version that made it, or a newer one",
                         (int)done, (int)step[-1].number);
    if (status == TS_OK && *more)
        status = migrate_one(db, step, err);
    if (status == TS_OK)
        return db_commit(db, err);
    db_rollback(db);
    return status;
}

static enum ts_status db_make(struct db **out, const char *url, enum db_use use,
                              struct ts_err *err) {
    const struct db_adapter *adapter = adapter_find(url);
    struct db *db;
    enum ts_status status;

    if (!adapter)
        return ts_fail(err, TS_INVALID,
                       "database: give sqlite:/path/to/file or "
                       "postgresql://user@host/name");
    db = ts_alloc(sizeof *db);
    *db = (struct db){.adapter = adapter};
    status = adapter->open(&db->engine, url, use, err);
    if (status != TS_OK) {
        db_close(db);
        return status;
    }
    *out = db;
    return TS_OK;
}

enum ts_status db_new(struct db **out, const char *url, struct ts_err *err) {
    return db_make(out, url, DB_SERVE, err);
}

enum ts_status db_connect(struct db *db, struct ts_err *err) {
    bool more = true;
    enum ts_status status =
        db->adapter->reach ? db->adapter->reach(db->engine, err) : TS_OK;

    while (status == TS_OK && more)
        status = migrate_step(db, &more, err);
    return status;
}

enum ts_status db_open(struct db **out, const char *url, struct ts_err *err) {
    struct db *db = NULL;
    enum ts_status status = db_make(&db, url, DB_COMMAND, err);

    if (!db)
        return status;
    status = db_connect(db, err);
    if (status != TS_OK) {
        db_close(db);
        return status;
    }
    *out = db;
    return TS_OK;
}

static enum ts_status check_schema(struct db *db, struct ts_err *err) {
    const struct db_migration *newest = db_migrations;
    int64_t done = 0;
    enum ts_status status = db_run(db, &db_statements[MIGRATIONS_DONE], NULL, 0,
                                   number_row, &done, err);

    while (newest[1].sql)
        newest++;
    if (status == TS_OK && done != newest->number)
        status = ts_fail(err, TS_DENIED,
                         "the database has schema %d, this version reads %d: "
                         "use the programs of one version",
                         (int)done, (int)newest->number);
    return status;
}

enum ts_status db_open_read(struct db **out, const char *url,
                            struct ts_err *err) {
    struct db *db = NULL;
    enum ts_status status = db_make(&db, url, DB_READ, err);

    if (!db)
        return status;
    if (db->adapter->reach)
        status = db->adapter->reach(db->engine, err);
    if (status == TS_OK)
        status = check_schema(db, err);
    if (status == TS_OK)
        *out = db;
    else
        db_close(db);
    return status;
}

void db_close(struct db *db) {
    if (!db)
        return;
    if (db->engine)
        db->adapter->close(db->engine);
    free(db);
}

enum ts_status db_hold(struct db *db, bool *alone, struct ts_err *err) {
    return db->adapter->hold(db->engine, alone, err);
}

static enum ts_status named(enum ts_status status,
                            const struct db_statement *statement,
                            struct ts_err *err) {
    if (status != TS_OK && err)
        (void)ts_wrap(err, "%s", statement->name);
    return status;
}

enum ts_status db_prepare(struct db *db, const struct db_statement *statement,
                          struct ts_err *err) {
    enum ts_status status = db->adapter->prepare(db->engine, statement, err);

    return named(status, statement, err);
}

/* A statement, its values and its rows belong in one call.
 * NOLINTNEXTLINE(readability-function-size) */
enum ts_status db_run(struct db *db, const struct db_statement *statement,
                      const struct db_value *values, size_t count, db_row *row,
                      void *arg, struct ts_err *err) {
    struct db_call call = {statement, values, count, row, arg};
    enum ts_status status;

    assert(count <= DB_VALUES_MAX);
    db->changed = 0;
    status = db->adapter->run(db->engine, &call, &db->changed, err);
    return named(status, statement, err);
}

struct set_rows {
    const struct db_sets *sets;
    size_t set;
};

static bool set_row(void *arg, const struct db_value *columns, size_t count) {
    const struct set_rows *rows = arg;

    return rows->sets->row(rows->sets->arg, rows->set, columns, count);
}

static enum ts_status run_one_by_one(struct db *db, const struct db_sets *sets,
                                     struct ts_err *err) {
    struct set_rows rows = {sets, 0};
    enum ts_status status = TS_OK;

    for (; status == TS_OK && rows.set < sets->set_count; rows.set++) {
        struct db_call call = {sets->statement,
                               sets->values + rows.set * sets->count,
                               sets->count, sets->row ? set_row : NULL, &rows};
        db->changed = 0;
        status = db->adapter->run(db->engine, &call, &db->changed, err);
        if (status == TS_OK && sets->done)
            sets->done(sets->arg, rows.set, db->changed);
    }
    return status;
}

enum ts_status db_run_sets(struct db *db, const struct db_sets *sets,
                           struct ts_err *err) {
    enum ts_status status;

    assert(sets->count <= DB_VALUES_MAX && db->open);
    if (db->adapter->run_sets)
        status = db->adapter->run_sets(db->engine, sets, err);
    else
        status = run_one_by_one(db, sets, err);
    return named(status, sets->statement, err);
}

enum ts_status db_ping(struct db *db, struct ts_err *err) {
    return db_run(db, &db_statements[PING], NULL, 0, NULL, NULL, err);
}

uint64_t db_changed(const struct db *db) { return db->changed; }

bool db_in_transaction(const struct db *db) { return db->open; }

enum ts_status db_begin(struct db *db, struct ts_err *err) {
    enum ts_status status;

    assert(!db->open);
    status = db->adapter->begin(db->engine, err);
    db->open = status == TS_OK;
    return status;
}

enum ts_status db_commit(struct db *db, struct ts_err *err) {
    enum ts_status status;

    assert(db->open);
    status = db->adapter->commit(db->engine, err);
    db->open = false;
    if (status != TS_OK)
        db->adapter->rollback(db->engine);
    return status;
}

void db_rollback(struct db *db) {
    if (db->open)
        db->adapter->rollback(db->engine);
    db->open = false;
}
