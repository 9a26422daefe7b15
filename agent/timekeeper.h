/* What this terminal knows about the time: the system's own clock, the offset
 * that the hub taught it in this boot, and jumps of the wall clock. */
#ifndef TS_AGENT_TIMEKEEPER_H
#define TS_AGENT_TIMEKEEPER_H

#include "base/time.h"
#include "sync/event.h"

struct timekeeper {
    const struct ts_clock *clock;
    /* For the line: the same, but its wall time is the earlier one of the
     * system's and the hub's where the system's word does not count. Neither
     * a wall clock that is ahead nor such a hub lets certificates expire. */
    struct ts_clock line;
    /* The best that is known: the hub's time where the system's word does not
     * count; synchronised when either vouches for it. */
    struct ts_clock best;
    char boot[TS_BOOT_TEXT];
    bool known; /* wall = monotonic + offset_ms, to error_ms, at uptime at_ms */
    int64_t offset_ms, error_ms, at_ms;
    bool watching;
    int64_t apart_ms; /* wall - monotonic when last looked at */
    /* The newest time that an authenticated hub told, in any run; 0: none.
     * Only such a word lifts it, never this machine's own clock. */
    struct ts_wall floor;
};

enum {
    TIMEKEEPER_TEXT = 96,
    TIMEKEEPER_STEP_MS = 2000,
    TIMEKEEPER_FRESH_MS = 600000, /* an offset is told anew after that time */
    /* The uptime may run fast or slow by one part in this: 5 %. */
    TIMEKEEPER_DRIFT = 19,
    TIMEKEEPER_FLOOR_MS = 3600000 /* how far the kept floor may lag behind */
};

/* The keeper stays where it is: its clocks point to it. */
void timekeeper_init(struct timekeeper *keeper, const struct ts_clock *clock);
/* Fills time, uptime and clock of an event that happens now. The system's
 * word that it is synchronised counts unless the hub's contradicts it. */
void timekeeper_stamp(const struct timekeeper *keeper, struct event *event);
/* True when the offset is news: the first of this boot, more than a second
 * and the error away from the known one, much better known than it, or, while
 * the system's word does not count, TIMEKEEPER_FRESH_MS younger. */
bool timekeeper_learn(struct timekeeper *keeper, struct ts_wall hubtime,
                      struct ts_mono at, int64_t error_ms);
/* By how much the wall clock jumped since the last look; 0: it did not. */
int64_t timekeeper_watch(struct timekeeper *keeper);
/* An authenticated hub's word. True when the floor rose and is to be kept. */
bool timekeeper_trust(struct timekeeper *keeper, struct ts_wall hubtime);
void timekeeper_restore_floor(struct timekeeper *keeper, const char *text);
/* The known offset as a line, and back; another boot's says nothing. */
void timekeeper_text(const struct timekeeper *keeper,
                     char out[TIMEKEEPER_TEXT]);
void timekeeper_restore(struct timekeeper *keeper, const char *text);

#endif
