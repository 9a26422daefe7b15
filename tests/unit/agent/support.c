#include "support.h"

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct ts_wall wall(void *ctx) {
    return (struct ts_wall){((struct hand_clock *)ctx)->wall_ms};
}

static struct ts_mono mono(void *ctx) {
    return (struct ts_mono){((struct hand_clock *)ctx)->mono_ms};
}

static bool synchronised(void *ctx) {
    return ((struct hand_clock *)ctx)->synchronised;
}

void hand_clock_init(struct hand_clock *clock) {
    *clock = (struct hand_clock){
        .clock = {clock, wall, mono, synchronised},
        .wall_ms = 1795255200000, /* 2026-11-21T10:00:00Z */
        .mono_ms = 60000,
        .synchronised = true,
    };
}

void folder_make(char out[FOLDER_TEXT]) {
    (void)snprintf(out, FOLDER_TEXT, "/tmp/tessera-agent-test-XXXXXX");
    if (!mkdtemp(out))
        abort();
}

void folder_remove(const char *folder) {
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char path[400];

    while (dir && (entry = readdir(dir))) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            (void)unlink(path);
    }
    if (dir)
        (void)closedir(dir);
    (void)rmdir(folder);
}

size_t folder_count(const char *folder, const char *part) {
    DIR *dir = opendir(folder);
    struct dirent *entry;
    size_t count = 0;

    while (dir && (entry = readdir(dir)))
        count += strstr(entry->d_name, part) != NULL;
    if (dir)
        (void)closedir(dir);
    return count;
}

struct journal_options test_journal_options(const char *folder, char path[128],
                                            const struct hand_clock *clock) {
    (void)snprintf(path, 128, "%s/journal.db", folder);
    return (struct journal_options){
        .path = path,
        .max_bytes = 512 << 20,
        .keep_bytes = 64 << 20,
        .keep_ms = 7 * 86400000LL,
        .origin = {"milano-01", "milano-01-lane-3", TEST_BOOT},
        .clock = &clock->clock,
    };
}

uint64_t draw(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}
