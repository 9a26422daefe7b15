/* A damaged file beside the new one: its readable rows move over in pieces,
 * so that a lane takes the next card while a large one is read. A file that is
 * being read is named PATH.salvage-TIME, also through a restart, and
 * PATH.damaged-TIME when nothing is left to do. Private to agent/journal*.c. */
#ifndef TS_AGENT_JOURNAL_SALVAGE_H
#define TS_AGENT_JOURNAL_SALVAGE_H

#include "agent/journal_store.h"

struct journal_amount {
    int64_t bytes;
    uint64_t rows;
};

/* A journal of the damaged file, oldest first. */
struct salvage_found {
    char journal[TS_JOURNAL_TEXT];
    int64_t place;
    uint64_t through, oldest, newest; /* oldest 0: no row */
    struct journal_amount copies, unsent;
};

struct salvage;

/* Opens the journal; a file that is damaged, or that the caller knows to be,
 * is first renamed out of the way with its companions. */
enum ts_status salvage_open(struct journal_store *store, const char *path,
                            bool damaged, struct ts_wall now,
                            struct ts_err *err) TS_MUST_USE;
/* The oldest file of `path` that waits: takes its values and the names of its
 * journals over into `to`. *out is NULL when none waits. */
enum ts_status salvage_begin(struct salvage **out, struct journal_store *to,
                             const char *path, struct ts_err *err) TS_MUST_USE;
/* A file that was deleted while `take_from` still reads it. */
struct salvage *salvage_adopt(sqlite3 *take_from);
bool salvage_is_adopted(const struct salvage *salvage);
/* A later file, deleted as well: it is read when all others have ended. */
void salvage_queue(struct salvage *salvage, struct salvage *take_later);
/* The one behind this one, the caller's, or NULL. */
struct salvage *salvage_take_later(struct salvage *salvage);
/* Its journals stand behind those of the one before. */
bool salvage_follows(const struct salvage *salvage);
/* Into another new file, from the beginning, with those behind it. */
void salvage_rewind(struct salvage *salvage);
void salvage_free(struct salvage *salvage);
/* One transaction of some hundred rows. TS_AGAIN: there are more; TS_OK: all
 * that could be read is there. Else `to` is in trouble: try again later. */
enum ts_status salvage_step(struct salvage *salvage, struct journal_store *to,
                            struct ts_err *err) TS_MUST_USE;
/* Ends the renaming, after TS_OK. */
void salvage_finish(struct salvage *salvage, struct journal_report *report);
const struct salvage_found *salvage_journals(const struct salvage *salvage,
                                             size_t *count);

#endif
