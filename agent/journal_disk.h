/* What the journal costs the flash: bytes and syncs of its files, counted
 * where SQLite hands them to the system. /proc/self/io would count the whole
 * program, and only in whole pages that some thread has made dirty; it is also
 * closed to a program that may not be dumped. Private to agent/journal*.c. */
#ifndef TS_AGENT_JOURNAL_DISK_H
#define TS_AGENT_JOURNAL_DISK_H

#include "agent/journal.h"

struct journal_disk;

struct journal_disk *disk_new(void);
/* When no connection is open any more. */
void disk_free(struct journal_disk *disk);
/* The name of its VFS. */
const char *disk_name(const struct journal_disk *disk);
/* From any thread. */
uint64_t disk_bytes(struct journal_disk *disk);
uint64_t disk_syncs(struct journal_disk *disk);
/* Calls that the system refused. Of a read SQLite says no more than that the
 * file is damaged. */
uint64_t disk_errors(struct journal_disk *disk, enum journal_disk_call call);
/* One that was refused elsewhere. */
void disk_count_error(struct journal_disk *disk, enum journal_disk_call call);

#endif
