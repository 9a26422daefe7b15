#include "agent/agent_private.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLOCK_LOOK_S = 5 };

static const char *text(const struct agent *agent, const char *name) {
    return ts_settings_text(agent->config->settings, name);
}

static const struct ts_settings *group(const struct agent *agent,
                                       const char *name) {
    return ts_settings_group(agent->config->settings, name);
}

static void state_path(const struct agent *agent, const char *file,
                       char out[256]) {
    (void)snprintf(out, 256, "%s/%s", text(agent, "state_dir"), file);
}

static enum ts_status start_journal(struct agent *agent, struct ts_err *err) {
    const struct ts_settings *settings = group(agent, "journal");
    char path[256];
    struct journal_report report;
    struct journal_options options = {
        .path = path,
        .max_bytes = ts_settings_int(settings, "max_mb") << 20,
        .keep_bytes = ts_settings_int(settings, "keep_mb") << 20,
        .keep_ms = ts_settings_int(settings, "keep_days") * 86400000,
        .clock = &agent->keeper.best,
    };
    struct recorder_options recorder = {
        .report = &report,
        .keeper = &agent->keeper,
        .version = TS_VERSION,
        .group_ms = (unsigned)ts_settings_int(settings, "group_ms"),
    };
    enum ts_status status;

    state_path(agent, "journal.db", path);
    (void)snprintf(options.origin.store, TS_NAME_TEXT, "%s",
                   text(agent, "store"));
    (void)snprintf(options.origin.terminal, TS_NAME_TEXT, "%s",
                   text(agent, "terminal"));
    memcpy(options.origin.boot, agent->keeper.boot, TS_BOOT_TEXT);
    status = journal_open(&agent->journal, &options, &report, err);
    if (status != TS_OK)
        return status;
    if (report.damaged)
        ts_log(TS_LOG_ERROR, "journal",
               "%s was damaged and stands aside as %s; %llu events were "
               "carried over, %llu are missing",
               path, report.set_aside, (unsigned long long)report.salvaged,
               (unsigned long long)report.lost);
    recorder.journal = agent->journal;
    agent->recorder = recorder_new(agent->loop, &recorder);
    return TS_OK;
}

static void restore_clock(struct agent *agent) {
    struct ts_buf known = {0};

    if (journal_get(agent->journal, "clock", &known) == TS_OK)
        timekeeper_restore(&agent->keeper, ts_buf_text(&known));
    if (journal_get(agent->journal, agent_floor_key, &known) == TS_OK)
        timekeeper_restore_floor(&agent->keeper, ts_buf_text(&known));
    ts_buf_fini(&known);
}

static json_t *find_member(void *ctx, const char *card) {
    struct agent *agent = ctx;

    return desk_find(agent->desk, card, ts_clock_wall(agent->clock));
}

static json_t *find_offers(void *ctx, const char *card) {
    struct agent *agent = ctx;

    return desk_offers(agent->desk, card, ts_clock_wall(agent->clock));
}

static enum ts_status start_lane(struct agent *agent, struct ts_err *err) {
    const struct ts_settings *visit = group(agent, "visit");
    struct lane_options options = {
        .store = text(agent, "store"),
        .terminal = text(agent, "terminal"),
        .kind = strcmp(text(agent, "kind"), "kiosk") != 0 ? VISIT_CHECKOUT
                                                          : VISIT_KIOSK,
        .language = text(agent, "language"),
        .currency = ts_settings_text(visit, "currency"),
        .timeout_s = (unsigned)ts_settings_int(visit, "timeout_s"),
        .kiosk_s = (unsigned)ts_settings_int(visit, "kiosk_s"),
        .journal = agent->journal,
        .recorder = agent->recorder,
        .keeper = &agent->keeper,
        .keys = agent->config->keys,
        .find_member = find_member,
        .find_offers = find_offers,
        .desk_ctx = agent,
    };

    return lane_new(&agent->lane, agent->loop, &options, err);
}

static enum ts_status start_readers(struct agent *agent, struct ts_err *err) {
    const struct agent_config *config = agent->config;
    enum ts_status status = TS_OK;

    for (size_t i = 0; status == TS_OK && i < config->reader_count; i++) {
        const struct agent_config_reader *from = &config->readers[i];
        struct reader_options options = {
            .name = from->name,
            .port = from->port,
            .driver = from->driver,
            .profile = from->profile,
            .line = from->line,
            .repeat_ms = from->repeat_ms,
            .rules = shop_rules(config->shop),
            .clock = agent->clock,
            .lane = agent->lane,
        };

        memcpy(options.tones, from->tones, sizeof options.tones);
        status = reader_new(&agent->readers[i], agent->loop, &options, err);
        agent->reader_count += status == TS_OK;
    }
    return status;
}

static void on_clock_look(evutil_socket_t fd, short what, void *arg) {
    struct agent *agent = arg;
    int64_t by_ms = timekeeper_watch(&agent->keeper);

    (void)fd;
    (void)what;
    if (by_ms)
        lane_clock_stepped(agent->lane, by_ms);
}

static void start_clock_watch(struct agent *agent) {
    struct timeval every = {CLOCK_LOOK_S, 0};

    (void)timekeeper_watch(&agent->keeper);
    agent->clock_watch =
        event_new(agent->loop, -1, EV_PERSIST, on_clock_look, agent);
    (void)event_add(agent->clock_watch, &every);
}

static json_t *screen_view(void *ctx) {
    return lane_view(((struct agent *)ctx)->lane);
}

static json_t *screen_status(void *ctx) { return agent_status_json(ctx); }

static enum ts_status screen_metrics(void *ctx, struct ts_buf *out) {
    return agent_metrics(ctx, out);
}

static enum ts_status screen_close(void *ctx, const char *receipt,
                                   int64_t total_minor, const char *currency,
                                   struct ts_err *err) {
    return lane_close(((struct agent *)ctx)->lane, receipt, total_minor,
                      currency, err);
}

static enum ts_status screen_cancel(void *ctx, struct ts_err *err) {
    return lane_cancel(((struct agent *)ctx)->lane, err);
}

static enum ts_status screen_void(void *ctx, const char *journal,
                                  uint64_t sequence, struct ts_err *err) {
    return lane_void(((struct agent *)ctx)->lane, journal, sequence, err);
}

static enum ts_status screen_feedback(void *ctx, const char *question,
                                      int score, const char *words,
                                      struct ts_err *err) {
    return lane_feedback(((struct agent *)ctx)->lane, question, score, words,
                         err);
}

static enum ts_status screen_consent(void *ctx, const char *purpose,
                                     bool granted, struct ts_err *err) {
    return lane_consent(((struct agent *)ctx)->lane, purpose, granted, err);
}

static void screen_settle(void *ctx, screen_settled *done, void *arg) {
    recorder_answer(((struct agent *)ctx)->recorder, TS_OK, done, arg);
}

static const char *screen_trouble(void *ctx) {
    return recorder_trouble(((struct agent *)ctx)->recorder);
}

static enum ts_status start_screen(struct agent *agent, struct ts_err *err) {
    const struct ts_settings *settings = group(agent, "screen");
    struct screen_options options = {
        .address = ts_settings_text(settings, "address"),
        .port = (uint16_t)ts_settings_int(settings, "port"),
        .kiosk = !strcmp(text(agent, "kind"), "kiosk"),
    };
    struct screen_actions actions = {
        agent,          screen_view,   screen_status, screen_metrics,
        screen_close,   screen_cancel, screen_void,   screen_feedback,
        screen_consent, screen_settle, screen_trouble};
    enum ts_status status =
        screen_start(&agent->screen, agent->loop, &options, &actions, err);

    if (status != TS_OK)
        return status;
    lane_on_change(agent->lane, screen_on_change, agent->screen);
    lane_on_recorded(agent->lane, screen_on_recorded, agent->screen);
    ts_log(TS_LOG_INFO, "agent", "pages at http://%s:%u/", options.address,
           (unsigned)screen_port(agent->screen));
    return TS_OK;
}

enum ts_status agent_start(struct agent **out, struct event_base *loop,
                           const struct agent_config *config,
                           const struct ts_clock *clock, struct ts_err *err) {
    struct agent *agent = ts_alloc(sizeof *agent);
    char desk_path[256];
    enum ts_status status;

    *agent = (struct agent){.config = config, .clock = clock, .loop = loop};
    agent->started = ts_clock_mono(clock);
    timekeeper_init(&agent->keeper, clock);
    agent->metrics = ts_metrics_new();
    agent_metrics_declare(agent);
    status = start_journal(agent, err);
    if (status == TS_OK) {
        restore_clock(agent);
        state_path(agent, "desk.db", desk_path);
        status = desk_open(&agent->desk, desk_path, err);
    }
    if (status == TS_OK)
        status = start_lane(agent, err);
    if (status == TS_OK)
        status = start_screen(agent, err);
    if (status == TS_OK)
        status = start_readers(agent, err);
    if (status != TS_OK) {
        agent_stop(agent);
        return status;
    }
    start_clock_watch(agent);
    agent_line_start(agent);
    agent_rest_start(agent);
    *out = agent;
    return TS_OK;
}

void agent_stop(struct agent *agent) {
    if (!agent)
        return;
    agent_rest_stop(agent);
    agent_line_stop(agent);
    if (agent->clock_watch)
        event_free(agent->clock_watch);
    /* The last scans are answered while their readers are there. */
    if (agent->recorder)
        recorder_flush(agent->recorder);
    for (size_t i = agent->reader_count; i-- > 0;)
        reader_free(agent->readers[i]);
    if (agent->recorder)
        recorder_free(agent->recorder);
    if (agent->screen)
        screen_stop(agent->screen);
    lane_free(agent->lane);
    desk_close(agent->desk);
    journal_close(agent->journal);
    ts_metrics_free(agent->metrics);
    free(agent);
}
