#include "sync/topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void texts_are_as_documented(void **state) {
    char text[TOPIC_TEXT];
    unsigned shard = ts_shard(ts_slice_text("milano-01"));

    (void)state;
    assert_int_equal(shard, 0x20);
    topic_text(text, "tessera", shard, "milano-01-lane-3", TOPIC_EVENTS);
    assert_string_equal(text, "tessera/1/20/milano-01-lane-3/events");
    topic_text(text, "shop", 3, "milano-01", TOPIC_BELL);
    assert_string_equal(text, "shop/1/03/milano-01/bell");
    topic_text(text, "tessera", shard, NULL, TOPIC_HUB);
    assert_string_equal(text, "tessera/1/20/hub");
    topic_filter(text, "tessera", TOPIC_STATE);
    assert_string_equal(text, "tessera/1/+/+/state");
    topic_filter(text, "tessera", TOPIC_HUB);
    assert_string_equal(text, "tessera/1/+/hub");
}

static void every_leaf_comes_back(void **state) {
    (void)state;
    for (unsigned leaf = TOPIC_EVENTS; leaf <= TOPIC_HUB; leaf++) {
        char text[TOPIC_TEXT];
        struct topic topic;

        topic_text(text, "tessera", 63, "lane-1", (enum topic_leaf)leaf);
        assert_int_equal(topic_parse(&topic, "tessera", ts_slice_text(text)),
                         TS_OK);
        assert_int_equal(topic.leaf, leaf);
        assert_int_equal(topic.shard, 63);
        assert_string_equal(topic.name, leaf == TOPIC_HUB ? "" : "lane-1");
    }
}

static void the_longest_topic_fits(void **state) {
    char name[TS_NAME_TEXT];
    char root[TOPIC_ROOT_TEXT];
    char text[TOPIC_TEXT];
    struct topic topic;

    (void)state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    memset(root, 'r', sizeof root - 1);
    root[sizeof root - 1] = 0;
    assert_true(topic_root_valid(ts_slice_text(root)));
    topic_text(text, root, 0, name, TOPIC_EVENTS);
    assert_int_equal(topic_parse(&topic, root, ts_slice_text(text)), TS_OK);
    assert_string_equal(topic.name, name);
}

static void strange_topics_are_refused(void **state) {
    static const char *const bad[] = {
        "",
        "tessera",
        "tessera/1",
        "tessera/1/20",
        "tessera/1/20/",
        "tessera/1/20/lane-1",
        "tessera/1/20/lane-1/",
        "tessera/1/20/lane-1/hub",
        "tessera/1/20/lane-1/events/",
        "tessera/1/20/lane-1/events/x",
        "tessera/1/20/lane-1/Events",
        "tessera/1/20/hub/",
        "tessera/1/20/hub/events",
        "tessera/1/20/hub-1/events",
        "tessera/1/20/LANE/events",
        "tessera/1/20/+/events",
        "tessera/1/40/lane-1/events",
        "tessera/1/2/lane-1/events",
        "tessera/1/020/lane-1/events",
        "tessera/1/2G/lane-1/events",
        "tessera/1/3F/lane-1/events",
        "tessera/2/20/lane-1/events",
        "/tessera/1/20/lane-1/events",
        "other/1/20/lane-1/events",
        "tessera/1//lane-1/events",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct topic topic = {.shard = 99};
        if (topic_parse(&topic, "tessera", ts_slice_text(bad[i])) == TS_OK)
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(topic.shard, 99);
    }
}

static void roots_are_checked(void **state) {
    (void)state;
    assert_true(topic_root_valid(ts_slice_text("tessera")));
    assert_false(topic_root_valid(ts_slice_text("")));
    assert_false(topic_root_valid(ts_slice_text("a/b")));
    assert_false(topic_root_valid(ts_slice_text("Tessera")));
    assert_false(
        topic_root_valid(ts_slice_text("a23456789012345678901234567890123")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_as_documented),
        cmocka_unit_test(every_leaf_comes_back),
        cmocka_unit_test(the_longest_topic_fits),
        cmocka_unit_test(strange_topics_are_refused),
        cmocka_unit_test(roots_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
