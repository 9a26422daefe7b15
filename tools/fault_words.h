/* What can be wrong with a line, told in words: "delay 600, loss 2". */
#ifndef TS_TOOLS_FAULT_WORDS_H
#define TS_TOOLS_FAULT_WORDS_H

#include "base/bytes.h"

enum fault_mode {
    FAULT_NONE,
    FAULT_CUT,       /* no connection stands, new ones are refused */
    FAULT_REFUSE,    /* the same, but new ones are accepted and reset */
    FAULT_HALF_OPEN, /* nothing moves and nobody is told */
    FAULT_PORTAL     /* new ones get the answer of a captive portal */
};

enum fault_way { FAULT_UP, FAULT_DOWN, FAULT_WAYS };

#define FAULT_NEVER UINT64_MAX

struct faults {
    enum fault_mode mode;
    bool garbage;      /* other bytes come out than went in */
    uint32_t delay_ms; /* one way */
    uint32_t rate;     /* bytes a second each way; 0: without limit */
    double loss;       /* share of the segments, 0 to 1 */
    uint64_t cut_after[FAULT_WAYS]; /* bytes of a connection, FAULT_NEVER */
    bool cut_once;                  /* the first cut ends cut_after */
    /* What is done once, when it is said. */
    bool open, reset, count_anew;
    uint32_t stall_ms;
};

/* A line without faults. */
struct faults faults_none(void);
/* Adds the words, parted by commas, to `faults`; a mistake changes nothing.
 * docs/man/tessera-simulate.1 tells the words. */
enum ts_status faults_parse(struct faults *faults, struct ts_slice words,
                            struct ts_err *err) TS_MUST_USE;

#endif
