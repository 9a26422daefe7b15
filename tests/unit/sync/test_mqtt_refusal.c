/* How long a session whose subscription was refused goes on. */
#include "sync/mqtt_refusal.h"

#include "cmocka_all.h"

static struct ts_mono at(int64_t ms) { return (struct ts_mono){.ms = ms}; }

/* Asserts that a refusal at `now_ms` gives the session up `wait_ms` later. */
static void assert_wait(struct mqtt_refusal *refusal, int64_t now_ms,
                        int64_t wait_ms) {
    mqtt_refusal_note(refusal, at(now_ms));
    assert_false(mqtt_refusal_is_due(refusal, at(now_ms + wait_ms - 1)));
    assert_true(mqtt_refusal_is_due(refusal, at(now_ms + wait_ms)));
}

static void test_none(void **state) {
    const struct mqtt_refusal refusal = {0};

    (void)state;
    assert_false(mqtt_refusal_is_due(&refusal, at(INT64_MAX)));
}

static void test_ever_later(void **state) {
    struct mqtt_refusal refusal = {0};

    (void)state;
    for (int64_t wait = MQTT_REFUSAL_MIN_MS; wait < MQTT_REFUSAL_MAX_MS;
         wait *= 2) {
        assert_wait(&refusal, 1000, wait);
        mqtt_refusal_on_end(&refusal, true);
        assert_false(mqtt_refusal_is_due(&refusal, at(INT64_MAX)));
    }
    for (int i = 0; i < 100; i++) {
        assert_wait(&refusal, 1000, MQTT_REFUSAL_MAX_MS);
        mqtt_refusal_on_end(&refusal, true);
    }
}

static void test_the_first_counts(void **state) {
    struct mqtt_refusal refusal = {0};

    (void)state;
    mqtt_refusal_note(&refusal, at(5000));
    mqtt_refusal_note(&refusal, at(6999));
    assert_true(mqtt_refusal_is_due(&refusal, at(5000 + MQTT_REFUSAL_MIN_MS)));
}

static void test_begins_anew(void **state) {
    struct mqtt_refusal refusal = {0};

    (void)state;
    assert_wait(&refusal, 0, MQTT_REFUSAL_MIN_MS);
    mqtt_refusal_on_end(&refusal, true);
    mqtt_refusal_on_end(&refusal, false); /* nobody was asked */
    assert_wait(&refusal, 0, 2 * (int64_t)MQTT_REFUSAL_MIN_MS);
    mqtt_refusal_on_end(&refusal, true);
    mqtt_refusal_on_end(&refusal, true); /* all was granted */
    assert_wait(&refusal, 0, MQTT_REFUSAL_MIN_MS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_ever_later),
        cmocka_unit_test(test_the_first_counts),
        cmocka_unit_test(test_begins_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
