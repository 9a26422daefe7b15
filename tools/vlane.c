#include "tools/vlane.h"

#include "tools/event_samples.h"

#include <event2/event.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PATH_TEXT = 1024,
    COMMIT_MIN_US = 5000, /* a sync on eMMC takes 5 to 30 ms */
    COMMIT_MAX_US = 30000,
    DESK_PAGE = 1000,
    GROUP_MAX = 1000 /* rows of a backlog in one commit */
};

struct vlane {
    struct vlane_options options;
    struct event_origin origin;
    struct ram_journal *journal;
    struct event_sampler *sampler;
    struct uplink *uplink; /* NULL: the process is down */
    struct event *scan, *commit, *boot;
    struct ts_clock clock;
    uint64_t random;
    int64_t wall_offset_ms;
    int64_t booted_ms; /* on the machine's monotonic clock */
    int64_t due_us;    /* the next scan */
    enum event_clock trust;
    int64_t hub_offset_ms; /* wall - uptime, as the hub told */
    bool powered, plugged, up;
    double rate;
    uint64_t session, backlog;
    char log[TS_JOURNAL_TEXT]; /* of the store's desk */
    uint64_t log_position;
    struct vlane_stats past; /* of runs that are over */
    char crt[PATH_TEXT], key[PATH_TEXT];
};

int64_t vlane_now_us(void) {
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* SplitMix64. */
static uint64_t draw(struct vlane *lane) {
    uint64_t z = lane->random += 0x9e3779b97f4a7c15ULL;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static struct ts_wall clock_wall(void *ctx) {
    const struct vlane *lane = ctx;
    struct ts_wall wall = ts_clock_wall(ts_clock_system());

    wall.unix_ms += lane->wall_offset_ms;
    return wall;
}

static struct ts_mono clock_mono(void *ctx) {
    const struct vlane *lane = ctx;
    struct ts_mono mono = ts_clock_mono(ts_clock_system());

    mono.ms -= lane->booted_ms;
    return mono;
}

static bool clock_synchronised(void *ctx) {
    return ((const struct vlane *)ctx)->trust == EVENT_CLOCK_SET;
}

static void arm_us(struct event *timer, int64_t us) {
    struct timeval wait = {(time_t)(us / 1000000), (suseconds_t)(us % 1000000)};

    (void)evtimer_add(timer, &wait);
}

static void append(struct vlane *lane, struct event event) {
    struct ts_buf bytes = {0};
    struct ts_wall wall = clock_wall(lane);

    event.uptime = clock_mono(lane);
    event.clock = lane->trust;
    if (lane->trust == EVENT_CLOCK_CORRECTED)
        wall.unix_ms = lane->hub_offset_ms + event.uptime.ms;
    event.time = wall;
    if (event_encode(&bytes, &lane->origin, ram_journal_id(lane->journal),
                     ram_journal_next(lane->journal), &event, NULL) == TS_OK)
        ram_journal_append(lane->journal, ts_buf_slice(&bytes));
    ts_buf_fini(&bytes);
    if (!evtimer_pending(lane->commit, NULL))
        arm_us(lane->commit,
               COMMIT_MIN_US +
                   (int64_t)(draw(lane) % (COMMIT_MAX_US - COMMIT_MIN_US)));
}

static void report(struct vlane *lane, const char *type, json_t *take_data) {
    append(lane, (struct event){.type = type, .data = take_data});
    json_decref(take_data);
}

/* The sampler's own start names a run that never was. */
static void record_sample(struct vlane *lane) {
    const struct event *event;

    do
        event = event_sampler_draw(lane->sampler, ram_journal_id(lane->journal),
                                   ram_journal_next(lane->journal));
    while (!strcmp(event->type, "terminal.started"));
    append(lane, *event);
}

/* Exponential: customers come as they like. */
static int64_t gap_us(struct vlane *lane) {
    double u = (double)(draw(lane) >> 11) / 9007199254740992.0;

    return (int64_t)(-log1p(-u) * 60e6 / lane->rate);
}

static void plan_scan(struct vlane *lane) {
    int64_t wait;

    if (!lane->uplink || lane->rate <= 0) {
        (void)event_del(lane->scan);
        return;
    }
    wait = lane->due_us - vlane_now_us();
    arm_us(lane->scan, wait > 0 ? wait : 0);
}

static void on_scan(evutil_socket_t fd, short what, void *arg) {
    struct vlane *lane = arg;
    int64_t now = vlane_now_us();

    (void)fd;
    (void)what;
    if (now - lane->due_us > lane->past.late_us)
        lane->past.late_us = now - lane->due_us;
    while (lane->due_us <= now) {
        if (lane->plugged)
            record_sample(lane);
        lane->due_us += gap_us(lane) + 1;
    }
    plan_scan(lane);
}

static void record_backlog(struct vlane *lane) {
    uint64_t group = lane->backlog < GROUP_MAX ? lane->backlog : GROUP_MAX;

    for (uint64_t i = 0; i < group; i++)
        record_sample(lane);
    lane->backlog -= group;
}

static void on_commit(evutil_socket_t fd, short what, void *arg) {
    struct vlane *lane = arg;

    (void)fd;
    (void)what;
    ram_journal_commit(lane->journal, vlane_now_us());
    if (lane->backlog)
        record_backlog(lane);
    uplink_notify(lane->uplink);
}

static void on_session(void *ctx, uint64_t session) {
    struct vlane *lane = ctx;
    struct message_pull pull = {.after = lane->log_position,
                                .limit = DESK_PAGE};

    lane->session = session;
    memcpy(pull.log, lane->log, sizeof pull.log);
    uplink_pull(lane->uplink, &pull);
}

/* Said again after each hub that comes back. */
static bool is_well(const char *text) {
    return !strncmp(text, "connected to ", 13) && !strstr(text, ", but");
}

static void on_line(void *ctx, bool up, const char *text) {
    struct vlane *lane = ctx;
    const struct vlane_common *common = lane->options.common;

    bool came = up && !lane->up;

    lane->up = up;
    if (!came && up && is_well(text))
        return;
    common->on_line(common->ctx, lane->options.index, came, text);
}

/* A step of the clock is put right by the first answer of the hub. */
static void on_hub_time(void *ctx, struct ts_wall hubtime, struct ts_mono at,
                        int64_t error_ms) {
    struct vlane *lane = ctx;
    char hub[TS_TIME_TEXT], uptime[TS_COUNTER_TEXT];

    if (lane->trust != EVENT_CLOCK_UNSET)
        return;
    lane->trust = EVENT_CLOCK_CORRECTED;
    lane->hub_offset_ms = hubtime.unix_ms - at.ms;
    ts_wall_text(hub, hubtime);
    (void)snprintf(uptime, sizeof uptime, "%lld", (long long)at.ms);
    report(lane, "clock.corrected",
           json_pack("{s:s,s:s,s:s,s:I}", "boot", lane->origin.boot, "uptime",
                     uptime, "hubtime", hub, "error_ms", (json_int_t)error_ms));
}

static void on_desk(void *ctx, const struct message_desk *desk) {
    struct vlane *lane = ctx;

    if (!desk->has_range)
        return;
    memcpy(lane->log, desk->log, sizeof lane->log);
    lane->log_position = desk->to;
    if (desk->more)
        on_session(lane, lane->session);
}

static void on_bell(void *ctx, const struct message_bell *bell) {
    struct vlane *lane = ctx;

    if (strcmp(bell->log, lane->log) != 0 || bell->through > lane->log_position)
        on_session(lane, lane->session);
}

static void on_released(void *ctx, int64_t committed_us) {
    struct vlane *lane = ctx;
    const struct vlane_common *common = lane->options.common;

    common->on_released(common->ctx, lane->options.index, committed_us);
}

static enum ts_status open_uplink(struct vlane *lane, struct ts_err *err) {
    const struct vlane_common *common = lane->options.common;
    struct uplink_options options = common->uplink;
    struct uplink_source source = ram_journal_source(lane->journal);
    struct uplink_events events = {.ctx = lane,
                                   .on_session = on_session,
                                   .on_line = on_line,
                                   .on_hub_time = on_hub_time,
                                   .on_desk = on_desk,
                                   .on_bell = on_bell};

    options.origin = lane->origin;
    options.journal = ram_journal_id(lane->journal);
    options.first_session = lane->session;
    options.mqtt.host = lane->options.host;
    options.mqtt.port = lane->options.port;
    options.mqtt.client_id = lane->origin.terminal;
    options.mqtt.clock = options.pace.clock = &lane->clock;
    if (options.mqtt.tls) {
        options.mqtt.cert_file = lane->crt;
        options.mqtt.key_file = lane->key;
    }
    return uplink_new(&lane->uplink, common->loop, &options, &source, &events,
                      err);
}

static void record_start(struct vlane *lane) {
    json_t *data = json_pack("{s:s}", "version", TS_VERSION);
    const char *previous;
    char last_text[TS_COUNTER_TEXT];
    uint64_t last;

    if (ram_journal_previous(lane->journal, &previous, &last)) {
        ts_counter_text(last_text, last);
        (void)json_object_set_new(data, "previous", json_string(previous));
        (void)json_object_set_new(data, "previous_last",
                                  json_string(last_text));
    }
    report(lane, "terminal.started", data);
}

static enum ts_status begin_run(struct vlane *lane, struct ts_err *err) {
    enum ts_status status;

    ram_journal_begin(lane->journal);
    status = open_uplink(lane, err);
    if (status != TS_OK)
        return status;
    lane->trust = EVENT_CLOCK_SET;
    if (lane->wall_offset_ms)
        lane->trust = EVENT_CLOCK_UNSET;
    record_start(lane);
    uplink_start(lane->uplink);
    lane->due_us = vlane_now_us();
    if (lane->rate > 0)
        lane->due_us += gap_us(lane);
    plan_scan(lane);
    return TS_OK;
}

static void on_boot(evutil_socket_t fd, short what, void *arg) {
    struct vlane *lane = arg;
    const struct vlane_common *common = lane->options.common;
    struct ts_err err = {0};

    (void)fd;
    (void)what;
    if (begin_run(lane, &err) != TS_OK)
        common->on_line(common->ctx, lane->options.index, false, err.text);
    else
        common->on_restarted(common->ctx, lane->options.index);
}

static void boot(struct vlane *lane) {
    struct ts_mono now = ts_clock_mono(ts_clock_system());

    ts_random_hex(lane->origin.boot, TS_BOOT_TEXT - 1);
    /* Machines of a shop have been up for different times. */
    lane->booted_ms = now.ms - 20000 - (int64_t)(draw(lane) % 60000);
    lane->powered = true;
}

struct vlane *vlane_new(const struct vlane_options *options) {
    const struct vlane_common *common = options->common;
    struct vlane *lane = ts_alloc(sizeof *lane);
    struct ram_journal_watch watch = {lane, on_released};

    lane->options = *options;
    lane->random = options->seed * 0x2545f4914f6cdd1dULL + 1;
    lane->rate = options->rate;
    lane->plugged = true;
    (void)snprintf(lane->origin.terminal, sizeof lane->origin.terminal, "%s",
                   options->terminal);
    (void)snprintf(lane->origin.store, sizeof lane->origin.store, "%s",
                   options->store);
    if (common->certs) {
        (void)snprintf(lane->crt, sizeof lane->crt, "%s/%s.crt", common->certs,
                       options->terminal);
        (void)snprintf(lane->key, sizeof lane->key, "%s/%s.key", common->certs,
                       options->terminal);
    }
    lane->clock =
        (struct ts_clock){lane, clock_wall, clock_mono, clock_synchronised};
    lane->journal = ram_journal_new(common->keep, &watch);
    lane->sampler = event_sampler_new(options->seed);
    lane->scan = evtimer_new(common->loop, on_scan, lane);
    lane->commit = evtimer_new(common->loop, on_commit, lane);
    lane->boot = evtimer_new(common->loop, on_boot, lane);
    return lane;
}

static void add_past(struct vlane *lane) {
    struct vlane_stats now;

    vlane_get_stats(lane, &now);
    now.late_us = lane->past.late_us;
    lane->past = now;
}

/* As a killed process: the kernel closes its sockets. */
static void end_run(struct vlane *lane) {
    if (!lane->uplink)
        return;
    add_past(lane);
    uplink_free(lane->uplink);
    lane->uplink = NULL;
    lane->up = false;
    (void)event_del(lane->scan);
    (void)event_del(lane->commit);
    lane->backlog = 0;
    ram_journal_kill(lane->journal);
}

void vlane_free(struct vlane *lane) {
    if (!lane)
        return;
    end_run(lane);
    event_free(lane->scan);
    event_free(lane->commit);
    event_free(lane->boot);
    event_sampler_free(lane->sampler);
    ram_journal_free(lane->journal);
    free(lane);
}

enum ts_status vlane_start(struct vlane *lane, unsigned wait_ms,
                           struct ts_err *err) {
    enum ts_status status;

    if (wait_ms) {
        vlane_power_on(lane, wait_ms);
        return TS_OK;
    }
    boot(lane);
    status = begin_run(lane, err);
    if (status == TS_OK)
        lane->options.common->on_restarted(lane->options.common->ctx,
                                           lane->options.index);
    return status;
}

void vlane_kill(struct vlane *lane, unsigned wait_ms) {
    if (!lane->powered)
        return;
    end_run(lane);
    arm_us(lane->boot, (int64_t)wait_ms * 1000);
}

void vlane_power_off(struct vlane *lane) {
    end_run(lane);
    (void)event_del(lane->boot);
    lane->powered = false;
}

void vlane_power_on(struct vlane *lane, unsigned wait_ms) {
    if (lane->powered)
        return;
    boot(lane);
    arm_us(lane->boot, (int64_t)wait_ms * 1000);
}

void vlane_plug(struct vlane *lane, bool plugged) {
    if (lane->plugged == plugged)
        return;
    lane->plugged = plugged;
    if (lane->uplink)
        report(lane, plugged ? "reader.attached" : "reader.detached",
               json_pack("{s:s}", "reader", "scanner"));
}

void vlane_step_clock(struct vlane *lane, int64_t by_ms) {
    lane->wall_offset_ms += by_ms;
    if (!lane->uplink)
        return;
    lane->trust = EVENT_CLOCK_UNSET;
    report(lane, "clock.stepped",
           json_pack("{s:I}", "by_ms", (json_int_t)by_ms));
}

void vlane_backlog(struct vlane *lane, uint64_t events) {
    if (!lane->uplink)
        return;
    lane->backlog += events;
    record_backlog(lane);
}

void vlane_set_rate(struct vlane *lane, double rate) {
    lane->rate = rate;
    lane->due_us = vlane_now_us();
    if (rate > 0)
        lane->due_us += gap_us(lane);
    plan_scan(lane);
}

void vlane_leave(struct vlane *lane) {
    if (lane->uplink)
        uplink_stop(lane->uplink);
}

void vlane_get_stats(const struct vlane *lane, struct vlane_stats *out) {
    struct uplink_status status = {0};

    *out = lane->past;
    out->running = lane->uplink != NULL;
    out->powered = lane->powered;
    out->plugged = lane->plugged;
    out->up = lane->up;
    ram_journal_get_stats(lane->journal, &out->journal);
    out->journal.pending += lane->backlog;
    if (!lane->uplink)
        return;
    uplink_get_status(lane->uplink, &status);
    out->sessions += status.line.connections;
    out->failures += status.line.failures;
    out->batches_sent += status.batches_sent;
    out->batches_resent += status.batches_resent;
    out->refused += status.refused;
    out->alarms += status.alarms;
    out->bytes_out += status.line.bytes_out;
    out->bytes_in += status.line.bytes_in;
}

const struct ram_journal *vlane_journal(const struct vlane *lane) {
    return lane->journal;
}

const char *vlane_terminal(const struct vlane *lane) {
    return lane->origin.terminal;
}
