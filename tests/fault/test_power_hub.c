/* The hub's power goes at any instant of a day: every ack that it had sent is
 * true, and when the terminals are back the archive is whole, although they
 * have let go of all that was acknowledged. */
#include "cuts.h"
#include "rejoin.h"
#include "shelf.h"

#include "base/log.h"
#include "hub/desk.h"
#include "tests/unit/agent/support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STORE "milano-01"
enum { LANES = 2, RUNS = 3, ROUNDS = 14, PROMISES_MAX = 4096 };

/* The hub's word: an ack that has left. */
struct promise {
    unsigned lane, journal;
    uint64_t through;
};

struct promises {
    struct promise list[PROMISES_MAX];
    size_t count;
    struct power_notes notes; /* 0: how many there are */
};

struct lane {
    struct shelf shelf;
    struct rejoin *wire;
    struct promises *promises;
    unsigned number;
};

struct bench {
    struct hand_clock clock;
    char folder[FOLDER_TEXT]; /* of the hub */
    char url[96];
    struct rejoin_hub hub;
    struct lane lanes[LANES];
    struct promises promises, later;
    uint64_t lot;
    size_t twice, ahead; /* for the report */
};

static unsigned index_of(const struct shelf *shelf, const char *journal) {
    unsigned i = 0;

    while (i < shelf->count && strcmp(shelf->journals[i].name, journal) != 0)
        i++;
    assert_true(i < shelf->count);
    return i;
}

/* An ack leaves the hub. */
static bool on_message(void *ctx, enum rejoin_way way, enum topic_leaf leaf,
                       struct ts_slice payload) {
    struct lane *lane = ctx;
    struct promises *promises = lane->promises;
    struct message_ack ack;
    struct ts_err err = {0};
    json_t *json = NULL;

    if (way != REJOIN_DOWN || leaf != TOPIC_ACKS)
        return true;
    assert_int_equal(ts_json_parse(&json, payload, &err), TS_OK);
    assert_int_equal(message_ack_decode(&ack, json, &err), TS_OK);
    json_decref(json);
    assert_true(promises->count < PROMISES_MAX);
    promises->list[promises->count++] = (struct promise){
        lane->number, index_of(&lane->shelf, ack.journal), ack.through};
    atomic_store(&promises->notes.value[0], promises->count);
    return true;
}

static void open_hub(struct bench *bench) {
    rejoin_hub_open(&bench->hub, bench->url, &bench->clock.clock);
    for (int i = 0; i < LANES; i++)
        rejoin_hub_add(&bench->hub, bench->lanes[i].shelf.origin.terminal,
                       STORE);
}

static void join(struct bench *bench, struct lane *lane,
                 struct promises *promises) {
    lane->promises = promises;
    lane->wire = rejoin_new(
        &(struct rejoin_options){.hub = &bench->hub,
                                 .terminal = lane->shelf.origin.terminal,
                                 .store = STORE,
                                 .source = shelf_source(&lane->shelf),
                                 .max_publish_bytes = 700,
                                 .passes = on_message,
                                 .ctx = lane});
    rejoin_up(lane->wire);
}

static void part(struct lane *lane) {
    rejoin_free(lane->wire);
    lane->wire = NULL;
}

static void say_state(struct lane *lane, uint64_t session) {
    struct message_state state = {
        .online = true, .session = session, .version = "1", .store = STORE};
    const struct shelf *shelf = &lane->shelf;

    memcpy(state.boot, shelf->origin.boot, sizeof state.boot);
    memcpy(state.journal, shelf->journals[shelf->count - 1].name,
           sizeof state.journal);
    rejoin_say_state(lane->wire, &state);
}

static void change_desk(struct bench *bench, int number) {
    json_t *value = json_pack("{s:i}", "v", number);
    struct desk_change change = {.store = STORE,
                                 .kind = DESK_SETTING,
                                 .key = ts_slice_text("a"),
                                 .value = value,
                                 .now = ts_clock_wall(&bench->clock.clock)};
    struct ts_err err = {0};

    if (db_begin(bench->hub.db, &err) != TS_OK ||
        desk_put(bench->hub.db, &change, &err) != TS_OK ||
        db_commit(bench->hub.db, &err) != TS_OK)
        fail_msg("%s", err.text);
    json_decref(value);
}

static void trade(struct bench *bench, int round) {
    for (int i = 0; i < LANES; i++) {
        struct lane *lane = &bench->lanes[i];
        uint64_t rows = draw(&bench->lot) % 6 + 1;

        while (rows-- > 0)
            shelf_scan(&lane->shelf, "08001230000015");
        if (round % 5 == 2)
            say_state(lane, (uint64_t)round);
        rejoin_notify(lane->wire);
        assert_true(rejoin_run(lane->wire, 60000));
    }
    if (round % 4 == 1)
        change_desk(bench, round);
    bench->clock.wall_ms += 60000;
}

static void live(struct bench *bench) {
    char journal[TS_JOURNAL_TEXT];

    for (int run = 0; run < RUNS; run++) {
        open_hub(bench);
        for (unsigned i = 0; i < LANES; i++) {
            (void)snprintf(journal, sizeof journal, "%08x%08x", i + 1,
                           (unsigned)run + 1);
            shelf_begin(&bench->lanes[i].shelf, journal);
            join(bench, &bench->lanes[i], &bench->promises);
        }
        for (int round = 0; round < ROUNDS; round++)
            trade(bench, round);
        for (int i = 0; i < LANES; i++)
            part(&bench->lanes[i]);
        rejoin_hub_close(&bench->hub);
    }
}

typedef uint64_t through_of[LANES][SHELF_JOURNALS_MAX];

static void heed(through_of through, const struct promises *promises,
                 size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct promise *promise = &promises->list[i];
        uint64_t *word = &through[promise->lane][promise->journal];

        if (*word < promise->through)
            *word = promise->through;
    }
}

/* What the archive has, in order and whole. */
struct reading {
    const struct bench *bench;
    through_of seen;
};

static bool read_archive(void *arg, const struct archive_event *event) {
    struct reading *reading = arg;
    char terminal[TS_NAME_TEXT], journal[TS_JOURNAL_TEXT];
    uint64_t sequence = 0;
    const struct lane *lane = reading->bench->lanes;
    const struct ts_buf *body;
    uint64_t *seen;
    char key[160], counter[TS_COUNTER_TEXT];

    (void)snprintf(key, sizeof key, "%.*s", (int)event->key.len,
                   (const char *)event->key.data);
    assert_int_equal(
        sscanf(key, "%48[^/]/%16[^/]/%20s", terminal, journal, counter), 3);
    assert_int_equal(ts_counter_parse(&sequence, ts_slice_text(counter)),
                     TS_OK);
    lane += strcmp(terminal, lane->shelf.origin.terminal) != 0;
    body = shelf_body(&lane->shelf, journal, sequence);
    assert_non_null(body);
    assert_true(ts_slice_equal(event->body, ts_buf_slice(body)));
    seen = &reading->seen[lane->number][index_of(&lane->shelf, journal)];
    if (sequence != *seen + 1)
        fail_msg("%s stands behind %llu", key, (unsigned long long)*seen);
    *seen = sequence;
    return true;
}

static bool is_ok(void *arg, const struct db_value *columns, size_t count) {
    (void)count;
    *(bool *)arg = ts_slice_equal(columns[0].bytes, ts_slice_text("ok"));
    return false;
}

static void check_file(struct bench *bench) {
    static const struct db_statement check = {"power_check",
                                              "PRAGMA integrity_check"};
    struct ts_err err = {0};
    bool ok = false;

    assert_int_equal(db_run(bench->hub.db, &check, NULL, 0, is_ok, &ok, &err),
                     TS_OK);
    assert_true(ok);
}

/* Every ack that had left is true. */
static void check_promises(struct bench *bench, const struct cut *cut,
                           through_of promised) {
    struct reading reading = {.bench = bench};
    bool ahead = false;

    rejoin_hub_walk(&bench->hub, STORE, read_archive, &reading);
    for (unsigned i = 0; i < LANES; i++)
        for (size_t j = 0; j < bench->lanes[i].shelf.count; j++) {
            ahead |= reading.seen[i][j] > promised[i][j];
            if (reading.seen[i][j] < promised[i][j])
                fail_msg("step %zu: acknowledged up to %llu, archived up to "
                         "%llu",
                         cut->step, (unsigned long long)promised[i][j],
                         (unsigned long long)reading.seen[i][j]);
        }
    bench->ahead += ahead;
}

/* The terminals have nothing of what was acknowledged to them any more. */
static void rejoin(struct bench *bench, through_of promised,
                   struct promises *promises) {
    for (unsigned i = 0; i < LANES; i++) {
        struct lane back = {.number = i};

        shelf_view(&back.shelf, &bench->lanes[i].shelf, promised[i]);
        join(bench, &back, promises);
        assert_true(rejoin_run(back.wire, 60000));
        assert_int_equal(rejoin_status(back.wire).alarms, 0);
        part(&back);
    }
}

static void check_whole(struct bench *bench) {
    static const struct db_statement nothing[] = {
        {"power_alarms", "SELECT COUNT(*) FROM alarm"},
        {"power_quarantine", "SELECT COUNT(*) FROM quarantine"},
        {"power_holes", "SELECT COUNT(*) FROM hole"}};
    struct reading reading = {.bench = bench};

    rejoin_hub_walk(&bench->hub, STORE, read_archive, &reading);
    for (unsigned i = 0; i < LANES; i++)
        for (size_t j = 0; j < bench->lanes[i].shelf.count; j++)
            assert_int_equal(reading.seen[i][j],
                             bench->lanes[i].shelf.journals[j].newest);
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        assert_int_equal(rejoin_hub_number(&bench->hub, &nothing[i]), 0);
}

/* The power goes again while the terminals come back. */
static void cut_again(struct bench *bench, const struct cut *cut,
                      through_of promised) {
    struct power_tape *tape;
    struct power_disk *disk;
    size_t step;

    bench->later.count = 0;
    atomic_store(&bench->later.notes.value[0], 0);
    power_record(bench->folder, &bench->later.notes);
    open_hub(bench);
    rejoin(bench, promised, &bench->later);
    rejoin_hub_close(&bench->hub);
    tape = power_stop();
    step = (size_t)(cut->seed % (power_steps(tape) + 1));
    disk = power_disk_new(tape);
    power_disk_play(disk, step);
    power_disk_cut(disk, cut->tear, cut->seed, bench->folder);
    heed(promised, &bench->later, power_noted(tape, step, 0));
    power_disk_free(disk);
    power_tape_free(tape);
    bench->twice++;
}

static void check_cut(struct bench *bench, const struct power_tape *tape,
                      const struct power_disk *disk, const struct cut *cut) {
    through_of promised = {{0}};

    heed(promised, &bench->promises, power_noted(tape, cut->step, 0));
    power_disk_cut(disk, cut->tear, cut->seed, bench->folder);
    if (cut->random && cut->seed % 3 == 0)
        cut_again(bench, cut, promised);
    open_hub(bench);
    check_file(bench);
    check_promises(bench, cut, promised);
    bench->later.count = 0;
    rejoin(bench, promised, &bench->later);
    check_whole(bench);
    rejoin_hub_close(&bench->hub);
}

static void bench_open(struct bench *bench) {
    static const char *const names[LANES] = {"milano-01-lane-3",
                                             "milano-01-lane-4"};

    memset(bench, 0, sizeof *bench);
    bench->lot = 5;
    hand_clock_init(&bench->clock);
    cuts_folder(bench->folder);
    (void)snprintf(bench->url, sizeof bench->url, "sqlite:%s/hub.db",
                   bench->folder);
    for (unsigned i = 0; i < LANES; i++) {
        bench->lanes[i].number = i;
        shelf_init(&bench->lanes[i].shelf, STORE, names[i], "5d1e88c2");
    }
}

static void test_a_day(void **state) {
    struct bench *bench = ts_alloc(sizeof *bench);
    struct power_tape *tape;
    struct power_disk *disk;
    struct cuts cuts;

    (void)state;
    power_vfs_install();
    bench_open(bench);
    power_record(bench->folder, &bench->promises.notes);
    live(bench);
    tape = power_stop();
    cuts = cuts_plan(tape, 0);
    disk = power_disk_new(tape);
    for (size_t i = 0; i < cuts.count; i++) {
        power_disk_play(disk, cuts.cuts[i].step);
        check_cut(bench, tape, disk, &cuts.cuts[i]);
    }
    assert_true(cuts.syncs && cuts.writes && bench->ahead);
    print_message("%zu power cuts of the hub (at %zu of the syncs, before and "
                  "behind, at %zu writes, at %zu instants by lot, %zu of them "
                  "twice; %zu with rows whose ack had not gone) in %zu steps "
                  "of the disk; %zu acks, all true\n",
                  cuts.count + bench->twice, cuts.syncs, cuts.writes,
                  cuts.random, bench->twice, bench->ahead, power_steps(tape),
                  bench->promises.count);
    power_disk_free(disk);
    power_tape_free(tape);
    cuts_fini(&cuts);
    for (int i = 0; i < LANES; i++)
        shelf_fini(&bench->lanes[i].shelf);
    folder_remove(bench->folder);
    power_vfs_remove();
    free(bench);
}

int main(void) {
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_day)};

    ts_log_set_level(TS_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
