/* Two times that the compiler keeps apart, and the clock as an argument. */
#ifndef TS_BASE_TIME_H
#define TS_BASE_TIME_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* Wall time: milliseconds since 1970-01-01T00:00:00Z; may jump. */
struct ts_wall {
    int64_t unix_ms;
};

/* Milliseconds since this boot, suspend included (CLOCK_BOOTTIME); only
 * grows. */
struct ts_mono {
    int64_t ms;
};

/* Where a program takes its time from. Tests pass their own. */
struct ts_clock {
    void *ctx;
    struct ts_wall (*wall)(void *ctx);
    struct ts_mono (*mono)(void *ctx);
    /* The system says that its clock is synchronised (adjtimex, no
     * STA_UNSYNC). */
    bool (*synchronised)(void *ctx);
};

/* The machine's own clock. */
const struct ts_clock *ts_clock_system(void);

static inline struct ts_wall ts_clock_wall(const struct ts_clock *clock) {
    return clock->wall(clock->ctx);
}
static inline struct ts_mono ts_clock_mono(const struct ts_clock *clock) {
    return clock->mono(clock->ctx);
}

enum { TS_TIME_TEXT = 32 };

/* RFC 3339 UTC with milliseconds: 2026-11-21T10:00:00.123Z. Clamped to the
 * years 0001 to 9999. */
void ts_wall_text(char out[TS_TIME_TEXT], struct ts_wall at);
/* RFC 3339 (section 5.6) with any offset and 0 to 9 fraction digits. */
enum ts_status ts_wall_parse(struct ts_wall *out,
                             struct ts_slice text) TS_MUST_USE;

enum { TS_BOOT_TEXT = 9 };

/* Eight hex digits that name this boot (/proc/sys/kernel/random/boot_id);
 * drawn at random where the kernel gives none. */
void ts_boot_id(char out[TS_BOOT_TEXT]);

#endif
