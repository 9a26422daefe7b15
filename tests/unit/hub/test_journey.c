#include "world.h"

#include "hub/dating.h"

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

static struct world_scan scan_of(const char *type, uint64_t sequence,
                                 int64_t time_ms, int64_t uptime_ms) {
    return (struct world_scan){.store = "milano-01",
                               .terminal = "milano-01-lane-1",
                               .boot = "5d1e88c2",
                               .visit = "visit-1",
                               .type = type,
                               .sequence = sequence,
                               .time_ms = time_ms,
                               .uptime_ms = uptime_ms};
}

static void present(struct world *world, struct world_scan scan,
                    const char *number) {
    char token[TS_TOKEN_TEXT], data[160];

    world_token(world, number, token);
    snprintf(data, sizeof data, "{\"card\":\"%s\",\"masked\":\"6538\"}", token);
    scan.type = "card.presented";
    scan.data = data;
    world_store(world, &scan);
}

static const char *at(const json_t *answer, size_t i, const char *member) {
    const char *text = json_string_value(json_object_get(
        json_array_get(json_object_get(answer, "journey"), i), member));

    return text ? text : "";
}

static void all_channels_in_the_order_of_what_happened(void **state) {
    static const char *const channels[] = {"advertising", "web",   "shop",
                                           "email",       "store", "store"};
    static const char *const titles[] = {
        "Page viewed: Home",          "Product viewed: Moka 3 cups",
        "Order completed, 49.90 EUR", "Email opened: November",
        "Card presented: 6538",       "Item scanned: 08001120000019"};
    struct world *world = *state;
    int64_t start = world->now.unix_ms;
    struct world_scan item = scan_of("item.scanned", 2, start - 1000, 6000);
    json_t *answer;

    item.data = "{\"gtin\":\"08001120000019\"}";
    /* Arrives last to first. */
    world_store(world, &item);
    present(world, scan_of("", 1, start - 2000, 5000), "2501008336538");
    world_online(world, "{\"type\":\"track\",\"event\":\"Email Opened\","
                        "\"messageId\":\"4\",\"timestamp\":"
                        "\"2026-11-20T12:00:00Z\",\"userId\":\"anna\","
                        "\"properties\":{\"campaign_name\":\"November\"}}");
    world_online(world, "{\"type\":\"track\",\"event\":\"Order Completed\","
                        "\"messageId\":\"3\",\"timestamp\":"
                        "\"2026-11-20T11:00:00Z\",\"userId\":\"anna\","
                        "\"properties\":{\"total\":49.9,\"currency\":\"EUR\","
                        "\"loyalty_card\":\"2501008336538\"}}");
    world_online(world, "{\"type\":\"track\",\"event\":\"Product Viewed\","
                        "\"messageId\":\"2\",\"timestamp\":"
                        "\"2026-11-20T10:30:00Z\",\"anonymousId\":\"b\","
                        "\"userId\":\"anna\",\"properties\":{\"name\":"
                        "\"Moka 3 cups\"}}");
    world_online(world, "{\"type\":\"page\",\"name\":\"Home\",\"messageId\":"
                        "\"1\",\"timestamp\":\"2026-11-20T10:00:00Z\","
                        "\"anonymousId\":\"b\",\"context\":{\"campaign\":{"
                        "\"source\":\"google\",\"medium\":\"cpc\"}}}");
    world_derive(world, true);
    answer = world_lookup(world, "card", "2501008336538");
    assert_int_equal(json_array_size(json_object_get(answer, "journey")), 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(at(answer, i, "channel"), channels[i]);
        assert_string_equal(at(answer, i, "title"), titles[i]);
    }
    assert_string_equal(at(answer, 5, "store"), "milano-01");
    assert_string_equal(at(answer, 5, "terminal"), "milano-01-lane-1");
    json_decref(answer);
}

static void store_titles_say_what_the_code_told(void **state) {
    static const struct {
        const char *type, *data, *title;
    } rows[] = {
        {"item.scanned",
         "{\"gtin\":\"02001230000009\",\"weight_g\":1250,\"price_minor\":499,"
         "\"currency\":\"EUR\",\"lot\":\"L-7\",\"expiry\":\"2026-12-31\"}",
         "Item scanned: 02001230000009, 1.250 kg, 4.99 EUR, expires "
         "2026-12-31, lot L-7"},
        {"item.scanned",
         "{\"gtin\":\"02001230000009\",\"price_minor\":120,"
         "\"currency\":\"JPY\"}",
         "Item scanned: 02001230000009, 120 JPY"},
        {"item.scanned", "{\"code\":\"BAG-1\",\"weight_g\":\"heavy\"}",
         "Item scanned: BAG-1"},
        {"coupon.presented", "{\"coupon\":\"8110-0614141-012345\"}",
         "Coupon presented: 8110-0614141-012345"},
    };
    struct world *world = *state;
    int64_t start = world->now.unix_ms;
    json_t *answer;

    present(world, scan_of("", 1, start - 9000, 1000), "2501008336538");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world_scan scan = scan_of(
            rows[i].type, i + 2, start - 8000 + (int64_t)i, 2000 + (int64_t)i);
        scan.data = rows[i].data;
        world_store(world, &scan);
    }
    world_derive(world, true);
    answer = world_lookup(world, "card", "2501008336538");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(at(answer, i + 1, "channel"), "store");
        assert_string_equal(at(answer, i + 1, "title"), rows[i].title);
    }
    json_decref(answer);
}

static void a_corrected_clock_places_earlier_events(void **state) {
    struct world *world = *state;
    int64_t start = world->now.unix_ms;
    struct world_scan early = scan_of("", 1, 0, 10000);
    struct world_scan fixed =
        scan_of("clock.corrected", 2, start - 30000, 40000);
    char expected[TS_TIME_TEXT], data[160], hub[TS_TIME_TEXT];
    json_t *answer;

    early.clock = "unset";
    present(world, early, "2501008336538");
    ts_wall_text(hub, (struct ts_wall){start - 30000});
    snprintf(data, sizeof data,
             "{\"boot\":\"5d1e88c2\",\"uptime\":\"40000\",\"hubtime\":\"%s\","
             "\"error_ms\":4}",
             hub);
    fixed.data = data;
    fixed.visit = NULL;
    fixed.clock = "corrected";
    world_store(world, &fixed);
    world_derive(world, false);
    answer = world_lookup(world, "card", "2501008336538");
    ts_wall_text(expected, (struct ts_wall){start - 60000});
    assert_string_equal(at(answer, 0, "time"), expected);
    assert_string_equal(at(answer, 0, "original_time"),
                        "1970-01-01T00:00:00.000Z");
    assert_true(json_is_false(json_object_get(
        json_array_get(json_object_get(answer, "journey"), 0), "approximate")));
    json_decref(answer);
}

static bool is_approximate(const json_t *answer, size_t i) {
    return json_is_true(json_object_get(
        json_array_get(json_object_get(answer, "journey"), i), "approximate"));
}

/* Two boots in the dark, then one that learns the time: the two stand between
 * the boot before them and the one behind, in the order of their coming. */
static void boots_in_the_dark_stand_between_their_neighbours(void **state) {
    static const char *const boots[] = {"77777777", "11111111"};
    struct world *world = *state;
    int64_t start = world->now.unix_ms;
    struct world_scan scan = scan_of("", 1, start - 90000, 1000);
    char data[160], hub[TS_TIME_TEXT], expected[TS_TIME_TEXT];
    json_t *answer;

    present(world, scan, "2501008336538");
    scan.clock = "unset";
    scan.time_ms = 5;
    for (size_t i = 0; i < 4; i++) {
        scan.boot = boots[i / 2];
        scan.sequence = i + 1;
        scan.uptime_ms = 9000 - (int64_t)i / 2 * 5000 + (int64_t)i % 2;
        present(world, scan, "2501008336538");
    }
    world_derive(world, false);
    answer = world_lookup(world, "card", "2501008336538");
    for (size_t i = 1; i < 5; i++) {
        assert_true(is_approximate(answer, i));
        assert_true(strcmp(at(answer, i, "time"), at(answer, 0, "time")) > 0);
    }
    json_decref(answer);
    scan.boot = "33333333";
    scan.sequence = 1;
    scan.uptime_ms = 2000;
    present(world, scan, "2501008336538");
    ts_wall_text(hub, (struct ts_wall){start - 30000});
    snprintf(data, sizeof data,
             "{\"boot\":\"33333333\",\"uptime\":\"12000\",\"hubtime\":"
             "\"%s\",\"error_ms\":4}",
             hub);
    scan = scan_of("clock.corrected", 2, start, 12000);
    scan.boot = "33333333";
    scan.clock = "corrected";
    scan.visit = NULL;
    scan.data = data;
    world_store(world, &scan);
    world_derive(world, false);
    answer = world_lookup(world, "card", "2501008336538");
    assert_int_equal(json_array_size(json_object_get(answer, "journey")), 6);
    ts_wall_text(expected, (struct ts_wall){start - 40000});
    for (size_t i = 1; i < 6; i++) {
        char key[80];
        const char *boot = i < 5 ? boots[(i - 1) / 2] : "33333333";
        snprintf(key, sizeof key, "milano-01-lane-1/00000000%s/%020d", boot,
                 i < 5 ? (int)i : 1);
        assert_string_equal(at(answer, i, "key"), key);
        assert_string_equal(at(answer, i, "time"), expected);
        assert_int_equal(is_approximate(answer, i), i < 5);
    }
    json_decref(answer);
}

static struct dating placed(const char *clock, int64_t uptime_ms,
                            const struct dating_instant *instants,
                            size_t count) {
    struct archive_event event = {.clock = ts_slice_text(clock),
                                  .boot = ts_slice_text("5d1e88c2"),
                                  .time = {77},
                                  .received = {2000000},
                                  .uptime = {uptime_ms}};

    return dating_place(&event, instants, count);
}

static void what_leaves_the_least_error_places_an_event(void **state) {
    static const struct dating_instant instants[] = {
        {11000, 1010100, 30}, {1000, 1000000, 20}, {5900, 1009999, 60000}};
    /* Nine seconds cannot have passed in one. */
    static const struct dating_instant torn[] = {{1000, 1000000, 0},
                                                 {2000, 1009000, 0}};
    static const struct {
        int64_t uptime_ms, time_ms, error_ms;
    } rows[] = {{6000, 1005050, 31},       {1000, 1000000, 21},
                {500, 999500, 47},         {12000, 1011100, 83},
                {0, 999000, 73},           {30000, 1029100, 1031},
                {2000000, 2000000, 104715}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dating place = placed("unset", rows[i].uptime_ms, instants, 3);
        assert_int_equal(place.time.unix_ms, rows[i].time_ms);
        assert_int_equal(place.error_ms, rows[i].error_ms);
        assert_true(place.corrected);
        assert_false(place.approximate);
    }
    assert_int_equal(placed("unset", 1100, torn, 2).time.unix_ms, 1000100);
    assert_int_equal(placed("corrected", 6000, instants, 3).time.unix_ms,
                     1005050);
}

static void a_clock_that_nothing_vouches_for_is_approximate(void **state) {
    struct archive_event early = {.clock = ts_slice_text("set"),
                                  .boot = ts_slice_text("5d1e88c2"),
                                  .time = {1000000},
                                  .received = {999000}};
    struct dating place = placed("unset", 6000, NULL, 0);

    (void)state;
    assert_true(place.approximate);
    assert_int_equal(place.time.unix_ms, 2000000);
    assert_int_equal(place.error_ms, -1);
    place = placed("corrected", 6000, NULL, 0);
    assert_true(place.approximate);
    assert_int_equal(place.time.unix_ms, 77);
    place = placed("set", 6000, NULL, 0);
    assert_false(place.approximate);
    assert_int_equal(place.time.unix_ms, 77);
    assert_int_equal(place.error_ms, DATING_SURE_MS);
    assert_false(dating_place(&early, NULL, 0).approximate);
    early.time.unix_ms = 1000001;
    assert_true(dating_place(&early, NULL, 0).approximate);
    assert_int_equal(dating_place(&early, NULL, 0).time.unix_ms, 999000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            all_channels_in_the_order_of_what_happened, setup, teardown),
        cmocka_unit_test_setup_teardown(store_titles_say_what_the_code_told,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_corrected_clock_places_earlier_events,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            boots_in_the_dark_stand_between_their_neighbours, setup, teardown),
        cmocka_unit_test(what_leaves_the_least_error_places_an_event),
        cmocka_unit_test(a_clock_that_nothing_vouches_for_is_approximate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
