/* How fast rows may leave, and when: a ceiling in bytes a second, quiet hours
 * of the day, and the spread of what many terminals do at one instant. No I/O;
 * time is passed in. */
#ifndef TS_SYNC_PACE_H
#define TS_SYNC_PACE_H

#include "base/bytes.h"
#include "base/time.h"

enum {
    PACE_HOURS_MAX = 8,
    PACE_RATE_MIN = 256,       /* bytes/s; less would not carry an event */
    PACE_RATE_MAX = 1000000000 /* bytes/s */
};

/* Minutes of the day, local time; `from` above `to` runs over midnight. */
struct pace_hours {
    uint16_t from_min, to_min;
};
/* "12:00-14:00", to 24:00 at the latest. */
enum ts_status pace_hours_parse(struct pace_hours *out, struct ts_slice text,
                                struct ts_err *err) TS_MUST_USE;

struct pace_options {
    uint32_t max_bytes_per_s;   /* 0: no ceiling */
    uint32_t quiet_bytes_per_s; /* of a backlog in quiet hours; 0: it waits */
    struct pace_hours quiet[PACE_HOURS_MAX];
    size_t quiet_count;
    const struct ts_clock *clock; /* its wall time; only for quiet hours */
};

/* A bucket that fills at `rate`, and may be overdrawn: the send that empties it
 * goes whole, and the debt is waited for. */
struct pace_bucket {
    uint32_t rate; /* bytes a second */
    int64_t milli; /* thousandths of a byte at `at_ms` */
    int64_t at_ms;
    bool started;
};

struct pace {
    struct pace_options options;
    struct pace_bucket ceiling, quiet;
};

void pace_init(struct pace *pace, const struct pace_options *options);

enum pace_reason { PACE_GO, PACE_CEILING, PACE_QUIET_HOURS };
/* "", "ceiling", "quiet_hours". */
const char *pace_reason_name(enum pace_reason reason);

struct pace_word {
    enum pace_reason reason; /* PACE_GO: send now */
    int64_t ask_at_ms;       /* monotonic; ask again then at the latest */
    int64_t until_ms;        /* the wait is over, or the quiet hours are */
    size_t max_bytes;        /* of the next publish; 0: any */
};
/* May a batch leave? `fresh`: few rows wait, they are what happens in the shop
 * now. They pass the quiet hours, and a ceiling that is not far overdrawn. */
struct pace_word pace_ask(struct pace *pace, struct ts_mono now, bool fresh);
/* So much went on the wire. */
void pace_spend(struct pace *pace, struct ts_mono now, size_t bytes);

/* A wait of 0 to `spread_ms`, made of 32 random bits. */
uint32_t pace_spread(uint32_t spread_ms, uint32_t draw);

#endif
