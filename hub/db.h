/* The hub's database: one SQL dialect, the common subset of SQLite 3.40 and
 * PostgreSQL 15, and two adapters (db_sqlite.c, db_postgres.c).
 *
 * Parameters are $1, $2, ... (SQLite binds them by name). ON CONFLICT,
 * RETURNING, CTEs and window functions may be used. Every statement stands in
 * a module's table, and a test prepares all of them on both engines. */
#ifndef TS_HUB_DB_H
#define TS_HUB_DB_H

#include "base/bytes.h"

struct db;

enum db_kind { DB_NULL, DB_INT, DB_TEXT, DB_BLOB };

/* A parameter or a column; text and bytes are borrowed for the call. */
struct db_value {
    enum db_kind kind;
    int64_t number;
    struct ts_slice bytes;
};

static inline struct db_value db_int(int64_t number) {
    return (struct db_value){.kind = DB_INT, .number = number};
}
static inline struct db_value db_text(struct ts_slice text) {
    return (struct db_value){.kind = text.data ? DB_TEXT : DB_NULL,
                             .bytes = text};
}
static inline struct db_value db_cstr(const char *text) {
    return db_text(ts_slice_text(text));
}
static inline struct db_value db_blob(struct ts_slice bytes) {
    return (struct db_value){.kind = DB_BLOB, .bytes = bytes};
}
static inline struct db_value db_null(void) {
    return (struct db_value){.kind = DB_NULL};
}

/* A row of a module's statement table; the last row has name NULL. The
 * address identifies the prepared statement, so tables are static const. */
struct db_statement {
    const char *name;
    const char *sql;
};

enum { DB_VALUES_MAX = 32 };

extern const struct db_statement db_statements[];

/* `url`: "sqlite:<path>" or "postgresql://...". Runs the migrations that are
 * missing. TS_DENIED: another hub holds it or the server refuses us; TS_IO:
 * not reachable; TS_CORRUPT: fails its check. */
enum ts_status db_open(struct db **out, const char *url,
                       struct ts_err *err) TS_MUST_USE;
void db_close(struct db *db);
/* For a program that only looks, beside a running hub: nothing is made or
 * migrated, and the engine refuses every write. TS_INVALID: there is no such
 * database; TS_DENIED: its schema is not of this version. */
enum ts_status db_open_read(struct db **out, const char *url,
                            struct ts_err *err) TS_MUST_USE;
/* The same as db_open for a program that must not wait for a server: made here,
 * and db_connect called until it answers TS_OK. TS_IO, TS_CLOSED or TS_AGAIN
 * from it: the server is away, call again in a moment; it waits a second the
 * first time and then 50 ms at most, as does every other call that needs a new
 * connection. */
enum ts_status db_new(struct db **out, const char *url,
                      struct ts_err *err) TS_MUST_USE;
enum ts_status db_connect(struct db *db, struct ts_err *err) TS_MUST_USE;

/* Becomes the one process that takes events. SQLite: a lock file beside the
 * database, TS_DENIED when another process has it; on PostgreSQL the shard
 * leases decide (hub/lease.h), and *alone is false. Other processes may still
 * open the database for short writes. */
enum ts_status db_hold(struct db *db, bool *alone,
                       struct ts_err *err) TS_MUST_USE;
/* TS_OK when the database answers. */
enum ts_status db_ping(struct db *db, struct ts_err *err) TS_MUST_USE;
/* Plans a statement without running it: for the test of all statements. */
enum ts_status db_prepare(struct db *db, const struct db_statement *statement,
                          struct ts_err *err) TS_MUST_USE;

/* Receives one row; false ends the reading. */
typedef bool db_row(void *arg, const struct db_value *columns, size_t count);

/* Runs a statement, once for each of its rows calls `row` (may be NULL);
 * columns live for the call, and `row` may run other statements. TS_AGAIN:
 * serialisation or busy, roll back and try again. TS_CLOSED: the server went
 * away, roll back; the next db_begin connects again. TS_INVALID: a value that
 * the schema refuses. Outside a transaction each statement is its own. */
enum ts_status db_run(struct db *db, const struct db_statement *statement,
                      const struct db_value *values, size_t count, db_row *row,
                      void *arg, struct ts_err *err) TS_MUST_USE;
/* As db_row; `set` counts from 0 which values the row belongs to. */
typedef bool db_set_row(void *arg, size_t set, const struct db_value *columns,
                        size_t count);
/* The same statement for many sets of values, in their order. */
struct db_sets {
    const struct db_statement *statement;
    const struct db_value *values; /* of all sets, one behind the other */
    size_t set_count;
    size_t count; /* values in a set */
    /* Each may be NULL and must not run other statements. */
    db_set_row *row;
    void (*done)(void *arg, size_t set, uint64_t changed); /* after its rows */
    void *arg;
};
/* As db_run for each set, but a server is asked about many at a time instead of
 * one after the other. The first failure ends it. Inside a transaction. */
enum ts_status db_run_sets(struct db *db, const struct db_sets *sets,
                           struct ts_err *err) TS_MUST_USE;
/* Rows that the last db_run inserted, updated or deleted. */
uint64_t db_changed(const struct db *db);
bool db_in_transaction(const struct db *db);

enum ts_status db_begin(struct db *db, struct ts_err *err) TS_MUST_USE;
/* Durable when it answers TS_OK (WAL with FULL; synchronous_commit on). */
enum ts_status db_commit(struct db *db, struct ts_err *err) TS_MUST_USE;
/* Never fails: the connection is dropped when it cannot roll back. */
void db_rollback(struct db *db);

#endif
