/* Any acks in any order: nothing is released that was never sent, nothing is
 * sent out of order, the window keeps its limits, and time goes on. */
#include "sync/uplink_core.h"

#include <assert.h>
#include <string.h>

enum { JOURNALS = 3, MAX_WINDOW = 12 };

struct world {
    uint64_t oldest[JOURNALS], newest[JOURNALS], through[JOURNALS];
    uint64_t sent[JOURNALS]; /* the highest, ever */
    uint32_t random;
    bool up, line_full;
};

static void name_of(char out[TS_JOURNAL_TEXT], unsigned index) {
    memcpy(out, "000000000000000a", TS_JOURNAL_TEXT);
    out[15] = (char)('a' + index);
}

static enum ts_status spans(void *ctx, struct uplink_span *out, size_t max,
                            size_t *count, struct ts_err *err) {
    const struct world *world = ctx;

    (void)err;
    assert(max >= JOURNALS);
    *count = 0;
    for (unsigned i = 0; i < JOURNALS; i++) {
        if (!world->newest[i])
            continue;
        name_of(out[*count].journal, i);
        out[*count].oldest = world->oldest[i];
        out[*count].newest = world->newest[i];
        out[*count].through = world->through[i];
        (*count)++;
    }
    return TS_OK;
}

static enum ts_status release(void *ctx, const char *journal, uint64_t through,
                              struct ts_err *err) {
    struct world *world = ctx;
    unsigned i = (unsigned)(journal[15] - 'a');

    (void)err;
    assert(i < JOURNALS && through <= world->sent[i]);
    world->through[i] = through;
    return TS_OK;
}

static enum ts_status send_rows(void *ctx, const struct uplink_core_send *send,
                                struct uplink_core_sent *sent,
                                struct ts_err *err) {
    struct world *world = ctx;
    unsigned i = (unsigned)(send->journal[15] - 'a');
    uint64_t last = send->from + (send->single ? 0 : 3);

    assert(world->up && i < JOURNALS);
    assert(send->from >= 1 && send->from <= world->newest[i]);
    /* Nothing may be skipped: what lies below was sent or is gone. */
    assert(send->from <= world->sent[i] + 1 || send->from <= world->oldest[i]);
    if (world->line_full)
        return ts_fail(err, TS_FULL, "full");
    if (send->from < world->oldest[i]) {
        sent->first = world->oldest[i];
        return TS_CORRUPT;
    }
    if (last > world->newest[i])
        last = world->newest[i];
    *sent = (struct uplink_core_sent){.first = send->from,
                                      .last = last,
                                      .bytes = (size_t)(last - send->from + 1) *
                                               100};
    if (world->sent[i] < last)
        world->sent[i] = last;
    return TS_OK;
}

static enum ts_status send_resume(void *ctx,
                                  const struct message_resume *resume,
                                  struct ts_err *err) {
    struct world *world = ctx;
    unsigned i = (unsigned)(resume->journal[15] - 'a');

    if (world->line_full)
        return ts_fail(err, TS_FULL, "full");
    /* The hub may note what is gone as a hole. */
    if (world->sent[i] < resume->oldest - 1)
        world->sent[i] = resume->oldest - 1;
    return TS_OK;
}

static void hub_time(void *ctx, struct ts_wall hubtime, struct ts_mono at,
                     int64_t error_ms) {
    (void)ctx;
    (void)hubtime;
    assert(at.ms >= 0 && error_ms >= 0);
}

static void greet(void *ctx) {
    const struct world *world = ctx;

    assert(world->up);
}

static uint32_t draw(void *ctx) {
    struct world *world = ctx;

    world->random = world->random * 1664525 + 1013904223;
    return world->random >> 8;
}

static void grow(struct world *world, unsigned index, unsigned rows) {
    world->newest[index] += rows;
    if (!world->oldest[index])
        world->oldest[index] = 1;
}

static void prune(struct world *world, unsigned index) {
    if (world->through[index] > world->oldest[index])
        world->oldest[index] = world->through[index];
}

static void give_ack(struct uplink_core *core, struct ts_mono now,
                     unsigned index, const uint8_t step[3]) {
    struct message_ack ack = {.through = step[1],
                              .window = 1 + step[2] % 64,
                              .refused = (enum batch_refusal)(step[2] / 64)};

    if (step[2] % 7 == 0)
        ack.refused = (enum batch_refusal)(step[1] % 6);
    if (step[2] % 31 == 0)
        ack.through = UINT64_MAX >> (step[1] % 12);
    name_of(ack.journal, index);
    uplink_core_on_ack(core, now, &ack);
}

static void take_step(struct world *world, struct uplink_core *core,
                      struct ts_mono *now, const uint8_t step[3]) {
    unsigned index = step[0] / 16 % JOURNALS;

    world->line_full = step[0] % 16 == 9;
    switch (step[0] % 16) {
    case 0:
        world->up = true;
        uplink_core_up(core, *now);
        break;
    case 1:
        uplink_core_down(core);
        world->up = false;
        break;
    case 2:
        grow(world, index, step[1]);
        uplink_core_notify(core, *now);
        break;
    case 3:
        prune(world, index);
        uplink_core_notify(core, *now);
        break;
    case 4:
        now->ms += step[1] * 256 + step[2];
        uplink_core_pump(core, *now);
        break;
    case 5:
        uplink_core_set_dictionary(core, step[1] & 1);
        break;
    case 6:
        uplink_core_hub_back(core, *now);
        break;
    default:
        now->ms += step[1] % 8;
        give_ack(core, *now, index, step);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct world world = {.random = 1};
    struct uplink_core_options options = {
        .ack_timeout_ms = 1000,
        .max_window = MAX_WINDOW,
        .spread_ms = 500,
        /* Every other input under a ceiling. */
        .pace = {.max_bytes_per_s = size % 2 ? 2000 : 0}};
    struct uplink_source source = {&world, spans, NULL, release};
    struct uplink_core_port port = {.ctx = &world,
                                    .send = send_rows,
                                    .resume = send_resume,
                                    .hub_time = hub_time,
                                    .greet = greet,
                                    .random = draw};
    struct ts_mono now = {1000};
    struct ts_mono deadline;
    struct uplink_core *core = uplink_core_new(&options, &source, &port);
    struct uplink_core_status status;

    for (; size >= 3; data += 3, size -= 3) {
        take_step(&world, core, &now, data);
        uplink_core_get_status(core, &status);
        assert(status.in_flight <= MAX_WINDOW && status.window >= 1);
        assert(status.window <= MAX_WINDOW);
        /* What waits for an answer or for leave has a time to go on. */
        if (world.up && status.in_flight)
            assert(uplink_core_deadline(core, &deadline));
    }
    uplink_core_free(core);
    return 0;
}
