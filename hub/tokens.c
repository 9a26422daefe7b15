#include "hub/tokens.h"

#include "base/hash.h"
#include "base/ids.h"
#include "hub/sure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 64 * 1024, SECRET_BYTES = 32 };

struct line {
    char name[TS_NAME_TEXT];
    char hash[TS_HASH_TEXT];
};

struct lines {
    struct line at[TOKENS_MAX];
    size_t count;
};

static void hash_text(char out[TS_HASH_TEXT], struct ts_slice token) {
    uint8_t hash[TS_HASH_BYTES];

    ts_hash(hash, &token, 1);
    ts_hex(out, ts_slice_of(hash, sizeof hash));
}

static bool line_parse(struct line *out, const char *text) {
    char rest[2];
    struct ts_slice name;

    if (sscanf(text, "%48s %64[0-9a-f] %1s", out->name, out->hash, rest) != 2)
        return false;
    name = ts_slice_text(out->name);
    return ts_name_valid(name) && strlen(out->hash) == TS_HASH_TEXT - 1;
}

/* Others must not read it, and none but the owner may add to it. */
static enum ts_status check_mode(const char *path, struct ts_err *err) {
    struct stat info;

    if (stat(path, &info))
        return ts_fail(err, TS_INVALID,
                       "%s: %s: make it with `tessera-hub token add NAME`",
                       path, strerror(errno));
    if (info.st_mode & 077)
        return ts_fail(err, TS_INVALID,
                       "%s: others can read it: chmod 600 it and make new "
                       "tokens",
                       path);
    return TS_OK;
}

static enum ts_status lines_read(struct lines *out, const char *path,
                                 struct ts_err *err) {
    struct ts_buf text = {0};
    char *rest, *line;
    unsigned number = 0;
    enum ts_status status = check_mode(path, err);

    out->count = 0;
    if (status == TS_OK)
        status = ts_file_read(&text, path, FILE_MAX, err);
    if (status != TS_OK)
        return status;
    sure(ts_buf_add(&text, ts_slice_of("", 1)));
    rest = (char *)text.data;
    while (status == TS_OK && (line = strsep(&rest, "\n"))) {
        number++;
        if (*line == '#' || !line[strspn(line, " \t\r")])
            continue;
        if (out->count == TOKENS_MAX ||
            !line_parse(&out->at[out->count++], line))
            status = ts_fail(err, TS_INVALID,
                             "%s:%u: must be `<name> <64 hex digits>`, at most "
                             "%d lines",
                             path, number, TOKENS_MAX);
    }
    ts_buf_fini(&text);
    return status;
}

/* Whole or not at all: a new file takes the old one's place. */
static enum ts_status lines_write(const struct lines *lines, const char *path,
                                  struct ts_err *err) {
    struct ts_buf name = {0};
    bool ok = true;
    FILE *file;
    int fd;

    sure(ts_buf_printf(&name, "%s.new", path));
    fd = open(ts_buf_text(&name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
              0600);
    file = fd < 0 ? NULL : fdopen(fd, "w");
    for (size_t i = 0; file && i < lines->count; i++)
        ok &=
            fprintf(file, "%s %s\n", lines->at[i].name, lines->at[i].hash) > 0;
    if (file) {
        ok = !fflush(file) && !fsync(fd) && ok;
        ok = !fclose(file) && ok && !rename(ts_buf_text(&name), path);
    }
    ts_buf_fini(&name);
    if (file && ok)
        return TS_OK;
    return ts_fail(err, TS_IO, "%s: %s: check the folder's permissions", path,
                   strerror(errno));
}

static struct line *lines_find(struct lines *lines, const char *name) {
    for (size_t i = 0; i < lines->count; i++)
        if (!strcmp(lines->at[i].name, name))
            return &lines->at[i];
    return NULL;
}

static enum ts_status add_to(struct lines *lines, const char *path,
                             const char *name, char out[TOKENS_TEXT],
                             struct ts_err *err) {
    uint8_t secret[SECRET_BYTES];
    struct line *line;
    enum ts_status status = TS_OK;

    if (lines_find(lines, name))
        return ts_fail(err, TS_INVALID,
                       "%s has a token already: remove it first", name);
    if (lines->count == TOKENS_MAX)
        return ts_fail(err, TS_FULL, "%s holds %d tokens: remove some", path,
                       TOKENS_MAX);
    ts_random(secret, sizeof secret);
    ts_base64url(out, ts_slice_of(secret, sizeof secret));
    line = &lines->at[lines->count++];
    (void)snprintf(line->name, sizeof line->name, "%s", name);
    hash_text(line->hash, ts_slice_text(out));
    status = lines_write(lines, path, err);
    return status;
}

enum ts_status tokens_add(const char *path, const char *name,
                          char out[TOKENS_TEXT], struct ts_err *err) {
    struct lines *lines;
    enum ts_status status = TS_OK;

    if (!ts_name_valid(ts_slice_text(name)))
        return ts_fail(err, TS_INVALID,
                       "the name must be 1 to 48 of a-z, 0-9 and dash");
    lines = ts_alloc(sizeof *lines);
    lines->count = 0;
    if (!access(path, F_OK) || errno != ENOENT)
        status = lines_read(lines, path, err);
    if (status == TS_OK)
        status = add_to(lines, path, name, out, err);
    free(lines);
    return status;
}

enum ts_status tokens_remove(const char *path, const char *name,
                             struct ts_err *err) {
    struct lines *lines = ts_alloc(sizeof *lines);
    enum ts_status status = lines_read(lines, path, err);
    struct line *line;

    if (status == TS_OK) {
        line = lines_find(lines, name);
        if (line) {
            *line = lines->at[--lines->count];
            status = lines_write(lines, path, err);
        } else {
            status = ts_fail(err, TS_INVALID, "no token is named %s", name);
        }
    }
    free(lines);
    return status;
}

enum ts_status tokens_list(const char *path,
                           void (*each)(void *arg, const char *name), void *arg,
                           struct ts_err *err) {
    struct lines *lines = ts_alloc(sizeof *lines);
    enum ts_status status = lines_read(lines, path, err);

    for (size_t i = 0; status == TS_OK && i < lines->count; i++)
        each(arg, lines->at[i].name);
    free(lines);
    return status;
}

enum ts_status tokens_check(const char *path, struct ts_slice token,
                            struct ts_err *err) {
    struct lines *lines;
    char hash[TS_HASH_TEXT];
    bool found = false;
    enum ts_status status;

    if (!token.len || token.len > 128)
        return ts_fail(err, TS_DENIED, "give a bearer token");
    lines = ts_alloc(sizeof *lines);
    status = lines_read(lines, path, err);
    hash_text(hash, token);
    for (size_t i = 0; status == TS_OK && i < lines->count; i++)
        found |= ts_secret_equal(ts_slice_text(hash),
                                 ts_slice_text(lines->at[i].hash));
    free(lines);
    if (status == TS_OK && !found)
        status = ts_fail(err, TS_DENIED, "this bearer token is not known");
    return status;
}
