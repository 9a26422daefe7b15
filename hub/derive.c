#include "hub/derive.h"

#include "base/ids.h"
#include "base/log.h"
#include "hub/dating.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_SLICE = 1000 };

static const char lag_name[] = "tessera_derive_lag_seconds";
static const char failed_name[] = "tessera_derive_failed_total";
static const char events_name[] = "tessera_derive_events_total";

enum { CURSOR, MOVE, FAILED, NEWEST, RESET_CURSOR, RESET_FAILED };

const struct db_statement derive_statements[] = {
    [CURSOR] = {"derive_cursor",
                "SELECT arrival FROM derive_cursor WHERE shard = $1"},
    [MOVE] = {"derive_move",
              "INSERT INTO derive_cursor (shard, arrival) VALUES ($1, $2) ON "
              "CONFLICT (shard) DO UPDATE SET arrival = EXCLUDED.arrival"},
    [FAILED] = {"derive_failed",
                "INSERT INTO derive_failed (shard, arrival, reason, at_ms) "
                "VALUES ($1, $2, $3, $4) ON CONFLICT (shard, arrival) DO "
                "UPDATE SET reason = EXCLUDED.reason, at_ms = EXCLUDED.at_ms"},
    [NEWEST] = {"derive_newest",
                "SELECT COALESCE(MAX(arrival), 0) FROM event WHERE shard = $1"},
    [RESET_CURSOR] = {"derive_reset_cursor", "DELETE FROM derive_cursor"},
    [RESET_FAILED] = {"derive_reset_failed", "DELETE FROM derive_failed"},
    {NULL, NULL}};

static enum ts_status run(struct db *db, int which,
                          const struct db_value *values, size_t count,
                          struct ts_err *err) {
    return db_run(db, &derive_statements[which], values, count, NULL, NULL,
                  err);
}

static bool on_number(void *arg, const struct db_value *columns, size_t count) {
    (void)count;
    *(int64_t *)arg = columns[0].number;
    return true;
}

static enum ts_status read_number(struct db *db, int which, unsigned shard,
                                  int64_t *out, struct ts_err *err) {
    struct db_value values[] = {db_int(shard)};

    *out = 0;
    return db_run(db, &derive_statements[which], values, 1, on_number, out,
                  err);
}

static enum ts_status take_event(const struct derive_options *options,
                                 const struct archive_event *event,
                                 int64_t *ident, struct ts_err *err) {
    json_t *body;
    enum ts_status status = ts_json_parse(&body, event->body, err);

    if (status != TS_OK)
        return status;
    status = dating_take(options->db, event, body, err);
    if (status == TS_OK)
        status =
            identity_take(options->db, options->rules, event, body, ident, err);
    json_decref(body);
    return status;
}

/* Events are copied out of the query before anything is written. */
struct kept {
    struct archive_event event;
    uint8_t *bytes;
    int64_t ident;
};
struct slice {
    struct kept *list;
    size_t count, cap;
};

static void keep_text(struct ts_slice *text, uint8_t **at) {
    if (text->len)
        memcpy(*at, text->data, text->len);
    text->data = *at;
    *at += text->len;
}

static bool on_event(void *arg, const struct archive_event *event) {
    struct slice *slice = arg;
    struct kept *kept = &slice->list[slice->count++];
    struct archive_event *copy = &kept->event;
    uint8_t *at;

    *copy = *event;
    /* A clock that was never set says nothing: evidence counts from when it
     * was received. The journey places the event better. */
    if (ts_slice_equal(event->clock, ts_slice_text("unset")))
        copy->time = event->received;
    kept->ident = 0;
    kept->bytes =
        ts_alloc(event->key.len + event->source.len + event->type.len +
                 event->channel.len + event->visit.len + event->boot.len +
                 event->clock.len + event->body.len + 1);
    at = kept->bytes;
    keep_text(&copy->key, &at);
    keep_text(&copy->source, &at);
    keep_text(&copy->type, &at);
    keep_text(&copy->channel, &at);
    keep_text(&copy->visit, &at);
    keep_text(&copy->boot, &at);
    keep_text(&copy->clock, &at);
    keep_text(&copy->body, &at);
    return slice->count < slice->cap;
}

static enum ts_status slice_read(struct slice *slice,
                                 const struct derive_options *options,
                                 unsigned shard, struct ts_err *err) {
    int64_t cursor;
    enum ts_status status =
        read_number(options->db, CURSOR, shard, &cursor, err);

    slice->count = 0;
    slice->cap = options->slice ? options->slice : 1;
    if (slice->cap > MAX_SLICE)
        slice->cap = MAX_SLICE;
    slice->list = ts_alloc(slice->cap * sizeof *slice->list);
    if (status != TS_OK)
        return status;
    return archive_after(options->db, shard, (uint64_t)cursor, slice->cap,
                         on_event, slice, err);
}

static void slice_fini(struct slice *slice) {
    for (size_t i = 0; i < slice->count; i++)
        free(slice->list[i].bytes);
    free(slice->list);
}

static enum ts_status move_cursor(struct db *db,
                                  const struct archive_event *last,
                                  struct ts_err *err) {
    struct db_value values[] = {db_int(last->shard),
                                db_int((int64_t)last->arrival)};

    return run(db, MOVE, values, 2, err);
}

static enum ts_status take_range(const struct derive_options *options,
                                 struct kept *list, size_t count,
                                 struct ts_err *err) {
    struct dating_run run_of = {NULL, 0, 0};
    enum ts_status status = db_begin(options->db, err);

    if (status != TS_OK)
        return status;
    if (options->lease)
        status =
            lease_check(options->lease, options->db, list[0].event.shard, err);
    for (size_t i = 0; i < count && status == TS_OK; i++) {
        status = dating_note(options->db, &run_of, &list[i].event, err);
        if (status == TS_OK)
            status = take_event(options, &list[i].event, &list[i].ident, err);
    }
    if (status == TS_OK)
        status = dating_note(options->db, &run_of, NULL, err);
    for (size_t i = 0; i < count && status == TS_OK && options->on_ident; i++)
        if (list[i].ident)
            status = options->on_ident(options->ctx, list[i].ident,
                                       &list[i].event, err);
    if (status == TS_OK)
        status = move_cursor(options->db, &list[count - 1].event, err);
    if (status == TS_OK)
        status = db_commit(options->db, err);
    if (status != TS_OK)
        db_rollback(options->db);
    return status;
}

static enum ts_status set_aside(const struct derive_options *options,
                                const struct archive_event *event,
                                const char *reason, struct ts_err *err) {
    struct ts_wall now = ts_clock_wall(options->clock);
    struct db_value values[] = {db_int(event->shard),
                                db_int((int64_t)event->arrival),
                                db_cstr(reason), db_int(now.unix_ms)};
    enum ts_status status = db_begin(options->db, err);

    if (status != TS_OK)
        return status;
    status = run(options->db, FAILED, values, 4, err);
    if (status == TS_OK)
        status = move_cursor(options->db, event, err);
    if (status == TS_OK)
        status = db_commit(options->db, err);
    if (status != TS_OK) {
        db_rollback(options->db);
        return status;
    }
    ts_log(TS_LOG_WARN, "derive", "event %llu of shard %02x is set aside: %s",
           (unsigned long long)event->arrival, event->shard, reason);
    if (options->metrics)
        ts_metrics_add(options->metrics, failed_name, "", 1);
    return TS_OK;
}

/* The database is away, not the event wrong: try again later. */
static bool is_trouble(enum ts_status status) {
    return status == TS_AGAIN || status == TS_IO || status == TS_CLOSED ||
           status == TS_DENIED || status == TS_FULL;
}

static enum ts_status take_singly(const struct derive_options *options,
                                  struct slice *slice, struct ts_err *err) {
    for (size_t i = 0; i < slice->count; i++) {
        struct ts_err why;
        enum ts_status status = take_range(options, &slice->list[i], 1, &why);
        if (is_trouble(status)) {
            if (err)
                *err = why;
            return status;
        }
        if (status != TS_OK) {
            status = set_aside(options, &slice->list[i].event, why.text, err);
            if (status != TS_OK)
                return status;
        }
    }
    return TS_OK;
}

enum ts_status derive_step(const struct derive_options *options, unsigned shard,
                           size_t *taken, struct ts_err *err) {
    struct slice slice;
    struct ts_err why;
    enum ts_status status = slice_read(&slice, options, shard, err);

    *taken = 0;
    if (status == TS_OK && slice.count) {
        status = take_range(options, slice.list, slice.count, &why);
        if (status != TS_OK && !is_trouble(status))
            status = take_singly(options, &slice, err);
        else if (status != TS_OK && err)
            *err = why;
    }
    if (status == TS_OK) {
        *taken = slice.count;
        if (options->metrics)
            ts_metrics_add(options->metrics, events_name, "",
                           (double)slice.count);
    }
    slice_fini(&slice);
    return status;
}

static enum ts_status reset(const struct derive_options *options,
                            struct ts_err *err) {
    static const int steps[] = {RESET_CURSOR, RESET_FAILED};
    enum ts_status status = db_begin(options->db, err);

    if (status != TS_OK)
        return status;
    status = identity_reset(options->db, err);
    if (status == TS_OK)
        status = dating_reset(options->db, err);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && status == TS_OK; i++)
        status = run(options->db, steps[i], NULL, 0, err);
    if (status == TS_OK)
        status = db_commit(options->db, err);
    if (status != TS_OK)
        db_rollback(options->db);
    return status;
}

static enum ts_status sweep(struct db *db, struct ts_err *err) {
    enum ts_status status = db_begin(db, err);

    if (status != TS_OK)
        return status;
    status = identity_sweep(db, err);
    if (status == TS_OK)
        status = db_commit(db, err);
    if (status != TS_OK)
        db_rollback(db);
    return status;
}

enum ts_status derive_rebuild(const struct derive_options *options,
                              uint64_t *events, struct ts_err *err) {
    enum ts_status status = reset(options, err);

    *events = 0;
    for (unsigned shard = 0; shard < TS_SHARDS && status == TS_OK; shard++) {
        size_t taken = 1;
        while (taken && status == TS_OK) {
            status = derive_step(options, shard, &taken, err);
            *events += status == TS_OK ? taken : 0;
        }
    }
    return status == TS_OK ? sweep(options->db, err) : status;
}

struct derive {
    struct derive_options options;
    struct event *step;
    struct event *poll;
    uint64_t dirty; /* a bit a shard */
    unsigned next;
    struct ts_mono since; /* something waits */
    bool troubled;
};

void derive_declare(struct ts_metrics *metrics) {
    ts_metrics_declare(metrics, lag_name, TS_GAUGE,
                       "Age of the oldest commit not yet derived");
    ts_metrics_declare(metrics, failed_name, TS_COUNTER,
                       "Events set aside because they could not be derived");
    ts_metrics_declare(metrics, events_name, TS_COUNTER, "Events derived");
}

static int64_t lag_ms(const struct derive *derive) {
    return derive->dirty
               ? ts_clock_mono(derive->options.clock).ms - derive->since.ms
               : 0;
}

/* Below everything that somebody waits for, until that took too long: then it
 * takes turns. An event that waits for its turn keeps its level, so it leaves
 * the queue first. */
static void set_level(struct derive *derive) {
    int levels = event_base_get_npriorities(event_get_base(derive->step));
    int level =
        lag_ms(derive) < derive->options.aside_ms ? levels - 1 : levels / 2;

    if (event_get_priority(derive->step) == level)
        return;
    event_del(derive->step);
    (void)event_priority_set(derive->step, level);
}

static void go_on(struct derive *derive, unsigned wait_ms) {
    struct timeval wait = {wait_ms / 1000,
                           (suseconds_t)(wait_ms % 1000) * 1000};

    set_level(derive);
    if (derive->dirty && !event_pending(derive->step, EV_TIMEOUT, NULL))
        event_add(derive->step, &wait);
}

static void show_lag(struct derive *derive) {
    if (derive->options.metrics)
        ts_metrics_set(derive->options.metrics, lag_name, "",
                       (double)lag_ms(derive) / 1000);
}

static void on_step(evutil_socket_t fd, short what, void *arg) {
    struct derive *derive = arg;
    struct ts_err err;
    size_t taken = 0;
    enum ts_status status;
    unsigned shard = derive->next;

    (void)fd;
    (void)what;
    while (!(derive->dirty >> shard & 1))
        shard = (shard + 1) % TS_SHARDS;
    status = derive_step(&derive->options, shard, &taken, &err);
    derive->next = (shard + 1) % TS_SHARDS;
    if (status != TS_OK) {
        if (!derive->troubled)
            ts_log(TS_LOG_WARN, "derive", "waiting: %s", err.text);
        derive->troubled = true;
        go_on(derive, derive->options.poll_ms);
        return;
    }
    derive->troubled = false;
    if (taken < derive->options.slice)
        derive->dirty &= ~(UINT64_C(1) << shard);
    show_lag(derive);
    go_on(derive, 0);
}

static bool is_behind(struct derive *derive, unsigned shard) {
    int64_t cursor, newest;
    struct ts_err err;

    return read_number(derive->options.db, CURSOR, shard, &cursor, &err) ==
               TS_OK &&
           read_number(derive->options.db, NEWEST, shard, &newest, &err) ==
               TS_OK &&
           newest > cursor;
}

static void on_poll(evutil_socket_t fd, short what, void *arg) {
    struct derive *derive = arg;

    (void)fd;
    (void)what;
    for (unsigned shard = 0; shard < TS_SHARDS; shard++)
        if (is_behind(derive, shard))
            derive_notify(derive, shard);
    show_lag(derive);
}

struct derive *derive_new(struct event_base *loop,
                          const struct derive_options *options) {
    struct derive *derive = ts_alloc(sizeof *derive);
    struct timeval every = {options->poll_ms / 1000,
                            (suseconds_t)(options->poll_ms % 1000) * 1000};

    memset(derive, 0, sizeof *derive);
    derive->options = *options;
    derive->step = event_new(loop, -1, 0, on_step, derive);
    derive->poll = event_new(loop, -1, EV_PERSIST, on_poll, derive);
    if (!derive->step || !derive->poll)
        abort();
    event_add(derive->poll, &every);
    on_poll(-1, 0, derive);
    return derive;
}

void derive_free(struct derive *derive) {
    if (!derive)
        return;
    event_free(derive->step);
    event_free(derive->poll);
    free(derive);
}

void derive_notify(struct derive *derive, unsigned shard) {
    if (!derive->dirty)
        derive->since = ts_clock_mono(derive->options.clock);
    derive->dirty |= UINT64_C(1) << (shard % TS_SHARDS);
    go_on(derive, 0);
}
