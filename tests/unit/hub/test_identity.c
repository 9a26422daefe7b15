#include "world.h"

#include "engines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state) {
    struct world *world = ts_alloc(sizeof *world);

    world_open(world);
    *state = world;
    return 0;
}

static int teardown(void **state) {
    world_close(*state);
    free(*state);
    return 0;
}

static bool same(struct world *world, const char *type_a, const char *a,
                 const char *type_b, const char *b) {
    char one[TS_UUID_TEXT], two[TS_UUID_TEXT];

    world_person(world, type_a, a, one);
    world_person(world, type_b, b, two);
    return one[0] && strcmp(one, two) == 0;
}

static void is_one_over_channels(void **state) {
    struct world *world = *state;
    char token[TS_TOKEN_TEXT], data[128];
    json_t *answer;

    world_token(world, "2501008336538", token);
    snprintf(data, sizeof data, "{\"card\":\"%s\"}", token);
    world_online(world, "{\"type\":\"page\",\"anonymousId\":\"a-1\","
                        "\"messageId\":\"m1\",\"name\":\"Home\"}");
    world_online(world,
                 "{\"type\":\"identify\",\"anonymousId\":\"a-1\",\"userId\":"
                 "\"anna\",\"messageId\":\"m2\",\"traits\":{\"email\":"
                 "\" Anna@Example.COM \",\"loyalty_card\":2501008336538}}");
    world_store(world, &(struct world_scan){"milano-01", "milano-01-lane-1",
                                            "5d1e88c2", "visit-1", NULL,
                                            "card.presented", data,
                                            world->now.unix_ms, 1000, 1});
    world_store(world, &(struct world_scan){"milano-01", "milano-01-lane-1",
                                            "5d1e88c2", "visit-1", NULL,
                                            "item.scanned",
                                            "{\"gtin\":\"08001120000019\"}",
                                            world->now.unix_ms, 2000, 2});
    world_derive(world, false);
    assert_true(same(world, "user_id", "anna", "email", "anna@example.com"));
    assert_true(same(world, "user_id", "anna", "anonymous_id", "a-1"));
    assert_true(same(world, "user_id", "anna", "card", "2501008336538"));
    assert_true(same(world, "user_id", "anna", "card", token));
    answer = world_lookup(world, "email", "ANNA@example.com");
    assert_int_equal(json_array_size(json_object_get(answer, "journey")), 4);
    assert_int_equal(json_array_size(json_object_get(answer, "identifiers")),
                     4);
    json_decref(answer);
}

static void identify(struct world *world, const char *user, const char *email,
                     const char *anonymous, const char *card) {
    char text[512];
    static unsigned number;

    snprintf(text, sizeof text,
             "{\"type\":\"identify\",\"messageId\":\"i%u\",\"userId\":%s%s%s,"
             "\"anonymousId\":%s%s%s,\"traits\":{%s%s%s%s%s%s%s}}",
             number++, user ? "\"" : "", user ? user : "null", user ? "\"" : "",
             anonymous ? "\"" : "", anonymous ? anonymous : "null",
             anonymous ? "\"" : "", email ? "\"email\":\"" : "",
             email ? email : "", email ? "\"" : "", email && card ? "," : "",
             card ? "\"loyalty_card\":\"" : "", card ? card : "",
             card ? "\"" : "");
    world_online(world, text);
}

static void keeps_two_user_ids_apart(void **state) {
    struct world *world = *state;

    identify(world, "anna", "casa@example.com", "tablet", NULL);
    identify(world, "bruno", "casa@example.com", "tablet", NULL);
    world_derive(world, false);
    assert_false(same(world, "user_id", "anna", "user_id", "bruno"));
    assert_true(same(world, "user_id", "anna", "email", "casa@example.com"));
    assert_false(same(world, "anonymous_id", "tablet", "user_id", "anna"));
    assert_false(same(world, "anonymous_id", "tablet", "user_id", "bruno"));
}

static void two_people_at_one_kiosk_stay_two(void **state) {
    struct world *world = *state;
    char token[2][TS_TOKEN_TEXT], data[128];
    static const char *const cards[] = {"2501008336538", "2501008336545"};

    world_online(world, "{\"kiosk\":1,\"type\":\"identify\",\"messageId\":"
                        "\"k1\",\"anonymousId\":\"device-7\",\"traits\":{"
                        "\"loyalty_card\":\"2501008336538\"}}");
    world_online(world, "{\"kiosk\":1,\"type\":\"identify\",\"messageId\":"
                        "\"k2\",\"anonymousId\":\"device-7\",\"traits\":{"
                        "\"loyalty_card\":\"2501008336545\"}}");
    for (int i = 0; i < 2; i++) {
        world_token(world, cards[i], token[i]);
        snprintf(data, sizeof data, "{\"card\":\"%s\"}", token[i]);
        world_store(world, &(struct world_scan){
                               "milano-01", "milano-01-kiosk", "5d1e88c2",
                               i ? "visit-b" : "visit-a", NULL,
                               "card.presented", data, world->now.unix_ms,
                               INT64_C(1000) * i, (uint64_t)i + 1});
    }
    world_derive(world, false);
    assert_false(same(world, "card", token[0], "card", token[1]));
    assert_null(world_lookup(world, "anonymous_id", "device-7"));
}

static void a_browser_never_joins_two_cards(void **state) {
    struct world *world = *state;

    identify(world, NULL, NULL, "tablet", "2501008336538");
    identify(world, NULL, NULL, "tablet", "2501008336545");
    world_derive(world, false);
    assert_false(same(world, "card", "2501008336538", "card", "2501008336545"));
}

static void a_family_card_is_a_household(void **state) {
    struct world *world = *state;
    json_t *answer, *household;

    identify(world, "anna", "anna@example.com", NULL, "2501008336538");
    identify(world, "bruno", "bruno@example.com", NULL, "2501008336538");
    world_derive(world, false);
    assert_false(same(world, "user_id", "anna", "user_id", "bruno"));
    assert_false(same(world, "user_id", "anna", "card", "2501008336538"));
    answer = world_lookup(world, "user_id", "anna");
    household = json_array_get(json_object_get(answer, "household"), 0);
    assert_non_null(household);
    assert_int_equal(json_array_size(json_object_get(household, "members")), 2);
    assert_int_equal(json_array_size(json_object_get(answer, "journey")), 1);
    json_decref(answer);
}

static void placeholders_name_nobody(void **state) {
    static const char *const values[] = {"0000", "-1", "null", "guest",
                                         "Anonymous"};
    struct world *world = *state;
    struct ts_err err;
    json_t *answer;

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        identify(world, values[i], NULL, i % 2 ? "b-1" : "b-2", NULL);
        assert_int_equal(people_lookup(&world->people, "user_id", values[i], 0,
                                       &answer, &err),
                         TS_INVALID);
    }
    identify(world, NULL, "till@shop.example", "b-1", NULL);
    identify(world, NULL, "till@shop.example", "b-2", NULL);
    world_derive(world, false);
    assert_false(same(world, "anonymous_id", "b-1", "anonymous_id", "b-2"));
}

static void a_promiscuous_email_is_quarantined(void **state) {
    struct world *world = *state;
    char user[16], browser[16];
    json_t *answer;

    for (int i = 0; i < 12; i++) {
        snprintf(user, sizeof user, "user-%d", i);
        snprintf(browser, sizeof browser, "browser-%d", i);
        identify(world, user, "noemail@till.example", browser, NULL);
    }
    world_derive(world, false);
    answer = world_lookup(world, "email", "noemail@till.example");
    assert_string_equal(
        json_string_value(json_object_get(
            json_array_get(json_object_get(answer, "identifiers"), 0),
            "state")),
        "quarantined");
    assert_int_equal(json_array_size(json_object_get(answer, "identifiers")),
                     1);
    json_decref(answer);
    assert_true(same(world, "user_id", "user-3", "anonymous_id", "browser-3"));
}

static void a_merge_keeps_the_older_id(void **state) {
    struct world *world = *state;
    char older[TS_UUID_TEXT], newer[TS_UUID_TEXT], now[TS_UUID_TEXT];

    identify(world, NULL, NULL, "laptop", NULL);
    world_derive(world, false);
    world_person(world, "anonymous_id", "laptop", older);
    identify(world, "anna", NULL, NULL, NULL);
    world_derive(world, false);
    world_person(world, "user_id", "anna", newer);
    assert_string_not_equal(older, newer);
    identify(world, "anna", NULL, "laptop", NULL);
    world_derive(world, false);
    world_person(world, "user_id", "anna", now);
    assert_string_equal(now, older);
    world_person(world, "person", newer, now);
    assert_string_equal(now, older);
}

static void an_alias_joins_a_former_user_id(void **state) {
    struct world *world = *state;

    identify(world, "old-77", "anna@example.com", NULL, NULL);
    identify(world, "anna", NULL, NULL, NULL);
    world_online(world, "{\"type\":\"alias\",\"messageId\":\"al\",\"userId\":"
                        "\"anna\",\"previousId\":\"old-77\"}");
    world_derive(world, false);
    assert_true(same(world, "user_id", "anna", "user_id", "old-77"));
    assert_true(same(world, "user_id", "anna", "email", "anna@example.com"));
}

static void a_card_under_an_older_key_is_the_same(void **state) {
    struct world *world = *state;
    char new_token[TS_TOKEN_TEXT], old_token[TS_TOKEN_TEXT], data[256];

    world_token(world, "2501008336538", new_token);
    world_token(world, "2501008336545", old_token);
    snprintf(data, sizeof data, "{\"card\":\"%s\",\"card_was\":\"%s\"}",
             new_token, old_token);
    world_store(world, &(struct world_scan){"milano-01", "milano-01-lane-1",
                                            "5d1e88c2", "visit-1", NULL,
                                            "card.presented", data,
                                            world->now.unix_ms, 1000, 1});
    world_derive(world, false);
    assert_true(same(world, "card", new_token, "card", old_token));
}

static unsigned next_random(unsigned *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

struct said {
    char json[400];
    int64_t received_ms;
};

/* People, shared tablets, family cards and placeholders in a muddle. */
static void make_events(struct said *events, size_t count, unsigned seed) {
    for (size_t i = 0; i < count; i++) {
        unsigned person = next_random(&seed) % 9;
        unsigned what = next_random(&seed) % 63 + 1;
        char user[40] = "", email[40] = "", card[60] = "";
        if (what & 1)
            snprintf(user, sizeof user, ",\"userId\":\"u%u\"", person);
        if (what & 2)
            snprintf(email, sizeof email, "\"email\":\"e%u@x.example\",\"n\":1",
                     next_random(&seed) % 12);
        if (what & 4)
            snprintf(card, sizeof card, "%s\"card_number\":\"25010083365%02u\"",
                     email[0] ? "," : "", next_random(&seed) % 8);
        snprintf(events[i].json, sizeof events[i].json,
                 "{\"type\":\"identify\",\"messageId\":\"r%zu\",\"timestamp\":"
                 "\"2026-11-%02uT10:00:00Z\",\"anonymousId\":\"b%u\"%s,"
                 "\"traits\":{%s%s}}",
                 i, 1 + next_random(&seed) % 19, next_random(&seed) % 14, user,
                 email, card);
        events[i].received_ms = INT64_C(1795255200000) + (int64_t)i * 1000;
    }
}

/* Arrival differs, so ids do; who belongs to whom must not. */
static char *partition_of(struct world *world, const char *picture) {
    struct ts_buf out = {0};
    char *copy = ts_strdup(picture), *line, *rest = copy;
    char *result;

    (void)world;
    while ((line = strsep(&rest, "\n")) && *line) {
        char *type = strsep(&line, "|"), *value = strsep(&line, "|");
        char *person = strsep(&line, "|"), *mark;
        if (!value || !person || strlen(person) != 36)
            continue;
        /* The first line that shows a person names it. */
        mark = strstr(picture, person);
        assert_int_equal(
            ts_buf_printf(&out, "%s %s %td\n", type, value, mark - picture),
            TS_OK);
    }
    result = ts_strdup(ts_buf_text(&out));
    ts_buf_fini(&out);
    free(copy);
    return result;
}

/* Positions in a picture depend on the widths before them; all ids are 36
 * wide and counts are the same, so equal partitions give equal texts. */
static char *run_order(const struct said *events, size_t count,
                       const size_t *order, bool keep_received,
                       bool one_by_one) {
    struct world world;
    char *picture, *result;

    world_open(&world);
    for (size_t i = 0; i < count; i++) {
        const struct said *event = &events[order[i]];
        if (keep_received)
            world.now.unix_ms = event->received_ms;
        world_online(&world, event->json);
        if (one_by_one)
            world_derive(&world, i % 2);
    }
    world_derive(&world, true);
    picture = world_picture(&world);
    result = partition_of(&world, picture);
    free(picture);
    world_close(&world);
    return result;
}

static void any_order_gives_the_same_people(void **state) {
    enum { COUNT = 60, ROUNDS = 12 };
    struct said events[COUNT];
    size_t order[COUNT];

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned seed = 20240607 + round;
        char *expected, *got;
        make_events(events, COUNT, seed);
        for (size_t i = 0; i < COUNT; i++)
            order[i] = i;
        expected = run_order(events, COUNT, order, true, false);
        for (size_t i = COUNT - 1; i > 0; i--) {
            size_t k = next_random(&seed) % (i + 1), keep = order[i];
            order[i] = order[k];
            order[k] = keep;
        }
        got = run_order(events, COUNT, order, true, true);
        assert_true(strlen(expected) > 100);
        assert_string_equal(got, expected);
        free(got);
        free(expected);
    }
}

static void a_rebuild_gives_the_same(void **state) {
    enum { COUNT = 120 };
    struct said events[COUNT];
    struct world *world = *state;
    char *before, *after;
    uint64_t derived;
    struct ts_err err;

    make_events(events, COUNT, 99);
    for (size_t i = 0; i < COUNT; i++) {
        world_online(world, events[i].json);
        world_derive(world, i % 3 == 0);
    }
    before = world_picture(world);
    if (derive_rebuild(&world->derive, &derived, &err) != TS_OK)
        fail_msg("%s", err.text);
    assert_int_equal(derived, COUNT);
    after = world_picture(world);
    assert_string_equal(after, before);
    free(before);
    free(after);
}

static char *picture_at(const char *url, const struct said *events,
                        size_t count) {
    struct world world;
    json_t *recent = NULL, *counts = NULL;
    struct ts_err err;
    uint64_t derived;
    char *picture;

    world_open_at(&world, url);
    for (size_t i = 0; i < count; i++) {
        world_online(&world, events[i].json);
        world_derive(&world, i % 2);
    }
    if (derive_rebuild(&world.derive, &derived, &err) != TS_OK ||
        people_recent(&world.people, 5, NULL, &recent, &err) != TS_OK ||
        people_counts(&world.people, &counts, &err) != TS_OK)
        fail_msg("%s", err.text);
    assert_int_equal(json_array_size(json_object_get(recent, "people")), 5);
    json_decref(recent);
    json_decref(counts);
    json_decref(world_lookup(&world, "user_id", "u1"));
    picture = world_picture(&world);
    world_close(&world);
    return picture;
}

static void both_engines_give_the_same(void **state) {
    enum { COUNT = 80 };
    struct said events[COUNT];
    struct engines *engines = engines_start();
    char *sqlite, *postgres;

    (void)state;
    make_events(events, COUNT, 4711);
    sqlite = picture_at("sqlite::memory:", events, COUNT);
    postgres = picture_at(engines_postgres(engines), events, COUNT);
    assert_string_equal(postgres, sqlite);
    free(sqlite);
    free(postgres);
    engines_stop(engines);
}

static bool number_row(void *arg, const struct db_value *columns,
                       size_t count) {
    (void)count;
    *(int64_t *)arg = columns[0].number;
    return false;
}

static int64_t ask(struct world *world, const struct db_statement *statement) {
    int64_t number = -1;
    struct ts_err err;

    if (db_run(world->db, statement, NULL, 0, number_row, &number, &err) !=
        TS_OK)
        fail_msg("%s", err.text);
    return number;
}

/* The instants that a schema before 4 left behind are of the old rules. */
static void old_schema_is_derived_again_at(const char *url) {
    static const struct db_statement wrong = {
        "wrong", "UPDATE store_clock SET error_ms = 77"};
    static const struct db_statement old = {
        "old", "DELETE FROM hub_migration WHERE number >= 4"};
    static const struct db_statement left = {
        "left", "SELECT COUNT(*) FROM store_clock WHERE error_ms = 77"};
    static const struct db_statement all = {"all",
                                            "SELECT COUNT(*) FROM store_clock"};
    enum { COUNT = 30 };
    struct said events[COUNT];
    struct world world;
    char *before, *after;
    struct ts_err err;

    world_open_at(&world, url);
    make_events(events, COUNT, 7);
    for (size_t i = 0; i < COUNT; i++)
        world_online(&world, events[i].json);
    world_store(&world, &(struct world_scan){"milano-01", "milano-01-lane-1",
                                             "5d1e88c2", "visit-1", "set",
                                             "item.scanned",
                                             "{\"gtin\":\"08001120000019\"}",
                                             world.now.unix_ms, 2000, 1});
    world_derive(&world, false);
    before = world_picture(&world);
    (void)ask(&world, &wrong);
    assert_int_equal(ask(&world, &left), 1);
    (void)ask(&world, &old);
    if (db_connect(world.db, &err) != TS_OK)
        fail_msg("%s", err.text);
    world_derive(&world, false);
    after = world_picture(&world);
    assert_string_equal(after, before);
    assert_int_equal(ask(&world, &left), 0);
    assert_int_equal(ask(&world, &all), 1);
    free(before);
    free(after);
    world_close(&world);
}

static void old_schema_is_derived_again(void **state) {
    struct engines *engines = engines_start();

    (void)state;
    old_schema_is_derived_again_at("sqlite::memory:");
    old_schema_is_derived_again_at(engines_postgres(engines));
    engines_stop(engines);
}

struct listener {
    struct world *world;
    unsigned calls, fails;
};

static enum ts_status on_ident(void *ctx, int64_t ident,
                               const struct archive_event *event,
                               struct ts_err *err) {
    struct listener *listener = ctx;

    assert_true(ident > 0 && event->key.len);
    assert_true(db_in_transaction(listener->world->db));
    if (listener->calls++ < listener->fails)
        return ts_fail(err, TS_AGAIN, "the desk is busy");
    return TS_OK;
}

/* What follows from an event is there with it, or tried again with it. */
static void what_follows_is_never_left_out(void **state) {
    const unsigned shard = ts_shard(ts_slice_text("u-1"));
    struct world *world = *state;
    struct listener listener = {world, 0, 1};
    char person[TS_UUID_TEXT];
    struct ts_err err;
    size_t taken;

    world->derive.on_ident = on_ident;
    world->derive.ctx = &listener;
    world_online(world, "{\"type\":\"identify\",\"userId\":\"u-1\","
                        "\"messageId\":\"m-1\"}");
    assert_int_equal(derive_step(&world->derive, shard, &taken, &err),
                     TS_AGAIN);
    world_person(world, "user_id", "u-1", person);
    assert_string_equal(person, "");
    assert_int_equal(derive_step(&world->derive, shard, &taken, &err), TS_OK);
    assert_int_equal(taken, 1);
    assert_int_equal(listener.calls, 2);
    world_person(world, "user_id", "u-1", person);
    assert_int_equal(strlen(person), TS_UUID_TEXT - 1);
}

/* One hub alone says who is who. */
static void a_hub_that_lost_its_lease_derives_nothing(void **state) {
    const unsigned shard = ts_shard(ts_slice_text("u-1"));
    struct world *world = *state;
    struct lease old, new;
    struct ts_err err;
    size_t taken;

    assert_int_equal(
        lease_take(&old, world->db, "hub-1", true, world->now, &err), TS_OK);
    assert_int_equal(
        lease_take(&new, world->db, "hub-2", true, world->now, &err), TS_OK);
    world_online(world, "{\"type\":\"identify\",\"userId\":\"u-1\","
                        "\"messageId\":\"m-1\"}");
    world->derive.lease = &old;
    assert_int_equal(derive_step(&world->derive, shard, &taken, &err),
                     TS_DENIED);
    world->derive.lease = &new;
    assert_int_equal(derive_step(&world->derive, shard, &taken, &err), TS_OK);
    assert_int_equal(taken, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(is_one_over_channels, setup, teardown),
        cmocka_unit_test_setup_teardown(keeps_two_user_ids_apart, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(two_people_at_one_kiosk_stay_two, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_browser_never_joins_two_cards, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_family_card_is_a_household, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(placeholders_name_nobody, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_promiscuous_email_is_quarantined,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_merge_keeps_the_older_id, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_alias_joins_a_former_user_id, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_card_under_an_older_key_is_the_same,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_follows_is_never_left_out, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_hub_that_lost_its_lease_derives_nothing, setup, teardown),
        cmocka_unit_test(any_order_gives_the_same_people),
        cmocka_unit_test(both_engines_give_the_same),
        cmocka_unit_test(old_schema_is_derived_again),
        cmocka_unit_test_setup_teardown(a_rebuild_gives_the_same, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
