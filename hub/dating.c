#include "hub/dating.h"

#include <stdlib.h>
#include <string.h>

enum { GRAIN_MS = 600000 };

/* As all numbers of the protocol; sums of a few of them fit. */
static const int64_t number_end = INT64_C(1) << 53;

enum {
    INSTANT,
    NEAR,
    BOOT,
    BEFORE,
    AFTER,
    DATED_BEFORE,
    DATED_AFTER,
    RESET_CLOCK,
    RESET_BOOT
};

#define OF_BOOT "WHERE shard = $1 AND source = $2 AND boot = $3 "
#define NEIGHBOUR                                                              \
    "SELECT uptime_ms, time_ms, error_ms FROM store_clock " OF_BOOT
/* A boot with an instant, on one side of another boot. */
#define DATED(uptime, side, order)                                             \
    "SELECT b.boot, b." uptime " FROM store_boot b JOIN store_boot o ON "      \
    "o.shard = b.shard AND o.source = b.source AND o.first_arrival " side      \
    " b.first_arrival WHERE b.shard = $1 AND b.source = $2 AND o.boot = $3 "   \
    "AND EXISTS (SELECT 1 FROM store_clock c WHERE c.shard = b.shard AND "     \
    "c.source = b.source AND c.boot = b.boot) ORDER BY b.first_arrival " order \
    " LIMIT 1"

const struct db_statement dating_statements[] = {
    [INSTANT] = {"dating_instant",
                 "INSERT INTO store_clock (shard, source, boot, uptime_ms, "
                 "time_ms, arrival, error_ms) VALUES ($1, $2, $3, $4, $5, $6, "
                 "$7) ON CONFLICT (shard, source, boot, uptime_ms) DO NOTHING"},
    [NEAR] = {"dating_near", "SELECT 1 FROM store_clock " OF_BOOT
                             "AND uptime_ms > $4 AND uptime_ms < $5 LIMIT 1"},
    [BOOT] = {"dating_boot",
              "INSERT INTO store_boot (shard, source, boot, first_arrival, "
              "first_uptime_ms, last_uptime_ms) VALUES ($1, $2, $3, $4, $5, "
              "$6) ON CONFLICT (shard, source, boot) DO UPDATE SET "
              "first_uptime_ms = CASE WHEN EXCLUDED.first_uptime_ms < "
              "store_boot.first_uptime_ms THEN EXCLUDED.first_uptime_ms ELSE "
              "store_boot.first_uptime_ms END, last_uptime_ms = CASE WHEN "
              "EXCLUDED.last_uptime_ms > store_boot.last_uptime_ms THEN "
              "EXCLUDED.last_uptime_ms ELSE store_boot.last_uptime_ms END"},
    [BEFORE] = {"dating_before",
                NEIGHBOUR "AND uptime_ms <= $4 AND error_ms <= $5 "
                          "ORDER BY uptime_ms DESC LIMIT 1"},
    [AFTER] = {"dating_after",
               NEIGHBOUR "AND uptime_ms > $4 AND error_ms <= $5 "
                         "ORDER BY uptime_ms LIMIT 1"},
    [DATED_BEFORE] = {"dating_dated_before",
                      DATED("last_uptime_ms", ">", "DESC")},
    [DATED_AFTER] = {"dating_dated_after",
                     DATED("first_uptime_ms", "<", "ASC")},
    [RESET_CLOCK] = {"dating_reset_clock", "DELETE FROM store_clock"},
    [RESET_BOOT] = {"dating_reset_boot", "DELETE FROM store_boot"},
    {NULL, NULL}};

static enum ts_status run(struct db *db, int which,
                          const struct db_value *values, size_t count,
                          struct ts_err *err) {
    return db_run(db, &dating_statements[which], values, count, NULL, NULL,
                  err);
}

static bool clock_is(const struct archive_event *event, const char *word) {
    return ts_slice_equal(event->clock, ts_slice_text(word));
}

/* A clock that is ahead of the event's arrival is not synchronised, whatever
 * its system says. */
static bool is_vouched(const struct archive_event *event) {
    return clock_is(event, "set") &&
           event->time.unix_ms <= event->received.unix_ms + DATING_SURE_MS;
}

/* Keeps what has the smaller error. */
static void prefer(struct dating *best, int64_t time_ms, int64_t error_ms) {
    if (best->error_ms >= 0 && best->error_ms <= error_ms)
        return;
    best->time.unix_ms = time_ms;
    best->error_ms = error_ms;
}

static void try_one(struct dating *best, const struct dating_instant *at,
                    int64_t uptime_ms) {
    int64_t apart_ms = uptime_ms - at->uptime_ms;

    prefer(best, at->time_ms + apart_ms,
           at->error_ms + llabs(apart_ms) / DATING_DRIFT + 1);
}

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* Two that no clock can have run between say nothing together. */
static void try_two(struct dating *best, const struct dating_instant *a,
                    const struct dating_instant *b, int64_t uptime_ms) {
    int64_t ran_ms = b->uptime_ms - a->uptime_ms;
    int64_t passed_ms = b->time_ms - a->time_ms;
    double part;

    if (a->uptime_ms > uptime_ms || b->uptime_ms < uptime_ms || ran_ms <= 0 ||
        llabs(passed_ms - ran_ms) >
            ran_ms / DATING_DRIFT + a->error_ms + b->error_ms + 1)
        return;
    part = (double)(uptime_ms - a->uptime_ms) / (double)ran_ms;
    prefer(best, a->time_ms + (int64_t)(part * (double)passed_ms),
           larger(a->error_ms, b->error_ms) + 1 +
               smaller(uptime_ms - a->uptime_ms, b->uptime_ms - uptime_ms) /
                   DATING_STEADY);
}

static struct dating without_instant(const struct archive_event *event) {
    struct dating out = {.time = event->received,
                         .error_ms = -1,
                         .corrected = true,
                         .approximate = true};

    /* Its instant is lost, the offset that the terminal had is not. */
    if (clock_is(event, "corrected")) {
        out.time = event->time;
        out.corrected = false;
    }
    return out;
}

struct dating dating_place(const struct archive_event *event,
                           const struct dating_instant *instants,
                           size_t count) {
    struct dating out = {.time = event->time, .error_ms = -1};

    if (!event->boot.len)
        return out;
    if (is_vouched(event)) {
        out.error_ms = DATING_SURE_MS;
        return out;
    }
    for (size_t i = 0; i < count; i++) {
        try_one(&out, &instants[i], event->uptime.ms);
        for (size_t j = 0; j < count; j++)
            try_two(&out, &instants[i], &instants[j], event->uptime.ms);
    }
    if (!count)
        out = without_instant(event);
    if (out.time.unix_ms > event->received.unix_ms)
        out.time = event->received;
    if (!clock_is(event, "corrected"))
        out.corrected = true;
    else
        out.corrected =
            llabs(out.time.unix_ms - event->time.unix_ms) > DATING_SURE_MS;
    return out;
}

struct instants {
    struct dating_instant list[4];
    size_t count;
};

static bool on_instant(void *arg, const struct db_value *columns,
                       size_t count) {
    struct instants *instants = arg;

    (void)count;
    instants->list[instants->count++] = (struct dating_instant){
        columns[0].number, columns[1].number, columns[2].number};
    return false;
}

/* The nearest sure ones, and the nearest of any kind. */
static enum ts_status find_instants(struct db *db,
                                    const struct archive_event *event,
                                    struct instants *out, struct ts_err *err) {
    static const int64_t errors[] = {DATING_SURE_MS, INT64_MAX};
    static const int sides[] = {BEFORE, AFTER};
    enum ts_status status = TS_OK;

    out->count = 0;
    for (size_t i = 0; i < 4 && status == TS_OK; i++) {
        struct db_value values[] = {
            db_int(event->shard), db_text(event->source), db_text(event->boot),
            db_int(event->uptime.ms), db_int(errors[i / 2])};
        status = db_run(db, &dating_statements[sides[i % 2]], values, 5,
                        on_instant, out, err);
    }
    return status;
}

struct neighbour {
    char boot[TS_BOOT_TEXT];
    int64_t uptime_ms;
    bool found;
};

static bool on_neighbour(void *arg, const struct db_value *columns,
                         size_t count) {
    struct neighbour *out = arg;

    (void)count;
    if (columns[0].bytes.len >= sizeof out->boot)
        return false;
    memcpy(out->boot, columns[0].bytes.data, columns[0].bytes.len);
    out->boot[columns[0].bytes.len] = 0;
    out->uptime_ms = columns[1].number;
    out->found = true;
    return false;
}

/* When the neighbouring boot that has an instant ended or began. */
static enum ts_status find_bound(struct db *db, int side,
                                 const struct archive_event *event,
                                 int64_t *bound_ms, struct ts_err *err) {
    struct neighbour neighbour = {.found = false};
    struct instants instants;
    struct db_value values[] = {db_int(event->shard), db_text(event->source),
                                db_text(event->boot)};
    struct archive_event edge = *event;
    enum ts_status status = db_run(db, &dating_statements[side], values, 3,
                                   on_neighbour, &neighbour, err);

    if (status != TS_OK || !neighbour.found)
        return status;
    edge.boot = ts_slice_text(neighbour.boot);
    edge.uptime.ms = neighbour.uptime_ms;
    edge.clock = ts_slice_text("unset");
    status = find_instants(db, &edge, &instants, err);
    if (status == TS_OK && instants.count)
        *bound_ms =
            dating_place(&edge, instants.list, instants.count).time.unix_ms;
    return status;
}

enum ts_status dating_find(struct db *db, const struct archive_event *event,
                           struct dating *out, struct ts_err *err) {
    struct instants instants = {.count = 0};
    int64_t not_after_ms = INT64_MAX;
    int64_t not_before_ms = INT64_MIN;
    enum ts_status status = TS_OK;

    if (event->boot.len && !is_vouched(event))
        status = find_instants(db, event, &instants, err);
    if (status != TS_OK)
        return status;
    *out = dating_place(event, instants.list, instants.count);
    if (!out->approximate)
        return TS_OK;
    status = find_bound(db, DATED_AFTER, event, &not_after_ms, err);
    if (status == TS_OK)
        status = find_bound(db, DATED_BEFORE, event, &not_before_ms, err);
    out->time.unix_ms =
        larger(smaller(out->time.unix_ms, not_after_ms), not_before_ms);
    return status;
}

static enum ts_status put_instant(struct db *db,
                                  const struct archive_event *event,
                                  struct ts_slice boot,
                                  const struct dating_instant *at,
                                  struct ts_err *err) {
    struct db_value values[] = {
        db_int(event->shard), db_text(event->source),
        db_text(boot),        db_int(at->uptime_ms),
        db_int(at->time_ms),  db_int((int64_t)event->arrival),
        db_int(at->error_ms)};

    return run(db, INSTANT, values, 7, err);
}

static bool read_uptime(const json_t *data, int64_t *out) {
    const json_t *value = json_object_get(data, "uptime");
    char *end;

    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return *out >= 0 && *out < number_end;
    }
    if (!json_is_string(value) || !json_string_length(value))
        return false;
    *out = strtoll(json_string_value(value), &end, 10);
    return !*end && *out >= 0 && *out < number_end;
}

static enum ts_status take_corrected(struct db *db,
                                     const struct archive_event *event,
                                     const json_t *body, struct ts_err *err) {
    const json_t *data = json_object_get(body, "data");
    const json_t *error = json_object_get(data, "error_ms");
    struct ts_slice boot = ts_json_text(data, "boot");
    struct dating_instant at = {.error_ms = DATING_SURE_MS};
    struct ts_wall hub;

    if (!boot.len || !read_uptime(data, &at.uptime_ms) ||
        ts_wall_parse(&hub, ts_json_text(data, "hubtime")) != TS_OK)
        return ts_fail(err, TS_INVALID,
                       "clock.corrected without boot, uptime or hubtime");
    if (json_is_integer(error) && json_integer_value(error) >= 0)
        at.error_ms = smaller(json_integer_value(error), number_end);
    at.time_ms = hub.unix_ms;
    return put_instant(db, event, boot, &at, err);
}

static bool on_found(void *arg, const struct db_value *columns, size_t count) {
    (void)columns;
    (void)count;
    *(bool *)arg = true;
    return false;
}

/* The event of a synchronised system is an instant too; one in ten minutes is
 * enough. One that is `corrected` repeats an instant that is known, with all
 * the drift since. */
static enum ts_status take_vouched(struct db *db,
                                   const struct archive_event *event,
                                   struct ts_err *err) {
    struct dating_instant at = {event->uptime.ms, event->time.unix_ms,
                                DATING_SURE_MS};
    bool found = false;
    struct db_value near[] = {db_int(event->shard), db_text(event->source),
                              db_text(event->boot),
                              db_int(event->uptime.ms - GRAIN_MS),
                              db_int(event->uptime.ms + GRAIN_MS)};
    enum ts_status status =
        db_run(db, &dating_statements[NEAR], near, 5, on_found, &found, err);

    if (status != TS_OK || found)
        return status;
    return put_instant(db, event, event->boot, &at, err);
}

enum ts_status dating_take(struct db *db, const struct archive_event *event,
                           const json_t *body, struct ts_err *err) {
    if (!event->boot.len)
        return TS_OK;
    if (ts_slice_equal(event->type, ts_slice_text("clock.corrected")))
        return take_corrected(db, event, body, err);
    return is_vouched(event) ? take_vouched(db, event, err) : TS_OK;
}

static enum ts_status put_run(struct db *db, const struct dating_run *of,
                              struct ts_err *err) {
    struct db_value values[] = {
        db_int(of->first->shard), db_text(of->first->source),
        db_text(of->first->boot), db_int((int64_t)of->first->arrival),
        db_int(of->low_ms),       db_int(of->high_ms)};

    return run(db, BOOT, values, 6, err);
}

enum ts_status dating_note(struct db *db, struct dating_run *of,
                           const struct archive_event *event,
                           struct ts_err *err) {
    bool same = event && of->first &&
                ts_slice_equal(event->source, of->first->source) &&
                ts_slice_equal(event->boot, of->first->boot);
    enum ts_status status = TS_OK;

    if (of->first && !same) {
        status = put_run(db, of, err);
        of->first = NULL;
    }
    if (status != TS_OK || !event || !event->boot.len)
        return status;
    if (!of->first)
        *of = (struct dating_run){event, event->uptime.ms, event->uptime.ms};
    of->low_ms = smaller(of->low_ms, event->uptime.ms);
    of->high_ms = larger(of->high_ms, event->uptime.ms);
    return TS_OK;
}

enum ts_status dating_reset(struct db *db, struct ts_err *err) {
    enum ts_status status = run(db, RESET_CLOCK, NULL, 0, err);

    return status == TS_OK ? run(db, RESET_BOOT, NULL, 0, err) : status;
}
