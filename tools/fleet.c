#include "tools/fleet_private.h"

#include <event2/event.h>

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    LOOK_US = 100000,
    LEAVE_US = 500000,
    FDS_A_LANE = 6,
    FDS_A_JOINT = 2,
    FDS_A_LINE = 3,
    FDS_SPARE = 256
};

int64_t fleet_now_ms(const struct fleet *fleet) {
    return ts_clock_mono(ts_clock_system()).ms - fleet->options.start_ms;
}

void fleet_say(const struct fleet *fleet, const char *format, ...) {
    va_list args;

    if (!fleet->options.talk)
        return;
    (void)fprintf(stderr, "%8.1f s  ", (double)fleet_now_ms(fleet) / 1000);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
}

void fleet_terminal_name(char out[TS_NAME_TEXT], const char *prefix,
                         size_t index) {
    (void)snprintf(out, TS_NAME_TEXT, "%.40s-%05zu", prefix, index + 1);
}

void fleet_store_name(char out[TS_NAME_TEXT], const struct fleet_options *o,
                      size_t index) {
    (void)snprintf(out, TS_NAME_TEXT, "%.40s-s%05zu", o->prefix,
                   index / o->lanes_a_store + 1);
}

static void note_reason(struct fleet *fleet, const char *text) {
    for (size_t i = 0; i < FLEET_REASONS; i++) {
        struct fleet_reason *reason = &fleet->reasons[i];
        if (!reason->times)
            (void)snprintf(reason->text, sizeof reason->text, "%s", text);
        if (!strcmp(reason->text, text)) {
            reason->times++;
            return;
        }
    }
    fleet->other_reasons++;
}

static void count_connect(struct fleet *fleet) {
    size_t second = (size_t)(fleet_now_ms(fleet) / 1000);

    if (second >= fleet->seconds) {
        size_t more = second + 64;
        fleet->connects =
            ts_realloc(fleet->connects, more * sizeof *fleet->connects);
        memset(fleet->connects + fleet->seconds, 0,
               (more - fleet->seconds) * sizeof *fleet->connects);
        fleet->seconds = more;
    }
    fleet->connects[second]++;
}

static void on_line(void *ctx, size_t index, bool came, const char *text) {
    struct fleet *fleet = ctx;

    if (!came) {
        note_reason(fleet, text);
        return;
    }
    count_connect(fleet);
    fleet_look(fleet, index);
}

static void on_released(void *ctx, size_t index, int64_t committed_us) {
    struct fleet *fleet = ctx;
    int64_t waited = vlane_now_us() - committed_us;

    (void)index;
    latency_add(&fleet->waits, waited);
    if (committed_us >= fleet->calm_since_us)
        latency_add(&fleet->calm, waited);
}

static void on_restarted(void *ctx, size_t index) {
    fleet_restarted(ctx, index);
}

static bool all_up(const struct fleet *fleet) {
    for (size_t i = 0; i < fleet->options.count; i++) {
        struct vlane_stats stats;
        vlane_get_stats(fleet->lanes[i], &stats);
        if (!stats.up)
            return false;
    }
    return true;
}

static bool is_drained(const struct fleet *fleet) {
    for (size_t i = 0; i < fleet->options.count; i++) {
        struct vlane_stats stats;
        vlane_get_stats(fleet->lanes[i], &stats);
        if (!stats.running || stats.journal.unsent || stats.journal.pending)
            return false;
    }
    return true;
}

static void finish(struct fleet *fleet, bool drained) {
    struct timeval wait = {0, LEAVE_US};

    fleet->drained = drained;
    fleet->drained_ms = fleet_now_ms(fleet);
    (void)event_del(fleet->watch_timer);
    for (size_t i = 0; i < fleet->options.count; i++)
        vlane_leave(fleet->lanes[i]);
    (void)event_base_loopexit(fleet->loop, &wait);
}

static bool commands_run(const struct fleet *fleet) {
    for (size_t i = 0; i < fleet->command_count; i++)
        if (fleet->commands[i].pid)
            return true;
    return false;
}

/* The hub's word is followed by what the lanes hold, not by a guess. */
static void look_at_all(struct fleet *fleet) {
    for (size_t i = 0; i < fleet->options.count; i++)
        fleet_look(fleet, i);
}

static void on_watch(evutil_socket_t fd, short what, void *arg) {
    struct fleet *fleet = arg;
    bool drained;

    (void)fd;
    (void)what;
    if (fleet->all_up_ms < 0 && all_up(fleet)) {
        fleet->all_up_ms = fleet_now_ms(fleet);
        if (!fleet->fault_count)
            fleet->calm_since_us = vlane_now_us();
        fleet_say(fleet, "%zu lanes are connected", fleet->options.count);
    }
    look_at_all(fleet);
    if (!fleet->draining)
        return;
    drained = is_drained(fleet) && !commands_run(fleet);
    if (drained || fleet_now_ms(fleet) > fleet->drain_by_ms)
        finish(fleet, drained);
}

static void begin_draining(struct fleet *fleet) {
    struct fleet_step stop = {.act = FLEET_UNTIL, .text = "until drained"};

    fleet->draining = true;
    fleet->drain_by_ms = fleet_now_ms(fleet) + fleet->options.script->until_ms;
    fleet_step(fleet, &stop);
}

static void plan_step(struct fleet *fleet) {
    const struct fleet_script *script = fleet->options.script;
    int64_t wait = 0;

    if (fleet->next_step < script->count)
        wait = script->steps[fleet->next_step].at_ms - fleet_now_ms(fleet);
    if (wait < 0)
        wait = 0;
    struct timeval delay = {(time_t)(wait / 1000),
                            (suseconds_t)(wait % 1000) * 1000};
    (void)evtimer_add(fleet->step_timer, &delay);
}

static void on_step(evutil_socket_t fd, short what, void *arg) {
    struct fleet *fleet = arg;
    const struct fleet_script *script = fleet->options.script;

    (void)fd;
    (void)what;
    if (fleet->next_step == script->count) {
        begin_draining(fleet);
        return;
    }
    fleet_step(fleet, &script->steps[fleet->next_step++]);
    plan_step(fleet);
}

static void on_child(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    fleet_command_ended(arg);
}

static size_t stores(const struct fleet_options *o) {
    return (o->count + o->lanes_a_store - 1) / o->lanes_a_store;
}

size_t fleet_files_needed(size_t lanes, size_t lanes_a_store, bool lines) {
    size_t need = FDS_SPARE + lanes * FDS_A_LANE;

    if (lines)
        need += lanes * FDS_A_JOINT + (lanes / lanes_a_store + 1) * FDS_A_LINE;
    return need;
}

static enum ts_status allow_files(const struct fleet_options *o,
                                  struct ts_err *err) {
    size_t need =
        fleet_files_needed(o->count, o->lanes_a_store, o->script->uses_lines);
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return ts_fail(err, TS_IO, "the limit of open files cannot be read");
    if (limit.rlim_cur >= need)
        return TS_OK;
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < need || setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return ts_fail(err, TS_FULL,
                       "%zu lanes in one process need %zu open files, the hard "
                       "limit is %llu: raise it (`ulimit -Hn`, LimitNOFILE), "
                       "or give more --processes",
                       o->count, need, (unsigned long long)limit.rlim_max);
    return TS_OK;
}

static enum ts_status open_lines(struct fleet *fleet, struct ts_err *err) {
    const struct fleet_options *o = &fleet->options;
    enum ts_status status = TS_OK;

    if (!o->script->uses_lines)
        return TS_OK;
    fleet->line_count = stores(o);
    fleet->lines = ts_alloc(fleet->line_count * sizeof(struct fault_line *));
    for (size_t i = 0; status == TS_OK && i < fleet->line_count; i++) {
        struct fault_line_options line = {.listen_host = "127.0.0.1",
                                          .to_host = o->host,
                                          .to_port = o->port,
                                          .seed = o->seed + o->first + i};
        status = fault_line_new(&fleet->lines[i], fleet->loop, &line, err);
    }
    return status;
}

static void fill_common(struct fleet *fleet) {
    const struct fleet_options *o = &fleet->options;

    fleet->common = (struct vlane_common){
        .loop = fleet->loop,
        .certs = o->certs,
        .keep = o->keep,
        .ctx = fleet,
        .on_line = on_line,
        .on_released = on_released,
        .on_restarted = on_restarted,
        .uplink = {.root = o->root,
                   .version = TS_VERSION,
                   .max_publish_bytes = BATCH_MAX_PUBLISH,
                   .ack_timeout_ms = o->ack_timeout_ms,
                   .max_window = 8,
                   .compress = true,
                   .press = parcel_press_new(),
                   .mqtt = {.tls = o->ca_file != NULL,
                            .ca_file = o->ca_file,
                            .crl_file = o->crl_file,
                            .server_name = o->host,
                            .version = MQTT_AUTO,
                            .keepalive_s = o->keepalive_s,
                            .connect_timeout_s = 20,
                            .backoff_min_ms = o->backoff_min_ms,
                            .backoff_max_ms = o->backoff_max_ms,
                            .spread_ms = o->spread_ms,
                            .runtime_dir = fleet->runtime_dir}},
    };
}

static void make_lane(struct fleet *fleet, size_t index) {
    const struct fleet_options *o = &fleet->options;
    char terminal[TS_NAME_TEXT], store[TS_NAME_TEXT];
    struct vlane_options lane = {
        .common = &fleet->common,
        .index = index,
        .terminal = terminal,
        .store = store,
        .host = fleet->lines ? "127.0.0.1" : o->host,
        .port = fleet->lines
                    ? fault_line_port(fleet->lines[index / o->lanes_a_store])
                    : o->port,
        /* Seeds of one thousand are one company. */
        .seed = o->seed * 1000000 + o->first + index,
        .rate = o->rate,
    };

    fleet_terminal_name(terminal, o->prefix, o->first + index);
    fleet_store_name(store, o, o->first + index);
    fleet->lanes[index] = vlane_new(&lane);
}

static enum ts_status make_runtime_dir(struct fleet *fleet,
                                       struct ts_err *err) {
    const char *base = getenv("TMPDIR");
    struct ts_buf path = {0};

    if (ts_buf_printf(&path, "%s/tessera-lanes-XXXXXX",
                      base && *base ? base : "/tmp") != TS_OK)
        abort();
    fleet->runtime_dir = ts_strdup(ts_buf_text(&path));
    ts_buf_fini(&path);
    if (mkdtemp(fleet->runtime_dir))
        return TS_OK;
    free(fleet->runtime_dir);
    fleet->runtime_dir = NULL;
    return ts_fail(err, TS_IO, "no folder for sockets can be made in %s",
                   base && *base ? base : "/tmp");
}

static void make_events(struct fleet *fleet) {
    fleet->step_timer = evtimer_new(fleet->loop, on_step, fleet);
    fleet->watch_timer =
        event_new(fleet->loop, -1, EV_PERSIST, on_watch, fleet);
    fleet->child = evsignal_new(fleet->loop, SIGCHLD, on_child, fleet);
    (void)event_add(fleet->child, NULL);
}

enum ts_status fleet_new(struct fleet **out,
                         const struct fleet_options *options,
                         struct ts_err *err) {
    struct fleet *fleet;
    enum ts_status status = allow_files(options, err);

    if (status != TS_OK)
        return status;
    fleet = ts_alloc(sizeof *fleet);
    fleet->options = *options;
    fleet->all_up_ms = -1;
    fleet->calm_since_us = INT64_MAX;
    fleet->loop = event_base_new();
    fleet->faults =
        ts_alloc((options->script->count + 1) * sizeof *fleet->faults);
    fleet->lanes = ts_alloc(options->count * sizeof(struct vlane *));
    make_events(fleet);
    status = make_runtime_dir(fleet, err);
    if (status == TS_OK)
        status = open_lines(fleet, err);
    if (status != TS_OK) {
        fleet_free(fleet);
        return status;
    }
    fill_common(fleet);
    for (size_t i = 0; i < options->count; i++)
        make_lane(fleet, i);
    *out = fleet;
    return TS_OK;
}

enum ts_status fleet_run(struct fleet *fleet, struct ts_err *err) {
    struct timeval look = {0, LOOK_US};
    enum ts_status status = TS_OK;
    int64_t early = -fleet_now_ms(fleet);

    if (early > 0)
        (void)usleep((useconds_t)early * 1000);
    for (size_t i = 0; status == TS_OK && i < fleet->options.count; i++)
        status = vlane_start(fleet->lanes[i], 0, err);
    if (status != TS_OK)
        return status;
    (void)evtimer_add(fleet->watch_timer, &look);
    plan_step(fleet);
    if (event_base_dispatch(fleet->loop) < 0)
        return ts_fail(err, TS_IO, "the event loop failed");
    return TS_OK;
}

void fleet_free(struct fleet *fleet) {
    if (!fleet)
        return;
    for (size_t i = 0; i < fleet->options.count; i++)
        vlane_free(fleet->lanes[i]);
    for (size_t i = 0; i < fleet->line_count; i++)
        fault_line_free(fleet->lines[i]);
    for (size_t i = 0; i < fleet->fault_count; i++) {
        free(fleet->faults[i].lanes);
        free(fleet->faults[i].waits);
        free(fleet->faults[i].wanted);
    }
    parcel_press_free(fleet->common.uplink.press);
    event_free(fleet->step_timer);
    event_free(fleet->watch_timer);
    event_free(fleet->child);
    event_base_free(fleet->loop);
    if (fleet->runtime_dir)
        (void)rmdir(fleet->runtime_dir);
    free(fleet->runtime_dir);
    free(fleet->lanes);
    free(fleet->lines);
    free(fleet->faults);
    free(fleet->connects);
    free(fleet);
}

size_t fleet_lanes(const struct fleet *fleet) { return fleet->options.count; }

const struct vlane *fleet_lane(const struct fleet *fleet, size_t index) {
    return fleet->lanes[index];
}
