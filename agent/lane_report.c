/* What readers, line, desk and clock tell the lane. */
#include "agent/lane_private.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

static void report(struct lane *lane, const char *type, json_t *take_data) {
    struct lane_record record = {JOURNAL_TELEMETRY, type, take_data, NULL,
                                 NULL};
    struct recorder_place place;

    /* Of the terminal, not of the visit. A refusal is counted and reported by
     * the recorder. */
    if (recorder_append(lane->options.recorder,
                        &(struct recorder_event){record.class, type, NULL,
                                                 take_data, NULL, NULL},
                        &place, NULL) != TS_OK)
        lane_notify(lane);
}

void lane_report_rejects(struct lane *lane, const char *reader,
                         const char *error, uint64_t count) {
    report(lane, "scan.rejected",
           json_pack("{s:s,s:s,s:I}", "reader", reader, "error", error, "count",
                     (json_int_t)count));
}

void lane_show_reject(struct lane *lane, enum scan_error error,
                      const char *hint) {
    char text[LANE_NOTICE_TEXT];

    (void)snprintf(text, sizeof text, "%s%s%s", scan_error_name(error),
                   hint[0] ? ": " : "", hint);
    lane_set_notice(lane, TOLD_REJECTED, text);
    lane_notify(lane);
}

void lane_show_withheld(struct lane *lane) {
    lane_set_notice(lane, TOLD_WITHHELD, "");
    lane_notify(lane);
}

static struct lane_reader *find_reader(struct lane *lane, const char *name) {
    struct lane_reader *reader;

    for (size_t i = 0; i < lane->reader_count; i++)
        if (!strcmp(lane->readers[i].name, name))
            return &lane->readers[i];
    if (lane->reader_count == LANE_READERS_MAX)
        return NULL;
    reader = &lane->readers[lane->reader_count++];
    (void)snprintf(reader->name, sizeof reader->name, "%s", name);
    return reader;
}

/* A cable that breaks and makes contact all day must not fill the journal. */
static bool may_tell(const struct lane *lane, struct lane_reader *reader) {
    struct ts_mono now = ts_clock_mono(lane->options.keeper->clock);

    while (reader->spent > 0 &&
           now.ms - reader->regained_at.ms >= LANE_CHANGE_EVERY_MS) {
        reader->spent--;
        reader->regained_at.ms += LANE_CHANGE_EVERY_MS;
    }
    if (reader->spent == LANE_CHANGES)
        return false;
    if (reader->spent == 0)
        reader->regained_at = now;
    reader->spent++;
    return true;
}

static void tell_reader(struct lane *lane, struct lane_reader *reader) {
    static const char *const types[] = {"reader.detached", "reader.attached",
                                        "reader.faulted"};
    bool same_state = reader->told && reader->told_state == reader->state;

    if ((same_state && !strcmp(reader->told_text, reader->text)) ||
        !may_tell(lane, reader))
        return;
    ts_log(reader->state == READER_ATTACHED ? TS_LOG_INFO : TS_LOG_WARN,
           "reader", "%s: %s", reader->name, reader->text);
    reader->told = true;
    reader->told_state = reader->state;
    memcpy(reader->told_text, reader->text, sizeof reader->told_text);
    if (!same_state)
        report(lane, types[reader->state],
               json_pack("{s:s}", "reader", reader->name));
}

void lane_set_reader(struct lane *lane, const char *name,
                     enum reader_state state, const char *text) {
    struct lane_reader *reader = find_reader(lane, name);

    if (!reader)
        return;
    reader->state = state;
    (void)snprintf(reader->text, sizeof reader->text, "%s", text);
    tell_reader(lane, reader);
    lane_notify(lane);
}

void lane_tell_readers(struct lane *lane) {
    for (size_t i = 0; i < lane->reader_count; i++)
        tell_reader(lane, &lane->readers[i]);
}

void lane_set_line(struct lane *lane, bool up, const char *text) {
    lane->line_up = up;
    (void)snprintf(lane->line_text, sizeof lane->line_text, "%s", text);
    lane_notify(lane);
}

void lane_unsent_changed(struct lane *lane) { lane_notify(lane); }

void lane_desk_changed(struct lane *lane) {
    if (lane->visit.open)
        lane_notify(lane);
}

void lane_clock_corrected(struct lane *lane, struct ts_wall hubtime,
                          struct ts_mono at, int64_t error_ms) {
    char hub[TS_TIME_TEXT];
    char uptime[TS_COUNTER_TEXT];
    char known[TIMEKEEPER_TEXT];

    ts_wall_text(hub, hubtime);
    (void)snprintf(uptime, sizeof uptime, "%lld", (long long)at.ms);
    report(lane, "clock.corrected",
           json_pack("{s:s,s:s,s:s,s:I}", "boot", lane->options.keeper->boot,
                     "uptime", uptime, "hubtime", hub, "error_ms",
                     (json_int_t)error_ms));
    timekeeper_text(lane->options.keeper, known);
    if (recorder_put(lane->options.recorder, "clock", known, NULL) != TS_OK)
        ts_log(TS_LOG_WARN, "lane", "the offset to the hub is not kept");
}

void lane_clock_stepped(struct lane *lane, int64_t by_ms) {
    ts_log(TS_LOG_WARN, "clock", "the system clock jumped by %lld ms",
           (long long)by_ms);
    report(lane, "clock.stepped",
           json_pack("{s:I}", "by_ms", (json_int_t)by_ms));
}

void lane_erase_done(struct lane *lane, uint64_t position) {
    report(lane, "erase.done",
           json_pack("{s:I}", "position", (json_int_t)position));
}
