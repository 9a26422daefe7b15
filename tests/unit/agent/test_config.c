#include "support.h"

#include "agent/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD "terminal = \"milano-01-lane-3\"\nstore = \"milano-01\"\n"

struct fixture {
    char folder[FOLDER_TEXT];
    char path[128];
    char keys[128];
};

static void write_file(const char *path, const char *text, mode_t mode) {
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static int set_up(void **state) {
    struct fixture *f = ts_alloc(sizeof *f);

    folder_make(f->folder);
    (void)snprintf(f->path, sizeof f->path, "%s/agent.conf", f->folder);
    (void)snprintf(f->keys, sizeof f->keys, "%s/keys", f->folder);
    write_file(f->keys,
               "1 000102030405060708090a0b0c0d0e0f"
               "101112131415161718191a1b1c1d1e1f\n",
               0600);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;

    folder_remove(f->folder);
    free(f);
    return 0;
}

/* Loads `text`, with the key file named in front unless it names its own. */
static enum ts_status load(struct fixture *f, const char *text,
                           struct agent_config *config,
                           struct ts_buf *problems) {
    struct ts_buf all = {0};
    enum ts_status status;

    if (!strstr(text, "key_file = "))
        assert_int_equal(ts_buf_printf(&all, "key_file = \"%s\"\n", f->keys),
                         TS_OK);
    else
        assert_int_equal(ts_buf_add_text(&all, "\n"), TS_OK);
    assert_int_equal(ts_buf_add_text(&all, text), TS_OK);
    write_file(f->path, ts_buf_text(&all), 0600);
    ts_buf_fini(&all);
    status = agent_config_load(config, f->path, problems);
    return status;
}

static void test_good(void **state) {
    struct fixture *f = *state;
    struct agent_config config;
    struct ts_buf problems = {0};

    if (load(f,
             HEAD "kind = \"kiosk\"\n"
                  "reader \"scanner\" { port = \"/dev/x\" parity = \"even\" "
                  "data_bits = 7 }\n"
                  "reader \"stripe\" { port = \"/dev/y\" driver = \"msr\" }\n"
                  "visit { currency = \"JPY\" }\n"
                  "card \"main\" { prefix = \"25\" length = 13 }\n",
             &config, &problems) != TS_OK)
        fail_msg("%s", ts_buf_text(&problems));
    assert_int_equal(config.reader_count, 2);
    assert_string_equal(config.readers[0].name, "scanner");
    assert_string_equal(config.readers[0].driver, "line");
    assert_string_equal(config.readers[0].profile, "generic");
    assert_string_equal(config.readers[1].profile, "magtek");
    assert_int_equal(config.readers[0].line.parity, 'E');
    assert_int_equal(config.readers[0].line.data_bits, 7);
    assert_int_equal(config.readers[0].repeat_ms, 300);
    assert_int_equal(shop_rules(config.shop)->count, 1);
    assert_string_equal(shop_rules(config.shop)->currency->letters, "JPY");
    assert_string_equal(ts_settings_text(config.settings, "state_dir"),
                        "/var/lib/tessera-agent");
    agent_config_fini(&config);
    ts_buf_fini(&problems);
}

/* What the file leaves open is as the devices leave the factory. */
static const struct {
    const char *settings;
    struct port_line line;
} lines[] = {
    {"", {9600, 8, 'N', 1, false}},
    {"profile = \"honeywell\"", {115200, 8, 'N', 1, false}},
    {"profile = \"honeywell\" baud = 9600", {9600, 8, 'N', 1, false}},
    {"profile = \"honeywell\" parity = \"odd\" data_bits = 7",
     {115200, 7, 'O', 1, false}},
    {"parity = \"none\" stop_bits = 2 rts_cts = true", {9600, 8, 'N', 2, true}},
    {"profile = \"honeywell\" rts_cts = \"off\"", {115200, 8, 'N', 1, false}},
};

static void test_line_of_the_profile(void **state) {
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const struct port_line *expected = &lines[i].line;
        const struct port_line *line;
        struct agent_config config;
        struct ts_buf problems = {0};
        char text[300];

        (void)snprintf(text, sizeof text,
                       HEAD "reader \"s\" { port = \"/dev/x\" %s }\n",
                       lines[i].settings);
        if (load(f, text, &config, &problems) != TS_OK)
            fail_msg("%s", ts_buf_text(&problems));
        line = &config.readers[0].line;
        if (line->baud != expected->baud ||
            line->data_bits != expected->data_bits ||
            line->parity != expected->parity ||
            line->stop_bits != expected->stop_bits ||
            line->rts_cts != expected->rts_cts)
            fail_msg("%s: %u %u%c%u", lines[i].settings, line->baud,
                     line->data_bits, line->parity, line->stop_bits);
        agent_config_fini(&config);
        ts_buf_fini(&problems);
    }
}

static void test_tones(void **state) {
    struct fixture *f = *state;
    struct agent_config config;
    struct ts_buf problems = {0};

    if (load(f,
             HEAD "reader \"s\" { port = \"/dev/x\" on_offer = \"two\" "
                  "on_unknown = \"none\" }\n",
             &config, &problems) != TS_OK)
        fail_msg("%s", ts_buf_text(&problems));
    assert_int_equal(config.readers[0].tones[OUTCOME_RECORDED], TONE_ONE);
    assert_int_equal(config.readers[0].tones[OUTCOME_MEMBER], TONE_TWO);
    assert_int_equal(config.readers[0].tones[OUTCOME_OFFER], TONE_TWO);
    assert_int_equal(config.readers[0].tones[OUTCOME_UNKNOWN], TONE_NONE);
    assert_int_equal(config.readers[0].tones[OUTCOME_REFUSED], TONE_ALARM);
    agent_config_fini(&config);
    ts_buf_fini(&problems);
}

#define LONG "a-folder-with-a-long-name/a-folder-with-a-long-name"

static const struct {
    const char *text;
    const char *says; /* with the place */
} bad[] = {
    {"store = \"a\"\n", "terminal"},
    {"terminal = \"Lane 3\"\nstore = \"a\"\n",
     "terminal = \"Lane 3\" is no name; use 1 to 48 of a-z"},
    {"terminal = \"hub-1\"\nstore = \"a\"\n", "not hub or hub-..."},
    {HEAD "state_dir = \"/" LONG LONG LONG LONG "\"\n",
     "state_dir is longer than 180 bytes"},
    {HEAD "kind = \"bar\"\n", "give one of: checkout, kiosk"},
    {HEAD "colour = \"red\"\n", "colour"},
    {HEAD "screen { port = 70000 }\n", "agent.conf:4"},
    {HEAD "screen { port = \"high\" }\n", "agent.conf:4"},
    {HEAD "visit { currency = \"euro\" }\n",
     "currency must be three capital letters, as EUR, not euro"},
    {HEAD "hub { host = \"x\" }\n", "set ca_file"},
    {HEAD "hub { hosts = {\"x\"} }\n", "set ca_file"},
    {HEAD "hub { host = \"x:0\" tls = false }\n", "\"x:0\" is no broker"},
    {HEAD "hub {\n hosts = {\"a\", \"b:c\"}\n tls = false\n}\n",
     "agent.conf:4: hosts: \"b:c\" is no broker"},
    {HEAD "hub { hosts = {\"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", "
          "\"8\", \"9\"} tls = false }\n",
     "hosts has 9 brokers; name 8 at most"},
    {HEAD "hub { host = \"x\" tls = false proxy = \"p:3128\" }\n",
     "http://proxy.example.com:3128"},
    {HEAD "hub { host = \"x\" tls = false proxy_file = \"/p\" }\n",
     "proxy_file without proxy"},
    {HEAD "hub { host = \"x\" tls = false root = \"A/B\" }\n",
     "root must be 1 to 32"},
    {HEAD "hub { host = \"x\" tls = false backoff_min_ms = 5000 "
          "backoff_max_ms = 100 }\n",
     "backoff_min_ms is above backoff_max_ms"},
    {HEAD "hub { host = \"x\" tls = false max_bytes_per_s = 100 }\n",
     "max_bytes_per_s = 100 would not carry an event; give 0, or 256"},
    {HEAD "hub { host = \"x\" tls = false quiet_bytes_per_s = 255 }\n",
     "quiet_bytes_per_s = 255 would not carry an event"},
    {HEAD "hub { host = \"x\" tls = false quiet_hours = {\"12:00-14:00\", "
          "\"noon\"} }\n",
     "quiet_hours: \"noon\" is no span of the day; write it as 12:00-14:00"},
    {HEAD "hub { host = \"x\" tls = false quiet_hours = {\"01:00-02:00\", "
          "\"01:00-02:00\", \"01:00-02:00\", \"01:00-02:00\", "
          "\"01:00-02:00\", \"01:00-02:00\", \"01:00-02:00\", "
          "\"01:00-02:00\", \"01:00-02:00\"} }\n",
     "9 spans of quiet_hours; give at most 8"},
    {HEAD "hub { host = \"x\" tls = false spread_ms = -1 }\n", "spread_ms"},
    {HEAD "reader \"s\" { port = \"/dev/x\" driver = \"foo\" }\n",
     "no driver is called \"foo\"; there are: line"},
    {HEAD "reader \"s\" { port = \"/dev/x\" profile = \"foo\" }\n",
     "no profile is called \"foo\"; there are: generic"},
    {HEAD "reader \"s\" { port = \"/dev/x\" baud = 200 }\n",
     "give 300 to 4000000, or 0"},
    {HEAD "reader \"s\" { port = \"/dev/x\" data_bits = 5 }\n",
     "give 7 or 8, or 0"},
    {HEAD "reader \"s\" { port = \"/dev/x\" on_offer = \"loud\" }\n",
     "give one of: none, one, two"},
    {HEAD "reader \"S 1\" { port = \"/dev/x\" }\n", "a reader's name is"},
    {HEAD "reader \"s\" { driver = \"line\" }\n", "port"},
    {HEAD "reader \"s\" { port = \"/dev/x\" }\nreader \"t\" {\n"
          "port = \"/dev/x\" }\n",
     "agent.conf:6: readers s and t have the same port, /dev/x; give each its "
     "own, or remove one"},
    {HEAD "reader \"s\" { port = \"usb:0c2e:0901\" }\n"
          "reader \"t\" { port = \"usb:0C2E:0901\" }\n",
     "readers s and t have the same port, usb:0c2e:0901 and usb:0C2E:0901"},
    {HEAD "card \"main\" { }\n", "neither prefix nor length is set"},
    {"key_file = \"/nonexistent\"\n" HEAD, "/nonexistent"},
};

static void test_bad(void **state) {
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct agent_config config;
        struct ts_buf problems = {0};

        assert_int_equal(load(f, bad[i].text, &config, &problems), TS_INVALID);
        if (!strstr(ts_buf_text(&problems), bad[i].says) ||
            !strstr(ts_buf_text(&problems), "agent.conf"))
            fail_msg("%s gives %s", bad[i].text, ts_buf_text(&problems));
        ts_buf_fini(&problems);
    }
}

/* Two names of one device. */
static void test_links_to_one_port(void **state) {
    struct fixture *f = *state;
    struct agent_config config;
    struct ts_buf problems = {0};
    char link[160];
    char text[700];

    (void)snprintf(link, sizeof link, "%s/scanner", f->folder);
    assert_int_equal(symlink("/dev/null", link), 0);
    (void)snprintf(text, sizeof text,
                   HEAD "reader \"s\" { port = \"/dev/null\" }\n"
                        "reader \"o\" { port = \"/dev/zero\" }\n"
                        "reader \"t\" { port = \"%s\" }\n",
                   link);
    assert_int_equal(load(f, text, &config, &problems), TS_INVALID);
    if (!strstr(ts_buf_text(&problems),
                "readers s and t have the same port, /dev/null and") ||
        !strstr(ts_buf_text(&problems), link) ||
        strstr(ts_buf_text(&problems), "readers s and o"))
        fail_msg("%s", ts_buf_text(&problems));
    ts_buf_fini(&problems);
}

/* Ports that are alike and are not the same. */
static void test_ports_that_differ(void **state) {
    struct fixture *f = *state;
    struct agent_config config;
    struct ts_buf problems = {0};

    if (load(f,
             HEAD "reader \"a\" { port = \"/nowhere/x\" }\n"
                  "reader \"b\" { port = \"/nowhere/X\" }\n"
                  "reader \"c\" { port = \"usb:0c2e:0901:1a\" }\n"
                  "reader \"d\" { port = \"usb:0c2e:0901:1A\" }\n",
             &config, &problems) != TS_OK)
        fail_msg("%s", ts_buf_text(&problems));
    assert_int_equal(config.reader_count, 4);
    agent_config_fini(&config);
    ts_buf_fini(&problems);
}

static void test_open_key_file(void **state) {
    struct fixture *f = *state;
    struct agent_config config;
    struct ts_buf problems = {0};

    assert_int_equal(chmod(f->keys, 0644), 0);
    assert_int_equal(load(f, HEAD, &config, &problems), TS_INVALID);
    assert_non_null(strstr(ts_buf_text(&problems), "chmod 600"));
    ts_buf_fini(&problems);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(test_good),
        CASE(test_line_of_the_profile),
        CASE(test_tones),
        CASE(test_bad),
        CASE(test_open_key_file),
        CASE(test_links_to_one_port),
        CASE(test_ports_that_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
