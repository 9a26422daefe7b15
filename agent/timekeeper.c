#include "agent/timekeeper.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANGED_MS = 1000 };

/* The system says synchronised, and the hub did not tell another time. */
static bool system_is_right(const struct timekeeper *keeper,
                            struct ts_wall wall, struct ts_mono mono) {
    int64_t apart_ms = llabs(wall.unix_ms - (mono.ms + keeper->offset_ms));

    return keeper->clock->synchronised(keeper->clock->ctx) &&
           (!keeper->known ||
            apart_ms <= CHANGED_MS + keeper->error_ms +
                            llabs(mono.ms - keeper->at_ms) / TIMEKEEPER_DRIFT);
}

static struct ts_wall line_wall(void *ctx) {
    const struct timekeeper *keeper = ctx;
    struct ts_wall wall = ts_clock_wall(keeper->clock);
    struct ts_mono mono = ts_clock_mono(keeper->clock);
    int64_t hub_ms = mono.ms + keeper->offset_ms;

    if (keeper->known && hub_ms < wall.unix_ms &&
        !system_is_right(keeper, wall, mono))
        wall.unix_ms = hub_ms;
    return wall;
}

static struct ts_mono line_mono(void *ctx) {
    return ts_clock_mono(((const struct timekeeper *)ctx)->clock);
}

static bool line_synchronised(void *ctx) {
    const struct ts_clock *clock = ((const struct timekeeper *)ctx)->clock;

    return clock->synchronised(clock->ctx);
}

static struct ts_wall best_wall(void *ctx) {
    const struct timekeeper *keeper = ctx;
    struct event now;

    timekeeper_stamp(keeper, &now);
    return now.time;
}

static bool best_synchronised(void *ctx) {
    const struct timekeeper *keeper = ctx;
    struct event now;

    timekeeper_stamp(keeper, &now);
    return now.clock != EVENT_CLOCK_UNSET;
}

void timekeeper_init(struct timekeeper *keeper, const struct ts_clock *clock) {
    *keeper = (struct timekeeper){
        .clock = clock,
        .line = {keeper, line_wall, line_mono, line_synchronised},
        .best = {keeper, best_wall, line_mono, best_synchronised}};
    ts_boot_id(keeper->boot);
}

void timekeeper_stamp(const struct timekeeper *keeper, struct event *event) {
    struct ts_wall wall = ts_clock_wall(keeper->clock);
    struct ts_mono mono = ts_clock_mono(keeper->clock);

    event->uptime = mono;
    event->time = wall;
    event->clock = EVENT_CLOCK_UNSET;
    if (system_is_right(keeper, wall, mono)) {
        event->clock = EVENT_CLOCK_SET;
    } else if (keeper->known) {
        event->time.unix_ms = mono.ms + keeper->offset_ms;
        event->clock = EVENT_CLOCK_CORRECTED;
    }
}

static bool is_news(const struct timekeeper *keeper, int64_t offset_ms,
                    struct ts_mono at, int64_t error_ms) {
    return !keeper->known ||
           llabs(offset_ms - keeper->offset_ms) > CHANGED_MS + error_ms ||
           (keeper->error_ms > CHANGED_MS && error_ms < keeper->error_ms / 2) ||
           (at.ms - keeper->at_ms >= TIMEKEEPER_FRESH_MS &&
            error_ms <= CHANGED_MS &&
            !system_is_right(keeper, ts_clock_wall(keeper->clock),
                             ts_clock_mono(keeper->clock)));
}

bool timekeeper_learn(struct timekeeper *keeper, struct ts_wall hubtime,
                      struct ts_mono at, int64_t error_ms) {
    int64_t offset_ms = hubtime.unix_ms - at.ms;

    if (!is_news(keeper, offset_ms, at, error_ms))
        return false;
    keeper->known = true;
    keeper->offset_ms = offset_ms;
    keeper->error_ms = error_ms;
    keeper->at_ms = at.ms;
    return true;
}

int64_t timekeeper_watch(struct timekeeper *keeper) {
    int64_t apart_ms =
        ts_clock_wall(keeper->clock).unix_ms - ts_clock_mono(keeper->clock).ms;
    int64_t jump_ms = apart_ms - keeper->apart_ms;
    bool first = !keeper->watching;

    keeper->watching = true;
    if (first || llabs(jump_ms) <= TIMEKEEPER_STEP_MS) {
        /* A slow drift is no step: only a jump between two looks is. */
        keeper->apart_ms = apart_ms;
        return 0;
    }
    keeper->apart_ms = apart_ms;
    return jump_ms;
}

bool timekeeper_trust(struct timekeeper *keeper, struct ts_wall hubtime) {
    if (hubtime.unix_ms < keeper->floor.unix_ms + TIMEKEEPER_FLOOR_MS)
        return false;
    keeper->floor = hubtime;
    return true;
}

void timekeeper_restore_floor(struct timekeeper *keeper, const char *text) {
    struct ts_wall kept;

    if (ts_wall_parse(&kept, ts_slice_text(text)) == TS_OK)
        keeper->floor = kept;
}

void timekeeper_text(const struct timekeeper *keeper,
                     char out[TIMEKEEPER_TEXT]) {
    (void)snprintf(out, TIMEKEEPER_TEXT, "%s %" PRId64 " %" PRId64 " %" PRId64,
                   keeper->boot, keeper->offset_ms, keeper->error_ms,
                   keeper->at_ms);
}

void timekeeper_restore(struct timekeeper *keeper, const char *text) {
    size_t boot = strlen(keeper->boot);
    char *end;
    int64_t offset_ms;

    if (strncmp(text, keeper->boot, boot) != 0 || text[boot] != ' ')
        return;
    offset_ms = strtoll(text + boot, &end, 10);
    if (*end != ' ')
        return;
    keeper->error_ms = strtoll(end, &end, 10);
    keeper->at_ms = strtoll(end, &end, 10);
    keeper->offset_ms = offset_ms;
    keeper->known = !*end;
}
