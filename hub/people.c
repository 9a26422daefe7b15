#include "hub/people.h"

#include "base/ids.h"
#include "hub/journey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RECENT = 200, MAX_TEXT = 200 };

enum {
    BY_IDENT,
    BY_PERSON,
    BY_ALIAS,
    IDENTS,
    EDGES,
    ALIASES,
    HOUSEHOLDS,
    MEMBERS,
    RECENT,
    PERSONS
};

const struct db_statement people_statements[] = {
    [BY_IDENT] = {"people_by_ident",
                  "SELECT person_id FROM ident WHERE type = $1 AND value = $2"},
    [BY_PERSON] = {"people_by_person",
                   "SELECT person_id FROM person WHERE person_id = $1"},
    [BY_ALIAS] = {"people_by_alias",
                  "SELECT i.person_id FROM person_alias a JOIN ident i ON "
                  "i.ident_id = a.ident_id WHERE a.alias_id = $1"},
    [IDENTS] = {"people_idents",
                "SELECT ident_id, type, value, state, first_ms, last_ms, "
                "events FROM ident WHERE person_id = $1 ORDER BY CASE type "
                "WHEN 'user_id' THEN 1 WHEN 'email' THEN 2 WHEN 'card' THEN 3 "
                "WHEN 'phone' THEN 4 ELSE 5 END, first_ms, ident_id"},
    [EDGES] = {"people_edges",
               "SELECT o.type, o.value, e.rule, e.first_ms, e.last_ms, "
               "e.events, e.source, e.active, o.person_id FROM edge e JOIN "
               "ident o ON o.ident_id = CASE WHEN e.ident_a = $1 THEN "
               "e.ident_b ELSE e.ident_a END WHERE e.ident_a = $1 OR "
               "e.ident_b = $1 ORDER BY e.first_ms, o.type, o.value LIMIT 100"},
    [ALIASES] = {"people_aliases",
                 "SELECT a.alias_id FROM person_alias a JOIN ident i ON "
                 "i.ident_id = a.ident_id WHERE i.person_id = $1 AND "
                 "a.alias_id <> $1 ORDER BY a.alias_id"},
    [HOUSEHOLDS] = {"people_households",
                    "SELECT ident_id, type, value FROM ident WHERE person_id = "
                    "$1 AND state = 'household' UNION SELECT h.ident_id, "
                    "h.type, h.value FROM ident i JOIN edge e ON e.ident_a = "
                    "i.ident_id OR e.ident_b = i.ident_id JOIN ident h ON "
                    "h.ident_id = CASE WHEN e.ident_a = i.ident_id THEN "
                    "e.ident_b ELSE e.ident_a END WHERE i.person_id = $1 AND "
                    "h.state = 'household' ORDER BY 2, 3"},
    [MEMBERS] = {"people_members",
                 "SELECT DISTINCT o.person_id FROM edge e JOIN ident o ON "
                 "o.ident_id = CASE WHEN e.ident_a = $1 THEN e.ident_b ELSE "
                 "e.ident_a END WHERE (e.ident_a = $1 OR e.ident_b = $1) AND "
                 "o.type IN ('user_id', 'email') ORDER BY 1 LIMIT 50"},
    [RECENT] = {"people_recent",
                "SELECT p.person_id, p.since_ms, p.last_ms FROM person p WHERE "
                "p.last_ms < $1 OR (p.last_ms = $1 AND p.person_id < $2) ORDER "
                "BY p.last_ms DESC, p.person_id DESC LIMIT $3"},
    [PERSONS] = {"people_persons",
                 "SELECT (SELECT COUNT(*) FROM person), (SELECT COUNT(*) FROM "
                 "ident WHERE type <> 'visit'), (SELECT COUNT(*) FROM edge), "
                 "(SELECT COUNT(*) FROM derive_failed), (SELECT COUNT(*) FROM "
                 "quarantine WHERE replayed_ms IS NULL)"},
    {NULL, NULL}};

static json_t *text_json(const struct db_value *column) {
    if (column->kind == DB_NULL)
        return json_null();
    return json_stringn((const char *)column->bytes.data, column->bytes.len);
}

static json_t *time_json(int64_t unix_ms) {
    char text[TS_TIME_TEXT];

    ts_wall_text(text, (struct ts_wall){unix_ms});
    return json_string(text);
}

static bool on_person(void *arg, const struct db_value *columns, size_t count) {
    char *out = arg;

    (void)count;
    if (columns[0].kind != DB_NULL)
        snprintf(out, TS_UUID_TEXT, "%.*s", (int)columns[0].bytes.len,
                 (const char *)columns[0].bytes.data);
    return false;
}

static bool on_ident(void *arg, const struct db_value *columns, size_t count) {
    json_t *ident = json_pack(
        "{s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:[]}", "id",
        (json_int_t)columns[0].number, "type", text_json(&columns[1]), "value",
        text_json(&columns[2]), "state", text_json(&columns[3]), "first_seen",
        time_json(columns[4].number), "last_seen", time_json(columns[5].number),
        "events", (json_int_t)columns[6].number, "evidence");

    (void)count;
    json_array_append_new(arg, ident);
    return true;
}

static bool on_edge(void *arg, const struct db_value *columns, size_t count) {
    json_t *edge = json_pack(
        "{s:{s:o, s:o}, s:o, s:o, s:o, s:I, s:o, s:b}", "with", "type",
        text_json(&columns[0]), "value", text_json(&columns[1]), "rule",
        text_json(&columns[2]), "first_seen", time_json(columns[3].number),
        "last_seen", time_json(columns[4].number), "events",
        (json_int_t)columns[5].number, "source", text_json(&columns[6]),
        "joins", columns[7].number != 0);

    (void)count;
    json_array_append_new(arg, edge);
    return true;
}

static bool on_text(void *arg, const struct db_value *columns, size_t count) {
    (void)count;
    json_array_append_new(arg, text_json(&columns[0]));
    return true;
}

static bool on_household(void *arg, const struct db_value *columns,
                         size_t count) {
    (void)count;
    json_array_append_new(arg, json_pack("{s:I, s:o, s:o, s:[]}", "id",
                                         (json_int_t)columns[0].number, "type",
                                         text_json(&columns[1]), "value",
                                         text_json(&columns[2]), "members"));
    return true;
}

static enum ts_status query(struct db *db, int which, struct db_value value,
                            db_row *row, void *arg, struct ts_err *err) {
    return db_run(db, &people_statements[which], &value, 1, row, arg, err);
}

/* Fills the member of each object of `list` by its number, which then goes. */
static enum ts_status fill_each(struct db *db, json_t *list, const char *member,
                                int which, db_row *row, struct ts_err *err) {
    json_t *object;
    size_t i;

    json_array_foreach(list, i, object) {
        int64_t id = json_integer_value(json_object_get(object, "id"));
        enum ts_status status = query(db, which, db_int(id), row,
                                      json_object_get(object, member), err);
        if (status != TS_OK)
            return status;
        json_object_del(object, "id");
    }
    return TS_OK;
}

static enum ts_status read_person(struct db *db, const char *person,
                                  size_t limit, json_t *out,
                                  struct ts_err *err) {
    json_t *idents = json_object_get(out, "identifiers");
    json_t *households = json_array(), *journey = NULL;
    bool more = false;
    enum ts_status status = query(db, ALIASES, db_cstr(person), on_text,
                                  json_object_get(out, "aliases"), err);

    if (status == TS_OK)
        status = query(db, IDENTS, db_cstr(person), on_ident, idents, err);
    if (status == TS_OK)
        status = fill_each(db, idents, "evidence", EDGES, on_edge, err);
    if (status == TS_OK)
        status = query(db, HOUSEHOLDS, db_cstr(person), on_household,
                       households, err);
    if (status == TS_OK)
        status = fill_each(db, households, "members", MEMBERS, on_text, err);
    if (status == TS_OK && json_array_size(households))
        json_object_set(out, "household", households);
    if (status == TS_OK)
        status = journey_read(db, person, limit, &journey, &more, err);
    if (status == TS_OK) {
        json_object_set_new(out, "journey", journey);
        json_object_set_new(out, "more", json_boolean(more));
    }
    json_decref(households);
    return status;
}

/* The current one when `value` is an id, an alias or an identifier. */
static enum ts_status find_ident(const struct people *people,
                                 const struct identifier *ident,
                                 char person[TS_UUID_TEXT],
                                 struct ts_err *err) {
    struct db_value values[] = {db_cstr(identifier_type_name(ident->type)),
                                db_cstr(ident->value)};

    return db_run(people->db, &people_statements[BY_IDENT], values, 2,
                  on_person, person, err);
}

static enum ts_status find_card(const struct people *people, const char *value,
                                char person[TS_UUID_TEXT], struct ts_err *err) {
    struct identifier ident = {.type = IDENT_CARD};
    enum ts_status status = TS_OK;

    if (ts_token_valid(ts_slice_text(value))) {
        snprintf(ident.value, sizeof ident.value, "%s", value);
        return find_ident(people, &ident, person, err);
    }
    for (size_t i = 0;
         i < ts_keys_count(people->keys) && !person[0] && status == TS_OK;
         i++) {
        if (ts_token_card(ident.value, people->keys, i,
                          ts_slice_text(people->programme),
                          ts_slice_text(value)) != TS_OK)
            return ts_fail(err, TS_INVALID,
                           "a card is given by its number or its token");
        status = find_ident(people, &ident, person, err);
    }
    return status;
}

static enum ts_status find_id(const struct people *people, const char *value,
                              char person[TS_UUID_TEXT], struct ts_err *err) {
    enum ts_status status =
        query(people->db, BY_PERSON, db_cstr(value), on_person, person, err);

    if (status == TS_OK && !person[0])
        status =
            query(people->db, BY_ALIAS, db_cstr(value), on_person, person, err);
    return status;
}

static enum ts_status find(const struct people *people, const char *type,
                           const char *value, char person[TS_UUID_TEXT],
                           struct ts_err *err) {
    struct identifier ident;
    enum ident_type which;

    if (!type || !value || !*value || strlen(value) > MAX_TEXT)
        return ts_fail(err, TS_INVALID,
                       "give type (card, email, user_id, anonymous_id, phone "
                       "or person) and value");
    if (strcmp(type, "person") == 0)
        return find_id(people, value, person, err);
    which = identifier_type_find(ts_slice_text(type));
    if (which == IDENT_CARD)
        return find_card(people, value, person, err);
    if (which >= IDENT_VISIT)
        return ts_fail(err, TS_INVALID,
                       "type must be card, email, user_id, anonymous_id, phone "
                       "or person");
    if (!identifier_set(&ident, which, ts_slice_text(value),
                        &people->rules->identifiers))
        return ts_fail(err, TS_INVALID,
                       "the value is not a valid %s, or one that is never "
                       "taken for a person",
                       type);
    return find_ident(people, &ident, person, err);
}

enum ts_status people_lookup(const struct people *people, const char *type,
                             const char *value, size_t limit, json_t **out,
                             struct ts_err *err) {
    char person[TS_UUID_TEXT] = "";
    json_t *answer;
    enum ts_status status = find(people, type, value, person, err);

    if (status != TS_OK)
        return status;
    if (!person[0]) {
        *out = NULL;
        return TS_OK;
    }
    answer = json_pack("{s:s, s:[], s:[], s:[]}", "person", person, "aliases",
                       "identifiers", "journey");
    status = read_person(people->db, person,
                         limit ? limit : (size_t)JOURNEY_LIMIT, answer, err);
    if (status == TS_OK)
        *out = answer;
    else
        json_decref(answer);
    return status;
}

static bool on_recent(void *arg, const struct db_value *columns, size_t count) {
    (void)count;
    json_array_append_new(
        arg,
        json_pack("{s:o, s:o, s:o, s:I, s:[]}", "person",
                  text_json(&columns[0]), "since", time_json(columns[1].number),
                  "last_seen", time_json(columns[2].number), "last_ms",
                  (json_int_t)columns[2].number, "identifiers"));
    return true;
}

static void set_next(json_t *answer, json_t *list, size_t limit) {
    const json_t *last = json_array_get(list, json_array_size(list) - 1);
    json_t *person;
    char cursor[80];
    size_t i;

    if (last && json_array_size(list) == limit) {
        snprintf(
            cursor, sizeof cursor, "%lld.%s",
            (long long)json_integer_value(json_object_get(last, "last_ms")),
            json_string_value(json_object_get(last, "person")));
        json_object_set_new(answer, "next", json_string(cursor));
    }
    json_array_foreach(list, i, person) json_object_del(person, "last_ms");
}

static enum ts_status fill_idents(struct db *db, json_t *list,
                                  struct ts_err *err) {
    json_t *person, *ident;
    size_t i, k;

    json_array_foreach(list, i, person) {
        json_t *idents = json_object_get(person, "identifiers");
        enum ts_status status =
            query(db, IDENTS,
                  db_cstr(json_string_value(json_object_get(person, "person"))),
                  on_ident, idents, err);
        if (status != TS_OK)
            return status;
        json_array_foreach(idents, k, ident) {
            json_object_del(ident, "id");
            json_object_del(ident, "evidence");
        }
    }
    return TS_OK;
}

enum ts_status people_recent(const struct people *people, size_t limit,
                             const char *after, json_t **out,
                             struct ts_err *err) {
    json_t *list = json_array();
    json_t *answer = json_pack("{s:o}", "people", list);
    const char *person = "~";
    long long last = INT64_MAX;
    enum ts_status status;
    char *dot;

    if (after && *after) {
        last = strtoll(after, &dot, 10);
        if (*dot != '.' || strlen(dot + 1) >= TS_UUID_TEXT) {
            json_decref(answer);
            return ts_fail(err, TS_INVALID,
                           "after must be the `next` of an earlier answer");
        }
        person = dot + 1;
    }
    if (!limit || limit > MAX_RECENT)
        limit = MAX_RECENT;
    struct db_value values[] = {db_int(last), db_cstr(person),
                                db_int((int64_t)limit)};
    status = db_run(people->db, &people_statements[RECENT], values, 3,
                    on_recent, list, err);
    if (status == TS_OK)
        status = fill_idents(people->db, list, err);
    if (status != TS_OK) {
        json_decref(answer);
        return status;
    }
    set_next(answer, list, limit);
    *out = answer;
    return TS_OK;
}

static bool on_counts(void *arg, const struct db_value *columns, size_t count) {
    static const char *const names[] = {"people", "identifiers", "evidence",
                                        "derive_failed", "quarantine"};

    for (size_t i = 0; i < count && i < 5; i++)
        json_object_set_new(arg, names[i], json_integer(columns[i].number));
    return false;
}

enum ts_status people_counts(const struct people *people, json_t **out,
                             struct ts_err *err) {
    json_t *answer = json_object();
    enum ts_status status = db_run(people->db, &people_statements[PERSONS],
                                   NULL, 0, on_counts, answer, err);

    if (status != TS_OK) {
        json_decref(answer);
        return status;
    }
    *out = answer;
    return TS_OK;
}
