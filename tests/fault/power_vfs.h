/* A SQLite VFS that remembers every write, truncation, sync and deletion in
 * their order, so that a power cut can be played at any instant of what was
 * recorded: what was synced is there, and of what was not, any part. */
#ifndef TS_TESTS_FAULT_POWER_VFS_H
#define TS_TESTS_FAULT_POWER_VFS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the test knows at an instant: it raises the numbers, each step of the
 * tape keeps them as they stood. */
enum { POWER_NOTES = 3 };
struct power_notes {
    atomic_size_t value[POWER_NOTES];
};

/* Becomes the default VFS. It never waits for the disk. */
void power_vfs_install(void);
void power_vfs_remove(void);

/* Records what happens to the files in `folder`; what is in them now counts
 * as synced. From any thread, one recording at a time. */
void power_record(const char *folder, const struct power_notes *notes);
struct power_tape *power_stop(void);
void power_tape_free(struct power_tape *tape);

size_t power_steps(const struct power_tape *tape);
/* Whether the step is a sync: 0 is the first. */
bool power_is_sync(const struct power_tape *tape, size_t step);
/* A note as it stood when the step began; behind the last one: at the end. */
size_t power_noted(const struct power_tape *tape, size_t step, unsigned note);

/* How much of what was not synced has reached the disk. */
enum power_tear {
    POWER_NOTHING,
    POWER_ALL,
    POWER_SECTORS, /* any of the sectors, each by lot */
    POWER_PREFIX,  /* in order, up to a byte in the midst of a write */
    POWER_TEARS
};

/* A disk on which the tape is played, forward only. */
struct power_disk;
struct power_disk *power_disk_new(const struct power_tape *tape);
void power_disk_free(struct power_disk *disk);
/* The first `steps` steps have been asked for. */
void power_disk_play(struct power_disk *disk, size_t steps);
/* The power goes: `folder` is emptied and holds what a machine finds there. */
void power_disk_cut(const struct power_disk *disk, enum power_tear tear,
                    uint64_t seed, const char *folder);

#endif
