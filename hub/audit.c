#include "hub/audit.h"

enum { PAGE = 2000 };

enum { NEWEST, COUNTS, ALARMS, HOLES, QUARANTINE };
const struct db_statement audit_statements[] = {
    [NEWEST] = {"audit_newest", "SELECT COALESCE(MAX(arrival), 0) FROM event "
                                "WHERE shard = $1"},
    [COUNTS] = {"audit_counts",
                "SELECT name, CAST(SUM(value) AS BIGINT) FROM take_count "
                "GROUP BY name ORDER BY name"},
    [ALARMS] = {"audit_alarms", "SELECT kind, subject, text, times FROM alarm "
                                "WHERE last_ms >= $1 ORDER BY kind, subject"},
    [HOLES] = {"audit_holes",
               "SELECT 'hole', terminal, journal, last_sequence - "
               "first_sequence + 1 FROM hole WHERE at_ms >= $1 "
               "ORDER BY terminal, journal, first_sequence"},
    [QUARANTINE] = {"audit_quarantine",
                    "SELECT 'quarantine', source, reason, times "
                    "FROM quarantine WHERE last_ms >= $1 "
                    "ORDER BY source, reason, id"},
    {NULL, NULL},
};

static bool number_row(void *arg, const struct db_value *columns,
                       size_t count) {
    *(uint64_t *)arg = count ? (uint64_t)columns[0].number : 0;
    return false;
}

enum ts_status audit_mark_now(struct db *db, struct ts_wall now,
                              struct audit_mark *out, struct ts_err *err) {
    struct audit_mark mark = {.at = now};
    enum ts_status status = TS_OK;

    for (unsigned shard = 0; status == TS_OK && shard < TS_SHARDS; shard++) {
        struct db_value key[] = {db_int(shard)};
        status = db_run(db, &audit_statements[NEWEST], key, 1, number_row,
                        &mark.arrivals[shard], err);
    }
    if (status == TS_OK)
        *out = mark;
    return status;
}

struct pages {
    bool (*each)(void *arg, const struct archive_event *event);
    void *arg;
    uint64_t arrival;
    size_t rows;
    bool ended;
};

static bool page_row(void *arg, const struct archive_event *event) {
    struct pages *pages = arg;

    pages->arrival = event->arrival;
    pages->rows++;
    pages->ended = !pages->each(pages->arg, event);
    return !pages->ended;
}

static enum ts_status read_shard(struct db *db, unsigned shard,
                                 struct pages *pages, struct ts_err *err) {
    enum ts_status status = TS_OK;

    do {
        pages->rows = 0;
        status = archive_after(db, shard, pages->arrival, PAGE, page_row, pages,
                               err);
    } while (status == TS_OK && pages->rows == PAGE && !pages->ended);
    return status;
}

enum ts_status audit_events(struct db *db, const struct audit_mark *mark,
                            bool (*each)(void *arg,
                                         const struct archive_event *event),
                            void *arg, struct ts_err *err) {
    struct pages pages = {.each = each, .arg = arg};
    enum ts_status status = TS_OK;

    for (unsigned shard = 0;
         status == TS_OK && !pages.ended && shard < TS_SHARDS; shard++) {
        pages.arrival = mark->arrivals[shard];
        status = read_shard(db, shard, &pages, err);
    }
    return status;
}

struct counter {
    void (*each)(void *arg, struct ts_slice name, uint64_t value);
    void *arg;
};

static bool count_row(void *arg, const struct db_value *columns, size_t count) {
    const struct counter *counter = arg;

    (void)count;
    counter->each(counter->arg, columns[0].bytes, (uint64_t)columns[1].number);
    return true;
}

enum ts_status audit_counts(struct db *db,
                            void (*each)(void *arg, struct ts_slice name,
                                         uint64_t value),
                            void *arg, struct ts_err *err) {
    struct counter counter = {each, arg};

    return db_run(db, &audit_statements[COUNTS], NULL, 0, count_row, &counter,
                  err);
}

struct noter {
    void (*each)(void *arg, const struct audit_note *note);
    void *arg;
};

static bool note_row(void *arg, const struct db_value *columns, size_t count) {
    const struct noter *noter = arg;
    struct audit_note note = {columns[0].bytes, columns[1].bytes,
                              columns[2].bytes, (uint64_t)columns[3].number};

    (void)count;
    noter->each(noter->arg, &note);
    return true;
}

enum ts_status
audit_notes(struct db *db, enum audit_what what, struct ts_wall since,
            void (*each)(void *arg, const struct audit_note *note), void *arg,
            struct ts_err *err) {
    static const int statements[] = {ALARMS, HOLES, QUARANTINE};
    struct db_value values[] = {db_int(since.unix_ms)};
    struct noter noter = {each, arg};

    return db_run(db, &audit_statements[statements[what]], values, 1, note_row,
                  &noter, err);
}
