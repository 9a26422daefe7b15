#include "world.h"

#include "hub/journey.h"

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

static void an_unset_clock_stands_after_what_came_before(void **state) {
    struct world *world = *state;
    int64_t start = world->now.unix_ms;
    struct world_scan before = scan_of("visit.opened", 1, start - 90000, 1000);
    struct world_scan unset = scan_of("", 1, 5, 2000);
    char expected[TS_TIME_TEXT];
    json_t *answer;

    world_store(world, &before);
    unset.boot = "77777777";
    unset.clock = "unset";
    present(world, unset, "2501008336538");
    unset.type = "item.scanned";
    unset.sequence = 2;
    unset.uptime_ms = 3000;
    world_store(world, &unset);
    world_derive(world, false);
    answer = world_lookup(world, "card", "2501008336538");
    ts_wall_text(expected, (struct ts_wall){start - 90000});
    assert_int_equal(json_array_size(json_object_get(answer, "journey")), 3);
    assert_string_equal(at(answer, 1, "type"), "card.presented");
    assert_string_equal(at(answer, 1, "time"), expected);
    assert_string_equal(at(answer, 2, "type"), "item.scanned");
    assert_true(json_is_true(json_object_get(
        json_array_get(json_object_get(answer, "journey"), 2), "approximate")));
    json_decref(answer);
}

static void between_two_instants_by_interpolation(void **state) {
    static const struct journey_instant instants[] = {{1000, 1000000},
                                                      {11000, 1010100}};
    struct archive_event event = {.clock = ts_slice_text("unset"),
                                  .received = {2000000},
                                  .uptime = {6000}};
    struct journey_place place = journey_place_event(&event, instants, 2, 0);

    (void)state;
    assert_int_equal(place.time.unix_ms, 1005050);
    assert_false(place.approximate);
    event.uptime.ms = 500;
    assert_int_equal(journey_place_event(&event, instants, 2, 0).time.unix_ms,
                     999500);
    event.uptime.ms = 12000;
    assert_int_equal(journey_place_event(&event, instants, 2, 0).time.unix_ms,
                     1011100);
    place = journey_place_event(&event, NULL, 0, 0);
    assert_true(place.approximate);
    assert_int_equal(place.time.unix_ms, 2000000);
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
            an_unset_clock_stands_after_what_came_before, setup, teardown),
        cmocka_unit_test(between_two_instants_by_interpolation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
