/* SQLite's VFS with calls of a test's own in place of some of its files'. */
#ifndef TS_TESTS_AGENT_JOURNAL_VFS_H
#define TS_TESTS_AGENT_JOURNAL_VFS_H

#include <sqlite3.h>

#include <sys/types.h>

/* As in sqlite3_io_methods, called by any thread; NULL: the real one. */
struct vfs_calls {
    int (*read)(sqlite3_file *file, void *data, int len, sqlite3_int64 at);
    int (*write)(sqlite3_file *file, const void *data, int len,
                 sqlite3_int64 at);
    int (*sync)(sqlite3_file *file, int flags);
};

/* For every file that is opened from now on. */
void vfs_begin(const struct vfs_calls *calls);
/* No such file is open any more. */
void vfs_end(void);

const sqlite3_io_methods *vfs_real(sqlite3_file *file);
/* Of the file that was opened, whatever it is called now. */
ino_t vfs_inode(sqlite3_file *file);

#endif
