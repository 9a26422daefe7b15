#include "hub/run.h"

#include "base/log.h"
#include "base/token.h"
#include "hub/customer.h"
#include "hub/lease.h"
#include "hub/link.h"
#include "hub/web.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

enum { LEAVE_US = 300000 };

struct hub {
    const struct config *config;
    struct event_base *loop;
    struct event *signals[2];
    struct event *renew;
    struct db *db;
    struct ts_keys *keys;
    struct ts_http *http;
    struct lease lease;
    bool leased;
    struct web web;
    struct ts_err *reason;
    enum ts_status ended; /* what the program answers */
};

static void after(struct event *timer, unsigned ms) {
    struct timeval delay = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};

    (void)event_add(timer, &delay);
}

static void on_signal(evutil_socket_t number, short what, void *ctx) {
    struct hub *hub = ctx;
    struct timeval moment = {0, LEAVE_US};

    (void)number;
    (void)what;
    ts_log(TS_LOG_INFO, "hub", "asked to stop");
    link_leave(hub->web.link);
    (void)event_base_loopexit(hub->loop, &moment);
}

static void on_lost(void *ctx, const struct ts_err *reason) {
    struct hub *hub = ctx;

    hub->ended = ts_fail(hub->reason, TS_DENIED, "%s", reason->text);
    (void)event_base_loopbreak(hub->loop);
}

static void on_renew(evutil_socket_t fd, short what, void *ctx) {
    struct hub *hub = ctx;
    struct ts_err err = {0};
    enum ts_status status =
        lease_renew(&hub->lease, hub->db, ts_clock_wall(hub->web.clock), &err);

    (void)fd;
    (void)what;
    if (status == TS_DENIED)
        on_lost(hub, &err);
    else if (status != TS_OK)
        ts_log(TS_LOG_WARN, "hub", "the lease is not renewed: %s", err.text);
    after(hub->renew, LEASE_RENEW_MS);
}

static void on_taken(void *ctx, unsigned shard) {
    struct hub *hub = ctx;

    customer_notify(hub->web.customer, shard);
}

/* Private: whoever can write here can stand between us and the broker. */
static enum ts_status make_runtime_dir(const char *path, struct ts_err *err) {
    if (!mkdir(path, 0700) || errno == EEXIST)
        return TS_OK;
    return ts_fail(err, TS_IO, "runtime_dir %s: %s: make it, with mode 0700",
                   path, strerror(errno));
}

static enum ts_status open_db(struct hub *hub, struct ts_err *err) {
    bool alone = false;
    enum ts_status status = db_open(&hub->db, hub->config->database, err);

    hub->web.db = hub->db;
    if (status == TS_OK)
        status = db_hold(hub->db, &alone, err);
    if (status == TS_OK)
        status = lease_take(&hub->lease, hub->db, hub->config->name, alone,
                            ts_clock_wall(hub->web.clock), err);
    hub->leased = status == TS_OK;
    return status;
}

static void open_metrics(struct hub *hub) {
    hub->web.metrics = ts_metrics_new();
    intake_declare(hub->web.metrics);
    link_declare(hub->web.metrics);
    customer_declare(hub->web.metrics);
}

static void open_intake(struct hub *hub) {
    struct intake_options options = {
        .db = hub->db,
        .lease = &hub->lease,
        .metrics = hub->web.metrics,
        .clock = hub->web.clock,
        .window = hub->config->window,
        .on_taken = on_taken,
        .ctx = hub,
    };

    hub->web.intake = intake_new(&options);
}

static void open_customer(struct hub *hub) {
    struct customer_parts parts = {
        .loop = hub->loop,
        .config = hub->config,
        .db = hub->db,
        .keys = hub->keys,
        .clock = hub->web.clock,
        .metrics = hub->web.metrics,
        .lease = &hub->lease,
    };

    hub->web.customer = customer_open(&parts);
    customer_set_ready(hub->web.customer, true);
}

static enum ts_status open_link(struct hub *hub, struct ts_err *err) {
    struct link_options options = {
        .loop = hub->loop,
        .config = hub->config,
        .intake = hub->web.intake,
        .db = hub->db,
        .lease = &hub->lease,
        .metrics = hub->web.metrics,
        .on_lost = on_lost,
        .ctx = hub,
    };

    return link_open(&hub->web.link, &options, err);
}

static void open_events(struct hub *hub) {
    static const int numbers[] = {SIGTERM, SIGINT};

    (void)signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < 2; i++) {
        hub->signals[i] = evsignal_new(hub->loop, numbers[i], on_signal, hub);
        (void)event_add(hub->signals[i], NULL);
    }
    hub->renew = event_new(hub->loop, -1, 0, on_renew, hub);
    after(hub->renew, LEASE_RENEW_MS);
}

static enum ts_status hub_open(struct hub *hub, struct ts_err *err) {
    const struct config *config = hub->config;
    enum ts_status status = make_runtime_dir(config->mqtt.runtime_dir, err);

    if (status == TS_OK)
        status = ts_keys_load(&hub->keys, config->key_file, err);
    if (status == TS_OK)
        status = open_db(hub, err);
    if (status != TS_OK)
        return status;
    open_events(hub);
    open_metrics(hub);
    open_intake(hub);
    open_customer(hub);
    status = ts_http_start(&hub->http, hub->loop, &config->http, web_routes,
                           &hub->web, err);
    if (status == TS_OK)
        status = open_link(hub, err);
    return status;
}

static void hub_close(struct hub *hub) {
    link_close(hub->web.link);
    ts_http_stop(hub->http);
    customer_close(hub->web.customer);
    intake_free(hub->web.intake);
    ts_metrics_free(hub->web.metrics);
    if (hub->renew)
        event_free(hub->renew);
    for (size_t i = 0; i < 2; i++)
        if (hub->signals[i])
            event_free(hub->signals[i]);
    if (hub->leased)
        lease_release(&hub->lease, hub->db);
    db_close(hub->db);
    ts_keys_free(hub->keys);
    event_base_free(hub->loop);
}

enum ts_status hub_run(const struct config *config, struct ts_err *err) {
    struct hub hub = {.config = config,
                      .loop = event_base_new(),
                      .reason = err,
                      .web = {.config = config, .clock = ts_clock_system()}};
    enum ts_status status;

    if (!hub.loop)
        return ts_fail(err, TS_IO, "libevent gives no loop");
    /* Three levels: everything runs in the middle, deriving below it. */
    (void)event_base_priority_init(hub.loop, 3);
    status = hub_open(&hub, err);
    if (status == TS_OK) {
        ts_log(TS_LOG_INFO, "hub", "%s " TS_VERSION " on http://%s:%u",
               config->name, config->http.address, ts_http_port(hub.http));
        (void)event_base_dispatch(hub.loop);
        status = hub.ended;
    }
    hub_close(&hub);
    return status;
}
