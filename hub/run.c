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

enum { LEAVE_US = 300000, REACH_MS = 250 };

struct hub {
    const struct hub_config *config;
    struct event_base *loop;
    struct event *signals[2];
    struct event *renew;
    struct event *reach; /* looks for a database that is away */
    struct db *db;
    struct ts_keys *keys;
    struct ts_http *http;
    struct lease lease;
    bool leased, waiting;
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
    if (hub->web.link)
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
    enum ts_status status = db_connect(hub->db, err);

    if (status == TS_OK)
        status = db_hold(hub->db, &alone, err);
    if (status == TS_OK)
        status = lease_take(&hub->lease, hub->db, hub->config->name, alone,
                            ts_clock_wall(hub->web.clock), err);
    hub->leased = status == TS_OK;
    hub->web.db = hub->leased ? hub->db : NULL;
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

/* What needs the database. */
static enum ts_status open_work(struct hub *hub, struct ts_err *err) {
    enum ts_status status = open_db(hub, err);

    if (status != TS_OK)
        return status;
    after(hub->renew, LEASE_RENEW_MS);
    open_intake(hub);
    open_customer(hub);
    return open_link(hub, err);
}

/* A server that is away comes back; everything else needs a person. */
static bool is_away(const struct hub *hub, enum ts_status status) {
    bool file = !strncmp(hub->config->database, "sqlite:", 7);

    return !file && !hub->leased &&
           (status == TS_IO || status == TS_CLOSED || status == TS_AGAIN ||
            status == TS_FULL);
}

/* Starts to work as soon as the database is there; until then only the HTTP
 * server runs and says so. */
static enum ts_status reach_db(struct hub *hub, struct ts_err *err) {
    enum ts_status status = open_work(hub, err);

    if (status == TS_OK && hub->waiting)
        ts_log(TS_LOG_INFO, "hub", "the database is there: the hub works");
    if (!is_away(hub, status))
        return status;
    if (!hub->waiting)
        ts_log(TS_LOG_WARN, "hub",
               "the hub waits for its database and takes nothing: %s",
               err->text);
    hub->waiting = true;
    after(hub->reach, REACH_MS);
    return TS_OK;
}

static void on_reach(evutil_socket_t fd, short what, void *ctx) {
    struct hub *hub = ctx;
    struct ts_err err = {0};

    (void)fd;
    (void)what;
    if (reach_db(hub, &err) == TS_OK)
        return;
    hub->ended = ts_fail(hub->reason, err.status, "%s", err.text);
    (void)event_base_loopbreak(hub->loop);
}

static void open_events(struct hub *hub) {
    static const int numbers[] = {SIGTERM, SIGINT};

    (void)signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < 2; i++) {
        hub->signals[i] = evsignal_new(hub->loop, numbers[i], on_signal, hub);
        (void)event_add(hub->signals[i], NULL);
    }
    hub->renew = event_new(hub->loop, -1, 0, on_renew, hub);
    hub->reach = event_new(hub->loop, -1, 0, on_reach, hub);
}

static enum ts_status hub_open(struct hub *hub, struct ts_err *err) {
    const struct hub_config *config = hub->config;
    enum ts_status status = make_runtime_dir(config->mqtt.runtime_dir, err);

    if (status == TS_OK)
        status = ts_keys_load(&hub->keys, config->key_file, err);
    if (status == TS_OK)
        status = db_new(&hub->db, config->database, err);
    if (status != TS_OK)
        return status;
    open_events(hub);
    open_metrics(hub);
    status = ts_http_start(&hub->http, hub->loop, &config->http, web_routes,
                           &hub->web, err);
    if (status == TS_OK)
        status = reach_db(hub, err);
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
    if (hub->reach)
        event_free(hub->reach);
    for (size_t i = 0; i < 2; i++)
        if (hub->signals[i])
            event_free(hub->signals[i]);
    if (hub->leased)
        lease_release(&hub->lease, hub->db);
    db_close(hub->db);
    ts_keys_free(hub->keys);
    event_base_free(hub->loop);
}

enum ts_status hub_run(const struct hub_config *config, struct ts_err *err) {
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
