#include "agent/recorder.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIDY_S = 10, REFUSALS_EVERY_MS = 60000 };

struct waiting {
    const char *type; /* NULL: an answer without an event */
    uint64_t sequence;
    enum ts_status status;
    recorder_done *done;
    void *arg;
};

/* A journal.refused on its way to the disk. */
struct telling {
    struct recorder *recorder;
    enum journal_class class;
    uint64_t count; /* 0: none */
};

struct recorder {
    struct recorder_options options;
    struct recorder_events events;
    struct event *commit;
    struct event *tidy;
    struct waiting *waiting;
    size_t count, room;
    struct journal_report report;
    bool started;     /* terminal.started is appended or older */
    bool started_now; /* ... in the open group */
    struct telling telling[JOURNAL_CLASSES];
    struct ts_mono refusals_told;
    struct ts_err trouble;
    uint64_t lost;
};

static void note_trouble(struct recorder *recorder, const struct ts_err *err) {
    if (strcmp(recorder->trouble.text, err->text) != 0)
        ts_log(TS_LOG_ERROR, "recorder", "%s", err->text);
    recorder->trouble = *err;
}

static void wait_for_commit(struct recorder *recorder,
                            const struct waiting *waiting) {
    struct timeval delay = {recorder->options.group_ms / 1000,
                            (suseconds_t)(recorder->options.group_ms % 1000) *
                                1000};

    if (recorder->count == recorder->room) {
        recorder->room = recorder->room ? recorder->room * 2 : 16;
        recorder->waiting = ts_realloc(
            recorder->waiting, recorder->room * sizeof *recorder->waiting);
    }
    recorder->waiting[recorder->count++] = *waiting;
    if (!evtimer_pending(recorder->commit, NULL))
        (void)evtimer_add(recorder->commit, &delay);
}

static enum ts_status append(struct recorder *recorder,
                             const struct recorder_event *event,
                             struct recorder_place *place, struct ts_err *err) {
    struct event out = {
        .type = event->type, .visit = event->visit, .data = event->data};
    struct waiting waiting = {event->type, 0, TS_OK, event->done, event->arg};
    enum ts_status status;

    timekeeper_stamp(recorder->options.keeper, &out);
    status = journal_append(recorder->options.journal, event->class, &out,
                            &waiting.sequence, err);
    if (status != TS_OK)
        return status;
    memcpy(place->journal, journal_id(recorder->options.journal),
           sizeof place->journal);
    place->sequence = waiting.sequence;
    place->time = out.time;
    wait_for_commit(recorder, &waiting);
    return TS_OK;
}

static enum ts_status append_notice(struct recorder *recorder, const char *type,
                                    json_t *data, struct ts_err *err) {
    struct recorder_event event = {
        .class = JOURNAL_NOTICE, .type = type, .data = data};
    struct recorder_place place;
    enum ts_status status = append(recorder, &event, &place, err);

    json_decref(data);
    return status;
}

static enum ts_status begin_journal(struct recorder *recorder,
                                    struct ts_err *err) {
    const struct journal_report *report = &recorder->report;
    json_t *data = json_pack("{s:s}", "version", recorder->options.version);
    char last[TS_COUNTER_TEXT];
    enum ts_status status;

    if (report->previous[0]) {
        ts_counter_text(last, report->previous_last);
        (void)json_object_set_new(data, "previous",
                                  json_string(report->previous));
        (void)json_object_set_new(data, "previous_last", json_string(last));
    }
    status = append_notice(recorder, "terminal.started", data, err);
    if (status == TS_OK && report->damaged)
        status = append_notice(recorder, "journal.damaged",
                               json_pack("{s:I,s:I}", "salvaged",
                                         (json_int_t)report->salvaged, "lost",
                                         (json_int_t)report->lost),
                               err);
    recorder->started = recorder->started_now = status == TS_OK;
    return status;
}

static void tell_damage(struct recorder *recorder) {
    if (!journal_take_damage(recorder->options.journal, &recorder->report))
        return;
    ts_log(TS_LOG_ERROR, "journal",
           "the damaged file stands aside as %s; %llu events were carried "
           "over, %llu are missing",
           recorder->report.set_aside,
           (unsigned long long)recorder->report.salvaged,
           (unsigned long long)recorder->report.lost);
    recorder->started = false;
}

enum ts_status recorder_append(struct recorder *recorder,
                               const struct recorder_event *event,
                               struct recorder_place *place,
                               struct ts_err *err) {
    struct ts_err own;
    enum ts_status status = TS_OK;

    if (!err)
        err = &own;
    tell_damage(recorder);
    if (!recorder->started)
        status = begin_journal(recorder, err);
    if (status == TS_OK)
        status = append(recorder, event, place, err);
    json_decref(event->data);
    if (status != TS_OK)
        note_trouble(recorder, err);
    /* The group may be broken: its commit tells the others. */
    if (status != TS_OK && !evtimer_pending(recorder->commit, NULL))
        event_active(recorder->commit, EV_TIMEOUT, 1);
    return status;
}

enum ts_status recorder_put(struct recorder *recorder, const char *key,
                            const char *value, struct ts_err *err) {
    enum ts_status status =
        journal_put(recorder->options.journal, key, ts_slice_text(value), err);
    struct timeval now = {0, 0};

    if (!evtimer_pending(recorder->commit, NULL))
        (void)evtimer_add(recorder->commit, &now);
    return status;
}

void recorder_answer(struct recorder *recorder, enum ts_status status,
                     recorder_done *done, void *arg) {
    struct waiting waiting = {NULL, 0, status, done, arg};

    wait_for_commit(recorder, &waiting);
}

static void answer_all(struct recorder *recorder, struct waiting *waiting,
                       size_t count, enum ts_status status) {
    char journal[TS_JOURNAL_TEXT];

    memcpy(journal, journal_id(recorder->options.journal), sizeof journal);
    for (size_t i = 0; i < count; i++) {
        bool shares = waiting[i].type || waiting[i].status == TS_OK;
        enum ts_status mine = shares ? status : waiting[i].status;

        if (mine == TS_OK && waiting[i].type && recorder->events.on_recorded)
            recorder->events.on_recorded(recorder->events.ctx, journal,
                                         waiting[i].sequence, waiting[i].type);
        if (waiting[i].done)
            waiting[i].done(waiting[i].arg, mine);
    }
}

void recorder_flush(struct recorder *recorder) {
    struct waiting *waiting = recorder->waiting;
    size_t count = recorder->count;
    bool pending = journal_pending(recorder->options.journal);
    struct ts_err err = {0};
    enum ts_status status;

    (void)evtimer_del(recorder->commit);
    recorder->waiting = NULL;
    recorder->count = recorder->room = 0;
    status = journal_commit(recorder->options.journal, &err);
    if (status != TS_OK) {
        note_trouble(recorder, &err);
        recorder->lost += count;
        if (recorder->started_now)
            recorder->started = false;
    } else if (pending && recorder->trouble.text[0] &&
               recorder->trouble.status != TS_FULL) {
        ts_log(TS_LOG_INFO, "recorder", "recording works again");
        recorder->trouble = (struct ts_err){0};
    }
    recorder->started_now = false;
    tell_damage(recorder);
    answer_all(recorder, waiting, count, status);
    free(waiting);
    if ((pending || count) && recorder->events.on_commit)
        recorder->events.on_commit(recorder->events.ctx, status != TS_OK);
}

static void on_commit_due(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    recorder_flush(arg);
}

static void on_refusal_told(void *arg, enum ts_status status) {
    struct telling *telling = arg;
    struct recorder *recorder = telling->recorder;

    if (status == TS_OK)
        journal_clear_refusals(recorder->options.journal, telling->class,
                               telling->count);
    else
        recorder->refusals_told = (struct ts_mono){0};
    telling->count = 0;
}

static bool report_refusal(struct recorder *recorder,
                           enum journal_class class) {
    struct journal_refusal refusal =
        journal_refusals(recorder->options.journal, class);
    struct telling *telling = &recorder->telling[class];
    struct recorder_event event = {.class = JOURNAL_NOTICE,
                                   .type = "journal.refused",
                                   .done = on_refusal_told,
                                   .arg = telling};
    struct recorder_place place;
    char since[TS_TIME_TEXT];

    if (!refusal.count || telling->count)
        return false;
    *telling = (struct telling){recorder, class, refusal.count};
    ts_wall_text(since, refusal.since);
    event.data = json_pack(
        "{s:s,s:I,s:s,s:s}", "class", journal_class_name(class), "count",
        (json_int_t)refusal.count, "since", since, "reason", "full");
    if (recorder_append(recorder, &event, &place, NULL) == TS_OK)
        return true;
    telling->count = 0;
    return false;
}

/* From the reserve once a minute, so that a long outage cannot eat it. */
static void report_refusals(struct recorder *recorder) {
    struct ts_mono now = ts_clock_mono(recorder->options.keeper->clock);
    bool any = false;

    if (recorder->refusals_told.ms &&
        now.ms - recorder->refusals_told.ms < REFUSALS_EVERY_MS)
        return;
    for (int class = 0; class < JOURNAL_CLASSES; class ++)
        any |= report_refusal(recorder, (enum journal_class) class);
    if (any)
        recorder->refusals_told = now;
}

void recorder_tidy(struct recorder *recorder) {
    struct ts_err err;

    report_refusals(recorder);
    if (recorder->trouble.status == TS_FULL &&
        journal_has_room(recorder->options.journal, JOURNAL_TELEMETRY))
        recorder->trouble = (struct ts_err){0};
    if (journal_pending(recorder->options.journal))
        return;
    if (journal_tidy(recorder->options.journal, &err) != TS_OK)
        note_trouble(recorder, &err);
    tell_damage(recorder);
}

static void on_tidy(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    recorder_tidy(arg);
}

struct recorder *recorder_new(struct event_base *loop,
                              const struct recorder_options *options) {
    struct recorder *recorder = ts_alloc(sizeof *recorder);
    struct timeval every = {TIDY_S, 0};

    *recorder = (struct recorder){.options = *options};
    recorder->report = *options->report;
    recorder->commit = evtimer_new(loop, on_commit_due, recorder);
    recorder->tidy = event_new(loop, -1, EV_PERSIST, on_tidy, recorder);
    (void)event_add(recorder->tidy, &every);
    return recorder;
}

void recorder_set_events(struct recorder *recorder,
                         const struct recorder_events *events) {
    recorder->events = *events;
}

void recorder_free(struct recorder *recorder) {
    if (!recorder)
        return;
    recorder->events = (struct recorder_events){0};
    event_free(recorder->commit);
    event_free(recorder->tidy);
    free(recorder->waiting);
    free(recorder);
}

const char *recorder_trouble(const struct recorder *recorder) {
    return recorder->trouble.text;
}

uint64_t recorder_lost(const struct recorder *recorder) {
    return recorder->lost;
}
