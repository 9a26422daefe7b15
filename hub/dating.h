/* When an event of a terminal happened. Its wall clock may be wrong; its
 * uptime is not: each boot has instants at which the uptime met a trusted
 * time, and its events are placed by them. The archive keeps what was sent. */
#ifndef TS_HUB_DATING_H
#define TS_HUB_DATING_H

#include "hub/archive.h"

extern const struct db_statement dating_statements[];

enum {
    /* A terminal's uptime may run fast or slow by one part in this: 5 %. */
    DATING_DRIFT = 19,
    /* Between two instants its rate is taken to be as steady as this. */
    DATING_STEADY = 10000,
    /* How far the time of a synchronised system may be off; instants that
     * are known better than this go before others. */
    DATING_SURE_MS = 1000
};

struct dating_instant {
    int64_t uptime_ms, time_ms;
    int64_t error_ms; /* the truth is within, on both sides */
};

struct dating {
    struct ts_wall time;
    int64_t error_ms; /* the truth is within; -1: not known */
    bool corrected;   /* `time` is not what the event said */
    bool approximate; /* no trusted instant: between its neighbours */
};

/* `instants`, in any order, are of the event's boot. Whatever of them, or of
 * two around it, leaves the least error places the event. Never after its
 * arrival. Pure. */
struct dating dating_place(const struct archive_event *event,
                           const struct dating_instant *instants, size_t count);
/* The same with what is derived. An event without any trusted instant stands
 * as late as it can: not after its arrival, nor after the next boot that has
 * one began, nor before the last such boot ended. */
enum ts_status dating_find(struct db *db, const struct archive_event *event,
                           struct dating *out, struct ts_err *err) TS_MUST_USE;

/* Notes the instant that an event is or tells, if any; in the caller's
 * transaction, as the next two. */
enum ts_status dating_take(struct db *db, const struct archive_event *event,
                           const json_t *body, struct ts_err *err) TS_MUST_USE;
/* Events of one boot in a row; `first` NULL: none yet. */
struct dating_run {
    const struct archive_event *first;
    int64_t low_ms, high_ms;
};
/* Notes boot and uptime; written when another boot comes, and at the end,
 * which NULL says. */
enum ts_status dating_note(struct db *db, struct dating_run *run,
                           const struct archive_event *event,
                           struct ts_err *err) TS_MUST_USE;
/* Forgets all instants and boots, before they are derived again. */
enum ts_status dating_reset(struct db *db, struct ts_err *err) TS_MUST_USE;

#endif
