/* Preloaded into a program: appends all that passes over its UNIX stream
 * sockets with a path to the file that TESSERA_RECORDING names. Each piece is
 * a line "<end> <what> <socket's name> <length>\n" and the bytes; <end> is
 * client or server, <what> is sent or got. "server bound" tells the folder of
 * a name. System calls, not libc's functions: those may be a sanitizer's. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { PIECES_MAX = 64 };

/* What fortified callers use instead. */
ssize_t __read_chk(int fd, void *out, size_t size, size_t room);
ssize_t __recv_chk(int fd, void *out, size_t size, size_t room, int flags);

static void append(const char *head, const struct iovec *from, int count,
                   size_t left) {
    const char *path = getenv("TESSERA_RECORDING");
    struct iovec all[PIECES_MAX + 1] = {
        {.iov_base = (char *)head, .iov_len = strlen(head)}};
    size_t total = all[0].iov_len + left;
    int pieces = 1;
    int fd =
        path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;

    for (int i = 0; i < count && left; i++, pieces++) {
        if (pieces > PIECES_MAX)
            abort();
        all[pieces] = from[i];
        if (all[pieces].iov_len > left)
            all[pieces].iov_len = left;
        left -= all[pieces].iov_len;
    }
    /* A recording with a hole would prove nothing. */
    if (fd < 0 || syscall(SYS_writev, fd, all, pieces) != (long)total)
        abort();
    (void)close(fd);
}

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool has_path(int (*ask)(int, struct sockaddr *, socklen_t *), int fd,
                     struct sockaddr_un *name) {
    socklen_t len = sizeof *name - 1;

    memset(name, 0, sizeof *name);
    return ask(fd, (struct sockaddr *)name, &len) == 0 &&
           name->sun_family == AF_UNIX && name->sun_path[0];
}

static int own_name(int fd, struct sockaddr *name, socklen_t *len) {
    return (int)syscall(SYS_getsockname, fd, name, len);
}

static int peer_name(int fd, struct sockaddr *name, socklen_t *len) {
    return (int)syscall(SYS_getpeername, fd, name, len);
}

static bool is_stream(int fd) {
    int type = 0;
    socklen_t len = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
           type == SOCK_STREAM;
}

static ssize_t passed(int fd, const char *what, const struct iovec *from,
                      int count, ssize_t done) {
    int error = errno;
    struct sockaddr_un name;
    bool server;
    char head[160];

    if (done > 0 && is_stream(fd)) {
        server = has_path(own_name, fd, &name);
        if (server || has_path(peer_name, fd, &name)) {
            (void)snprintf(head, sizeof head, "%s %s %s %zd\n",
                           server ? "server" : "client", what,
                           last_part(name.sun_path), done);
            append(head, from, count, (size_t)done);
        }
    }
    errno = error;
    return done;
}

static ssize_t passed_one(int fd, const char *what, const void *bytes,
                          ssize_t done) {
    struct iovec one = {(void *)bytes, done > 0 ? (size_t)done : 0};

    return passed(fd, what, &one, 1, done);
}

int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t len) {
    const struct sockaddr *any = address.__sockaddr__;
    int rc = (int)syscall(SYS_bind, fd, any, len);
    struct sockaddr_un name = {0};
    char folder[PATH_MAX], real[PATH_MAX], head[160];
    int error = errno;

    if (rc == 0 && any->sa_family == AF_UNIX && is_stream(fd))
        memcpy(&name, any, len < sizeof name ? len : sizeof name - 1);
    if (strchr(name.sun_path, '/')) {
        (void)snprintf(folder, sizeof folder, "%s", name.sun_path);
        *strrchr(folder, '/') = 0;
        if (!realpath(folder, real))
            abort();
        struct iovec text = {real, strlen(real)};
        (void)snprintf(head, sizeof head, "server bound %s %zu\n",
                       last_part(name.sun_path), text.iov_len);
        append(head, &text, 1, text.iov_len);
    }
    errno = error;
    return rc;
}

ssize_t write(int fd, const void *bytes, size_t len) {
    return passed_one(fd, "sent", bytes, syscall(SYS_write, fd, bytes, len));
}

ssize_t send(int fd, const void *bytes, size_t len, int flags) {
    return passed_one(fd, "sent", bytes,
                      syscall(SYS_sendto, fd, bytes, len, flags, NULL, 0));
}

ssize_t writev(int fd, const struct iovec *from, int count) {
    return passed(fd, "sent", from, count,
                  syscall(SYS_writev, fd, from, count));
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    return passed(fd, "sent", message->msg_iov, (int)message->msg_iovlen,
                  syscall(SYS_sendmsg, fd, message, flags));
}

ssize_t read(int fd, void *out, size_t size) {
    return passed_one(fd, "got", out, syscall(SYS_read, fd, out, size));
}

ssize_t recv(int fd, void *out, size_t size, int flags) {
    ssize_t got = syscall(SYS_recvfrom, fd, out, size, flags, NULL, NULL);

    return flags & MSG_PEEK ? got : passed_one(fd, "got", out, got);
}

ssize_t __read_chk(int fd, void *out, size_t size, size_t room) {
    if (size > room)
        abort();
    return read(fd, out, size);
}

ssize_t __recv_chk(int fd, void *out, size_t size, size_t room, int flags) {
    if (size > room)
        abort();
    return recv(fd, out, size, flags);
}
