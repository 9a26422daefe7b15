#include "agent/journal_private.h"

#include <string.h>

/* The last row of the last journal stays: the next run names it. */
static uint64_t copies_end(const struct journal *journal, size_t index) {
    const struct journal_span *span = &journal->spans[index];
    uint64_t end = span->through;

    if (index + 1 == journal->span_count && end >= span->newest)
        end = span->newest - 1;
    return span->oldest && span->oldest <= end ? end : 0;
}

static bool over(const struct journal *journal, int64_t at, int64_t removed) {
    int64_t now = ts_clock_wall(journal->options.clock).unix_ms;

    return journal->copy_bytes - removed > journal->options.keep_bytes ||
           at < now - journal->options.keep_ms;
}

bool journal_age_due(const struct journal *journal) {
    for (size_t i = 0; i < journal->span_count; i++) {
        const struct journal_span *span = &journal->spans[i];
        sqlite3_stmt *statement = journal->store.statements[STORE_AT];
        bool due = false;

        if (!copies_end(journal, i))
            continue;
        (void)sqlite3_reset(statement);
        store_bind_text(statement, 1, span->journal);
        (void)sqlite3_bind_int64(statement, 2, (int64_t)span->oldest - 1);
        if (sqlite3_step(statement) == SQLITE_ROW)
            due = over(journal, sqlite3_column_int64(statement, 0), 0);
        (void)sqlite3_reset(statement);
        return due;
    }
    return false;
}

/* How far the copies of one span go; false: a later one may stay. */
static bool find_cut(struct journal *journal, size_t index, uint64_t end,
                     uint64_t *cut, struct journal_amount *total) {
    sqlite3_stmt *statement = store_prepare(&journal->store, STORE_COPIES);
    bool all = true;

    *cut = 0;
    store_bind_text(statement, 1, journal->spans[index].journal);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)end);
    while (all && sqlite3_step(statement) == SQLITE_ROW) {
        all = over(journal, sqlite3_column_int64(statement, 1), total->bytes);
        if (!all)
            break;
        *cut = (uint64_t)sqlite3_column_int64(statement, 0);
        total->bytes += sqlite3_column_int64(statement, 2);
        total->rows++;
    }
    (void)sqlite3_reset(statement);
    return all && *cut == end;
}

void journal_age(struct journal *journal, struct journal_ageing *ageing,
                 struct journal_group *group) {
    bool more = true;

    *ageing = (struct journal_ageing){0};
    for (size_t i = 0;
         more && i < journal->span_count && ageing->count < JOURNAL_AGE_SPANS;
         i++) {
        uint64_t end = copies_end(journal, i);
        uint64_t cut;
        bool gone;

        if (!end)
            continue;
        more = find_cut(journal, i, end, &cut, &ageing->total);
        if (!cut)
            break;
        gone = cut >= journal->spans[i].newest;
        group_drop_rows(group, journal->spans[i].journal, cut, gone);
        ageing->spans[ageing->count].span = i;
        ageing->spans[ageing->count].cut = cut;
        ageing->spans[ageing->count++].gone = gone;
    }
}

void journal_ageing_settle(struct journal *journal,
                           const struct journal_ageing *ageing) {
    journal->copy_bytes -= ageing->total.bytes;
    journal->copy_rows -= ageing->total.rows;
    for (size_t i = ageing->count; i-- > 0;) {
        size_t at = ageing->spans[i].span;
        struct journal_span *span = &journal->spans[at];

        span->oldest =
            source_first_from(journal, span->journal, ageing->spans[i].cut + 1);
        if (!ageing->spans[i].gone)
            continue;
        memmove(span, span + 1, (journal->span_count - at - 1) * sizeof *span);
        journal->span_count--;
    }
}
