/* What a program that holds secrets in memory asks of the kernel. */
#ifndef TS_BASE_PROCESS_H
#define TS_BASE_PROCESS_H

/* No core dump, and no reading of this process's memory by others of the same
 * user: a card number on its way through must not reach the disk. Files that
 * it makes are its user's alone. Called before the first byte is read from
 * outside. */
void ts_process_seal(void);

#endif
