#include "agent/lane_private.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char visit_key[] = "visit";

void lane_on_change(struct lane *lane, lane_change *call, void *arg) {
    if (lane->change_count == LANE_LISTENERS_MAX)
        return;
    lane->changes[lane->change_count].call = call;
    lane->changes[lane->change_count++].arg = arg;
}

void lane_on_recorded(struct lane *lane, lane_recorded *call, void *arg) {
    if (lane->recorded_count == LANE_LISTENERS_MAX)
        return;
    lane->recorded[lane->recorded_count].call = call;
    lane->recorded[lane->recorded_count++].arg = arg;
}

static void tell_change(struct lane *lane) {
    for (size_t i = 0; i < lane->change_count; i++)
        lane->changes[i].call(lane->changes[i].arg);
}

void lane_notify(struct lane *lane) {
    /* With a group open the commit will tell. */
    if (!journal_pending(lane->options.journal))
        tell_change(lane);
}

void lane_set_notice(struct lane *lane, enum lane_notice notice,
                     const char *text) {
    struct event now;

    timekeeper_stamp(lane->options.keeper, &now);
    lane->notice = notice;
    lane->notice_serial++;
    lane->notice_at = now.time;
    (void)snprintf(lane->notice_text, sizeof lane->notice_text, "%s", text);
}

json_t *lane_member(const struct lane *lane, const char *card) {
    if (!card[0] || !lane->options.find_member)
        return NULL;
    return lane->options.find_member(lane->options.desk_ctx, card);
}

json_t *lane_offers(const struct lane *lane, const char *card) {
    json_t *offers =
        card[0] && lane->options.find_offers
            ? lane->options.find_offers(lane->options.desk_ctx, card)
            : NULL;

    return offers ? offers : json_array();
}

void lane_arm_timeout(struct lane *lane) {
    unsigned wait_s = lane->visit.kind == VISIT_KIOSK ? lane->options.kiosk_s
                                                      : lane->options.timeout_s;
    struct timeval wait = {(time_t)wait_s, 0};

    (void)evtimer_del(lane->timeout);
    if (lane->visit.open && wait_s)
        (void)evtimer_add(lane->timeout, &wait);
}

enum ts_status lane_record(struct lane *lane, const struct lane_record *record,
                           struct ts_err *err) {
    char visit[TS_UUID_TEXT];
    struct recorder_place place;
    enum ts_status status;

    memcpy(visit, lane->visit.id, sizeof visit);
    json_incref(record->data);
    status = recorder_append(
        lane->options.recorder,
        &(struct recorder_event){record->class, record->type,
                                 visit[0] ? visit : NULL, record->data,
                                 record->done, record->arg},
        &place, err);
    if (status == TS_OK)
        visit_apply(&lane->visit,
                    &(struct visit_event){place.journal, place.sequence,
                                          ts_slice_text(record->type),
                                          ts_slice_text(visit), place.time,
                                          record->data});
    json_decref(record->data);
    return status;
}

/* Where the fold of this visit begins, kept in the group that opens it. */
static enum ts_status keep_beginning(struct lane *lane,
                                     const struct recorder_place *place,
                                     struct ts_err *err) {
    char value[TS_JOURNAL_TEXT + TS_COUNTER_TEXT + 1];
    char sequence[TS_COUNTER_TEXT];

    ts_counter_text(sequence, place->sequence);
    (void)snprintf(value, sizeof value, "%s/%s", place->journal, sequence);
    return recorder_put(lane->options.recorder, visit_key, value, err);
}

/* The event that opens a visit has the class of what it is opened for. */
static enum ts_status open_visit(struct lane *lane, enum journal_class class,
                                 struct ts_err *err) {
    json_t *data =
        json_pack("{s:s}", "kind", visit_kind_name(lane->options.kind));
    struct recorder_place place;
    struct event now;
    char id[TS_UUID_TEXT];
    enum ts_status status;

    timekeeper_stamp(lane->options.keeper, &now);
    ts_uuid7(id, now.time);
    json_incref(data);
    status = recorder_append(
        lane->options.recorder,
        &(struct recorder_event){class, "visit.opened", id, data, NULL, NULL},
        &place, err);
    if (status == TS_OK)
        status = keep_beginning(lane, &place, err);
    if (status == TS_OK)
        visit_apply(&lane->visit,
                    &(struct visit_event){place.journal, place.sequence,
                                          ts_slice_text("visit.opened"),
                                          ts_slice_text(id), place.time, data});
    json_decref(data);
    return status;
}

enum ts_status lane_need_visit(struct lane *lane, enum journal_class class,
                               struct ts_err *err) {
    return lane->visit.open ? TS_OK : open_visit(lane, class, err);
}

enum ts_status lane_end_visit(struct lane *lane, enum journal_class class,
                              json_t *take_data, recorder_done *done,
                              struct ts_err *err) {
    struct lane_record record = {class, "visit.closed", take_data, done,
                                 done ? lane : NULL};
    enum ts_status status;

    (void)json_object_set_new(take_data, "kind",
                              json_string(visit_kind_name(lane->visit.kind)));
    status = lane_record(lane, &record, err);
    if (status == TS_OK)
        status = recorder_put(lane->options.recorder, visit_key, "", err);
    lane_arm_timeout(lane);
    return status;
}

static void on_timeout(evutil_socket_t fd, short what, void *arg) {
    struct lane *lane = arg;
    bool kiosk = lane->visit.kind == VISIT_KIOSK;

    (void)fd;
    (void)what;
    if (lane->visit.open &&
        lane_end_visit(
            lane, JOURNAL_VISIT,
            json_pack("{s:s}", "outcome", kiosk ? "done" : "abandoned"), NULL,
            NULL) != TS_OK)
        lane_arm_timeout(lane);
}

static bool fold_row(void *arg, const char *journal, uint64_t sequence,
                     struct ts_slice payload) {
    struct lane *lane = arg;
    struct event_view event;
    json_t *json;

    if (ts_json_parse(&json, payload, NULL) != TS_OK)
        return true;
    if (event_parse(&event, json, NULL) == TS_OK)
        visit_apply(&lane->visit,
                    &(struct visit_event){journal, sequence, event.type,
                                          event.visit, event.time, event.data});
    json_decref(json);
    return true;
}

/* The visit as the journal has it. */
static enum ts_status fold_again(struct lane *lane, struct ts_err *err) {
    struct ts_buf at = {0};
    enum ts_status status = TS_OK;

    if (journal_get(lane->options.journal, visit_key, &at) == TS_OK) {
        const char *text = ts_buf_text(&at);
        char journal[TS_JOURNAL_TEXT] = "";
        uint64_t sequence = 0;

        if (at.len == TS_JOURNAL_TEXT + TS_COUNTER_TEXT - 1 &&
            ts_counter_parse(&sequence,
                             ts_slice_text(text + TS_JOURNAL_TEXT)) == TS_OK)
            (void)snprintf(journal, sizeof journal, "%.16s", text);
        if (journal[0])
            status = journal_walk(lane->options.journal, journal, sequence,
                                  fold_row, lane, err);
    }
    ts_buf_fini(&at);
    return status;
}

static void on_recorded(void *ctx, const struct recorder_recorded *event) {
    struct lane *lane = ctx;

    visit_apply(&lane->shown,
                &(struct visit_event){
                    event->journal, event->sequence, ts_slice_text(event->type),
                    ts_slice_text(event->visit), event->time, event->data});
    for (size_t i = 0; i < lane->recorded_count; i++)
        lane->recorded[i].call(lane->recorded[i].arg, event->journal,
                               event->sequence, event->type);
}

static void on_commit(void *ctx, bool lost) {
    struct lane *lane = ctx;

    if (lost) {
        visit_copy(&lane->visit, &lane->shown);
        lane_arm_timeout(lane);
    }
    if (lost || lane->recall_failed)
        lane_recall(lane);
    tell_change(lane);
}

/* What an earlier run left. */
static void take_up(struct lane *lane) {
    struct ts_err err;

    if (fold_again(lane, &err) != TS_OK)
        ts_log(TS_LOG_ERROR, "lane", "the open visit is lost: %s", err.text);
    visit_copy(&lane->shown, &lane->visit);
    lane_recall(lane);
    lane_arm_timeout(lane);
}

enum ts_status lane_new(struct lane **out, struct event_base *loop,
                        const struct lane_options *options,
                        struct ts_err *err) {
    struct lane *lane = ts_alloc(sizeof *lane);

    (void)err;
    *lane = (struct lane){.options = *options};
    lane->timeout = evtimer_new(loop, on_timeout, lane);
    recorder_set_events(options->recorder, &(struct recorder_events){
                                               lane, on_recorded, on_commit});
    take_up(lane);
    *out = lane;
    return TS_OK;
}

void lane_free(struct lane *lane) {
    if (!lane)
        return;
    event_free(lane->timeout);
    visit_fini(&lane->visit);
    visit_fini(&lane->shown);
    lane_forget(lane);
    free(lane);
}
