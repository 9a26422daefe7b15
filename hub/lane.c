#include "hub/lane.h"

#include "hub/rows.h"

#include <stdio.h>
#include <string.h>

enum { FIND, PUT, LAST, HOLE, LINK, RIVALS, STATE, STATE_PUT };

const struct db_statement lane_statements[] = {
    [FIND] = {"lane_find", "SELECT through FROM lane_position "
                           "WHERE shard = $1 AND terminal = $2 "
                           "AND journal = $3"},
    [PUT] = {"lane_put",
             "INSERT INTO lane_position (shard, terminal, journal, store, "
             "through, first_ms, last_ms) VALUES ($1, $2, $3, $4, $5, $6, $6) "
             "ON CONFLICT (shard, terminal, journal) DO UPDATE SET "
             "through = $5, last_ms = $6"},
    [LAST] = {"lane_last", "SELECT journal, last_ms FROM lane_position "
                           "WHERE shard = $1 AND terminal = $2 "
                           "ORDER BY last_ms DESC LIMIT 1"},
    [HOLE] = {"lane_hole",
              "INSERT INTO hole (shard, terminal, journal, first_sequence, "
              "last_sequence, at_ms) VALUES ($1, $2, $3, $4, $5, $6) "
              "ON CONFLICT (shard, terminal, journal, first_sequence) "
              "DO UPDATE SET last_sequence = $5, at_ms = $6"},
    [LINK] = {"lane_link",
              "INSERT INTO journal_link (shard, terminal, journal, previous, "
              "previous_last, at_ms) VALUES ($1, $2, $3, $4, $5, $6) "
              "ON CONFLICT (shard, terminal, journal) DO NOTHING"},
    [RIVALS] = {"lane_rivals",
                "SELECT COUNT(*) FROM journal_link WHERE shard = $1 "
                "AND terminal = $2 AND previous = $3 AND journal <> $4"},
    [STATE] = {"lane_state", "SELECT boot, boot_before, session "
                             "FROM lane_state "
                             "WHERE shard = $1 AND terminal = $2"},
    [STATE_PUT] = {"lane_state_put",
                   "INSERT INTO lane_state (shard, terminal, online, boot, "
                   "boot_before, session, version, journal, unsent, "
                   "oldest_unsent_ms, at_ms) VALUES ($1, $2, $3, $4, $5, $6, "
                   "$7, $8, $9, $10, $11) ON CONFLICT (shard, terminal) "
                   "DO UPDATE SET online = $3, boot = $4, boot_before = $5, "
                   "session = $6, version = $7, journal = $8, unsent = $9, "
                   "oldest_unsent_ms = $10, at_ms = $11"},
    {NULL, NULL},
};

static void lane_key(struct lane *lane, const char *terminal, const char *store,
                     const char *journal) {
    memset(lane, 0, sizeof *lane);
    memcpy(lane->terminal, terminal, strlen(terminal));
    memcpy(lane->store, store, strlen(store));
    memcpy(lane->journal, journal, strlen(journal));
    lane->shard = ts_shard(ts_slice_text(store));
}

static enum ts_status look(struct db *db, struct lane *lane,
                           struct ts_err *err) {
    struct db_value values[] = {db_int(lane->shard), db_cstr(lane->terminal),
                                db_cstr(lane->journal)};
    int64_t through = -1;
    enum ts_status status = db_run(db, &lane_statements[FIND], values, 3,
                                   row_number, &through, err);

    lane->any = through >= 0;
    lane->through = lane->any ? (uint64_t)through : 0;
    return status;
}

enum ts_status lane_find(struct db *db, const char *terminal,
                         const struct registry_entry *entry,
                         const char *journal, struct lane *out,
                         struct ts_err *err) {
    enum ts_status status;

    lane_key(out, terminal, entry->store, journal);
    status = look(db, out, err);
    for (size_t i = 0; status == TS_OK && !out->any && i < entry->count; i++) {
        lane_key(out, entry->sources[i].terminal, entry->sources[i].store,
                 journal);
        status = look(db, out, err);
    }
    if (status == TS_OK && !out->any)
        lane_key(out, terminal, entry->store, journal);
    return status;
}

enum ts_status lane_put(struct db *db, const struct lane *lane,
                        struct ts_wall now, struct ts_err *err) {
    struct db_value values[] = {db_int(lane->shard),
                                db_cstr(lane->terminal),
                                db_cstr(lane->journal),
                                db_cstr(lane->store),
                                db_int((int64_t)lane->through),
                                db_int(now.unix_ms)};

    return db_run(db, &lane_statements[PUT], values, 6, NULL, NULL, err);
}

struct last {
    char *journal;
    int64_t at_ms;
};

static bool last_row(void *arg, const struct db_value *columns, size_t count) {
    struct last *last = arg;

    (void)count;
    if (columns[1].number > last->at_ms) {
        last->at_ms = columns[1].number;
        column_copy(last->journal, TS_JOURNAL_TEXT, &columns[0]);
    }
    return false;
}

enum ts_status lane_last_journal(struct db *db, const char *terminal,
                                 const struct registry_entry *entry,
                                 char out[TS_JOURNAL_TEXT],
                                 struct ts_err *err) {
    struct last last = {out, -1};
    struct db_value values[] = {db_int(entry->shard), db_cstr(terminal)};
    enum ts_status status;

    out[0] = 0;
    status =
        db_run(db, &lane_statements[LAST], values, 2, last_row, &last, err);
    for (size_t i = 0; status == TS_OK && i < entry->count; i++) {
        const struct registry_source *source = &entry->sources[i];
        values[0] = db_int(ts_shard(ts_slice_text(source->store)));
        values[1] = db_cstr(source->terminal);
        status =
            db_run(db, &lane_statements[LAST], values, 2, last_row, &last, err);
    }
    return status;
}

enum ts_status lane_hole(struct db *db, const struct lane *lane, uint64_t first,
                         uint64_t last, struct ts_wall now,
                         struct ts_err *err) {
    struct db_value values[] = {db_int(lane->shard),    db_cstr(lane->terminal),
                                db_cstr(lane->journal), db_int((int64_t)first),
                                db_int((int64_t)last),  db_int(now.unix_ms)};

    return db_run(db, &lane_statements[HOLE], values, 6, NULL, NULL, err);
}

/* Each argument is a column. NOLINTNEXTLINE(readability-function-size) */
enum ts_status lane_link(struct db *db, const struct lane *previous,
                         uint64_t last, const char *journal, struct ts_wall now,
                         uint64_t *rivals, struct ts_err *err) {
    struct db_value values[] = {
        db_int(previous->shard), db_cstr(previous->terminal),
        db_cstr(journal),        db_cstr(previous->journal),
        db_int((int64_t)last),   db_int(now.unix_ms)};
    struct db_value key[] = {values[0], values[1], values[3], values[2]};
    int64_t count = 0;
    enum ts_status status =
        db_run(db, &lane_statements[LINK], values, 6, NULL, NULL, err);

    if (status == TS_OK)
        status = db_run(db, &lane_statements[RIVALS], key, 4, row_number,
                        &count, err);
    *rivals = (uint64_t)count;
    return status;
}

/* So many machines under one name that take turns are found. */
enum { BOOTS_KEPT = 8, BOOTS_TEXT = BOOTS_KEPT * TS_BOOT_TEXT };

struct kept {
    bool any;
    char boot[TS_BOOT_TEXT];
    char before[BOOTS_TEXT]; /* boots before it, newest first, a blank apart */
    uint64_t session;
};

static bool kept_row(void *arg, const struct db_value *columns, size_t count) {
    struct kept *kept = arg;

    (void)count;
    kept->any = true;
    column_copy(kept->boot, sizeof kept->boot, &columns[0]);
    column_copy(kept->before, sizeof kept->before, &columns[1]);
    kept->session = (uint64_t)columns[2].number;
    return false;
}

static enum lane_news judge(const struct kept *kept,
                            const struct message_state *state, bool retained) {
    if (!kept->any)
        return LANE_STATE_NEW;
    if (!strcmp(kept->boot, state->boot))
        return state->session < kept->session ? LANE_STATE_OLD : LANE_STATE_NEW;
    if (!strstr(kept->before, state->boot))
        return LANE_STATE_NEW;
    /* The will of a boot before comes late, and a broker that died may come
     * back with what it retained long ago; a live "online" cannot be late. */
    return state->online && !retained ? LANE_STATE_CLONE : LANE_STATE_OLD;
}

/* The boot of the moment is one of those before; the oldest is forgotten. */
static void remember_boot(struct kept *kept) {
    char boots[BOOTS_TEXT];

    (void)snprintf(boots, sizeof boots, "%s%s%.*s", kept->boot,
                   kept->before[0] ? " " : "", BOOTS_TEXT - TS_BOOT_TEXT - 1,
                   kept->before);
    memcpy(kept->before, boots, sizeof boots);
}

/* Each argument is a column. NOLINTNEXTLINE(readability-function-size) */
static enum ts_status state_put(struct db *db, unsigned shard,
                                const char *terminal,
                                const struct message_state *state,
                                const char *before, struct ts_wall now,
                                struct ts_err *err) {
    struct db_value values[] = {
        db_int(shard),
        db_cstr(terminal),
        db_int(state->online),
        db_cstr(state->boot),
        db_cstr(before),
        db_int((int64_t)state->session),
        db_cstr(state->version),
        db_cstr(state->journal),
        db_int((int64_t)state->unsent),
        state->has_oldest ? db_int(state->oldest_unsent.unix_ms) : db_null(),
        db_int(now.unix_ms)};

    return db_run(db, &lane_statements[STATE_PUT], values, 11, NULL, NULL, err);
}

/* Each argument is a column. NOLINTNEXTLINE(readability-function-size) */
enum ts_status lane_state(struct db *db, unsigned shard, const char *terminal,
                          const struct message_state *state, bool retained,
                          struct ts_wall now, enum lane_news *news,
                          struct ts_err *err) {
    struct db_value key[] = {db_int(shard), db_cstr(terminal)};
    struct kept kept = {0};
    enum ts_status status =
        db_run(db, &lane_statements[STATE], key, 2, kept_row, &kept, err);

    if (status != TS_OK)
        return status;
    *news = judge(&kept, state, retained);
    if (*news == LANE_STATE_OLD)
        return TS_OK;
    if (kept.any && strcmp(kept.boot, state->boot) != 0)
        remember_boot(&kept);
    return state_put(db, shard, terminal, state, kept.before, now, err);
}
