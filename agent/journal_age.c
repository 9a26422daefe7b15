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

/* When a row was written, as far as its clock is to be believed; else when the
 * first such row behind it was. INT64_MAX: not known. */
static int64_t written_at(struct journal *journal, size_t index,
                          uint64_t sequence, int64_t at) {
    static const int64_t never_set = 1577836800000; /* 2020-01-01 */
    int64_t now = ts_clock_wall(journal->options.clock).unix_ms;
    int step;

    if (at >= never_set && at <= now)
        return at;
    for (at = INT64_MAX; at == INT64_MAX && index < journal->span_count;
         index++, sequence = 0) {
        sqlite3_stmt *statement = store_prepare(&journal->store, STORE_AT);
        store_bind_text(statement, 1, journal->spans[index].journal);
        (void)sqlite3_bind_int64(statement, 2, (int64_t)sequence);
        (void)sqlite3_bind_int64(statement, 3, never_set);
        (void)sqlite3_bind_int64(statement, 4, now);
        step = sqlite3_step(statement);
        if (step == SQLITE_ROW)
            at = sqlite3_column_int64(statement, 0);
        source_judge(journal, step);
        (void)sqlite3_reset(statement);
    }
    return at;
}

/* Nothing is old by a clock that nothing vouches for. */
static bool is_old(struct journal *journal, size_t index, uint64_t sequence,
                   int64_t at) {
    const struct ts_clock *clock = journal->options.clock;

    return clock->synchronised(clock->ctx) &&
           written_at(journal, index, sequence, at) <
               ts_clock_wall(clock).unix_ms - journal->options.keep_ms;
}

bool journal_age_due(struct journal *journal) {
    for (size_t i = 0; i < journal->span_count; i++)
        if (copies_end(journal, i))
            return journal->copy_bytes > journal->options.keep_bytes ||
                   is_old(journal, i, journal->spans[i].oldest - 1, 0);
    return false;
}

/* How far the copies of one span go; false: a later one may stay. */
static bool find_cut(struct journal *journal, size_t index, uint64_t end,
                     uint64_t *cut, struct journal_amount *total) {
    sqlite3_stmt *statement = store_prepare(&journal->store, STORE_COPIES);
    bool all = true;
    int step = SQLITE_DONE;

    *cut = 0;
    store_bind_text(statement, 1, journal->spans[index].journal);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)end);
    while (all && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        all =
            journal->copy_bytes - total->bytes > journal->options.keep_bytes ||
            is_old(journal, index, (uint64_t)sqlite3_column_int64(statement, 0),
                   sqlite3_column_int64(statement, 1));
        if (!all)
            break;
        *cut = (uint64_t)sqlite3_column_int64(statement, 0);
        total->bytes += sqlite3_column_int64(statement, 2);
        total->rows++;
    }
    source_judge(journal, step);
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
