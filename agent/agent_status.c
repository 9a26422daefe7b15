#include "agent/agent_private.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    enum ts_metric_kind kind;
    const char *help;
} declared[] = {
    {"tessera_agent_uptime_seconds", TS_GAUGE, "Since the agent started."},
    {"tessera_journal_unsent", TS_GAUGE, "Events that the hub has not taken."},
    {"tessera_journal_copies", TS_GAUGE, "Events kept after the hub's ack."},
    {"tessera_journal_bytes", TS_GAUGE, "Of unsent events and copies."},
    {"tessera_journal_appended_total", TS_COUNTER, "Durable events."},
    {"tessera_journal_commits_total", TS_COUNTER, "Groups made durable."},
    {"tessera_journal_disk_bytes_total", TS_COUNTER,
     "Handed to the disk for the journal, its log and checkpoints."},
    {"tessera_journal_disk_syncs_total", TS_COUNTER,
     "Syncs of the journal's files."},
    {"tessera_journal_disk_errors_total", TS_COUNTER,
     "Calls of the journal's files that the system refused, by call."},
    {"tessera_journal_refused_total", TS_COUNTER,
     "Events refused for want of room."},
    {"tessera_recorder_lost_total", TS_COUNTER,
     "Events whose commit failed; their scans were refused."},
    {"tessera_uplink_up", TS_GAUGE, "1 with a session to the broker."},
    {"tessera_uplink_waits", TS_GAUGE,
     "1 while rows wait on purpose: ceiling or quiet hours."},
    {"tessera_uplink_events_acked_total", TS_COUNTER, "Taken by the hub."},
    {"tessera_uplink_batches_total", TS_COUNTER, "Batches sent."},
    {"tessera_uplink_resent_total", TS_COUNTER, "Batches sent again."},
    {"tessera_uplink_refused_total", TS_COUNTER, "Acks that refused."},
    {"tessera_uplink_alarms_total", TS_COUNTER,
     "Acks beyond what was sent, denied publishes."},
    {"tessera_reader_scans_total", TS_COUNTER, "Scans by reader."},
    {"tessera_reader_repeats_total", TS_COUNTER,
     "The same code again within repeat_ms: answered, not recorded."},
    {"tessera_reader_retransmissions_total", TS_COUNTER,
     "Scans that a device sent again: answered, not recorded again."},
    {"tessera_reader_rejects_total", TS_COUNTER, "Readings rejected."},
    {"tessera_reader_errors_total", TS_COUNTER,
     "Readings rejected, by error; errors that came."},
    {"tessera_reader_notices_total", TS_COUNTER,
     "What devices said beside scans, by kind; kinds that came."},
    {"tessera_reader_openings_total", TS_COUNTER, "Times the port opened."},
    {"tessera_reader_unplugged_total", TS_COUNTER, "Times unplugged."},
    {"tessera_reader_unsent_bytes_total", TS_COUNTER,
     "Dropped because the device takes nothing."},
    {"tessera_reader_attached", TS_GAUGE, "1 while the port is open."},
};

void agent_metrics_declare(struct agent *agent) {
    for (size_t i = 0; i < sizeof declared / sizeof *declared; i++)
        ts_metrics_declare(agent->metrics, declared[i].name, declared[i].kind,
                           declared[i].help);
}

static void set(struct agent *agent, const char *name, const char *labels,
                uint64_t value) {
    ts_metrics_set(agent->metrics, name, labels, (double)value);
}

static void count_journal(struct agent *agent) {
    struct journal_stats stats = {0};
    char label[64];

    for (int i = 0; i < JOURNAL_DISK_CALLS; i++) {
        enum journal_disk_call call = (enum journal_disk_call)i;

        ts_metrics_label(label, sizeof label, "call",
                         journal_disk_call_name(call));
        set(agent, "tessera_journal_disk_errors_total", label,
            journal_disk_errors(agent->journal, call));
    }
    set(agent, "tessera_recorder_lost_total", "",
        recorder_lost(agent->recorder));
    if (journal_get_stats(agent->journal, &stats, NULL) != TS_OK)
        return;
    set(agent, "tessera_journal_unsent", "", stats.unsent);
    set(agent, "tessera_journal_copies", "", stats.copies);
    set(agent, "tessera_journal_bytes", "", (uint64_t)stats.bytes);
    set(agent, "tessera_journal_appended_total", "", stats.appended);
    set(agent, "tessera_journal_commits_total", "", stats.commits);
    set(agent, "tessera_journal_disk_bytes_total", "", stats.disk_bytes);
    set(agent, "tessera_journal_disk_syncs_total", "", stats.disk_syncs);
    for (int i = 0; i < JOURNAL_CLASSES; i++) {
        ts_metrics_label(label, sizeof label, "class",
                         journal_class_name((enum journal_class)i));
        set(agent, "tessera_journal_refused_total", label, stats.refused[i]);
    }
}

static void count_uplink(struct agent *agent) {
    struct uplink_status status = {0};

    if (agent->uplink)
        uplink_get_status(agent->uplink, &status);
    set(agent, "tessera_uplink_up", "", status.up);
    set(agent, "tessera_uplink_waits", "", status.waits != PACE_GO);
    set(agent, "tessera_uplink_events_acked_total", "", status.events_acked);
    set(agent, "tessera_uplink_batches_total", "", status.batches_sent);
    set(agent, "tessera_uplink_resent_total", "", status.batches_resent);
    set(agent, "tessera_uplink_refused_total", "", status.refused);
    set(agent, "tessera_uplink_alarms_total", "", status.alarms);
}

static void set_pair(struct agent *agent, const char *name, const char *reader,
                     const char *key, const char *value, uint64_t count) {
    char labels[160];
    char label[64];

    if (!count)
        return;
    ts_metrics_label(label, sizeof label, key, value);
    (void)snprintf(labels, sizeof labels, "%s,%s", reader, label);
    set(agent, name, labels, count);
}

static void count_reader(struct agent *agent, const struct reader *reader) {
    struct reader_stats stats;
    char label[80];

    reader_get_stats(reader, &stats);
    ts_metrics_label(label, sizeof label, "reader", reader_name(reader));
    set(agent, "tessera_reader_scans_total", label, stats.scans);
    set(agent, "tessera_reader_repeats_total", label, stats.repeats);
    set(agent, "tessera_reader_retransmissions_total", label,
        stats.retransmissions);
    set(agent, "tessera_reader_rejects_total", label, stats.rejects);
    set(agent, "tessera_reader_openings_total", label, stats.openings);
    set(agent, "tessera_reader_unplugged_total", label, stats.unplugged);
    set(agent, "tessera_reader_unsent_bytes_total", label, stats.unsent_bytes);
    set(agent, "tessera_reader_attached", label, stats.attached);
    for (int i = 0; i < SCAN_ERRORS; i++)
        set_pair(agent, "tessera_reader_errors_total", label, "error",
                 scan_error_name((enum scan_error)i), stats.errors[i]);
    for (int i = 0; i < NOTICE_KINDS; i++)
        set_pair(agent, "tessera_reader_notices_total", label, "kind",
                 reader_notice_name((enum notice_kind)i), stats.notices[i]);
}

static void count_readers(struct agent *agent) {
    for (size_t i = 0; i < agent->reader_count; i++)
        count_reader(agent, agent->readers[i]);
}

enum ts_status agent_metrics(struct agent *agent, struct ts_buf *out) {
    struct ts_mono now = ts_clock_mono(agent->clock);

    set(agent, "tessera_agent_uptime_seconds", "",
        (uint64_t)(now.ms - agent->started.ms) / 1000);
    count_journal(agent);
    count_uplink(agent);
    count_readers(agent);
    return ts_metrics_render(agent->metrics, out);
}

static json_t *journal_json(struct agent *agent) {
    struct journal_stats stats = {0};
    struct ts_err err = {0};
    char oldest[TS_TIME_TEXT] = "";
    json_t *refused = json_object();
    const char *trouble = recorder_trouble(agent->recorder);

    if (journal_get_stats(agent->journal, &stats, &err) != TS_OK && !trouble[0])
        trouble = err.text;
    if (stats.has_oldest)
        ts_wall_text(oldest, stats.oldest_unsent);
    for (int i = 0; i < JOURNAL_CLASSES; i++)
        (void)json_object_set_new(refused,
                                  journal_class_name((enum journal_class)i),
                                  json_integer((json_int_t)stats.refused[i]));
    return json_pack(
        "{s:s,s:b,s:s,s:I,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "id",
        journal_id(agent->journal), "ok", trouble[0] ? 0 : 1, "text",
        trouble[0] ? trouble : journal_warning(agent->journal), "unsent",
        (json_int_t)stats.unsent, "oldest_unsent", oldest, "copies",
        (json_int_t)stats.copies, "bytes", (json_int_t)stats.bytes, "appended",
        (json_int_t)stats.appended, "commits", (json_int_t)stats.commits,
        "disk_bytes", (json_int_t)stats.disk_bytes, "disk_syncs",
        (json_int_t)stats.disk_syncs, "refused", refused);
}

static json_t *uplink_json(struct agent *agent) {
    struct uplink_status status = {0};
    char until[TS_TIME_TEXT] = "";

    if (agent->uplink)
        uplink_get_status(agent->uplink, &status);
    if (status.waits != PACE_GO)
        ts_wall_text(until, status.waits_until);
    return json_pack(
        "{s:b,s:b,s:s,s:s,s:s,s:i,s:i,s:I,s:I,s:I,s:I,s:I,s:s,s:I,s:I,s:I}",
        "set", agent->uplink ? 1 : 0, "up", status.up ? 1 : 0, "broker",
        status.broker, "waits", pace_reason_name(status.waits), "waits_until",
        until, "window", (int)status.window, "in_flight", (int)status.in_flight,
        "batches_sent", (json_int_t)status.batches_sent, "batches_resent",
        (json_int_t)status.batches_resent, "events_acked",
        (json_int_t)status.events_acked, "refused", (json_int_t)status.refused,
        "alarms", (json_int_t)status.alarms, "last_error", status.last_error,
        "bytes_out", (json_int_t)status.line.bytes_out, "bytes_in",
        (json_int_t)status.line.bytes_in, "connections",
        (json_int_t)status.line.connections);
}

static json_t *clock_json(struct agent *agent) {
    static const char *const words[] = {"unset", "set", "corrected"};
    struct event now;
    char floor[TS_TIME_TEXT];
    json_t *out;

    timekeeper_stamp(&agent->keeper, &now);
    ts_wall_text(floor, agent->keeper.floor);
    out = json_pack("{s:s,s:b}", "clock", words[now.clock], "synchronised",
                    agent->clock->synchronised(agent->clock->ctx) ? 1 : 0);
    if (agent->keeper.known)
        (void)json_object_set_new(out, "error_ms",
                                  json_integer(agent->keeper.error_ms));
    if (agent->keeper.floor.unix_ms)
        (void)json_object_set_new(out, "floor", json_string(floor));
    return out;
}

static json_t *desk_json(struct agent *agent) {
    struct desk_stats stats;

    desk_get_stats(agent->desk, &stats);
    return json_pack("{s:s,s:I,s:I}", "log", stats.log, "position",
                     (json_int_t)stats.position, "records",
                     (json_int_t)stats.rows);
}

static void add_count(json_t *counts, const char *name, uint64_t count) {
    if (count)
        (void)json_object_set_new(counts, name,
                                  json_integer((json_int_t)count));
}

static json_t *counts_json(const struct reader *reader) {
    struct reader_stats stats;
    json_t *errors = json_object();
    json_t *notices = json_object();

    reader_get_stats(reader, &stats);
    for (int i = 0; i < SCAN_ERRORS; i++)
        add_count(errors, scan_error_name((enum scan_error)i), stats.errors[i]);
    for (int i = 0; i < NOTICE_KINDS; i++)
        add_count(notices, reader_notice_name((enum notice_kind)i),
                  stats.notices[i]);
    return json_pack(
        "{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "scans",
        (json_int_t)stats.scans, "repeats", (json_int_t)stats.repeats,
        "retransmissions", (json_int_t)stats.retransmissions, "rejects",
        (json_int_t)stats.rejects, "openings", (json_int_t)stats.openings,
        "unplugged", (json_int_t)stats.unplugged, "unsent_bytes",
        (json_int_t)stats.unsent_bytes, "errors", errors, "notices", notices);
}

/* As the lane tells of them, with what the readers counted. */
static json_t *readers_json(struct agent *agent) {
    json_t *readers = lane_readers(agent->lane);
    size_t index;
    json_t *row;

    json_array_foreach(readers, index, row) {
        const char *name = json_string_value(json_object_get(row, "name"));

        for (size_t i = 0; i < agent->reader_count; i++)
            if (!strcmp(reader_name(agent->readers[i]), name))
                (void)json_object_set_new(row, "counts",
                                          counts_json(agent->readers[i]));
    }
    return readers;
}

json_t *agent_status_json(struct agent *agent) {
    const struct ts_settings *settings = agent->config->settings;
    struct ts_mono now = ts_clock_mono(agent->clock);

    return json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:I,s:o,s:o,s:o,s:o,s:o}", "version", TS_VERSION,
        "terminal", ts_settings_text(settings, "terminal"), "store",
        ts_settings_text(settings, "store"), "kind",
        ts_settings_text(settings, "kind"), "boot", agent->keeper.boot,
        "uptime_s", (json_int_t)((now.ms - agent->started.ms) / 1000),
        "journal", journal_json(agent), "uplink", uplink_json(agent), "readers",
        readers_json(agent), "time", clock_json(agent), "desk",
        desk_json(agent));
}
