/* The pseudo-terminal that plays a reader sees its host come and go. */
#include "tools/pty.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUNDS = 2000 };

struct host {
    const char *path;
    int fd;
    atomic_bool raw;
};

static int open_raw(const char *path) {
    struct termios tio;
    int fd = open(path, O_RDWR | O_NOCTTY);

    if (fd < 0 || tcgetattr(fd, &tio) != 0)
        return -1;
    cfmakeraw(&tio);
    tio.c_cc[VMIN] = 1;
    return tcsetattr(fd, TCSAFLUSH, &tio) == 0 ? fd : -1;
}

static void *come(void *arg) {
    struct host *host = arg;

    host->fd = open_raw(host->path);
    atomic_store(&host->raw, true);
    return NULL;
}

/* It is looked at all the while: that must not undo what the host set. */
static void test_a_host_that_comes_keeps_its_raw_mode(void **state) {
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct host host = {.fd = -1};
        struct pty pty;
        struct ts_err err;
        pthread_t thread;

        assert_int_equal(pty_plug(&pty, NULL, &err), TS_OK);
        assert_int_equal(pty_host(&pty), PTY_HOST_GONE);
        host.path = pty.slave;
        assert_int_equal(pthread_create(&thread, NULL, come, &host), 0);
        while (!atomic_load(&host.raw))
            (void)pty_host(&pty);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_true(host.fd >= 0);
        assert_int_equal(pty_host(&pty), PTY_HOST_READY);
        (void)close(host.fd);
        pty_unplug(&pty);
    }
}

static void test_the_next_host_begins_in_line_mode(void **state) {
    struct pty pty;
    struct ts_err err;

    (void)state;
    assert_int_equal(pty_plug(&pty, NULL, &err), TS_OK);
    int fd = open_raw(pty.slave);
    assert_true(fd >= 0);
    assert_int_equal(pty_host(&pty), PTY_HOST_READY);
    (void)close(fd);
    assert_int_equal(pty_host(&pty), PTY_HOST_GONE);
    fd = open(pty.slave, O_RDWR | O_NOCTTY);
    assert_true(fd >= 0);
    assert_int_equal(pty_host(&pty), PTY_HOST_COOKED);
    (void)close(fd);
    pty_unplug(&pty);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_host_that_comes_keeps_its_raw_mode),
        cmocka_unit_test(test_the_next_host_begins_in_line_mode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
