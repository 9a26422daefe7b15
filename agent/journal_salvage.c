#include "agent/journal_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SALVAGE_JUMPS = 24 };

static const char read_up[] =
    "SELECT journal,sequence,class,codec,at,crc,payload FROM rows "
    "WHERE journal=?1 AND sequence>=?2 AND sequence<?3 ORDER BY sequence";
static const char read_down[] =
    "SELECT journal,sequence,class,codec,at,crc,payload FROM rows "
    "WHERE journal=?1 AND sequence>=?2 AND sequence<?3 "
    "ORDER BY sequence DESC";

struct salvage {
    sqlite3 *from;
    struct journal_store *to;
    struct journal_report *report;
    struct ts_err *err;
    enum ts_status status; /* of the new file */
};

static void drop_file(const char *path) {
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char name[300];

    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
}

static void rename_one(const char *from, const char *to, const char *suffix) {
    char old[300];
    char new[300];

    (void)snprintf(old, sizeof old, "%s%s", from, suffix);
    (void)snprintf(new, sizeof new, "%s%s", to, suffix);
    /* A companion that is not there is nothing to set aside. */
    (void)rename(old, new);
}

static enum ts_status set_aside(const char *path, struct ts_wall now,
                                char out[256], struct ts_err *err) {
    char at[TS_TIME_TEXT];

    ts_wall_text(at, now);
    (void)snprintf(out, 256, "%.200s.damaged-%.4s%.2s%.2sT%.2s%.2s%.2s%.3s",
                   path, at, at + 5, at + 8, at + 11, at + 14, at + 17,
                   at + 20);
    if (rename(path, out) != 0)
        return ts_fail(err, TS_IO,
                       "cannot set the damaged %s aside (%s): check that its "
                       "folder can be written",
                       path, strerror(errno));
    rename_one(path, out, "-wal");
    rename_one(path, out, "-shm");
    return TS_OK;
}

/* Rows from `low` to below `high` until one cannot be read. Answers the last
 * good sequence, 0 for none; *broken tells that the end was not reached. */
static uint64_t carry(struct salvage *s, const char *sql, const char *journal,
                      uint64_t low, uint64_t high, bool *broken) {
    sqlite3_stmt *statement = NULL;
    struct store_row row;
    uint64_t last = 0;
    int step = SQLITE_ERROR;

    *broken = true;
    if (sqlite3_prepare_v2(s->from, sql, -1, &statement, NULL) != SQLITE_OK)
        return 0;
    store_bind_text(statement, 1, journal);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)low);
    (void)sqlite3_bind_int64(statement, 3, (int64_t)high);
    while (s->status == TS_OK &&
           (step = sqlite3_step(statement)) == SQLITE_ROW) {
        last = (uint64_t)sqlite3_column_int64(statement, 1);
        if (!store_row_get(statement, &row))
            continue;
        s->status = store_add_row(s->to, &row, s->err);
        if (s->status == TS_OK)
            s->report->salvaged++;
        else if (sqlite3_errcode(s->to->db) == SQLITE_CONSTRAINT)
            s->status = TS_OK; /* a broken tree may show a row twice */
    }
    *broken = step != SQLITE_DONE;
    (void)sqlite3_finalize(statement);
    return last;
}

/* Beyond a page that cannot be read: ever longer jumps up to one that lands,
 * then back down to the hurt place. */
static void carry_journal(struct salvage *s, const char *journal) {
    static const uint64_t end = 1ULL << 53;
    uint64_t from = 1;
    uint64_t hurt = 0;
    unsigned jumps = 0;

    while (jumps < SALVAGE_JUMPS && from < end) {
        bool broken;
        bool ignored;
        uint64_t last = carry(s, read_up, journal, from, end, &broken);

        if (last && jumps)
            (void)carry(s, read_down, journal, hurt + 1, from, &ignored);
        if (!broken)
            return;
        jumps = last ? 0 : jumps + 1;
        hurt = last > from ? last : from;
        from = hurt + (1ULL << jumps);
    }
}

static bool known(struct journal_store *store, const char *journal) {
    sqlite3_stmt *statement = store_prepare(store, STORE_FIRST_FROM);
    bool found;

    store_bind_text(statement, 1, journal);
    (void)sqlite3_bind_int64(statement, 2, 0);
    found = sqlite3_step(statement) == SQLITE_ROW &&
            sqlite3_column_type(statement, 0) != SQLITE_NULL;
    (void)sqlite3_reset(statement);
    return found;
}

static void add_journal(struct salvage *s, const char *journal,
                        int64_t through) {
    sqlite3_stmt *statement = store_prepare(s->to, STORE_ADD_JOURNAL);

    store_bind_text(statement, 1, journal);
    (void)sqlite3_bind_int64(statement, 2, through);
    s->status = store_run(s->to, statement, s->err);
}

/* Each journal that `sql` names and that is not there yet. */
static void carry_named(struct salvage *s, const char *sql) {
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(s->from, sql, -1, &statement, NULL) != SQLITE_OK)
        return;
    while (s->status == TS_OK && sqlite3_step(statement) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        char journal[TS_JOURNAL_TEXT];

        if (!name || !ts_journal_valid(ts_slice_text(name)))
            continue;
        (void)snprintf(journal, sizeof journal, "%s", name);
        if (known(s->to, journal))
            continue;
        carry_journal(s, journal);
        if (s->status == TS_OK && known(s->to, journal))
            add_journal(s, journal, sqlite3_column_int64(statement, 1));
    }
    (void)sqlite3_finalize(statement);
}

static void carry_meta(struct salvage *s) {
    sqlite3_stmt *in = NULL;

    if (sqlite3_prepare_v2(s->from, "SELECT key,value FROM meta", -1, &in,
                           NULL) != SQLITE_OK)
        return;
    while (s->status == TS_OK && sqlite3_step(in) == SQLITE_ROW) {
        sqlite3_stmt *out = store_prepare(s->to, STORE_PUT);

        (void)sqlite3_bind_value(out, 1, sqlite3_column_value(in, 0));
        (void)sqlite3_bind_value(out, 2, sqlite3_column_value(in, 1));
        s->status = store_run(s->to, out, s->err);
    }
    (void)sqlite3_finalize(in);
}

/* Numbers that are missing between the first and the last of a journal, or
 * between what the hub has and the first. */
static uint64_t count_lost(struct journal_store *store) {
    int64_t lost = store_number(
        store, "SELECT coalesce(sum(top-low+1-n),0) FROM (SELECT max(sequence) "
               "top,min(sequence) low,count(*) n FROM rows GROUP BY journal)");

    return lost > 0 ? (uint64_t)lost : 0;
}

static void carry_all(struct salvage *s, const char *from) {
    if (sqlite3_open_v2(from, &s->from, SQLITE_OPEN_READWRITE, NULL) ==
        SQLITE_OK) {
        /* What was set aside stays as it was found. */
        (void)sqlite3_db_config(s->from, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
                                NULL);
        carry_meta(s);
        carry_named(s, "SELECT journal,through FROM journals ORDER BY place");
        carry_named(s, "SELECT DISTINCT journal,0 FROM rows");
    }
    (void)sqlite3_close(s->from);
}

/* Every readable row into a new file that is whole when this answers. */
static enum ts_status write_new(struct salvage *s, const char *from,
                                const char *to) {
    char wal[310];

    drop_file(to);
    s->status = store_open(s->to, to, s->err);
    if (s->status == TS_OK)
        s->status = store_exec(s->to, "BEGIN IMMEDIATE", s->err);
    if (s->status == TS_OK)
        carry_all(s, from);
    if (s->status == TS_OK)
        s->status = store_exec(s->to, "COMMIT", s->err);
    if (s->status == TS_OK)
        s->report->lost = count_lost(s->to);
    store_close(s->to);
    /* A companion that stayed holds what did not fit into the file. */
    (void)snprintf(wal, sizeof wal, "%s-wal", to);
    if (s->status == TS_OK && access(wal, F_OK) == 0)
        s->status = ts_fail(s->err, TS_FULL,
                            "no room to carry the rows of the damaged %s over: "
                            "free space on this disk",
                            from);
    if (s->status != TS_OK)
        drop_file(to);
    return s->status;
}

static void salvage_path(char out[300], const char *path) {
    (void)snprintf(out, 300, "%s.salvage", path);
}

/* The damaged file keeps its name until the new one is whole. */
static enum ts_status salvage(struct journal_store *store, const char *path,
                              struct ts_wall now, struct journal_report *report,
                              struct ts_err *err) {
    struct salvage s = {NULL, store, report, err, TS_OK};
    char whole[300];
    enum ts_status status;

    salvage_path(whole, path);
    status = write_new(&s, path, whole);
    if (status == TS_OK)
        status = set_aside(path, now, report->set_aside, err);
    if (status != TS_OK)
        return status;
    report->damaged = true;
    if (rename(whole, path) != 0)
        return ts_fail(err, TS_IO, "cannot name %s %s (%s): rename it", whole,
                       path, strerror(errno));
    return store_open(store, path, err);
}

static void finish_salvage(const char *path) {
    char whole[300];

    salvage_path(whole, path);
    if (access(path, F_OK) != 0)
        (void)rename(whole, path);
}

enum ts_status store_mend(struct journal_store *store, const char *path,
                          bool damaged, struct ts_wall now,
                          struct journal_report *report, struct ts_err *err) {
    enum ts_status status;

    *report = (struct journal_report){0};
    finish_salvage(path);
    if (damaged)
        return salvage(store, path, now, report, err);
    status = store_open(store, path, err);
    return status == TS_CORRUPT ? salvage(store, path, now, report, err)
                                : status;
}
