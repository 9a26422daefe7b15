#include "hub/identity.h"

#include "base/hash.h"
#include "base/ids.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CLOSURE = 5000 };

enum {
    FIND,
    INSERT,
    TOUCH,
    FOLLOW,
    LINK,
    EDGE_FIND,
    EDGE_INSERT,
    EDGE_TOUCH,
    NODE,
    EDGES,
    SET_PERSON,
    SET_ACTIVE,
    ALIAS,
    PERSON_DELETE,
    PERSON_INSERT,
    PERSON_TOUCH,
    RESET_EDGES,
    RESET_LINKS,
    RESET_PERSONS,
    RESET_IDENTS,
    SWEEP_ALIASES,
    SWEEP_IDENTS
};

const struct db_statement identity_statements[] = {
    [FIND] = {"identity_find",
              "SELECT ident_id, birth, person_id, first_ms, last_ms, events "
              "FROM ident WHERE type = $1 AND value = $2"},
    [INSERT] = {"identity_insert",
                "INSERT INTO ident (ident_id, type, value, birth, person_id, "
                "state, first_ms, last_ms, events) VALUES ((SELECT "
                "COALESCE(MAX(ident_id), 0) + 1 FROM ident), $1, $2, $3, $4, "
                "'ok', $5, $5, 1) RETURNING ident_id"},
    [TOUCH] = {"identity_touch",
               "UPDATE ident SET birth = $2, person_id = $3, first_ms = $4, "
               "last_ms = $5, events = events + 1 WHERE ident_id = $1"},
    [FOLLOW] = {"identity_follow",
                "UPDATE ident SET follows = $2, follows_ms = $3, follows_key "
                "= $4 WHERE ident_id = $1 AND (follows IS NULL OR follows_ms < "
                "$3 OR (follows_ms = $3 AND follows_key < $4))"},
    [LINK] = {"identity_link",
              "INSERT INTO event_ident (shard, arrival, rank, ident_id, "
              "time_ms) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (shard, "
              "arrival, rank) DO NOTHING"},
    [EDGE_FIND] = {"identity_edge_find",
                   "SELECT first_ms, first_key, last_ms, source FROM edge "
                   "WHERE ident_a = $1 AND ident_b = $2 AND rule = $3"},
    [EDGE_INSERT] = {"identity_edge_insert",
                     "INSERT INTO edge (ident_a, ident_b, rule, first_ms, "
                     "first_key, last_ms, source, events, active) VALUES ($1, "
                     "$2, $3, $4, $5, $4, $6, 1, 0)"},
    [EDGE_TOUCH] = {"identity_edge_touch",
                    "UPDATE edge SET first_ms = $4, first_key = $5, last_ms = "
                    "$6, source = $7, events = events + 1 WHERE ident_a = $1 "
                    "AND ident_b = $2 AND rule = $3"},
    [NODE] = {"identity_node",
              "SELECT type, value, birth, person_id, state FROM ident WHERE "
              "ident_id = $1"},
    [EDGES] = {"identity_edges",
               "SELECT ident_a, ident_b, rule, first_ms, first_key, active "
               "FROM edge WHERE ident_a = $1 OR ident_b = $1"},
    [SET_PERSON] = {"identity_set_person",
                    "UPDATE ident SET person_id = $2, state = $3 WHERE "
                    "ident_id = $1"},
    [SET_ACTIVE] = {"identity_set_active",
                    "UPDATE edge SET active = $4 WHERE ident_a = $1 AND "
                    "ident_b = $2 AND rule = $3"},
    [ALIAS] = {"identity_alias",
               "INSERT INTO person_alias (alias_id, ident_id) VALUES ($1, $2) "
               "ON CONFLICT (alias_id) DO NOTHING"},
    [PERSON_DELETE] = {"identity_person_delete",
                       "DELETE FROM person WHERE person_id = $1"},
    [PERSON_INSERT] = {"identity_person_insert",
                       "INSERT INTO person (person_id, since_ms, last_ms) "
                       "SELECT person_id, MIN(first_ms), MAX(last_ms) FROM "
                       "ident WHERE person_id = $1 AND events > 0 GROUP BY "
                       "person_id"},
    [PERSON_TOUCH] = {"identity_person_touch",
                      "UPDATE person SET since_ms = CASE WHEN since_ms > $2 "
                      "THEN $2 ELSE since_ms END, last_ms = CASE WHEN last_ms "
                      "< $2 THEN $2 ELSE last_ms END WHERE person_id = $1"},
    [RESET_EDGES] = {"identity_reset_edges", "DELETE FROM edge"},
    [RESET_LINKS] = {"identity_reset_links", "DELETE FROM event_ident"},
    [RESET_PERSONS] = {"identity_reset_persons", "DELETE FROM person"},
    [RESET_IDENTS] = {"identity_reset_idents",
                      "UPDATE ident SET events = 0, person_id = CASE WHEN type "
                      "= 'visit' THEN '' ELSE birth END, state = 'ok', follows "
                      "= NULL, follows_ms = NULL, follows_key "
                      "= NULL"},
    [SWEEP_ALIASES] = {"identity_sweep_aliases",
                       "DELETE FROM person_alias WHERE ident_id IN (SELECT "
                       "ident_id FROM ident WHERE events = 0)"},
    [SWEEP_IDENTS] = {"identity_sweep_idents",
                      "DELETE FROM ident WHERE events = 0"},
    {NULL, NULL}};

static enum ts_status run(struct db *db, int which,
                          const struct db_value *values, size_t count,
                          struct ts_err *err) {
    return db_run(db, &identity_statements[which], values, count, NULL, NULL,
                  err);
}

static void copy_text(char *out, size_t size, const struct db_value *column) {
    size_t len = column->bytes.len < size ? column->bytes.len : size - 1;

    if (column->kind == DB_NULL)
        len = 0;
    if (len)
        memcpy(out, column->bytes.data, len);
    out[len] = '\0';
}

/* A UUID version 7 whose random bits come from where the event stands, so
 * that a rebuild gives the same and nothing personal is in it. */
static void make_birth(char out[TS_UUID_TEXT],
                       const struct archive_event *event, size_t index) {
    char place[64];
    uint8_t hash[TS_HASH_BYTES], id[16];
    char hex[33];
    uint64_t ms = (uint64_t)event->received.unix_ms;

    snprintf(place, sizeof place, "%u/%llu/%zu", event->shard,
             (unsigned long long)event->arrival, index);
    ts_hash(hash, (struct ts_slice[]){ts_slice_text(place)}, 1);
    for (int i = 0; i < 6; i++)
        id[i] = (uint8_t)(ms >> (40 - 8 * i));
    memcpy(id + 6, hash, 10);
    id[6] = (uint8_t)(0x70 | (id[6] & 0x0f));
    id[8] = (uint8_t)(0x80 | (id[8] & 0x3f));
    ts_hex(hex, ts_slice_of(id, sizeof id));
    snprintf(out, TS_UUID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
             hex + 12, hex + 16, hex + 20);
}

struct known {
    int64_t id;
    int64_t first_ms, last_ms, events;
    char birth[TS_UUID_TEXT];
    char person[TS_UUID_TEXT];
    bool moved; /* its birth, and so perhaps its person, is another */
    bool fresh; /* first seen in this event: its own id was never shown */
};

static bool on_known(void *arg, const struct db_value *columns, size_t count) {
    struct known *known = arg;

    (void)count;
    known->id = columns[0].number;
    copy_text(known->birth, sizeof known->birth, &columns[1]);
    copy_text(known->person, sizeof known->person, &columns[2]);
    known->first_ms = columns[3].number;
    known->last_ms = columns[4].number;
    known->events = columns[5].number;
    return true;
}

static bool on_id(void *arg, const struct db_value *columns, size_t count) {
    (void)count;
    *(int64_t *)arg = columns[0].number;
    return true;
}

static enum ts_status insert_ident(struct db *db, const struct identifier *item,
                                   struct known *known, int64_t time_ms,
                                   struct ts_err *err) {
    const char *person = item->type == IDENT_VISIT ? "" : known->birth;
    struct db_value values[] = {db_cstr(identifier_type_name(item->type)),
                                db_cstr(item->value), db_cstr(known->birth),
                                db_cstr(person), db_int(time_ms)};
    enum ts_status status = db_run(db, &identity_statements[INSERT], values, 5,
                                   on_id, &known->id, err);

    if (status != TS_OK || item->type == IDENT_VISIT)
        return status;
    snprintf(known->person, sizeof known->person, "%s", person);
    return run(db, PERSON_INSERT, &values[2], 1, err);
}

/* An earlier receipt of the same identifier was derived later (another
 * shard): the person's id moves back, the one that was shown stays known. */
static enum ts_status lower_birth(struct db *db, struct known *known,
                                  const char *birth, struct ts_err *err) {
    struct db_value alias[] = {db_cstr(known->birth), db_int(known->id)};
    enum ts_status status = TS_OK;

    if (strcmp(known->person, known->birth) == 0)
        status = run(db, ALIAS, alias, 2, err);
    snprintf(known->birth, sizeof known->birth, "%s", birth);
    return status;
}

static enum ts_status touch_ident(struct db *db, struct known *known,
                                  int64_t time_ms, struct ts_err *err) {
    bool first = known->events == 0;
    struct db_value values[] = {
        db_int(known->id), db_cstr(known->birth), db_cstr(known->person),
        db_int(first || time_ms < known->first_ms ? time_ms : known->first_ms),
        db_int(first || time_ms > known->last_ms ? time_ms : known->last_ms)};
    struct db_value person[] = {db_cstr(known->person), db_int(time_ms)};
    enum ts_status status = run(db, TOUCH, values, 5, err);

    if (status != TS_OK || !known->person[0])
        return status;
    return first ? run(db, PERSON_INSERT, person, 1, err)
                 : run(db, PERSON_TOUCH, person, 2, err);
}

static enum ts_status take_ident(struct db *db, const struct identifiers *found,
                                 size_t index,
                                 const struct archive_event *event,
                                 struct known *known, struct ts_err *err) {
    const struct identifier *item = &found->list[index];
    struct db_value key[] = {db_cstr(identifier_type_name(item->type)),
                             db_cstr(item->value)};
    char birth[TS_UUID_TEXT];
    enum ts_status status;

    memset(known, 0, sizeof *known);
    status =
        db_run(db, &identity_statements[FIND], key, 2, on_known, known, err);
    if (status != TS_OK)
        return status;
    make_birth(birth, event, index);
    if (!known->id) {
        memcpy(known->birth, birth, sizeof birth);
        known->fresh = true;
        return insert_ident(db, item, known, event->time.unix_ms, err);
    }
    if (strcmp(birth, known->birth) < 0 && item->type != IDENT_VISIT) {
        known->moved = true;
        status = lower_birth(db, known, birth, err);
    }
    return status == TS_OK ? touch_ident(db, known, event->time.unix_ms, err)
                           : status;
}

struct evidence {
    bool found;
    int64_t first_ms, last_ms;
    char first_key[256], source[160];
};

static bool on_evidence(void *arg, const struct db_value *columns,
                        size_t count) {
    struct evidence *seen = arg;

    (void)count;
    seen->found = true;
    seen->first_ms = columns[0].number;
    copy_text(seen->first_key, sizeof seen->first_key, &columns[1]);
    seen->last_ms = columns[2].number;
    copy_text(seen->source, sizeof seen->source, &columns[3]);
    return true;
}

static void short_key(char out[256], struct ts_slice key) {
    size_t len = key.len < 255 ? key.len : 255;

    memcpy(out, key.data, len);
    out[len] = '\0';
}

static enum ts_status touch_edge(struct db *db, struct db_value pair[3],
                                 const struct archive_event *event,
                                 const struct evidence *seen, bool *changed,
                                 struct ts_err *err) {
    char key[256];
    int64_t at = event->time.unix_ms;
    bool earlier;

    short_key(key, event->key);
    earlier = at < seen->first_ms ||
              (at == seen->first_ms && strcmp(key, seen->first_key) < 0);
    struct db_value values[] = {pair[0],
                                pair[1],
                                pair[2],
                                db_int(earlier ? at : seen->first_ms),
                                db_cstr(earlier ? key : seen->first_key),
                                db_int(at > seen->last_ms ? at : seen->last_ms),
                                earlier ? db_text(event->source)
                                        : db_cstr(seen->source)};
    if (earlier)
        *changed = true;
    return run(db, EDGE_TOUCH, values, 7, err);
}

static enum ts_status take_edge(struct db *db, struct db_value pair[3],
                                const struct archive_event *event,
                                bool *changed, struct ts_err *err) {
    struct evidence seen = {.found = false};
    char key[256];
    enum ts_status status = db_run(db, &identity_statements[EDGE_FIND], pair, 3,
                                   on_evidence, &seen, err);

    if (status != TS_OK)
        return status;
    if (seen.found)
        return touch_edge(db, pair, event, &seen, changed, err);
    short_key(key, event->key);
    struct db_value values[] = {pair[0],      pair[1],
                                pair[2],      db_int(event->time.unix_ms),
                                db_cstr(key), db_text(event->source)};
    *changed = true;
    return run(db, EDGE_INSERT, values, 6, err);
}

static bool is_alias_pair(const struct identifiers *found, size_t i, size_t j) {
    return (found->alias_a == (int)i && found->alias_b == (int)j) ||
           (found->alias_a == (int)j && found->alias_b == (int)i);
}

/* The strongest identifier stands with all others; an e-mail also with cards
 * and phones, because a user id may turn out to be a placeholder. */
static bool belong(const struct identifiers *found, size_t i, size_t j) {
    enum ident_type a = found->list[i].type, b = found->list[j].type;

    if (a == b || b == IDENT_VISIT)
        return false;
    return i == 0 ||
           (a == IDENT_EMAIL && (b == IDENT_CARD || b == IDENT_PHONE));
}

static enum ts_status take_edges(struct db *db, const struct identifiers *found,
                                 const struct known *known,
                                 const struct archive_event *event,
                                 bool *changed, struct ts_err *err) {
    for (size_t i = 0; i < found->count; i++)
        for (size_t j = i + 1; j < found->count; j++) {
            bool alias = is_alias_pair(found, i, j);
            int64_t a = known[i].id, b = known[j].id;
            struct db_value pair[] = {
                db_int(a < b ? a : b), db_int(a < b ? b : a),
                db_cstr(identifier_rule_name(alias ? IDENT_RULE_ALIAS
                                                   : IDENT_RULE_EVENT))};
            enum ts_status status;
            if (!alias && !belong(found, i, j))
                continue;
            status = take_edge(db, pair, event, changed, err);
            if (status != TS_OK)
                return status;
        }
    return TS_OK;
}

/* A visit belongs to the card that was presented last in it. */
static enum ts_status take_visit(struct db *db, const struct identifiers *found,
                                 const struct known *known,
                                 const struct archive_event *event,
                                 struct ts_err *err) {
    size_t last = found->count - 1;
    char key[256];

    if (found->count < 2 || found->list[last].type != IDENT_VISIT ||
        found->list[0].type != IDENT_CARD)
        return TS_OK;
    short_key(key, event->key);
    struct db_value values[] = {db_int(known[last].id), db_int(known[0].id),
                                db_int(event->time.unix_ms), db_cstr(key)};
    return run(db, FOLLOW, values, 4, err);
}

struct member {
    int64_t id;
    struct identifier ident;
    char birth[TS_UUID_TEXT];
    char person[TS_UUID_TEXT];
    enum ident_state state;
    bool fresh;
};
struct tie {
    int64_t a, b;
    enum ident_rule rule;
    int64_t first_ms;
    char first_key[256];
    bool active;
};
struct closure {
    struct member *members;
    size_t count, cap;
    struct tie *ties;
    size_t tie_count, tie_cap;
};

static void *grow(void *list, size_t count, size_t *cap, size_t size) {
    if (count < *cap)
        return list;
    *cap = *cap ? *cap * 2 : 16;
    return ts_realloc(list, *cap * size);
}

static struct member *find_member(const struct closure *closure, int64_t id) {
    for (size_t i = 0; i < closure->count; i++)
        if (closure->members[i].id == id)
            return &closure->members[i];
    return NULL;
}

static void add_member(struct closure *closure, int64_t id) {
    if (find_member(closure, id))
        return;
    closure->members = grow(closure->members, closure->count, &closure->cap,
                            sizeof *closure->members);
    memset(&closure->members[closure->count], 0, sizeof *closure->members);
    closure->members[closure->count++].id = id;
}

static bool on_member(void *arg, const struct db_value *columns, size_t count) {
    struct member *member = arg;

    (void)count;
    member->ident.type = identifier_type_find(columns[0].bytes);
    copy_text(member->ident.value, sizeof member->ident.value, &columns[1]);
    copy_text(member->birth, sizeof member->birth, &columns[2]);
    copy_text(member->person, sizeof member->person, &columns[3]);
    member->state = resolve_state_find(columns[4].bytes);
    return true;
}

static bool on_tie(void *arg, const struct db_value *columns, size_t count) {
    struct closure *closure = arg;
    struct tie tie = {.a = columns[0].number, .b = columns[1].number};

    (void)count;
    tie.rule = ts_slice_equal(columns[2].bytes, ts_slice_text("alias"))
                   ? IDENT_RULE_ALIAS
                   : IDENT_RULE_EVENT;
    tie.first_ms = columns[3].number;
    copy_text(tie.first_key, sizeof tie.first_key, &columns[4]);
    tie.active = columns[5].number != 0;
    for (size_t i = 0; i < closure->tie_count; i++)
        if (closure->ties[i].a == tie.a && closure->ties[i].b == tie.b &&
            closure->ties[i].rule == tie.rule)
            return true;
    closure->ties = grow(closure->ties, closure->tie_count, &closure->tie_cap,
                         sizeof *closure->ties);
    closure->ties[closure->tie_count++] = tie;
    add_member(closure, tie.a);
    add_member(closure, tie.b);
    return closure->tie_count < MAX_CLOSURE;
}

/* Everything that hangs together, not looking through quarantined ones. */
static enum ts_status load_closure(struct db *db, struct closure *closure,
                                   struct ts_err *err) {
    for (size_t i = 0; i < closure->count; i++) {
        struct db_value id[] = {db_int(closure->members[i].id)};
        enum ts_status status = db_run(db, &identity_statements[NODE], id, 1,
                                       on_member, &closure->members[i], err);
        if (status == TS_OK && closure->members[i].state != IDENT_QUARANTINED)
            status = db_run(db, &identity_statements[EDGES], id, 1, on_tie,
                            closure, err);
        if (status != TS_OK)
            return status;
        if (closure->tie_count >= MAX_CLOSURE)
            return ts_fail(err, TS_FULL,
                           "more than %d pieces of evidence hang together; "
                           "block the identifier that ties them (identity "
                           "blocked)",
                           MAX_CLOSURE);
    }
    return TS_OK;
}

static int compare_members(const void *left, const void *right) {
    const struct member *a = left, *b = right;

    if (a->ident.type != b->ident.type)
        return a->ident.type < b->ident.type ? -1 : 1;
    return strcmp(a->ident.value, b->ident.value);
}

static enum ts_status write_member(struct db *db, const struct member *member,
                                   const char *person, enum ident_state state,
                                   struct ts_err *err) {
    struct db_value alias[] = {db_cstr(member->person), db_int(member->id)};
    struct db_value values[] = {db_int(member->id), db_cstr(person),
                                db_cstr(resolve_state_name(state))};
    bool moved = strcmp(member->person, person) != 0;
    enum ts_status status = TS_OK;

    if (!moved && member->state == state)
        return TS_OK;
    if (moved && !member->fresh && strcmp(member->person, member->birth) == 0)
        status = run(db, ALIAS, alias, 2, err);
    return status == TS_OK ? run(db, SET_PERSON, values, 3, err) : status;
}

static enum ts_status refresh_person(struct db *db, const char *person,
                                     struct ts_err *err) {
    struct db_value id[] = {db_cstr(person)};
    enum ts_status status = run(db, PERSON_DELETE, id, 1, err);

    return status == TS_OK ? run(db, PERSON_INSERT, id, 1, err) : status;
}

static const char *person_of(const struct closure *closure,
                             const struct resolve_node *nodes, size_t at) {
    const char *oldest = closure->members[at].birth;

    for (size_t i = 0; i < closure->count; i++)
        if (nodes[i].person == nodes[at].person &&
            strcmp(closure->members[i].birth, oldest) < 0)
            oldest = closure->members[i].birth;
    return oldest;
}

static enum ts_status write_members(struct db *db,
                                    const struct closure *closure,
                                    const struct resolve_node *nodes,
                                    struct ts_err *err) {
    enum ts_status status = TS_OK;

    for (size_t i = 0; i < closure->count && status == TS_OK; i++)
        status =
            write_member(db, &closure->members[i], person_of(closure, nodes, i),
                         nodes[i].state, err);
    for (size_t i = 0; i < closure->count && status == TS_OK; i++) {
        const char *now = person_of(closure, nodes, i);
        if (strcmp(now, closure->members[i].person) == 0)
            continue;
        status = refresh_person(db, now, err);
        if (status == TS_OK)
            status = refresh_person(db, closure->members[i].person, err);
    }
    return status;
}

static enum ts_status write_ties(struct db *db, const struct closure *closure,
                                 const struct resolve_edge *edges,
                                 struct ts_err *err) {
    for (size_t i = 0; i < closure->tie_count; i++) {
        int64_t a = closure->members[edges[i].a].id;
        int64_t b = closure->members[edges[i].b].id;
        struct db_value values[] = {
            db_int(a < b ? a : b), db_int(a < b ? b : a),
            db_cstr(identifier_rule_name(edges[i].rule)),
            db_int(edges[i].active)};
        enum ts_status status = run(db, SET_ACTIVE, values, 4, err);
        if (status != TS_OK)
            return status;
    }
    return TS_OK;
}

static void fill_graph(const struct closure *closure,
                       struct resolve_node *nodes, struct resolve_edge *edges) {
    for (size_t i = 0; i < closure->count; i++)
        nodes[i] = (struct resolve_node){
            .type = closure->members[i].ident.type,
            .quarantined = closure->members[i].state == IDENT_QUARANTINED};
    for (size_t i = 0; i < closure->tie_count; i++) {
        const struct tie *tie = &closure->ties[i];
        size_t a = (size_t)(find_member(closure, tie->a) - closure->members);
        size_t b = (size_t)(find_member(closure, tie->b) - closure->members);
        edges[i] = (struct resolve_edge){.a = a < b ? a : b,
                                         .b = a < b ? b : a,
                                         .rule = tie->rule,
                                         .time_ms = tie->first_ms,
                                         .key = tie->first_key};
    }
}

static enum ts_status resolve_closure(struct db *db,
                                      const struct resolve_limits *limits,
                                      struct closure *closure,
                                      struct ts_err *err) {
    struct resolve_node *nodes = ts_alloc((closure->count + 1) * sizeof *nodes);
    struct resolve_edge *edges =
        ts_alloc((closure->tie_count + 1) * sizeof *edges);
    enum ts_status status;

    qsort(closure->members, closure->count, sizeof *closure->members,
          compare_members);
    fill_graph(closure, nodes, edges);
    resolve_run(nodes, closure->count, edges, closure->tie_count, limits);
    status = write_members(db, closure, nodes, err);
    if (status == TS_OK)
        status = write_ties(db, closure, edges, err);
    free(nodes);
    free(edges);
    return status;
}

static enum ts_status resolve(struct db *db,
                              const struct resolve_limits *limits,
                              const struct identifiers *found,
                              const struct known *known, struct ts_err *err) {
    struct closure closure = {.count = 0};
    enum ts_status status;

    for (size_t i = 0; i < found->count; i++)
        if (found->list[i].type != IDENT_VISIT)
            add_member(&closure, known[i].id);
    status = load_closure(db, &closure, err);
    for (size_t i = 0; i < found->count; i++)
        if (known[i].fresh && found->list[i].type != IDENT_VISIT)
            find_member(&closure, known[i].id)->fresh = true;
    if (status == TS_OK && closure.count)
        status = resolve_closure(db, limits, &closure, err);
    free(closure.members);
    free(closure.ties);
    return status;
}

static enum ts_status take_links(struct db *db, const struct identifiers *found,
                                 const struct known *known,
                                 const struct archive_event *event,
                                 struct ts_err *err) {
    for (size_t i = 0; i < found->count; i++) {
        struct db_value values[] = {db_int(event->shard),
                                    db_int((int64_t)event->arrival),
                                    db_int((int64_t)i), db_int(known[i].id),
                                    db_int(event->time.unix_ms)};
        enum ts_status status = run(db, LINK, values, 5, err);
        if (status != TS_OK)
            return status;
    }
    return TS_OK;
}

enum ts_status identity_take(struct db *db, const struct identity_rules *rules,
                             const struct archive_event *event,
                             const json_t *body, int64_t *ident,
                             struct ts_err *err) {
    struct identifiers found;
    struct known known[IDENT_MAX];
    enum ts_status status = TS_OK;
    bool changed = false;

    if (ident)
        *ident = 0;
    identifiers_read(&found, event, body, &rules->identifiers);
    for (size_t i = 0; i < found.count && status == TS_OK; i++)
        status = take_ident(db, &found, i, event, &known[i], err);
    if (status != TS_OK || !found.count)
        return status;
    for (size_t i = 0; i < found.count; i++)
        changed = changed || known[i].moved;
    status = take_links(db, &found, known, event, err);
    if (status == TS_OK)
        status = take_edges(db, &found, known, event, &changed, err);
    if (status == TS_OK)
        status = take_visit(db, &found, known, event, err);
    if (status == TS_OK && changed)
        status = resolve(db, &rules->limits, &found, known, err);
    if (status == TS_OK && ident)
        *ident = known[0].id;
    return status;
}

enum ts_status identity_reset(struct db *db, struct ts_err *err) {
    static const int steps[] = {RESET_EDGES, RESET_LINKS, RESET_PERSONS,
                                RESET_IDENTS};
    enum ts_status status = TS_OK;

    for (size_t i = 0; i < sizeof steps / sizeof *steps && status == TS_OK; i++)
        status = run(db, steps[i], NULL, 0, err);
    return status;
}

enum ts_status identity_sweep(struct db *db, struct ts_err *err) {
    enum ts_status status = run(db, SWEEP_ALIASES, NULL, 0, err);

    return status == TS_OK ? run(db, SWEEP_IDENTS, NULL, 0, err) : status;
}
