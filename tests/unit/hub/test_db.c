#include "hub/db.h"

#include "base/time.h"
#include "hub/db_adapter.h"
#include "hub/statements.h"
#include "tests/unit/hub/engines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each case runs on both engines; *state is the pair. */
typedef void engine_case(struct db *db, const char *url);

static const struct db_statement statements[] = {
    {"make", "CREATE TABLE IF NOT EXISTS sample (shard BIGINT NOT NULL, "
             "name TEXT NOT NULL, value BIGINT, bytes BYTEA, "
             "PRIMARY KEY (shard, name))"},
    {"put", "INSERT INTO sample (bytes, value, name, shard) "
            "VALUES ($4, $3, $2, $1)"},
    {"all", "SELECT shard, name, value, bytes FROM sample ORDER BY shard, "
            "name"},
    {"sum", "SELECT COUNT(*), SUM(value) FROM sample"},
    {"one", "SELECT value FROM sample WHERE name = $1 AND shard = $2"},
    {"again", "INSERT INTO sample (shard, name, value) VALUES ($1, $2, 1) "
              "ON CONFLICT (shard, name) DO UPDATE SET value = sample.value + "
              "1 RETURNING value"},
    {"change", "UPDATE sample SET value = 0"},
    {"nonsense", "SELECT absent FROM nowhere"},
};
enum { MAKE, PUT, ALL, SUM, ONE, AGAIN, CHANGE, NONSENSE };

static void run_ok(struct db *db, int which, const struct db_value *values,
                   size_t count, db_row *row, void *arg) {
    struct ts_err err = {0};

    if (db_run(db, &statements[which], values, count, row, arg, &err) != TS_OK)
        fail_msg("%s", err.text);
}

static void put(struct db *db, int64_t shard, const char *name, int64_t value,
                struct ts_slice bytes) {
    struct db_value values[] = {db_int(shard), db_cstr(name), db_int(value),
                                bytes.data ? db_blob(bytes) : db_null()};

    run_ok(db, PUT, values, 4, NULL, NULL);
}

struct seen {
    size_t rows;
    struct db_value last[4];
    char name[16];
    uint8_t bytes[16];
    struct db *db;
};

static bool see(void *arg, const struct db_value *columns, size_t count) {
    struct seen *seen = arg;

    seen->rows++;
    memcpy(seen->last, columns, count * sizeof *columns);
    if (count == 4) {
        memcpy(seen->name, columns[1].bytes.data, columns[1].bytes.len);
        if (columns[3].kind == DB_BLOB)
            memcpy(seen->bytes, columns[3].bytes.data, columns[3].bytes.len);
    }
    return true;
}

static void values_come_back(struct db *db, const char *url) {
    static const uint8_t bytes[] = {0, 1, 0xff, '\'', 0};
    struct seen seen = {0};

    (void)url;
    put(db, 7, "first", INT64_MIN, ts_slice_of(bytes, sizeof bytes));
    run_ok(db, ALL, NULL, 0, see, &seen);
    assert_int_equal(seen.rows, 1);
    assert_int_equal(seen.last[0].kind, DB_INT);
    assert_int_equal(seen.last[0].number, 7);
    assert_int_equal(seen.last[1].kind, DB_TEXT);
    assert_string_equal(seen.name, "first");
    assert_true(seen.last[2].number == INT64_MIN);
    assert_int_equal(seen.last[3].kind, DB_BLOB);
    assert_int_equal(seen.last[3].bytes.len, sizeof bytes);
    assert_memory_equal(seen.bytes, bytes, sizeof bytes);
}

static void null_and_empty_differ(struct db *db, const char *url) {
    struct seen seen = {0};

    (void)url;
    put(db, 1, "", 5, ts_slice_of("", 0));
    run_ok(db, ALL, NULL, 0, see, &seen);
    assert_int_equal(seen.last[1].kind, DB_TEXT);
    assert_int_equal(seen.last[1].bytes.len, 0);
    assert_int_equal(seen.last[3].kind, DB_BLOB);
    assert_int_equal(seen.last[3].bytes.len, 0);
    put(db, 2, "b", 5, (struct ts_slice){NULL, 0});
    run_ok(db, ALL, NULL, 0, see, &seen);
    assert_int_equal(seen.last[3].kind, DB_NULL);
}

static void sums_are_numbers(struct db *db, const char *url) {
    struct seen seen = {0};

    (void)url;
    put(db, 1, "a", 123456789012, (struct ts_slice){NULL, 0});
    put(db, 1, "b", -23456789012, (struct ts_slice){NULL, 0});
    run_ok(db, SUM, NULL, 0, see, &seen);
    assert_int_equal(seen.last[0].number, 2);
    assert_true(seen.last[1].number == 100000000000);
    put(db, 1, "c", -200000000001, (struct ts_slice){NULL, 0});
    run_ok(db, SUM, NULL, 0, see, &seen);
    assert_true(seen.last[1].number == -100000000001);
}

static void returning_and_changed(struct db *db, const char *url) {
    struct db_value key[] = {db_int(3), db_cstr("k")};
    struct seen seen = {0};

    (void)url;
    run_ok(db, AGAIN, key, 2, see, &seen);
    run_ok(db, AGAIN, key, 2, see, &seen);
    assert_int_equal(seen.last[0].number, 2);
    assert_int_equal(db_changed(db), 1);
    put(db, 4, "l", 9, (struct ts_slice){NULL, 0});
    run_ok(db, CHANGE, NULL, 0, NULL, NULL);
    assert_int_equal(db_changed(db), 2);
    run_ok(db, ALL, NULL, 0, see, &seen);
    assert_int_equal(db_changed(db), 0);
}

static void rollback_leaves_nothing(struct db *db, const char *url) {
    struct seen seen = {0};

    (void)url;
    assert_int_equal(db_begin(db, NULL), TS_OK);
    put(db, 1, "a", 1, (struct ts_slice){NULL, 0});
    db_rollback(db);
    run_ok(db, ALL, NULL, 0, see, &seen);
    assert_int_equal(seen.rows, 0);
    assert_int_equal(db_begin(db, NULL), TS_OK);
    put(db, 1, "a", 1, (struct ts_slice){NULL, 0});
    assert_int_equal(db_commit(db, NULL), TS_OK);
    run_ok(db, ALL, NULL, 0, see, &seen);
    assert_int_equal(seen.rows, 1);
}

static bool see_nested(void *arg, const struct db_value *columns,
                       size_t count) {
    struct seen *seen = arg;
    struct seen inner = {0};

    run_ok(seen->db, ALL, NULL, 0, see, &inner);
    assert_int_equal(inner.rows, 3);
    return see(seen, columns, count);
}

static void reading_inside_a_row(struct db *db, const char *url) {
    struct seen seen = {.db = db};

    (void)url;
    put(db, 1, "a", 1, (struct ts_slice){NULL, 0});
    put(db, 1, "b", 1, (struct ts_slice){NULL, 0});
    put(db, 1, "c", 1, (struct ts_slice){NULL, 0});
    run_ok(db, ALL, NULL, 0, see_nested, &seen);
    assert_int_equal(seen.rows, 3);
}

static bool stop_at_once(void *arg, const struct db_value *columns,
                         size_t count) {
    (void)see(arg, columns, count);
    return false;
}

static void reading_ends_on_request(struct db *db, const char *url) {
    struct seen seen = {0};

    reading_inside_a_row(db, url);
    run_ok(db, ALL, NULL, 0, stop_at_once, &seen);
    assert_int_equal(seen.rows, 1);
}

static void errors_say_what(struct db *db, const char *url) {
    struct ts_err err = {0};
    struct db_value values[] = {db_null(), db_cstr("a"), db_int(1), db_null()};

    (void)url;
    assert_int_equal(
        db_run(db, &statements[NONSENSE], NULL, 0, NULL, NULL, &err),
        TS_INVALID);
    assert_non_null(strstr(err.text, "nonsense"));
    assert_non_null(strstr(err.text, "nowhere"));
    assert_int_equal(db_run(db, &statements[PUT], values, 4, NULL, NULL, &err),
                     TS_INVALID);
    /* The database works on. */
    put(db, 1, "a", 1, (struct ts_slice){NULL, 0});
}

enum { MANY = 200 };

struct counted {
    size_t rows, done;
    int64_t values[MANY];
};

static bool see_set(void *arg, size_t set, const struct db_value *columns,
                    size_t count) {
    struct counted *counted = arg;

    assert_int_equal(count, 1);
    assert_true(set < MANY);
    counted->rows++;
    counted->values[set] = columns[0].number;
    return true;
}

static void see_changed(void *arg, size_t set, uint64_t changed) {
    struct counted *counted = arg;

    assert_int_equal(set, counted->done++);
    assert_int_equal(counted->rows, counted->done);
    assert_int_equal(changed, 1);
}

static void many_sets_in_their_order(struct db *db, const char *url) {
    struct db_value values[2 * MANY];
    struct counted counted = {0};
    struct db_sets sets = {&statements[AGAIN], values,  MANY, 2, see_set,
                           see_changed,        &counted};
    struct seen seen = {0};

    (void)url;
    /* The same key each third time: a later set sees the earlier one. */
    for (size_t i = 0; i < MANY; i++) {
        values[2 * i] = db_int((int64_t)(i % 3 ? i : 0));
        values[2 * i + 1] = db_cstr("k");
    }
    assert_int_equal(db_begin(db, NULL), TS_OK);
    assert_int_equal(db_run_sets(db, &sets, NULL), TS_OK);
    assert_int_equal(db_commit(db, NULL), TS_OK);
    assert_int_equal(counted.rows, MANY);
    assert_int_equal(counted.done, MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(counted.values[i], i % 3 ? 1 : i / 3 + 1);
    run_ok(db, SUM, NULL, 0, see, &seen);
    assert_int_equal(seen.last[1].number, MANY);
}

/* More than a socket holds. */
static void large_sets_pass(struct db *db, const char *url) {
    struct db_value values[4 * MANY];
    struct db_sets sets = {&statements[PUT], values, MANY, 4, NULL, NULL, NULL};
    struct ts_buf large = {0};
    struct seen seen = {0};

    (void)url;
    assert_int_equal(ts_buf_printf(&large, "%0*d", 150000, 7), TS_OK);
    for (size_t i = 0; i < MANY; i++) {
        values[4 * i] = db_int((int64_t)i);
        values[4 * i + 1] = db_cstr("k");
        values[4 * i + 2] = db_int(1);
        values[4 * i + 3] = i % 40 ? db_null() : db_blob(ts_buf_slice(&large));
    }
    assert_int_equal(db_begin(db, NULL), TS_OK);
    assert_int_equal(db_run_sets(db, &sets, NULL), TS_OK);
    assert_int_equal(db_commit(db, NULL), TS_OK);
    run_ok(db, SUM, NULL, 0, see, &seen);
    assert_int_equal(seen.last[0].number, MANY);
    ts_buf_fini(&large);
}

static void one_bad_set_ends_them(struct db *db, const char *url) {
    struct db_value values[4 * MANY];
    struct db_sets sets = {&statements[PUT], values, MANY, 4, NULL, NULL, NULL};
    struct ts_err err = {0};
    struct seen seen = {0};

    (void)url;
    for (size_t i = 0; i < MANY; i++) {
        values[4 * i] = i == 100 ? db_null() : db_int((int64_t)i);
        values[4 * i + 1] = db_cstr("k");
        values[4 * i + 2] = db_int(1);
        values[4 * i + 3] = db_null();
    }
    assert_int_equal(db_begin(db, NULL), TS_OK);
    assert_int_equal(db_run_sets(db, &sets, &err), TS_INVALID);
    assert_non_null(strstr(err.text, "put: "));
    db_rollback(db);
    run_ok(db, ALL, NULL, 0, see, &seen);
    assert_int_equal(seen.rows, 0);
    /* The connection is as it was. */
    put(db, 1, "a", 1, (struct ts_slice){NULL, 0});
}

static void opening_again_keeps_all(struct db *db, const char *url) {
    struct seen seen = {0};
    struct db *other = NULL;
    struct ts_err err;

    put(db, 1, "a", 1, (struct ts_slice){NULL, 0});
    assert_int_equal(db_open(&other, url, &err), TS_OK);
    run_ok(other, ALL, NULL, 0, see, &seen);
    assert_int_equal(seen.rows, 1);
    db_close(other);
}

static void newer_schema_is_refused(struct db *db, const char *url) {
    static const struct db_statement later = {
        "later", "INSERT INTO hub_migration (number, name) "
                 "VALUES (9999, 'later')"};
    struct db *other = NULL;
    struct ts_err err = {0};

    assert_int_equal(db_run(db, &later, NULL, 0, NULL, NULL, &err), TS_OK);
    assert_int_equal(db_open(&other, url, &err), TS_DENIED);
    assert_non_null(strstr(err.text, "9999"));
    assert_null(other);
}

static void every_statement_prepares(struct db *db, const char *url) {
    struct ts_err err = {0};
    size_t count = 0;

    (void)url;
    for (const struct statement_table *t = hub_statement_tables; t->module; t++)
        for (const struct db_statement *s = t->statements; s->name;
             s++, count++)
            if (db_prepare(db, s, &err) != TS_OK)
                fail_msg("%s: %s", t->module, err.text);
    assert_true(count > 8);
}

static void migrations_are_numbered(struct db *db, const char *url) {
    (void)db;
    (void)url;
    for (int64_t i = 0; db_migrations[i].sql; i++) {
        assert_int_equal(db_migrations[i].number, i + 1);
        assert_true(db_migrations[i].sql->len > 0);
    }
}

static void with(const char *url, engine_case *run) {
    char *kept = ts_strdup(url);
    struct ts_err err = {0};
    struct db *db = NULL;

    if (db_open(&db, kept, &err) != TS_OK)
        fail_msg("%s: %s", kept, err.text);
    run_ok(db, MAKE, NULL, 0, NULL, NULL);
    run(db, kept);
    db_close(db);
    free(kept);
}

static struct engines *engines_of(void **state) { return *state; }

#define ON_BOTH(name)                                                          \
    static void test_##name(void **state) {                                    \
        with(engines_sqlite(engines_of(state)), name);                         \
        with(engines_postgres(engines_of(state)), name);                       \
    }
ON_BOTH(values_come_back)
ON_BOTH(null_and_empty_differ)
ON_BOTH(sums_are_numbers)
ON_BOTH(returning_and_changed)
ON_BOTH(rollback_leaves_nothing)
ON_BOTH(reading_inside_a_row)
ON_BOTH(reading_ends_on_request)
ON_BOTH(errors_say_what)
ON_BOTH(many_sets_in_their_order)
ON_BOTH(large_sets_pass)
ON_BOTH(one_bad_set_ends_them)
ON_BOTH(opening_again_keeps_all)
ON_BOTH(newer_schema_is_refused)
ON_BOTH(every_statement_prepares)
ON_BOTH(migrations_are_numbered)

static void test_url_is_checked(void **state) {
    struct ts_err err = {0};
    struct db *db = NULL;

    (void)state;
    assert_int_equal(db_open(&db, "mysql://x", &err), TS_INVALID);
    assert_non_null(strstr(err.text, "sqlite:"));
    assert_int_equal(db_open(&db, "sqlite:/nonexistent/hub.db", &err), TS_IO);
    assert_non_null(strstr(err.text, "/nonexistent/hub.db"));
    assert_int_equal(db_open(&db, "postgresql://nobody@127.0.0.1:1/none", &err),
                     TS_IO);
    assert_non_null(strstr(err.text, "check `database`"));
    assert_null(db);
}

static void test_damaged_file_is_told(void **state) {
    struct engines *engines = *state;
    const char *url = engines_sqlite(engines);
    struct ts_err err = {0};
    struct db *db = NULL;
    FILE *file = fopen(url + strlen("sqlite:"), "w");

    assert_non_null(file);
    for (int i = 0; i < 200; i++)
        (void)fputs("this is not a database at all\n", file);
    (void)fclose(file);
    assert_int_equal(db_open(&db, url, &err), TS_CORRUPT);
    assert_non_null(strstr(err.text, "backup"));
}

static void test_one_process_holds(void **state) {
    struct engines *engines = *state;
    const char *url = engines_sqlite(engines);
    struct db *first = NULL, *second = NULL;
    struct ts_err err = {0};
    struct stat info;
    bool alone = false;

    assert_int_equal(db_open(&first, url, &err), TS_OK);
    assert_int_equal(db_hold(first, &alone, &err), TS_OK);
    assert_true(alone);
    assert_int_equal(db_open(&second, url, &err), TS_OK);
    assert_int_equal(db_hold(second, &alone, &err), TS_DENIED);
    assert_non_null(strstr(err.text, "another hub"));
    /* Short writes from beside still work. */
    run_ok(second, MAKE, NULL, 0, NULL, NULL);
    assert_int_equal(stat(url + strlen("sqlite:"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    db_close(first);
    assert_int_equal(db_hold(second, &alone, &err), TS_OK);
    db_close(second);
}

static void refuses_to_write(const char *url) {
    struct db_value values[] = {db_int(1), db_cstr("k"), db_int(2), db_null()};
    struct ts_err err = {0};
    struct db *db = NULL;

    assert_int_equal(db_open_read(&db, url, &err), TS_OK);
    run_ok(db, ALL, NULL, 0, NULL, NULL);
    assert_int_not_equal(
        db_run(db, &statements[PUT], values, 4, NULL, NULL, &err), TS_OK);
    assert_non_null(strstr(err.text, "put"));
    db_close(db);
}

static void look_only(const char *address) {
    char *url = ts_strdup(address);
    struct ts_err err = {0};
    struct db *db = NULL;

    /* Nothing is there yet, and nothing is made. */
    assert_int_not_equal(db_open_read(&db, url, &err), TS_OK);
    assert_int_not_equal(db_open_read(&db, url, &err), TS_OK);
    assert_int_equal(db_open(&db, url, &err), TS_OK);
    run_ok(db, MAKE, NULL, 0, NULL, NULL);
    refuses_to_write(url);
    db_close(db);
    refuses_to_write(url);
    free(url);
}

static void test_reader_writes_nothing(void **state) {
    struct ts_err err = {0};
    struct db *db = NULL;

    look_only(engines_sqlite(*state));
    look_only(engines_postgres(*state));
    assert_int_equal(db_open_read(&db, "sqlite:/nonexistent/hub.db", &err),
                     TS_INVALID);
}

static void test_waiting_writer_gets_again(void **state) {
    char *url = ts_strdup(engines_postgres(*state));
    struct db_value key[] = {db_int(3), db_cstr("k")};
    struct db *a = NULL, *b = NULL;
    struct ts_err err = {0};

    static const struct db_statement impatient = {
        "impatient", "SELECT set_config('lock_timeout', '50ms', false)"};
    assert_int_equal(db_open(&a, url, &err), TS_OK);
    assert_int_equal(db_open(&b, url, &err), TS_OK);
    run_ok(a, MAKE, NULL, 0, NULL, NULL);
    run_ok(a, AGAIN, key, 2, NULL, NULL);
    assert_int_equal(db_run(b, &impatient, NULL, 0, NULL, NULL, &err), TS_OK);
    assert_int_equal(db_begin(a, &err), TS_OK);
    run_ok(a, AGAIN, key, 2, NULL, NULL);
    assert_int_equal(db_begin(b, &err), TS_OK);
    assert_int_equal(db_run(b, &statements[AGAIN], key, 2, NULL, NULL, &err),
                     TS_AGAIN);
    db_rollback(b);
    assert_int_equal(db_commit(a, &err), TS_OK);
    run_ok(b, AGAIN, key, 2, NULL, NULL);
    db_close(a);
    db_close(b);
    free(url);
}

static enum ts_status begin_until_back(struct db *db, struct ts_err *err) {
    enum ts_status status = TS_CLOSED;

    for (int i = 0; i < 300 && status != TS_OK; i++) {
        status = db_begin(db, err);
        if (status != TS_OK)
            (void)poll(NULL, 0, 100);
    }
    return status;
}

static void test_lost_server_is_found_again(void **state) {
    struct engines *engines = *state;
    struct ts_err err = {0};
    struct seen seen = {0};
    struct db *db = NULL;

    assert_int_equal(db_open(&db, engines_postgres(engines), &err), TS_OK);
    run_ok(db, MAKE, NULL, 0, NULL, NULL);
    assert_int_equal(db_begin(db, &err), TS_OK);
    put(db, 1, "lost", 1, (struct ts_slice){NULL, 0});
    engines_restart_postgres(engines);
    assert_int_equal(db_commit(db, &err), TS_CLOSED);
    assert_int_equal(begin_until_back(db, &err), TS_OK);
    put(db, 1, "kept", 1, (struct ts_slice){NULL, 0});
    assert_int_equal(db_commit(db, &err), TS_OK);
    run_ok(db, ALL, NULL, 0, see, &seen);
    assert_int_equal(seen.rows, 1);
    assert_string_equal(seen.name, "kept");
    db_close(db);
}

/* What comes after a loss inside a transaction is not written by itself. */
static void test_transaction_ends_with_its_server(void **state) {
    struct engines *engines = *state;
    struct db_value values[] = {db_int(1), db_cstr("stray"), db_int(1),
                                db_null()};
    struct ts_err err = {0};
    struct seen seen = {0};
    struct db *db = NULL;

    assert_int_equal(db_open(&db, engines_postgres(engines), &err), TS_OK);
    run_ok(db, MAKE, NULL, 0, NULL, NULL);
    assert_int_equal(db_begin(db, &err), TS_OK);
    engines_restart_postgres(engines);
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            db_run(db, &statements[PUT], values, 4, NULL, NULL, &err),
            TS_CLOSED);
    db_rollback(db);
    assert_int_equal(begin_until_back(db, &err), TS_OK);
    run_ok(db, ALL, NULL, 0, see, &seen);
    assert_int_equal(seen.rows, 0);
    db_rollback(db);
    db_close(db);
}

/* The server goes between the answers that it still owes. */
static void test_many_sets_end_with_their_server(void **state) {
    static const struct db_statement leave = {
        "leave", "SELECT pg_terminate_backend(pg_backend_pid()) WHERE $1 = 20"};
    struct ts_mono began = ts_clock_mono(ts_clock_system());
    struct db_value values[MANY];
    struct db_sets sets = {&leave, values, MANY, 1, NULL, NULL, NULL};
    struct ts_err err = {0};
    struct db *db = NULL;

    assert_int_equal(db_open(&db, engines_postgres(*state), &err), TS_OK);
    run_ok(db, MAKE, NULL, 0, NULL, NULL);
    for (size_t i = 0; i < MANY; i++)
        values[i] = db_int((int64_t)i);
    assert_int_equal(db_begin(db, &err), TS_OK);
    put(db, 1, "lost", 1, (struct ts_slice){NULL, 0});
    assert_int_equal(db_run_sets(db, &sets, &err), TS_CLOSED);
    assert_int_equal(db_commit(db, &err), TS_CLOSED);
    assert_int_equal(begin_until_back(db, &err), TS_OK);
    db_rollback(db);
    many_sets_in_their_order(db, NULL);
    db_close(db);
    assert_true(ts_clock_mono(ts_clock_system()).ms - began.ms < 100000);
}

static int silent_server(uint16_t *port) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void test_silent_server_holds_nothing_up(void **state) {
    struct ts_mono began = ts_clock_mono(ts_clock_system());
    struct ts_err err = {0};
    struct db *db = NULL;
    char url[80];
    uint16_t port;
    int fd = silent_server(&port);

    (void)state;
    (void)snprintf(url, sizeof url, "postgresql://hub@127.0.0.1:%u/none",
                   (unsigned)port);
    assert_int_equal(db_new(&db, url, &err), TS_OK);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(db_connect(db, &err), TS_IO);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(db_begin(db, &err), TS_CLOSED);
    /* Waiting for it each time would take hours. */
    assert_true(ts_clock_mono(ts_clock_system()).ms - began.ms < 100000);
    assert_non_null(strstr(err.text, "not connected"));
    db_close(db);
    close(fd);
}

static int start(void **state) {
    *state = engines_start();
    return 0;
}

static int stop(void **state) {
    engines_stop(*state);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_come_back),
        cmocka_unit_test(test_null_and_empty_differ),
        cmocka_unit_test(test_sums_are_numbers),
        cmocka_unit_test(test_returning_and_changed),
        cmocka_unit_test(test_rollback_leaves_nothing),
        cmocka_unit_test(test_reading_inside_a_row),
        cmocka_unit_test(test_reading_ends_on_request),
        cmocka_unit_test(test_errors_say_what),
        cmocka_unit_test(test_many_sets_in_their_order),
        cmocka_unit_test(test_large_sets_pass),
        cmocka_unit_test(test_one_bad_set_ends_them),
        cmocka_unit_test(test_opening_again_keeps_all),
        cmocka_unit_test(test_newer_schema_is_refused),
        cmocka_unit_test(test_every_statement_prepares),
        cmocka_unit_test(test_migrations_are_numbered),
        cmocka_unit_test(test_url_is_checked),
        cmocka_unit_test(test_damaged_file_is_told),
        cmocka_unit_test(test_one_process_holds),
        cmocka_unit_test(test_reader_writes_nothing),
        cmocka_unit_test(test_waiting_writer_gets_again),
        cmocka_unit_test(test_lost_server_is_found_again),
        cmocka_unit_test(test_transaction_ends_with_its_server),
        cmocka_unit_test(test_many_sets_end_with_their_server),
        cmocka_unit_test(test_silent_server_holds_nothing_up),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
