#include "hub/db_adapter.h"
#include "hub/sure.h"

#include <sqlite3.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { BUSY_MS = 5000 };

/* A statement, and where its $1, $2, ... are: SQLite counts parameters as
 * they stand in the text. */
struct ready {
    sqlite3_stmt *stmt;
    int count;
    int at[DB_VALUES_MAX];
};

struct engine {
    sqlite3 *handle;
    char *path;
    int lock;
    struct db_slots slots;
    struct ready prepared[DB_SLOTS];
};

static enum ts_status status_of(int code) {
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return TS_AGAIN;
    case SQLITE_FULL:
        return TS_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return TS_CORRUPT;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return TS_DENIED;
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
    case SQLITE_ERROR:
        return TS_INVALID;
    default:
        return TS_IO;
    }
}

static const char *advice_of(enum ts_status status) {
    switch (status) {
    case TS_AGAIN:
        return "another program is writing; it is tried again";
    case TS_FULL:
        return "the disk is full: make room";
    case TS_CORRUPT:
        return "the file is damaged: restore the last backup";
    case TS_DENIED:
        return "give the hub's user write permission on the file and folder";
    case TS_IO:
        return "check the disk and the folder";
    default:
        return "the statement was refused";
    }
}

/* SQLite's messages name tables and columns, never values. */
static enum ts_status fail(const struct engine *engine, int code,
                           struct ts_err *err) {
    enum ts_status status = status_of(code);

    return ts_fail(err, status, "%s: %s (%s)", engine->path,
                   engine->handle ? sqlite3_errmsg(engine->handle)
                                  : sqlite3_errstr(code),
                   advice_of(status));
}

static void engine_close(void *ctx) {
    struct engine *engine = ctx;

    if (!engine)
        return;
    for (size_t i = 0; i < DB_SLOTS; i++)
        sqlite3_finalize(engine->prepared[i].stmt);
    sqlite3_close(engine->handle);
    if (engine->lock >= 0)
        close(engine->lock);
    free(engine->path);
    free(engine);
}

static enum ts_status script(void *ctx, const char *sql, struct ts_err *err) {
    struct engine *engine = ctx;
    int code = sqlite3_exec(engine->handle, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? TS_OK : fail(engine, code, err);
}

/* Made here, because SQLite would make it readable for everybody. */
static enum ts_status file_make(const char *path, struct ts_err *err) {
    int fd;

    if (!strcmp(path, ":memory:"))
        return TS_OK;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return ts_fail(err, errno == EACCES ? TS_DENIED : TS_IO,
                       "%s: %s: make the folder and give the hub's user write "
                       "permission, or name another file in `database`",
                       path, strerror(errno));
    close(fd);
    return TS_OK;
}

static enum ts_status file_there(const char *path, struct ts_err *err) {
    if (!access(path, R_OK))
        return TS_OK;
    return ts_fail(err, TS_INVALID, "%s: %s: name the hub's own database file",
                   path, strerror(errno));
}

static enum ts_status settle(struct engine *engine, enum db_use use,
                             struct ts_err *err) {
    (void)sqlite3_busy_timeout(engine->handle, BUSY_MS);
    if (use == DB_READ)
        return script(engine, "PRAGMA query_only = ON;", err);
    return script(engine,
                  "PRAGMA journal_mode = WAL;"
                  "PRAGMA synchronous = FULL;"
                  "PRAGMA secure_delete = ON;",
                  err);
}

static enum ts_status engine_open(void **out, const char *address,
                                  enum db_use use, struct ts_err *err) {
    struct engine *engine;
    const char *path = address + strlen(db_adapter_sqlite.scheme);
    enum ts_status status =
        use == DB_READ ? file_there(path, err) : file_make(path, err);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    int code;

    if (status != TS_OK)
        return status;
    engine = ts_alloc(sizeof *engine);
    *engine = (struct engine){.path = ts_strdup(path), .lock = -1};
    /* SQLite itself falls back to reading where the file is not ours. */
    code = sqlite3_open_v2(path, &engine->handle,
                           use == DB_READ ? flags : flags | SQLITE_OPEN_CREATE,
                           NULL);
    status =
        code == SQLITE_OK ? settle(engine, use, err) : fail(engine, code, err);
    if (status != TS_OK) {
        engine_close(engine);
        return status;
    }
    *out = engine;
    return TS_OK;
}

static enum ts_status statement_make(struct engine *engine,
                                     const struct db_statement *statement,
                                     struct ready *out, struct ts_err *err) {
    char name[24];
    int code = sqlite3_prepare_v3(engine->handle, statement->sql, -1,
                                  SQLITE_PREPARE_PERSISTENT, &out->stmt, NULL);

    if (code != SQLITE_OK)
        return fail(engine, code, err);
    out->count = sqlite3_bind_parameter_count(out->stmt);
    assert(out->count <= DB_VALUES_MAX);
    for (int i = 0; i < out->count; i++) {
        (void)snprintf(name, sizeof name, "$%d", i + 1);
        out->at[i] = sqlite3_bind_parameter_index(out->stmt, name);
    }
    return TS_OK;
}

static enum ts_status statement_get(struct engine *engine,
                                    const struct db_statement *statement,
                                    struct ready **out, struct ts_err *err) {
    *out = &engine->prepared[db_slot_of(&engine->slots, statement)];
    return (*out)->stmt ? TS_OK : statement_make(engine, statement, *out, err);
}

static enum ts_status prepare(void *ctx, const struct db_statement *statement,
                              struct ts_err *err) {
    struct ready *ready;

    return statement_get(ctx, statement, &ready, err);
}

static int bind_one(sqlite3_stmt *stmt, int at, const struct db_value *value) {
    const char *bytes =
        value->bytes.data ? (const char *)value->bytes.data : "";

    switch (value->kind) {
    case DB_INT:
        return sqlite3_bind_int64(stmt, at, value->number);
    case DB_TEXT:
        return sqlite3_bind_text(stmt, at, bytes, (int)value->bytes.len,
                                 SQLITE_STATIC);
    case DB_BLOB:
        return sqlite3_bind_blob(stmt, at, bytes, (int)value->bytes.len,
                                 SQLITE_STATIC);
    default:
        return sqlite3_bind_null(stmt, at);
    }
}

static int bind_all(const struct ready *ready, const struct db_value *values,
                    size_t count) {
    int code = SQLITE_OK;

    if (ready->count != (int)count)
        return SQLITE_RANGE;
    for (size_t i = 0; code == SQLITE_OK && i < count; i++)
        code = bind_one(ready->stmt, ready->at[i], &values[i]);
    return code;
}

static void column_read(sqlite3_stmt *stmt, int at, struct db_value *out) {
    switch (sqlite3_column_type(stmt, at)) {
    case SQLITE_INTEGER:
    case SQLITE_FLOAT:
        *out = db_int(sqlite3_column_int64(stmt, at));
        return;
    case SQLITE_TEXT:
        out->kind = DB_TEXT;
        out->bytes = ts_slice_of(sqlite3_column_text(stmt, at),
                                 (size_t)sqlite3_column_bytes(stmt, at));
        return;
    case SQLITE_BLOB:
        /* An empty blob has no address in SQLite. */
        *out = db_blob(ts_slice_of(
            sqlite3_column_bytes(stmt, at) ? sqlite3_column_blob(stmt, at) : "",
            (size_t)sqlite3_column_bytes(stmt, at)));
        return;
    default:
        *out = db_null();
    }
}

static int step_all(sqlite3_stmt *stmt, db_row *row, void *arg) {
    struct db_value columns[DB_VALUES_MAX];
    int count = sqlite3_column_count(stmt);
    bool wanted = row != NULL;
    int code;

    assert(count <= DB_VALUES_MAX);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        for (int i = 0; wanted && i < count; i++)
            column_read(stmt, i, &columns[i]);
        /* A writing statement is stepped to its end all the same. */
        if (wanted && !row(arg, columns, (size_t)count))
            wanted = false;
        if (!wanted && sqlite3_stmt_readonly(stmt))
            return SQLITE_DONE;
    }
    return code;
}

static enum ts_status run(void *ctx, const struct db_call *call,
                          uint64_t *changed, struct ts_err *err) {
    struct engine *engine = ctx;
    struct ready *ready, nested = {NULL, 0, {0}};
    enum ts_status status = statement_get(engine, call->statement, &ready, err);
    int code;

    /* The same statement again from inside its own row callback. */
    if (status == TS_OK && sqlite3_stmt_busy(ready->stmt)) {
        status = statement_make(engine, call->statement, &nested, err);
        ready = &nested;
    }
    if (status != TS_OK)
        return status;
    code = bind_all(ready, call->values, call->count);
    if (code == SQLITE_OK)
        code = step_all(ready->stmt, call->row, call->arg);
    if (code != SQLITE_DONE)
        status = fail(engine, code, err);
    else if (!sqlite3_stmt_readonly(ready->stmt))
        *changed = (uint64_t)sqlite3_changes64(engine->handle);
    (void)sqlite3_reset(ready->stmt);
    (void)sqlite3_clear_bindings(ready->stmt);
    sqlite3_finalize(nested.stmt);
    return status;
}

static enum ts_status begin(void *ctx, struct ts_err *err) {
    return script(ctx, "BEGIN IMMEDIATE", err);
}

static enum ts_status commit(void *ctx, struct ts_err *err) {
    return script(ctx, "COMMIT", err);
}

static void rollback(void *ctx) {
    struct engine *engine = ctx;

    if (!sqlite3_get_autocommit(engine->handle))
        (void)sqlite3_exec(engine->handle, "ROLLBACK", NULL, NULL, NULL);
}

/* BEGIN IMMEDIATE is lock enough. */
static enum ts_status lock_schema(void *ctx, struct ts_err *err) {
    (void)ctx;
    (void)err;
    return TS_OK;
}

/* The kernel lets go of the lock with the process, whatever ends it. */
static enum ts_status hold(void *ctx, bool *alone, struct ts_err *err) {
    struct engine *engine = ctx;
    struct ts_buf name = {0};
    enum ts_status status = TS_OK;
    int fd;

    *alone = true;
    if (engine->lock >= 0 || !strcmp(engine->path, ":memory:"))
        return TS_OK;
    sure(ts_buf_printf(&name, "%s.lock", engine->path));
    fd = open(ts_buf_text(&name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        status = ts_fail(err, TS_IO, "%s: %s: check the folder's permissions",
                         ts_buf_text(&name), strerror(errno));
    } else if (flock(fd, LOCK_EX | LOCK_NB)) {
        status = ts_fail(err, TS_DENIED,
                         "%s: another hub is running on this database: stop "
                         "it first, or use PostgreSQL for more than one",
                         engine->path);
        close(fd);
    } else {
        engine->lock = fd;
    }
    ts_buf_fini(&name);
    return status;
}

const struct db_adapter db_adapter_sqlite = {
    .scheme = "sqlite:",
    .open = engine_open,
    .close = engine_close,
    .run = run,
    .prepare = prepare,
    .script = script,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .lock_schema = lock_schema,
    .hold = hold,
};
