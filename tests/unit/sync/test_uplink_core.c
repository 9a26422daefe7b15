/* The terminal's end against a simulated hub over a simulated broker, in
 * virtual time: loss, duplicates, reordering across sessions, restarts of both
 * ends, a hub restored from an older copy. When the faults end every event
 * must be archived once, in order, and released. */
#include "sync/uplink_core.h"

#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    JOURNALS = 40,
    ROWS = 6000,
    QUEUE = 1024,
    DRAIN_MS = 20 * 60 * 1000,
    /* Behind a restored hub each journal is asked in its turn. */
    TURNS_MS = (JOURNALS + 1) * DRAIN_MS,
    BATCH = 50,
    TIMEOUT_MS = 2000
};

enum kind { TO_HUB_BATCH, TO_HUB_RESUME, TO_TERMINAL_ACK };

struct packet {
    int64_t at_ms;
    enum kind kind;
    unsigned journal;
    uint64_t first, last;
    bool dictionary;
    struct message_ack ack;
};

struct journal {
    uint64_t oldest, newest, through; /* the terminal's */
    uint64_t hub, hub_max, hub_saved; /* the hub's, ever, in the old copy */
    uint64_t hole;                    /* the hub noted a hole up to here */
    uint8_t archived[ROWS + 1];
};

struct sim {
    uint32_t random;
    struct ts_mono now;
    struct uplink_core *core;
    struct uplink_core_options options;
    struct journal *journals;
    unsigned count; /* the last one grows */
    struct packet queue[QUEUE];
    size_t queued;
    bool connected, hub_up, faults;
    unsigned
        heard; /* the journal that the hub archived last, from 1; 0: none */
    unsigned loss, twice, swap, bad_every, dictionary_unknown; /* per cent */
    bool restores, prunes, busy;
    uint64_t batches, resumes, times, refusals, restored, doubles, greetings;
};

static uint32_t draw(void *ctx) {
    struct sim *sim = ctx;

    sim->random ^= sim->random << 13;
    sim->random ^= sim->random >> 17;
    sim->random ^= sim->random << 5;
    return sim->random;
}

static bool chance(struct sim *sim, unsigned per_cent) {
    return sim->faults && draw(sim) % 100 < per_cent;
}

static void name_of(char out[TS_JOURNAL_TEXT], unsigned index) {
    (void)snprintf(out, TS_JOURNAL_TEXT, "%016x", index);
}

static unsigned index_of(const char *name) {
    return (unsigned)strtoul(name, NULL, 16);
}

static bool is_bad(const struct sim *sim, unsigned journal, uint64_t row) {
    return sim->bad_every && (row * 31 + journal * 7ULL) % sim->bad_every == 0;
}

/* The broker keeps order, unless told otherwise. */
static void post(struct sim *sim, struct packet packet) {
    int copies = 1;

    if (chance(sim, sim->loss))
        return;
    if (chance(sim, sim->twice))
        copies = 2;
    while (copies-- && sim->queued < QUEUE) {
        int64_t at = sim->now.ms + 5 + draw(sim) % 20;
        if (!chance(sim, sim->swap))
            for (size_t i = 0; i < sim->queued; i++)
                if ((sim->queue[i].kind == TO_TERMINAL_ACK) ==
                        (packet.kind == TO_TERMINAL_ACK) &&
                    sim->queue[i].at_ms > at)
                    at = sim->queue[i].at_ms;
        if (chance(sim, sim->swap))
            at += draw(sim) % 8000;
        packet.at_ms = at;
        sim->queue[sim->queued++] = packet;
    }
}

static enum ts_status spans(void *ctx, struct uplink_span *out, size_t max,
                            size_t *count, struct ts_err *err) {
    struct sim *sim = ctx;

    if (chance(sim, 1))
        return ts_fail(err, TS_IO, "disk");
    *count = 0;
    for (unsigned i = 0; i < sim->count && *count < max; i++) {
        const struct journal *j = &sim->journals[i];
        struct uplink_span *span = &out[*count];
        if (!j->newest || j->oldest > j->newest)
            continue;
        name_of(span->journal, i);
        span->oldest = j->oldest;
        span->newest = j->newest;
        span->through = j->through;
        (*count)++;
    }
    return TS_OK;
}

static enum ts_status release(void *ctx, const char *name, uint64_t through,
                              struct ts_err *err) {
    struct sim *sim = ctx;
    struct journal *j = &sim->journals[index_of(name)];

    if (chance(sim, 1))
        return ts_fail(err, TS_IO, "disk");
    /* Only what the hub once had on its disk may be released. */
    assert_true(through <= j->hub_max);
    j->through = through;
    return TS_OK;
}

static enum ts_status send_rows(void *ctx, const struct uplink_core_send *send,
                                struct uplink_core_sent *sent,
                                struct ts_err *err) {
    struct sim *sim = ctx;
    unsigned index = index_of(send->journal);
    const struct journal *j = &sim->journals[index];
    uint64_t last = send->from + (send->single ? 0 : draw(sim) % BATCH);

    assert_true(sim->connected);
    if (chance(sim, 3))
        return ts_fail(err, TS_FULL, "full");
    if (send->from < j->oldest) {
        sent->first = j->oldest;
        return TS_CORRUPT;
    }
    assert_true(send->from <= j->newest);
    if (last > j->newest)
        last = j->newest;
    *sent = (struct uplink_core_sent){send->from, last, 0};
    post(sim, (struct packet){.kind = TO_HUB_BATCH,
                              .journal = index,
                              .first = send->from,
                              .last = last,
                              .dictionary = send->dictionary});
    sim->batches++;
    return TS_OK;
}

static enum ts_status send_resume(void *ctx,
                                  const struct message_resume *resume,
                                  struct ts_err *err) {
    struct sim *sim = ctx;

    if (chance(sim, 3))
        return ts_fail(err, TS_FULL, "full");
    sim->resumes++;
    post(sim, (struct packet){.kind = TO_HUB_RESUME,
                              .journal = index_of(resume->journal),
                              .first = resume->oldest,
                              .last = resume->newest});
    return TS_OK;
}

/* The hub read its clock (equal to ours) within the bounds that are told. */
static void hub_time(void *ctx, struct ts_wall hubtime, struct ts_mono at,
                     int64_t error_ms) {
    struct sim *sim = ctx;

    sim->times++;
    assert_true(hubtime.unix_ms >= at.ms - error_ms);
    assert_true(hubtime.unix_ms <= at.ms + error_ms);
}

static void greet(void *ctx) { ((struct sim *)ctx)->greetings++; }

static void answer(struct sim *sim, unsigned index, enum batch_refusal why) {
    struct packet packet = {.kind = TO_TERMINAL_ACK, .journal = index};

    name_of(packet.ack.journal, index);
    packet.ack.through = sim->journals[index].hub;
    packet.ack.window = 8;
    packet.ack.hubtime.unix_ms = sim->now.ms;
    packet.ack.refused = why;
    sim->refusals += why != BATCH_TAKEN;
    post(sim, packet);
}

static void archive(struct sim *sim, struct journal *j, uint64_t last) {
    while (j->hub < last) {
        j->hub++;
        sim->doubles += j->archived[j->hub] != 0;
        j->archived[j->hub] = 1;
    }
    if (j->hub > j->hub_max)
        j->hub_max = j->hub;
}

static bool has_bad(const struct sim *sim, const struct packet *packet) {
    for (uint64_t row = packet->first; row <= packet->last; row++)
        if (is_bad(sim, packet->journal, row))
            return true;
    return false;
}

static void hub_takes_batch(struct sim *sim, const struct packet *packet) {
    struct journal *j = &sim->journals[packet->journal];

    if (packet->dictionary && sim->dictionary_unknown) {
        /* It cannot read of which journal the batch is. */
        if (sim->heard)
            answer(sim, sim->heard - 1, BATCH_REFUSED_DICTIONARY);
    } else if (sim->busy && chance(sim, 5)) {
        answer(sim, packet->journal, BATCH_REFUSED_BUSY);
    } else if (packet->first > j->hub + 1) {
        answer(sim, packet->journal, BATCH_TAKEN);
    } else if (has_bad(sim, packet) && packet->first < packet->last) {
        answer(sim, packet->journal, BATCH_REFUSED_FORMAT);
    } else {
        archive(sim, j, packet->last);
        sim->heard = packet->journal + 1;
        answer(sim, packet->journal, BATCH_TAKEN);
    }
}

static void hub_takes_resume(struct sim *sim, const struct packet *packet) {
    struct journal *j = &sim->journals[packet->journal];

    if (packet->first > j->hub + 1) {
        j->hub = j->hole = packet->first - 1;
        if (j->hub > j->hub_max)
            j->hub_max = j->hub;
    }
    answer(sim, packet->journal, BATCH_TAKEN);
}

static void deliver(struct sim *sim, const struct packet *packet) {
    if (packet->kind == TO_TERMINAL_ACK) {
        if (sim->connected)
            uplink_core_on_ack(sim->core, sim->now, &packet->ack);
    } else if (sim->hub_up) {
        if (packet->kind == TO_HUB_BATCH)
            hub_takes_batch(sim, packet);
        else
            hub_takes_resume(sim, packet);
    }
}

static void make_core(struct sim *sim) {
    struct uplink_source source = {sim, spans, NULL, release};
    struct uplink_core_port port = {sim,      send_rows, send_resume,
                                    hub_time, greet,     draw};

    sim->core = uplink_core_new(&sim->options, &source, &port);
}

static void connect_line(struct sim *sim) {
    if (sim->connected)
        return;
    sim->connected = true;
    uplink_core_up(sim->core, sim->now);
}

static void cut_line(struct sim *sim) {
    size_t kept = 0;

    if (!sim->connected)
        return;
    sim->connected = false;
    uplink_core_down(sim->core);
    for (size_t i = 0; i < sim->queued; i++)
        if (draw(sim) % 2)
            sim->queue[kept++] = sim->queue[i];
    sim->queued = kept;
}

static void restart_terminal(struct sim *sim) {
    cut_line(sim);
    uplink_core_free(sim->core);
    if (sim->count < JOURNALS && sim->journals[sim->count - 1].newest)
        sim->journals[sim->count++].oldest = 1;
    make_core(sim);
}

static void hub_starts(struct sim *sim) {
    sim->hub_up = true;
    if (sim->connected)
        uplink_core_hub_back(sim->core, sim->now);
}

/* The archive is as it was when the copy was made. */
static void restore_hub(struct sim *sim) {
    sim->restored++;
    for (unsigned i = 0; i < sim->count; i++) {
        struct journal *j = &sim->journals[i];
        for (uint64_t row = j->hub_saved + 1; row <= j->hub; row++)
            j->archived[row] = 0;
        j->hub = j->hub_saved;
    }
    sim->hub_up = false;
    hub_starts(sim);
}

static void save_hub(struct sim *sim) {
    for (unsigned i = 0; i < sim->count; i++)
        sim->journals[i].hub_saved = sim->journals[i].hub;
}

static void append_rows(struct sim *sim, unsigned count) {
    struct journal *j = &sim->journals[sim->count - 1];

    j->newest += count;
    if (j->newest > ROWS)
        j->newest = ROWS;
    uplink_core_notify(sim->core, sim->now);
}

/* Copies go; what is not released stays. */
static void prune(struct sim *sim) {
    struct journal *j = &sim->journals[draw(sim) % sim->count];

    if (j->through >= j->oldest)
        j->oldest += draw(sim) % (j->through - j->oldest + 1);
    uplink_core_notify(sim->core, sim->now);
}

static void something_happens(struct sim *sim) {
    switch (draw(sim) % 24) {
    case 0:
    case 1:
        cut_line(sim);
        break;
    case 2:
        restart_terminal(sim);
        break;
    case 3:
        sim->hub_up = false;
        break;
    case 4:
        hub_starts(sim);
        break;
    case 5:
        if (sim->restores && draw(sim) % 4 == 0)
            restore_hub(sim);
        break;
    case 6:
        save_hub(sim);
        break;
    case 7:
        if (sim->prunes)
            prune(sim);
        break;
    case 8:
        append_rows(sim, draw(sim) % 300);
        break;
    case 9:
    case 10:
    case 11:
        connect_line(sim);
        break;
    default:
        append_rows(sim, 1 + draw(sim) % 3);
        break;
    }
}

/* To the next packet, deadline or `limit_ms`, whichever is first. */
static void advance(struct sim *sim, int64_t limit_ms) {
    struct ts_mono deadline;
    size_t first = QUEUE;
    int64_t at = limit_ms;

    for (size_t i = 0; i < sim->queued; i++)
        if (sim->queue[i].at_ms < at) {
            first = i;
            at = sim->queue[i].at_ms;
        }
    if (uplink_core_deadline(sim->core, &deadline) && deadline.ms < at) {
        sim->now.ms = deadline.ms > sim->now.ms ? deadline.ms : sim->now.ms + 1;
        uplink_core_pump(sim->core, sim->now);
        /* One that has passed would be asked for again and again. */
        if (uplink_core_deadline(sim->core, &deadline))
            assert_true(deadline.ms > sim->now.ms);
        return;
    }
    if (at > sim->now.ms)
        sim->now.ms = at;
    if (first < QUEUE) {
        struct packet packet = sim->queue[first];
        memmove(&sim->queue[first], &sim->queue[first + 1],
                (sim->queued - first - 1) * sizeof *sim->queue);
        sim->queued--;
        deliver(sim, &packet);
    }
}

static bool all_home(const struct sim *sim) {
    for (unsigned i = 0; i < sim->count; i++)
        if (sim->journals[i].through != sim->journals[i].newest ||
            sim->journals[i].hub != sim->journals[i].newest)
            return false;
    return true;
}

static void check_end(const struct sim *sim, uint32_t seed) {
    for (unsigned i = 0; i < sim->count; i++) {
        const struct journal *j = &sim->journals[i];
        if (j->through != j->newest || j->hub != j->newest)
            fail_msg("seed %u: journal %u through %llu hub %llu of %llu", seed,
                     i, (unsigned long long)j->through,
                     (unsigned long long)j->hub, (unsigned long long)j->newest);
        for (uint64_t row = 1; row <= j->newest; row++) {
            bool excused = sim->restored && row < j->oldest && row <= j->hole;
            if (!j->archived[row] && !excused)
                fail_msg("seed %u: journal %u row %llu lost", seed, i,
                         (unsigned long long)row);
        }
    }
    assert_int_equal(sim->doubles, 0);
}

static void sim_init(struct sim *sim, uint32_t seed) {
    memset(sim, 0, sizeof *sim);
    sim->random = seed * 2654435761U + 1;
    sim->journals = ts_alloc(JOURNALS * sizeof *sim->journals);
    sim->count = 1;
    sim->journals[0].oldest = 1;
    sim->options =
        (struct uplink_core_options){.ack_timeout_ms = TIMEOUT_MS,
                                     .max_window = 16,
                                     .spread_ms = seed % 3 ? 3000 : 0};
    sim->hub_up = true;
    sim->now.ms = 1000000;
    make_core(sim);
}

static void sim_fini(struct sim *sim) {
    uplink_core_free(sim->core);
    free(sim->journals);
}

static void sim_run(struct sim *sim, uint32_t seed, int64_t faults_ms) {
    int64_t end = sim->now.ms + faults_ms;
    struct uplink_core_status status;

    sim->faults = true;
    connect_line(sim);
    while (sim->now.ms < end) {
        int64_t next = sim->now.ms + draw(sim) % (faults_ms / 60 + 1);
        while (sim->now.ms < next)
            advance(sim, next);
        something_happens(sim);
        uplink_core_get_status(sim->core, &status);
        assert_true(status.in_flight <= 16 && status.window <= 16);
        assert_int_equal(status.alarms, 0);
    }
    sim->faults = false;
    if (!sim->hub_up)
        hub_starts(sim);
    connect_line(sim);
    end = sim->now.ms + (sim->restored ? TURNS_MS : DRAIN_MS);
    while (sim->now.ms < end && !all_home(sim))
        advance(sim, end);
    check_end(sim, seed);
}

static void choose_faults(struct sim *sim) {
    sim->loss = draw(sim) % 30;
    sim->twice = draw(sim) % 20;
    sim->swap = draw(sim) % 3 ? 0 : draw(sim) % 20;
    sim->bad_every = draw(sim) % 3 ? 0 : 50 + draw(sim) % 200;
    sim->dictionary_unknown = draw(sim) % 4 == 0;
    sim->busy = draw(sim) % 4 == 0;
    sim->restores = draw(sim) % 3 == 0;
    sim->prunes = draw(sim) % 2;
}

static void test_many_runs(void **state) {
    /* Beyond the first ones: these once ended with rows that nobody sent. */
    static const uint32_t others[] = {3087, 10914};
    enum { FIRST = 3000, ALL = FIRST + sizeof others / sizeof *others };
    static struct sim sim;
    uint64_t times = 0;
    uint64_t refusals = 0;
    uint64_t restored = 0;

    (void)state;
    for (uint32_t i = 0; i < ALL; i++) {
        uint32_t seed = i < FIRST ? i + 1 : others[i - FIRST];
        sim_init(&sim, seed);
        choose_faults(&sim);
        sim_run(&sim, seed, 60000);
        times += sim.times;
        refusals += sim.refusals;
        restored += sim.restored;
        sim_fini(&sim);
    }
    /* The runs did meet what they are for. */
    assert_true(times > 1000 && refusals > 1000 && restored > 100);
}

static void test_virtual_day(void **state) {
    static struct sim sim;

    (void)state;
    for (uint32_t seed = 1; seed <= 20; seed++) {
        sim_init(&sim, seed);
        choose_faults(&sim);
        sim_run(&sim, seed, 24LL * 3600 * 1000);
        sim_fini(&sim);
    }
}

/* One batch at each step of at most a minute, however large the backlog. */
static void test_hub_absent(void **state) {
    static struct sim sim;
    int64_t end;
    uint64_t sent;

    (void)state;
    sim_init(&sim, 7);
    append_rows(&sim, 5000);
    connect_line(&sim);
    sim.hub_up = false;
    end = sim.now.ms + 3600000;
    while (sim.now.ms < end)
        advance(&sim, end);
    sent = sim.batches;
    assert_in_range(sent, 40, 100);
    sim.hub_up = true;
    end = sim.now.ms + 100000;
    while (sim.now.ms < end && !all_home(&sim))
        advance(&sim, end);
    check_end(&sim, 7);
    sim_fini(&sim);
}

static struct message_ack ack_of(unsigned journal, uint64_t through) {
    struct message_ack ack = {.through = through, .window = 8};

    name_of(ack.journal, journal);
    return ack;
}

static void test_lone_row_leaves_at_once(void **state) {
    static struct sim sim;

    (void)state;
    sim_init(&sim, 3);
    connect_line(&sim);
    append_rows(&sim, 1);
    assert_int_equal(sim.batches, 1);
    sim_fini(&sim);
}

static void test_ack_beyond_sent(void **state) {
    static struct sim sim;
    struct uplink_core_status status;
    struct message_ack ack = ack_of(0, 1000);

    (void)state;
    sim_init(&sim, 3);
    connect_line(&sim);
    append_rows(&sim, 2000);
    assert_int_equal(sim.batches, 1);
    uplink_core_on_ack(sim.core, sim.now, &ack);
    uplink_core_get_status(sim.core, &status);
    assert_int_equal(status.alarms, 1);
    assert_true(strlen(status.alarm.text) > 20);
    assert_int_equal(sim.journals[0].through, 0);
    assert_int_equal(status.unsent, 2000);
    sim_fini(&sim);
}

static void test_rewinds_once_per_gap(void **state) {
    static struct sim sim;
    struct message_ack ack;
    uint64_t before;
    int64_t end;

    (void)state;
    sim_init(&sim, 5);
    connect_line(&sim);
    append_rows(&sim, 400);
    end = sim.now.ms + 120; /* let the window open */
    while (sim.now.ms < end)
        advance(&sim, end);
    sim.queued = 0;
    ack = ack_of(0, sim.journals[0].through);
    assert_true(ack.through > 0 && ack.through < 400);
    before = sim.batches;
    uplink_core_on_ack(sim.core, sim.now, &ack);
    assert_true(sim.batches > before);
    before = sim.batches;
    for (int i = 0; i < 5; i++)
        uplink_core_on_ack(sim.core, sim.now, &ack);
    assert_int_equal(sim.batches, before);
    sim_fini(&sim);
}

static void test_hub_restored(void **state) {
    static struct sim sim;
    int64_t end;

    (void)state;
    sim_init(&sim, 9);
    connect_line(&sim);
    append_rows(&sim, 100);
    end = sim.now.ms + 60000;
    while (!all_home(&sim) && sim.now.ms < end)
        advance(&sim, end);
    sim.journals[0].hub_saved = 40;
    sim.journals[0].oldest = 61; /* copies below are gone */
    uplink_core_notify(sim.core, sim.now);
    sim.queued = 0;
    restore_hub(&sim);
    end = sim.now.ms + 60000;
    while (!(all_home(&sim) && sim.journals[0].hole) && sim.now.ms < end)
        advance(&sim, end);
    assert_int_equal(sim.journals[0].hole, 60);
    check_end(&sim, 9);
    sim_fini(&sim);
}

/* The hub is put back to a copy; every `resume` is lost, and acks from before
 * come late, as if they were the answers. */
static void test_late_acks_behind_a_restore(void **state) {
    static struct sim sim;
    struct message_ack acks[] = {ack_of(0, 50), ack_of(1, 50)};
    int64_t end;

    (void)state;
    sim_init(&sim, 9);
    connect_line(&sim);
    append_rows(&sim, 50);
    end = sim.now.ms + 60000;
    while (!all_home(&sim) && sim.now.ms < end)
        advance(&sim, end);
    sim.journals[0].hub_saved = 30;
    restart_terminal(&sim);
    connect_line(&sim);
    append_rows(&sim, 50);
    end = sim.now.ms + 60000;
    while (!all_home(&sim) && sim.now.ms < end)
        advance(&sim, end);
    assert_true(all_home(&sim));
    restore_hub(&sim);
    assert_true(sim.queued > 0);
    sim.queued = 0;
    for (int i = 0; i < 2; i++)
        uplink_core_on_ack(sim.core, sim.now, &acks[i]);
    end = sim.now.ms + 2LL * UPLINK_ASK_MS;
    while (!all_home(&sim) && sim.now.ms < end)
        advance(&sim, end);
    check_end(&sim, 9);
    sim_fini(&sim);
}

/* A terminal at rest asks now and then, and a hub that is whole is not asked
 * for more than that. */
static void test_asks_at_rest(void **state) {
    static struct sim sim;
    uint64_t resumes;
    int64_t end;

    (void)state;
    sim_init(&sim, 9);
    connect_line(&sim);
    append_rows(&sim, 50);
    end = sim.now.ms + 60000;
    while (sim.now.ms < end)
        advance(&sim, end);
    resumes = sim.resumes;
    end = sim.now.ms + 10LL * UPLINK_ASK_MS;
    while (sim.now.ms < end)
        advance(&sim, end);
    assert_in_range(sim.resumes - resumes, 8, 14);
    sim_fini(&sim);
}

/* Found at the start, and growing all the same: it is not obeyed. */
static void test_ack_beyond_what_grows(void **state) {
    static struct sim sim;
    struct uplink_core_status status;
    struct message_ack ack = ack_of(0, 2500);

    (void)state;
    sim_init(&sim, 3);
    sim.journals[0].newest = 2000;
    uplink_core_free(sim.core);
    make_core(&sim);
    connect_line(&sim);
    append_rows(&sim, 10);
    uplink_core_on_ack(sim.core, sim.now, &ack);
    uplink_core_get_status(sim.core, &status);
    assert_int_equal(status.alarms, 1);
    assert_int_equal(sim.journals[0].through, 0);
    sim_fini(&sim);
}

/* The disk is yesterday's: the hub has more of an old journal than it holds. */
static void test_terminal_restored(void **state) {
    static struct sim sim;
    struct uplink_core_status status;
    struct journal *old;
    int64_t end;

    (void)state;
    sim_init(&sim, 11);
    connect_line(&sim);
    append_rows(&sim, 100);
    end = sim.now.ms + 60000;
    while (!all_home(&sim) && sim.now.ms < end)
        advance(&sim, end);
    old = &sim.journals[0];
    old->newest = 60;
    old->through = 40;
    restart_terminal(&sim);
    connect_line(&sim);
    append_rows(&sim, 10);
    end = sim.now.ms + 60000;
    while (sim.journals[1].through < 10 && sim.now.ms < end)
        advance(&sim, end);
    assert_int_equal(sim.journals[1].through, 10);
    assert_int_equal(old->through, 60);
    cut_line(&sim);
    connect_line(&sim);
    end = sim.now.ms + 10000;
    while (sim.now.ms < end)
        advance(&sim, end);
    uplink_core_get_status(sim.core, &status);
    assert_int_equal(status.alarms, 1);
    assert_int_equal(status.unsent, 0);
    sim_fini(&sim);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lone_row_leaves_at_once),
        cmocka_unit_test(test_ack_beyond_sent),
        cmocka_unit_test(test_rewinds_once_per_gap),
        cmocka_unit_test(test_hub_restored),
        cmocka_unit_test(test_late_acks_behind_a_restore),
        cmocka_unit_test(test_asks_at_rest),
        cmocka_unit_test(test_terminal_restored),
        cmocka_unit_test(test_ack_beyond_what_grows),
        cmocka_unit_test(test_hub_absent),
        cmocka_unit_test(test_many_runs),
        cmocka_unit_test(test_virtual_day),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
