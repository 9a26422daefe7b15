/* What the agent's tests share: a clock of their own, a folder that goes. */
#ifndef TS_TESTS_AGENT_SUPPORT_H
#define TS_TESTS_AGENT_SUPPORT_H

#include "agent/journal.h"

#define TEST_BOOT "5d1e88c2"

struct hand_clock {
    struct ts_clock clock;
    int64_t wall_ms, mono_ms;
    bool synchronised;
};
void hand_clock_init(struct hand_clock *clock);

enum { FOLDER_TEXT = 64 };
void folder_make(char out[FOLDER_TEXT]);
/* With everything in it; folders in it are not expected. */
void folder_remove(const char *folder);
/* How many names of the folder hold `part`. */
size_t folder_count(const char *folder, const char *part);

/* The journal of a test, in `folder`, with defaults. `path` holds the name. */
struct journal_options test_journal_options(const char *folder, char path[128],
                                            const struct hand_clock *clock);

/* SplitMix64: the same numbers everywhere for one seed. */
uint64_t draw(uint64_t *state);

#endif
