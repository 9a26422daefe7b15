/* Taking a batch: everything between the decoded payload and the commit. */
#ifndef TS_HUB_TAKE_H
#define TS_HUB_TAKE_H

#include "base/json.h"
#include "hub/lane.h"
#include "hub/plain.h"
#include "sync/batch.h"
#include "sync/event.h"

extern const struct db_statement take_statements[];

/* Counted within one transaction, flushed at its end. */
enum take_counter {
    TAKE_ARCHIVED,
    TAKE_DUPLICATES,
    TAKE_LATE, /* archived although `through` had passed it */
    TAKE_QUARANTINED,
    TAKE_CONFLICTS,
    TAKE_GUARDED, /* texts in which the guard found a payment card */
    TAKE_GAPS,    /* batches beyond through + 1 */
    TAKE_HOLES,
    TAKE_REFUSED_FORMAT,
    TAKE_REFUSED_SIZE,
    TAKE_REFUSED_DICTIONARY,
    TAKE_REFUSED_IDENTITY,
    TAKE_REFUSED_RETAINED,
    TAKE_COUNTERS
};
const char *take_counter_name(enum take_counter counter);

/* One batch on its way: in `plain`, or as a tree in `events`, from which the
 * views borrow then. */
struct take {
    struct db *db;
    const char *terminal; /* of the topic */
    const struct registry_entry *entry;
    struct ts_wall now;
    const struct plain_batch *plain;
    json_t *events;
    struct event_view *views;
    size_t count;
    struct lane lane;
    uint64_t counts[TAKE_COUNTERS];
};

/* Parses and checks all events: form, one journal, no gap, a source that is
 * this terminal's. Fills views. */
enum batch_refusal take_check(struct take *take,
                              struct ts_err *err) TS_MUST_USE;
/* Inside the transaction, with lane found: archives what belongs after
 * `through`, compares what lies before it, moves the lane. */
enum ts_status take_events(struct take *take, struct ts_err *err) TS_MUST_USE;

/* A single that was refused: the bytes are guarded and kept with the reason.
 * When its journal and number can be told (*journal not "") the lane moves
 * past it. */
enum ts_status take_single(struct take *take, struct ts_slice payload,
                           const char *reason, struct ts_err *err) TS_MUST_USE;
/* How many events the payload holds, however broken it is, with the journal
 * and number of one of them; 0 when none can be told. `events` may be NULL. */
size_t take_payload_key(const json_t *events, struct ts_slice payload,
                        char journal[TS_JOURNAL_TEXT], uint64_t *sequence);

enum ts_status take_flush_counts(struct db *db, unsigned shard,
                                 const uint64_t counts[TAKE_COUNTERS],
                                 struct ts_err *err) TS_MUST_USE;

#endif
