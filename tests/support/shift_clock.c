/* Preloaded into a program: its wall clock is apart from the machine's by the
 * milliseconds, 64 bits in the machine's order, that the file of
 * TESSERA_CLOCK_FILE holds at that moment, and never synchronised. System
 * calls, not libc's functions: those may be a sanitizer's. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

static int64_t apart_ms(void) {
    const char *path = getenv("TESSERA_CLOCK_FILE");
    int64_t apart = 0;
    int fd;

    if (!path)
        return 0;
    fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    if (syscall(SYS_pread64, fd, &apart, sizeof apart, 0L) != sizeof apart)
        apart = 0;
    (void)syscall(SYS_close, fd);
    return apart;
}

int clock_gettime(clockid_t clock, struct timespec *out) {
    int rc = (int)syscall(SYS_clock_gettime, clock, out);
    int64_t ms;

    if (rc || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return rc;
    ms = out->tv_nsec / 1000000 + apart_ms();
    out->tv_nsec = out->tv_nsec % 1000000 + (ms % 1000 + 1000) % 1000 * 1000000;
    out->tv_sec += (ms - (ms % 1000 + 1000) % 1000) / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
    struct timespec now;

    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    *out = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

int adjtimex(struct timex *state) {
    int rc = (int)syscall(SYS_adjtimex, state);

    state->status |= STA_UNSYNC;
    return rc < 0 ? rc : TIME_ERROR;
}
