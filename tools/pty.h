/* A pseudo-terminal that stands for a reader's port. */
#ifndef TS_TOOLS_PTY_H
#define TS_TOOLS_PTY_H

#include "base/bytes.h"

enum { PTY_SLAVE_TEXT = 64 };

struct pty {
    int master; /* -1: unplugged; non-blocking */
    char slave[PTY_SLAVE_TEXT];
    const char *link; /* symbolic link to the slave, or NULL; borrowed */
};

enum pty_host {
    PTY_HOST_GONE,   /* nobody has the port open */
    PTY_HOST_COOKED, /* open, not set to raw mode yet */
    PTY_HOST_READY   /* open and raw: what is sent now is not flushed away */
};

/* Replaces a symbolic link that is there already, and nothing else. */
enum ts_status pty_plug(struct pty *pty, const char *link,
                        struct ts_err *err) TS_MUST_USE;
/* The host sees a hang-up, as at an unplugged USB device. */
void pty_unplug(struct pty *pty);

enum pty_host pty_host(const struct pty *pty);

#endif
