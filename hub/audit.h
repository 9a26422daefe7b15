/* What somebody outside reads to judge whether the archive holds what the
 * terminals recorded: never a write. */
#ifndef TS_HUB_AUDIT_H
#define TS_HUB_AUDIT_H

#include "base/ids.h"
#include "hub/archive.h"

extern const struct db_statement audit_statements[];

/* Where the archive ends now: what comes later is what is judged. */
struct audit_mark {
    uint64_t arrivals[TS_SHARDS];
    struct ts_wall at;
};
enum ts_status audit_mark_now(struct db *db, struct ts_wall now,
                              struct audit_mark *out,
                              struct ts_err *err) TS_MUST_USE;

/* Every event that came after the mark, shard by shard, in the order of its
 * arrival; `each` answers false to end. */
enum ts_status audit_events(struct db *db, const struct audit_mark *mark,
                            bool (*each)(void *arg,
                                         const struct archive_event *event),
                            void *arg, struct ts_err *err) TS_MUST_USE;

/* The hub's own counters (hub/take.h names them), over all shards. */
enum ts_status audit_counts(struct db *db,
                            void (*each)(void *arg, struct ts_slice name,
                                         uint64_t value),
                            void *arg, struct ts_err *err) TS_MUST_USE;

/* Something that the hub noted at or after `since` about terminals. `subject`
 * is the terminal, of quarantine the source; texts are borrowed. */
struct audit_note {
    struct ts_slice kind; /* of an alarm; "hole", "quarantine" */
    struct ts_slice subject;
    struct ts_slice text; /* of an alarm, the reason of quarantine; the journal
                             of a hole */
    uint64_t count;       /* times, or events missing */
};
enum audit_what { AUDIT_ALARMS, AUDIT_HOLES, AUDIT_QUARANTINE };
enum ts_status
audit_notes(struct db *db, enum audit_what what, struct ts_wall since,
            void (*each)(void *arg, const struct audit_note *note), void *arg,
            struct ts_err *err) TS_MUST_USE;

#endif
