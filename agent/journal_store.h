/* The journal's file and its statements: SQLite ends here. Private to
 * agent/journal*.c. */
#ifndef TS_AGENT_JOURNAL_STORE_H
#define TS_AGENT_JOURNAL_STORE_H

#include "agent/journal.h"
#include "agent/journal_disk.h"

#include <sqlite3.h>

enum journal_statement {
    STORE_ADD_ROW,
    STORE_ADD_JOURNAL,
    STORE_SET_THROUGH,
    STORE_DROP_ROWS,
    STORE_DROP_ROW,
    STORE_DROP_JOURNAL,
    STORE_PUT,
    STORE_GET,
    STORE_REMOVE,
    STORE_READ,
    STORE_READ_BACK,
    STORE_BYTES,
    STORE_COPIES,
    STORE_AT,
    STORE_FIRST_FROM,
    STORE_LAST,
    STORE_CHECK,
    STORE_STATEMENTS
};

enum {
    STORE_ROW_OVERHEAD = 48, /* bytes counted for a row beside its payload */
    STORE_CODEC_JSON = 0,
    /* A larger file is checked while the lane works. */
    STORE_CHECK_AT_ONCE_BYTES = 16 << 20,
    STORE_CHECK_ROWS = 500,
    /* Less unused room than this stays in the file. */
    STORE_SHRINK_BYTES = 16 << 20,
    /* What one piece gives back; a scan waits for one at most. */
    STORE_SHRINK_PAGES = 64
};

struct journal_store {
    sqlite3 *db;
    sqlite3_stmt *statements[STORE_STATEMENTS];
    struct journal_disk *disk; /* set before the opening, or NULL */
    char path[256];
    uint64_t device, inode; /* of the file that was opened */
    uint64_t reads_refused; /* before the last statement began */
    bool unchecked;         /* too large to be read whole at the start */
};

/* Opens or creates and checks; TS_CORRUPT: set it aside. */
enum ts_status store_open(struct journal_store *store, const char *path,
                          struct ts_err *err) TS_MUST_USE;
/* A second connection to a file that store_open has opened; it changes
 * nothing. */
enum ts_status store_open_reader(struct journal_store *store, const char *path,
                                 struct ts_err *err) TS_MUST_USE;
void store_close(struct journal_store *store);

/* The file was deleted or exchanged by another hand: what is written now goes
 * with the last descriptor. False as well when nobody may look. */
bool store_is_gone(const struct journal_store *store);
/* Whether the file and its companions could be opened again. TS_DENIED: the
 * text says what to do. */
enum ts_status store_check_rights(const struct journal_store *store,
                                  struct ts_err *err) TS_MUST_USE;

/* A statement ready for its parameters; NULL: the file is in trouble. */
sqlite3_stmt *store_prepare(struct journal_store *store,
                            enum journal_statement which);
/* Runs a statement without rows and resets it. */
enum ts_status store_run(struct journal_store *store, sqlite3_stmt *statement,
                         struct ts_err *err) TS_MUST_USE;
enum ts_status store_exec(struct journal_store *store, const char *sql,
                          struct ts_err *err) TS_MUST_USE;
/* Whatever became of the transaction, none is open afterwards. */
void store_rollback(struct journal_store *store);
/* Turns SQLite's last error into ours with advice. */
enum ts_status store_fail(struct journal_store *store, struct ts_err *err);
void store_bind_text(sqlite3_stmt *statement, int index, const char *text);
int64_t store_number(struct journal_store *store, const char *sql);

/* A row as it stands in the file; slices live until the next step. */
struct store_row {
    char journal[TS_JOURNAL_TEXT];
    uint64_t sequence;
    int64_t class, codec, at;
    struct ts_slice payload;
};
/* Columns: journal, sequence, class, codec, at, crc, payload. False: the
 * bytes do not fit their checksum or the identity is no identity. */
bool store_row_get(sqlite3_stmt *statement, struct store_row *out);
enum ts_status store_add_row(struct journal_store *store,
                             const struct store_row *row,
                             struct ts_err *err) TS_MUST_USE;

/* A piece of the check of a large file, from `journal` and *sequence on, which
 * move. TS_AGAIN: there are more; TS_OK: all rows fit their checksums. */
enum ts_status store_check_step(struct journal_store *store,
                                char journal[TS_JOURNAL_TEXT],
                                uint64_t *sequence,
                                struct ts_err *err) TS_MUST_USE;

/* Brings the log home into the file and empties it, so that it holds no page as
 * it was. TS_DENIED: somebody reads the file; try again. */
enum ts_status store_scrub(struct journal_store *store,
                           struct ts_err *err) TS_MUST_USE;

/* Much of the file is unused. */
bool store_wants_shrink(struct journal_store *store);
/* A piece: moves the last pages into unused ones and ends the file there.
 * TS_AGAIN: there are more. */
enum ts_status store_shrink_step(struct journal_store *store,
                                 struct ts_err *err) TS_MUST_USE;

#endif
