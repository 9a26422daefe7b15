/* A SQLite VFS that knows what a power cut would leave: what was synced, and
 * of what was not any part, sector by sector. At each sync, before and after
 * it, a picture of such a disk is taken. */
#ifndef TS_TESTS_FAULT_POWER_VFS_H
#define TS_TESTS_FAULT_POWER_VFS_H

#include "base/bytes.h"

enum { POWER_FILES_MAX = 4, POWER_NAME_TEXT = 256 };

struct power_picture {
    struct {
        char path[POWER_NAME_TEXT];
        struct ts_buf bytes;
    } files[POWER_FILES_MAX];
    size_t count;
    size_t confirmed; /* *confirmed at that instant */
};

/* Becomes the default VFS until power_vfs_end; one at a time. `confirmed`
 * is read at each picture. */
void power_vfs_begin(const size_t *confirmed, uint64_t seed);
/* Answers the pictures, owned by the caller: power_pictures_free. */
struct power_picture *power_vfs_end(size_t *count);
void power_pictures_free(struct power_picture *pictures, size_t count);

#endif
