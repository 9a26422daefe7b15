#include "agent/reader.h"

#include "base/log.h"
#include "drivers/repeat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BACKOFF_MIN_MS = 250,
    BACKOFF_MAX_MS = 5000,
    READ_BYTES = 1024,
    STEADY_MS = 5000, /* open for so long, a port begins anew */
    READS_A_PASS = 16,
    OUT_MAX_BYTES = 4096,
    TELL_EVERY_MS = 60000,
    RETRANSMISSION_MS = 60000,
    WITHHELD = SCAN_ERRORS /* is told like a reject */
};

/* What may come in a flood is told at once, then once a minute. */
struct tally {
    uint64_t count; /* since it was told */
    bool told;
    struct ts_mono told_at;
};

struct reader {
    struct reader_options options;
    const struct driver *driver;
    const struct driver_profile *profile;
    void *state;
    struct driver_sink sink;
    struct event_base *loop;
    struct port *port;
    struct event *readable;
    struct event *writable;
    struct event *deadline;
    struct event *reopen;
    struct event *minute;
    struct ts_buf out;
    unsigned backoff_ms;
    uint64_t opening; /* answers of an earlier opening say nothing */
    struct repeat repeat;
    uint64_t asked;   /* scans that are no repeats */
    uint64_t refused; /* the last of them that was not taken */
    struct ts_mono opened_at;
    bool silent; /* the device answers nothing */
    struct tally rejects[SCAN_ERRORS + 1];
    struct tally notices[NOTICE_KINDS];
    struct reader_stats stats;
};

/* An unanswered scan. */
struct asked {
    struct reader *reader;
    uint64_t opening;
    uint64_t number; /* a repeat has that of what it repeats; 0: neither */
    bool first;      /* not the repeat of another */
};

static void arm(struct event *timer, int64_t wait_ms) {
    struct timeval wait;

    if (wait_ms < 0)
        wait_ms = 0;
    wait.tv_sec = (time_t)(wait_ms / 1000);
    wait.tv_usec = (suseconds_t)(wait_ms % 1000 * 1000);
    (void)evtimer_add(timer, &wait);
}

static void set_state(struct reader *reader, enum reader_state state,
                      const char *text) {
    lane_set_reader(reader->options.lane, reader->options.name, state, text);
}

static void close_port(struct reader *reader) {
    if (!reader->port)
        return;
    event_free(reader->readable);
    event_free(reader->writable);
    reader->readable = reader->writable = NULL;
    (void)evtimer_del(reader->deadline);
    port_close(reader->port);
    reader->port = NULL;
    /* What was half read may be a payment card. */
    reader->driver->wipe(reader->state);
    ts_buf_clear(&reader->out);
}

static void wait_and_reopen(struct reader *reader) {
    arm(reader->reopen, reader->backoff_ms);
    reader->backoff_ms *= 2;
    if (reader->backoff_ms > BACKOFF_MAX_MS)
        reader->backoff_ms = BACKOFF_MAX_MS;
}

static void detach(struct reader *reader, const struct ts_err *why) {
    struct ts_mono now = ts_clock_mono(reader->options.clock);

    /* One that is lost as soon as it is open is tried ever more seldom. */
    if (now.ms - reader->opened_at.ms >= STEADY_MS)
        reader->backoff_ms = BACKOFF_MIN_MS;
    close_port(reader);
    reader->stats.unplugged++;
    set_state(reader, READER_DETACHED, why->text);
    wait_and_reopen(reader);
}

/* Sends what the driver wants to say, waits for room when there is none. */
static void pump(struct reader *reader) {
    struct ts_err err = {0};
    enum ts_status status = TS_OK;
    struct ts_mono at;

    while (reader->port && reader->out.len && status == TS_OK) {
        size_t written = 0;
        status = port_write(reader->port, ts_buf_slice(&reader->out), &written,
                            &err);
        if (status == TS_OK)
            ts_buf_drop(&reader->out, written);
    }
    if (status == TS_AGAIN)
        (void)event_add(reader->writable, NULL);
    else if (status != TS_OK)
        detach(reader, &err);
    if (reader->port && reader->driver->deadline(reader->state, &at))
        arm(reader->deadline, at.ms - ts_clock_mono(reader->options.clock).ms);
    else
        (void)evtimer_del(reader->deadline);
}

static void on_answer(void *arg, bool taken, enum scan_outcome outcome) {
    struct asked *asked = arg;
    struct reader *reader = asked->reader;

    /* What was not taken may be tried again at once; what was read with it
     * fares no better. */
    if (!taken && asked->first) {
        reader->refused = asked->number;
        if (asked->number == reader->asked)
            reader->repeat = (struct repeat){0};
    }
    if (asked->number && asked->number == reader->refused)
        taken = false;
    if (reader->port && asked->opening == reader->opening) {
        /* Also what was refused for good is done with: a device that got no
         * answer would send it again. */
        if (taken)
            reader->driver->confirm(
                reader->state, reader->options.tones[outcome], &reader->sink);
        else
            reader->driver->refuse(reader->state,
                                   reader->options.tones[OUTCOME_REFUSED],
                                   &reader->sink);
        pump(reader);
    }
    free(asked);
}

static struct asked *ask(struct reader *reader, uint64_t number) {
    struct asked *asked = ts_alloc(sizeof *asked);
    bool first = number > reader->asked;

    *asked = (struct asked){reader, reader->opening, number, first};
    if (first)
        reader->asked = number;
    return asked;
}

/* True when the time has come; `tally` then holds what to tell. */
static bool due(const struct reader *reader, const struct tally *tally) {
    struct ts_mono now = ts_clock_mono(reader->options.clock);

    return !tally->told || now.ms - tally->told_at.ms >= TELL_EVERY_MS;
}

static void told(const struct reader *reader, struct tally *tally) {
    *tally = (struct tally){.told = true,
                            .told_at = ts_clock_mono(reader->options.clock)};
}

static void report(struct reader *reader, int error, const char *hint) {
    struct tally *tally = &reader->rejects[error];
    const char *name = error == WITHHELD
                           ? "withheld"
                           : scan_error_name((enum scan_error)error);

    ts_log(TS_LOG_WARN, "reader", "%s: %llu rejected (%s)%s%s",
           reader->options.name, (unsigned long long)tally->count, name,
           hint[0] ? ": " : "", hint);
    lane_report_rejects(reader->options.lane, reader->options.name, name,
                        tally->count);
    told(reader, tally);
}

static void count_reject(struct reader *reader, int error, const char *hint) {
    reader->rejects[error].count++;
    if (due(reader, &reader->rejects[error]))
        report(reader, error, hint);
}

static void on_reject(void *ctx, enum scan_error error, const char *hint) {
    struct reader *reader = ctx;

    reader->stats.rejects++;
    reader->stats.errors[error]++;
    lane_show_reject(reader->options.lane, error, hint);
    count_reject(reader, (int)error, hint);
}

/* What was counted since it was told last. */
static void on_minute(evutil_socket_t fd, short what, void *arg) {
    struct reader *reader = arg;

    (void)fd;
    (void)what;
    for (int error = 0; error <= WITHHELD; error++)
        if (reader->rejects[error].count)
            report(reader, error, "");
    lane_tell_readers(reader->options.lane);
}

/* Nothing of a payment card goes on; of a stripe that no rule reads only that
 * there was one, since it may be a card of a scheme that nobody knows here. */
static struct ts_slice text_kept(const struct scan *scan,
                                 const struct code *code) {
    if (code->kind == CODE_PAYMENT_CARD)
        return ts_slice_of(NULL, 0);
    if (scan->medium == SCAN_STRIPE && code->kind == CODE_UNKNOWN)
        return ts_slice_text("stripe");
    return scan->text;
}

/* Scanners give up after three times their time-out, of 9.9 s at most; a card
 * may lie on its reader for as long as it likes. */
static unsigned again_within_ms(const struct scan *scan) {
    bool card = scan->medium == SCAN_TAG || scan->medium == SCAN_NDEF;

    return card ? 0 : RETRANSMISSION_MS;
}

static void take_scan(struct reader *reader, const struct scan *scan,
                      const struct code *code) {
    struct lane *lane = reader->options.lane;
    bool payment_card = code->kind == CODE_PAYMENT_CARD;
    struct lane_scan said = {reader->options.name, code, text_kept(scan, code),
                             on_answer,
                             ask(reader, payment_card ? 0 : reader->asked + 1)};

    if (scan->retransmission &&
        lane_take_again(lane, &said, again_within_ms(scan)))
        reader->stats.retransmissions++;
    else
        lane_take_scan(lane, &said);
}

/* Nothing of a payment card is kept, not even to know it again. */
static bool is_repeat(struct reader *reader, const struct scan *scan,
                      const struct code *code) {
    return code->kind != CODE_PAYMENT_CARD &&
           repeat_seen(&reader->repeat, scan,
                       ts_clock_mono(reader->options.clock),
                       reader->options.repeat_ms) &&
           !scan->retransmission;
}

static void on_scan(void *ctx, const struct scan *scan) {
    struct reader *reader = ctx;
    struct lane *lane = reader->options.lane;
    struct code code = {0};

    code_classify(&code, scan, reader->options.rules);
    reader->stats.scans++;
    if (code.kind == CODE_REJECTED) {
        on_reject(reader, code.error, "");
        lane_answer_later(lane, true, OUTCOME_REFUSED, on_answer,
                          ask(reader, 0));
    } else if (is_repeat(reader, scan, &code)) {
        reader->stats.repeats++;
        lane_answer_later(lane, true, OUTCOME_RECORDED, on_answer,
                          ask(reader, reader->asked));
    } else {
        take_scan(reader, scan, &code);
    }
}

/* What a person who looks after the reader should know of. */
static void log_notice(struct reader *reader, const struct notice *notice) {
    struct tally *tally = &reader->notices[notice->kind];
    bool trouble = notice->kind == NOTICE_NAK || notice->hint[0];

    if (!trouble && notice->kind != NOTICE_READY && notice->kind != NOTICE_BOOT)
        return;
    tally->count++;
    if (!due(reader, tally))
        return;
    ts_log(trouble ? TS_LOG_WARN : TS_LOG_INFO, "reader",
           "%s: %s%s%s%s%s (%llu)", reader->options.name, notice->name,
           notice->text[0] ? " " : "", notice->text,
           notice->hint[0] ? ": " : "", notice->hint,
           (unsigned long long)tally->count);
    told(reader, tally);
}

static void show_attached(struct reader *reader) {
    char text[128];

    reader->silent = false;
    (void)snprintf(text, sizeof text, "reads with %s/%s by %s",
                   reader->driver->name, reader->profile->name,
                   port_backend_name(reader->port));
    set_state(reader, READER_ATTACHED, text);
}

static void on_notice(void *ctx, const struct notice *notice) {
    struct reader *reader = ctx;

    reader->stats.notices[notice->kind]++;
    if (notice->kind == NOTICE_WITHHELD) {
        lane_show_withheld(reader->options.lane);
        count_reject(reader, WITHHELD, notice->hint);
    } else if (notice->kind == NOTICE_PARTIAL) {
        on_reject(reader, SCAN_INCOMPLETE_MULTIPACKET, notice->hint);
    } else {
        log_notice(reader, notice);
    }
    if (notice->kind == NOTICE_SILENT) {
        reader->silent = true;
        set_state(reader, READER_FAULTED, notice->hint);
    } else if (notice->kind == NOTICE_READY && reader->silent) {
        show_attached(reader);
    }
}

const char *reader_notice_name(enum notice_kind kind) {
    static const char *const names[NOTICE_KINDS] = {
        [NOTICE_ACK] = "ack",         [NOTICE_NAK] = "nak",
        [NOTICE_ANSWER] = "answer",   [NOTICE_READY] = "ready",
        [NOTICE_EVENT] = "event",     [NOTICE_BOOT] = "boot",
        [NOTICE_NO_READ] = "no_read", [NOTICE_RETRANSMITTED] = "retransmitted",
        [NOTICE_PRESENT] = "present", [NOTICE_ABSENT] = "absent",
        [NOTICE_PARTIAL] = "partial", [NOTICE_WITHHELD] = "withheld",
        [NOTICE_IGNORED] = "ignored", [NOTICE_SILENT] = "silent",
    };

    return names[kind];
}

static void on_send(void *ctx, struct ts_slice bytes) {
    struct reader *reader = ctx;

    /* A device that takes nothing: what does not fit is dropped, counted. */
    if (ts_buf_add(&reader->out, bytes) != TS_OK)
        reader->stats.unsent_bytes += bytes.len;
}

static void on_readable(evutil_socket_t fd, short what, void *arg) {
    struct reader *reader = arg;
    uint8_t bytes[READ_BYTES];
    enum ts_status status = TS_OK;
    struct ts_err err = {0};

    (void)fd;
    (void)what;
    for (int i = 0; status == TS_OK && i < READS_A_PASS; i++) {
        size_t got = 0;

        status = port_read(reader->port, bytes, sizeof bytes, &got, &err);
        if (status == TS_OK)
            reader->driver->feed(reader->state, ts_slice_of(bytes, got),
                                 ts_clock_mono(reader->options.clock),
                                 &reader->sink);
    }
    explicit_bzero(bytes, sizeof bytes);
    if (status == TS_OK || status == TS_AGAIN)
        pump(reader);
    else
        detach(reader, &err);
}

static void on_writable(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    pump(arg);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg) {
    struct reader *reader = arg;

    (void)fd;
    (void)what;
    if (!reader->port)
        return;
    reader->driver->expire(reader->state, ts_clock_mono(reader->options.clock),
                           &reader->sink);
    pump(reader);
}

static enum ts_status open_port(struct reader *reader, struct ts_err *err) {
    const struct reader_options *options = &reader->options;

    if (options->backend)
        return port_open_with(&reader->port, options->backend,
                              options->backend_ctx, options->port,
                              &options->line, err);
    return port_open(&reader->port, options->port, &options->line, err);
}

static void try_open(struct reader *reader) {
    struct ts_err err = {0};
    enum ts_status status = open_port(reader, &err);

    if (status != TS_OK) {
        set_state(reader,
                  status == TS_CLOSED ? READER_DETACHED : READER_FAULTED,
                  err.text);
        wait_and_reopen(reader);
        return;
    }
    reader->opened_at = ts_clock_mono(reader->options.clock);
    reader->opening++;
    reader->stats.openings++;
    reader->readable = event_new(reader->loop, port_fd(reader->port),
                                 EV_READ | EV_PERSIST, on_readable, reader);
    reader->writable = event_new(reader->loop, port_fd(reader->port), EV_WRITE,
                                 on_writable, reader);
    (void)event_add(reader->readable, NULL);
    memset(reader->state, 0, reader->driver->state_size);
    reader->driver->open(reader->state, reader->profile, &reader->sink);
    show_attached(reader);
    pump(reader);
}

static void on_reopen(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    try_open(arg);
}

static void list_drivers(struct ts_buf *out) {
    const struct driver *driver;

    for (size_t i = 0; (driver = driver_at(i)); i++)
        if (ts_buf_printf(out, " %s", driver->name) != TS_OK)
            return;
}

static void list_profiles(struct ts_buf *out, const struct driver *driver) {
    for (size_t i = 0; driver->profiles[i].name; i++)
        if (ts_buf_printf(out, " %s", driver->profiles[i].name) != TS_OK)
            return;
}

enum ts_status reader_check(const char *driver_name, const char *profile,
                            struct ts_err *err) {
    const struct driver *driver = driver_find(driver_name);
    struct ts_buf names = {.max = TS_ERR_TEXT / 2};
    enum ts_status status;

    if (driver && driver_profile_find(driver, profile))
        return TS_OK;
    if (driver)
        list_profiles(&names, driver);
    else
        list_drivers(&names);
    status = ts_fail(err, TS_INVALID, "no %s is called \"%s\"; there are:%s",
                     driver ? "profile" : "driver",
                     driver ? profile : driver_name, ts_buf_text(&names));
    ts_buf_fini(&names);
    return status;
}

enum ts_status reader_new(struct reader **out, struct event_base *loop,
                          const struct reader_options *options,
                          struct ts_err *err) {
    const struct driver *own = options->own_driver;
    enum ts_status status =
        own ? TS_OK : reader_check(options->driver, options->profile, err);
    struct reader *reader;

    if (status != TS_OK)
        return status;
    reader = ts_alloc(sizeof *reader);
    *reader = (struct reader){
        .options = *options, .loop = loop, .backoff_ms = BACKOFF_MIN_MS};
    reader->driver = own ? own : driver_find(options->driver);
    reader->profile =
        own ? own->profiles
            : driver_profile_find(reader->driver, options->profile);
    ts_buf_init(&reader->out, OUT_MAX_BYTES);
    reader->sink =
        (struct driver_sink){reader, on_scan, on_reject, on_notice, on_send};
    reader->state = ts_alloc(reader->driver->state_size);
    reader->deadline = evtimer_new(loop, on_deadline, reader);
    reader->reopen = evtimer_new(loop, on_reopen, reader);
    reader->minute = event_new(loop, -1, EV_PERSIST, on_minute, reader);
    arm(reader->minute, TELL_EVERY_MS);
    try_open(reader);
    *out = reader;
    return TS_OK;
}

void reader_free(struct reader *reader) {
    if (!reader)
        return;
    close_port(reader);
    event_free(reader->deadline);
    event_free(reader->reopen);
    event_free(reader->minute);
    explicit_bzero(reader->state, reader->driver->state_size);
    free(reader->state);
    ts_buf_fini(&reader->out);
    free(reader);
}

void reader_get_stats(const struct reader *reader, struct reader_stats *out) {
    *out = reader->stats;
    out->attached = reader->port != NULL;
}

const char *reader_name(const struct reader *reader) {
    return reader->options.name;
}
