/* docs/readers.md names every profile, with its line setting. */
#include "base/bytes.h"
#include "drivers/driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PAGE TESSERA_SOURCE_DIR "/docs/readers.md"

static void setting_of(char out[32], const struct port_line *line) {
    if (line->baud)
        (void)snprintf(out, 32, "| %u %u%c%u |", line->baud, line->data_bits,
                       line->parity, line->stop_bits);
    else
        (void)snprintf(out, 32, "| 9600 8N1 |");
}

static void assert_row(const char *page, const struct driver *driver,
                       const struct driver_profile *profile) {
    char row[96];
    char setting[32];

    (void)snprintf(row, sizeof row, "\n| `%s` | `%s` | ", driver->name,
                   profile->name);
    setting_of(setting, &profile->line);
    const char *at = strstr(page, row);
    if (!at) {
        fail_msg("%s has no row %s", PAGE, row + 1);
        return;
    }
    const char *where = strstr(at, setting);
    if (!where || where > strchr(at + 1, '\n'))
        fail_msg("%s: %s has another line setting than %s", PAGE, row + 1,
                 setting);
}

static void test_every_profile_has_its_row(void **state) {
    struct ts_buf page;
    struct ts_err err;
    const struct driver *driver;
    size_t rows = 0;

    (void)state;
    ts_buf_init(&page, 0);
    if (ts_file_read(&page, PAGE, 1 << 20, &err) != TS_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; (driver = driver_at(i)) != NULL; i++)
        for (const struct driver_profile *p = driver->profiles; p->name;
             p++, rows++)
            assert_row(ts_buf_text(&page), driver, p);
    assert_true(rows > 20);
    ts_buf_fini(&page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_profile_has_its_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
