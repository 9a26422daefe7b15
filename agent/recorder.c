#include "agent/recorder.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIDY_S = 10, REFUSALS_EVERY_MS = 60000 };

struct waiting {
    const char *type; /* NULL: an answer without an event */
    char journal[TS_JOURNAL_TEXT];
    char visit[TS_UUID_TEXT];
    uint64_t sequence;
    struct ts_wall time;
    json_t *data;
    enum ts_status status;
    recorder_done *done;
    void *arg;
};

struct waiting_list {
    struct waiting *items;
    size_t count, room;
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
    struct event *ended;
    struct event *tidy;
    struct waiting_list open;      /* for the next commit */
    struct waiting_list on_way;    /* for the one that is on its way */
    bool due;                      /* the next commit waits for that one */
    bool writes;                   /* ... which has something to write */
    char started[TS_JOURNAL_TEXT]; /* has its terminal.started, or will */
    struct journal_report damage;  /* for journal.damaged */
    struct telling telling[JOURNAL_CLASSES];
    struct ts_mono refusals_told;
    struct ts_err trouble;
    bool commit_fails; /* the trouble is the disk's */
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
    struct waiting_list *list = &recorder->open;

    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 16;
        list->items = ts_realloc(list->items, list->room * sizeof *list->items);
    }
    list->items[list->count++] = *waiting;
    if (!evtimer_pending(recorder->commit, NULL))
        (void)evtimer_add(recorder->commit, &delay);
}

static enum ts_status append(struct recorder *recorder,
                             const struct recorder_event *event,
                             struct recorder_place *place, struct ts_err *err) {
    struct event out = {
        .type = event->type, .visit = event->visit, .data = event->data};
    struct waiting waiting = {
        .type = event->type, .done = event->done, .arg = event->arg};
    enum ts_status status;

    timekeeper_stamp(recorder->options.keeper, &out);
    status = journal_append(recorder->options.journal, event->class, &out,
                            &waiting.sequence, err);
    if (status != TS_OK)
        return status;
    memcpy(place->journal, journal_id(recorder->options.journal),
           sizeof place->journal);
    place->sequence = waiting.sequence;
    place->time = waiting.time = out.time;
    memcpy(waiting.journal, place->journal, sizeof waiting.journal);
    if (event->visit)
        (void)snprintf(waiting.visit, sizeof waiting.visit, "%s", event->visit);
    waiting.data = json_incref(event->data);
    wait_for_commit(recorder, &waiting);
    return TS_OK;
}

static enum ts_status append_notice(struct recorder *recorder, const char *type,
                                    json_t *take_data, recorder_done *done,
                                    struct ts_err *err) {
    struct recorder_event event = {.class = JOURNAL_NOTICE,
                                   .type = type,
                                   .data = take_data,
                                   .done = done,
                                   .arg = recorder};
    struct recorder_place place;
    enum ts_status status = append(recorder, &event, &place, err);

    json_decref(take_data);
    return status;
}

static void on_started_told(void *arg, enum ts_status status) {
    if (status != TS_OK)
        ((struct recorder *)arg)->started[0] = 0;
}

static enum ts_status begin_journal(struct recorder *recorder,
                                    struct ts_err *err) {
    uint64_t number;
    const char *previous = journal_previous(recorder->options.journal, &number);
    json_t *data = json_pack("{s:s}", "version", recorder->options.version);
    char last[TS_COUNTER_TEXT];
    enum ts_status status;

    if (previous[0]) {
        ts_counter_text(last, number);
        (void)json_object_set_new(data, "previous", json_string(previous));
        (void)json_object_set_new(data, "previous_last", json_string(last));
    }
    status =
        append_notice(recorder, "terminal.started", data, on_started_told, err);
    if (status == TS_OK)
        memcpy(recorder->started, journal_id(recorder->options.journal),
               sizeof recorder->started);
    return status;
}

static bool is_started(const struct recorder *recorder) {
    return !strcmp(recorder->started, journal_id(recorder->options.journal));
}

static void on_damage_told(void *arg, enum ts_status status) {
    struct recorder *recorder = arg;

    recorder->damage.damaged = status != TS_OK;
}

static enum ts_status tell_damage(struct recorder *recorder,
                                  struct ts_err *err) {
    struct journal_report *damage = &recorder->damage;
    json_t *data;
    enum ts_status status;

    if (!damage->damaged)
        return TS_OK;
    data = json_pack("{s:I,s:I}", "salvaged", (json_int_t)damage->salvaged,
                     "lost", (json_int_t)damage->lost);
    status =
        append_notice(recorder, "journal.damaged", data, on_damage_told, err);
    damage->damaged = status != TS_OK; /* once, unless its commit fails */
    return status;
}

static enum ts_status begin_and_tell(struct recorder *recorder,
                                     struct ts_err *err) {
    enum ts_status status =
        is_started(recorder) ? TS_OK : begin_journal(recorder, err);

    return status == TS_OK ? tell_damage(recorder, err) : status;
}

static void look_for_damage(struct recorder *recorder) {
    if (!journal_take_damage(recorder->options.journal, &recorder->damage))
        return;
    ts_log(TS_LOG_ERROR, "journal",
           "%llu events of the journal were carried over, %llu are missing%s%s",
           (unsigned long long)recorder->damage.salvaged,
           (unsigned long long)recorder->damage.lost,
           recorder->damage.set_aside[0] ? "; the damaged file stands aside as "
                                         : "",
           recorder->damage.set_aside);
}

enum ts_status recorder_append(struct recorder *recorder,
                               const struct recorder_event *event,
                               struct recorder_place *place,
                               struct ts_err *err) {
    struct ts_err own;
    enum ts_status status;

    if (!err)
        err = &own;
    look_for_damage(recorder);
    status = begin_and_tell(recorder, err);
    if (status == TS_OK)
        status = append(recorder, event, place, err);
    json_decref(event->data);
    if (status != TS_OK)
        note_trouble(recorder, err);
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
    struct waiting waiting = {.status = status, .done = done, .arg = arg};

    wait_for_commit(recorder, &waiting);
}

static void answer(struct recorder *recorder, struct waiting *waiting,
                   enum ts_status status) {
    bool shares = waiting->type || waiting->status == TS_OK;
    enum ts_status mine = shares ? status : waiting->status;

    if (mine == TS_OK && waiting->type && recorder->events.on_recorded)
        recorder->events.on_recorded(
            recorder->events.ctx,
            &(struct recorder_recorded){waiting->journal, waiting->sequence,
                                        waiting->type, waiting->visit,
                                        waiting->time, waiting->data});
    if (waiting->done)
        waiting->done(waiting->arg, mine);
    json_decref(waiting->data);
}

static void answer_all(struct recorder *recorder, struct waiting_list *list,
                       enum ts_status status) {
    struct waiting_list mine = *list;

    *list = (struct waiting_list){0};
    for (size_t i = 0; i < mine.count; i++)
        answer(recorder, &mine.items[i], status);
    free(mine.items);
}

static void note_end(struct recorder *recorder, enum ts_status status,
                     const struct ts_err *err) {
    if (status != TS_OK) {
        note_trouble(recorder, err);
        recorder->commit_fails = true;
        recorder->lost += recorder->on_way.count + recorder->open.count;
    } else if (recorder->writes && recorder->trouble.text[0] &&
               (recorder->commit_fails ||
                recorder->trouble.status != TS_FULL)) {
        ts_log(TS_LOG_INFO, "recorder", "recording works again");
        recorder->commit_fails = false;
        recorder->trouble = (struct ts_err){0};
    }
    recorder->writes = false;
}

/* What waited for the commit is answered; behind one that failed nothing of
 * the next group is there either. */
static void finish(struct recorder *recorder, enum ts_status status,
                   const struct ts_err *err) {
    struct waiting_list behind = {0};
    bool any = recorder->on_way.count || status != TS_OK ||
               (recorder->writes && recorder->commit_fails);

    note_end(recorder, status, err);
    look_for_damage(recorder);
    if (status != TS_OK) {
        behind = recorder->open;
        recorder->open = (struct waiting_list){0};
    }
    answer_all(recorder, &recorder->on_way, status);
    answer_all(recorder, &behind, status);
    if (status == TS_OK && recorder->damage.damaged)
        (void)!begin_and_tell(recorder, NULL);
    if (any && recorder->events.on_commit)
        recorder->events.on_commit(recorder->events.ctx, status != TS_OK);
}

static void begin(struct recorder *recorder) {
    static const struct ts_err none = {0};

    recorder->due = !journal_commit_begin(recorder->options.journal);
    if (recorder->due)
        return;
    (void)evtimer_del(recorder->commit);
    recorder->on_way = recorder->open;
    recorder->open = (struct waiting_list){0};
    recorder->writes = journal_pending(recorder->options.journal);
    if (!recorder->writes)
        finish(recorder, TS_OK, &none);
}

/* True when a commit has ended. */
static bool end(struct recorder *recorder, bool wait) {
    struct journal *journal = recorder->options.journal;
    struct ts_err err = {0};
    enum ts_status status = wait ? journal_commit_wait(journal, &err)
                                 : journal_commit_end(journal, &err);

    if (status == TS_AGAIN)
        return false;
    finish(recorder, status, &err);
    if (recorder->due)
        begin(recorder);
    return true;
}

void recorder_flush(struct recorder *recorder) {
    enum { ROUNDS = 8 }; /* an answer may append */

    for (int i = 0; i < ROUNDS && (recorder->open.count ||
                                   journal_pending(recorder->options.journal));
         i++) {
        begin(recorder);
        if (journal_pending(recorder->options.journal))
            (void)end(recorder, true);
    }
}

static void on_commit_due(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    begin(arg);
}

static void on_ended(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    (void)end(arg, false);
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

/* A page that says that nothing is recorded keeps people from scanning: the
 * disk is asked without them. */
static void probe(struct recorder *recorder) {
    char text[TS_COUNTER_TEXT];

    ts_counter_text(
        text, (uint64_t)ts_clock_mono(recorder->options.keeper->clock).ms);
    (void)!recorder_put(recorder, "probe", text, NULL);
}

void recorder_tidy(struct recorder *recorder) {
    report_refusals(recorder);
    if (recorder->trouble.status == TS_FULL && !recorder->commit_fails &&
        journal_has_room(recorder->options.journal, JOURNAL_TELEMETRY))
        recorder->trouble = (struct ts_err){0};
    journal_tidy_begin(recorder->options.journal);
    if (recorder->commit_fails)
        probe(recorder);
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
    recorder->damage = *options->report;
    recorder->commit = evtimer_new(loop, on_commit_due, recorder);
    recorder->ended = event_new(loop, journal_commit_fd(options->journal),
                                EV_READ | EV_PERSIST, on_ended, recorder);
    (void)event_add(recorder->ended, NULL);
    recorder->tidy = event_new(loop, -1, EV_PERSIST, on_tidy, recorder);
    (void)event_add(recorder->tidy, &every);
    return recorder;
}

void recorder_set_events(struct recorder *recorder,
                         const struct recorder_events *events) {
    recorder->events = *events;
}

static void forget(struct waiting_list *list) {
    for (size_t i = 0; i < list->count; i++)
        json_decref(list->items[i].data);
    free(list->items);
}

void recorder_free(struct recorder *recorder) {
    if (!recorder)
        return;
    event_free(recorder->commit);
    event_free(recorder->ended);
    event_free(recorder->tidy);
    forget(&recorder->open);
    forget(&recorder->on_way);
    free(recorder);
}

const char *recorder_trouble(const struct recorder *recorder) {
    return recorder->trouble.text;
}

uint64_t recorder_lost(const struct recorder *recorder) {
    return recorder->lost;
}
