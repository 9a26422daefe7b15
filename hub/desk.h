/* What the terminals of a store may know with the line down: one log a store,
 * compacted to the last record of each key (docs/protocol.md, "Desk"). */
#ifndef TS_HUB_DESK_H
#define TS_HUB_DESK_H

#include "base/ids.h"
#include "hub/db.h"
#include "sync/event.h"
#include "sync/message.h"

extern const struct db_statement desk_statements[];

struct desk_change {
    const char *store;
    enum desk_kind kind;
    struct ts_slice key; /* 1 to 200 bytes; profiles: the card token */
    const json_t *value; /* NULL: deletes the key */
    bool has_expires;
    struct ts_wall expires;
    struct ts_wall now;
};

/* Inside the caller's transaction. The same value again changes nothing. */
enum ts_status desk_put(struct db *db, const struct desk_change *change,
                        struct ts_err *err) TS_MUST_USE;

/* The answer to a `pull` of a terminal of `store`, appended to `out`; at most
 * BATCH_MAX_PUBLISH bytes. A position beyond the log's end says that this hub
 * was restored from a backup: the log gets a new id. */
enum ts_status desk_answer(struct db *db, const char *store,
                           const struct message_pull *pull, struct ts_wall now,
                           struct ts_buf *out, struct ts_err *err) TS_MUST_USE;

/* This database was put back from a backup: every log gets a new id, so that
 * the terminals load them anew. */
enum ts_status desk_renew(struct db *db, struct ts_wall now,
                          struct ts_err *err) TS_MUST_USE;

/* Where the last bell was rung; zero: from the beginning. */
struct desk_bell_cursor {
    struct ts_wall changed;
    char store[TS_NAME_TEXT];
};
/* False: could not be rung now, try again from here. */
typedef bool desk_bell(void *arg, const char *store,
                       const struct message_bell *bell);
/* Calls `each` for up to 200 stores whose log changed behind the cursor, and
 * moves it. */
enum ts_status desk_bells(struct db *db, struct desk_bell_cursor *cursor,
                          desk_bell *each, void *arg,
                          struct ts_err *err) TS_MUST_USE;

#endif
