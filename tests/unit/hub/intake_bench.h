/* One hub without broker for tests: a database, its lease, and intake. */
#ifndef TS_TESTS_HUB_INTAKE_BENCH_H
#define TS_TESTS_HUB_INTAKE_BENCH_H

#include "base/ids.h"
#include "hub/intake.h"
#include "sync/message.h"
#include "tests/unit/hub/engines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LANE    "milano-01-lane-3"
#define STORE   "milano-01"
#define JOURNAL "9f2c6a1be07d4455"
#define TOKEN   "c1.uKCh5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqY"

struct bench {
    struct db *db;
    struct lease lease;
    struct ts_metrics *metrics;
    struct intake *intake;
    struct topic topic;
    struct message_ack ack; /* the last one, journal "" when none came */
    json_t *desk;           /* the last desk answer */
    unsigned woken;
    bool retained; /* what is sent comes retained */
};

/* An event as a terminal writes it. */
struct sample {
    const char *store, *terminal, *journal, *type, *data;
    uint64_t sequence;
};

extern const struct ts_clock bench_clock; /* stands still */

void bench_open(struct bench *bench, const char *url);
void bench_close(struct bench *bench);
void keep_reply(struct bench *bench, const struct intake_reply *reply);
void bench_send(struct bench *bench, enum topic_leaf leaf,
                struct ts_slice payload);
void send_text(struct bench *bench, enum topic_leaf leaf, const char *text);
void event_text(struct ts_buf *out, const struct sample *given);
void send_samples(struct bench *bench, const struct sample *samples,
                  size_t count);
void send_one(struct bench *bench, struct sample sample);
void send_range(struct bench *bench, uint64_t first, uint64_t last);
void assert_ack(const struct bench *bench, uint64_t through,
                enum batch_refusal refused);
int64_t ask_number(struct bench *bench, const char *sql);
int64_t events(struct bench *bench);
int64_t quarantined(struct bench *bench);
int64_t alarms(struct bench *bench, const char *kind);
struct ts_wall wall_fixed(void *ctx);
bool always(void *ctx);

typedef void intake_case(struct bench *bench);
/* Runs a case on the engine of `url`; the macro on both, *state_of being the
 * engines of intake_bench_start. */
void on_url(const char *url, intake_case *run);
#define ON_BOTH(name)                                                          \
    static void test_##name(void **state_of) {                                 \
        on_url("sqlite::memory:", name);                                       \
        on_url(engines_postgres(*state_of), name);                             \
    }
int intake_bench_start(void **state_of);
int intake_bench_stop(void **state_of);

#endif
