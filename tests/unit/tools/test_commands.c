/* The program as a person calls it: output and exit codes. */
#include "base/bytes.h"
#include "drivers/port/port.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TESSERA TESSERA_BIN_DIR "/tessera"

struct answer {
    int code;
    struct ts_buf out;
};

static struct answer call(const char *command) {
    struct answer answer = {.code = -1};
    char piece[1024];
    size_t len;
    FILE *pipe = popen(command, "r");

    assert_non_null(pipe);
    while ((len = fread(piece, 1, sizeof piece, pipe)) > 0)
        assert_int_equal(ts_buf_add(&answer.out, ts_slice_of(piece, len)),
                         TS_OK);
    answer.code = WEXITSTATUS(pclose(pipe));
    return answer;
}

struct expectation {
    const char *command;
    int code;
    const char *says;  /* or NULL */
    const char *lacks; /* or NULL */
};

static void check(const struct expectation *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct answer answer = call(cases[i].command);
        const char *out = ts_buf_text(&answer.out);
        if (answer.code != cases[i].code)
            fail_msg("%s: exit code %d", cases[i].command, answer.code);
        if (cases[i].says && !strstr(out, cases[i].says))
            fail_msg("%s: \"%s\" lacks \"%s\"", cases[i].command, out,
                     cases[i].says);
        if (cases[i].lacks && strstr(out, cases[i].lacks))
            fail_msg("%s: \"%s\" has \"%s\"", cases[i].command, out,
                     cases[i].lacks);
        ts_buf_fini(&answer.out);
    }
}

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void test_help_and_usage(void **state) {
    static const struct expectation cases[] = {
        {TESSERA " --help", 0, "decode", NULL},
        {TESSERA " --version", 0, "tessera " TS_VERSION, NULL},
        {TESSERA " 2>&1", 2, "usage", NULL},
        {TESSERA " fly 2>&1", 2, "no subcommand \"fly\"", NULL},
        {TESSERA " help decode", 0, "--driver", NULL},
        {TESSERA " decode --help", 0, "--settings", NULL},
        {TESSERA " simulate --help", 0, "simulate line", NULL},
        {TESSERA " simulate reader --help", 0, "--from-stdin", NULL},
        {TESSERA " simulate line --help", 0, "half-open", NULL},
        {TESSERA " simulate line --to x:1 2>&1", 2, "--listen", NULL},
        {TESSERA " simulate line --listen 127.0.0.1:0 --to 127.0.0.1 2>&1", 2,
         "--to HOST:PORT", NULL},
        {TESSERA " simulate line --listen 127.0.0.1:0 --to 127.0.0.1:9 "
                 "--say fly 2>&1",
         2, "no fault \"fly\"", NULL},
        {"printf 'delay 5, loss 2\n\nfly\n' | " TESSERA
         " simulate line --listen 127.0.0.1:0 --to '[::1]:9' --from-stdin",
         0, "\"said\":\"fly\",\"error\":\"no fault", NULL},
        {"printf '\n' | " TESSERA
         " simulate line --listen 127.0.0.1:0 --to 127.0.0.1:9 --from-stdin",
         0, "\"bytes_up\":0", "error"},
        {TESSERA " ports --help", 0, "--json", NULL},
        {TESSERA " ports --fly 2>&1", 2, "usage", NULL},
        {TESSERA " simulate 2>&1", 2, "CAPTURE", NULL},
        {TESSERA " simulate --rate fast x 2>&1", 2, "--rate", NULL},
        {TESSERA " simulate /nowhere.cap 2>&1", 1, "/nowhere.cap", NULL},
    };
    (void)state;
    check(cases, COUNT(cases));
}

static void test_decode(void **state) {
    static const struct expectation cases[] = {
        {"printf '8001120765741\\r' | " TESSERA " decode", 0,
         "\"gtin\":\"08001120765741\"", "error"},
        {"echo '38 30303131 32303736353734310d' | " TESSERA " decode --hex", 0,
         "\"text\":\"8001120765741\"", NULL},
        {"printf '8001120765742\\r' | " TESSERA " decode --driver line", 1,
         "bad_check_digit", NULL},
        {"printf '\\r\\n' | " TESSERA " decode", 0, "{\"kind\":\"none\"}",
         NULL},
        {"printf '4111111111111111\\r' | " TESSERA " decode", 0,
         "\"payment_card\":true", "4111"},
        {"printf 'a\\ra\\r' | " TESSERA " decode --repeat-ms 0", 0, NULL,
         "dup_debounced"},
        {"echo 3 | " TESSERA " decode --hex 2>&1", 2, "hex", NULL},
        {TESSERA " decode --driver none 2>&1", 2, "no driver", NULL},
        {TESSERA " decode --profile none 2>&1", 2, "no profile", NULL},
        {TESSERA " decode --fly 2>&1", 2, "--help", NULL},
        {TESSERA " decode a b 2>&1", 2, "one FILE", NULL},
        {TESSERA " decode /nowhere 2>&1", 2, "/nowhere", NULL},
        {TESSERA " decode --settings /nowhere 2>&1", 2, "/nowhere", NULL},
        {TESSERA " decode --list", 0, "honeywell", NULL},
    };
    (void)state;
    check(cases, COUNT(cases));
}

static void test_decode_takes_the_shops_rules(void **state) {
    static const char rules[] =
        "card \"main\" {\n prefix = \"25\"\n length = 13\n}\n";
    static const char agent[] =
        "terminal = \"lane-1\"\nstore = \"milano\"\nkey_file = \"/k\"\n"
        "visit { currency = \"JPY\" }\nhub {\n host = \"h\"\n ca_file = "
        "\"/c\"\n cert_file = \"/d\"\n"
        " key_file = \"/e\"\n}\n";
    static const char broken[] =
        "card \"main\" {\n prefix = \"25\"\n length = \"x\"\n}\n";
    char path[] = "/tmp/tessera-rules-XXXXXX";
    char command[256];
    char priced[256];
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    (void)snprintf(command, sizeof command,
                   "printf '2501008336538\\r' | " TESSERA
                   " decode --settings %s 2>&1",
                   path);
    const struct expectation right = {command, 0, "\"programme\":\"main\"",
                                      NULL};
    (void)snprintf(priced, sizeof priced,
                   "printf ']C10198001120765744310300075039201250\\r' "
                   "| " TESSERA " decode --settings %s 2>&1",
                   path);
    const struct expectation yen = {priced, 0, "\"price_minor\":1250}", NULL};
    const struct expectation wrong = {command, 2, ":3", "terminal"};
    assert_int_equal(write(fd, rules, strlen(rules)), strlen(rules));
    check(&right, 1);
    assert_int_equal(write(fd, agent, strlen(agent)), strlen(agent));
    check(&right, 1);
    check(&yen, 1);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, broken, strlen(broken), 0), strlen(broken));
    check(&wrong, 1);
    (void)close(fd);
    (void)unlink(path);
}

/* A file with mistakes is held against the kind of file that it is. */
static void test_decode_tells_the_mistakes_of_the_file(void **state) {
#define CARDS "card \"a\" {}\ncard \"b\" {}\n"
#define LAYOUTS                                                                \
    "measure \"x\" {\n layout = \"22\"\n}\n"                                   \
    "measure \"y\" {\n layout = \"23\"\n}\n"
#define AGENT "terminal = \"t\"\nstore = \"s\"\nkey_file = \"/k\"\n"
    static const struct {
        const char *text, *says, *lacks;
    } cases[] = {
        {CARDS LAYOUTS, ":1: neither prefix nor length", "terminal"},
        {CARDS LAYOUTS, ":7: a layout is 13 characters", "terminal"},
        {"card \"a\" {\n length = \"x\"\n skip = \"x\"\n take = \"x\"\n "
         "mod10 = \"x\"\n}\n",
         ":5: \"mod10\"", "terminal"},
        {"fly = 1\n" CARDS, ":1: unknown setting \"fly\"", "terminal"},
        {AGENT "reader \"r\" {\n port = \"/p\"\n baud = \"x\"\n}\n",
         ":6: \"baud\"", "unknown"},
        {AGENT "fly = 1\n", ":4: unknown setting \"fly\"", "\"terminal\""},
        {AGENT CARDS, ":4: neither prefix nor length", "unknown"},
        {"store = \"s\"\n", "\"terminal\" is missing", "unknown"},
    };
#undef CARDS
#undef LAYOUTS
#undef AGENT

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char path[] = "/tmp/tessera-rules-XXXXXX";
        char command[256];
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, cases[i].text, strlen(cases[i].text)),
                         strlen(cases[i].text));
        (void)close(fd);
        (void)snprintf(command, sizeof command,
                       TESSERA " decode --settings %s /dev/null 2>&1", path);
        const struct expectation told = {command, 2, cases[i].says,
                                         cases[i].lacks};
        check(&told, 1);
        (void)unlink(path);
    }
}

/* What a host reads from the simulated port, up to its hang-up. */
static void host_read(struct port *port, struct ts_buf *out) {
    struct ts_err err;

    for (;;) {
        struct pollfd ready = {.fd = port_fd(port), .events = POLLIN};
        uint8_t piece[256];
        size_t len = 0;
        assert_int_equal(poll(&ready, 1, 20000), 1);
        enum ts_status status =
            port_read(port, piece, sizeof piece, &len, &err);
        if (status == TS_CLOSED)
            return;
        if (status == TS_OK)
            assert_int_equal(ts_buf_add(out, ts_slice_of(piece, len)), TS_OK);
        if (status == TS_OK && memchr(piece, '\r', len))
            assert_int_equal(
                port_write(port, ts_slice_of("\x07", 1), &len, &err), TS_OK);
    }
}

static void test_simulate_plays_to_a_host(void **state) {
    static const struct port_line line = {
        .baud = 9600, .data_bits = 8, .parity = 'N', .stop_bits = 1};
    char link[64];
    char command[512];
    struct port *port = NULL;
    struct ts_err err;
    struct ts_buf got = {.max = 0};

    (void)state;
    (void)snprintf(link, sizeof link, "/tmp/tessera-sim-%ld", (long)getpid());
    (void)snprintf(command, sizeof command,
                   "printf '> 8001120765741\\\\r\\n? what\\n> 96385074\\\\r\\n'"
                   " | " TESSERA " simulate --link %s --from-stdin "
                   "--echo-host --linger 300 2>&1",
                   link);
    FILE *simulate = popen(command, "r");
    assert_non_null(simulate);
    char first[128];
    assert_non_null(fgets(first, sizeof first, simulate));
    assert_non_null(strstr(first, link));
    assert_int_equal(port_open(&port, link, &line, &err), TS_OK);
    host_read(port, &got);
    port_close(port);
    assert_string_equal(ts_buf_text(&got), "8001120765741\r96385074\r");
    struct ts_buf said = {.max = 0};
    char piece[256];
    while (fgets(piece, sizeof piece, simulate))
        assert_int_equal(ts_buf_add_text(&said, piece), TS_OK);
    assert_int_equal(pclose(simulate), 0);
    assert_non_null(strstr(ts_buf_text(&said), "< 07"));
    assert_non_null(strstr(ts_buf_text(&said), "a line begins with"));
    assert_non_null(strstr(ts_buf_text(&said), "\"sends\":2"));
    assert_int_not_equal(access(link, F_OK), 0);
    ts_buf_fini(&said);
    ts_buf_fini(&got);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_and_usage),
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_decode_takes_the_shops_rules),
        cmocka_unit_test(test_decode_tells_the_mistakes_of_the_file),
        cmocka_unit_test(test_simulate_plays_to_a_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
