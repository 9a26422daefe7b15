#include "drivers/driver.h"

#include "drivers/line.h"

#include <string.h>

/* A new protocol is one file and one row here. */
static const struct driver *const drivers[] = {&line_driver};
enum { DRIVERS = sizeof drivers / sizeof drivers[0] };

static const char *const error_names[] = {
    [SCAN_OK] = "ok",
    [SCAN_BAD_AIM] = "bad_aim",
    [SCAN_BAD_CHAR] = "bad_char",
    [SCAN_BAD_CHECK_DIGIT] = "bad_check_digit",
    [SCAN_BAD_CHECKSUM] = "bad_checksum",
    [SCAN_BAD_FRAME] = "bad_frame",
    [SCAN_BAD_LENGTH] = "bad_length",
    [SCAN_GARBAGE] = "garbage",
    [SCAN_OVERLONG] = "overlong",
    [SCAN_PARITY_BIT7] = "parity_bit7",
    [SCAN_TRUNCATED] = "truncated",
};

const char *scan_error_name(enum scan_error error) {
    size_t index = (size_t)error;
    if (index >= sizeof error_names / sizeof error_names[0])
        return "unknown";
    return error_names[index];
}

const struct driver *driver_at(size_t index) {
    return index < DRIVERS ? drivers[index] : NULL;
}

const struct driver *driver_find(const char *name) {
    for (size_t i = 0; i < DRIVERS; i++) {
        if (strcmp(drivers[i]->name, name) == 0)
            return drivers[i];
    }
    return NULL;
}

const struct driver_profile *driver_profile_find(const struct driver *driver,
                                                 const char *name) {
    for (const struct driver_profile *p = driver->profiles; p->name; p++) {
        if (strcmp(p->name, name) == 0)
            return p;
    }
    return NULL;
}
