#include "agent/journal_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FORMAT = 1, BUSY_MS = 250 };

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS meta("
    " key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS journals("
    " place INTEGER PRIMARY KEY, journal TEXT NOT NULL UNIQUE,"
    " through INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS rows("
    " journal TEXT NOT NULL, sequence INTEGER NOT NULL,"
    " class INTEGER NOT NULL, codec INTEGER NOT NULL, at INTEGER NOT NULL,"
    " crc INTEGER NOT NULL, payload BLOB NOT NULL,"
    " PRIMARY KEY(journal, sequence)) WITHOUT ROWID;"
    "PRAGMA user_version=1;";

static const char *const sql_of[STORE_STATEMENTS] = {
    [STORE_ADD_ROW] = "INSERT INTO rows(journal,sequence,class,codec,at,crc,"
                      "payload) VALUES(?1,?2,?3,?4,?5,?6,?7)",
    [STORE_ADD_JOURNAL] =
        "INSERT INTO journals(place,journal,through) VALUES((SELECT "
        "max(0,coalesce(max(place),0))+1 FROM journals),?1,?2)",
    [STORE_SET_THROUGH] = "UPDATE journals SET through=?2 WHERE journal=?1",
    [STORE_DROP_ROWS] = "DELETE FROM rows WHERE journal=?1 AND sequence<=?2",
    [STORE_DROP_ROW] = "DELETE FROM rows WHERE journal=?1 AND sequence=?2",
    [STORE_DROP_JOURNAL] = "DELETE FROM journals WHERE journal=?1",
    [STORE_PUT] = "INSERT INTO meta(key,value) VALUES(?1,?2) "
                  "ON CONFLICT(key) DO UPDATE SET value=excluded.value",
    [STORE_GET] = "SELECT value FROM meta WHERE key=?1",
    [STORE_REMOVE] = "DELETE FROM meta WHERE key=?1",
    [STORE_READ] = "SELECT journal,sequence,class,codec,at,crc,payload "
                   "FROM rows WHERE journal=?1 AND sequence>=?2 "
                   "AND sequence<=?3 ORDER BY sequence",
    [STORE_READ_BACK] = "SELECT journal,sequence,class,codec,at,crc,payload "
                        "FROM rows WHERE journal=?1 ORDER BY sequence DESC",
    [STORE_BYTES] = "SELECT coalesce(sum(length(payload)+48),0),count(*) "
                    "FROM rows WHERE journal=?1 AND sequence>?2 "
                    "AND sequence<=?3",
    [STORE_COPIES] = "SELECT sequence,at,length(payload)+48 FROM rows "
                     "WHERE journal=?1 AND sequence<=?2 ORDER BY sequence "
                     "LIMIT 512",
    [STORE_AT] = "SELECT at FROM rows WHERE journal=?1 AND sequence>?2 "
                 "AND at BETWEEN ?3 AND ?4 ORDER BY sequence LIMIT 1",
    [STORE_FIRST_FROM] = "SELECT min(sequence) FROM rows WHERE journal=?1 "
                         "AND sequence>=?2",
    [STORE_CHECK] = "SELECT journal,sequence,class,codec,at,crc,payload "
                    "FROM rows WHERE (journal,sequence)>(?1,?2) "
                    "ORDER BY journal,sequence LIMIT ?3",
    [STORE_LAST] = "SELECT max(sequence) FROM rows WHERE journal=?1",
};

/* `number`: the system's, 0 for none. */
static enum ts_status fail_code(int code, int number, const char *what,
                                const char *path, struct ts_err *err) {
    code = number == EROFS || number == EACCES ? SQLITE_READONLY : code & 0xff;
    switch (code) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ts_fail(err, TS_CORRUPT, "%s is damaged (%s)", path, what);
    case SQLITE_FULL:
        return ts_fail(err, TS_FULL,
                       "no room for %s: free space on this disk, nothing new "
                       "is recorded until then",
                       path);
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return ts_fail(err, TS_IO,
                       "%s cannot be written: the disk is read-only or the "
                       "agent's user does not own it; check the mount and the "
                       "owner",
                       path);
    case SQLITE_CANTOPEN:
        return ts_fail(err, TS_IO,
                       "%s cannot be opened: create its folder and give it to "
                       "the agent's user (%s)",
                       path, what);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ts_fail(err, TS_DENIED, "%s is held by another program: stop it",
                       path);
    default:
        return ts_fail(err, TS_IO, "%s: %s; check the disk", path, what);
    }
}

static uint64_t reads_refused(const struct journal_store *store) {
    return store->disk ? disk_errors(store->disk, JOURNAL_DISK_READ) : 0;
}

/* A statement begins: what is refused from here on is its failure. */
static void begin(struct journal_store *store) {
    store->reads_refused = reads_refused(store);
}

/* What else is in the file comes out of it; the disk is at its end. */
static const char *word_of(const struct journal_store *store,
                           const char *what) {
    return reads_refused(store) != store->reads_refused
               ? "the disk does not give a part of it back; replace the disk"
               : what;
}

enum ts_status store_fail(struct journal_store *store, struct ts_err *err) {
    /* SQLite keeps the system's number of some failures only; group_write
     * begins with none. */
    int code = sqlite3_errcode(store->db);
    int number = code == SQLITE_IOERR ? errno : 0;

    return fail_code(code, number,
                     number ? strerror(number)
                     : code == SQLITE_CORRUPT
                         ? word_of(store, sqlite3_errmsg(store->db))
                         : sqlite3_errmsg(store->db),
                     store->path, err);
}

enum ts_status store_exec(struct journal_store *store, const char *sql,
                          struct ts_err *err) {
    begin(store);
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return store_fail(store, err);
    return TS_OK;
}

void store_rollback(struct journal_store *store) {
    if (!sqlite3_get_autocommit(store->db))
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

int64_t store_number(struct journal_store *store, const char *sql) {
    sqlite3_stmt *statement = NULL;
    int64_t value = -1;

    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        value = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return value;
}

static int64_t unused_pages(struct journal_store *store) {
    return store_number(store, "PRAGMA freelist_count");
}

bool store_wants_shrink(struct journal_store *store) {
    int64_t unused = unused_pages(store);
    int64_t all = store_number(store, "PRAGMA page_count");
    int64_t page = store_number(store, "PRAGMA page_size");

    /* Moving much to free little would wear the disk. */
    return unused * page >= STORE_SHRINK_BYTES && unused >= all - all / 4;
}

enum ts_status store_shrink_step(struct journal_store *store,
                                 struct ts_err *err) {
    int64_t before = unused_pages(store);
    int64_t after;
    char sql[64];

    (void)snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%d)",
                   STORE_SHRINK_PAGES);
    if (store_exec(store, sql, err) != TS_OK)
        return err->status;
    after = unused_pages(store);
    return after > 0 && after < before ? TS_AGAIN : TS_OK;
}

enum ts_status store_scrub(struct journal_store *store, struct ts_err *err) {
    int code;

    begin(store);
    /* Scans wait for this thread. */
    (void)sqlite3_busy_timeout(store->db, 0);
    code = sqlite3_wal_checkpoint_v2(store->db, NULL,
                                     SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    (void)sqlite3_busy_timeout(store->db, BUSY_MS);
    if (code == SQLITE_OK)
        return TS_OK;
    if (code != SQLITE_BUSY)
        return store_fail(store, err);
    return ts_fail(err, TS_DENIED,
                   "what was erased stays in the log of %s while another "
                   "program reads it: end that program",
                   store->path);
}

static int64_t file_bytes(struct journal_store *store) {
    return store_number(store, "PRAGMA page_count") *
           store_number(store, "PRAGMA page_size");
}

static enum ts_status check(struct journal_store *store, struct ts_err *err) {
    sqlite3_stmt *statement = NULL;
    enum ts_status status = TS_OK;

    begin(store);
    if (sqlite3_prepare_v2(store->db, "PRAGMA quick_check(1)", -1, &statement,
                           NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        status = store_fail(store, err);
    else if (strcmp((const char *)sqlite3_column_text(statement, 0), "ok") != 0)
        status = fail_code(
            SQLITE_CORRUPT, 0,
            word_of(store, (const char *)sqlite3_column_text(statement, 0)),
            store->path, err);
    (void)sqlite3_finalize(statement);
    return status;
}

static enum ts_status check_format(struct journal_store *store,
                                   struct ts_err *err) {
    int64_t format = store_number(store, "PRAGMA user_version");

    if (format > FORMAT)
        return ts_fail(err, TS_INVALID,
                       "%s was written by a newer version (format %lld): "
                       "install that version again",
                       store->path, (long long)format);
    return TS_OK;
}

/* What quick_check does not see: a key that was changed in place. */
static enum ts_status check_keys(struct journal_store *store,
                                 struct ts_err *err) {
    static const char strays[] =
        "SELECT EXISTS(SELECT 1 FROM rows WHERE journal NOT IN"
        " (SELECT journal FROM journals))";

    if (store_number(store, strays))
        return ts_fail(err, TS_CORRUPT,
                       "%s is damaged (it holds rows of no journal)",
                       store->path);
    return TS_OK;
}

/* Nor a key that a bit turned where it stands: what is read up to a number ends
 * before it, without an error. */
static enum ts_status check_rows(struct journal_store *store,
                                 struct ts_err *err) {
    char journal[TS_JOURNAL_TEXT] = "";
    uint64_t sequence = 0;
    enum ts_status status;

    do {
        status = store_check_step(store, journal, &sequence, err);
    } while (status == TS_AGAIN);
    return status;
}

static enum ts_status prepare_all(struct journal_store *store,
                                  struct ts_err *err) {
    for (int i = 0; i < STORE_STATEMENTS; i++)
        if (sqlite3_prepare_v3(store->db, sql_of[i], -1,
                               SQLITE_PREPARE_PERSISTENT, &store->statements[i],
                               NULL) != SQLITE_OK)
            return store_fail(store, err);
    return TS_OK;
}

static enum ts_status connect_to(struct journal_store *store, const char *path,
                                 int create, const char *pragmas,
                                 struct ts_err *err) {
    struct stat info;

    *store = (struct journal_store){.disk = store->disk};
    begin(store);
    (void)snprintf(store->path, sizeof store->path, "%s", path);
    if (sqlite3_open_v2(path, &store->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | create,
                        store->disk ? disk_name(store->disk) : NULL) !=
        SQLITE_OK)
        return store_fail(store, err);
    /* Room for short-lived statements, of which there are none. */
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
    (void)sqlite3_busy_timeout(store->db, BUSY_MS);
    if (store_exec(store, pragmas, err) != TS_OK)
        return err->status;
    if (stat(path, &info) == 0) {
        store->device = info.st_dev;
        store->inode = info.st_ino;
    }
    return TS_OK;
}

enum ts_status store_open(struct journal_store *store, const char *path,
                          struct ts_err *err) {
    static const char pragmas[] =
        "PRAGMA auto_vacuum=INCREMENTAL;" /* before the file has a page */
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "PRAGMA cache_size=-256; PRAGMA temp_store=MEMORY;"
        "PRAGMA journal_size_limit=1048576; PRAGMA wal_autocheckpoint=0;"
        "PRAGMA mmap_size=0; PRAGMA secure_delete=ON;";
    enum ts_status status =
        connect_to(store, path, SQLITE_OPEN_CREATE, pragmas, err);

    if (status == TS_OK)
        store->unchecked = file_bytes(store) > STORE_CHECK_AT_ONCE_BYTES;
    if (status == TS_OK && !store->unchecked)
        status = check(store, err);
    if (status == TS_OK)
        status = check_format(store, err);
    if (status == TS_OK)
        status = store_exec(store, schema, err);
    if (status == TS_OK && !store->unchecked)
        status = check_keys(store, err);
    if (status == TS_OK)
        status = prepare_all(store, err);
    if (status == TS_OK && !store->unchecked)
        status = check_rows(store, err);
    if (status != TS_OK)
        store_close(store);
    return status;
}

enum ts_status store_open_reader(struct journal_store *store, const char *path,
                                 struct ts_err *err) {
    enum ts_status status =
        connect_to(store, path, 0,
                   "PRAGMA cache_size=-256; PRAGMA temp_store=MEMORY;"
                   "PRAGMA mmap_size=0; PRAGMA wal_autocheckpoint=0;"
                   "PRAGMA query_only=ON",
                   err);

    if (status == TS_OK)
        status = prepare_all(store, err);
    if (status != TS_OK)
        store_close(store);
    return status;
}

bool store_is_gone(const struct journal_store *store) {
    struct stat info;

    if (!store->db)
        return false;
    if (stat(store->path, &info) != 0)
        return errno == ENOENT;
    return info.st_dev != store->device || info.st_ino != store->inode;
}

static enum ts_status fail_rights(const char *path, struct ts_err *err) {
    return ts_fail(err, TS_DENIED,
                   "the agent may not open %s any more (%s): it records on in "
                   "the files that it holds open and would not start again; "
                   "give their folder and all in it back to the agent's user",
                   path, strerror(errno));
}

enum ts_status store_check_rights(const struct journal_store *store,
                                  struct ts_err *err) {
    static const char *const companions[] = {"", "-wal", "-shm", ".lock"};
    char path[sizeof store->path + 8];
    char *slash;

    for (size_t i = 0; i < sizeof companions / sizeof *companions; i++) {
        (void)snprintf(path, sizeof path, "%s%s", store->path, companions[i]);
        if (access(path, R_OK | W_OK) != 0 && errno != ENOENT)
            return fail_rights(path, err);
    }
    (void)snprintf(path, sizeof path, "%s", store->path);
    slash = strrchr(path, '/');
    if (!slash)
        return TS_OK;
    slash[slash == path] = 0;
    return access(path, R_OK | W_OK | X_OK) == 0 ? TS_OK
                                                 : fail_rights(path, err);
}

void store_close(struct journal_store *store) {
    for (int i = 0; i < STORE_STATEMENTS; i++)
        (void)sqlite3_finalize(store->statements[i]);
    memset(store->statements, 0, sizeof store->statements);
    if (store->db)
        (void)sqlite3_close(store->db);
    store->db = NULL;
}

sqlite3_stmt *store_prepare(struct journal_store *store,
                            enum journal_statement which) {
    sqlite3_stmt *statement = store->statements[which];

    begin(store);
    (void)sqlite3_reset(statement);
    return statement;
}

enum ts_status store_run(struct journal_store *store, sqlite3_stmt *statement,
                         struct ts_err *err) {
    enum ts_status status = TS_OK;

    if (sqlite3_step(statement) != SQLITE_DONE)
        status = store_fail(store, err);
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    return status;
}

void store_bind_text(sqlite3_stmt *statement, int index, const char *text) {
    (void)sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

/* Covers the whole row: a changed key would hide it as well as a changed
 * payload would falsify it. */
static int64_t row_crc(const struct store_row *row) {
    char key[128];
    int len = snprintf(key, sizeof key, "%s/%llu/%lld/%lld/%lld", row->journal,
                       (unsigned long long)row->sequence, (long long)row->class,
                       (long long)row->codec, (long long)row->at);

    return (int64_t)(ts_crc32(ts_slice_of(key, (size_t)len)) ^
                     ts_crc32(row->payload));
}

bool store_row_get(sqlite3_stmt *statement, struct store_row *out) {
    struct ts_slice journal =
        ts_slice_of(sqlite3_column_text(statement, 0),
                    (size_t)sqlite3_column_bytes(statement, 0));
    int64_t sequence = sqlite3_column_int64(statement, 1);

    if (!ts_journal_valid(journal) || sequence < 1)
        return false;
    memcpy(out->journal, journal.data, journal.len);
    out->journal[journal.len] = 0;
    out->sequence = (uint64_t)sequence;
    out->class = sqlite3_column_int64(statement, 2);
    out->codec = sqlite3_column_int64(statement, 3);
    out->at = sqlite3_column_int64(statement, 4);
    out->payload = ts_slice_of(sqlite3_column_blob(statement, 6),
                               (size_t)sqlite3_column_bytes(statement, 6));
    return out->payload.len &&
           sqlite3_column_int64(statement, 5) == row_crc(out);
}

enum ts_status store_add_row(struct journal_store *store,
                             const struct store_row *row, struct ts_err *err) {
    sqlite3_stmt *statement = store_prepare(store, STORE_ADD_ROW);

    store_bind_text(statement, 1, row->journal);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)row->sequence);
    (void)sqlite3_bind_int64(statement, 3, row->class);
    (void)sqlite3_bind_int64(statement, 4, row->codec);
    (void)sqlite3_bind_int64(statement, 5, row->at);
    (void)sqlite3_bind_int64(statement, 6, row_crc(row));
    (void)sqlite3_bind_blob(statement, 7, row->payload.data,
                            (int)row->payload.len, SQLITE_STATIC);
    return store_run(store, statement, err);
}

enum ts_status store_check_step(struct journal_store *store,
                                char journal[TS_JOURNAL_TEXT],
                                uint64_t *sequence, struct ts_err *err) {
    sqlite3_stmt *statement = store_prepare(store, STORE_CHECK);
    struct store_row row = {.sequence = 0};
    enum ts_status status = TS_OK;
    size_t rows = 0;
    int step;

    store_bind_text(statement, 1, journal);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)*sequence);
    (void)sqlite3_bind_int64(statement, 3, STORE_CHECK_ROWS);
    while (status == TS_OK && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        rows++;
        if (!store_row_get(statement, &row))
            status = ts_fail(err, TS_CORRUPT,
                             "%s is damaged (a row does not fit its checksum)",
                             store->path);
    }
    if (status == TS_OK && step != SQLITE_DONE)
        status = store_fail(store, err);
    (void)sqlite3_reset(statement);
    if (status != TS_OK || rows < STORE_CHECK_ROWS)
        return status;
    memcpy(journal, row.journal, TS_JOURNAL_TEXT);
    *sequence = row.sequence;
    return TS_AGAIN;
}
