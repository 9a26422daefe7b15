/* What the hub knows of a lane's journals: how far each is taken, how they
 * follow each other, what is missing, and what the terminal says of itself. */
#ifndef TS_HUB_LANE_H
#define TS_HUB_LANE_H

#include "hub/registry.h"
#include "sync/message.h"

extern const struct db_statement lane_statements[];

/* Key of a journal's row: what it was written under. */
struct lane {
    bool any; /* there is a row */
    char terminal[TS_NAME_TEXT];
    char store[TS_NAME_TEXT];
    char journal[TS_JOURNAL_TEXT];
    unsigned shard; /* of the store */
    uint64_t through;
};

/* The row of this journal under any name or store of the terminal; without
 * one `any` is false, `through` 0 and the key the present name and store. */
enum ts_status lane_find(struct db *db, const char *terminal,
                         const struct registry_entry *entry,
                         const char *journal, struct lane *out,
                         struct ts_err *err) TS_MUST_USE;
/* Writes lane->through. */
enum ts_status lane_put(struct db *db, const struct lane *lane,
                        struct ts_wall now, struct ts_err *err) TS_MUST_USE;
/* The journal heard last, or "". */
enum ts_status lane_last_journal(struct db *db, const char *terminal,
                                 const struct registry_entry *entry,
                                 char out[TS_JOURNAL_TEXT],
                                 struct ts_err *err) TS_MUST_USE;

/* No terminal holds first to last any more. */
enum ts_status lane_hole(struct db *db, const struct lane *lane, uint64_t first,
                         uint64_t last, struct ts_wall now,
                         struct ts_err *err) TS_MUST_USE;

/* `journal` says that `previous` came before it and ended at `last`.
 * *rivals: the number of other journals that say the same. */
enum ts_status lane_link(struct db *db, const struct lane *previous,
                         uint64_t last, const char *journal, struct ts_wall now,
                         uint64_t *rivals, struct ts_err *err) TS_MUST_USE;

enum lane_news {
    LANE_STATE_NEW,
    LANE_STATE_OLD,  /* of an older boot or session: ignored */
    LANE_STATE_CLONE /* a boot before the last one is back: machines that take
                        turns under one name */
};
/* `retained`: the broker kept it, nobody need be alive who says it. */
enum ts_status lane_state(struct db *db, unsigned shard, const char *terminal,
                          const struct message_state *state, bool retained,
                          struct ts_wall now, enum lane_news *news,
                          struct ts_err *err) TS_MUST_USE;

#endif
