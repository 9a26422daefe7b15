/* Plain termios: ptys, FIFOs, gadget ports without modem lines, and regular
 * files, which play once and end. */
#include "drivers/port/port_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

struct tty {
    int fd;
    bool file; /* a regular file: no event loop can wait for it */
};

static enum ts_status tty_raw(int fd, const char *path, struct ts_err *err) {
    struct termios tio;

    if (tcgetattr(fd, &tio) != 0)
        return port_fail(err, path, errno, "tcgetattr");
    cfmakeraw(&tio);
    tio.c_iflag &= (tcflag_t) ~(IXOFF | IXANY);
    tio.c_cflag |= CLOCAL | CREAD;
    tio.c_cc[VMIN] = 1;
    tio.c_cc[VTIME] = 0;
    /* What came before is of another run; it goes before raw mode is seen. */
    if (tcsetattr(fd, TCSAFLUSH, &tio) != 0)
        return port_fail(err, path, errno, "tcsetattr");
    return TS_OK;
}

static enum ts_status tty_prepare(struct port *port, struct tty *tty,
                                  struct ts_err *err) {
    if (tty->file) {
        /* Always ready, as a file is. */
        port->fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
        return port->fd < 0 ? port_fail(err, port->path, errno, "eventfd")
                            : TS_OK;
    }
    enum ts_status status = port_fd_claim(tty->fd, port->path, err);
    if (status == TS_OK && isatty(tty->fd))
        status = tty_raw(tty->fd, port->path, err);
    port->fd = tty->fd;
    return status;
}

static void tty_close(struct port *port) {
    struct tty *tty = port->ctx;

    if (port->fd >= 0 && port->fd != tty->fd)
        (void)close(port->fd);
    (void)close(tty->fd);
    free(tty);
}

static enum ts_status tty_open(struct port *port, const char *path,
                               const struct port_line *line,
                               struct ts_err *err) {
    struct stat st;

    (void)line; /* a pty has no speed */
    if (stat(path, &st) != 0)
        return port_fail(err, path, errno, "stat");
    if (S_ISDIR(st.st_mode))
        return ts_fail(err, TS_INVALID,
                       "%s is a folder: name a device, as `tessera ports` "
                       "lists them",
                       path);
    bool file = S_ISREG(st.st_mode);
    int fd = open(path, (file ? O_RDONLY : O_RDWR) | O_NOCTTY | O_NONBLOCK |
                            O_CLOEXEC);
    if (fd < 0)
        return port_fail(err, path, errno, "open");
    struct tty *tty = ts_alloc(sizeof *tty);
    *tty = (struct tty){.fd = fd, .file = file};
    port->ctx = tty;
    enum ts_status status = tty_prepare(port, tty, err);
    if (status != TS_OK)
        tty_close(port);
    return status;
}

static enum ts_status tty_read(struct port *port, uint8_t *out, size_t cap,
                               size_t *got, struct ts_err *err) {
    struct tty *tty = port->ctx;

    if (!tty->file)
        return port_fd_read(tty->fd, port->path, out, cap, got, err);
    ssize_t len = read(tty->fd, out, cap);
    if (len < 0)
        return port_fail(err, port->path, errno, "read");
    if (len == 0)
        return ts_fail(err, TS_CLOSED, "%s is at its end", port->path);
    *got = (size_t)len;
    return TS_OK;
}

static enum ts_status tty_write(struct port *port, struct ts_slice bytes,
                                size_t *written, struct ts_err *err) {
    struct tty *tty = port->ctx;

    if (!tty->file)
        return port_fd_write(tty->fd, port->path, bytes, written, err);
    /* A recording has nobody to hear an answer and must not be changed. */
    *written = bytes.len;
    return TS_OK;
}

const struct port_backend port_tty = {
    .name = "termios",
    .open = tty_open,
    .read = tty_read,
    .write = tty_write,
    .close = tty_close,
};
