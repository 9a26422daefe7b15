/* Many virtual terminals in one loop, what a script does to them, and what
 * became of it. */
#ifndef TS_TOOLS_FLEET_H
#define TS_TOOLS_FLEET_H

#include "tools/fleet_script.h"
#include "tools/vlane.h"

/* Descriptors: 6 a lane, 2 more where it has a line with faults, 3 a line. */
size_t fleet_files_needed(size_t lanes, size_t lanes_a_store, bool lines);

struct fleet_options {
    const char *prefix; /* terminals <prefix>-00001, stores <prefix>-s00001 */
    size_t lanes;       /* of all processes together */
    size_t lanes_a_store;
    size_t first, count; /* the lanes of this process, whole stores */
    uint64_t seed;
    double rate; /* events a minute and lane */
    size_t keep; /* acked copies a lane */
    const char *root;
    const char *host; /* the broker */
    uint16_t port;
    const char *ca_file; /* NULL: no TLS */
    const char *crl_file;
    const char *certs; /* folder of <terminal>.crt and .key */
    unsigned backoff_min_ms, backoff_max_ms, spread_ms, ack_timeout_ms;
    unsigned keepalive_s;
    const struct fleet_script *script;
    int64_t start_ms; /* monotonic: the script's zero, for all processes */
    bool commands;    /* this process runs break, mend and exec */
    bool talk;        /* tells its steps on standard error */
};

/* "shop" and 7: "shop-00007". */
void fleet_terminal_name(char out[TS_NAME_TEXT], const char *prefix,
                         size_t index);
void fleet_store_name(char out[TS_NAME_TEXT], const struct fleet_options *o,
                      size_t index);

struct fleet;

/* Makes everything and connects nobody. */
enum ts_status fleet_new(struct fleet **out,
                         const struct fleet_options *options,
                         struct ts_err *err) TS_MUST_USE;
/* Plays the script; returns when all is drained or the time for it is over. */
enum ts_status fleet_run(struct fleet *fleet, struct ts_err *err) TS_MUST_USE;
/* What is known without the archive, a new reference; docs/simulator.md tells
 * the members. */
json_t *fleet_result(struct fleet *fleet);
void fleet_free(struct fleet *fleet);

size_t fleet_lanes(const struct fleet *fleet);
const struct vlane *fleet_lane(const struct fleet *fleet, size_t index);

#endif
