#include "agent/journal_store.h"

#include <string.h>

/* Order of the journals first; rows whose journal has no entry come last. */
static const char sql[] =
    "SELECT r.journal,r.sequence,r.class,r.codec,r.at,r.crc,r.payload "
    "FROM rows r LEFT JOIN journals j ON j.journal=r.journal "
    "WHERE ?1='' OR coalesce(j.place,9e15)>(SELECT place FROM journals "
    "WHERE journal=?1) OR (r.journal=?1 AND r.sequence>=?2) "
    "ORDER BY coalesce(j.place,9e15),r.journal,r.sequence";

static enum ts_status fail_read(sqlite3 *db, const char *path,
                                struct ts_err *err) {
    return ts_fail(err, TS_IO,
                   "cannot read %s (%s): is it the agent's journal, and may "
                   "you read it?",
                   path, db ? sqlite3_errmsg(db) : "out of memory");
}

enum ts_status journal_read_file(const char *path, const char *from_journal,
                                 uint64_t from_sequence,
                                 bool (*row)(void *arg, const char *journal,
                                             uint64_t sequence,
                                             struct ts_slice payload),
                                 void *arg, struct ts_err *err) {
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    struct store_row stored;
    enum ts_status status = TS_OK;
    int step = SQLITE_ERROR;

    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK) {
        store_bind_text(statement, 1, from_journal);
        (void)sqlite3_bind_int64(statement, 2, (int64_t)from_sequence);
        while ((step = sqlite3_step(statement)) == SQLITE_ROW)
            if (store_row_get(statement, &stored) &&
                !row(arg, stored.journal, stored.sequence, stored.payload))
                break;
    }
    if (step != SQLITE_DONE && step != SQLITE_ROW)
        status = fail_read(db, path, err);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    return status;
}
