#include "drivers/port/port_parts.h"

#include "drivers/port/port_holder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/major.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static enum ts_status fail_busy(struct ts_err *err, const char *path) {
    char holder[PORT_HOLDER_TEXT];

    if (!port_holder(holder, path))
        return ts_fail(err, TS_DENIED,
                       "%s is in use by another program: stop it "
                       "(ModemManager holds a new port for about 10 s; it is "
                       "tried again by itself)",
                       path);
    if (strstr(holder, "ModemManager"))
        return ts_fail(err, TS_DENIED,
                       "%s is in use by %s, which looks for a modem: install "
                       "60-tessera-readers.rules, or stop it; the port is "
                       "tried again by itself",
                       path, holder);
    return ts_fail(err, TS_DENIED, "%s is in use by %s: stop that program",
                   path, holder);
}

enum ts_status port_fail(struct ts_err *err, const char *path, int error,
                         const char *what) {
    switch (error) {
    case ENOENT:
    case ENXIO:
    case ENODEV:
        return ts_fail(err, TS_CLOSED,
                       "%s is not there: plug the device in (a USB adapter "
                       "that vanishes at once is often taken by brltty: "
                       "remove that package)",
                       path);
    case EACCES:
    case EPERM:
        return ts_fail(err, TS_DENIED,
                       "no permission for %s: add the user to the group "
                       "dialout (usermod -aG dialout USER) and start again",
                       path);
    case EBUSY:
    case EWOULDBLOCK:
        return fail_busy(err, path);
    case EIO:
    case EBADF:
    case EPIPE:
        return ts_fail(err, TS_CLOSED, "%s was unplugged", path);
    default:
        return ts_fail(err, TS_IO, "%s: %s: %s", path, what, strerror(error));
    }
}

static bool is_pseudo_terminal(int fd) {
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
           major(st.st_rdev) >= UNIX98_PTY_SLAVE_MAJOR &&
           major(st.st_rdev) < UNIX98_PTY_SLAVE_MAJOR + UNIX98_PTY_MAJOR_COUNT;
}

enum ts_status port_fd_claim(int fd, const char *path, struct ts_err *err) {
    int flags = fcntl(fd, F_GETFD);

    if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) != 0)
        return port_fail(err, path, errno, "close-on-exec");
    /* The lock tells our own kind, root included; TIOCEXCL the others. A
     * pseudo-terminal would keep that when its owner has closed it, until the
     * other end is closed as well: all but root would find it busy. */
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return port_fail(err, path, errno, "lock");
    if (isatty(fd) && !is_pseudo_terminal(fd) && ioctl(fd, TIOCEXCL) != 0)
        return port_fail(err, path, errno, "TIOCEXCL");
    return TS_OK;
}

static enum ts_status fail_unplugged(struct ts_err *err, const char *path) {
    return port_fail(err, path, EIO, "read");
}

enum ts_status port_fd_read(int fd, const char *path, uint8_t *out, size_t cap,
                            size_t *got, struct ts_err *err) {
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    int polled = poll(&ready, 1, 0);

    if (polled < 0)
        return errno == EINTR ? TS_AGAIN : port_fail(err, path, errno, "poll");
    if (polled == 0)
        return TS_AGAIN;
    if (!(ready.revents & POLLIN))
        return fail_unplugged(err, path);
    ssize_t len = read(fd, out, cap);
    if (len > 0) {
        *got = (size_t)len;
        return TS_OK;
    }
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return ready.revents & (POLLHUP | POLLERR | POLLNVAL)
                   ? fail_unplugged(err, path)
                   : TS_AGAIN;
    return len == 0 ? fail_unplugged(err, path)
                    : port_fail(err, path, errno, "read");
}

enum ts_status port_fd_write(int fd, const char *path, struct ts_slice bytes,
                             size_t *written, struct ts_err *err) {
    ssize_t len = write(fd, bytes.data, bytes.len);

    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return TS_AGAIN;
    if (len < 0)
        return port_fail(err, path, errno, "write");
    *written = (size_t)len;
    return len ? TS_OK : TS_AGAIN;
}
