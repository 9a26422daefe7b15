/* Preloaded into a program: a pseudo-terminal looks like a serial port to
 * libserialport. It answers the look-ups in /sys/class/tty and the modem lines,
 * which a pty has not; all else is the kernel's. What a pty cannot do stays
 * undone: 7 data bits and parity are refused. System calls, not libc's
 * functions: those may be a sanitizer's. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

static const char entries[] = "/sys/class/tty/pts/";
static const char target[] = "../../devices/platform/pty/tty/pts";

/* What a caller uses instead that is fortified, or of an older libc. */
ssize_t __readlink_chk(const char *path, char *out, size_t size, size_t room);
int __lxstat(int version, const char *path, struct stat *out);

static bool is_entry(const char *path) {
    return strncmp(path, entries, sizeof entries - 1) == 0;
}

static int link_stat(struct stat *out) {
    memset(out, 0, sizeof *out);
    out->st_mode = S_IFLNK | 0777;
    return 0;
}

int lstat(const char *restrict path, struct stat *restrict out) {
    if (is_entry(path))
        return link_stat(out);
    return (int)syscall(SYS_newfstatat, AT_FDCWD, path, out,
                        AT_SYMLINK_NOFOLLOW);
}

int __lxstat(int version, const char *path, struct stat *out) {
    (void)version;
    return lstat(path, out);
}

/* On 64-bit machines both are the same. */
_Static_assert(sizeof(struct stat) == sizeof(struct stat64), "64-bit only");

int lstat64(const char *restrict path, struct stat64 *restrict out) {
    return lstat(path, (struct stat *)out);
}

ssize_t readlink(const char *restrict path, char *restrict out, size_t size) {
    size_t len = sizeof target - 1;

    if (!is_entry(path))
        return syscall(SYS_readlinkat, AT_FDCWD, path, out, size);
    if (len > size)
        len = size;
    memcpy(out, target, len);
    return (ssize_t)len;
}

ssize_t __readlink_chk(const char *path, char *out, size_t size, size_t room) {
    return readlink(path, out, size < room ? size : room);
}

int access(const char *path, int mode) {
    if (is_entry(path))
        return 0;
    return (int)syscall(SYS_faccessat, AT_FDCWD, path, mode);
}

/* Modem lines of a device that is there and ready. */
static int modem_lines(unsigned long request, int *lines) {
    switch (request) {
    case TIOCMGET:
        *lines = TIOCM_DTR | TIOCM_RTS | TIOCM_CTS | TIOCM_DSR | TIOCM_CAR;
        return 0;
    case TIOCMSET:
    case TIOCMBIS:
    case TIOCMBIC:
        return 0;
    default:
        errno = ENOTTY;
        return -1;
    }
}

int ioctl(int fd, unsigned long request, ...) {
    va_list arguments;

    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    int answer = (int)syscall(SYS_ioctl, fd, request, argument);
    if (answer < 0 && (errno == ENOTTY || errno == EINVAL) && isatty(fd))
        return modem_lines(request, argument);
    return answer;
}
