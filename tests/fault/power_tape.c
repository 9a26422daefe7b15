#include "power_tape.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void read_notes(const struct power_tape *tape,
                       size_t noted[POWER_NOTES]) {
    for (int i = 0; i < POWER_NOTES; i++)
        noted[i] = atomic_load(&tape->notes->value[i]);
}

static void append(struct power_tape *tape, const struct tape_step *step,
                   const void *data) {
    struct tape_step *kept;

    if (tape->count == tape->room) {
        tape->room = tape->room ? tape->room * 2 : 1024;
        tape->steps = ts_realloc(tape->steps, tape->room * sizeof *tape->steps);
    }
    kept = &tape->steps[tape->count++];
    *kept = *step;
    if (data) {
        kept->data = ts_alloc((size_t)step->size);
        memcpy(kept->data, data, (size_t)step->size);
    }
    read_notes(tape, kept->noted);
}

void tape_add(struct tape_recorder *recorder, const struct tape_step *step,
              const void *data) {
    if (step->file < 0)
        return;
    (void)pthread_mutex_lock(&recorder->lock);
    if (recorder->tape)
        append(recorder->tape, step, data);
    (void)pthread_mutex_unlock(&recorder->lock);
}

/* The name within the recorded folder, or NULL. */
static const char *name_in(const struct power_tape *tape, const char *path) {
    size_t len = tape ? strlen(tape->folder) : 0;

    if (!tape || strncmp(path, tape->folder, len) != 0 || path[len] != '/')
        return NULL;
    return path + len + 1;
}

static int find_live(const struct power_tape *tape, const char *name) {
    for (size_t i = 0; i < tape->file_count; i++)
        if (tape->files[i].live && !strcmp(tape->files[i].name, name))
            return (int)i;
    return -1;
}

static int add_file(struct power_tape *tape, const char *name) {
    struct tape_file *file;

    tape->files =
        ts_realloc(tape->files, (tape->file_count + 1) * sizeof *tape->files);
    file = &tape->files[tape->file_count++];
    *file = (struct tape_file){.live = true};
    (void)snprintf(file->name, sizeof file->name, "%s", name);
    return (int)tape->file_count - 1;
}

int tape_open(struct tape_recorder *recorder, const char *path, bool log) {
    const char *name;
    int file = -1;

    (void)pthread_mutex_lock(&recorder->lock);
    name = name_in(recorder->tape, path);
    if (name) {
        file = find_live(recorder->tape, name);
        if (file < 0) {
            file = add_file(recorder->tape, name);
            recorder->tape->files[file].log = log;
            append(recorder->tape,
                   &(struct tape_step){.kind = TAPE_OPEN, .file = file}, NULL);
        }
    }
    (void)pthread_mutex_unlock(&recorder->lock);
    return file;
}

void tape_delete(struct tape_recorder *recorder, const char *path,
                 bool durable) {
    struct power_tape *tape;
    const char *name;
    int file;

    (void)pthread_mutex_lock(&recorder->lock);
    tape = recorder->tape;
    name = name_in(tape, path);
    file = name ? find_live(tape, name) : -1;
    if (file >= 0) {
        append(tape,
               &(struct tape_step){
                   .kind = TAPE_DELETE, .file = file, .durable = durable},
               NULL);
        tape->files[file].live = false;
    }
    (void)pthread_mutex_unlock(&recorder->lock);
}

/* Of SQLite's files; the index of the log is made anew. */
static bool is_kept(const char *name) {
    size_t len = strlen(name);

    return name[0] != '.' && (len < 4 || strcmp(name + len - 4, "-shm") != 0) &&
           (len < 5 || strcmp(name + len - 5, ".lock") != 0);
}

static void load_old(struct power_tape *tape) {
    DIR *dir = opendir(tape->folder);
    struct dirent *entry;
    char path[TAPE_PATH_BYTES * 2];

    while (dir && (entry = readdir(dir))) {
        struct tape_file *file;
        int index;

        if (!is_kept(entry->d_name))
            continue;
        index = add_file(tape, entry->d_name);
        file = &tape->files[index];
        file->old = true;
        (void)snprintf(path, sizeof path, "%s/%s", tape->folder, entry->d_name);
        if (ts_file_read(&file->before, path, SIZE_MAX, NULL) != TS_OK)
            abort();
    }
    if (dir)
        (void)closedir(dir);
}

void tape_begin(struct tape_recorder *recorder, const char *folder,
                const struct power_notes *notes) {
    struct power_tape *tape = ts_alloc(sizeof *tape);

    *tape = (struct power_tape){.notes = notes};
    (void)snprintf(tape->folder, sizeof tape->folder, "%s", folder);
    load_old(tape);
    (void)pthread_mutex_lock(&recorder->lock);
    recorder->tape = tape;
    (void)pthread_mutex_unlock(&recorder->lock);
}

struct power_tape *tape_end(struct tape_recorder *recorder) {
    struct power_tape *tape;

    (void)pthread_mutex_lock(&recorder->lock);
    tape = recorder->tape;
    recorder->tape = NULL;
    read_notes(tape, tape->noted);
    (void)pthread_mutex_unlock(&recorder->lock);
    return tape;
}

void power_tape_free(struct power_tape *tape) {
    if (!tape)
        return;
    for (size_t i = 0; i < tape->count; i++)
        free(tape->steps[i].data);
    for (size_t i = 0; i < tape->file_count; i++)
        ts_buf_fini(&tape->files[i].before);
    free(tape->steps);
    free(tape->files);
    free(tape);
}

size_t power_steps(const struct power_tape *tape) { return tape->count; }

bool power_is_sync(const struct power_tape *tape, size_t step) {
    return tape->steps[step].kind == TAPE_SYNC;
}

size_t power_noted(const struct power_tape *tape, size_t step, unsigned note) {
    return step < tape->count ? tape->steps[step].noted[note]
                              : tape->noted[note];
}
