/* Rows of tests/data: name, kind, verdict, input, expectation. */
#ifndef TS_TESTS_GS1_DATA_H
#define TS_TESTS_GS1_DATA_H

#include "base/bytes.h"

struct data_row {
    const char *name;
    const char *kind;
    const char *verdict;
    struct ts_slice input; /* \xNN and \\ resolved, as in the next */
    struct ts_slice expected;
};

/* Calls `each` for every row of tests/data/`file`; answers how many. */
size_t data_each(const char *file,
                 void (*each)(void *ctx, const struct data_row *row),
                 void *ctx);

struct gs1;
/* The elements as `^` and AI and value, `^` again where the AI before does not
 * end by itself: as GS1's engine writes them. `out` holds 8192. */
void data_join(char *out, const struct gs1 *gs1);

#endif
