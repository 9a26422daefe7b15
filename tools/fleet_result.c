#include "tools/fleet_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static json_t *ms_or_null(int64_t ms) {
    return ms < 0 ? json_null() : json_integer(ms);
}

static int64_t since(int64_t ended_ms, int64_t at_ms) {
    return ended_ms < 0 || at_ms < 0 ? -1 : at_ms - ended_ms;
}

static json_t *fault_json(const struct fleet_fault *fault) {
    return json_pack(
        "{s:i,s:s,s:I,s:o,s:I,s:I,s:I,s:o,s:o}", "line", (int)fault->step->line,
        "step", fault->step->text, "began_ms", (json_int_t)fault->began_ms,
        "ended_ms", ms_or_null(fault->ended_ms), "lanes",
        (json_int_t)fault->hit, "backlog", (json_int_t)fault->backlog,
        "not_recovered", (json_int_t)fault->not_recovered, "connected_ms",
        ms_or_null(since(fault->ended_ms, fault->connected_ms)), "recovered_ms",
        ms_or_null(since(fault->ended_ms, fault->recovered_ms)));
}

static json_t *faults_json(const struct fleet *fleet) {
    json_t *all = json_array();

    for (size_t i = 0; i < fleet->fault_count; i++)
        (void)json_array_append_new(all, fault_json(&fleet->faults[i]));
    return all;
}

static json_t *reasons_json(const struct fleet *fleet) {
    json_t *all = json_object();

    for (size_t i = 0; i < FLEET_REASONS && fleet->reasons[i].times; i++)
        (void)json_object_set_new(
            all, fleet->reasons[i].text,
            json_integer((json_int_t)fleet->reasons[i].times));
    if (fleet->other_reasons)
        (void)json_object_set_new(
            all, "other", json_integer((json_int_t)fleet->other_reasons));
    return all;
}

static json_t *seconds_json(const struct fleet *fleet) {
    json_t *all = json_array();
    size_t last = fleet->seconds;

    while (last && !fleet->connects[last - 1])
        last--;
    for (size_t i = 0; i < last; i++)
        (void)json_array_append_new(all, json_integer(fleet->connects[i]));
    return all;
}

static uint64_t status_kb(const char *name) {
    char line[128];
    uint64_t kb = 0;
    FILE *file = fopen("/proc/self/status", "r");

    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, name, strlen(name)))
            kb = strtoull(line + strlen(name) + 1, NULL, 10);
    if (file)
        (void)fclose(file);
    return kb;
}

static int64_t cpu_ms(void) {
    struct rusage use;

    (void)getrusage(RUSAGE_SELF, &use);
    return (int64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000 +
           (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1000;
}

static void add_stats(struct vlane_stats *sum, const struct vlane_stats *one) {
    sum->journal.recorded += one->journal.recorded;
    sum->journal.pending += one->journal.pending;
    sum->journal.lost += one->journal.lost;
    sum->journal.unsent += one->journal.unsent;
    sum->sessions += one->sessions;
    sum->failures += one->failures;
    sum->batches_sent += one->batches_sent;
    sum->batches_resent += one->batches_resent;
    sum->refused += one->refused;
    sum->alarms += one->alarms;
    sum->bytes_out += one->bytes_out;
    sum->bytes_in += one->bytes_in;
    if (sum->late_us < one->late_us)
        sum->late_us = one->late_us;
}

static void set_count(json_t *object, const char *name, uint64_t count) {
    (void)json_object_set_new(object, name, json_integer((json_int_t)count));
}

static void set_stats(json_t *result, const struct vlane_stats *sum) {
    set_count(result, "recorded", sum->journal.recorded);
    set_count(result, "unsent", sum->journal.unsent + sum->journal.pending);
    set_count(result, "lost_before_durable", sum->journal.lost);
    set_count(result, "connects", sum->sessions);
    set_count(result, "failed_connects", sum->failures);
    set_count(result, "batches", sum->batches_sent);
    set_count(result, "batches_again", sum->batches_resent);
    set_count(result, "refused", sum->refused);
    set_count(result, "lane_alarms", sum->alarms);
    set_count(result, "bytes_out", sum->bytes_out);
    set_count(result, "bytes_in", sum->bytes_in);
    set_count(result, "late_ms", (uint64_t)(sum->late_us / 1000));
}

json_t *fleet_result(struct fleet *fleet) {
    struct vlane_stats sum = {0}, one;
    json_t *result = json_object();

    for (size_t i = 0; i < fleet->options.count; i++) {
        vlane_get_stats(fleet->lanes[i], &one);
        add_stats(&sum, &one);
    }
    set_count(result, "lanes", fleet->options.count);
    set_stats(result, &sum);
    (void)json_object_set_new(result, "drained", json_boolean(fleet->drained));
    (void)json_object_set_new(result, "run_ms",
                              json_integer(fleet->drained_ms));
    (void)json_object_set_new(result, "all_connected_ms",
                              ms_or_null(fleet->all_up_ms));
    set_count(result, "commands_failed", fleet->commands_failed);
    (void)json_object_set_new(result, "waits", latency_json(&fleet->waits));
    (void)json_object_set_new(result, "calm_waits", latency_json(&fleet->calm));
    (void)json_object_set_new(result, "connects_by_second",
                              seconds_json(fleet));
    (void)json_object_set_new(result, "faults", faults_json(fleet));
    (void)json_object_set_new(result, "reasons", reasons_json(fleet));
    set_count(result, "cpu", (uint64_t)cpu_ms());
    set_count(result, "peak_kb", status_kb("VmHWM:"));
    return result;
}
