/* A day of one lane, scripted: scans in groups and alone, voids, cards, closed
 * and abandoned visits, a kiosk, readers that come and go, restarts, copies
 * that age, desk records, an erasure, and a hub that acknowledges in between.
 * The clock is the script's. All that the lane writes is on a tape. */
#ifndef TS_TESTS_FAULT_DAY_H
#define TS_TESTS_FAULT_DAY_H

#include "power_vfs.h"
#include "rejoin.h"

#include "tests/unit/agent/lane_fixture.h"

#define DAY_STORE    "milano-01"
#define DAY_TERMINAL "milano-01-lane-3"

/* A row that the lane has told of: it beeped. */
struct day_row {
    char journal[TS_JOURNAL_TEXT];
    uint64_t sequence;
    struct ts_buf body; /* canonical, as the archive keeps it */
};

struct day_rows {
    struct day_row *rows;
    size_t count, room;
};
void day_rows_add(struct day_rows *rows, const char *journal,
                  uint64_t sequence);
/* Reads what the rows from `first` on hold from the journal. */
void day_rows_read(struct day_rows *rows, size_t first,
                   struct journal *journal);
void day_rows_fini(struct day_rows *rows);

/* The notes of the tape. */
enum day_note {
    DAY_TOLD, /* rows that beeped */
    DAY_HUB,  /* pictures of the hub: the last one counts */
    DAY_STEP  /* steps of the script that began */
};

struct day {
    struct fixture *lane;
    struct desk *desk;
    uint64_t desk_told; /* position that was reported as applied */
    struct rejoin_hub hub;
    char hub_folder[FOLDER_TEXT];
    char hub_url[128];
    struct rejoin *wire;
    struct ts_buf *hubs; /* the hub's file behind each exchange */
    size_t hub_count;
    struct day_rows rows;
    size_t *step_end; /* rows told at the end of each step */
    size_t step_count;
    struct power_notes notes;
    struct power_tape *tape;
};

/* Lives the day through. */
void day_live(struct day *day);
void day_fini(struct day *day);
/* A lane that is stopped gets an empty folder as cuts_folder makes them. */
void day_move_lane(struct fixture *lane);
/* How many desk records the day applied; record i has the key below. */
enum { DAY_DESK_RECORDS = 12 };
void day_desk_key(char out[TS_TOKEN_TEXT], unsigned index);

#endif
