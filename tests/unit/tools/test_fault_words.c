/* The words of a faulty line. */
#include "tools/fault_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static struct faults after(const char *words) {
    struct faults faults = faults_none();
    struct ts_err err;

    if (faults_parse(&faults, ts_slice_text(words), &err) != TS_OK)
        fail_msg("%s: %s", words, err.text);
    return faults;
}

static void each_word_says_what_it_says(void **state) {
    (void)state;
    assert_int_equal(after("cut").mode, FAULT_CUT);
    assert_int_equal(after("refuse").mode, FAULT_REFUSE);
    assert_int_equal(after(" half-open ").mode, FAULT_HALF_OPEN);
    assert_int_equal(after("portal\r").mode, FAULT_PORTAL);
    assert_true(after("garbage").garbage);
    assert_true(after("reset").reset);
    assert_int_equal(after("stall 500").stall_ms, 500);
    assert_int_equal(after("delay 600").delay_ms, 600);
    assert_int_equal(after("rate 8000").rate, 8000);
    assert_true(after("loss 2").loss == 0.02);
    assert_true(after("loss 0.5").loss == 0.005);
}

static void a_cut_is_at_a_byte_of_a_way(void **state) {
    struct faults both = after("cut after 1234");
    struct faults up = after("cut up after 10 once");
    struct faults down = after("cut down after 0");

    (void)state;
    assert_int_equal(both.mode, FAULT_NONE);
    assert_true(both.cut_after[FAULT_UP] == 1234 &&
                both.cut_after[FAULT_DOWN] == 1234 && !both.cut_once);
    assert_true(up.cut_after[FAULT_UP] == 10 &&
                up.cut_after[FAULT_DOWN] == FAULT_NEVER && up.cut_once);
    assert_true(down.cut_after[FAULT_UP] == FAULT_NEVER &&
                down.cut_after[FAULT_DOWN] == 0 && down.count_anew);
}

static void faults_add_up_until_open(void **state) {
    struct faults faults = after("delay 600, loss 2,rate 8000, stall 5");
    struct ts_err err;

    (void)state;
    assert_true(faults.delay_ms == 600 && faults.rate == 8000 &&
                faults.loss > 0 && faults.stall_ms == 5);
    assert_int_equal(faults_parse(&faults, ts_slice_text("cut"), &err), TS_OK);
    assert_true(faults.delay_ms == 600 && faults.stall_ms == 0);
    assert_int_equal(faults_parse(&faults, ts_slice_text("open"), &err), TS_OK);
    assert_true(faults.open && faults.mode == FAULT_NONE && !faults.delay_ms &&
                !faults.rate && faults.loss == 0);
}

static void a_mistake_is_told_and_changes_nothing(void **state) {
    static const struct {
        const char *words, *says;
    } cases[] = {
        {"", "no words"},
        {"delay 5,", "no words"},
        {"fly", "half-open"},
        {"delay", "delay MS"},
        {"delay six", "delay MS"},
        {"delay -1", "delay MS"},
        {"delay 1 2", "delay MS"},
        {"delay 3600001", "delay MS"},
        {"stall 1e9", "stall MS"},
        {"loss 100", "loss PERCENT"},
        {"loss nan", "loss PERCENT"},
        {"open now", "\"open\""},
        {"cut up", "cut [up|down]"},
        {"cut after", "cut [up|down]"},
        {"cut after 5 twice", "cut [up|down]"},
        {"cut up before 5", "cut [up|down]"},
        {"delay 7, loss x", "loss PERCENT"},
        {"cut up after 5 once more", "too many"},
    };
    struct ts_err err;
    char longer[300];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct faults faults = after("delay 1");
        assert_int_equal(
            faults_parse(&faults, ts_slice_text(cases[i].words), &err),
            TS_INVALID);
        if (!strstr(err.text, cases[i].says))
            fail_msg("%s: \"%s\"", cases[i].words, err.text);
        assert_true(faults.delay_ms == 1 && !faults.open &&
                    faults.cut_after[FAULT_UP] == FAULT_NEVER);
    }
    struct faults faults = faults_none();
    memset(longer, 'x', sizeof longer);
    assert_int_equal(
        faults_parse(&faults, ts_slice_of(longer, sizeof longer), &err),
        TS_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_word_says_what_it_says),
        cmocka_unit_test(a_cut_is_at_a_byte_of_a_way),
        cmocka_unit_test(faults_add_up_until_open),
        cmocka_unit_test(a_mistake_is_told_and_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
