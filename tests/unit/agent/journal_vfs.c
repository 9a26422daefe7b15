#include "journal_vfs.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* Behind the real file. */
struct tail {
    sqlite3_io_methods methods;
    const sqlite3_io_methods *real;
    ino_t inode;
};

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    struct vfs_calls calls;
} test;

static size_t tail_offset(void) {
    size_t align = _Alignof(max_align_t);

    return ((size_t)test.real->szOsFile + align - 1) / align * align;
}

static struct tail *tail_of(sqlite3_file *file) {
    return (struct tail *)(void *)((uint8_t *)file + tail_offset());
}

const sqlite3_io_methods *vfs_real(sqlite3_file *file) {
    return tail_of(file)->real;
}

ino_t vfs_inode(sqlite3_file *file) { return tail_of(file)->inode; }

static int on_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file,
                   int flags, int *out_flags) {
    struct tail *tail = tail_of(file);
    int code = test.real->xOpen(test.real, path, file, flags, out_flags);
    struct stat info = {.st_ino = 0};

    (void)vfs;
    if (code != SQLITE_OK || !file->pMethods)
        return code;
    if (path)
        (void)stat(path, &info);
    *tail = (struct tail){*file->pMethods, file->pMethods, info.st_ino};
    if (test.calls.read)
        tail->methods.xRead = test.calls.read;
    if (test.calls.write)
        tail->methods.xWrite = test.calls.write;
    if (test.calls.sync)
        tail->methods.xSync = test.calls.sync;
    file->pMethods = &tail->methods;
    return code;
}

void vfs_begin(const struct vfs_calls *calls) {
    int code;

    test.calls = *calls;
    test.real = sqlite3_vfs_find(NULL);
    test.vfs = *test.real;
    test.vfs.zName = "test";
    test.vfs.szOsFile = (int)(tail_offset() + sizeof(struct tail));
    test.vfs.xOpen = on_open;
    test.vfs.pNext = NULL;
    code = sqlite3_vfs_register(&test.vfs, 1);
    assert(code == SQLITE_OK);
    (void)code;
}

void vfs_end(void) { (void)sqlite3_vfs_unregister(&test.vfs); }
