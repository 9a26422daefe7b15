/* Rows of a terminal in memory, with an uplink's view of them: for tests that
 * need a terminal which no disk could be, with copies gone or another's
 * numbers. */
#ifndef TS_TESTS_FAULT_SHELF_H
#define TS_TESTS_FAULT_SHELF_H

#include "sync/uplink.h"

enum { SHELF_JOURNALS_MAX = 8, SHELF_ROWS_MAX = 512 };

struct shelf_journal {
    char name[TS_JOURNAL_TEXT];
    uint64_t oldest, newest, through; /* newest 0: no row yet */
    struct ts_buf *rows;              /* SHELF_ROWS_MAX, row n at n - 1 */
    struct ts_buf *bodies;            /* the same, canonical */
};

struct shelf {
    struct event_origin origin;
    struct shelf_journal journals[SHELF_JOURNALS_MAX];
    size_t count;
    struct ts_wall now; /* of the next row */
    bool borrowed;      /* a view: the rows are another's */
};

void shelf_init(struct shelf *shelf, const char *store, const char *terminal,
                const char *boot);
void shelf_fini(struct shelf *shelf);
/* A run begins: `name` and its terminal.started, which names the run before. */
void shelf_begin(struct shelf *shelf, const char *name);
/* An item is scanned in the last journal. */
void shelf_scan(struct shelf *shelf, const char *gtin);
/* The same rows with bounds of its own: what is acknowledged up to
 * `through[i]` of journal i is gone. */
void shelf_view(struct shelf *view, const struct shelf *shelf,
                const uint64_t through[SHELF_JOURNALS_MAX]);
/* NULL: no such row. */
const struct ts_buf *shelf_body(const struct shelf *shelf, const char *journal,
                                uint64_t sequence);
struct uplink_source shelf_source(struct shelf *shelf);

#endif
