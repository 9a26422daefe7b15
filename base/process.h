/* What a program that holds secrets in memory asks of the kernel. */
#ifndef TS_BASE_PROCESS_H
#define TS_BASE_PROCESS_H

/* No core dump, and no reading of this process's memory by others of the same
 * user: a card number on its way through must not reach the disk. Files that
 * it makes are its user's alone. Called before the first byte is read from
 * outside. */
void ts_process_seal(void);

/* Keeps the heap small: one arena for all threads, and a large block goes back
 * to the system when it is freed. Called before the first thread. */
void ts_process_stay_small(void);
/* For an idle moment: gives back what the heap does not use, and of the program
 * and its libraries the pages that nothing was written to: those that only the
 * start needed stay out, the others are mapped again. */
void ts_process_rest(void);

#endif
