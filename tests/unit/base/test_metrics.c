#include "base/metrics.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

static void a_page_is_prometheus_text(void **state) {
    struct ts_metrics *metrics = ts_metrics_new();
    struct ts_buf out = {0};

    (void)state;
    ts_metrics_declare(metrics, "tessera_scans_total", TS_COUNTER, "Scans.");
    ts_metrics_declare(metrics, "tessera_waiting", TS_GAUGE, "Rows.");
    ts_metrics_add(metrics, "tessera_scans_total", "reader=\"b\"", 2);
    ts_metrics_add(metrics, "tessera_scans_total", "reader=\"a\"", 1);
    ts_metrics_add(metrics, "tessera_scans_total", "reader=\"b\"", 1);
    ts_metrics_set(metrics, "tessera_waiting", "", 0.5);
    assert_int_equal(ts_metrics_render(metrics, &out), TS_OK);
    assert_string_equal(ts_buf_text(&out),
                        "# HELP tessera_scans_total Scans.\n"
                        "# TYPE tessera_scans_total counter\n"
                        "tessera_scans_total{reader=\"a\"} 1\n"
                        "tessera_scans_total{reader=\"b\"} 3\n"
                        "# HELP tessera_waiting Rows.\n"
                        "# TYPE tessera_waiting gauge\n"
                        "tessera_waiting 0.5\n");
    ts_buf_fini(&out);
    ts_metrics_free(metrics);
}

static void label_sets_are_bounded_and_counted(void **state) {
    struct ts_metrics *metrics = ts_metrics_new();
    char labels[32];

    (void)state;
    ts_metrics_declare(metrics, "tessera_x", TS_COUNTER, "X.");
    for (int i = 0; i < 1500; i++) {
        (void)snprintf(labels, sizeof labels, "n=\"%d\"", i);
        ts_metrics_add(metrics, "tessera_x", labels, 1);
    }
    assert_true(ts_metrics_get(metrics, "tessera_x", "n=\"999\"") == 1);
    assert_true(ts_metrics_get(metrics, "tessera_x", "n=\"1000\"") == 0);
    assert_true(ts_metrics_get(metrics, "tessera_x", "overflow=\"true\"") ==
                500);
    assert_true(ts_metrics_get(metrics, "tessera_unknown", "") == 0);
    ts_metrics_free(metrics);
}

static void labels_are_escaped_and_cut_whole(void **state) {
    char text[16];

    (void)state;
    ts_metrics_label(text, sizeof text, "k", "a\"b\\c\nd");
    assert_string_equal(text, "k=\"a\\\"b\\\\c\\nd\"");
    ts_metrics_label(text, sizeof text, "k", "0123456789abcdef");
    assert_string_equal(text, "k=\"0123456789a\"");
    ts_metrics_label(text, 9, "k", "123\xc3\xa8");
    assert_string_equal(text, "k=\"123\"");
    ts_metrics_label(text, sizeof text, "k", "\xff\x01");
    assert_string_equal(text, "k=\"??\"");
    ts_metrics_label(text, 4, "k", "x");
    assert_string_equal(text, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_prometheus_text),
        cmocka_unit_test(label_sets_are_bounded_and_counted),
        cmocka_unit_test(labels_are_escaped_and_cut_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
