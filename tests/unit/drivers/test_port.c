#include "drivers/port/port.h"
#include "drivers/port/port_faulty.h"
#include "drivers/port/port_holder.h"
#include "drivers/port/port_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

static const struct port_line line_8n1 = {
    .baud = 9600, .data_bits = 8, .parity = 'N', .stop_bits = 1};

struct fixture {
    char folder[64];
    int master;
    char slave[64];
};

static int set_up(void **state) {
    struct fixture *f = ts_alloc(sizeof *f);

    (void)snprintf(f->folder, sizeof f->folder, "/tmp/tessera-port-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_true(f->master >= 0);
    assert_int_equal(grantpt(f->master), 0);
    assert_int_equal(unlockpt(f->master), 0);
    assert_int_equal(ptsname_r(f->master, f->slave, sizeof f->slave), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    char command[128];

    if (f->master >= 0)
        (void)close(f->master);
    (void)snprintf(command, sizeof command, "rm -rf %s", f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static struct port *open_slave(const struct fixture *f) {
    struct port *port = NULL;
    struct ts_err err;

    if (port_open(&port, f->slave, &line_8n1, &err) != TS_OK)
        fail_msg("%s", err.text);
    return port;
}

static void wait_for(int fd, short events) {
    struct pollfd ready = {.fd = fd, .events = events};
    assert_int_equal(poll(&ready, 1, 10000), 1);
}

static void put(int fd, const void *bytes, size_t len) {
    assert_int_equal(write(fd, bytes, len), len);
}

/* This program also runs with tests/support/pty_serial.c preloaded. */
static void test_the_back_end_is_the_one_asked_for(void **state) {
    struct port *port = open_slave(*state);
    const char *via = getenv("TESSERA_VIA");

    assert_string_equal(port_backend_name(port), via ? via : "termios");
    port_close(port);
}

static void test_every_byte_value_passes(void **state) {
    struct fixture *f = *state;
    struct port *port = open_slave(f);
    uint8_t all[256];
    uint8_t got[512];
    size_t total = 0;
    struct ts_err err;

    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    put(f->master, all, sizeof all);
    while (total < sizeof all) {
        size_t len = 0;
        wait_for(port_fd(port), POLLIN);
        enum ts_status status =
            port_read(port, got + total, sizeof got - total, &len, &err);
        assert_int_equal(status, TS_OK);
        assert_true(len > 0);
        total += len;
    }
    assert_memory_equal(got, all, sizeof all);
    port_close(port);
}

static void test_nothing_now_is_again(void **state) {
    struct port *port = open_slave(*state);
    uint8_t got[8];
    size_t len = 77;
    struct ts_err err;

    assert_int_equal(port_read(port, got, sizeof got, &len, &err), TS_AGAIN);
    assert_int_equal(len, 77);
    port_close(port);
}

static void test_what_the_host_writes_arrives(void **state) {
    struct fixture *f = *state;
    struct port *port = open_slave(f);
    struct ts_slice beep = ts_slice_of("\x16\x07\r\n", 4);
    size_t written = 0;
    struct ts_err err;
    char got[8];

    assert_int_equal(port_write(port, beep, &written, &err), TS_OK);
    assert_int_equal(written, 4);
    wait_for(f->master, POLLIN);
    assert_int_equal(read(f->master, got, sizeof got), 4);
    assert_memory_equal(got, "\x16\x07\r\n", 4);
    port_close(port);
}

static void test_a_full_device_is_again(void **state) {
    struct port *port = open_slave(*state);
    uint8_t block[4096] = {0};
    size_t written = 0;
    struct ts_err err;
    enum ts_status status = TS_OK;

    for (int i = 0; i < 100 && status == TS_OK; i++)
        status =
            port_write(port, ts_slice_of(block, sizeof block), &written, &err);
    assert_int_equal(status, TS_AGAIN);
    port_close(port);
}

static void test_hang_up_is_closed_at_once(void **state) {
    struct fixture *f = *state;
    struct port *port = open_slave(f);
    uint8_t got[8];
    size_t len = 0;
    struct ts_err err;

    (void)close(f->master);
    f->master = -1;
    wait_for(port_fd(port), POLLIN);
    assert_int_equal(port_read(port, got, sizeof got, &len, &err), TS_CLOSED);
    assert_non_null(strstr(err.text, "unplugged"));
    assert_int_equal(port_write(port, ts_slice_of("x", 1), &len, &err),
                     TS_CLOSED);
    port_close(port);
}

static void test_a_second_owner_is_denied(void **state) {
    struct fixture *f = *state;
    struct port *first = open_slave(f);
    struct port *second = NULL;
    struct ts_err err;

    assert_int_equal(port_open(&second, f->slave, &line_8n1, &err), TS_DENIED);
    assert_non_null(strstr(err.text, "in use"));
    assert_null(second);
    port_close(first);
    assert_int_equal(port_open(&second, f->slave, &line_8n1, &err), TS_OK);
    port_close(second);
}

/* Opens it twice as one who is not root, to whom TIOCEXCL means something. */
static int open_as_nobody(const struct fixture *f) {
    enum { NOBODY = 65534 };
    struct ts_err err;

    if (geteuid() == 0 && setuid(NOBODY) != 0)
        return 2;
    for (int i = 0; i < 2; i++) {
        struct port *port = NULL;
        if (port_open(&port, f->slave, &line_8n1, &err) != TS_OK) {
            print_error("%s\n", err.text);
            return 1;
        }
        port_close(port);
    }
    return 0;
}

static void test_what_one_closed_another_opens(void **state) {
    const struct fixture *f = *state;
    int status;

    assert_int_equal(chmod(f->slave, 0666), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(open_as_nobody(f));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* A process of that name that holds the port until it is ended. */
static pid_t hold_as(const struct fixture *f, const char *name) {
    int ready[2];
    char byte;

    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_NAME, name);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        int fd = open(f->slave, O_RDWR | O_NOCTTY);
        if (fd < 0 || flock(fd, LOCK_EX) != 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    (void)close(ready[1]);
    return pid;
}

static void test_modem_manager_is_named_with_what_to_do(void **state) {
    const struct fixture *f = *state;
    struct port *port = NULL;
    struct ts_err err;
    char holder[64];

    pid_t pid = hold_as(f, "ModemManager");
    assert_int_equal(port_open(&port, f->slave, &line_8n1, &err), TS_DENIED);
    (void)snprintf(holder, sizeof holder, "ModemManager (pid %ld)", (long)pid);
    if (!strstr(err.text, holder) ||
        !strstr(err.text, "60-tessera-readers.rules"))
        fail_msg("%s", err.text);
    assert_true(port_program_runs("ModemManager"));
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    /* It has gone: the next try has the port. */
    assert_int_equal(port_open(&port, f->slave, &line_8n1, &err), TS_OK);
    port_close(port);
}

static void test_the_descriptor_does_not_leak_to_children(void **state) {
    struct port *port = open_slave(*state);
    assert_true(fcntl(port_fd(port), F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(port_fd(port), F_GETFL) & O_NONBLOCK);
    port_close(port);
}

static void test_links_are_followed(void **state) {
    struct fixture *f = *state;
    struct port *port = NULL;
    struct ts_err err;
    char link[128];

    (void)snprintf(link, sizeof link, "%s/reader", f->folder);
    assert_int_equal(symlink(f->slave, link), 0);
    assert_int_equal(port_open(&port, link, &line_8n1, &err), TS_OK);
    port_close(port);
}

static void test_what_is_missing_is_closed_with_advice(void **state) {
    const struct fixture *f = *state;
    struct port *port = NULL;
    struct ts_err err;
    char path[128];

    (void)snprintf(path, sizeof path, "%s/none", f->folder);
    assert_int_equal(port_open(&port, path, &line_8n1, &err), TS_CLOSED);
    assert_non_null(strstr(err.text, "plug the device in"));
    assert_int_equal(port_open(&port, f->folder, &line_8n1, &err), TS_INVALID);
    assert_int_equal(port_open(&port, "", &line_8n1, &err), TS_INVALID);
}

static void test_errors_of_the_system_say_what_to_do(void **state) {
    static const struct {
        int error;
        enum ts_status status;
        const char *advice;
    } cases[] = {
        {EACCES, TS_DENIED, "dialout"}, {EBUSY, TS_DENIED, "ModemManager"},
        {ENOENT, TS_CLOSED, "brltty"},  {ENODEV, TS_CLOSED, "plug"},
        {EIO, TS_CLOSED, "unplugged"},  {ENOMEM, TS_IO, "what"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ts_err err;
        assert_int_equal(port_fail(&err, "/dev/none", cases[i].error, "what"),
                         cases[i].status);
        assert_non_null(strstr(err.text, cases[i].advice));
    }
}

static void test_a_file_plays_once_and_ends(void **state) {
    const struct fixture *f = *state;
    struct port *port = NULL;
    struct ts_err err;
    char path[128];
    uint8_t got[32];
    size_t len = 0;

    (void)snprintf(path, sizeof path, "%s/bytes", f->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite("96385074\r", 1, 9, file), 9);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(port_open(&port, path, &line_8n1, &err), TS_OK);
    wait_for(port_fd(port), POLLIN);
    assert_int_equal(port_read(port, got, sizeof got, &len, &err), TS_OK);
    assert_int_equal(len, 9);
    assert_int_equal(port_write(port, ts_slice_of("\x07", 1), &len, &err),
                     TS_OK);
    assert_int_equal(port_read(port, got, sizeof got, &len, &err), TS_CLOSED);
    port_close(port);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 9);
}

static void test_a_wrong_line_is_refused(void **state) {
    static const struct port_line wrong[] = {
        {.baud = 0, .data_bits = 8, .parity = 'N', .stop_bits = 1},
        {.baud = 9600, .data_bits = 5, .parity = 'N', .stop_bits = 1},
        {.baud = 9600, .data_bits = 8, .parity = 'X', .stop_bits = 1},
        {.baud = 9600, .data_bits = 8, .parity = 'N', .stop_bits = 3},
    };
    const struct fixture *f = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct port *port = NULL;
        struct ts_err err;
        assert_int_equal(port_open(&port, f->slave, &wrong[i], &err),
                         TS_INVALID);
    }
}

/* A machine with an 8250 shows that the settings hold on a real port. */
static void test_a_real_port_is_set_and_read_back(void **state) {
    struct port_line lines[] = {line_8n1, line_8n1, line_8n1};
    struct port *port = NULL;
    struct ts_err err;

    (void)state;
    if (access("/dev/ttyS0", R_OK | W_OK) != 0 ||
        port_open(&port, "/dev/ttyS0", &line_8n1, &err) != TS_OK)
        skip();
    port_close(port);
    lines[1].rts_cts = true;
    lines[2].data_bits = 7;
    lines[2].parity = 'E';
    for (size_t i = 0; i < 3; i++) {
        struct termios tio;
        assert_int_equal(port_open(&port, "/dev/ttyS0", &lines[i], &err),
                         TS_OK);
        assert_int_equal(tcgetattr(port_fd(port), &tio), 0);
        assert_false(tio.c_iflag & (IXON | IXOFF | IXANY | ICRNL | ISTRIP));
        assert_int_equal(!!(tio.c_cflag & CRTSCTS), lines[i].rts_cts);
        assert_int_equal(tio.c_cflag & CSIZE, i == 2 ? CS7 : CS8);
        assert_int_equal(!!(tio.c_cflag & PARENB), i == 2);
        assert_true(fcntl(port_fd(port), F_GETFD) & FD_CLOEXEC);
        int other = open("/dev/ttyS0", O_RDWR | O_NONBLOCK | O_NOCTTY);
        if (other >= 0) { /* root passes TIOCEXCL, nobody passes the lock */
            assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
            (void)close(other);
        }
        port_close(port);
    }
}

static void write_file(const char *folder, const char *name, const char *text) {
    char path[256];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void make_device(const struct fixture *f, const char *tty,
                        const char *serial) {
    char command[2048];
    char folder[160];

    (void)snprintf(folder, sizeof folder, "%s/usb-%s", f->folder, tty);
    (void)snprintf(command, sizeof command,
                   "mkdir -p %s/if/%s %s/tty/%s && ln -s %s/if/%s "
                   "%s/tty/%s/device && mkdir -p %s/dev && : > %s/dev/%s",
                   folder, tty, f->folder, tty, folder, tty, f->folder, tty,
                   f->folder, f->folder, tty);
    assert_int_equal(system(command), 0);
    write_file(folder, "idVendor", "05e0\n");
    write_file(folder, "idProduct", "1701\n");
    write_file(folder, "serial", serial);
    write_file(folder, "product", "Bar Code Scanner\n");
}

static void test_usb_identity_finds_the_port(void **state) {
    const struct fixture *f = *state;
    char tty[128];
    char dev[128];
    char out[PORT_PATH_TEXT];
    char want[PORT_PATH_TEXT];
    struct ts_err err;

    (void)snprintf(tty, sizeof tty, "%s/tty", f->folder);
    (void)snprintf(dev, sizeof dev, "%s/dev", f->folder);
    const struct port_roots roots = {.tty = tty, .dev = dev, .by_id = dev};
    assert_int_equal(mkdir(tty, 0700), 0);
    assert_int_equal(port_find(out, "usb:05e0:1701", &roots, &err), TS_CLOSED);
    make_device(f, "ttyACM0", "A1\n");
    (void)snprintf(want, sizeof want, "%s/ttyACM0", dev);
    assert_int_equal(port_find(out, "usb:05E0:1701", &roots, &err), TS_OK);
    assert_string_equal(out, want);
    make_device(f, "ttyACM1", "B2\n");
    assert_int_equal(port_find(out, "usb:05e0:1701", &roots, &err), TS_DENIED);
    assert_non_null(strstr(err.text, "serial"));
    (void)snprintf(want, sizeof want, "%s/ttyACM1", dev);
    assert_int_equal(port_find(out, "usb:05e0:1701:B2", &roots, &err), TS_OK);
    assert_string_equal(out, want);
    assert_int_equal(port_find(out, "usb:05e0", &roots, &err), TS_INVALID);
    assert_int_equal(port_find(out, "usb:05e0:17011", &roots, &err),
                     TS_INVALID);
}

static void test_the_faulty_port_plays_its_script(void **state) {
    static const struct port_fault_step steps[] = {
        {.what = PORT_FAULT_AGAIN, .count = 2},
        {.what = PORT_FAULT_GIVE,
         .bytes = {(const uint8_t *)"abcde", 5},
         .count = 2},
        {.what = PORT_FAULT_IO, .count = 1},
        {.what = PORT_FAULT_HANGUP},
    };
    static const enum ts_status want[] = {TS_AGAIN, TS_AGAIN, TS_OK,    TS_OK,
                                          TS_OK,    TS_IO,    TS_CLOSED};
    struct port_faulty faulty = {.steps = steps, .count = 4, .write_max = 2};
    struct port *port = NULL;
    struct ts_err err;
    size_t len = 0;

    (void)state;
    assert_int_equal(
        port_open_with(&port, &port_faulty, &faulty, "script", &line_8n1, &err),
        TS_OK);
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        uint8_t got[8];
        assert_int_equal(port_read(port, got, sizeof got, &len, &err), want[i]);
    }
    assert_int_equal(port_write(port, ts_slice_of("xyz", 3), &len, &err),
                     TS_OK);
    assert_int_equal(len, 2);
    port_close(port);
    ts_buf_fini(&faulty.written);
}

static void test_an_adapter_that_is_taken_at_once_says_by_whom(void **state) {
    static const struct port_fault_step steps[] = {
        {.what = PORT_FAULT_HANGUP},
    };
    static const struct {
        const char *usb;
        int64_t ago_ms;
        bool hint;
    } cases[] = {
        {"1a86:7523", 0, true},
        {"10c4:ea60", 500, true},
        {"1a86:7523", PORT_TAKEN_MS + 1000, false}, /* unplugged by a person */
        {"05e0:1701", 0, false},
        {"", 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct port_faulty faulty = {.steps = steps, .count = 1};
        struct port *port = NULL;
        struct ts_err err;
        uint8_t got[8];
        size_t len = 0;

        assert_int_equal(port_open_with(&port, &port_faulty, &faulty,
                                        "/dev/ttyUSB0", &line_8n1, &err),
                         TS_OK);
        (void)snprintf(port->usb, sizeof port->usb, "%s", cases[i].usb);
        port->opened_at.ms -= cases[i].ago_ms;
        assert_int_equal(port_read(port, got, sizeof got, &len, &err),
                         TS_CLOSED);
        if (!strstr(err.text, "brltty") == cases[i].hint)
            fail_msg("%s: %s", cases[i].usb, err.text);
        port_close(port);
    }
}

#define PORT_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        PORT_TEST(test_the_back_end_is_the_one_asked_for),
        PORT_TEST(test_every_byte_value_passes),
        PORT_TEST(test_nothing_now_is_again),
        PORT_TEST(test_what_the_host_writes_arrives),
        PORT_TEST(test_a_full_device_is_again),
        PORT_TEST(test_hang_up_is_closed_at_once),
        PORT_TEST(test_a_second_owner_is_denied),
        PORT_TEST(test_what_one_closed_another_opens),
        PORT_TEST(test_modem_manager_is_named_with_what_to_do),
        PORT_TEST(test_the_descriptor_does_not_leak_to_children),
        PORT_TEST(test_links_are_followed),
        PORT_TEST(test_what_is_missing_is_closed_with_advice),
        PORT_TEST(test_errors_of_the_system_say_what_to_do),
        PORT_TEST(test_a_file_plays_once_and_ends),
        PORT_TEST(test_a_wrong_line_is_refused),
        PORT_TEST(test_a_real_port_is_set_and_read_back),
        PORT_TEST(test_usb_identity_finds_the_port),
        cmocka_unit_test(test_an_adapter_that_is_taken_at_once_says_by_whom),
        cmocka_unit_test(test_the_faulty_port_plays_its_script),
    };
    /* For this program, not for those that it starts. */
    (void)unsetenv("LD_PRELOAD");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
