#include "base/settings.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct ts_setting reader_table[] = {
    {.name = "port", .kind = TS_SETTING_TEXT, .help = "where it is plugged in"},
    {.name = "baud",
     .kind = TS_SETTING_INT,
     .fallback = "9600",
     .min = 300,
     .max = 921600},
    {0}};

static const struct ts_setting hub_table[] = {
    {.name = "host", .kind = TS_SETTING_TEXT, .fallback = "localhost"},
    {.name = "tls", .kind = TS_SETTING_BOOL, .fallback = "true"},
    {0}};

static const struct ts_setting table[] = {
    {.name = "terminal", .kind = TS_SETTING_TEXT, .help = "its name"},
    {.name = "mode",
     .kind = TS_SETTING_TEXT,
     .fallback = "lane",
     .one_of = "lane|kiosk"},
    {.name = "screens",
     .kind = TS_SETTING_LIST,
     .fallback = "{staff, \"customer\"}"},
    {.name = "hub", .kind = TS_SETTING_GROUP, .members = hub_table},
    {.name = "reader", .kind = TS_SETTING_GROUPS, .members = reader_table},
    {0}};

struct loaded {
    struct ts_settings *settings;
    struct ts_buf problems;
    char path[40];
};

static enum ts_status load(struct loaded *loaded, const char *text,
                           size_t len) {
    enum ts_status status;
    int fd;

    *loaded = (struct loaded){.path = "/tmp/test-settings-XXXXXX"};
    fd = mkstemp(loaded->path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    assert_int_equal(close(fd), 0);
    status = ts_settings_load(&loaded->settings, loaded->path, table,
                              &loaded->problems);
    assert_int_equal(unlink(loaded->path), 0);
    return status;
}

static void unload(struct loaded *loaded) {
    ts_settings_free(loaded->settings);
    ts_buf_fini(&loaded->problems);
}

static void expect_problem(const char *text, int line, const char *what) {
    struct loaded loaded;
    char place[64];
    const char *found;

    assert_int_equal(load(&loaded, text, strlen(text)), TS_INVALID);
    assert_null(loaded.settings);
    (void)snprintf(place, sizeof place, "%s:%d: ", loaded.path, line);
    found = strstr(ts_buf_text(&loaded.problems), place);
    if (!found || !strstr(found, what))
        fail_msg("%s is not in: %s", what, ts_buf_text(&loaded.problems));
    unload(&loaded);
}

static void defaults_stand_where_nothing_is_given(void **state) {
    static const char text[] = "terminal = lane-1\n";
    struct loaded loaded;
    const struct ts_settings *hub;

    (void)state;
    assert_int_equal(load(&loaded, text, strlen(text)), TS_OK);
    assert_string_equal(ts_settings_text(loaded.settings, "terminal"),
                        "lane-1");
    assert_string_equal(ts_settings_text(loaded.settings, "mode"), "lane");
    assert_int_equal(ts_settings_list(loaded.settings, "screens"), 2);
    assert_string_equal(ts_settings_list_at(loaded.settings, "screens", 1),
                        "customer");
    assert_int_equal(ts_settings_groups(loaded.settings, "reader"), 0);
    hub = ts_settings_group(loaded.settings, "hub");
    assert_string_equal(ts_settings_text(hub, "host"), "localhost");
    assert_true(ts_settings_bool(hub, "tls"));
    unload(&loaded);
}

static void given_values_and_places_are_kept(void **state) {
    static const char text[] = "/* two\n lines { */ terminal = 'a${b}'\n"
                               "screens = {}\n"
                               "hub { tls = off host = h }\n"
                               "reader \"front\" { # {\n port = \"}\"\n}\n"
                               "reader \"back\"\n{\n port = /dev/x baud=300 }";
    struct loaded loaded;
    const struct ts_settings *reader;
    char where[64];

    (void)state;
    assert_int_equal(load(&loaded, text, strlen(text)), TS_OK);
    assert_string_equal(ts_settings_text(loaded.settings, "terminal"), "a${b}");
    assert_int_equal(ts_settings_list(loaded.settings, "screens"), 0);
    assert_false(
        ts_settings_bool(ts_settings_group(loaded.settings, "hub"), "tls"));
    assert_int_equal(ts_settings_groups(loaded.settings, "reader"), 2);
    reader = ts_settings_group_at(loaded.settings, "reader", 0);
    assert_string_equal(ts_settings_title(reader), "front");
    assert_string_equal(ts_settings_text(reader, "port"), "}");
    (void)snprintf(where, sizeof where, "%s:5", loaded.path);
    assert_string_equal(ts_settings_where(reader), where);
    reader = ts_settings_group_at(loaded.settings, "reader", 1);
    assert_int_equal(ts_settings_int(reader, "baud"), 300);
    unload(&loaded);
}

static void every_problem_has_its_line(void **state) {
    (void)state;
    expect_problem("", 1, "\"terminal\" is missing at the top level");
    expect_problem("terminal = x\nmode = c\n", 2, "give one of: lane, kiosk");
    expect_problem("terminal = \"\"\n", 1, "is empty");
    expect_problem("terminal = x\nreader \"a\" {\n foo = 1 }", 3,
                   "unknown setting \"foo\" in reader \"a\"; known are: "
                   "port, baud");
    expect_problem("terminal = x\n\nreader \"a\" {\n\n}\n", 3,
                   "\"port\" is missing in reader \"a\"");
    expect_problem("terminal = x\nreader \"a\" { port = p\nbaud = 99 }", 3,
                   "give 300 to 921600");
    expect_problem("terminal = x\nreader \"a\" { port = p\nbaud = 9k }", 3,
                   "must be a whole number");
    expect_problem("terminal = x\nhub {\ntls = maybe }", 3,
                   "must be true or false");
    expect_problem("terminal = x\nterminal = y\n", 2, "first on line 1");
    expect_problem("terminal = x\nreader a { port = p }\nreader a { }", 3,
                   "duplicate title");
    expect_problem("terminal = x\nmode \"lane\"\n", 2, "look for");
    expect_problem("terminal = x\nreader a { port = p\n", 2, "never closed");
    expect_problem("terminal = ${HOME}\n", 1, "single quotes");
}

static void all_problems_come_at_once(void **state) {
    static const char text[] = "mode = c\nhub { tls = maybe }\nreader a { }\n";
    struct loaded loaded;
    const char *all;

    (void)state;
    assert_int_equal(load(&loaded, text, strlen(text)), TS_INVALID);
    all = ts_buf_text(&loaded.problems);
    assert_non_null(strstr(all, "\"mode\""));
    assert_non_null(strstr(all, "\"tls\""));
    assert_non_null(strstr(all, "\"terminal\""));
    assert_non_null(strstr(all, "\"port\""));
    unload(&loaded);
}

static void what_is_no_text_file_is_refused(void **state) {
    struct loaded loaded;
    struct ts_settings *settings = NULL;
    struct ts_buf problems = {0};

    (void)state;
    assert_int_equal(load(&loaded, "terminal\0= x", 12), TS_INVALID);
    assert_non_null(strstr(ts_buf_text(&loaded.problems), "UTF-8"));
    unload(&loaded);
    assert_int_equal(load(&loaded, "terminal = \xff\n", 13), TS_INVALID);
    unload(&loaded);
    assert_int_equal(ts_settings_load(&settings, "/tmp", table, &problems),
                     TS_INVALID);
    assert_non_null(strstr(ts_buf_text(&problems), "/tmp: is a directory"));
    ts_buf_clear(&problems);
    assert_int_equal(
        ts_settings_load(&settings, "/nowhere/a.conf", table, &problems),
        TS_INVALID);
    assert_non_null(strstr(ts_buf_text(&problems), "/nowhere/a.conf: "));
    assert_null(settings);
    ts_buf_fini(&problems);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_stand_where_nothing_is_given),
        cmocka_unit_test(given_values_and_places_are_kept),
        cmocka_unit_test(every_problem_has_its_line),
        cmocka_unit_test(all_problems_come_at_once),
        cmocka_unit_test(what_is_no_text_file_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
