#include "agent/journal_scrub.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum ts_status sync_folder(const char *path, struct ts_err *err) {
    char folder[sizeof((struct journal_store *)0)->path];
    char *slash;
    int fd;
    int code;

    (void)snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = 0;
    fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    code = fd < 0 || fsync(fd) != 0 ? errno : 0;
    if (fd >= 0)
        (void)close(fd);
    return code == 0
               ? TS_OK
               : ts_fail(err, TS_IO, "cannot sync %s (%s): check the disk",
                         folder, strerror(code));
}

/* What was readable in them lives on in the journal. */
static enum ts_status drop_set_aside(const char *path, struct ts_err *err) {
    char pattern[300];
    glob_t found;
    enum ts_status status = TS_OK;
    size_t count = 0;

    (void)snprintf(pattern, sizeof pattern, "%s.damaged-*", path);
    if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
        count = found.gl_pathc;
    for (size_t i = 0; i < count; i++)
        if (unlink(found.gl_pathv[i]) != 0 && errno != ENOENT)
            status = ts_fail(err, TS_IO,
                             "cannot delete %s (%s), in which erased events "
                             "may be: give its folder to the agent's user",
                             found.gl_pathv[i], strerror(errno));
    globfree(&found);
    return status == TS_OK && count ? sync_folder(path, err) : status;
}

enum ts_status scrub_file(struct journal_store *store, struct ts_err *err) {
    enum ts_status status = store_scrub(store, err);

    return status == TS_OK ? drop_set_aside(store->path, err) : status;
}
