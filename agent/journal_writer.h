/* The one thread that writes the journal's file: a sync takes 5 to 30 ms on
 * flash, and the loop has readers and pages to serve. One job at a time is
 * handed over and taken back; the loop reads on a connection of its own.
 * Private to agent/journal*.c. */
#ifndef TS_AGENT_JOURNAL_WRITER_H
#define TS_AGENT_JOURNAL_WRITER_H

#include "agent/journal_group.h"
#include "agent/journal_salvage.h"
#include "agent/journal_search.h"

enum writer_task {
    WRITER_COMMIT,
    WRITER_REOPEN, /* the file after trouble; what is damaged is set aside */
    WRITER_REPLACE /* a file that is known to be damaged */
};

struct writer_job {
    enum writer_task task;
    struct journal_group group;
    bool scrub;  /* afterwards, leave nothing of what went, see below */
    bool shrink; /* afterwards, give unused room back to the disk */
    struct ts_wall now;
    /* The answer. */
    enum ts_status status;
    struct ts_err err;
};

struct journal_writer;

/* Takes the open `store`, and `take_salvage` unless NULL. */
enum ts_status writer_start(struct journal_writer **out,
                            const struct journal_store *take_store,
                            struct salvage *take_salvage,
                            struct ts_err *err) TS_MUST_USE;
/* Ends what is under way, then the thread, and closes the store. */
void writer_stop(struct journal_writer *writer);
/* `job` is the writer's until it is taken back. */
void writer_give(struct journal_writer *writer, struct writer_job *job);
/* True when the job has ended. `wait`: not before. */
bool writer_take(struct journal_writer *writer, bool wait);
/* Waits until nothing is under way, also not what follows a job or is done
 * between jobs; at most `max_ms`. */
void writer_rest(struct journal_writer *writer, int max_ms);

/* Gives back what the thread's connection keeps of the file in memory. */
void writer_trim(struct journal_writer *writer);

/* Between jobs, in pieces: what was carried over from a damaged file, the
 * caller's from now on, or NULL. */
struct salvage *writer_take_salvage(struct journal_writer *writer,
                                    struct journal_report *report);
bool writer_salvages(struct journal_writer *writer);
/* True once when what is done between jobs has found damage. */
bool writer_take_damage(struct journal_writer *writer, struct ts_err *damage);
/* Between jobs, in pieces: looks through what the file holds. One at a time; a
 * replacement of the file drops it. */
void writer_search(struct journal_writer *writer, struct search *take_search);
/* The caller's again when it has ended, else NULL. */
struct search *writer_take_search(struct journal_writer *writer,
                                  struct ts_err *err);
/* Until it works, after a job that asked for it: empties the log of the file
 * and deletes files that damage set aside. True once when it is done. */
bool writer_take_scrubbed(struct journal_writer *writer);

/* Readable when there is something to take. */
int writer_fd(const struct journal_writer *writer);

#endif
