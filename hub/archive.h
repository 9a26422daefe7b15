/* The archive: every event once, as it came, in the order of its arrival in
 * its shard. Store events and online events differ only in their key. */
#ifndef TS_HUB_ARCHIVE_H
#define TS_HUB_ARCHIVE_H

#include "base/json.h"
#include "base/time.h"
#include "hub/db.h"

extern const struct db_statement archive_statements[];

/* Slices are borrowed. Store events: key "<terminal>/<journal>/<sequence in
 * 20 digits>", source "/stores/<store>/terminals/<terminal>". Online events:
 * key "<source name>/<messageId>", source "/online/<source name>", shard
 * CRC-32 of the anonymous or user id. */
struct archive_event {
    unsigned shard;
    uint64_t arrival; /* counts from 1 in the shard; what is put has none */
    struct ts_slice key;
    struct ts_slice source;
    struct ts_slice type;    /* "card.presented", or "track", "page", ... */
    struct ts_slice channel; /* "store", or the online source's channel */
    struct ts_wall time;     /* when it happened, corrected where known */
    struct ts_wall received;
    struct ts_slice visit; /* or empty */
    struct ts_slice boot;  /* store events, or empty */
    struct ts_mono uptime;
    struct ts_slice clock; /* "set", "corrected", "unset"; "" online */
    struct ts_slice body;  /* canonical JSON of the whole event */
};

enum archive_outcome {
    ARCHIVE_NEW,
    ARCHIVE_DUPLICATE, /* same key, same content: nothing to do */
    ARCHIVE_CONFLICT   /* same key, other content: quarantine and alarm */
};

/* Inside the caller's transaction, in their order; `outcomes` has a place for
 * each. Hash: SHA-256 of the body. */
enum ts_status archive_put_all(struct db *db,
                               const struct archive_event *events, size_t count,
                               enum archive_outcome *outcomes,
                               struct ts_err *err) TS_MUST_USE;
enum ts_status archive_put(struct db *db, const struct archive_event *event,
                           enum archive_outcome *outcome,
                           struct ts_err *err) TS_MUST_USE;

/* Events of one shard after `arrival`, in order of arrival: what derive and a
 * rebuild read. */
enum ts_status
archive_after(struct db *db, unsigned shard, uint64_t arrival, size_t limit,
              bool (*each)(void *arg, const struct archive_event *event),
              void *arg, struct ts_err *err) TS_MUST_USE;
enum ts_status archive_get(struct db *db, unsigned shard, uint64_t arrival,
                           bool (*each)(void *arg,
                                        const struct archive_event *event),
                           void *arg, struct ts_err *err) TS_MUST_USE;

/* What could not be understood, with its reason; `raw` has been through the
 * guard by the caller. Bodies over 128 KiB are cut and say so. */
enum ts_status archive_quarantine(struct db *db, unsigned shard,
                                  struct ts_slice source,
                                  struct ts_slice reason,
                                  struct ts_wall received, struct ts_slice raw,
                                  struct ts_err *err) TS_MUST_USE;

/* Raises, or counts again, an alarm: kind is a word ("clone", "hole",
 * "conflict", "identity", ...), subject the terminal or source. */
enum ts_status archive_alarm(struct db *db, unsigned shard, const char *kind,
                             struct ts_slice subject, const char *text,
                             struct ts_wall at, struct ts_err *err) TS_MUST_USE;

#endif
