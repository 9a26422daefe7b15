#include "sync/pace.h"

#include <string.h>
#include <time.h>

enum {
    BURST_S = 2,
    BURST_MIN = 4096, /* bytes; a few events at once under any ceiling */
    DAY_MIN = 24 * 60,
    /* A wall clock may step: quiet hours are looked at again. */
    LOOK_AGAIN_MS = 60000
};

static const char *const reasons[] = {
    [PACE_GO] = "",
    [PACE_CEILING] = "ceiling",
    [PACE_QUIET_HOURS] = "quiet_hours",
};

const char *pace_reason_name(enum pace_reason reason) {
    return reasons[reason];
}

/* "hh:mm"; false: it is none. */
static bool parse_minute(const uint8_t *text, uint16_t *out) {
    unsigned hour;
    unsigned minute;

    for (size_t i = 0; i < 5; i++)
        if (i == 2 ? text[i] != ':' : text[i] < '0' || text[i] > '9')
            return false;
    hour = (text[0] - '0') * 10U + (text[1] - '0');
    minute = (text[3] - '0') * 10U + (text[4] - '0');
    *out = (uint16_t)(hour * 60 + minute);
    return minute < 60 && *out <= DAY_MIN;
}

enum ts_status pace_hours_parse(struct pace_hours *out, struct ts_slice text,
                                struct ts_err *err) {
    struct pace_hours hours;

    if (text.len != 11 || text.data[5] != '-' ||
        !parse_minute(text.data, &hours.from_min) ||
        !parse_minute(text.data + 6, &hours.to_min) ||
        hours.from_min == DAY_MIN || hours.from_min == hours.to_min)
        return ts_fail(err, TS_INVALID,
                       "\"%.*s\" is no span of the day; write it as "
                       "12:00-14:00, or 22:00-06:30 over midnight",
                       (int)(text.len > 40 ? 40 : text.len),
                       (const char *)text.data);
    *out = hours;
    return TS_OK;
}

void pace_init(struct pace *pace, const struct pace_options *options) {
    *pace = (struct pace){
        .options = *options,
        .ceiling = {.rate = options->max_bytes_per_s},
        .quiet = {.rate = options->quiet_bytes_per_s},
    };
}

/* In thousandths of a byte. */
static int64_t burst_of(const struct pace_bucket *bucket) {
    int64_t bytes = (int64_t)bucket->rate * BURST_S;

    return (bytes < BURST_MIN ? BURST_MIN : bytes) * 1000;
}

static void fill(struct pace_bucket *bucket, struct ts_mono now) {
    int64_t most = burst_of(bucket);
    int64_t since_ms = now.ms - bucket->at_ms;

    if (!bucket->started || since_ms > (most - bucket->milli) / bucket->rate)
        bucket->milli = most;
    else if (since_ms > 0)
        bucket->milli += since_ms * bucket->rate;
    bucket->started = true;
    bucket->at_ms = now.ms;
}

/* Fresh rows may overdraw by one burst more. A batch of a backlog is at most
 * half a burst, so behind it there is room for them. */
static bool bucket_gives(struct pace_bucket *bucket, struct ts_mono now,
                         bool fresh, struct pace_word *word,
                         enum pace_reason reason) {
    int64_t least = fresh ? -burst_of(bucket) : 0;
    size_t bytes = (size_t)(burst_of(bucket) / 1000 / 2);

    fill(bucket, now);
    if (bucket->milli <= least) {
        word->reason = reason;
        word->ask_at_ms = word->until_ms =
            now.ms + (least - bucket->milli) / bucket->rate + 1;
        return false;
    }
    if (!word->max_bytes || bytes < word->max_bytes)
        word->max_bytes = bytes;
    return true;
}

static bool in_hours(const struct pace_hours *hours, int minute) {
    if (hours->from_min < hours->to_min)
        return minute >= hours->from_min && minute < hours->to_min;
    return minute >= hours->from_min || minute < hours->to_min;
}

/* Through mktime: a day on which the clocks change has its own length. */
static int64_t ms_until(struct ts_wall now, const struct tm *local,
                        unsigned to_min, int minute) {
    struct tm end = *local;

    end.tm_mday += (int)to_min <= minute;
    end.tm_hour = (int)(to_min / 60);
    end.tm_min = (int)(to_min % 60);
    end.tm_sec = 0;
    end.tm_isdst = -1;
    return (int64_t)mktime(&end) * 1000 - now.unix_ms;
}

/* How long the quiet hours of now still last; 0: there are none. */
static int64_t quiet_ms(const struct pace *pace) {
    const struct pace_options *options = &pace->options;
    struct ts_wall now;
    struct tm local;
    time_t second;
    int64_t longest = 0;

    if (!options->quiet_count)
        return 0;
    now = ts_clock_wall(options->clock);
    second = (time_t)(now.unix_ms / 1000);
    if (!localtime_r(&second, &local))
        return 0;
    for (size_t i = 0; i < options->quiet_count; i++) {
        int minute = local.tm_hour * 60 + local.tm_min;
        int64_t ms;
        if (!in_hours(&options->quiet[i], minute))
            continue;
        ms = ms_until(now, &local, options->quiet[i].to_min, minute);
        longest = ms > longest ? ms : longest;
    }
    return longest;
}

static void hold_quiet(struct pace *pace, struct ts_mono now, int64_t left_ms,
                       struct pace_word *word) {
    word->reason = PACE_GO;
    if (pace->options.quiet_bytes_per_s &&
        bucket_gives(&pace->quiet, now, false, word, PACE_QUIET_HOURS))
        return;
    word->reason = PACE_QUIET_HOURS;
    word->until_ms = now.ms + left_ms;
    if (!pace->options.quiet_bytes_per_s)
        word->ask_at_ms = word->until_ms;
    if (word->ask_at_ms > now.ms + LOOK_AGAIN_MS)
        word->ask_at_ms = now.ms + LOOK_AGAIN_MS;
}

struct pace_word pace_ask(struct pace *pace, struct ts_mono now, bool fresh) {
    struct pace_word word = {.reason = PACE_GO};
    int64_t left_ms = fresh ? 0 : quiet_ms(pace);

    if (left_ms > 0)
        hold_quiet(pace, now, left_ms, &word);
    if (word.reason == PACE_GO && pace->options.max_bytes_per_s)
        (void)bucket_gives(&pace->ceiling, now, fresh, &word, PACE_CEILING);
    return word;
}

static void draw_from(struct pace_bucket *bucket, struct ts_mono now,
                      size_t bytes) {
    if (!bucket->rate)
        return;
    fill(bucket, now);
    bucket->milli -= (int64_t)bytes * 1000;
}

/* What left outside the quiet hours is no debt that they would have to pay. */
void pace_spend(struct pace *pace, struct ts_mono now, size_t bytes) {
    draw_from(&pace->ceiling, now, bytes);
    draw_from(&pace->quiet, now, bytes);
    if (pace->quiet.milli < -burst_of(&pace->quiet))
        pace->quiet.milli = -burst_of(&pace->quiet);
}

uint32_t pace_spread(uint32_t spread_ms, uint32_t draw) {
    return (uint32_t)(((uint64_t)spread_ms + 1) * draw >> 32);
}
