#include "base/time.h"
#include "base/ids.h"

#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

static struct ts_wall system_wall(void *ctx) {
    struct timespec now;

    (void)ctx;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (struct ts_wall){now.tv_sec * 1000 + now.tv_nsec / 1000000};
}

static struct ts_mono system_mono(void *ctx) {
    struct timespec now;

    (void)ctx;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (struct ts_mono){now.tv_sec * 1000 + now.tv_nsec / 1000000};
}

static bool system_synchronised(void *ctx) {
    struct timex state = {0};

    (void)ctx;
    return adjtimex(&state) >= 0 && !(state.status & STA_UNSYNC);
}

const struct ts_clock *ts_clock_system(void) {
    static const struct ts_clock clock = {NULL, system_wall, system_mono,
                                          system_synchronised};

    return &clock;
}

void ts_wall_text(char out[TS_TIME_TEXT], struct ts_wall at) {
    static const int64_t first = -62135596800000; /* 0001-01-01 */
    static const int64_t last = 253402300799999;  /* 9999-12-31 */
    int64_t ms = at.unix_ms < first ? first : at.unix_ms;
    struct tm parts;
    time_t seconds;
    int milli;

    if (ms > last)
        ms = last;
    milli = (int)((ms % 1000 + 1000) % 1000);
    seconds = (ms - milli) / 1000;
    (void)gmtime_r(&seconds, &parts);
    (void)snprintf(out, TS_TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                   (parts.tm_year + 1900) % 10000, (parts.tm_mon + 1) % 100,
                   parts.tm_mday % 100, parts.tm_hour % 100, parts.tm_min % 100,
                   parts.tm_sec % 100, milli % 1000);
}

/* Reads `count` digits at *p; false when one is missing. */
static bool take_digits(const char **p, int count, int *out) {
    int value = 0;

    for (int i = 0; i < count; i++, (*p)++) {
        if (**p < '0' || **p > '9')
            return false;
        value = value * 10 + (**p - '0');
    }
    *out = value;
    return true;
}

static bool take_char(const char **p, const char *one_of) {
    if (!**p || !strchr(one_of, **p))
        return false;
    (*p)++;
    return true;
}

static bool take_fraction(const char **p, int *milli) {
    int scale = 100;
    int digits = 0;

    *milli = 0;
    if (**p != '.')
        return true;
    for ((*p)++; **p >= '0' && **p <= '9'; (*p)++, digits++) {
        *milli += (**p - '0') * scale;
        scale /= 10;
    }
    return digits > 0 && digits <= 9;
}

static bool take_offset(const char **p, int *minutes) {
    int hour;
    int minute;
    int sign;

    *minutes = 0;
    if (take_char(p, "Zz"))
        return true;
    sign = **p == '-' ? -1 : 1;
    if (!take_char(p, "+-") || !take_digits(p, 2, &hour) ||
        !take_char(p, ":") || !take_digits(p, 2, &minute) || hour > 23 ||
        minute > 59)
        return false;
    *minutes = sign * (hour * 60 + minute);
    return true;
}

static bool take_date(const char **p, struct tm *out) {
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap;

    if (!take_digits(p, 4, &out->tm_year) || !take_char(p, "-") ||
        !take_digits(p, 2, &out->tm_mon) || !take_char(p, "-") ||
        !take_digits(p, 2, &out->tm_mday))
        return false;
    leap = out->tm_year % 4 == 0 &&
           (out->tm_year % 100 != 0 || out->tm_year % 400 == 0);
    if (out->tm_year < 1 || out->tm_mon < 1 || out->tm_mon > 12 ||
        out->tm_mday < 1 || out->tm_mday > days[out->tm_mon - 1] ||
        (out->tm_mon == 2 && out->tm_mday == 29 && !leap))
        return false;
    out->tm_year -= 1900;
    out->tm_mon -= 1;
    return true;
}

static bool take_clock(const char **p, struct tm *out) {
    return take_digits(p, 2, &out->tm_hour) && take_char(p, ":") &&
           take_digits(p, 2, &out->tm_min) && take_char(p, ":") &&
           take_digits(p, 2, &out->tm_sec) && out->tm_hour <= 23 &&
           out->tm_min <= 59 && out->tm_sec <= 60;
}

enum ts_status ts_wall_parse(struct ts_wall *out, struct ts_slice text) {
    char copy[48] = {0};
    const char *p = copy;
    struct tm parts = {0};
    int milli;
    int minutes;

    if (!text.len || text.len >= sizeof copy)
        return TS_INVALID;
    memcpy(copy, text.data, text.len);
    if (!take_date(&p, &parts) || !take_char(&p, "Tt ") ||
        !take_clock(&p, &parts) || !take_fraction(&p, &milli) ||
        !take_offset(&p, &minutes) || p != copy + text.len)
        return TS_INVALID;
    out->unix_ms = ((int64_t)timegm(&parts) - minutes * 60LL) * 1000 + milli;
    return TS_OK;
}

void ts_boot_id(char out[TS_BOOT_TEXT]) {
    struct ts_buf text = {0};

    if (ts_file_read(&text, "/proc/sys/kernel/random/boot_id", 64, NULL) ==
            TS_OK &&
        text.len >= TS_BOOT_TEXT - 1) {
        memcpy(out, text.data, TS_BOOT_TEXT - 1);
        out[TS_BOOT_TEXT - 1] = 0;
    } else {
        ts_random_hex(out, TS_BOOT_TEXT - 1);
    }
    ts_buf_fini(&text);
}
