#include "hub/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ts_wall at(int64_t ms) { return (struct ts_wall){ms}; }

static struct registry_entry find(struct db *db, const char *terminal) {
    struct registry_entry entry;

    assert_int_equal(registry_find(db, terminal, &entry, NULL), TS_OK);
    return entry;
}

static void test_add_and_find(void **state) {
    struct registry_entry entry;
    struct ts_err err = {0};

    assert_false(find(*state, "lane-1").known);
    assert_int_equal(registry_add(*state, "lane-1", "milano-01", at(1), &err),
                     TS_OK);
    entry = find(*state, "lane-1");
    assert_true(entry.known);
    assert_string_equal(entry.store, "milano-01");
    assert_int_equal(entry.shard, 0x20); /* the protocol's own example */
    assert_true(registry_has_source(&entry, "lane-1", "milano-01"));
    assert_false(registry_has_source(&entry, "lane-1", "milano-02"));
    assert_int_equal(registry_add(*state, "lane-1", "roma-01", at(2), &err),
                     TS_INVALID);
    assert_non_null(strstr(err.text, "terminal move"));
}

static void test_names_are_checked(void **state) {
    static const char *const wrong[] = {"",      "Lane", "a/b", "hub",
                                        "hub-1", "a b",  "+"};
    struct ts_err err;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(registry_add(*state, wrong[i], "s", at(1), &err),
                         TS_INVALID);
        assert_int_equal(registry_add(*state, "t", wrong[i], at(1), &err),
                         TS_INVALID);
    }
    assert_false(find(*state, "t").known);
}

static void test_move_keeps_the_former_store(void **state) {
    struct registry_entry entry;

    assert_int_equal(registry_add(*state, "lane-1", "a-1", at(1), NULL), TS_OK);
    assert_int_equal(registry_move(*state, "lane-1", "b-1", at(2), NULL),
                     TS_OK);
    entry = find(*state, "lane-1");
    assert_string_equal(entry.store, "b-1");
    assert_int_equal(entry.shard, ts_shard(ts_slice_text("b-1")));
    assert_int_equal(entry.count, 2);
    assert_string_equal(entry.sources[0].store, "b-1");
    assert_true(registry_has_source(&entry, "lane-1", "a-1"));
    assert_int_equal(registry_move(*state, "lane-9", "b-1", at(2), NULL),
                     TS_INVALID);
}

static void test_remove_and_return(void **state) {
    struct registry_entry entry;
    struct ts_err err;

    assert_int_equal(registry_add(*state, "lane-1", "a-1", at(1), NULL), TS_OK);
    assert_int_equal(registry_remove(*state, "lane-1", at(2), &err), TS_OK);
    assert_false(find(*state, "lane-1").known);
    assert_int_equal(registry_remove(*state, "lane-1", at(2), &err),
                     TS_INVALID);
    assert_int_equal(registry_add(*state, "lane-1", "b-1", at(3), NULL), TS_OK);
    entry = find(*state, "lane-1");
    assert_string_equal(entry.store, "b-1");
    assert_true(registry_has_source(&entry, "lane-1", "a-1"));
}

static void test_rename_inherits(void **state) {
    struct registry_entry entry;
    struct ts_err err;

    assert_int_equal(registry_add(*state, "old", "a-1", at(1), NULL), TS_OK);
    assert_int_equal(registry_move(*state, "old", "b-1", at(2), NULL), TS_OK);
    assert_int_equal(registry_rename(*state, "old", "new", at(3), NULL), TS_OK);
    assert_false(find(*state, "old").known);
    entry = find(*state, "new");
    assert_string_equal(entry.store, "b-1");
    assert_true(registry_has_source(&entry, "new", "b-1"));
    assert_true(registry_has_source(&entry, "old", "a-1"));
    assert_true(registry_has_source(&entry, "old", "b-1"));
    assert_false(registry_has_source(&entry, "new", "a-1"));
    assert_int_equal(registry_rename(*state, "none", "x", at(3), &err),
                     TS_INVALID);
    assert_int_equal(registry_add(*state, "third", "a-1", at(4), NULL), TS_OK);
    assert_int_equal(registry_rename(*state, "third", "new", at(5), &err),
                     TS_INVALID);
    assert_true(find(*state, "third").known);
}

static void list_line(void *arg, const char *terminal, const char *store) {
    assert_int_equal(ts_buf_printf(arg, "%s %s\n", terminal, store), TS_OK);
}

static void test_list(void **state) {
    struct ts_buf text = {0};

    assert_int_equal(registry_add(*state, "z", "a-1", at(1), NULL), TS_OK);
    assert_int_equal(registry_add(*state, "b", "a-2", at(1), NULL), TS_OK);
    assert_int_equal(registry_add(*state, "c", "a-2", at(1), NULL), TS_OK);
    assert_int_equal(registry_remove(*state, "c", at(2), NULL), TS_OK);
    assert_int_equal(registry_list(*state, list_line, &text, NULL), TS_OK);
    assert_string_equal(ts_buf_text(&text), "z a-1\nb a-2\n");
    ts_buf_fini(&text);
}

static enum ts_status load(struct db *db, const char *lines, uint64_t *added,
                           struct ts_err *err) {
    return registry_load(db, ts_slice_text(lines), at(9), added, err);
}

static void test_many_are_loaded(void **state) {
    uint64_t added = 0;

    assert_int_equal(registry_add(*state, "a", "s-1", at(1), NULL), TS_OK);
    assert_int_equal(load(*state,
                          "# the north\n\na s-1\r\n b\ts-1 # new\nc s-2",
                          &added, NULL),
                     TS_OK);
    assert_int_equal(added, 2);
    assert_string_equal(find(*state, "a").store, "s-1");
    assert_string_equal(find(*state, "b").store, "s-1");
    assert_string_equal(find(*state, "c").store, "s-2");
}

static void test_a_wrong_line_loads_nothing(void **state) {
    static const struct {
        const char *lines, *says;
    } rows[] = {
        {"b s-1\nc\n", "line 2"},         {"b s-1\nc s-1 s-2\n", "line 2"},
        {"b s-1\n\nHUB s-1\n", "line 3"}, {"b s-1\na s-2\n", "terminal move"},
        {"b hub-1\n", "the store must"},
    };
    struct ts_err err = {0};
    uint64_t added = 7;

    assert_int_equal(registry_add(*state, "a", "s-1", at(1), NULL), TS_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(load(*state, rows[i].lines, &added, &err), TS_INVALID);
        assert_non_null(strstr(err.text, rows[i].says));
        assert_false(find(*state, "b").known);
    }
    assert_int_equal(added, 7);
}

static int open_db(void **state) {
    struct db *db = NULL;
    enum ts_status status = db_open(&db, "sqlite::memory:", NULL);

    *state = db;
    return status == TS_OK ? 0 : -1;
}

static int close_db(void **state) {
    db_close(*state);
    return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_db, close_db)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_add_and_find),
        CASE(test_names_are_checked),
        CASE(test_move_keeps_the_former_store),
        CASE(test_remove_and_return),
        CASE(test_rename_inherits),
        CASE(test_list),
        CASE(test_many_are_loaded),
        CASE(test_a_wrong_line_loads_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
