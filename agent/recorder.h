/* The recorder: group commit. Append now, one sync for all of a pass, then the
 * answers in order: what staff see and hear is durable. The sync does not hold
 * the loop up; what comes while it lasts shares the next one. */
#ifndef TS_AGENT_RECORDER_H
#define TS_AGENT_RECORDER_H

#include "agent/journal.h"
#include "agent/timekeeper.h"

#include <event2/event.h>

struct recorder;

/* The answer to one append: TS_OK when durable, else nothing of it is. */
typedef void recorder_done(void *arg, enum ts_status status);

/* An event that is durable. */
struct recorder_recorded {
    const char *journal;
    uint64_t sequence;
    const char *type;
    const char *visit; /* or "" */
    struct ts_wall time;
    json_t *data;
};

struct recorder_events {
    void *ctx;
    /* Each durable event, in order, before its answer. */
    void (*on_recorded)(void *ctx, const struct recorder_recorded *event);
    /* After a commit and all its answers; `lost`: what was appended since the
     * last one was not written, but what on_recorded told is there. */
    void (*on_commit)(void *ctx, bool lost);
};

struct recorder_options {
    struct journal *journal;
    const struct journal_report *report; /* of journal_open */
    struct timekeeper *keeper;
    const char *version;
    unsigned group_ms; /* wait for company before a sync; 0: the loop's pass */
};

struct recorder *recorder_new(struct event_base *loop,
                              const struct recorder_options *options);
void recorder_free(struct recorder *recorder);
/* The owner of the answers; may be set once, before the first append. */
void recorder_set_events(struct recorder *recorder,
                         const struct recorder_events *events);

/* Where an event stands once its group is durable. */
struct recorder_place {
    char journal[TS_JOURNAL_TEXT];
    uint64_t sequence;
    struct ts_wall time;
};

/* One thing that happened. `type` is static text, `data` is taken. */
struct recorder_event {
    enum journal_class class;
    const char *type;
    const char *visit; /* or NULL */
    json_t *data;
    recorder_done *done; /* or NULL */
    void *arg;
};
/* The first event of each journal is terminal.started, put in front. On
 * failure `done` is not called. */
enum ts_status recorder_append(struct recorder *recorder,
                               const struct recorder_event *event,
                               struct recorder_place *place,
                               struct ts_err *err) TS_MUST_USE;
/* A value in the same group, see journal_put. */
enum ts_status recorder_put(struct recorder *recorder, const char *key,
                            const char *value, struct ts_err *err) TS_MUST_USE;
/* An answer without an event, in its turn behind the open group. TS_OK may
 * speak of an event in that group: it becomes the group's failure. */
void recorder_answer(struct recorder *recorder, enum ts_status status,
                     recorder_done *done, void *arg);
/* Commits now and waits until all is answered. */
void recorder_flush(struct recorder *recorder);

/* What the loop does every ten seconds: reports what was refused, ages copies,
 * tries a broken file again. */
void recorder_tidy(struct recorder *recorder);

/* "" while recording works, else what is wrong and what to do. */
const char *recorder_trouble(const struct recorder *recorder);
uint64_t recorder_lost(const struct recorder *recorder);

#endif
