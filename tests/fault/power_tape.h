/* The tape of power_vfs: what was asked of the disk, in order. */
#ifndef TS_TESTS_FAULT_POWER_TAPE_H
#define TS_TESTS_FAULT_POWER_TAPE_H

#include "power_vfs.h"

#include "base/bytes.h"

#include <pthread.h>

enum tape_kind {
    TAPE_OPEN, /* a life of a name begins */
    TAPE_WRITE,
    TAPE_TRUNCATE,
    TAPE_SYNC,
    TAPE_DELETE
};

struct tape_step {
    enum tape_kind kind;
    int file;
    int64_t at, size; /* of a write; a truncation has a size */
    bool durable;     /* a deletion whose folder was synced */
    uint8_t *data;    /* of a write, the tape's own */
    size_t noted[POWER_NOTES];
};

enum { TAPE_PATH_BYTES = 300 };

/* One life of a name: from its making to its deletion. */
struct tape_file {
    char name[64];
    struct ts_buf before; /* what it held when the recording began */
    bool old;             /* it was there then */
    bool live;            /* it has not been deleted */
    bool log;             /* SQLite syncs the folder with its first sync */
};

struct power_tape {
    char folder[TAPE_PATH_BYTES];
    const struct power_notes *notes;
    struct tape_step *steps;
    size_t count, room;
    struct tape_file *files;
    size_t file_count;
    size_t noted[POWER_NOTES]; /* at the end */
};

/* The recording of the moment: SQLite calls from any thread. */
struct tape_recorder {
    pthread_mutex_t lock;
    struct power_tape *tape; /* NULL: nothing is recorded */
};

void tape_begin(struct tape_recorder *recorder, const char *folder,
                const struct power_notes *notes);
struct power_tape *tape_end(struct tape_recorder *recorder);
/* While nothing is recorded, and for files elsewhere, they do nothing. */
void tape_add(struct tape_recorder *recorder, const struct tape_step *step,
              const void *data);
/* The number of the file on the tape, a new one for each life of the name;
 * -1: not recorded. */
int tape_open(struct tape_recorder *recorder, const char *path, bool log);
void tape_delete(struct tape_recorder *recorder, const char *path,
                 bool durable);

#endif
