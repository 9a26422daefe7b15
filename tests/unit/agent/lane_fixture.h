/* A lane on a journal of its own, for its tests. */
#ifndef TS_TESTS_AGENT_LANE_FIXTURE_H
#define TS_TESTS_AGENT_LANE_FIXTURE_H

#include "support.h"

#include "agent/lane.h"

/* Made-up goods and made-up cards; 4111... is a public test number. */
#define CARD_A  "2501008336538"
#define CARD_B  "2501008336545"
#define TOKEN_A "c1.uKCh5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqY"
#define ITEM_A  "8001230000015"
#define ITEM_B  "8001230000022"
#define PAN     "4111111111111111"

struct fixture {
    char folder[FOLDER_TEXT];
    char path[128];
    struct hand_clock clock;
    struct journal_options journal_options;
    struct lane_options options;
    struct event_base *loop;
    struct timekeeper keeper;
    struct ts_keys *keys;
    struct journal *journal;
    struct recorder *recorder;
    struct lane *lane;
    json_t *members; /* token -> profile */
    json_t *offers;  /* token -> array */
    unsigned answers, taken;
    enum scan_outcome outcome;
    unsigned changes, recorded;
};

int fixture_set_up(void **state);
int fixture_tear_down(void **state);
void fixture_start(struct fixture *f);
void fixture_stop(struct fixture *f);
void fixture_restart(struct fixture *f);
void fixture_be_kiosk(struct fixture *f);
/* Commits while no file may grow: the group is lost. */
void fixture_flush_without_disk(struct fixture *f);

/* Counts the answers. */
void fixture_on_answer(void *arg, bool taken, enum scan_outcome outcome);
void fixture_scan(struct fixture *f, const char *text);
void fixture_scan_and_commit(struct fixture *f, const char *text);

struct listing {
    struct ts_buf types; /* one a line */
    struct ts_buf all;   /* the events */
};
struct listing fixture_list(struct fixture *f);
void listing_fini(struct listing *listing);
/* A new reference. */
json_t *fixture_visit(struct fixture *f);
void fixture_expect_notice(struct fixture *f, const char *kind);

#endif
