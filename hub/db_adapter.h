/* What db.c asks of an engine. Only db.c and the adapters include this. */
#ifndef TS_HUB_DB_ADAPTER_H
#define TS_HUB_DB_ADAPTER_H

#include "hub/db.h"

/* The arguments of db_run. */
struct db_call {
    const struct db_statement *statement;
    const struct db_value *values;
    size_t count;
    db_row *row; /* or NULL */
    void *arg;
};

enum db_use {
    DB_SERVE,   /* never waits long for a server */
    DB_COMMAND, /* may wait for one */
    DB_READ     /* may wait, makes nothing, and every write is refused */
};

struct db_adapter {
    const char *scheme; /* of the URL, with its colon */
    /* `address` is the whole URL. */
    enum ts_status (*open)(void **out, const char *address, enum db_use use,
                           struct ts_err *err);
    /* Connects; TS_IO: call again. NULL: `open` has done it. */
    enum ts_status (*reach)(void *engine, struct ts_err *err);
    void (*close)(void *engine);
    enum ts_status (*run)(void *engine, const struct db_call *call,
                          uint64_t *changed, struct ts_err *err);
    /* NULL: `run` for each set is as fast. */
    enum ts_status (*run_sets)(void *engine, const struct db_sets *sets,
                               struct ts_err *err);
    /* Plans a statement without running it. */
    enum ts_status (*prepare)(void *engine,
                              const struct db_statement *statement,
                              struct ts_err *err);
    /* Several statements, as in a migration. */
    enum ts_status (*script)(void *engine, const char *sql, struct ts_err *err);
    enum ts_status (*begin)(void *engine, struct ts_err *err);
    enum ts_status (*commit)(void *engine, struct ts_err *err);
    void (*rollback)(void *engine);
    /* Inside a transaction: keeps another process out of the schema. */
    enum ts_status (*lock_schema)(void *engine, struct ts_err *err);
    enum ts_status (*hold)(void *engine, bool *alone, struct ts_err *err);
};

/* The place of each statement that an engine has met. */
enum { DB_SLOTS = 1024 };
struct db_slots {
    const struct db_statement *statements[DB_SLOTS];
};
/* Gives a new statement its place, 0 to DB_SLOTS - 1. */
size_t db_slot_of(struct db_slots *slots, const struct db_statement *statement);

extern const struct db_adapter db_adapter_sqlite;
extern const struct db_adapter db_adapter_postgres;

/* The migrations in their order, embedded; the last row has sql NULL. */
struct db_migration {
    int64_t number;
    const char *name;
    const struct ts_slice *sql;
};
extern const struct db_migration db_migrations[];

#endif
