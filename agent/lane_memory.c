/* What each reader said last, so that a device that repeats itself after the
 * agent was killed is not counted twice. The journal is the memory. */
#include "agent/lane_private.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

static struct lane_memory *find(const struct lane *lane, const char *reader) {
    for (size_t i = 0; i < lane->memory_count; i++)
        if (!strcmp(lane->memories[i].reader, reader))
            return (struct lane_memory *)&lane->memories[i];
    return NULL;
}

static struct lane_memory *remember(struct lane *lane, const char *reader,
                                    const char *type, json_t *data) {
    struct lane_memory *memory = find(lane, reader);

    if (!memory && lane->memory_count == LANE_READERS_MAX)
        return NULL;
    if (!memory) {
        memory = &lane->memories[lane->memory_count++];
        (void)snprintf(memory->reader, sizeof memory->reader, "%s", reader);
    }
    json_decref(memory->data);
    memory->type = type;
    memory->data = json_incref(data);
    return memory;
}

static struct ts_mono now_of(const struct lane *lane) {
    return ts_clock_mono(lane->options.keeper->clock);
}

void lane_remember(struct lane *lane, const char *reader, const char *type,
                   json_t *data) {
    struct lane_memory *memory = remember(lane, reader, type, data);

    if (!memory)
        return;
    memory->in_this_boot = true;
    memory->at = now_of(lane);
}

/* What an earlier run recorded. */
static void recall(struct lane *lane, const char *reader, const char *type,
                   const struct event_view *event) {
    struct lane_memory *memory =
        remember(lane, reader, type, (json_t *)event->data);

    if (!memory)
        return;
    memory->in_this_boot = !strcmp(event->boot, lane->options.keeper->boot);
    memory->at = event->uptime;
}

/* A key that is being changed adds a second token to the same card. */
static bool same_data(const json_t *a, const json_t *b) {
    json_t *left = json_copy((json_t *)a);
    json_t *right = json_copy((json_t *)b);
    bool same;

    (void)json_object_del(left, "card_was");
    (void)json_object_del(right, "card_was");
    same = json_equal(left, right);
    json_decref(left);
    json_decref(right);
    return same;
}

static bool is_recent(const struct lane *lane, const struct lane_memory *memory,
                      unsigned within_ms) {
    return within_ms == 0 ||
           (memory->in_this_boot &&
            now_of(lane).ms - memory->at.ms <= (int64_t)within_ms);
}

bool lane_remembers(const struct lane *lane, const char *reader,
                    const char *type, const json_t *data, unsigned within_ms) {
    const struct lane_memory *memory = find(lane, reader);

    return memory && is_recent(lane, memory, within_ms) &&
           !strcmp(memory->type, type) && same_data(memory->data, data);
}

void lane_forget(struct lane *lane) {
    for (size_t i = 0; i < lane->memory_count; i++)
        json_decref(lane->memories[i].data);
    memset(lane->memories, 0, sizeof lane->memories);
    lane->memory_count = 0;
}

static const char *scan_type(struct ts_slice type) {
    static const char *const types[] = {"item.scanned", "card.presented",
                                        "coupon.presented", "code.unknown",
                                        "payment_card.refused"};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (ts_slice_equal(type, ts_slice_text(types[i])))
            return types[i];
    return NULL;
}

/* Newest first: the first scan of a reader is its last. */
static bool recall_row(void *arg, const char *journal, uint64_t sequence,
                       struct ts_slice payload) {
    struct lane *lane = arg;
    struct event_view event;
    const char *type;
    const char *reader;
    json_t *json;

    (void)journal;
    (void)sequence;
    if (ts_json_parse(&json, payload, NULL) != TS_OK)
        return true;
    if (event_parse(&event, json, NULL) == TS_OK &&
        (type = scan_type(event.type))) {
        reader = json_string_value(json_object_get(event.data, "reader"));
        if (reader && !find(lane, reader))
            recall(lane, reader, type, &event);
    }
    json_decref(json);
    return lane->memory_count < LANE_READERS_MAX;
}

void lane_recall(struct lane *lane) {
    struct ts_err err;
    bool failed;

    lane_forget(lane);
    failed = journal_walk_back(lane->options.journal, LANE_LOOK_BACK_ROWS,
                               recall_row, lane, &err) != TS_OK;
    if (failed && !lane->recall_failed)
        ts_log(TS_LOG_WARN, "lane", "the readers' last scans are unknown: %s",
               err.text);
    lane->recall_failed = failed;
}
