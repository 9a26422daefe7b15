#include "hub/registry.h"

#include "hub/rows.h"

#include <stdio.h>
#include <string.h>

enum { FIND, SOURCES, ADD, MOVE, REMOVE, LIST, SOURCE_ADD, SOURCE_COPY };

const struct db_statement registry_statements[] = {
    [FIND] = {"registry_find", "SELECT store FROM terminal "
                               "WHERE terminal = $1 AND removed_ms IS NULL"},
    [SOURCES] = {"registry_sources",
                 "SELECT source_terminal, source_store FROM terminal_source "
                 "WHERE terminal = $1 ORDER BY since_ms DESC, "
                 "source_terminal, source_store LIMIT 16"},
    [ADD] = {"registry_add",
             "INSERT INTO terminal (terminal, store, added_ms, shard) "
             "VALUES ($1, $2, $3, $4) ON CONFLICT (terminal) DO UPDATE SET "
             "store = $2, added_ms = $3, shard = $4, removed_ms = NULL "
             "WHERE terminal.removed_ms IS NOT NULL"},
    [MOVE] = {"registry_move", "UPDATE terminal SET store = $2, shard = $3 "
                               "WHERE terminal = $1 AND removed_ms IS NULL"},
    [REMOVE] = {"registry_remove",
                "UPDATE terminal SET removed_ms = $2 "
                "WHERE terminal = $1 AND removed_ms IS NULL"},
    [LIST] = {"registry_list", "SELECT terminal, store FROM terminal "
                               "WHERE removed_ms IS NULL "
                               "ORDER BY store, terminal"},
    [SOURCE_ADD] = {"registry_source_add",
                    "INSERT INTO terminal_source (terminal, source_terminal, "
                    "source_store, since_ms) VALUES ($1, $1, $2, $3) "
                    "ON CONFLICT (terminal, source_terminal, source_store) "
                    "DO UPDATE SET since_ms = $3"},
    [SOURCE_COPY] = {"registry_source_copy",
                     "INSERT INTO terminal_source (terminal, source_terminal, "
                     "source_store, since_ms) SELECT CAST($2 AS TEXT), "
                     "source_terminal, source_store, since_ms "
                     "FROM terminal_source WHERE terminal = $1 "
                     "ON CONFLICT (terminal, source_terminal, source_store) "
                     "DO NOTHING"},
    {NULL, NULL},
};

static bool store_row(void *arg, const struct db_value *columns, size_t count) {
    struct registry_entry *entry = arg;

    (void)count;
    entry->known = true;
    column_copy(entry->store, sizeof entry->store, &columns[0]);
    return false;
}

static bool source_row(void *arg, const struct db_value *columns,
                       size_t count) {
    struct registry_entry *entry = arg;
    struct registry_source *source;

    (void)count;
    if (entry->count == REGISTRY_SOURCES_MAX)
        return false;
    source = &entry->sources[entry->count++];
    column_copy(source->terminal, sizeof source->terminal, &columns[0]);
    column_copy(source->store, sizeof source->store, &columns[1]);
    return true;
}

enum ts_status registry_find(struct db *db, const char *terminal,
                             struct registry_entry *out, struct ts_err *err) {
    struct db_value key[] = {db_cstr(terminal)};
    struct registry_entry entry = {0};
    enum ts_status status =
        db_run(db, &registry_statements[FIND], key, 1, store_row, &entry, err);

    if (status == TS_OK)
        status = db_run(db, &registry_statements[SOURCES], key, 1, source_row,
                        &entry, err);
    if (status != TS_OK)
        return status;
    entry.shard = ts_shard(ts_slice_text(entry.store));
    *out = entry;
    return TS_OK;
}

bool registry_has_source(const struct registry_entry *entry,
                         const char *terminal, const char *store) {
    for (size_t i = 0; i < entry->count; i++)
        if (!strcmp(entry->sources[i].terminal, terminal) &&
            !strcmp(entry->sources[i].store, store))
            return true;
    return false;
}

static enum ts_status check_name(const char *what, const char *name,
                                 struct ts_err *err) {
    if (ts_name_valid(ts_slice_text(name)))
        return TS_OK;
    return ts_fail(err, TS_INVALID,
                   "the %s must be 1 to 48 of a-z, 0-9 and dash, and not hub "
                   "or hub-...",
                   what);
}

static enum ts_status finish(struct db *db, enum ts_status status,
                             struct ts_err *err) {
    if (status == TS_OK)
        return db_commit(db, err);
    db_rollback(db);
    return status;
}

static enum ts_status source_add(struct db *db, const char *terminal,
                                 const char *store, struct ts_wall now,
                                 struct ts_err *err) {
    struct db_value values[] = {db_cstr(terminal), db_cstr(store),
                                db_int(now.unix_ms)};

    return db_run(db, &registry_statements[SOURCE_ADD], values, 3, NULL, NULL,
                  err);
}

static enum ts_status add_row(struct db *db, const char *terminal,
                              const char *store, struct ts_wall now,
                              struct ts_err *err) {
    struct db_value values[] = {db_cstr(terminal), db_cstr(store),
                                db_int(now.unix_ms),
                                db_int(ts_shard(ts_slice_text(store)))};
    enum ts_status status =
        db_run(db, &registry_statements[ADD], values, 4, NULL, NULL, err);

    if (status == TS_OK && !db_changed(db))
        return ts_fail(err, TS_INVALID,
                       "terminal %s is there already: use `terminal move` for "
                       "another store",
                       terminal);
    return status == TS_OK ? source_add(db, terminal, store, now, err) : status;
}

enum ts_status registry_add(struct db *db, const char *terminal,
                            const char *store, struct ts_wall now,
                            struct ts_err *err) {
    enum ts_status status = check_name("terminal", terminal, err);

    if (status == TS_OK)
        status = check_name("store", store, err);
    if (status == TS_OK)
        status = db_begin(db, err);
    if (status != TS_OK)
        return status;
    return finish(db, add_row(db, terminal, store, now, err), err);
}

static enum ts_status load_one(struct db *db, const char *terminal,
                               const char *store, struct ts_wall now,
                               uint64_t *added, struct ts_err *err) {
    struct registry_entry entry;
    enum ts_status status = check_name("terminal", terminal, err);

    if (status == TS_OK)
        status = check_name("store", store, err);
    if (status == TS_OK)
        status = registry_find(db, terminal, &entry, err);
    if (status != TS_OK || (entry.known && !strcmp(entry.store, store)))
        return status;
    status = add_row(db, terminal, store, now, err);
    *added += status == TS_OK;
    return status;
}

/* The next word of the line, "" at its end; false: longer than a name. */
static bool next_word(struct ts_slice *line, char out[TS_NAME_TEXT]) {
    size_t len = 0;

    while (line->len && strchr(" \t\r", line->data[0]) && line->data[0]) {
        line->data++;
        line->len--;
    }
    while (len < line->len &&
           (!line->data[len] || !strchr(" \t\r#", line->data[len])))
        len++;
    if (len >= TS_NAME_TEXT)
        return false;
    memcpy(out, line->data, len);
    out[len] = 0;
    *line = ts_slice_of(line->data + len, line->len - len);
    return true;
}

static enum ts_status load_line(struct db *db, struct ts_slice line,
                                struct ts_wall now, uint64_t *added,
                                struct ts_err *err) {
    char terminal[TS_NAME_TEXT], store[TS_NAME_TEXT], rest[TS_NAME_TEXT];

    if (!next_word(&line, terminal) || !next_word(&line, store) ||
        !next_word(&line, rest) || rest[0] || (terminal[0] && !store[0]))
        return ts_fail(err, TS_INVALID,
                       "give a terminal and its store, one pair a line");
    return terminal[0] ? load_one(db, terminal, store, now, added, err) : TS_OK;
}

static enum ts_status load_lines(struct db *db, struct ts_slice lines,
                                 struct ts_wall now, uint64_t *added,
                                 struct ts_err *err) {
    enum ts_status status = TS_OK;

    for (size_t number = 1; status == TS_OK && lines.len; number++) {
        const uint8_t *end = memchr(lines.data, '\n', lines.len);
        size_t len = end ? (size_t)(end - lines.data) : lines.len;
        size_t step = end ? len + 1 : len;

        status = load_line(db, ts_slice_of(lines.data, len), now, added, err);
        if (status != TS_OK && err)
            (void)ts_wrap(err, "line %zu", number);
        lines = ts_slice_of(lines.data + step, lines.len - step);
    }
    return status;
}

enum ts_status registry_load(struct db *db, struct ts_slice lines,
                             struct ts_wall now, uint64_t *added,
                             struct ts_err *err) {
    uint64_t count = 0;
    enum ts_status status = db_begin(db, err);

    if (status == TS_OK)
        status = finish(db, load_lines(db, lines, now, &count, err), err);
    if (status == TS_OK)
        *added = count;
    return status;
}

static enum ts_status unknown(const char *terminal, struct ts_err *err) {
    return ts_fail(err, TS_INVALID,
                   "there is no terminal %s: see `terminal list`", terminal);
}

static enum ts_status move_row(struct db *db, const char *terminal,
                               const char *store, struct ts_wall now,
                               struct ts_err *err) {
    struct db_value values[] = {db_cstr(terminal), db_cstr(store),
                                db_int(ts_shard(ts_slice_text(store)))};
    enum ts_status status =
        db_run(db, &registry_statements[MOVE], values, 3, NULL, NULL, err);

    if (status == TS_OK && !db_changed(db))
        return unknown(terminal, err);
    return status == TS_OK ? source_add(db, terminal, store, now, err) : status;
}

enum ts_status registry_move(struct db *db, const char *terminal,
                             const char *store, struct ts_wall now,
                             struct ts_err *err) {
    enum ts_status status = check_name("store", store, err);

    if (status == TS_OK)
        status = db_begin(db, err);
    if (status != TS_OK)
        return status;
    return finish(db, move_row(db, terminal, store, now, err), err);
}

enum ts_status registry_remove(struct db *db, const char *terminal,
                               struct ts_wall now, struct ts_err *err) {
    struct db_value values[] = {db_cstr(terminal), db_int(now.unix_ms)};
    enum ts_status status =
        db_run(db, &registry_statements[REMOVE], values, 2, NULL, NULL, err);

    if (status == TS_OK && !db_changed(db))
        return unknown(terminal, err);
    return status;
}

static enum ts_status rename_rows(struct db *db, const char *terminal,
                                  const char *name, struct ts_wall now,
                                  struct ts_err *err) {
    struct db_value values[] = {db_cstr(terminal), db_cstr(name)};
    struct registry_entry entry;
    enum ts_status status = registry_find(db, terminal, &entry, err);

    if (status == TS_OK && !entry.known)
        return unknown(terminal, err);
    if (status == TS_OK)
        status = add_row(db, name, entry.store, now, err);
    if (status == TS_OK)
        status = db_run(db, &registry_statements[SOURCE_COPY], values, 2, NULL,
                        NULL, err);
    if (status == TS_OK)
        status = registry_remove(db, terminal, now, err);
    return status;
}

enum ts_status registry_rename(struct db *db, const char *terminal,
                               const char *name, struct ts_wall now,
                               struct ts_err *err) {
    enum ts_status status = check_name("terminal", name, err);

    if (status == TS_OK)
        status = db_begin(db, err);
    if (status != TS_OK)
        return status;
    return finish(db, rename_rows(db, terminal, name, now, err), err);
}

struct lister {
    void (*each)(void *arg, const char *terminal, const char *store);
    void *arg;
};

static bool list_row(void *arg, const struct db_value *columns, size_t count) {
    const struct lister *lister = arg;
    char terminal[TS_NAME_TEXT], store[TS_NAME_TEXT];

    (void)count;
    column_copy(terminal, sizeof terminal, &columns[0]);
    column_copy(store, sizeof store, &columns[1]);
    lister->each(lister->arg, terminal, store);
    return true;
}

enum ts_status registry_list(struct db *db,
                             void (*each)(void *arg, const char *terminal,
                                          const char *store),
                             void *arg, struct ts_err *err) {
    struct lister lister = {each, arg};

    return db_run(db, &registry_statements[LIST], NULL, 0, list_row, &lister,
                  err);
}
