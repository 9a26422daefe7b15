#include "agent/journal_group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum step_kind {
    STEP_ADD_ROW,
    STEP_PUT,
    STEP_SET_THROUGH,
    STEP_DROP_ROWS,
    STEP_DROP_ROW,
    STEP_DROP_JOURNAL
};

struct journal_step {
    enum step_kind kind;
    char journal[TS_JOURNAL_TEXT];
    uint64_t sequence; /* or through */
    int64_t class, codec, at;
    size_t key;       /* of bytes: text with its NUL */
    size_t from, len; /* of bytes: payload or value */
};

void group_fini(struct journal_group *group) {
    free(group->steps);
    ts_buf_fini(&group->bytes);
    *group = (struct journal_group){0};
}

void group_clear(struct journal_group *group) {
    group->count = 0;
    ts_buf_clear(&group->bytes);
    group->rows = 0;
    group->row_bytes = 0;
}

int64_t group_memory(const struct journal_group *group) {
    return (int64_t)group->bytes.len +
           (int64_t)group->count * STORE_ROW_OVERHEAD;
}

static struct journal_step *add_step(struct journal_group *group,
                                     enum step_kind kind, const char *journal,
                                     uint64_t sequence) {
    struct journal_step *step;

    if (group->count == group->room) {
        group->room = group->room ? group->room * 2 : 16;
        group->steps =
            ts_realloc(group->steps, group->room * sizeof *group->steps);
    }
    step = &group->steps[group->count++];
    *step = (struct journal_step){.kind = kind, .sequence = sequence};
    memcpy(step->journal, journal, strlen(journal) + 1);
    return step;
}

static size_t keep(struct journal_group *group, struct ts_slice bytes) {
    size_t at = group->bytes.len;
    /* Without a ceiling: what is appended is bounded by the journal. */
    enum ts_status status = ts_buf_add(&group->bytes, bytes);

    (void)status;
    return at;
}

void group_add_row(struct journal_group *group, const struct store_row *row) {
    struct journal_step *step =
        add_step(group, STEP_ADD_ROW, row->journal, row->sequence);

    step->class = row->class;
    step->codec = row->codec;
    step->at = row->at;
    step->from = keep(group, row->payload);
    step->len = row->payload.len;
    group->rows++;
    group->row_bytes += (int64_t)row->payload.len + STORE_ROW_OVERHEAD;
}

void group_put(struct journal_group *group, const char *key,
               struct ts_slice value) {
    struct journal_step *step = add_step(group, STEP_PUT, "", 0);

    step->key = keep(group, ts_slice_of(key, strlen(key) + 1));
    step->from = keep(group, value);
    step->len = value.len;
}

void group_set_through(struct journal_group *group, const char *journal,
                       uint64_t through) {
    (void)add_step(group, STEP_SET_THROUGH, journal, through);
}

void group_drop_rows(struct journal_group *group, const char *journal,
                     uint64_t through, bool gone) {
    (void)add_step(group, STEP_DROP_ROWS, journal, through);
    if (gone)
        (void)add_step(group, STEP_DROP_JOURNAL, journal, 0);
}

void group_drop_row(struct journal_group *group, const char *journal,
                    uint64_t sequence) {
    (void)add_step(group, STEP_DROP_ROW, journal, sequence);
}

static enum ts_status add_row(struct journal_store *store,
                              const struct journal_step *step,
                              const uint8_t *bytes, struct ts_err *err) {
    struct store_row row = {
        .sequence = step->sequence,
        .class = step->class,
        .codec = step->codec,
        .at = step->at,
        .payload = ts_slice_of(bytes + step->from, step->len),
    };
    enum ts_status status = TS_OK;

    memcpy(row.journal, step->journal, sizeof row.journal);
    if (step->sequence == 1) {
        sqlite3_stmt *add = store_prepare(store, STORE_ADD_JOURNAL);

        store_bind_text(add, 1, step->journal);
        (void)sqlite3_bind_int64(add, 2, 0);
        status = store_run(store, add, err);
    }
    return status == TS_OK ? store_add_row(store, &row, err) : status;
}

static enum ts_status put(struct journal_store *store,
                          const struct journal_step *step, const uint8_t *bytes,
                          struct ts_err *err) {
    sqlite3_stmt *statement =
        store_prepare(store, step->len ? STORE_PUT : STORE_REMOVE);

    store_bind_text(statement, 1, (const char *)bytes + step->key);
    if (step->len)
        (void)sqlite3_bind_blob(statement, 2, bytes + step->from,
                                (int)step->len, SQLITE_STATIC);
    return store_run(store, statement, err);
}

/* A statement over a journal and, but for STEP_DROP_JOURNAL, a number. */
static enum ts_status change(struct journal_store *store,
                             const struct journal_step *step,
                             struct ts_err *err) {
    static const enum journal_statement of[] = {
        [STEP_SET_THROUGH] = STORE_SET_THROUGH,
        [STEP_DROP_ROWS] = STORE_DROP_ROWS,
        [STEP_DROP_ROW] = STORE_DROP_ROW,
        [STEP_DROP_JOURNAL] = STORE_DROP_JOURNAL,
    };
    sqlite3_stmt *statement = store_prepare(store, of[step->kind]);

    store_bind_text(statement, 1, step->journal);
    if (step->kind != STEP_DROP_JOURNAL)
        (void)sqlite3_bind_int64(statement, 2, (int64_t)step->sequence);
    return store_run(store, statement, err);
}

enum ts_status group_write(const struct journal_group *group,
                           struct journal_store *store, struct ts_err *err) {
    enum ts_status status = TS_OK;

    if (!group->count)
        return TS_OK;
    errno = 0;
    status = store_exec(store, "BEGIN IMMEDIATE", err);
    for (size_t i = 0; status == TS_OK && i < group->count; i++) {
        const struct journal_step *step = &group->steps[i];

        if (step->kind == STEP_ADD_ROW)
            status = add_row(store, step, group->bytes.data, err);
        else if (step->kind == STEP_PUT)
            status = put(store, step, group->bytes.data, err);
        else
            status = change(store, step, err);
    }
    if (status == TS_OK)
        status = store_exec(store, "COMMIT", err);
    if (status != TS_OK)
        store_rollback(store);
    return status;
}
