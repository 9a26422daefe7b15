#include "hub/db_adapter.h"

#include <libpq-fe.h>

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    OPEN_MS = 10000,      /* a command waits so long for the server */
    FIRST_MS = 1000,      /* at its start nothing else waits yet */
    SLICE_MS = 50,        /* the loop waits so long for a connection... */
    PAUSE_MS = 200,       /* ...and then runs on for so long */
    DIAL_MS = 15000,      /* one attempt, over all hosts of the URL */
    BACKOFF_MIN_MS = 200, /* between attempts, doubled each time */
    BACKOFF_MAX_MS = 5000,
    ANSWER_MS = 15000 /* a server that is silent for longer is gone */
};

/* From the server's pg_type catalogue. */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_FLOAT8 = 701,
    OID_NUMERIC = 1700
};

struct engine {
    PGconn *handle;
    char *url;
    bool patient; /* a command: waits for connection and answers */
    bool reads;   /* and writes nothing */
    bool in_transaction;
    bool demoted; /* the server: another one may be the primary now */
    bool dialling;
    PostgresPollingStatusType wanted; /* of the socket, while dialling */
    int64_t dialled_ms, next_try_ms;
    int backoff_ms;
    char last_error[TS_ERR_TEXT];
    struct db_slots slots;
    bool prepared[DB_SLOTS]; /* on this connection */
};

static int64_t now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* SQLSTATE classes, PostgreSQL manual, appendix A. */
static enum ts_status status_of(const char *state) {
    static const struct {
        const char *prefix;
        enum ts_status status;
    } table[] = {
        {"40", TS_AGAIN},     /* serialisation, deadlock */
        {"55P03", TS_AGAIN},  /* lock not available */
        {"23505", TS_AGAIN},  /* another writer took the number */
        {"08", TS_CLOSED},    /* connection */
        {"57P", TS_CLOSED},   /* server is shutting down */
        {"25P0", TS_CLOSED},  /* transaction or session timed out */
        {"28", TS_DENIED},    /* authorisation */
        {"42501", TS_DENIED}, /* privilege */
        {"25006", TS_CLOSED}, /* read-only: no longer the primary */
        {"53", TS_FULL},      /* disk, memory, connections */
        {"58", TS_IO},        {"XX", TS_CORRUPT},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strncmp(state, table[i].prefix, strlen(table[i].prefix)))
            return table[i].status;
    return TS_INVALID;
}

static const char *advice_of(enum ts_status status) {
    switch (status) {
    case TS_AGAIN:
        return "it is tried again";
    case TS_CLOSED:
        return "the hub connects again by itself";
    case TS_DENIED:
        return "check user and rights of the hub in PostgreSQL";
    case TS_FULL:
        return "make room on the database server";
    case TS_CORRUPT:
        return "look into the server's log";
    default:
        return "the statement was refused";
    }
}

/* The primary message only: the detail line quotes values. */
static enum ts_status fail(struct engine *engine, const PGresult *result,
                           struct ts_err *err) {
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    enum ts_status status = state ? status_of(state) : TS_CLOSED;

    if (PQstatus(engine->handle) != CONNECTION_OK)
        status = TS_CLOSED;
    if (state && !strcmp(state, "25006"))
        engine->demoted = true;
    /* A bad value may stand in the text: "invalid input syntax: ...". */
    if (state && !strncmp(state, "22", 2))
        text = "a value has the wrong form";
    return ts_fail(err, status, "PostgreSQL: %s (%s)",
                   text ? text : "the connection is gone", advice_of(status));
}

static void drop(struct engine *engine) {
    PQfinish(engine->handle);
    engine->handle = NULL;
    engine->dialling = false;
    engine->demoted = false;
}

static bool socket_ready(struct engine *engine, short events, int wait_ms) {
    struct pollfd socket = {.fd = PQsocket(engine->handle), .events = events};
    int ready;

    do
        ready = poll(&socket, 1, wait_ms);
    while (ready < 0 && errno == EINTR);
    return ready != 0;
}

/* PQgetResult would wait for ever for a server that hangs; false: the
 * connection was dropped. */
static bool result_ready(struct engine *engine, int64_t until) {
    while (PQisBusy(engine->handle)) {
        int64_t left = until - now_ms();
        if (!socket_ready(engine, POLLIN,
                          engine->patient ? -1
                          : left > 0      ? (int)left
                                          : 0)) {
            drop(engine);
            return false;
        }
        if (!PQconsumeInput(engine->handle))
            break;
    }
    return true;
}

/* Answers the last result, as PQexec does; NULL when the connection was
 * dropped. */
static PGresult *answer(struct engine *engine, int sent) {
    int64_t until = now_ms() + ANSWER_MS;
    PGresult *last = NULL, *next;

    if (!sent)
        return NULL;
    for (;;) {
        if (!result_ready(engine, until)) {
            PQclear(last);
            return NULL;
        }
        next = PQgetResult(engine->handle);
        if (!next)
            return last;
        PQclear(last);
        last = next;
    }
}

static enum ts_status command(struct engine *engine, const char *sql,
                              struct ts_err *err) {
    PGresult *result = answer(engine, PQsendQuery(engine->handle, sql));
    ExecStatusType code = PQresultStatus(result);
    enum ts_status status = TS_OK;

    if (code != PGRES_COMMAND_OK && code != PGRES_TUPLES_OK)
        status = fail(engine, result, err);
    PQclear(result);
    return status;
}

static enum ts_status script(void *ctx, const char *sql, struct ts_err *err) {
    return command(ctx, sql, err);
}

static void notice_drop(void *ctx, const char *message) {
    (void)ctx;
    (void)message;
}

static void dial(struct engine *engine) {
    /* What stands in the URL comes later and so wins. */
    static const char *const names[] = {"keepalives_idle",
                                        "keepalives_interval",
                                        "keepalives_count",
                                        "tcp_user_timeout",
                                        "application_name",
                                        "client_encoding",
                                        "target_session_attrs",
                                        "dbname",
                                        NULL};
    const char *values[] = {"5",          "2",           "3",
                            "5000",       "tessera-hub", "UTF8",
                            "read-write", engine->url,   NULL};

    drop(engine);
    memset(engine->prepared, 0, sizeof engine->prepared);
    engine->handle = PQconnectStartParams(names, values, 1);
    engine->dialling = true;
    engine->wanted = PGRES_POLLING_WRITING;
    engine->dialled_ms = now_ms();
}

/* Goes on with dialling for at most `wait_ms`. */
static PostgresPollingStatusType dial_on(struct engine *engine, int wait_ms) {
    int64_t until = now_ms() + wait_ms;

    while (PQstatus(engine->handle) != CONNECTION_BAD) {
        int64_t left = until - now_ms();
        short events =
            engine->wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (!socket_ready(engine, events, left > 0 ? (int)left : 0))
            return engine->wanted;
        engine->wanted = PQconnectPoll(engine->handle);
        if (engine->wanted == PGRES_POLLING_OK ||
            engine->wanted == PGRES_POLLING_FAILED)
            return engine->wanted;
    }
    return PGRES_POLLING_FAILED;
}

/* libpq's text is several lines; the first says it. */
static void keep_error(struct engine *engine, const char *text) {
    (void)snprintf(engine->last_error, sizeof engine->last_error, "%.*s",
                   (int)strcspn(text, "\n"), text);
}

static enum ts_status not_connected(const struct engine *engine,
                                    struct ts_err *err) {
    const char *text = engine->last_error;
    bool denied = strstr(text, "authentication") ||
                  strstr(text, "does not exist") || strstr(text, "permission");

    return ts_fail(err, denied ? TS_DENIED : TS_IO,
                   "PostgreSQL: %s: check `database` and that the server runs",
                   *text ? text : "no answer");
}

static enum ts_status dial_failed(struct engine *engine, const char *text,
                                  struct ts_err *err) {
    keep_error(engine, text);
    drop(engine);
    engine->next_try_ms = now_ms() + engine->backoff_ms;
    engine->backoff_ms *= 2;
    if (engine->backoff_ms > BACKOFF_MAX_MS)
        engine->backoff_ms = BACKOFF_MAX_MS;
    return not_connected(engine, err);
}

#define SESSION                                                                \
    "SET synchronous_commit = on;"                                             \
    "SET client_connection_check_interval = '1s';"                             \
    "SET idle_in_transaction_session_timeout = '60s'"

static enum ts_status greet(struct engine *engine, struct ts_err *err) {
    enum ts_status status;

    if (PQserverVersion(engine->handle) < 150000)
        return ts_fail(err, TS_DENIED,
                       "PostgreSQL %d is too old: 15 or newer is needed",
                       PQserverVersion(engine->handle) / 10000);
    (void)PQsetNoticeProcessor(engine->handle, notice_drop, NULL);
    status = command(engine,
                     engine->patient ? "SET lock_timeout = '10s';" SESSION
                                     : "SET lock_timeout = '500ms';" SESSION,
                     err);
    if (status == TS_OK && engine->reads)
        status = command(engine, "SET default_transaction_read_only = on", err);
    return status;
}

/* TS_IO also while the server has not answered yet: call again. */
static enum ts_status engine_connect(struct engine *engine, int wait_ms,
                                     struct ts_err *err) {
    PostgresPollingStatusType state;
    struct ts_err why = {0};

    if (!engine->dialling)
        dial(engine);
    state = dial_on(engine, wait_ms);
    if (state == PGRES_POLLING_FAILED)
        return dial_failed(engine, PQerrorMessage(engine->handle), err);
    if (state != PGRES_POLLING_OK) {
        if (engine->patient || now_ms() - engine->dialled_ms > DIAL_MS)
            return dial_failed(engine, "no answer", err);
        engine->next_try_ms = now_ms() + PAUSE_MS;
        return not_connected(engine, err);
    }
    engine->dialling = false;
    if (greet(engine, &why) != TS_OK) {
        (void)dial_failed(engine, why.text, NULL);
        return ts_fail(err, why.status, "%s", why.text);
    }
    engine->backoff_ms = BACKOFF_MIN_MS;
    engine->last_error[0] = '\0';
    return TS_OK;
}

/* At the edge of a transaction only: a statement inside one must not slip
 * into a new connection. */
static enum ts_status ensure_connected(struct engine *engine,
                                       struct ts_err *err) {
    if (engine->demoted && !engine->in_transaction)
        drop(engine);
    if (PQstatus(engine->handle) == CONNECTION_OK)
        return TS_OK;
    if (engine->in_transaction)
        return ts_fail(err, TS_CLOSED,
                       "PostgreSQL: the connection was lost in a transaction");
    if (now_ms() >= engine->next_try_ms &&
        engine_connect(engine, engine->patient ? OPEN_MS : SLICE_MS, NULL) ==
            TS_OK)
        return TS_OK;
    return ts_fail(err, TS_CLOSED,
                   "PostgreSQL: not connected (%s): the hub tries again by "
                   "itself",
                   engine->last_error[0] ? engine->last_error : "no answer");
}

static void engine_close(void *ctx) {
    struct engine *engine = ctx;

    if (!engine)
        return;
    PQfinish(engine->handle);
    free(engine->url);
    free(engine);
}

static enum ts_status engine_open(void **out, const char *address,
                                  enum db_use use, struct ts_err *err) {
    struct engine *engine = ts_alloc(sizeof *engine);

    (void)err;
    memset(engine, 0, sizeof *engine);
    engine->url = ts_strdup(address);
    engine->patient = use != DB_SERVE;
    engine->reads = use == DB_READ;
    engine->backoff_ms = BACKOFF_MIN_MS;
    *out = engine;
    return TS_OK;
}

static enum ts_status reach(void *ctx, struct ts_err *err) {
    struct engine *engine = ctx;
    int wait_ms = engine->dialled_ms ? SLICE_MS : FIRST_MS;

    if (PQstatus(engine->handle) == CONNECTION_OK)
        return TS_OK;
    if (now_ms() < engine->next_try_ms)
        return not_connected(engine, err);
    return engine_connect(engine, engine->patient ? OPEN_MS : wait_ms, err);
}

enum { NAME_TEXT = 20 };

static enum ts_status prepare_named(struct engine *engine, char name[NAME_TEXT],
                                    const struct db_statement *statement,
                                    struct ts_err *err) {
    size_t slot = db_slot_of(&engine->slots, statement);
    enum ts_status status = TS_OK;
    PGresult *result;

    (void)snprintf(name, NAME_TEXT, "s%zu", slot);
    if (engine->prepared[slot])
        return TS_OK;
    result = answer(
        engine, PQsendPrepare(engine->handle, name, statement->sql, 0, NULL));
    engine->prepared[slot] = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!engine->prepared[slot])
        status = fail(engine, result, err);
    PQclear(result);
    return status;
}

static enum ts_status prepare(void *ctx, const struct db_statement *statement,
                              struct ts_err *err) {
    char name[NAME_TEXT];

    return prepare_named(ctx, name, statement, err);
}

struct parameters {
    char numbers[DB_VALUES_MAX][24];
    const char *values[DB_VALUES_MAX];
    int lengths[DB_VALUES_MAX];
    int formats[DB_VALUES_MAX];
};

/* Numbers as text fit whatever integer type the server expects; text and
 * bytes in binary form need no NUL and no escapes. */
static void parameters_fill(struct parameters *out,
                            const struct db_value *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct ts_slice bytes = values[i].bytes;

        out->formats[i] = values[i].kind != DB_INT;
        out->lengths[i] = (int)bytes.len;
        out->values[i] = NULL;
        if (values[i].kind == DB_INT) {
            (void)snprintf(out->numbers[i], sizeof out->numbers[i], "%lld",
                           (long long)values[i].number);
            out->values[i] = out->numbers[i];
        } else if (values[i].kind != DB_NULL) {
            out->values[i] = bytes.data ? (const char *)bytes.data : "";
        }
    }
}

static uint64_t read_be(const char *bytes, int len) {
    uint64_t value = 0;

    for (int i = 0; i < len; i++)
        value = value << 8 | (uint8_t)bytes[i];
    return value;
}

/* Binary numeric: digit count, weight, sign, scale, then digits of base
 * 10,000; sum() over BIGINT answers this. Fractions are cut. */
static int64_t read_numeric(const char *bytes, int len) {
    int digits = (int)read_be(bytes, 2);
    int weight = (int16_t)read_be(bytes + 2, 2);
    const char *next = bytes + 8;
    int64_t value = 0;

    for (int i = 0; i <= weight; i++, next += 2) {
        int64_t digit = i < digits && next + 2 <= bytes + len
                            ? (int64_t)read_be(next, 2)
                            : 0;
        if (__builtin_mul_overflow(value, 10000, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return INT64_MAX;
    }
    return read_be(bytes + 4, 2) == 0x4000 ? -value : value;
}

static int64_t read_double(const char *bytes) {
    uint64_t bits = read_be(bytes, 8);
    double value;

    memcpy(&value, &bits, sizeof value);
    return value > -9e18 && value < 9e18 ? (int64_t)value : 0;
}

static void column_read(const PGresult *result, int row, int at,
                        struct db_value *out) {
    const char *bytes = PQgetvalue(result, row, at);
    int len = PQgetlength(result, row, at);

    if (PQgetisnull(result, row, at)) {
        *out = db_null();
        return;
    }
    switch (PQftype(result, at)) {
    case OID_INT8:
        *out = db_int((int64_t)read_be(bytes, len));
        break;
    case OID_INT4:
        *out = db_int((int32_t)read_be(bytes, len));
        break;
    case OID_INT2:
        *out = db_int((int16_t)read_be(bytes, len));
        break;
    case OID_BOOL:
        *out = db_int(bytes[0] != 0);
        break;
    case OID_NUMERIC:
        *out = db_int(read_numeric(bytes, len));
        break;
    case OID_FLOAT8:
        *out = db_int(read_double(bytes));
        break;
    case OID_BYTEA:
        *out = db_blob(ts_slice_of(bytes, (size_t)len));
        break;
    default:
        out->kind = DB_TEXT;
        out->bytes = ts_slice_of(bytes, (size_t)len);
    }
}

static void rows_read(const PGresult *result, db_row *row, void *arg) {
    struct db_value columns[DB_VALUES_MAX];
    int count = PQnfields(result);

    assert(count <= DB_VALUES_MAX);
    for (int i = 0; i < PQntuples(result); i++) {
        for (int at = 0; at < count; at++)
            column_read(result, i, at, &columns[at]);
        if (!row(arg, columns, (size_t)count))
            return;
    }
}

/* `otherwise`: for a statement that only reads. */
static uint64_t rows_changed(PGresult *result, uint64_t otherwise) {
    if (!strncmp(PQcmdStatus(result), "SELECT", 6))
        return otherwise;
    return (uint64_t)strtoull(PQcmdTuples(result), NULL, 10);
}

static enum ts_status run(void *ctx, const struct db_call *call,
                          uint64_t *changed, struct ts_err *err) {
    struct engine *engine = ctx;
    struct parameters in;
    char name[NAME_TEXT];
    PGresult *result;
    enum ts_status status = ensure_connected(engine, err);
    ExecStatusType code;

    if (status == TS_OK)
        status = prepare_named(engine, name, call->statement, err);
    if (status != TS_OK)
        return status;
    parameters_fill(&in, call->values, call->count);
    result = answer(engine,
                    PQsendQueryPrepared(engine->handle, name, (int)call->count,
                                        in.values, in.lengths, in.formats, 1));
    code = PQresultStatus(result);
    if (code != PGRES_TUPLES_OK && code != PGRES_COMMAND_OK)
        status = fail(engine, result, err);
    if (status == TS_OK)
        *changed = rows_changed(result, *changed);
    if (status == TS_OK && call->row)
        rows_read(result, call->row, call->arg);
    PQclear(result);
    return status;
}

/* So much travels before its answers are read: little enough that neither
 * side's socket fills, for libpq waits without an end where it cannot write. */
enum { SETS_AT_ONCE = 64, SETS_BYTES = 64 * 1024 };

static size_t sets_end(const struct db_sets *sets, size_t from) {
    size_t end = from, bytes = 0;

    while (end < sets->set_count && end < from + SETS_AT_ONCE) {
        for (size_t i = 0; i < sets->count; i++)
            bytes += sets->values[end * sets->count + i].bytes.len;
        if (bytes > SETS_BYTES && end > from)
            break;
        end++;
    }
    return end;
}

static bool sets_send(struct engine *engine, const char *name,
                      const struct db_sets *sets, size_t from, size_t to) {
    struct parameters in;
    int sent = 1;

    for (size_t i = from; sent && i < to; i++) {
        parameters_fill(&in, sets->values + i * sets->count, sets->count);
        sent = PQsendQueryPrepared(engine->handle, name, (int)sets->count,
                                   in.values, in.lengths, in.formats, 1);
    }
    return sent && PQpipelineSync(engine->handle);
}

struct set_rows {
    const struct db_sets *sets;
    size_t set;
};

static bool set_row(void *arg, const struct db_value *columns, size_t count) {
    const struct set_rows *rows = arg;

    return rows->sets->row(rows->sets->arg, rows->set, columns, count);
}

/* What follows a failure in the pipeline is skipped by the server: the first
 * failure is the one to tell. */
static enum ts_status set_receive(struct engine *engine, struct set_rows *rows,
                                  struct ts_err *err) {
    PGresult *result = answer(engine, 1);
    ExecStatusType code = PQresultStatus(result);
    enum ts_status status = TS_OK;

    if (code != PGRES_TUPLES_OK && code != PGRES_COMMAND_OK)
        status = fail(engine, result, err);
    else if (rows->sets->row)
        rows_read(result, set_row, rows);
    if (status == TS_OK && rows->sets->done)
        rows->sets->done(rows->sets->arg, rows->set, rows_changed(result, 0));
    PQclear(result);
    return status;
}

static enum ts_status sets_receive(struct engine *engine,
                                   const struct db_sets *sets, size_t from,
                                   size_t to, struct ts_err *err) {
    struct set_rows rows = {sets, from};
    struct ts_err later;
    enum ts_status status = TS_OK;

    for (; engine->handle && rows.set < to; rows.set++) {
        if (status == TS_OK)
            status = set_receive(engine, &rows, err);
        else
            (void)set_receive(engine, &rows, &later);
    }
    if (engine->handle && result_ready(engine, now_ms() + ANSWER_MS))
        PQclear(PQgetResult(engine->handle));
    return status;
}

static enum ts_status run_sets(void *ctx, const struct db_sets *sets,
                               struct ts_err *err) {
    struct engine *engine = ctx;
    char name[NAME_TEXT];
    enum ts_status status = ensure_connected(engine, err);

    if (status == TS_OK)
        status = prepare_named(engine, name, sets->statement, err);
    if (status != TS_OK)
        return status;
    if (!PQenterPipelineMode(engine->handle))
        return fail(engine, NULL, err);
    for (size_t from = 0; status == TS_OK && from < sets->set_count;) {
        size_t to = sets_end(sets, from);
        if (sets_send(engine, name, sets, from, to))
            status = sets_receive(engine, sets, from, to, err);
        else
            status = fail(engine, NULL, err);
        from = to;
    }
    /* With answers outstanding the session is of no use any more. */
    if (engine->handle && !PQexitPipelineMode(engine->handle))
        drop(engine);
    return status;
}

static enum ts_status begin(void *ctx, struct ts_err *err) {
    struct engine *engine = ctx;
    enum ts_status status = ensure_connected(engine, err);

    if (status == TS_OK)
        status = command(engine, "BEGIN", err);
    engine->in_transaction = status == TS_OK;
    return status;
}

/* COMMIT of a failed transaction answers ROLLBACK and no error. */
static enum ts_status commit(void *ctx, struct ts_err *err) {
    struct engine *engine = ctx;

    if (PQtransactionStatus(engine->handle) == PQTRANS_INERROR)
        return ts_fail(err, TS_INVALID,
                       "PostgreSQL: a statement of the transaction failed");
    engine->in_transaction = false;
    return command(engine, "COMMIT", err);
}

static void rollback(void *ctx) {
    struct engine *engine = ctx;

    engine->in_transaction = false;
    if (PQstatus(engine->handle) != CONNECTION_OK ||
        PQtransactionStatus(engine->handle) == PQTRANS_IDLE)
        return;
    if (command(engine, "ROLLBACK", NULL) != TS_OK)
        drop(engine);
}

/* The number only has to be the same in every hub ("tessera" in ASCII). */
static enum ts_status lock_schema(void *ctx, struct ts_err *err) {
    return command(ctx, "SELECT pg_advisory_xact_lock(32762643843625569)", err);
}

static enum ts_status hold(void *ctx, bool *alone, struct ts_err *err) {
    (void)ctx;
    (void)err;
    *alone = false;
    return TS_OK;
}

const struct db_adapter db_adapter_postgres = {
    .scheme = "postgresql:",
    .open = engine_open,
    .reach = reach,
    .close = engine_close,
    .run = run,
    .run_sets = run_sets,
    .prepare = prepare,
    .script = script,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .lock_schema = lock_schema,
    .hold = hold,
};
