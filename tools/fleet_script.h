/* What is done to virtual terminals, and when: text, one step a line.
 *
 *   at 10s line cut stores 20%
 *   at 20s kill lanes 30%
 *   until drained 120s
 *
 * docs/man/tessera-simulate.1 tells the steps. */
#ifndef TS_TOOLS_FLEET_SCRIPT_H
#define TS_TOOLS_FLEET_SCRIPT_H

#include "base/bytes.h"

enum fleet_act {
    FLEET_LINE,      /* `words` to the lines of stores */
    FLEET_KILL,      /* kill -9; each comes back within 3 s */
    FLEET_POWER_OFF, /* kill -9; stays away until power on */
    FLEET_POWER_ON,
    FLEET_UNPLUG, /* the reader is away: nothing is recorded */
    FLEET_PLUG,
    FLEET_CLOCK,   /* the wall clock jumps by `number` ms */
    FLEET_BACKLOG, /* each lane records `number` events at once */
    FLEET_RATE,    /* events a minute and lane from now on */
    FLEET_STOP,    /* nothing more is recorded */
    FLEET_BREAK,   /* `words` to the shell: begins a fault outside */
    FLEET_MEND,    /* `words` to the shell: ends it */
    FLEET_EXEC,    /* `words` to the shell: neither */
    FLEET_UNTIL    /* stop, and wait until nothing is unsent */
};

struct fleet_pick {
    bool stores; /* whole stores, else single lanes */
    bool percent;
    double amount; /* 100 and percent: all */
};

struct fleet_step {
    unsigned line;
    int64_t at_ms; /* from the start; of FLEET_UNTIL how long it may take */
    enum fleet_act act;
    struct fleet_pick pick;
    double number;
    char *words; /* or NULL */
    char *text;  /* the step as written, without its time */
};

struct fleet_script {
    struct fleet_step *steps; /* in order of time */
    size_t count;
    bool uses_lines;
    int64_t until_ms; /* how long draining may take */
};

enum { FLEET_UNTIL_MS = 120000 };

/* TS_INVALID: the text names the line and what is allowed. */
enum ts_status fleet_script_parse(struct fleet_script *out,
                                  struct ts_slice text,
                                  struct ts_err *err) TS_MUST_USE;
void fleet_script_fini(struct fleet_script *script);
/* "10s", "500ms", "2m", "1h", "3d", "1y" into milliseconds. */
bool fleet_time_parse(int64_t *out, const char *text);

#endif
