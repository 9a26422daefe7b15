/* Any file is either loaded whole or refused with a text. */
#include "base/settings.h"

#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ts_setting reader[] = {
    {.name = "port", .kind = TS_SETTING_TEXT},
    {.name = "baud",
     .kind = TS_SETTING_INT,
     .fallback = "9600",
     .min = 300,
     .max = 921600},
    {0}};

static const struct ts_setting table[] = {
    {.name = "name", .kind = TS_SETTING_TEXT, .fallback = "x"},
    {.name = "flag", .kind = TS_SETTING_BOOL, .fallback = "true"},
    {.name = "list", .kind = TS_SETTING_LIST, .fallback = "{}"},
    {.name = "reader", .kind = TS_SETTING_GROUPS, .members = reader},
    {0}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ts_settings *settings = NULL;
    struct ts_buf problems = {0};
    char path[64];
    int fd = memfd_create("settings", MFD_CLOEXEC);

    assert(fd >= 0);
    if (write(fd, data, size) == (ssize_t)size) {
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        if (ts_settings_load(&settings, path, table, &problems) == TS_OK)
            (void)ts_settings_text(settings, "name");
        else
            assert(problems.len > 0);
    }
    (void)close(fd);
    ts_settings_free(settings);
    ts_buf_fini(&problems);
    return 0;
}
