/* The tape played on a disk, and what a power cut leaves of it. */
#include "power_tape.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECTOR = 512 };

static uint64_t draw_number(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/* One file of the disk: what is synced, and which steps are on their way. */
struct disk_file {
    bool named;   /* its name is durable: the folder was synced */
    bool deleted; /* the deletion may have reached the disk */
    bool gone;    /* the deletion has */
    bool begun;   /* its life has begun */
    struct ts_buf synced;
    size_t *pending;
    size_t count, room;
};

struct power_disk {
    const struct power_tape *tape;
    struct disk_file *files;
    size_t played;
};

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
    if (!len)
        return;
    if ((size_t)at + len > image->len)
        set_size(image, (size_t)at + len);
    assert(image->data);
    memcpy(image->data + at, data, len);
}

static void apply(struct ts_buf *image, const struct tape_step *step) {
    if (step->kind == TAPE_TRUNCATE)
        set_size(image, (size_t)step->size);
    else
        put(image, step->at, step->data, (size_t)step->size);
}

struct power_disk *power_disk_new(const struct power_tape *tape) {
    struct power_disk *disk = ts_alloc(sizeof *disk);

    *disk = (struct power_disk){.tape = tape};
    disk->files = ts_alloc(tape->file_count * sizeof *disk->files + 1);
    for (size_t i = 0; i < tape->file_count; i++) {
        struct disk_file *file = &disk->files[i];

        *file = (struct disk_file){.named = tape->files[i].old,
                                   .begun = tape->files[i].old};
        put(&file->synced, 0, tape->files[i].before.data,
            tape->files[i].before.len);
    }
    return disk;
}

void power_disk_free(struct power_disk *disk) {
    for (size_t i = 0; i < disk->tape->file_count; i++) {
        ts_buf_fini(&disk->files[i].synced);
        free(disk->files[i].pending);
    }
    free(disk->files);
    free(disk);
}

static void add_pending(struct disk_file *file, size_t step) {
    if (file->count == file->room) {
        file->room = file->room ? file->room * 2 : 64;
        file->pending =
            ts_realloc(file->pending, file->room * sizeof *file->pending);
    }
    file->pending[file->count++] = step;
}

/* The folder itself is synced: names that began are kept, deleted ones go. */
static void sync_folder(struct power_disk *disk) {
    for (size_t i = 0; i < disk->tape->file_count; i++) {
        struct disk_file *file = &disk->files[i];

        file->named |= file->begun;
        file->gone |= file->deleted;
    }
}

static void sync_file(struct power_disk *disk, int index) {
    struct disk_file *file = &disk->files[index];

    for (size_t i = 0; i < file->count; i++)
        apply(&file->synced, &disk->tape->steps[file->pending[i]]);
    file->count = 0;
    if (disk->tape->files[index].log && !file->named)
        sync_folder(disk);
}

static void play_one(struct power_disk *disk, size_t index) {
    const struct tape_step *step = &disk->tape->steps[index];
    struct disk_file *file = &disk->files[step->file];

    switch (step->kind) {
    case TAPE_OPEN:
        file->begun = true;
        break;
    case TAPE_DELETE:
        file->deleted = true;
        if (step->durable)
            sync_folder(disk);
        break;
    case TAPE_SYNC:
        sync_file(disk, step->file);
        break;
    default:
        add_pending(file, index);
    }
}

void power_disk_play(struct power_disk *disk, size_t steps) {
    while (disk->played < steps)
        play_one(disk, disk->played++);
}

/* Any part of a write that was not synced may be there. */
static void apply_sectors(struct ts_buf *image, const struct tape_step *step,
                          uint64_t *lot) {
    if (step->kind == TAPE_TRUNCATE) {
        if (draw_number(lot) % 2)
            apply(image, step);
        return;
    }
    for (int64_t done = 0; done < step->size; done += SECTOR) {
        int64_t left = step->size - done;

        if (draw_number(lot) % 2)
            put(image, step->at + done, step->data + done,
                (size_t)(left < SECTOR ? left : SECTOR));
    }
}

static void apply_prefix(struct ts_buf *image, const struct power_disk *disk,
                         const struct disk_file *file, uint64_t *lot) {
    size_t whole = (size_t)(draw_number(lot) % (file->count + 1));
    const struct tape_step *cut;

    for (size_t i = 0; i < whole; i++)
        apply(image, &disk->tape->steps[file->pending[i]]);
    if (whole == file->count)
        return;
    cut = &disk->tape->steps[file->pending[whole]];
    if (cut->kind == TAPE_WRITE)
        put(image, cut->at, cut->data,
            (size_t)(draw_number(lot) % (uint64_t)cut->size));
}

static void tear_file(struct ts_buf *image, const struct power_disk *disk,
                      const struct disk_file *file, enum power_tear tear,
                      uint64_t *lot) {
    put(image, 0, file->synced.data, file->synced.len);
    if (tear == POWER_PREFIX) {
        apply_prefix(image, disk, file, lot);
        return;
    }
    for (size_t i = 0; tear != POWER_NOTHING && i < file->count; i++) {
        const struct tape_step *step = &disk->tape->steps[file->pending[i]];

        if (tear == POWER_ALL)
            apply(image, step);
        else
            apply_sectors(image, step, lot);
    }
}

/* Whether the folder of the cut still, or already, has this life of a name. */
static bool survives(const struct disk_file *file, enum power_tear tear,
                     uint64_t *lot) {
    bool by_lot = draw_number(lot) % 2;

    if (!file->begun || file->gone)
        return false;
    if (file->deleted)
        return tear == POWER_NOTHING || (tear != POWER_ALL && by_lot);
    return file->named || tear == POWER_ALL ||
           (tear != POWER_NOTHING && by_lot);
}

static void write_file(const char *folder, const char *name,
                       const struct ts_buf *image) {
    char path[TAPE_PATH_BYTES * 2];
    int fd;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, image->data, image->len) != (ssize_t)image->len)
        abort();
    (void)close(fd);
}

static void empty(const char *folder) {
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char path[TAPE_PATH_BYTES * 2];

    while (dir && (entry = readdir(dir))) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            (void)unlink(path);
    }
    if (dir)
        (void)closedir(dir);
}

/* A newer life of a name that survives replaces the older one. */
void power_disk_cut(const struct power_disk *disk, enum power_tear tear,
                    uint64_t seed, const char *folder) {
    uint64_t lot = seed;

    empty(folder);
    for (size_t i = 0; i < disk->tape->file_count; i++) {
        const struct disk_file *file = &disk->files[i];
        struct ts_buf image = {0};

        if (!survives(file, tear, &lot))
            continue;
        tear_file(&image, disk, file, tear, &lot);
        write_file(folder, disk->tape->files[i].name, &image);
        ts_buf_fini(&image);
    }
}
