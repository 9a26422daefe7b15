/* Topic and payload as a broker may give them, into intake over a database in
 * memory. Input: the topic up to the first line end, then the payload; the
 * topic's first byte says whether the message is retained. */
#include "base/log.h"
#include "hub/intake.h"
#include "hub/registry.h"

#include <stdlib.h>
#include <string.h>

struct world {
    struct db *db;
    struct lease lease;
    struct ts_metrics *metrics;
    struct intake *intake;
};

static void drop_line(void *ctx, enum ts_log_level level, const char *line) {
    (void)ctx;
    (void)level;
    (void)line;
}

static void must(enum ts_status status) {
    if (status != TS_OK)
        abort();
}

static void world_open(struct world *world) {
    struct ts_wall now = {1795600000000};
    struct intake_options options = {
        .lease = &world->lease, .clock = ts_clock_system(), .window = 16};

    must(db_open(&world->db, "sqlite::memory:", NULL));
    must(lease_take(&world->lease, world->db, "hub-1", true, now, NULL));
    must(registry_add(world->db, "milano-01-lane-3", "milano-01", now, NULL));
    world->metrics = ts_metrics_new();
    intake_declare(world->metrics);
    options.db = world->db;
    options.metrics = world->metrics;
    world->intake = intake_new(&options);
}

static void feed(struct world *world, const struct topic *topic,
                 struct ts_slice payload, bool retained) {
    struct intake_reply reply;
    struct ts_err err = {0};

    /* Nothing from outside may make the database refuse. */
    must(intake_message(world->intake, topic, payload, retained, &reply, &err));
    if (db_in_transaction(world->db))
        abort();
    intake_reply_fini(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct world world;
    const uint8_t *end = size > 1 ? memchr(data + 1, '\n', size - 1) : NULL;
    struct topic topic;

    if (!world.db) {
        ts_log_set_sink(drop_line, NULL);
        world_open(&world);
    }
    if (!end ||
        topic_parse(&topic, "tessera",
                    ts_slice_of(data + 1, (size_t)(end - data) - 1)) != TS_OK)
        return 0;
    end++;
    feed(&world, &topic, ts_slice_of(end, size - (size_t)(end - data)),
         data[0] == 'r');
    return 0;
}
