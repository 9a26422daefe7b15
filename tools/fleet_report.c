#include "tools/fleet_report.h"

#include "tools/latency.h"

#include <string.h>

enum { EXAMPLES = 10 };

static bool is_time(const char *name) {
    size_t len = strlen(name);

    return len > 3 && !strcmp(name + len - 3, "_ms");
}

static void join_member(json_t *into, const char *name, const json_t *other);

static void join_pairs(json_t *into, const char *name, const json_t *other) {
    struct latency sum, more;

    latency_read(&sum, json_object_get(into, name));
    latency_read(&more, other);
    latency_join(&sum, &more);
    (void)json_object_set_new(into, name, latency_json(&sum));
}

static void join_list(json_t *list, const char *name, const json_t *other) {
    size_t index;
    json_t *item;

    json_array_foreach(other, index, item) {
        json_t *mine = json_array_get(list, index);
        bool examples = !strcmp(name, "examples");
        if (examples && json_array_size(list) >= EXAMPLES)
            return;
        if (examples || !mine) {
            (void)json_array_append(list, item);
        } else if (json_is_integer(mine)) {
            (void)json_integer_set(mine, json_integer_value(mine) +
                                             json_integer_value(item));
        } else {
            const char *member;
            json_t *value;
            json_object_foreach(item, member, value)
                join_member(mine, member, value);
        }
    }
}

static void join_number(json_t *into, const char *name, const json_t *mine,
                        const json_t *other) {
    json_int_t a = json_integer_value(mine), b = json_integer_value(other);

    if (!strcmp(name, "line"))
        return;
    if (is_time(name))
        a = a > b ? a : b;
    else
        a += b;
    (void)json_object_set_new(into, name, json_integer(a));
}

static void join_member(json_t *into, const char *name, const json_t *other) {
    json_t *mine = json_object_get(into, name);

    if (!mine || json_is_null(other) || json_is_false(other))
        (void)json_object_set(into, name, (json_t *)other);
    else if (!strcmp(name, "waits") || !strcmp(name, "calm_waits"))
        join_pairs(into, name, other);
    else if (json_is_array(mine))
        join_list(mine, name, other);
    else if (json_is_object(mine))
        fleet_report_join(mine, other);
    else if (json_is_integer(mine) && json_is_integer(other))
        join_number(into, name, mine, other);
}

void fleet_report_join(json_t *report, const json_t *other) {
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)other, name, value)
        join_member(report, name, value);
}

static json_int_t count_of(const json_t *object, const char *name) {
    return json_integer_value(json_object_get(object, name));
}

static void finish_waits(json_t *report, const char *raw, const char *name) {
    struct latency waits;

    latency_read(&waits, json_object_get(report, raw));
    (void)json_object_del(report, raw);
    (void)json_object_set_new(
        report, name,
        json_pack("{s:I,s:f,s:f,s:f}", "events", (json_int_t)waits.count,
                  "p50_ms", (double)latency_at(&waits, 0.5) / 1000, "p99_ms",
                  (double)latency_at(&waits, 0.99) / 1000, "longest_ms",
                  (double)latency_at(&waits, 1) / 1000));
}

static void finish_peak(json_t *report) {
    json_t *seconds = json_object_get(report, "connects_by_second");
    json_int_t peak = 0;
    size_t index;
    json_t *one;

    json_array_foreach(seconds, index, one) if (json_integer_value(one) > peak)
        peak = json_integer_value(one);
    (void)json_object_set_new(report, "connects_peak_per_second",
                              json_integer(peak));
}

static void finish_rates(json_t *report) {
    json_int_t recorded = count_of(report, "recorded");
    json_int_t lanes = count_of(report, "lanes");
    json_int_t ms = count_of(report, "run_ms");

    if (recorded)
        (void)json_object_set_new(
            report, "bytes_an_event",
            json_real((double)count_of(report, "bytes_out") /
                      (double)recorded));
    if (ms)
        (void)json_object_set_new(
            report, "simulator_cpu_percent",
            json_real(100.0 * (double)count_of(report, "cpu") / (double)ms));
    if (lanes)
        (void)json_object_set_new(
            report, "bytes_a_lane",
            json_integer(count_of(report, "peak_kb") * 1024 / lanes));
    (void)json_object_del(report, "cpu");
}

static void complain(json_t *broken, const json_t *object, const char *name,
                     const char *text) {
    char line[160];
    json_int_t count = count_of(object, name);

    if (!count)
        return;
    (void)snprintf(line, sizeof line, "%lld %s", (long long)count, text);
    (void)json_array_append_new(broken, json_string(line));
}

void fleet_report_finish(json_t *report) {
    json_t *archive = json_object_get(report, "archive");
    json_t *broken = json_array();

    finish_waits(report, "waits", "ack");
    finish_waits(report, "calm_waits", "ack_calm");
    finish_peak(report);
    finish_rates(report);
    complain(broken, report, "unsent", "events were not acknowledged in time");
    complain(broken, report, "commands_failed",
             "commands of the script failed");
    complain(broken, archive, "missing",
             "recorded events are not in the archive");
    complain(broken, archive, "different",
             "archived events differ from what was recorded");
    complain(broken, archive, "duplicates", "events are archived twice");
    complain(broken, archive, "order_errors",
             "events are archived behind a later one of their journal");
    complain(broken, archive, "invented",
             "archived events were never recorded");
    complain(broken, json_object_get(report, "hub"), "holes",
             "events the hub recorded as a hole");
    complain(broken, json_object_get(report, "hub"), "quarantined",
             "events or batches are in quarantine");
    if (!json_is_true(json_object_get(report, "drained")) &&
        !json_array_size(broken))
        (void)json_array_append_new(
            broken, json_string("at the end some lanes were not running, or a "
                                "command of the script was"));
    (void)json_object_set_new(report, "ok",
                              json_boolean(!json_array_size(broken)));
    (void)json_object_set_new(report, "broken", broken);
}

bool fleet_report_ok(const json_t *report) {
    return json_is_true(json_object_get(report, "ok"));
}

static void print_wait(const json_t *report, FILE *out, const char *name,
                       const char *text) {
    const json_t *waits = json_object_get(report, name);

    (void)fprintf(out, "%-28s p50 %.1f ms  p99 %.1f ms  longest %.1f ms\n",
                  text, json_real_value(json_object_get(waits, "p50_ms")),
                  json_real_value(json_object_get(waits, "p99_ms")),
                  json_real_value(json_object_get(waits, "longest_ms")));
}

static void print_count(const json_t *object, FILE *out, const char *name,
                        const char *text) {
    (void)fprintf(out, "%-28s %lld\n", text, (long long)count_of(object, name));
}

static void print_faults(const json_t *report, FILE *out) {
    size_t index;
    json_t *fault;

    json_array_foreach(json_object_get(report, "faults"), index, fault) {
        const json_t *recovered = json_object_get(fault, "recovered_ms");
        (void)fprintf(out, "%7.1f s  %s: %lld lanes, %lld waiting events, ",
                      (double)count_of(fault, "began_ms") / 1000,
                      json_string_value(json_object_get(fault, "step")),
                      (long long)count_of(fault, "lanes"),
                      (long long)count_of(fault, "backlog"));
        if (json_is_integer(recovered))
            (void)fprintf(out, "recovered in %.1f s\n",
                          (double)json_integer_value(recovered) / 1000);
        else
            (void)fprintf(out, "%lld lanes did not recover\n",
                          (long long)count_of(fault, "not_recovered"));
    }
}

static void print_archive(const json_t *report, FILE *out) {
    const json_t *archive = json_object_get(report, "archive");
    const json_t *hub = json_object_get(report, "hub");

    if (!archive) {
        (void)fputs("archive                      not looked at: only "
                    "acknowledgements are known (give --archive)\n",
                    out);
        return;
    }
    print_count(archive, out, "archived", "archived");
    print_count(archive, out, "missing", "missing");
    print_count(archive, out, "different", "with other content");
    print_count(archive, out, "duplicates", "archived twice");
    print_count(archive, out, "order_errors", "out of order");
    print_count(archive, out, "invented", "never recorded");
    print_count(hub, out, "taken_again", "taken again by the hub");
    print_count(hub, out, "holes", "in holes");
    print_count(hub, out, "quarantined", "in quarantine");
    print_count(hub, out, "alarms", "alarms");
}

static void print_list(const json_t *list, FILE *out, const char *text) {
    size_t index;
    json_t *one;

    json_array_foreach(list, index, one)(void)
        fprintf(out, "%s%s\n", text, json_string_value(one));
}

static void print_reasons(const json_t *report, FILE *out) {
    const char *text;
    json_t *times;

    json_object_foreach(json_object_get(report, "reasons"), text, times)(void)
        fprintf(out, "  %lld times: %s\n", (long long)json_integer_value(times),
                text);
}

void fleet_report_print(const json_t *report, FILE *out) {
    const json_t *archive = json_object_get(report, "archive");

    print_count(report, out, "lanes", "lanes");
    print_count(report, out, "recorded", "recorded");
    print_count(report, out, "lost_before_durable", "lost before any commit");
    print_count(report, out, "unsent", "not acknowledged");
    print_archive(report, out);
    print_wait(report, out, "ack", "commit to acknowledgement");
    print_wait(report, out, "ack_calm", "the same without faults");
    print_count(report, out, "connects", "connections");
    print_count(report, out, "connects_peak_per_second",
                "most of them in a second");
    print_count(report, out, "refused", "batches refused");
    (void)fprintf(out, "%-28s %.1f\n", "bytes an event, all told",
                  json_real_value(json_object_get(report, "bytes_an_event")));
    (void)fprintf(
        out, "%-28s %.0f %% of a core, %lld bytes a lane\n", "this simulator",
        json_real_value(json_object_get(report, "simulator_cpu_percent")),
        (long long)count_of(report, "bytes_a_lane"));
    print_faults(report, out);
    if (json_object_size(json_object_get(report, "reasons")))
        (void)fputs("lines went down or were refused:\n", out);
    print_reasons(report, out);
    print_list(json_object_get(archive, "examples"), out, "  ");
    print_list(json_object_get(report, "broken"), out, "BROKEN: ");
    (void)fputs(fleet_report_ok(report) ? "the promise held\n"
                                        : "the promise is broken\n",
                out);
}
