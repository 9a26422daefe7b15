/* The parts of the lanes' simulator that need no broker. */
#include "tools/fleet_report.h"
#include "tools/fleet_script.h"
#include "tools/latency.h"
#include "tools/ram_journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum ts_status parse(struct fleet_script *script, const char *text,
                            struct ts_err *err) {
    return fleet_script_parse(script, ts_slice_text(text), err);
}

static void steps_are_read(void **state) {
    struct fleet_script script;
    struct ts_err err = {0};

    (void)state;
    assert_int_equal(parse(&script,
                           "# a remark\r\n\n"
                           "  at 500ms line delay 600, loss 2 stores 30%\r\n"
                           "at 2s kill lanes 12\n"
                           "at 2s clock -1.5h all\n"
                           "at 1m break kill -9 7; true\n"
                           "at 1m backlog 100 lanes 5%\n"
                           "until drained 2m",
                           &err),
                     TS_OK);
    assert_int_equal(script.count, 5);
    assert_true(script.uses_lines);
    assert_int_equal(script.until_ms, 120000);
    assert_int_equal(script.steps[0].line, 3);
    assert_int_equal(script.steps[0].at_ms, 500);
    assert_string_equal(script.steps[0].words, "delay 600, loss 2");
    assert_true(script.steps[0].pick.stores && script.steps[0].pick.percent);
    assert_true(script.steps[0].pick.amount == 30);
    assert_string_equal(script.steps[0].text,
                        "line delay 600, loss 2 stores 30%");
    assert_int_equal(script.steps[1].act, FLEET_KILL);
    assert_false(script.steps[1].pick.stores || script.steps[1].pick.percent);
    assert_true(script.steps[1].pick.amount == 12);
    assert_true(script.steps[2].number == -5400000);
    assert_true(script.steps[2].pick.amount == 100);
    assert_string_equal(script.steps[3].words, "kill -9 7; true");
    assert_true(script.steps[3].pick.amount == 100);
    assert_true(script.steps[4].number == 100);
    fleet_script_fini(&script);
}

static void mistakes_name_their_line(void **state) {
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"at 1s kill\nat 2s lien cut", "line 2: \"at 2s lien cut\": a step is"},
        {"at 1s line cutt", "line 1"},
        {"at 1 kill", "line 1"},
        {"at 1s", "line 1"},
        {"at 1s kill lanes", "line 1"},
        {"at 1s kill lanes 101%", "line 1"},
        {"at 1s kill lanes 5 6", "line 1"},
        {"at 1s power up", "line 1"},
        {"at 1s clock 1y", "line 1"},
        {"at 1s exec", "line 1"},
        {"at 1s stop now", "line 1"},
        {"until dry 1s", "line 1"},
        {"at 2s kill\n\nat 1s kill", "line 3: its time is before"},
        {"until drained 1s\nat 1s kill", "line 2: nothing follows"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fleet_script script;
        struct ts_err err = {0};
        assert_int_equal(parse(&script, rows[i].text, &err), TS_INVALID);
        if (!strstr(err.text, rows[i].says))
            fail_msg("%s: %s", rows[i].text, err.text);
    }
}

static void shipped_scripts_are_good(void **state) {
    static const char *const names[] = {"bad-day", "power-cut", "roaming"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char path[512];
        struct ts_buf text = {0};
        struct fleet_script script = {0};
        struct ts_err err = {0};
        (void)snprintf(path, sizeof path, "%s/packaging/scripts/%s.lanes",
                       TESSERA_SOURCE_DIR, names[i]);
        if (ts_file_read(&text, path, 1 << 16, &err) != TS_OK ||
            parse(&script, ts_buf_text(&text), &err) != TS_OK)
            fail_msg("%s", err.text);
        assert_true(script.count > 5);
        fleet_script_fini(&script);
        ts_buf_fini(&text);
    }
}

static void percentiles_are_near(void **state) {
    struct latency latency = {0}, again;
    json_t *json;

    (void)state;
    assert_int_equal(latency_at(&latency, 0.5), 0);
    for (int64_t us = 1; us <= 100000; us++)
        latency_add(&latency, us);
    assert_in_range(latency_at(&latency, 0.5), 50000, 51600);
    assert_in_range(latency_at(&latency, 0.99), 99000, 102100);
    assert_int_equal(latency_at(&latency, 0.0001), 10);
    latency_add(&latency, INT64_MAX);
    json = latency_json(&latency);
    latency_read(&again, json);
    assert_memory_equal(&latency, &again, sizeof latency);
    latency_join(&again, &latency);
    assert_int_equal(again.count, 200002);
    json_decref(json);
}

struct heard {
    size_t released;
    uint64_t first, rows;
};

static void on_released(void *ctx, int64_t committed_us) {
    (void)committed_us;
    ((struct heard *)ctx)->released++;
}

static bool take_row(void *arg, uint64_t sequence, struct ts_slice payload) {
    struct heard *heard = arg;

    assert_true(payload.len > 0);
    if (!heard->rows++)
        heard->first = sequence;
    return true;
}

static void append(struct ram_journal *journal, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "{\"n\":%llu}",
                       (unsigned long long)ram_journal_next(journal));
        ram_journal_append(journal, ts_slice_text(text));
    }
}

static struct heard read_all(struct ram_journal *journal, const char *name) {
    struct uplink_source source = ram_journal_source(journal);
    struct heard heard = {0};

    assert_int_equal(
        source.read(source.ctx, name, 1, 1000, take_row, &heard, NULL), TS_OK);
    return heard;
}

static void release(struct ram_journal *journal, const char *name,
                    uint64_t through) {
    struct uplink_source source = ram_journal_source(journal);

    assert_int_equal(source.release(source.ctx, name, through, NULL), TS_OK);
}

static struct ram_journal_stats stats_of(const struct ram_journal *journal) {
    struct ram_journal_stats stats;

    ram_journal_get_stats(journal, &stats);
    return stats;
}

/* Only what was committed is read, and a kill takes the rest alone. */
static void a_kill_takes_what_was_not_durable(void **state) {
    struct heard heard = {0};
    struct ram_journal_watch watch = {&heard, on_released};
    struct ram_journal *journal = ram_journal_new(5, &watch);
    char first[TS_JOURNAL_TEXT];
    const char *previous;
    uint64_t last;

    (void)state;
    ram_journal_begin(journal);
    memcpy(first, ram_journal_id(journal), sizeof first);
    append(journal, 10);
    assert_int_equal(read_all(journal, first).rows, 0);
    ram_journal_commit(journal, 1);
    append(journal, 3);
    assert_int_equal(read_all(journal, first).rows, 10);
    ram_journal_kill(journal);
    assert_int_equal(stats_of(journal).lost, 3);
    assert_false(ram_journal_previous(journal, &previous, &last));
    ram_journal_begin(journal);
    assert_true(ram_journal_previous(journal, &previous, &last));
    assert_string_equal(previous, first);
    assert_int_equal(last, 10);
    assert_int_equal(ram_journal_next(journal), 1);
    assert_int_equal(read_all(journal, first).rows, 10);
    assert_int_equal(stats_of(journal).recorded, 10);
    ram_journal_free(journal);
}

/* What was noted of the hub's word goes with a kill, told rows are not told
 * again, and the copies are the newest. */
static void the_word_of_the_hub_is_noted_with_a_commit(void **state) {
    struct heard heard = {0};
    struct ram_journal_watch watch = {&heard, on_released};
    struct ram_journal *journal = ram_journal_new(5, &watch);

    (void)state;
    ram_journal_begin(journal);
    append(journal, 10);
    ram_journal_commit(journal, 1);
    release(journal, ram_journal_id(journal), 4);
    assert_int_equal(stats_of(journal).unsent, 6);
    ram_journal_commit(journal, 2);
    release(journal, ram_journal_id(journal), 9);
    assert_int_equal(heard.released, 9);
    assert_int_equal(read_all(journal, ram_journal_id(journal)).first, 5);
    ram_journal_kill(journal);
    assert_int_equal(stats_of(journal).unsent, 6);
    release(journal, ram_journal_id(journal), 10);
    assert_int_equal(heard.released, 10);
    assert_int_equal(stats_of(journal).unsent, 0);
    assert_int_equal(read_all(journal, ram_journal_id(journal)).rows, 5);
    ram_journal_free(journal);
}

static json_t *seen(const char *text) {
    json_t *json = json_loads(text, 0, NULL);

    assert_non_null(json);
    return json;
}

static void reports_join(void **state) {
    json_t *report = json_object();
    json_t *one =
        seen("{\"recorded\":3,\"run_ms\":50,\"drained\":true,\"unsent\":0,"
             "\"waits\":[[5,2]],\"connects_by_second\":[1,2],\"faults\":[{"
             "\"line\":4,\"lanes\":1,\"recovered_ms\":7,\"step\":\"kill\"}],"
             "\"reasons\":{\"a\":1},\"archive\":{\"missing\":0,"
             "\"examples\":[\"x\"]}}");
    json_t *two =
        seen("{\"recorded\":4,\"run_ms\":40,\"drained\":true,\"unsent\":0,"
             "\"waits\":[[9,1]],\"connects_by_second\":[1,2,9],\"faults\":[{"
             "\"line\":4,\"lanes\":2,\"recovered_ms\":null,\"step\":\"kill\"}],"
             "\"reasons\":{\"a\":1,\"b\":3},\"archive\":{\"missing\":2,"
             "\"examples\":[\"y\"]}}");
    char *text;

    (void)state;
    fleet_report_join(report, one);
    fleet_report_join(report, two);
    fleet_report_finish(report);
    assert_false(fleet_report_ok(report));
    text = json_dumps(report, JSON_COMPACT | JSON_SORT_KEYS);
    assert_non_null(strstr(text, "\"recorded\":7,"));
    assert_non_null(strstr(text, "\"run_ms\":50,"));
    assert_non_null(strstr(text, "\"connects_by_second\":[2,4,9]"));
    assert_non_null(strstr(text, "\"connects_peak_per_second\":9"));
    assert_non_null(
        strstr(text, "\"lanes\":3,\"line\":4,\"recovered_ms\":null"));
    assert_non_null(strstr(text, "\"reasons\":{\"a\":2,\"b\":3}"));
    assert_non_null(strstr(text, "\"examples\":[\"x\",\"y\"],\"missing\":2"));
    assert_non_null(strstr(text, "\"events\":3"));
    assert_non_null(
        strstr(text, "\"broken\":[\"2 recorded events are not in the archive"));
    free(text);
    json_decref(one);
    json_decref(two);
    json_decref(report);
}

/* Each sign of a broken promise breaks it, and nothing else does. */
static void a_broken_promise_is_not_ok(void **state) {
    static const struct {
        const char *text;
        bool ok;
    } rows[] = {
        {"{\"drained\":true}", true},
        {"{\"drained\":true,\"archive\":{\"missing\":0},\"hub\":{\"alarms\":3,"
         "\"taken_again\":9}}",
         true},
        {"{\"drained\":false}", false},
        {"{\"drained\":true,\"unsent\":1}", false},
        {"{\"drained\":true,\"commands_failed\":1}", false},
        {"{\"drained\":true,\"archive\":{\"missing\":1}}", false},
        {"{\"drained\":true,\"archive\":{\"different\":1}}", false},
        {"{\"drained\":true,\"archive\":{\"duplicates\":1}}", false},
        {"{\"drained\":true,\"archive\":{\"order_errors\":1}}", false},
        {"{\"drained\":true,\"archive\":{\"invented\":1}}", false},
        {"{\"drained\":true,\"hub\":{\"holes\":1}}", false},
        {"{\"drained\":true,\"hub\":{\"quarantined\":1}}", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *report = seen(rows[i].text);
        fleet_report_finish(report);
        if (fleet_report_ok(report) != rows[i].ok)
            fail_msg("%s", rows[i].text);
        json_decref(report);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_read),
        cmocka_unit_test(mistakes_name_their_line),
        cmocka_unit_test(shipped_scripts_are_good),
        cmocka_unit_test(percentiles_are_near),
        cmocka_unit_test(a_kill_takes_what_was_not_durable),
        cmocka_unit_test(the_word_of_the_hub_is_noted_with_a_commit),
        cmocka_unit_test(reports_join),
        cmocka_unit_test(a_broken_promise_is_not_ok),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
