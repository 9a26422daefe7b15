#include "base/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

/* The second number of the file. */
static long resident_pages(void) {
    FILE *file = fopen("/proc/self/statm", "re");
    char line[128];
    char *rest;

    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    (void)fclose(file);
    rest = strchr(line, ' ');
    assert_non_null(rest);
    return strtol(rest, NULL, 10);
}

/* What the start mapped is gone, and the program goes on. */
static void a_rest_gives_pages_back_and_harms_nothing(void **state) {
    static const char text[] = "what is written stays";
    char *kept = strdup(text);
    uLong crc = crc32(0, (const Bytef *)text, sizeof text);
    long before = resident_pages();

    (void)state;
    ts_process_rest();
    assert_true(resident_pages() < before);
    for (int i = 0; i < 3; i++) {
        ts_process_rest();
        assert_string_equal(kept, text);
        assert_int_equal(crc32(0, (const Bytef *)kept, sizeof text), crc);
    }
    free(kept);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rest_gives_pages_back_and_harms_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
