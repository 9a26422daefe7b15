#include "agent/journal_disk.h"

#include "base/bytes.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct journal_disk {
    sqlite3_vfs vfs; /* first: SQLite hands it back */
    sqlite3_vfs *real;
    char name[40];
    atomic_uint_fast64_t bytes, syncs;
    atomic_uint_fast64_t errors[JOURNAL_DISK_CALLS];
};

/* Behind the real file, whose methods stay but for four. */
struct tail {
    sqlite3_io_methods methods; /* first: the file points to it */
    const sqlite3_io_methods *real;
    struct journal_disk *disk;
};

static struct tail *tail_of(sqlite3_file *file) {
    return (struct tail *)(uintptr_t)file->pMethods;
}

void disk_count_error(struct journal_disk *disk, enum journal_disk_call call) {
    (void)atomic_fetch_add_explicit(&disk->errors[call], 1,
                                    memory_order_relaxed);
}

/* What the system answered to a call. */
static int judge(struct journal_disk *disk, enum journal_disk_call call,
                 int code) {
    if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ)
        disk_count_error(disk, call);
    return code;
}

static int on_write(sqlite3_file *file, const void *data, int len,
                    sqlite3_int64 at) {
    struct tail *tail = tail_of(file);

    (void)atomic_fetch_add_explicit(&tail->disk->bytes, (uint64_t)len,
                                    memory_order_relaxed);
    return judge(tail->disk, JOURNAL_DISK_WRITE,
                 tail->real->xWrite(file, data, len, at));
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 bytes) {
    struct tail *tail = tail_of(file);

    return judge(tail->disk, JOURNAL_DISK_WRITE,
                 tail->real->xTruncate(file, bytes));
}

static int on_read(sqlite3_file *file, void *data, int len, sqlite3_int64 at) {
    struct tail *tail = tail_of(file);

    return judge(tail->disk, JOURNAL_DISK_READ,
                 tail->real->xRead(file, data, len, at));
}

static int on_sync(sqlite3_file *file, int flags) {
    struct tail *tail = tail_of(file);

    (void)atomic_fetch_add_explicit(&tail->disk->syncs, 1,
                                    memory_order_relaxed);
    return judge(tail->disk, JOURNAL_DISK_SYNC, tail->real->xSync(file, flags));
}

static size_t tail_offset(const sqlite3_vfs *real) {
    size_t align = _Alignof(max_align_t);

    return ((size_t)real->szOsFile + align - 1) / align * align;
}

static int on_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file,
                   int flags, int *out_flags) {
    struct journal_disk *disk = (struct journal_disk *)(void *)vfs;
    struct tail *tail =
        (struct tail *)(void *)((uint8_t *)file + tail_offset(disk->real));
    int code = disk->real->xOpen(disk->real, path, file, flags, out_flags);

    if (code != SQLITE_OK || !file->pMethods)
        return judge(disk, JOURNAL_DISK_OPEN, code);
    *tail = (struct tail){*file->pMethods, file->pMethods, disk};
    tail->methods.xRead = on_read;
    tail->methods.xWrite = on_write;
    tail->methods.xTruncate = on_truncate;
    tail->methods.xSync = on_sync;
    file->pMethods = &tail->methods;
    return SQLITE_OK;
}

static sqlite3_vfs *real_of(sqlite3_vfs *vfs) {
    return ((struct journal_disk *)(void *)vfs)->real;
}

static int on_delete(sqlite3_vfs *vfs, const char *path, int sync) {
    return real_of(vfs)->xDelete(real_of(vfs), path, sync);
}

static int on_access(sqlite3_vfs *vfs, const char *path, int flags, int *out) {
    return real_of(vfs)->xAccess(real_of(vfs), path, flags, out);
}

static int on_full_path(sqlite3_vfs *vfs, const char *path, int size,
                        char *out) {
    return real_of(vfs)->xFullPathname(real_of(vfs), path, size, out);
}

struct journal_disk *disk_new(void) {
    struct journal_disk *disk = ts_alloc(sizeof *disk);

    *disk = (struct journal_disk){.real = sqlite3_vfs_find(NULL)};
    (void)snprintf(disk->name, sizeof disk->name, "journal-%p", (void *)disk);
    disk->vfs = *disk->real;
    disk->vfs.zName = disk->name;
    disk->vfs.szOsFile = (int)(tail_offset(disk->real) + sizeof(struct tail));
    disk->vfs.xOpen = on_open;
    disk->vfs.xDelete = on_delete;
    disk->vfs.xAccess = on_access;
    disk->vfs.xFullPathname = on_full_path;
    disk->vfs.pNext = NULL;
    (void)sqlite3_vfs_register(&disk->vfs, 0);
    return disk;
}

void disk_free(struct journal_disk *disk) {
    if (!disk)
        return;
    (void)sqlite3_vfs_unregister(&disk->vfs);
    free(disk);
}

const char *disk_name(const struct journal_disk *disk) { return disk->name; }

uint64_t disk_bytes(struct journal_disk *disk) {
    return atomic_load_explicit(&disk->bytes, memory_order_relaxed);
}

uint64_t disk_syncs(struct journal_disk *disk) {
    return atomic_load_explicit(&disk->syncs, memory_order_relaxed);
}

uint64_t disk_errors(struct journal_disk *disk, enum journal_disk_call call) {
    return atomic_load_explicit(&disk->errors[call], memory_order_relaxed);
}
