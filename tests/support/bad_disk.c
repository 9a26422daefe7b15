/* LD_PRELOAD for the agent: its disk does what the file $TESSERA_DISK says,
 * read at each call; only files of journal.db are meant.
 *
 *   (nothing)                what the real disk does
 *   hold                     a sync waits until the word changes
 *   slow                     a sync takes 200 ms more
 *   full, readonly, broken   no byte is taken: ENOSPC, EROFS, EIO
 *   unreadable INODE OFFSET  a read there: EIO
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { FDS = 1024, WORD = 64, SLOW_US = 200000 };

typedef int open_call(const char *path, int flags, ...);
typedef ssize_t write_call(int fd, const void *data, size_t len, off64_t at);
typedef ssize_t read_call(int fd, void *data, size_t len, off64_t at);
typedef int sync_call(int fd);

static atomic_bool watched[FDS];

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static void read_word(char out[WORD]) {
    const char *path = getenv("TESSERA_DISK");
    open_call *call = (open_call *)(uintptr_t)real("open");
    int fd = path ? call(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t len = fd < 0 ? 0 : read(fd, out, WORD - 1);

    out[len > 0 ? len : 0] = 0;
    out[strcspn(out, "\n")] = 0;
    if (fd >= 0)
        (void)close(fd);
}

static int number_of(const char *word) {
    if (!strcmp(word, "full"))
        return ENOSPC;
    if (!strcmp(word, "readonly"))
        return EROFS;
    return strcmp(word, "broken") != 0 ? 0 : EIO;
}

static int open_with(const char *name, const char *path, int flags,
                     mode_t mode) {
    open_call *call = (open_call *)(uintptr_t)real(name);
    int fd = call(path, flags, mode);

    if (fd >= 0 && fd < FDS)
        atomic_store(&watched[fd], strstr(path, "/journal.db") != NULL &&
                                       strstr(path, ".lock") == NULL);
    return fd;
}

static mode_t mode_of(int flags, va_list list) {
    return flags & O_CREAT ? va_arg(list, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
    va_list list;
    mode_t mode;

    va_start(list, flags);
    mode = mode_of(flags, list);
    va_end(list);
    return open_with("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list list;
    mode_t mode;

    va_start(list, flags);
    mode = mode_of(flags, list);
    va_end(list);
    return open_with("open64", path, flags, mode);
}

/* The error that the disk answers with, 0 for none. */
static int trouble(int fd) {
    char word[WORD];

    if (fd < 0 || fd >= FDS || !atomic_load(&watched[fd]))
        return 0;
    read_word(word);
    return number_of(word);
}

static ssize_t write_with(const char *name, int fd, const void *data,
                          size_t len, off64_t at) {
    write_call *call = (write_call *)(uintptr_t)real(name);
    int number = trouble(fd);

    if (!number)
        return call(fd, data, len, at);
    errno = number;
    return -1;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at) {
    return write_with("pwrite64", fd, data, len, at);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at) {
    return write_with("pwrite64", fd, data, len, at);
}

static bool is_unreadable(int fd, size_t len, off64_t at) {
    char word[WORD];
    static const char mark[] = "unreadable ";
    unsigned long long inode;
    long long hurt;
    char *end;
    struct stat info;

    if (fd < 0 || fd >= FDS || !atomic_load(&watched[fd]))
        return false;
    read_word(word);
    if (strncmp(word, mark, sizeof mark - 1) != 0)
        return false;
    inode = strtoull(word + sizeof mark - 1, &end, 10);
    hurt = strtoll(end, NULL, 10);
    return fstat(fd, &info) == 0 && info.st_ino == inode && hurt >= at &&
           hurt < at + (off64_t)len;
}

static ssize_t read_with(const char *name, int fd, void *data, size_t len,
                         off64_t at) {
    read_call *call = (read_call *)(uintptr_t)real(name);

    if (!is_unreadable(fd, len, at))
        return call(fd, data, len, at);
    errno = EIO;
    return -1;
}

ssize_t pread(int fd, void *data, size_t len, off_t at) {
    return read_with("pread64", fd, data, len, at);
}

ssize_t pread64(int fd, void *data, size_t len, off64_t at) {
    return read_with("pread64", fd, data, len, at);
}

static int sync_with(const char *name, int fd) {
    sync_call *call = (sync_call *)(uintptr_t)real(name);
    char word[WORD] = "";

    while (fd >= 0 && fd < FDS && atomic_load(&watched[fd])) {
        read_word(word);
        if (strcmp(word, "hold") != 0)
            break;
        (void)usleep(1000);
    }
    if (strcmp(word, "slow") == 0)
        (void)usleep(SLOW_US);
    return call(fd);
}

int fdatasync(int fd) { return sync_with("fdatasync", fd); }

int fsync(int fd) { return sync_with("fsync", fd); }
