/* A virtual terminal: a real uplink (sync/uplink.h) over a journal in memory,
 * with a made-up shop in front of it, a clock of its own and a plug to pull. */
#ifndef TS_TOOLS_VLANE_H
#define TS_TOOLS_VLANE_H

#include "tools/ram_journal.h"

struct vlane;

/* Shared by all lanes of a process; borrowed. */
struct vlane_common {
    struct event_base *loop;
    struct uplink_options
        uplink;        /* origin, host, port and files: each lane's */
    const char *certs; /* folder of <terminal>.crt and .key */
    size_t keep;       /* acked copies a lane */
    void *ctx;
    /* What a lane tells; `index` is its own. `came`: connected just now; else
     * `text` is what is wrong with the line. */
    void (*on_line)(void *ctx, size_t index, bool came, const char *text);
    void (*on_released)(void *ctx, size_t index, int64_t committed_us);
    void (*on_restarted)(void *ctx, size_t index);
};

struct vlane_options {
    const struct vlane_common *common;
    size_t index;
    const char *terminal, *store;
    const char *host; /* where it connects */
    uint16_t port;
    uint64_t seed;
    double rate; /* events a minute */
};

struct vlane *vlane_new(const struct vlane_options *options);
void vlane_free(struct vlane *lane);
/* Power on after `wait_ms`; its first row is terminal.started. TS_INVALID:
 * the settings of the line are wrong. */
enum ts_status vlane_start(struct vlane *lane, unsigned wait_ms,
                           struct ts_err *err) TS_MUST_USE;
/* The process dies without a word and is started again after `wait_ms`. */
void vlane_kill(struct vlane *lane, unsigned wait_ms);
/* The same for the machine; it stays off, and comes back as another boot. */
void vlane_power_off(struct vlane *lane);
void vlane_power_on(struct vlane *lane, unsigned wait_ms);
void vlane_plug(struct vlane *lane, bool plugged);
void vlane_step_clock(struct vlane *lane, int64_t by_ms);
void vlane_backlog(struct vlane *lane, uint64_t events);
void vlane_set_rate(struct vlane *lane, double rate); /* 0: none */
/* Goes down in order: the state says so, no will. */
void vlane_leave(struct vlane *lane);

struct vlane_stats {
    bool running, powered, plugged, up;
    struct ram_journal_stats journal;
    /* Of all runs together. */
    uint64_t sessions, batches_sent, batches_resent, refused, alarms;
    uint64_t bytes_out, bytes_in, failures;
    int64_t late_us; /* the longest that a scan waited for this program */
};
void vlane_get_stats(const struct vlane *lane, struct vlane_stats *out);
const struct ram_journal *vlane_journal(const struct vlane *lane);
const char *vlane_terminal(const struct vlane *lane);
/* Monotonic, for committed_us. */
int64_t vlane_now_us(void);

#endif
