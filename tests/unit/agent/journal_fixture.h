/* A journal of a test's own, opened before it and removed behind it. */
#ifndef TS_TESTS_AGENT_JOURNAL_FIXTURE_H
#define TS_TESTS_AGENT_JOURNAL_FIXTURE_H

#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct fixture {
    char folder[FOLDER_TEXT];
    char path[128];
    struct hand_clock clock;
    struct journal_options options;
    struct journal *journal;
    struct journal_report report;
};

void open_journal(struct fixture *f);
/* A test with a fixture as its state. */
int journal_set_up(void **state);
int journal_tear_down(void **state);
#define JOURNAL_TEST(name)                                                     \
    cmocka_unit_test_setup_teardown(name, journal_set_up, journal_tear_down)

/* As the uplink does when the hub has taken the events. */
void release(struct fixture *f, const char *journal, uint64_t through);
struct journal_stats stats(struct fixture *f);

#endif
