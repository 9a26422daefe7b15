/* When deriving has its turn, in a loop whose clock the test moves. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ASIDE_MS = 2000, SLICE = 7 };

/* Taking rests only between `turns`: each of its turns archives one event. */
struct stand {
    struct world world;
    struct event_base *loop;
    struct event *take;
    struct derive *derive;
    unsigned shard;
    unsigned taken;
    unsigned left; /* turns of taking */
};

static void archive_one(struct stand *stand) {
    struct ts_wall now = stand->world.now;
    struct world_scan scan = {.store = "milano-01",
                              .terminal = "milano-01-lane-1",
                              .boot = "5d1e88c2",
                              .type = "item.scanned",
                              .time_ms = now.unix_ms,
                              .sequence = ++stand->taken};

    world_store(&stand->world, &scan);
    stand->world.now = now;
    derive_notify(stand->derive, stand->shard);
}

static void on_take(evutil_socket_t fd, short what, void *ctx) {
    struct stand *stand = ctx;
    struct timeval at_once = {0};

    (void)fd;
    (void)what;
    archive_one(stand);
    if (--stand->left)
        event_add(stand->take, &at_once);
    else
        (void)event_base_loopbreak(stand->loop);
}

static bool on_count(void *arg, const struct archive_event *event) {
    (void)event;
    ++*(unsigned *)arg;
    return true;
}

static bool on_cursor(void *arg, const struct db_value *columns, size_t count) {
    (void)count;
    *(uint64_t *)arg = (uint64_t)columns[0].number;
    return false;
}

/* Archived events that are not derived. */
static unsigned waiting(struct stand *stand) {
    struct db_value values[] = {db_int(stand->shard)};
    uint64_t cursor = 0;
    unsigned count = 0;
    struct ts_err err;

    if (db_run(stand->world.db, &derive_statements[0], values, 1, on_cursor,
               &cursor, &err) != TS_OK ||
        archive_after(stand->world.db, stand->shard, cursor, 1000, on_count,
                      &count, &err) != TS_OK)
        fail_msg("%s", err.text);
    return count;
}

/* Until there is nothing to do at once. */
static void rest(struct stand *stand) {
    (void)event_base_loop(stand->loop, EVLOOP_NONBLOCK);
}

static void turns(struct stand *stand, unsigned count) {
    stand->left = count;
    event_active(stand->take, 0, 0);
    (void)event_base_dispatch(stand->loop);
}

static int setup(void **state) {
    struct stand *stand = ts_alloc(sizeof *stand);

    world_open(&stand->world);
    stand->loop = event_base_new();
    assert_int_equal(event_base_priority_init(stand->loop, 3), 0);
    stand->take = event_new(stand->loop, -1, 0, on_take, stand);
    stand->shard = ts_shard(ts_slice_text("milano-01"));
    stand->world.derive.slice = SLICE;
    stand->world.derive.poll_ms = 60000;
    stand->world.derive.aside_ms = ASIDE_MS;
    stand->derive = derive_new(stand->loop, &stand->world.derive);
    *state = stand;
    return 0;
}

static int teardown(void **state) {
    struct stand *stand = *state;

    derive_free(stand->derive);
    event_free(stand->take);
    event_base_free(stand->loop);
    world_close(&stand->world);
    free(stand);
    return 0;
}

static void a_lone_event_is_derived_at_once(void **state) {
    struct stand *stand = *state;

    archive_one(stand);
    assert_int_equal(waiting(stand), 1);
    rest(stand);
    assert_int_equal(waiting(stand), 0);
}

static void deriving_steps_aside_while_events_are_taken(void **state) {
    struct stand *stand = *state;

    turns(stand, 20);
    stand->world.now.unix_ms += ASIDE_MS - 1;
    turns(stand, 20);
    assert_int_equal(waiting(stand), 40);
    rest(stand);
    assert_int_equal(waiting(stand), 0);
}

static void a_constant_stream_does_not_starve_it(void **state) {
    struct stand *stand = *state;

    turns(stand, 20);
    assert_int_equal(waiting(stand), 20);
    stand->world.now.unix_ms += ASIDE_MS;
    /* It takes as many turns as taking does, and more in each. */
    turns(stand, 4);
    assert_true(waiting(stand) <= 3);
    /* It has caught up, and steps aside again. */
    turns(stand, 20);
    assert_true(waiting(stand) >= 17);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_lone_event_is_derived_at_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            deriving_steps_aside_while_events_are_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(a_constant_stream_does_not_starve_it,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
