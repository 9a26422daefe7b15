/* Which terminals there are and which store each is in, today and before. */
#ifndef TS_HUB_REGISTRY_H
#define TS_HUB_REGISTRY_H

#include "base/ids.h"
#include "hub/db.h"

enum { REGISTRY_SOURCES_MAX = 16 };

extern const struct db_statement registry_statements[];

/* A name and a store that rows may have been written under. */
struct registry_source {
    char terminal[TS_NAME_TEXT];
    char store[TS_NAME_TEXT];
};

struct registry_entry {
    bool known; /* and not removed */
    char store[TS_NAME_TEXT];
    unsigned shard; /* of the store */
    size_t count;   /* newest first; the present one among them */
    struct registry_source sources[REGISTRY_SOURCES_MAX];
};

/* A terminal that is removed or unknown is not `known` and has no store, but
 * keeps the sources it had. */
enum ts_status registry_find(struct db *db, const char *terminal,
                             struct registry_entry *out,
                             struct ts_err *err) TS_MUST_USE;
bool registry_has_source(const struct registry_entry *entry,
                         const char *terminal, const char *store);

/* TS_INVALID with a text for a person: no such terminal, there already. */
enum ts_status registry_add(struct db *db, const char *terminal,
                            const char *store, struct ts_wall now,
                            struct ts_err *err) TS_MUST_USE;
/* Many at once, all or none: a line for each, "TERMINAL STORE"; empty lines
 * and what follows a # are skipped. One that stands in that store already is
 * left as it is. *added: those that are new. TS_INVALID names the line. */
enum ts_status registry_load(struct db *db, struct ts_slice lines,
                             struct ts_wall now, uint64_t *added,
                             struct ts_err *err) TS_MUST_USE;
/* Rows written in the former store stay welcome under their own source. */
enum ts_status registry_move(struct db *db, const char *terminal,
                             const char *store, struct ts_wall now,
                             struct ts_err *err) TS_MUST_USE;
/* The new name succeeds the old one, which is removed. */
enum ts_status registry_rename(struct db *db, const char *terminal,
                               const char *name, struct ts_wall now,
                               struct ts_err *err) TS_MUST_USE;
enum ts_status registry_remove(struct db *db, const char *terminal,
                               struct ts_wall now,
                               struct ts_err *err) TS_MUST_USE;
enum ts_status registry_list(struct db *db,
                             void (*each)(void *arg, const char *terminal,
                                          const char *store),
                             void *arg, struct ts_err *err) TS_MUST_USE;

#endif
