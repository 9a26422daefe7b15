/* Clocks that lie: what a terminal stamps and a hub derives is compared with
 * the true time of each scan, which only the test knows. The terminal's part
 * is its timekeeper and the encoder; the hub's are intake, derive and the
 * journey, on both engines. */
#include "agent/timekeeper.h"
#include "hub/dating.h"
#include "hub/intake.h"
#include "hub/registry.h"
#include "sync/message.h"
#include "tests/unit/hub/engines.h"
#include "tests/unit/hub/world.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LANE  "milano-01-lane-3"
#define STORE "milano-01"
#define CARD  "2501008336538"

enum { MAX_EVENTS = 256, MAX_STEPS = 24, SURE_MS = 1000 };

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define YEAR   (8760 * HOUR)

#define BEGINNING INT64_C(1795255200000)

enum what {
    END,
    BOOT,    /* the machine starts; arg: what its wall clock says, from 1970 */
    RESTART, /* the agent alone */
    SCAN,    /* arg: how many, a second apart */
    WAIT,    /* arg: true milliseconds */
    SEND,    /* what is unsent, and its acks; arg: the way there and back */
    LOST,    /* the same, but the acks do not come */
    JUMP,    /* the wall clock, by arg; no longer synchronised */
    LIE,     /* the same, but the system goes on to say synchronised */
    NTP,     /* synchronised, arg away from the truth */
    ADRIFT   /* no longer synchronised */
};

struct step {
    enum what what;
    int64_t arg;
};

struct scenario {
    const char *name;
    struct step steps[MAX_STEPS];
    int drift; /* of the terminal's clocks, in thousandths */
    /* How many scans the hub places between two instants or by a synchronised
     * clock, beside instants, and without any. */
    unsigned between, beside, approximate;
};

static const struct scenario scenarios[] = {
    {"starts in 1970",
     {{BOOT, 40 * SECOND},
      {SCAN, 3},
      {SEND, 80},
      {SCAN, 3},
      {WAIT, 20 * MINUTE},
      {SCAN, 2},
      {SEND, 80},
      {SCAN, 1}},
     0,
     5,
     4,
     0},
    {"a jump of a year both ways",
     {{BOOT, BEGINNING},
      {SCAN, 1},
      {SEND, 50},
      {JUMP, YEAR},
      {SCAN, 3},
      {JUMP, -2 * YEAR},
      {SCAN, 3},
      {JUMP, YEAR},
      {SCAN, 1},
      {WAIT, 15 * MINUTE},
      {SCAN, 1},
      {SEND, 50}},
     0,
     8,
     1,
     0},
    {"a jump of a year out of synchronisation and back",
     {{BOOT, 0},
      {NTP, 200},
      {SCAN, 2},
      {JUMP, YEAR},
      {SCAN, 2},
      {JUMP, -2 * YEAR},
      {SCAN, 2},
      {WAIT, HOUR},
      {NTP, -150},
      {SCAN, 2},
      {SEND, 50}},
     0,
     8,
     0,
     0},
    {"a system that lies about a year",
     {{BOOT, BEGINNING},
      {NTP, 0},
      {SCAN, 1},
      {SEND, 50},
      {LIE, YEAR},
      {SCAN, 2},
      {LIE, -2 * YEAR},
      {SCAN, 2},
      {WAIT, HOUR},
      {SCAN, 1},
      {SEND, 50}},
     0,
     6,
     0,
     0},
    {"runs 5 % fast through hours without a line",
     {{BOOT, BEGINNING - YEAR},
      {SCAN, 2},
      {WAIT, HOUR},
      {SCAN, 2},
      {SEND, 120},
      {WAIT, 3 * HOUR},
      {SCAN, 5},
      {WAIT, 4 * HOUR},
      {SCAN, 5},
      {SEND, 120},
      {WAIT, 6 * HOUR},
      {SCAN, 2},
      {LOST, 120}},
     50,
     10,
     6,
     0},
    {"runs 5 % slow through hours without a line",
     {{BOOT, BEGINNING + YEAR},
      {SCAN, 2},
      {WAIT, HOUR},
      {SCAN, 2},
      {SEND, 120},
      {WAIT, 3 * HOUR},
      {SCAN, 5},
      {WAIT, 4 * HOUR},
      {SCAN, 5},
      {SEND, 120},
      {WAIT, 6 * HOUR},
      {SCAN, 2},
      {LOST, 120}},
     -50,
     10,
     6,
     0},
    {"drifts when it is no longer synchronised",
     {{BOOT, 0},
      {NTP, 0},
      {SCAN, 1},
      {SEND, 30},
      {ADRIFT, 0},
      {WAIT, 2 * HOUR},
      {SCAN, 4},
      {NTP, 0},
      {SCAN, 1},
      {ADRIFT, 0},
      {WAIT, 5 * MINUTE},
      {SCAN, 3},
      {RESTART, 0},
      {WAIT, HOUR},
      {SCAN, 1},
      {LOST, 30}},
     50,
     6,
     4,
     0},
    {"two boots without the hub, then one with it",
     {{BOOT, BEGINNING},
      {SCAN, 2},
      {SEND, 60},
      {WAIT, HOUR},
      {SCAN, 2},
      {BOOT, 0},
      {SCAN, 4},
      {WAIT, HOUR},
      {SCAN, 2},
      {BOOT, 0},
      {SCAN, 3},
      {BOOT, 0},
      {SCAN, 2},
      {SEND, 60},
      {SCAN, 1}},
     50,
     0,
     7,
     9},
    {"two boots, and neither hears the hub",
     {{BOOT, 0}, {SCAN, 3}, {WAIT, HOUR}, {BOOT, 0}, {SCAN, 3}, {LOST, 60}},
     -50,
     0,
     0,
     6},
    {"cut before the first ack",
     {{BOOT, 0},
      {SCAN, 2},
      {LOST, 60},
      {WAIT, HOUR},
      {SEND, 60},
      {WAIT, HOUR},
      {SCAN, 1},
      {SEND, 60}},
     0,
     0,
     3,
     0},
    {"cut before the first ack, and nothing since",
     {{BOOT, 0}, {SCAN, 2}, {LOST, 60}, {WAIT, HOUR}, {SEND, 60}},
     0,
     0,
     0,
     2},
    {"an agent that restarts knows the time of its boot",
     {{BOOT, 0},
      {SCAN, 1},
      {SEND, 60},
      {RESTART, 0},
      {SCAN, 2},
      {WAIT, HOUR},
      {SCAN, 2},
      {RESTART, 0},
      {SCAN, 1},
      {SEND, 60}},
     50,
     5,
     1,
     0},
    {"a line of a minute, then a quick one",
     {{BOOT, 0},
      {SCAN, 2},
      {SEND, MINUTE},
      {WAIT, HOUR},
      {SCAN, 2},
      {SEND, 40},
      {WAIT, HOUR},
      {SCAN, 2},
      {SEND, 40},
      {SCAN, 1}},
     0,
     2,
     5,
     0},
};

/* What the terminal wrote, and what only the test knows of it. */
struct written {
    int64_t true_ms, uptime_ms;
    enum event_clock clock;
    struct ts_wall time;
    char journal[TS_JOURNAL_TEXT], boot[TS_BOOT_TEXT];
    uint64_t sequence;
    struct ts_buf bytes;
    bool scan, sent, acked;
    bool instant;       /* meets a trusted time, within a second */
    int64_t instant_ms; /* at which uptime */
};

struct scene {
    struct world world; /* now: the true time, and the hub's */
    struct lease lease;
    struct ts_metrics *metrics;
    struct intake *intake;

    const struct scenario *scenario;
    struct ts_clock clock; /* the terminal's */
    struct timekeeper keeper;
    char kept[TIMEKEEPER_TEXT];
    struct event_origin origin;
    char journal[TS_JOURNAL_TEXT];
    unsigned journals, boots;
    int64_t booted_ms, wall_ms, wall_set_ms; /* true times of both settings */
    bool synchronised;
    uint64_t sequence;

    struct written events[MAX_EVENTS];
    size_t count;
};

static int64_t run_ms(const struct scene *scene, int64_t true_ms) {
    return true_ms + true_ms * scene->scenario->drift / 1000;
}

static struct ts_wall lane_wall(void *ctx) {
    const struct scene *scene = ctx;
    int64_t since_ms = scene->world.now.unix_ms - scene->wall_set_ms;

    /* A synchronised clock is held to the time; its uptime is not. */
    return (struct ts_wall){scene->wall_ms + (scene->synchronised
                                                  ? since_ms
                                                  : run_ms(scene, since_ms))};
}

static struct ts_mono lane_mono(void *ctx) {
    const struct scene *scene = ctx;

    return (struct ts_mono){
        7000 + run_ms(scene, scene->world.now.unix_ms - scene->booted_ms)};
}

static bool lane_synchronised(void *ctx) {
    return ((const struct scene *)ctx)->synchronised;
}

static void set_wall(struct scene *scene, int64_t wall_ms) {
    scene->wall_ms = wall_ms;
    scene->wall_set_ms = scene->world.now.unix_ms;
}

static void start_agent(struct scene *scene) {
    timekeeper_init(&scene->keeper, &scene->clock);
    (void)snprintf(scene->keeper.boot, sizeof scene->keeper.boot, "%08x",
                   0x9000u - scene->boots);
    memcpy(scene->origin.boot, scene->keeper.boot, sizeof scene->origin.boot);
    timekeeper_restore(&scene->keeper, scene->kept);
    (void)snprintf(scene->journal, sizeof scene->journal, "%016x",
                   0xffffu - scene->journals++);
    scene->sequence = 0;
}

static void write_event(struct scene *scene, const char *type, json_t *data) {
    struct written *out = &scene->events[scene->count++];
    struct event event = {.type = type, .data = data};
    struct ts_err err = {TS_OK, ""};

    assert_true(scene->count < MAX_EVENTS);
    timekeeper_stamp(&scene->keeper, &event);
    *out = (struct written){.true_ms = scene->world.now.unix_ms,
                            .uptime_ms = event.uptime.ms,
                            .clock = event.clock,
                            .time = event.time,
                            .sequence = ++scene->sequence,
                            .scan = !strcmp(type, "card.presented"),
                            .instant = event.clock == EVENT_CLOCK_SET,
                            .instant_ms = event.uptime.ms};
    memcpy(out->journal, scene->journal, sizeof out->journal);
    memcpy(out->boot, scene->keeper.boot, sizeof out->boot);
    if (event_encode(&out->bytes, &scene->origin, scene->journal, out->sequence,
                     &event, &err) != TS_OK)
        fail_msg("%s", err.text);
    json_decref(data);
}

static void scan(struct scene *scene) {
    char token[TS_TOKEN_TEXT];

    scene->world.now.unix_ms += SECOND;
    world_token(&scene->world, CARD, token);
    write_event(scene, "card.presented",
                json_pack("{s:s,s:s,s:s,s:s}", "reader", "hand", "card", token,
                          "masked", "6538", "symbology", "EAN-13"));
}

/* As the lane writes it. */
static void write_corrected(struct scene *scene, struct ts_wall hubtime,
                            struct ts_mono at, int64_t error_ms) {
    char hub[TS_TIME_TEXT], uptime[TS_COUNTER_TEXT];

    ts_wall_text(hub, hubtime);
    (void)snprintf(uptime, sizeof uptime, "%" PRId64, at.ms);
    write_event(scene, "clock.corrected",
                json_pack("{s:s,s:s,s:s,s:I}", "boot", scene->keeper.boot,
                          "uptime", uptime, "hubtime", hub, "error_ms",
                          (json_int_t)error_ms));
    scene->events[scene->count - 1].instant = error_ms <= SURE_MS;
    scene->events[scene->count - 1].instant_ms = at.ms;
    timekeeper_text(&scene->keeper, scene->kept);
}

static struct message_ack give(struct scene *scene, struct ts_slice payload) {
    struct topic topic = {.leaf = TOPIC_EVENTS, .name = LANE};
    struct intake_reply reply = {.any = false};
    struct message_ack ack = {.through = 0};
    struct ts_err err = {TS_OK, ""};
    json_t *json = NULL;

    topic.shard = ts_shard(ts_slice_text(STORE));
    if (intake_message(scene->intake, &topic, payload, false, &reply, &err) !=
            TS_OK ||
        !reply.any ||
        ts_json_parse(&json, ts_buf_slice(&reply.payload), &err) != TS_OK ||
        message_ack_decode(&ack, json, &err) != TS_OK)
        fail_msg("%s", err.text);
    json_decref(json);
    intake_reply_fini(&reply);
    assert_int_equal(ack.refused, BATCH_TAKEN);
    return ack;
}

/* The first journal that has unacknowledged events, in one batch; false: none.
 * `*fresh`: none of them was ever sent. */
static bool fill_batch(struct scene *scene, struct batch *batch, bool *fresh,
                       size_t *first, size_t *last) {
    size_t i = 0;

    while (i < scene->count && scene->events[i].acked)
        i++;
    *first = i;
    *fresh = true;
    for (; i < scene->count &&
           !strcmp(scene->events[i].journal, scene->events[*first].journal);
         i++) {
        assert_int_equal(
            batch_add(batch, ts_buf_slice(&scene->events[i].bytes)), TS_OK);
        *fresh = *fresh && !scene->events[i].sent;
        scene->events[i].sent = true;
    }
    *last = i;
    return batch->events > 0;
}

/* The hub reads its clock late on the way: the middle is as wrong as it can
 * be. */
static bool exchange(struct scene *scene, int64_t round_ms, bool lost) {
    struct batch batch;
    struct message_ack ack;
    struct ts_mono sent = ts_clock_mono(&scene->clock);
    size_t first, last;
    bool fresh;
    int64_t took_ms;

    batch_init(&batch);
    if (fill_batch(scene, &batch, &fresh, &first, &last)) {
        assert_int_equal(ts_buf_add_text(&batch.json, "]"), TS_OK);
        scene->world.now.unix_ms += round_ms * 9 / 10;
        ack = give(scene, ts_buf_slice(&batch.json));
        scene->world.now.unix_ms += round_ms - round_ms * 9 / 10;
        took_ms = ts_clock_mono(&scene->clock).ms - sent.ms;
        sent.ms += took_ms / 2;
        for (size_t i = first; i < last; i++)
            scene->events[i].acked = true;
        if (fresh && !lost &&
            timekeeper_learn(&scene->keeper, ack.hubtime, sent,
                             (took_ms + 1) / 2))
            write_corrected(scene, ack.hubtime, sent, (took_ms + 1) / 2);
    }
    last = batch.events;
    batch_fini(&batch);
    return last > 0;
}

static void send_all(struct scene *scene, int64_t round_ms, bool lost) {
    while (exchange(scene, round_ms, lost))
        ;
    for (size_t i = 0; lost && i < scene->count; i++)
        scene->events[i].acked = false;
}

static void boot(struct scene *scene, int64_t wall_ms) {
    scene->world.now.unix_ms += MINUTE;
    scene->boots++;
    scene->booted_ms = scene->world.now.unix_ms;
    scene->synchronised = false;
    set_wall(scene, wall_ms);
    start_agent(scene);
}

static void jump(struct scene *scene, int64_t by_ms) {
    set_wall(scene, lane_wall(scene).unix_ms + by_ms);
}

static void take_step(struct scene *scene, const struct step *step) {
    switch (step->what) {
    case BOOT:
        boot(scene, step->arg);
        break;
    case RESTART:
        start_agent(scene);
        break;
    case SCAN:
        for (int64_t i = 0; i < step->arg; i++)
            scan(scene);
        break;
    case WAIT:
        scene->world.now.unix_ms += step->arg;
        break;
    case SEND:
    case LOST:
        send_all(scene, step->arg, step->what == LOST);
        break;
    case JUMP:
        jump(scene, step->arg);
        scene->synchronised = false;
        break;
    case LIE:
        jump(scene, step->arg);
        break;
    case NTP:
        set_wall(scene, scene->world.now.unix_ms + step->arg);
        scene->synchronised = true;
        break;
    default:
        jump(scene, 0);
        scene->synchronised = false;
    }
}

static void scene_open(struct scene *scene, const char *url) {
    struct intake_options options = {.lease = &scene->lease, .window = 16};
    struct ts_err err = {TS_OK, ""};

    memset(scene, 0, sizeof *scene);
    world_open_at(&scene->world, url);
    scene->world.now.unix_ms = BEGINNING;
    scene->clock =
        (struct ts_clock){scene, lane_wall, lane_mono, lane_synchronised};
    memcpy(scene->origin.store, STORE, sizeof STORE);
    memcpy(scene->origin.terminal, LANE, sizeof LANE);
    if (lease_take(&scene->lease, scene->world.db, "hub-1", true,
                   (struct ts_wall){BEGINNING + YEAR}, &err) != TS_OK ||
        registry_add(scene->world.db, LANE, STORE, scene->world.now, &err) !=
            TS_OK)
        fail_msg("%s", err.text);
    scene->metrics = ts_metrics_new();
    intake_declare(scene->metrics);
    options.db = scene->world.db;
    options.metrics = scene->metrics;
    options.clock = &scene->world.clock;
    scene->intake = intake_new(&options);
}

static void scene_close(struct scene *scene) {
    for (size_t i = 0; i < scene->count; i++)
        ts_buf_fini(&scene->events[i].bytes);
    intake_free(scene->intake);
    ts_metrics_free(scene->metrics);
    world_close(&scene->world);
}

static void key_of(const struct written *event, char out[128]) {
    (void)snprintf(out, 128, LANE "/%s/%020" PRIu64, event->journal,
                   event->sequence);
}

enum side { BETWEEN, BESIDE, NOWHERE };

/* Where the scan stands among the instants of its boot that arrived. */
static enum side side_of(const struct scene *scene,
                         const struct written *event) {
    bool before = false, after = false, any = false;

    for (size_t i = 0; i < scene->count; i++) {
        const struct written *other = &scene->events[i];
        bool tells = !other->scan || other->instant;
        if (strcmp(other->boot, event->boot) != 0 || !other->sent || !tells)
            continue;
        any = true;
        before |= other->instant && other->instant_ms <= event->uptime_ms;
        after |= other->instant && other->instant_ms >= event->uptime_ms;
    }
    return before && after ? BETWEEN : any ? BESIDE : NOWHERE;
}

static int64_t time_of(const json_t *moment, const char *member) {
    struct ts_wall at = {0};

    assert_int_equal(ts_wall_parse(&at, ts_json_text(moment, member)), TS_OK);
    return at.unix_ms;
}

static void check_moment(const struct scene *scene, const struct written *event,
                         const json_t *moment, unsigned counts[3]) {
    enum side side = side_of(scene, event);
    int64_t off_ms = time_of(moment, "time") - event->true_ms;
    const json_t *error = json_object_get(moment, "error_ms");
    char key[128];

    key_of(event, key);
    counts[side]++;
    assert_string_equal(json_string_value(json_object_get(moment, "key")), key);
    assert_int_equal(json_is_true(json_object_get(moment, "approximate")),
                     side == NOWHERE);
    if (side == BETWEEN && llabs(off_ms) > SURE_MS)
        fail_msg("%s: off by %" PRId64 " ms between two instants", key, off_ms);
    if (side != NOWHERE && !json_is_integer(error))
        fail_msg("%s: no error_ms", key);
    if (side != NOWHERE && llabs(off_ms) > json_integer_value(error))
        fail_msg("%s: off by %" PRId64 " ms, more than error_ms %lld", key,
                 off_ms, (long long)json_integer_value(error));
    if (json_object_get(moment, "original_time"))
        assert_int_equal(time_of(moment, "original_time"), event->time.unix_ms);
    else
        assert_true(llabs(time_of(moment, "time") - event->time.unix_ms) <=
                    SURE_MS);
}

static void check_journey(struct scene *scene) {
    const struct scenario *scenario = scene->scenario;
    json_t *answer = world_lookup(&scene->world, "card", CARD);
    const json_t *journey = json_object_get(answer, "journey");
    unsigned counts[3] = {0, 0, 0};
    size_t index = 0;

    for (size_t i = 0; i < scene->count; i++)
        if (scene->events[i].scan)
            check_moment(scene, &scene->events[i],
                         json_array_get(journey, index++), counts);
    assert_int_equal(json_array_size(journey), index);
    if (counts[BETWEEN] != scenario->between ||
        counts[BESIDE] != scenario->beside ||
        counts[NOWHERE] != scenario->approximate)
        fail_msg("%u between, %u beside, %u approximate", counts[BETWEEN],
                 counts[BESIDE], counts[NOWHERE]);
    json_decref(answer);
}

struct bodies {
    const struct scene *scene;
    size_t seen;
};

/* What is archived is what the terminal wrote, its wrong time included. */
static bool on_body(void *arg, const struct archive_event *event) {
    struct bodies *bodies = arg;

    for (size_t i = 0; i < bodies->scene->count; i++) {
        const struct written *out = &bodies->scene->events[i];
        struct ts_buf canonical = {0};
        json_t *json = NULL;
        char key[128];
        key_of(out, key);
        if (!ts_slice_equal(event->key, ts_slice_text(key)))
            continue;
        assert_int_equal(ts_json_parse(&json, ts_buf_slice(&out->bytes), NULL),
                         TS_OK);
        assert_int_equal(ts_json_canonical(&canonical, json), TS_OK);
        assert_true(ts_slice_equal(event->body, ts_buf_slice(&canonical)));
        assert_int_equal(event->time.unix_ms, out->time.unix_ms);
        bodies->seen++;
        json_decref(json);
        ts_buf_fini(&canonical);
    }
    return true;
}

static void check_archive(struct scene *scene) {
    struct bodies bodies = {scene, 0};
    struct ts_err err = {TS_OK, ""};

    if (archive_after(scene->world.db, ts_shard(ts_slice_text(STORE)), 0,
                      MAX_EVENTS, on_body, &bodies, &err) != TS_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < scene->count; i++)
        bodies.seen -= scene->events[i].sent;
    assert_int_equal(bodies.seen, 0);
}

static void play(const struct scenario *scenario, const char *url) {
    static struct scene scene;
    uint64_t events = 0;
    struct ts_err err = {TS_OK, ""};

    print_message("%s\n", scenario->name);
    scene_open(&scene, url);
    scene.scenario = scenario;
    for (size_t i = 0; i < MAX_STEPS && scenario->steps[i].what != END; i++)
        take_step(&scene, &scenario->steps[i]);
    send_all(&scene, 0, true);
    world_derive(&scene.world, false);
    check_journey(&scene);
    if (derive_rebuild(&scene.world.derive, &events, &err) != TS_OK)
        fail_msg("%s", err.text);
    check_journey(&scene);
    check_archive(&scene);
    scene_close(&scene);
}

static void play_all(void **state, const char *(*database)(struct engines *)) {
    const char *only = getenv("TESSERA_SCENARIO");

    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
        if (!only || strstr(scenarios[i].name, only))
            play(&scenarios[i], database(*state));
}

static void times_are_right_on_sqlite(void **state) {
    play_all(state, engines_sqlite);
}

static void times_are_right_on_postgres(void **state) {
    play_all(state, engines_postgres);
}

static int set_up(void **state) {
    *state = engines_start();
    return 0;
}

static int tear_down(void **state) {
    engines_stop(*state);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_right_on_sqlite),
        cmocka_unit_test(times_are_right_on_postgres),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
