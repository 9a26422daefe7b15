/* Which instants of a recording the power goes at: each sync, before and
 * behind it, every n-th write, and instants by lot.
 *
 * TESSERA_POWER_SYNCS: each how manieth sync, 1 unless set;
 * TESSERA_POWER_EVERY: each how manieth write, 7 unless set;
 * TESSERA_POWER_RANDOM: how many instants by lot, 1000 unless set. */
#ifndef TS_TESTS_FAULT_CUTS_H
#define TS_TESTS_FAULT_CUTS_H

#include "power_vfs.h"

struct cut {
    size_t step; /* the first step that did not come to its end */
    enum power_tear tear;
    uint64_t seed;
    bool random; /* by lot */
};

struct cuts {
    struct cut *cuts; /* in the order of the steps */
    size_t count;
    size_t syncs, writes, random;
};

struct cuts cuts_plan(const struct power_tape *tape, size_t first_step);
void cuts_fini(struct cuts *cuts);
/* A new folder in memory where the machine has such a place: the disk that
 * matters is the tape. `out` holds 64 bytes. */
void cuts_folder(char *out);
/* A number of the environment, at least 1; `usual` unless set. */
size_t cuts_setting(const char *name, size_t usual);

#endif
