#include "power_vfs.h"

#include "power_tape.h"

#include <sqlite3.h>

#include <stdlib.h>
#include <string.h>

enum { SECTOR_BYTES = 512 };

struct power {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    struct tape_recorder recorder;
};

struct handle {
    sqlite3_file base;
    struct power *power;
    int file; /* on the tape; -1: not looked after */
    sqlite3_file *real;
};

static sqlite3_file *real_of(sqlite3_file *file) {
    return ((struct handle *)(void *)file)->real;
}

static void note(sqlite3_file *file, struct tape_step step, const void *data) {
    struct handle *handle = (struct handle *)(void *)file;

    step.file = handle->file;
    tape_add(&handle->power->recorder, &step, data);
}

static int on_close(sqlite3_file *file) {
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int on_read(sqlite3_file *file, void *out, int len, sqlite3_int64 at) {
    return real_of(file)->pMethods->xRead(real_of(file), out, len, at);
}

static int on_write(sqlite3_file *file, const void *data, int len,
                    sqlite3_int64 at) {
    note(file, (struct tape_step){.kind = TAPE_WRITE, .at = at, .size = len},
         data);
    return real_of(file)->pMethods->xWrite(real_of(file), data, len, at);
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size) {
    note(file, (struct tape_step){.kind = TAPE_TRUNCATE, .size = size}, NULL);
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int on_sync(sqlite3_file *file, int flags) {
    (void)flags;
    note(file, (struct tape_step){.kind = TAPE_SYNC}, NULL);
    return SQLITE_OK;
}

static int on_size(sqlite3_file *file, sqlite3_int64 *out) {
    return real_of(file)->pMethods->xFileSize(real_of(file), out);
}

static int on_lock(sqlite3_file *file, int level) {
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int on_unlock(sqlite3_file *file, int level) {
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int on_reserved(sqlite3_file *file, int *out) {
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int on_control(sqlite3_file *file, int what, void *arg) {
    return real_of(file)->pMethods->xFileControl(real_of(file), what, arg);
}

static int on_sector(sqlite3_file *file) {
    (void)file;
    return SECTOR_BYTES;
}

/* Promises nothing of a power cut, as a plain disk. */
static int on_traits(sqlite3_file *file) {
    (void)file;
    return 0;
}

static int on_shm_map(sqlite3_file *file, int page, int size, int extend,
                      void volatile **out) {
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend,
                                            out);
}

static int on_shm_lock(sqlite3_file *file, int offset, int n, int flags) {
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void on_shm_barrier(sqlite3_file *file) {
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int on_shm_unmap(sqlite3_file *file, int remove) {
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods methods = {
    2,         on_close,   on_read,     on_write,       on_truncate,  on_sync,
    on_size,   on_lock,    on_unlock,   on_reserved,    on_control,   on_sector,
    on_traits, on_shm_map, on_shm_lock, on_shm_barrier, on_shm_unmap, NULL,
    NULL};

static int on_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file,
                   int flags, int *out_flags) {
    struct power *power = (struct power *)(void *)vfs;
    struct handle *handle = (struct handle *)(void *)file;
    bool kept = flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL |
                         SQLITE_OPEN_MAIN_JOURNAL);
    int code;

    *handle = (struct handle){.power = power, .file = -1};
    handle->real = (sqlite3_file *)(void *)(handle + 1);
    if (path && kept)
        handle->file =
            tape_open(&power->recorder, path, !(flags & SQLITE_OPEN_MAIN_DB));
    code =
        power->real->xOpen(power->real, path, handle->real, flags, out_flags);
    if (code == SQLITE_OK)
        handle->base.pMethods = &methods;
    return code;
}

static int on_delete(sqlite3_vfs *vfs, const char *path, int sync) {
    struct power *power = (struct power *)(void *)vfs;

    tape_delete(&power->recorder, path, sync);
    return power->real->xDelete(power->real, path, sync);
}

/* SQLite finds a VFS by its name. */
static struct power *installed(void) {
    return (struct power *)(void *)sqlite3_vfs_find("power");
}

void power_vfs_install(void) {
    struct power *power = ts_alloc(sizeof *power);

    *power = (struct power){.real = sqlite3_vfs_find(NULL)};
    (void)pthread_mutex_init(&power->recorder.lock, NULL);
    power->vfs = *power->real;
    power->vfs.zName = "power";
    power->vfs.szOsFile = (int)sizeof(struct handle) + power->real->szOsFile;
    power->vfs.xOpen = on_open;
    power->vfs.xDelete = on_delete;
    (void)sqlite3_vfs_register(&power->vfs, 1);
}

void power_vfs_remove(void) {
    struct power *power = installed();

    (void)sqlite3_vfs_unregister(&power->vfs);
    (void)sqlite3_vfs_register(power->real, 1);
    (void)pthread_mutex_destroy(&power->recorder.lock);
    free(power);
}

void power_record(const char *folder, const struct power_notes *notes) {
    tape_begin(&installed()->recorder, folder, notes);
}

struct power_tape *power_stop(void) {
    return tape_end(&installed()->recorder);
}
