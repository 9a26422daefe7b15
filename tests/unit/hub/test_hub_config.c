#include "hub/config.h"
#include "hub/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

struct files {
    char folder[64], conf[96], tokens[96];
};

static enum ts_status load(const struct files *files, const char *text,
                           struct hub_config *config, struct ts_buf *problems) {
    FILE *file = fopen(files->conf, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return hub_config_load(config, files->conf, problems);
}

static void test_defaults(void **state) {
    struct hub_config config;
    struct ts_buf problems = {0};

    assert_int_equal(load(*state, "", &config, &problems), TS_OK);
    assert_string_equal(config.name, "hub-1");
    assert_string_equal(config.root, "tessera");
    assert_string_equal(config.database, "sqlite:/var/lib/tessera-hub/hub.db");
    assert_string_equal(config.http.address, "127.0.0.1");
    assert_int_equal(config.http.port, 8461);
    assert_int_equal(config.mqtt.port, 8883);
    assert_null(config.mqtt.hosts[0]);
    assert_null(config.mqtt.proxy);
    assert_null(config.mqtt.proxy_file);
    assert_true(config.mqtt.tls);
    assert_int_equal(config.window, 16);
    assert_int_equal(config.max_waiting, 256);
    assert_int_equal(config.max_waiting_bytes, 64 << 20);
    assert_int_equal(config.source_count, 0);
    assert_int_equal(
        ts_settings_int(ts_settings_group(config.settings, "derive"),
                        "aside_ms"),
        2000);
    hub_config_fini(&config);
    ts_buf_fini(&problems);
}

static void test_everything_set(void **state) {
    struct hub_config config;
    struct ts_buf problems = {0};

    assert_int_equal(
        load(*state,
             "name = \"hub-milano\"\nroot = \"shop\"\n"
             "database = \"postgresql://tessera@db/tessera\"\n"
             "broker {\n host = \"mq\"\n port = 1883\n tls = false\n"
             " mqtt = \"3.1.1\"\n hosts = {\"mq-1\", \"mq-2:1884\"}\n"
             " proxy = \"http://out:3128\"\n proxy_file = \"/p\"\n}\n"
             "http {\n port = 9000\n}\n"
             "source \"web\" {\n write_key = \"k1\"\n kind = \"server\"\n}\n"
             "source \"app\" {\n write_key = \"k2\"\n kind = \"mobile\"\n"
             " channel = \"app\"\n}\n"
             "intake {\n window = 4\n max_waiting = 9\n"
             " max_waiting_bytes = 2097152\n}\n",
             &config, &problems),
        TS_OK);
    assert_string_equal(config.mqtt.client_id, "hub-milano");
    assert_int_equal(config.mqtt.version, MQTT_3_1_1);
    assert_string_equal(config.mqtt.hosts[1], "mq-2:1884");
    assert_null(config.mqtt.hosts[2]);
    assert_string_equal(config.mqtt.proxy, "http://out:3128");
    assert_string_equal(config.mqtt.proxy_file, "/p");
    assert_false(config.mqtt.tls);
    assert_null(config.mqtt.ca_file);
    assert_int_equal(config.http.port, 9000);
    assert_int_equal(config.source_count, 2);
    assert_string_equal(config.sources[1].name, "app");
    assert_string_equal(config.sources[1].channel, "app");
    assert_int_equal(config.window, 4);
    assert_int_equal(config.max_waiting, 9);
    assert_int_equal(config.max_waiting_bytes, 2097152);
    hub_config_fini(&config);
    ts_buf_fini(&problems);
}

static void test_problems_are_named(void **state) {
    static const struct {
        const char *text, *told;
    } cases[] = {
        {"name = \"milano\"\n", "\"name\" must be hub"},
        {"root = \"a/b\"\n", "\"root\" must be"},
        {"country = \"Italy\"\n", "\"country\" must be"},
        {"database = \"mysql:x\"\n", "\"database\" must be"},
        {"colour = \"red\"\n", "colour"},
        {"broker {\n hosts = {\"a b\"}\n}\n", "\"a b\" is no broker"},
        {"broker {\n proxy = \"x\"\n}\n", "proxy_file alone"},
        {"intake {\n window = 1000\n}\n", "window"},
        {"intake {\n max_waiting_bytes = 2097151\n}\n", "max_waiting_bytes"},
        {"source \"a\" {\n}\n", "write_key"},
        {"source \"A b\" {\n write_key = \"k\"\n}\n", "the source's name"},
        {"source \"a\" {\n write_key = \"k\"\n}\n"
         "source \"b\" {\n write_key = \"k\"\n}\n",
         "same write_key"},
        {"broker {\n mqtt = \"4\"\n}\n", "mqtt"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hub_config config;
        struct ts_buf problems = {0};
        assert_int_equal(load(*state, cases[i].text, &config, &problems),
                         TS_INVALID);
        if (!strstr(ts_buf_text(&problems), cases[i].told))
            fail_msg("%s: told \"%s\"", cases[i].text, ts_buf_text(&problems));
        ts_buf_fini(&problems);
    }
}

static void test_tokens(void **state) {
    const struct files *files = *state;
    char token[TOKENS_TEXT], other[TOKENS_TEXT];
    struct ts_err err = {0};
    struct ts_buf text = {0};
    struct stat info;

    assert_int_equal(tokens_check(files->tokens, ts_slice_text("x"), &err),
                     TS_INVALID);
    assert_int_equal(tokens_add(files->tokens, "me", token, &err), TS_OK);
    assert_int_equal(tokens_add(files->tokens, "you", other, &err), TS_OK);
    assert_string_not_equal(token, other);
    assert_int_equal(tokens_add(files->tokens, "me", other, &err), TS_INVALID);
    assert_int_equal(stat(files->tokens, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(ts_file_read(&text, files->tokens, 4096, &err), TS_OK);
    assert_null(strstr(ts_buf_text(&text), token));
    ts_buf_fini(&text);
    assert_int_equal(tokens_check(files->tokens, ts_slice_text(token), &err),
                     TS_OK);
    token[0] = token[0] == 'A' ? 'B' : 'A';
    assert_int_equal(tokens_check(files->tokens, ts_slice_text(token), &err),
                     TS_DENIED);
    assert_int_equal(tokens_check(files->tokens, ts_slice_text(""), &err),
                     TS_DENIED);
    assert_int_equal(tokens_remove(files->tokens, "you", &err), TS_OK);
    assert_int_equal(tokens_check(files->tokens, ts_slice_text(other), &err),
                     TS_DENIED);
    assert_int_equal(tokens_remove(files->tokens, "you", &err), TS_INVALID);
}

static void test_open_token_file_is_refused(void **state) {
    const struct files *files = *state;
    char token[TOKENS_TEXT];
    struct ts_err err = {0};

    assert_int_equal(tokens_add(files->tokens, "me", token, &err), TS_OK);
    assert_int_equal(chmod(files->tokens, 0644), 0);
    assert_int_equal(tokens_check(files->tokens, ts_slice_text(token), &err),
                     TS_INVALID);
    assert_non_null(strstr(err.text, "chmod 600"));
}

static int make(void **state) {
    struct files *files = ts_alloc(sizeof *files);

    (void)snprintf(files->folder, sizeof files->folder,
                   "/tmp/tessera-test-XXXXXX");
    if (!mkdtemp(files->folder))
        return -1;
    (void)snprintf(files->conf, sizeof files->conf, "%s/hub.conf",
                   files->folder);
    (void)snprintf(files->tokens, sizeof files->tokens, "%s/tokens",
                   files->folder);
    *state = files;
    return 0;
}

static int drop(void **state) {
    struct files *files = *state;

    (void)unlink(files->conf);
    (void)unlink(files->tokens);
    (void)rmdir(files->folder);
    free(files);
    return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_defaults),
        CASE(test_everything_set),
        CASE(test_problems_are_named),
        CASE(test_tokens),
        CASE(test_open_token_file_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
