/* The journal: what happened at this terminal, durable before anybody is told.
 * SQLite, WAL, synchronous FULL, group commit by a thread of its own. A row is
 * (journal, sequence, class, codec, payload); its bytes never change and no SQL
 * looks into them. All functions belong to one thread, the loop's; what they
 * read is durable. */
#ifndef TS_AGENT_JOURNAL_H
#define TS_AGENT_JOURNAL_H

#include "sync/event.h"
#include "sync/uplink.h"

/* Refused in this order when the journal is full; cards last. */
enum journal_class {
    JOURNAL_TELEMETRY, /* readers, clock, rejects */
    JOURNAL_ITEM,
    JOURNAL_VISIT, /* visits, consent, offers, feedback */
    JOURNAL_CARD,
    JOURNAL_CLASSES,
    JOURNAL_NOTICE = JOURNAL_CLASSES /* journal.refused and journal.damaged:
                                        from the reserve */
};
/* "telemetry", "item", "visit", "card". */
const char *journal_class_name(enum journal_class class);

/* What the system was asked of the journal's files when it refused. */
enum journal_disk_call {
    JOURNAL_DISK_OPEN, /* or its rights were looked at */
    JOURNAL_DISK_READ,
    JOURNAL_DISK_WRITE,
    JOURNAL_DISK_SYNC,
    JOURNAL_DISK_CALLS
};
/* "open", "read", "write", "sync". */
const char *journal_disk_call_name(enum journal_disk_call call);

struct journal;

struct journal_options {
    const char *path;   /* the SQLite file; its folder exists */
    int64_t max_bytes;  /* of rows not yet acked; default 512 MB */
    int64_t keep_bytes; /* of acked copies; default 64 MB */
    int64_t keep_ms;    /* of acked copies; default 7 days */
    struct event_origin origin;
    const struct ts_clock *clock;
};

/* What journal_open found, or what became of a file that broke under us. */
struct journal_report {
    bool damaged; /* set aside under `set_aside`, a new one began */
    char set_aside[256];
    uint64_t salvaged, lost;        /* rows carried over, gaps seen */
    char previous[TS_JOURNAL_TEXT]; /* the run before, or "" */
    uint64_t previous_last;
};

/* Opens or creates, checks (PRAGMA quick_check), draws the journal id of this
 * run. TS_DENIED: another agent holds it; TS_IO: folder missing or read-only;
 * the text says what to do. */
enum ts_status journal_open(struct journal **out,
                            const struct journal_options *options,
                            struct journal_report *report,
                            struct ts_err *err) TS_MUST_USE;
void journal_close(struct journal *journal);
/* Changes when a damaged file is replaced, see journal_take_damage. */
const char *journal_id(const struct journal *journal);
/* The run before this one, or its part before the file broke, and the number
 * of its last row; "" when nothing is known. */
const char *journal_previous(const struct journal *journal, uint64_t *last);

/* Adds to the open group, in memory: numbered, not yet durable. TS_FULL:
 * refused by class, counted; the lane goes on. */
enum ts_status journal_append(struct journal *journal, enum journal_class class,
                              const struct event *event, uint64_t *sequence,
                              struct ts_err *err) TS_MUST_USE;
/* True when an event of this class would be taken now. */
bool journal_has_room(const struct journal *journal, enum journal_class class);
/* A small value kept in the same group (open visit, session counter). An empty
 * value removes it. TS_FULL: too much waits for the disk. */
enum ts_status journal_put(struct journal *journal, const char *key,
                           struct ts_slice value,
                           struct ts_err *err) TS_MUST_USE;
/* TS_INVALID when there is none. */
enum ts_status journal_get(struct journal *journal, const char *key,
                           struct ts_buf *value) TS_MUST_USE;
/* Hands what was appended and put since the last commit to the writer, which
 * syncs once for all of it; the loop goes on, and what it appends meanwhile
 * waits for the next commit. False: one is on its way, ask again when it has
 * ended. */
bool journal_commit_begin(struct journal *journal) TS_MUST_USE;
/* Readable when a commit has ended. */
int journal_commit_fd(const struct journal *journal);
/* How it ended; TS_AGAIN: not yet. On failure nothing of the group is there,
 * nor of what was appended behind it, and their numbers are free again;
 * TS_CORRUPT: the file is being replaced, see journal_take_damage. */
enum ts_status journal_commit_end(struct journal *journal,
                                  struct ts_err *err) TS_MUST_USE;
/* ... when it has ended; TS_OK also when none is on its way. */
enum ts_status journal_commit_wait(struct journal *journal,
                                   struct ts_err *err) TS_MUST_USE;
/* Begins and waits: for who has no loop. */
enum ts_status journal_commit(struct journal *journal,
                              struct ts_err *err) TS_MUST_USE;
/* Something is not durable yet, or the file is being replaced. */
bool journal_pending(const struct journal *journal);
/* For an idle moment: writes what acks have moved, ages copies, gives room
 * back to the disk, replaces a damaged file, looks whether the agent may still
 * open its files. Does nothing while something is pending; ends as a commit
 * does. */
void journal_tidy_begin(struct journal *journal);
/* ... and waits. */
enum ts_status journal_tidy(struct journal *journal,
                            struct ts_err *err) TS_MUST_USE;

/* Gives back what both connections keep of the file in memory. */
void journal_rest(struct journal *journal);

/* Removes what is left of a person behind the hub's ack: copies that name one
 * of `cards` (texts), those of the same visits, and files that damage set
 * aside. Unsent rows stay. In pieces beside the lane's work; what the disk, or
 * who reads the file, does not allow is tried again until it is done, and then
 * `done` (or NULL) is called, never before this returns. False: one is under
 * way. */
bool journal_erase_begin(struct journal *journal, const json_t *cards,
                         void (*done)(void *arg), void *arg) TS_MUST_USE;
/* `done` is not called any more; what has begun may end. */
void journal_erase_stop(struct journal *journal);
/* ... and waits: for who has no loop. Not while a group is open. On failure it
 * goes on by itself. */
enum ts_status journal_erase(struct journal *journal, const json_t *cards,
                             struct ts_err *err) TS_MUST_USE;

/* True once after the file broke while running and was replaced: the run goes
 * on under a new journal id. */
bool journal_take_damage(struct journal *journal,
                         struct journal_report *report);

/* What was refused for want of room and not yet reported. */
struct journal_refusal {
    uint64_t count;
    struct ts_wall since;
};
struct journal_refusal journal_refusals(const struct journal *journal,
                                        enum journal_class class);
/* `count` of them are reported; what came since remains. */
void journal_clear_refusals(struct journal *journal, enum journal_class class,
                            uint64_t count);

/* Rows in order over all journals from (journal, sequence) on; for the fold
 * of an open visit and `tessera journal`. */
enum ts_status journal_walk(struct journal *journal, const char *from_journal,
                            uint64_t from_sequence,
                            bool (*row)(void *arg, const char *journal,
                                        uint64_t sequence,
                                        struct ts_slice payload),
                            void *arg, struct ts_err *err) TS_MUST_USE;
/* The newest `max_rows` rows, newest first; `row` answers false when it has
 * seen enough. */
enum ts_status journal_walk_back(struct journal *journal, size_t max_rows,
                                 bool (*row)(void *arg, const char *journal,
                                             uint64_t sequence,
                                             struct ts_slice payload),
                                 void *arg, struct ts_err *err) TS_MUST_USE;
/* journal_walk over a file that an agent may be writing to; nothing is changed.
 * `from_journal` empty: from the oldest row. */
enum ts_status journal_read_file(const char *path, const char *from_journal,
                                 uint64_t from_sequence,
                                 bool (*row)(void *arg, const char *journal,
                                             uint64_t sequence,
                                             struct ts_slice payload),
                                 void *arg, struct ts_err *err) TS_MUST_USE;

/* The uplink's view. */
struct uplink_source journal_source(struct journal *journal);
/* Called when the hub's word moved `through`; NULL: nobody. */
void journal_on_release(struct journal *journal, void (*call)(void *arg),
                        void *arg);

/* Calls that the system refused since the start, also while the file is out of
 * order. */
uint64_t journal_disk_errors(const struct journal *journal,
                             enum journal_disk_call call);
/* "" or what is wrong with the journal although it records, and what to do. */
const char *journal_warning(const struct journal *journal);

struct journal_stats {
    uint64_t unsent; /* those that wait for the disk as well */
    bool has_oldest;
    struct ts_wall oldest_unsent;
    uint64_t copies;
    int64_t bytes;
    uint64_t refused[JOURNAL_CLASSES];
    uint64_t commits, appended;
    /* Handed to the disk since the start, with the log, checkpoints and what
     * was carried over. */
    uint64_t disk_bytes, disk_syncs;
};
enum ts_status journal_get_stats(struct journal *journal,
                                 struct journal_stats *out,
                                 struct ts_err *err) TS_MUST_USE;

#endif
