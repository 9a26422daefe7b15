#include "tools/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static enum ts_status link_make(const char *link, const char *target,
                                struct ts_err *err) {
    char fresh[512];
    struct stat st;

    if (lstat(link, &st) == 0 && !S_ISLNK(st.st_mode))
        return ts_fail(err, TS_INVALID,
                       "%s is there and is no symbolic link; name another",
                       link);
    int len = snprintf(fresh, sizeof fresh, "%s.%ld", link, (long)getpid());
    if (len < 0 || (size_t)len >= sizeof fresh)
        return ts_fail(err, TS_INVALID, "the name of the link is too long");
    (void)unlink(fresh);
    if (symlink(target, fresh) != 0 || rename(fresh, link) != 0)
        return ts_fail(err, TS_IO, "%s: %s", link, strerror(errno));
    return TS_OK;
}

static bool master_open(struct pty *pty) {
    pty->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (pty->master < 0 || grantpt(pty->master) != 0 ||
        unlockpt(pty->master) != 0 ||
        ptsname_r(pty->master, pty->slave, sizeof pty->slave) != 0)
        return false;
    /* A port that was open once and is closed reports POLLHUP; one that never
     * was open does not. */
    int slave = open(pty->slave, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return false;
    (void)close(slave);
    return true;
}

enum ts_status pty_plug(struct pty *pty, const char *link, struct ts_err *err) {
    enum ts_status status = TS_OK;

    *pty = (struct pty){.master = -1};
    if (!master_open(pty))
        status = ts_fail(err, TS_IO, "no pseudo-terminal: %s", strerror(errno));
    if (status == TS_OK && link)
        status = link_make(link, pty->slave, err);
    if (status == TS_OK)
        pty->link = link;
    else
        pty_unplug(pty);
    return status;
}

void pty_unplug(struct pty *pty) {
    char target[PTY_SLAVE_TEXT + 1] = "";

    if (pty->master < 0)
        return;
    /* Another simulation may have taken the name over. */
    if (pty->link && readlink(pty->link, target, sizeof target - 1) > 0 &&
        strcmp(target, pty->slave) == 0)
        (void)unlink(pty->link);
    (void)close(pty->master);
    pty->master = -1;
}

static bool host_gone(const struct pty *pty) {
    struct pollfd state = {.fd = pty->master};

    return pty->master < 0 || poll(&state, 1, 0) < 0 ||
           state.revents & (POLLHUP | POLLERR | POLLNVAL);
}

/* The line discipline outlives a host that closes the port: put it back, so
 * that the next one's raw mode is news. A host that came since and set its
 * raw mode is no longer gone: that mode is not touched. */
static void cook(const struct pty *pty) {
    struct termios tio;

    if (tcgetattr(pty->master, &tio) != 0 || tio.c_lflag & ICANON ||
        !host_gone(pty))
        return;
    tio.c_lflag |= ICANON;
    (void)tcsetattr(pty->master, TCSANOW, &tio);
}

enum pty_host pty_host(const struct pty *pty) {
    struct termios tio;

    if (host_gone(pty)) {
        if (pty->master >= 0)
            cook(pty);
        return PTY_HOST_GONE;
    }
    /* libserialport reads without a minimum until the port is set up. */
    if (tcgetattr(pty->master, &tio) != 0 || tio.c_lflag & ICANON ||
        tio.c_cc[VMIN] == 0)
        return PTY_HOST_COOKED;
    return PTY_HOST_READY;
}
