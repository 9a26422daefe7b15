#include "agent/journal_salvage.h"

#include "base/log.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SALVAGE_JUMPS = 24, STEP_ROWS = 500, NAME_BYTES = 256 };
/* Places that are left to the journals of a later file. */
enum { LATER_PLACES = 1 << 20 };
static const uint64_t sequence_end = 1ULL << 53;

static const char read_up[] =
    "SELECT journal,sequence,class,codec,at,crc,payload FROM rows "
    "WHERE journal=?1 AND sequence>=?2 AND sequence<?3 ORDER BY sequence";
static const char read_down[] =
    "SELECT journal,sequence,class,codec,at,crc,payload FROM rows "
    "WHERE journal=?1 AND sequence>=?2 AND sequence<?3 "
    "ORDER BY sequence DESC";

/* Where the reading of one journal stands. Beyond a page that cannot be read:
 * ever longer jumps up to one that lands, then back down to the hurt place. */
struct cursor {
    uint64_t from;
    uint64_t hurt;
    uint64_t down; /* 0: upwards; else rows from hurt + 1 to below it */
    unsigned jumps;
};

struct salvage {
    sqlite3 *from;
    char name[NAME_BYTES]; /* "": deleted */
    struct salvage_found *journals;
    size_t count;
    size_t at; /* of journals */
    bool prepared, done;
    struct cursor cursor;
    uint64_t salvaged;
    struct salvage *later; /* or NULL */
    bool follows;          /* one that ended, at this place: */
    int64_t place;
};

static void rename_one(const char *from, const char *to, const char *suffix) {
    char old[NAME_BYTES + 8];
    char new[NAME_BYTES + 8];

    (void)snprintf(old, sizeof old, "%s%s", from, suffix);
    (void)snprintf(new, sizeof new, "%s%s", to, suffix);
    /* A companion that is not there is nothing to set aside. */
    (void)rename(old, new);
}

static enum ts_status set_aside(const char *path, struct ts_wall now,
                                struct ts_err *err) {
    char at[TS_TIME_TEXT];
    char name[NAME_BYTES];

    ts_wall_text(at, now);
    (void)snprintf(name, sizeof name,
                   "%.200s.salvage-%.4s%.2s%.2sT%.2s%.2s%.2s%.3s", path, at,
                   at + 5, at + 8, at + 11, at + 14, at + 17, at + 20);
    if (rename(path, name) != 0 && errno != ENOENT)
        return ts_fail(err, TS_IO,
                       "cannot set the damaged %s aside (%s): check that its "
                       "folder can be written",
                       path, strerror(errno));
    rename_one(path, name, "-wal");
    rename_one(path, name, "-shm");
    return TS_OK;
}

/* In the order of their times; their companions have names that end otherwise.
 * The caller frees it. */
static size_t find_waiting(const char *path, glob_t *found) {
    char pattern[NAME_BYTES + 16];

    (void)snprintf(pattern, sizeof pattern, "%s.salvage-*[0-9]", path);
    return glob(pattern, 0, NULL, found) == 0 ? found->gl_pathc : 0;
}

/* The power went between the renaming of the file and of its log. */
static void end_renaming(const char *path) {
    glob_t found;
    size_t count;

    if (access(path, F_OK) == 0)
        return;
    count = find_waiting(path, &found);
    if (count)
        rename_one(path, found.gl_pathv[count - 1], "-wal");
    globfree(&found);
}

enum ts_status salvage_open(struct journal_store *store, const char *path,
                            bool damaged, struct ts_wall now,
                            struct ts_err *err) {
    enum ts_status status;

    end_renaming(path);
    status = damaged ? TS_CORRUPT : store_open(store, path, err);
    if (status != TS_CORRUPT)
        return status;
    if (!damaged)
        ts_log(TS_LOG_ERROR, "journal", "%s", err->text);
    status = set_aside(path, now, err);
    return status == TS_OK ? store_open(store, path, err) : status;
}

static void add_journal(struct salvage *s, const char *name, int64_t place,
                        int64_t through) {
    struct salvage_found *found;

    if (!name || !ts_journal_valid(ts_slice_text(name)))
        return;
    for (size_t i = 0; i < s->count; i++)
        if (!strcmp(s->journals[i].journal, name))
            return;
    s->journals = ts_realloc(s->journals, (s->count + 1) * sizeof *s->journals);
    found = &s->journals[s->count++];
    *found = (struct salvage_found){.place = place};
    /* Below zero: of a carry-over that did not end. */
    found->through = (uint64_t)(through >= 0 ? through : -1 - through);
    (void)snprintf(found->journal, sizeof found->journal, "%s", name);
}

/* Journals with an entry, then those that only rows name. */
static void find_journals(struct salvage *s) {
    static const char entries[] =
        "SELECT journal,place,through FROM journals ORDER BY place";
    static const char names[] =
        "WITH RECURSIVE n(j) AS (SELECT min(journal) FROM rows UNION ALL "
        "SELECT (SELECT min(journal) FROM rows WHERE journal>n.j) FROM n "
        "WHERE n.j IS NOT NULL) SELECT j FROM n";
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(s->from, entries, -1, &statement, NULL) == SQLITE_OK)
        while (sqlite3_step(statement) == SQLITE_ROW)
            add_journal(s, (const char *)sqlite3_column_text(statement, 0),
                        sqlite3_column_int64(statement, 1),
                        sqlite3_column_int64(statement, 2));
    (void)sqlite3_finalize(statement);
    statement = NULL;
    if (sqlite3_prepare_v2(s->from, names, -1, &statement, NULL) == SQLITE_OK)
        while (sqlite3_step(statement) == SQLITE_ROW)
            add_journal(s, (const char *)sqlite3_column_text(statement, 0),
                        s->count ? s->journals[s->count - 1].place + 1 : 1, 0);
    (void)sqlite3_finalize(statement);
}

/* How far the last journal went, so that the next can name it. */
static void look_for_end(struct salvage *s) {
    sqlite3_stmt *statement = NULL;
    struct salvage_found *last;

    if (!s->count)
        return;
    last = &s->journals[s->count - 1];
    last->newest = last->through;
    if (sqlite3_prepare_v2(s->from,
                           "SELECT max(sequence) FROM rows WHERE journal=?1",
                           -1, &statement, NULL) == SQLITE_OK) {
        store_bind_text(statement, 1, last->journal);
        if (sqlite3_step(statement) == SQLITE_ROW &&
            (uint64_t)sqlite3_column_int64(statement, 0) > last->newest)
            last->newest = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_finalize(statement);
}

/* Values that the new file has already are newer. */
static enum ts_status carry_meta(struct salvage *s, struct journal_store *to,
                                 struct ts_err *err) {
    static const char add[] =
        "INSERT INTO meta(key,value) VALUES(?1,?2) ON CONFLICT(key) DO NOTHING";
    sqlite3_stmt *in = NULL;
    sqlite3_stmt *out = NULL;
    enum ts_status status = TS_OK;

    if (sqlite3_prepare_v2(to->db, add, -1, &out, NULL) != SQLITE_OK)
        return store_fail(to, err);
    if (sqlite3_prepare_v2(s->from, "SELECT key,value FROM meta", -1, &in,
                           NULL) == SQLITE_OK)
        while (status == TS_OK && sqlite3_step(in) == SQLITE_ROW) {
            (void)sqlite3_bind_value(out, 1, sqlite3_column_value(in, 0));
            (void)sqlite3_bind_value(out, 2, sqlite3_column_value(in, 1));
            status = store_run(to, out, err);
        }
    (void)sqlite3_finalize(in);
    (void)sqlite3_finalize(out);
    return status;
}

/* In their order, ahead of what the new file holds; below zero their through
 * says that they are not whole yet. */
static enum ts_status carry_names(struct salvage *s, struct journal_store *to,
                                  struct ts_err *err) {
    static const char add[] =
        "INSERT INTO journals(place,journal,through) VALUES(?1,?2,?3) "
        "ON CONFLICT(journal) DO NOTHING";
    int64_t first;
    sqlite3_stmt *out = NULL;
    enum ts_status status = TS_OK;

    if (sqlite3_prepare_v2(to->db, add, -1, &out, NULL) != SQLITE_OK)
        return store_fail(to, err);
    if (!s->follows)
        s->place =
            store_number(to, "SELECT coalesce(min(place),1) FROM journals");
    first = s->later ? s->place - LATER_PLACES : s->place;
    for (size_t i = 0; status == TS_OK && i < s->count; i++) {
        (void)sqlite3_bind_int64(out, 1, first - (int64_t)(s->count - i));
        store_bind_text(out, 2, s->journals[i].journal);
        (void)sqlite3_bind_int64(out, 3, -1 - (int64_t)s->journals[i].through);
        status = store_run(to, out, err);
    }
    (void)sqlite3_finalize(out);
    return status;
}

/* What was set aside stays as it was found; and where a deleted file was there
 * is another one by now. */
static void leave_alone(sqlite3 *db) {
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

static enum ts_status prepare(struct salvage *s, struct journal_store *to,
                              struct ts_err *err) {
    enum ts_status status;

    find_journals(s);
    look_for_end(s);
    status = store_exec(to, "BEGIN IMMEDIATE", err);
    if (status == TS_OK)
        status = carry_meta(s, to, err);
    if (status == TS_OK)
        status = carry_names(s, to, err);
    if (status == TS_OK)
        status = store_exec(to, "COMMIT", err);
    if (status != TS_OK)
        store_rollback(to);
    s->prepared = status == TS_OK;
    return status;
}

/* From here on they are journals as any other. */
static enum ts_status release_names(struct journal_store *to,
                                    struct ts_err *err) {
    return store_exec(to,
                      "DELETE FROM journals WHERE through<0 AND NOT EXISTS("
                      "SELECT 1 FROM rows WHERE rows.journal=journals.journal);"
                      "UPDATE journals SET through=-1-through WHERE through<0",
                      err);
}

/* NULL: it is told and left, and nothing waits for it. */
static sqlite3 *open_waiting(const char *name) {
    sqlite3 *db = NULL;

    if (sqlite3_open_v2(name, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                        NULL) == SQLITE_OK) {
        leave_alone(db);
        return db;
    }
    ts_log(TS_LOG_ERROR, "journal",
           "%s cannot be opened (%s) and is left: what is in it is not sent; "
           "give it to the agent's user and restart the agent",
           name, sqlite3_errmsg(db));
    (void)sqlite3_close(db);
    return NULL;
}

/* The oldest one that opens, or NULL. */
static struct salvage *open_oldest(const glob_t *found, size_t count) {
    for (size_t i = 0; i < count; i++) {
        sqlite3 *db = open_waiting(found->gl_pathv[i]);
        struct salvage *s;

        if (!db)
            continue;
        s = ts_alloc(sizeof *s);
        *s = (struct salvage){.from = db, .cursor = {.from = 1}};
        (void)snprintf(s->name, sizeof s->name, "%s", found->gl_pathv[i]);
        return s;
    }
    return NULL;
}

enum ts_status salvage_begin(struct salvage **out, struct journal_store *to,
                             const char *path, struct ts_err *err) {
    glob_t found;
    size_t count = find_waiting(path, &found);
    struct salvage *s = open_oldest(&found, count);
    enum ts_status status;

    *out = NULL;
    globfree(&found);
    /* What a deleted file gave before a kill is all that there is of it. */
    if (!s)
        return count ? TS_OK : release_names(to, err);
    status = prepare(s, to, err);
    if (status != TS_OK) {
        salvage_free(s);
        return status;
    }
    *out = s;
    return TS_OK;
}

struct salvage *salvage_adopt(sqlite3 *take_from) {
    struct salvage *s = ts_alloc(sizeof *s);

    *s = (struct salvage){.from = take_from, .cursor = {.from = 1}};
    leave_alone(take_from);
    return s;
}

bool salvage_is_adopted(const struct salvage *salvage) {
    return !salvage->name[0];
}

void salvage_queue(struct salvage *salvage, struct salvage *take_later) {
    while (salvage->later)
        salvage = salvage->later;
    salvage->later = take_later;
}

struct salvage *salvage_take_later(struct salvage *salvage) {
    struct salvage *later = salvage->later;

    salvage->later = NULL;
    if (later) {
        later->follows = true;
        later->place = salvage->place;
    }
    return later;
}

bool salvage_follows(const struct salvage *salvage) { return salvage->follows; }

void salvage_rewind(struct salvage *salvage) {
    for (; salvage; salvage = salvage->later) {
        free(salvage->journals);
        *salvage = (struct salvage){.from = salvage->from,
                                    .cursor = {.from = 1},
                                    .later = salvage->later};
    }
}

void salvage_free(struct salvage *salvage) {
    while (salvage) {
        struct salvage *later = salvage->later;

        (void)sqlite3_close(salvage->from);
        free(salvage->journals);
        free(salvage);
        salvage = later;
    }
}

static void count_row(struct salvage_found *found,
                      const struct store_row *row) {
    struct journal_amount *amount =
        row->sequence > found->through ? &found->unsent : &found->copies;

    amount->rows++;
    amount->bytes += (int64_t)row->payload.len + STORE_ROW_OVERHEAD;
    if (!found->oldest || row->sequence < found->oldest)
        found->oldest = row->sequence;
    if (row->sequence > found->newest)
        found->newest = row->sequence;
}

/* Also a row that a broken tree shows twice, or that an earlier attempt
 * carried. */
static enum ts_status carry_row(struct salvage *s, struct journal_store *to,
                                const struct store_row *row,
                                struct ts_err *err) {
    enum ts_status status = store_add_row(to, row, err);

    if (status != TS_OK && sqlite3_errcode(to->db) != SQLITE_CONSTRAINT)
        return status;
    s->salvaged++;
    count_row(&s->journals[s->at], row);
    return TS_OK;
}

/* low <= sequence < high. */
struct range {
    uint64_t low, high;
};

struct piece {
    uint64_t last; /* sequence that was reached, 0: none */
    size_t rows;
    bool broken, full; /* neither: the end of the range */
};

static enum ts_status carry(struct salvage *s, struct journal_store *to,
                            const char *sql, struct range range,
                            struct piece *piece, struct ts_err *err) {
    sqlite3_stmt *statement = NULL;
    struct store_row row;
    enum ts_status status = TS_OK;
    int step = SQLITE_ERROR;

    *piece = (struct piece){.broken = true};
    if (sqlite3_prepare_v2(s->from, sql, -1, &statement, NULL) != SQLITE_OK)
        return TS_OK;
    store_bind_text(statement, 1, s->journals[s->at].journal);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)range.low);
    (void)sqlite3_bind_int64(statement, 3, (int64_t)range.high);
    while (status == TS_OK && piece->rows < STEP_ROWS &&
           (step = sqlite3_step(statement)) == SQLITE_ROW) {
        piece->last = (uint64_t)sqlite3_column_int64(statement, 1);
        piece->rows++;
        if (store_row_get(statement, &row))
            status = carry_row(s, to, &row, err);
    }
    piece->full = step == SQLITE_ROW;
    piece->broken = step != SQLITE_ROW && step != SQLITE_DONE;
    (void)sqlite3_finalize(statement);
    return status;
}

static void next_journal(struct salvage *s) {
    s->at++;
    s->cursor = (struct cursor){.from = 1};
}

static enum ts_status carry_down(struct salvage *s, struct journal_store *to,
                                 struct ts_err *err) {
    struct cursor *cursor = &s->cursor;
    struct piece piece;
    enum ts_status status =
        carry(s, to, read_down, (struct range){cursor->hurt + 1, cursor->down},
              &piece, err);

    if (status == TS_OK)
        cursor->down = piece.full ? piece.last : 0;
    return status;
}

static enum ts_status carry_up(struct salvage *s, struct journal_store *to,
                               struct ts_err *err) {
    struct cursor *cursor = &s->cursor;
    struct piece piece;
    enum ts_status status =
        carry(s, to, read_up, (struct range){cursor->from, sequence_end},
              &piece, err);

    if (status != TS_OK)
        return status;
    if (piece.last && cursor->jumps) { /* landed */
        cursor->down = cursor->from;
        cursor->jumps = 0;
    }
    if (piece.full) {
        cursor->from = piece.last + 1;
    } else if (!piece.broken) {
        if (!cursor->down)
            next_journal(s);
        else
            cursor->from = sequence_end; /* after the way down */
    } else {
        uint64_t hurt = piece.last > cursor->from ? piece.last : cursor->from;

        cursor->jumps = piece.last ? 0 : cursor->jumps + 1;
        if (!cursor->down)
            cursor->hurt = hurt;
        cursor->from = hurt + (1ULL << cursor->jumps);
    }
    if (cursor->jumps >= SALVAGE_JUMPS || cursor->from > sequence_end)
        next_journal(s);
    return TS_OK;
}

static enum ts_status step(struct salvage *s, struct journal_store *to,
                           struct ts_err *err) {
    if (s->at == s->count) {
        s->done = true;
        return release_names(to, err);
    }
    return s->cursor.down ? carry_down(s, to, err) : carry_up(s, to, err);
}

enum ts_status salvage_step(struct salvage *salvage, struct journal_store *to,
                            struct ts_err *err) {
    struct salvage before = *salvage;
    struct salvage_found found = {.oldest = 0};
    enum ts_status status;

    if (!salvage->prepared)
        return prepare(salvage, to, err) == TS_OK ? TS_AGAIN : err->status;
    status = store_exec(to, "BEGIN IMMEDIATE", err);

    if (salvage->at < salvage->count)
        found = salvage->journals[salvage->at];
    if (status == TS_OK)
        status = step(salvage, to, err);
    if (status == TS_OK)
        status = store_exec(to, "COMMIT", err);
    if (status == TS_OK)
        return salvage->done ? TS_OK : TS_AGAIN;
    store_rollback(to);
    *salvage = before;
    if (salvage->at < salvage->count)
        salvage->journals[salvage->at] = found;
    return status;
}

/* Numbers that are missing up to the last of a journal: behind its first copy,
 * or behind what the hub has taken. */
static uint64_t count_lost(const struct salvage *s) {
    uint64_t lost = 0;

    for (size_t i = 0; i < s->count; i++) {
        const struct salvage_found *found = &s->journals[i];
        uint64_t held = found->copies.rows + found->unsent.rows;
        uint64_t first = found->oldest && found->oldest <= found->through
                             ? found->oldest
                             : found->through + 1;
        uint64_t all = found->newest >= first ? found->newest - first + 1 : 0;

        lost += all > held ? all - held : 0;
    }
    return lost;
}

void salvage_finish(struct salvage *salvage, struct journal_report *report) {
    const char *word;

    *report = (struct journal_report){.damaged = true,
                                      .salvaged = salvage->salvaged,
                                      .lost = count_lost(salvage)};
    (void)sqlite3_close(salvage->from);
    salvage->from = NULL;
    if (salvage_is_adopted(salvage))
        return;
    word = strrchr(salvage->name, '-');
    (void)snprintf(report->set_aside, sizeof report->set_aside, "%.*sdamaged%s",
                   (int)(word - salvage->name) - 7, salvage->name, word);
    rename_one(salvage->name, report->set_aside, "-wal");
    rename_one(salvage->name, report->set_aside, "-shm");
    rename_one(salvage->name, report->set_aside, "");
}

const struct salvage_found *salvage_journals(const struct salvage *salvage,
                                             size_t *count) {
    *count = salvage->count;
    return salvage->journals;
}
