#include "power_vfs.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512, PICTURES_MAX = 8192 };

struct pending {
    int64_t at; /* -1: truncate to `size` */
    int64_t size;
    uint8_t *data;
};

/* One file of the disk: what is synced, and what is on its way. */
struct disk_file {
    char path[POWER_NAME_TEXT];
    bool there; /* its name is durable: it was synced once */
    struct ts_buf durable;
    struct pending *pending;
    size_t count, room;
};

struct power {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    struct disk_file files[POWER_FILES_MAX];
    size_t file_count;
    const size_t *confirmed;
    uint64_t random;
    struct power_picture *pictures;
    size_t picture_count;
};

struct handle {
    sqlite3_file base;
    struct power *power;
    struct disk_file *disk; /* NULL: not looked after */
    sqlite3_file *real;
};

/* SQLite finds a VFS by name: the one of the running test. */
static struct power *running(void) {
    return (struct power *)(void *)sqlite3_vfs_find("power");
}

static uint64_t draw_number(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static void set_size(struct ts_buf *image, size_t size) {
    if (size > image->cap) {
        image->data = ts_realloc(image->data, size * 2);
        image->cap = size * 2;
    }
    if (size > image->len)
        memset(image->data + image->len, 0, size - image->len);
    image->len = size;
}

static void put(struct ts_buf *image, int64_t at, const uint8_t *data,
                size_t len) {
    if ((size_t)at + len > image->len)
        set_size(image, (size_t)at + len);
    memcpy(image->data + at, data, len);
}

static void apply(struct ts_buf *image, const struct pending *pending) {
    if (pending->at < 0)
        set_size(image, (size_t)pending->size);
    else
        put(image, pending->at, pending->data, (size_t)pending->size);
}

/* Any part of what was not synced may be there. */
static void apply_torn(struct ts_buf *image, const struct pending *pending,
                       uint64_t *random) {
    if (pending->at < 0) {
        if (draw_number(random) % 2)
            apply(image, pending);
        return;
    }
    for (int64_t done = 0; done < pending->size; done += SECTOR) {
        int64_t left = pending->size - done;

        if (draw_number(random) % 2)
            put(image, pending->at + done, pending->data + done,
                (size_t)(left < SECTOR ? left : SECTOR));
    }
}

static void take_picture(struct power *power) {
    struct power_picture *picture;

    if (power->picture_count == PICTURES_MAX)
        return;
    picture = &power->pictures[power->picture_count++];
    *picture = (struct power_picture){.confirmed = *power->confirmed};
    for (size_t i = 0; i < power->file_count; i++) {
        const struct disk_file *file = &power->files[i];
        struct ts_buf *image = &picture->files[picture->count].bytes;

        if (!file->there)
            continue;
        memcpy(picture->files[picture->count++].path, file->path,
               POWER_NAME_TEXT);
        set_size(image, file->durable.len);
        if (file->durable.len)
            memcpy(image->data, file->durable.data, file->durable.len);
        for (size_t j = 0; j < file->count; j++)
            apply_torn(image, &file->pending[j], &power->random);
    }
}

static void drop_pending(struct disk_file *file) {
    for (size_t i = 0; i < file->count; i++)
        free(file->pending[i].data);
    file->count = 0;
}

static void add_pending(struct disk_file *file, int64_t at, int64_t size,
                        const void *data) {
    struct pending *pending;

    if (file->count == file->room) {
        file->room = file->room ? file->room * 2 : 64;
        file->pending =
            ts_realloc(file->pending, file->room * sizeof *file->pending);
    }
    pending = &file->pending[file->count++];
    *pending = (struct pending){at, size, NULL};
    if (at >= 0) {
        pending->data = ts_alloc((size_t)size);
        memcpy(pending->data, data, (size_t)size);
    }
}

static sqlite3_file *real_of(sqlite3_file *file) {
    return ((struct handle *)(void *)file)->real;
}

static int on_close(sqlite3_file *file) {
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int on_read(sqlite3_file *file, void *out, int len, sqlite3_int64 at) {
    return real_of(file)->pMethods->xRead(real_of(file), out, len, at);
}

static int on_write(sqlite3_file *file, const void *data, int len,
                    sqlite3_int64 at) {
    struct handle *handle = (struct handle *)(void *)file;

    if (handle->disk)
        add_pending(handle->disk, at, len, data);
    return handle->real->pMethods->xWrite(handle->real, data, len, at);
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size) {
    struct handle *handle = (struct handle *)(void *)file;

    if (handle->disk)
        add_pending(handle->disk, -1, size, NULL);
    return handle->real->pMethods->xTruncate(handle->real, size);
}

static int on_sync(sqlite3_file *file, int flags) {
    struct handle *handle = (struct handle *)(void *)file;

    (void)flags; /* the test needs no real sync */
    if (!handle->disk)
        return SQLITE_OK;
    take_picture(handle->power);
    for (size_t i = 0; i < handle->disk->count; i++)
        apply(&handle->disk->durable, &handle->disk->pending[i]);
    drop_pending(handle->disk);
    handle->disk->there = true;
    take_picture(handle->power);
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
    return SECTOR;
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

static struct disk_file *find_file(struct power *power, const char *path) {
    struct disk_file *file;

    for (size_t i = 0; i < power->file_count; i++)
        if (!strcmp(power->files[i].path, path))
            return &power->files[i];
    if (power->file_count == POWER_FILES_MAX)
        return NULL;
    file = &power->files[power->file_count++];
    (void)strncpy(file->path, path, POWER_NAME_TEXT - 1);
    return file;
}

static int on_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file,
                   int flags, int *out_flags) {
    struct power *power = (struct power *)(void *)vfs;
    struct handle *handle = (struct handle *)(void *)file;
    int code;

    *handle = (struct handle){.power = power};
    handle->real = (sqlite3_file *)(void *)(handle + 1);
    code =
        power->real->xOpen(power->real, path, handle->real, flags, out_flags);
    if (code != SQLITE_OK)
        return code;
    if (path && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL |
                          SQLITE_OPEN_MAIN_JOURNAL)))
        handle->disk = find_file(power, path);
    handle->base.pMethods = &methods;
    return SQLITE_OK;
}

static int on_delete(sqlite3_vfs *vfs, const char *path, int sync) {
    struct power *power = (struct power *)(void *)vfs;
    struct disk_file *file = find_file(power, path);

    if (file) {
        drop_pending(file);
        file->there = false;
        file->durable.len = 0;
    }
    return power->real->xDelete(power->real, path, sync);
}

void power_vfs_begin(const size_t *confirmed, uint64_t seed) {
    struct power *power = ts_alloc(sizeof *power);

    *power = (struct power){
        .real = sqlite3_vfs_find(NULL), .confirmed = confirmed, .random = seed};
    power->pictures = ts_alloc(PICTURES_MAX * sizeof *power->pictures);
    power->vfs = *power->real;
    power->vfs.zName = "power";
    power->vfs.szOsFile = (int)sizeof(struct handle) + power->real->szOsFile;
    power->vfs.xOpen = on_open;
    power->vfs.xDelete = on_delete;
    (void)sqlite3_vfs_register(&power->vfs, 1);
}

struct power_picture *power_vfs_end(size_t *count) {
    struct power *power = running();
    struct power_picture *pictures = power->pictures;

    *count = power->picture_count;
    (void)sqlite3_vfs_unregister(&power->vfs);
    (void)sqlite3_vfs_register(power->real, 1);
    for (size_t i = 0; i < power->file_count; i++) {
        drop_pending(&power->files[i]);
        free(power->files[i].pending);
        ts_buf_fini(&power->files[i].durable);
    }
    free(power);
    return pictures;
}

void power_pictures_free(struct power_picture *pictures, size_t count) {
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < pictures[i].count; j++)
            ts_buf_fini(&pictures[i].files[j].bytes);
    free(pictures);
}
