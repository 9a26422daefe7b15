/* What a file held is in nothing that is freed. */
#include "sync/mqtt.h"

#include "cmocka_all.h"
#include "probe.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *marker; /* what is looked for in freed memory */
static unsigned found;

void __real_free(void *block);
void *__real_realloc(void *block, size_t size);
void __wrap_free(void *block);
void *__wrap_realloc(void *block, size_t size);

static void look(void *block) {
    if (block && marker &&
        memmem(block, malloc_usable_size(block), marker, strlen(marker)))
        found++;
}

void __wrap_free(void *block) {
    look(block);
    __real_free(block);
}

/* It may move, and leave what was there. */
void *__wrap_realloc(void *block, size_t size) {
    look(block);
    return __real_realloc(block, size);
}

static void path_of(const struct fixture *f, char path[300], const char *name) {
    (void)snprintf(path, 300, "%s/%s", f->folder, name);
}

/* `lines` of a kilobyte each, then `tail`. */
static void write_long(const char *path, unsigned lines, const char *tail) {
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    for (unsigned i = 0; i < lines; i++)
        (void)fprintf(file, "%1023s\n%s\n", "#", i % 2 ? tail : "");
    (void)fprintf(file, "%s", tail);
    (void)fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
}

static void test_read_leaves_no_copy(void **state) {
    struct ts_buf bytes = {0};
    char path[300];

    path_of(*state, path, "secret");
    write_long(path, 20, "only-here-3f9a77");
    marker = "only-here-3f9a77";
    found = 0;
    assert_int_equal(ts_file_read(&bytes, path, 65536, NULL), TS_OK);
    assert_true(bytes.len > 20000);
    assert_non_null(strstr(ts_buf_text(&bytes), marker));
    assert_int_equal(found, 0);
    ts_buf_fini(&bytes);
    assert_int_equal(found, 1); /* it would have been seen */
    marker = NULL;
}

/* Its size is not known before. */
static void test_pipe_leaves_no_copy(void **state) {
    struct ts_buf bytes = {0};
    char name[32];
    char text[3000];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    (void)snprintf(text, sizeof text, "%2999s", "only-here-3f9a77");
    assert_int_equal(write(ends[1], text, sizeof text), sizeof text);
    (void)close(ends[1]);
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", ends[0]);
    marker = "only-here-3f9a77";
    found = 0;
    assert_int_equal(ts_file_read(&bytes, name, 65536, NULL), TS_OK);
    assert_int_equal(bytes.len, sizeof text);
    assert_int_equal(found, 0);
    ts_buf_fini(&bytes);
    marker = NULL;
    (void)close(ends[0]);
}

/* As large as the file may be, and one byte more. */
static void test_limit(void **state) {
    struct ts_buf bytes = {0};
    char path[300];

    path_of(*state, path, "limit");
    write_long(path, 0, "12345678");
    assert_int_equal(ts_file_read(&bytes, path, 8, NULL), TS_OK);
    assert_string_equal(ts_buf_text(&bytes), "12345678");
    ts_buf_clear(&bytes);
    assert_int_equal(ts_file_read(&bytes, path, 7, NULL), TS_FULL);
    ts_buf_fini(&bytes);
}

/* The second line of a PEM file is of the key itself. */
static void test_private_key_leaves_no_copy(void **state) {
    const struct fixture *f = *state;
    struct mqtt_options options = probe_options(f->folder, 8883);
    struct ts_buf pem = {0};
    char texts[3][300];
    char key[300];
    char line[33];
    struct ts_err err;

    probe_tls(&options, texts, f->certs, "client");
    assert_int_equal(ts_file_read(&pem, options.key_file, 65536, &err), TS_OK);
    (void)snprintf(line, sizeof line, "%.32s",
                   strchr(ts_buf_text(&pem), '\n') + 1);
    path_of(f, key, "long.key");
    write_long(key, 9, ts_buf_text(&pem));
    ts_buf_fini(&pem);
    options.key_file = key;
    marker = line;
    found = 0;
    if (mqtt_check(&options, &err) != TS_OK)
        fail_msg("%s", err.text);
    assert_int_equal(found, 0);
    marker = NULL;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_leaves_no_copy),
        cmocka_unit_test(test_pipe_leaves_no_copy),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_private_key_leaves_no_copy),
    };

    return cmocka_run_group_tests(tests, probe_set_up, probe_tear_down);
}
