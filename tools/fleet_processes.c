#include "tools/fleet_processes.h"

#include "base/log.h"
#include "tools/fleet_audit.h"
#include "tools/fleet_report.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { START_MS = 300, LANES_A_MS = 5, RESULT_MAX = 64 << 20 };

/* What the hub had counted and noted before the run. */
struct ground {
    const char *url; /* or NULL: no archive */
    struct audit_mark mark;
    json_t *counts;
};

struct worker {
    pid_t pid;
    int from; /* its report comes here */
};

static size_t largest_share(const struct fleet_options *o, size_t processes) {
    size_t stores = (o->lanes + o->lanes_a_store - 1) / o->lanes_a_store;

    return (stores + processes - 1) / processes * o->lanes_a_store;
}

size_t fleet_processes_needed(const struct fleet_options *o) {
    struct rlimit limit = {0};
    size_t processes = 1;

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    while (processes < o->lanes &&
           fleet_files_needed(largest_share(o, processes), o->lanes_a_store,
                              o->script->uses_lines) > limit.rlim_max)
        processes++;
    return processes;
}

static void note_count(void *arg, struct ts_slice name, uint64_t value) {
    (void)json_object_setn_new(arg, (const char *)name.data, name.len,
                               json_integer((json_int_t)value));
}

static enum ts_status take_ground(struct ground *ground, const char *url,
                                  struct ts_err *err) {
    struct ts_wall now = ts_clock_wall(ts_clock_system());
    struct db *db = NULL;
    enum ts_status status;

    *ground = (struct ground){.url = url, .counts = json_object()};
    if (!url)
        return TS_OK;
    status = db_open_read(&db, url, err);
    if (status == TS_OK)
        status = audit_mark_now(db, now, &ground->mark, err);
    if (status == TS_OK)
        status = audit_counts(db, note_count, ground->counts, err);
    db_close(db);
    return status;
}

/* Notes of other terminals are not ours. */
struct notes {
    const char *prefix;
    size_t prefix_len;
    uint64_t count;
    json_t *texts;
};

static bool is_ours(const struct notes *notes, struct ts_slice subject) {
    for (size_t i = 0; i + notes->prefix_len + 1 <= subject.len; i++)
        if ((i == 0 || subject.data[i - 1] == '/') &&
            !memcmp(subject.data + i, notes->prefix, notes->prefix_len) &&
            subject.data[i + notes->prefix_len] == '-')
            return true;
    return false;
}

static void take_note(void *arg, const struct audit_note *note) {
    enum { TEXTS = 20 };
    struct notes *notes = arg;
    char text[TS_ERR_TEXT];

    if (!is_ours(notes, note->subject))
        return;
    notes->count += note->count;
    if (json_array_size(notes->texts) >= TEXTS)
        return;
    (void)snprintf(text, sizeof text, "%.*s %.*s: %.*s", (int)note->kind.len,
                   note->kind.data, (int)note->subject.len, note->subject.data,
                   (int)note->text.len, note->text.data);
    (void)json_array_append_new(notes->texts, json_string(text));
}

static enum ts_status add_notes(struct db *db, const struct ground *ground,
                                const char *prefix, json_t *hub,
                                struct ts_err *err) {
    static const char *const names[] = {"alarms", "holes", "quarantined"};
    json_t *texts = json_array();
    enum ts_status status = TS_OK;

    for (int what = AUDIT_ALARMS; status == TS_OK && what <= AUDIT_QUARANTINE;
         what++) {
        struct notes notes = {prefix, strlen(prefix), 0, texts};
        status = audit_notes(db, (enum audit_what)what, ground->mark.at,
                             take_note, &notes, err);
        (void)json_object_set_new(hub, names[what],
                                  json_integer((json_int_t)notes.count));
    }
    (void)json_object_set_new(hub, "notes", texts);
    return status;
}

static json_int_t grown(const struct ground *ground, const json_t *now,
                        const char *name) {
    return json_integer_value(json_object_get(now, name)) -
           json_integer_value(json_object_get(ground->counts, name));
}

static enum ts_status ask_hub(const struct ground *ground, const char *prefix,
                              json_t *report, struct ts_err *err) {
    struct db *db = NULL;
    json_t *counts = json_object(), *hub = json_object();
    enum ts_status status = db_open_read(&db, ground->url, err);

    if (status == TS_OK)
        status = audit_counts(db, note_count, counts, err);
    if (status == TS_OK)
        status = add_notes(db, ground, prefix, hub, err);
    (void)json_object_set_new(
        hub, "taken_again", json_integer(grown(ground, counts, "duplicates")));
    (void)json_object_set_new(hub, "conflicts",
                              json_integer(grown(ground, counts, "conflicts")));
    (void)json_object_set_new(hub, "gaps",
                              json_integer(grown(ground, counts, "gaps")));
    (void)json_object_set_new(report, "hub", hub);
    json_decref(counts);
    db_close(db);
    return status;
}

static enum ts_status work(const struct fleet_options *options,
                           const struct ground *ground, json_t **out,
                           struct ts_err *err) {
    struct fleet *fleet = NULL;
    json_t *result = NULL, *archive = NULL;
    enum ts_status status = fleet_new(&fleet, options, err);

    if (status == TS_OK)
        status = fleet_run(fleet, err);
    if (status == TS_OK)
        result = fleet_result(fleet);
    if (status == TS_OK && ground->url)
        status = fleet_audit(fleet, ground->url, &ground->mark, &archive, err);
    if (archive)
        (void)json_object_set_new(result, "archive", archive);
    if (status == TS_OK)
        *out = result;
    else
        json_decref(result);
    fleet_free(fleet);
    return status;
}

static void write_all(int fd, struct ts_slice bytes) {
    while (bytes.len) {
        ssize_t wrote = write(fd, bytes.data, bytes.len);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return;
        bytes = ts_slice_of(bytes.data + wrote, bytes.len - (size_t)wrote);
    }
}

/* The child's whole life. */
static void be_worker(const struct fleet_options *options,
                      const struct ground *ground, int to) {
    struct ts_err err = {0};
    struct ts_buf text = {0};
    json_t *result = NULL;

    /* Nobody would hear the report of an orphan. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (work(options, ground, &result, &err) != TS_OK)
        result = json_pack("{s:s,s:i}", "error", err.text, "status",
                           (int)err.status);
    if (ts_json_compact(&text, result) == TS_OK)
        write_all(to, ts_buf_slice(&text));
    json_decref(result);
    json_decref(ground->counts);
    ts_buf_fini(&text);
    (void)close(to);
}

/* The lanes of one process are whole stores. */
static void share_of(struct fleet_options *o, size_t at, size_t processes) {
    size_t stores = (o->lanes + o->lanes_a_store - 1) / o->lanes_a_store;
    size_t first = stores * at / processes * o->lanes_a_store;
    size_t end = stores * (at + 1) / processes * o->lanes_a_store;

    o->first = first;
    o->count = (end < o->lanes ? end : o->lanes) - first;
    o->commands = at == 0;
    o->talk &= at == 0;
}

static enum ts_status start_worker(struct worker *worker,
                                   const struct fleet_options *options,
                                   const struct ground *ground,
                                   struct ts_err *err) {
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return ts_fail(err, TS_IO, "no pipe: %s", strerror(errno));
    worker->pid = fork();
    if (worker->pid < 0) {
        (void)close(ends[0]);
        (void)close(ends[1]);
        return ts_fail(err, TS_IO, "no process: %s", strerror(errno));
    }
    if (worker->pid == 0) {
        (void)close(ends[0]);
        be_worker(options, ground, ends[1]);
        _exit(0);
    }
    (void)close(ends[1]);
    worker->from = ends[0];
    return TS_OK;
}

static enum ts_status hear_worker(struct worker *worker, json_t *report,
                                  struct ts_err *err) {
    struct ts_buf text;
    uint8_t piece[65536];
    ssize_t got;
    json_t *result = NULL;
    enum ts_status status = TS_OK;

    ts_buf_init(&text, RESULT_MAX);
    while ((got = read(worker->from, piece, sizeof piece)) > 0)
        if (ts_buf_add(&text, ts_slice_of(piece, (size_t)got)) != TS_OK)
            break;
    (void)close(worker->from);
    (void)waitpid(worker->pid, NULL, 0);
    if (ts_json_parse(&result, ts_buf_slice(&text), NULL) != TS_OK)
        status = ts_fail(err, TS_IO, "a process of the simulator ended early");
    else if (json_object_get(result, "error"))
        status =
            ts_fail(err,
                    (enum ts_status)json_integer_value(
                        json_object_get(result, "status")),
                    "%s", json_string_value(json_object_get(result, "error")));
    else
        fleet_report_join(report, result);
    json_decref(result);
    ts_buf_fini(&text);
    return status;
}

static enum ts_status run_all(struct fleet_options *options, size_t processes,
                              const struct ground *ground, json_t *report,
                              struct ts_err *err) {
    struct worker *workers = ts_alloc(processes * sizeof *workers);
    struct ts_err ignored;
    enum ts_status status = TS_OK;
    size_t started = 0;

    while (status == TS_OK && started < processes) {
        share_of(options, started, processes);
        status = start_worker(&workers[started], options, ground, err);
        started += status == TS_OK;
    }
    for (size_t i = 0; i < started; i++) {
        enum ts_status heard =
            hear_worker(&workers[i], report, status == TS_OK ? err : &ignored);
        if (status == TS_OK)
            status = heard;
    }
    free(workers);
    return status;
}

enum ts_status fleet_processes_run(const struct fleet_options *given,
                                   size_t processes, const char *archive,
                                   json_t **out, struct ts_err *err) {
    struct fleet_options options = *given;
    struct ground ground;
    json_t *report = json_object();
    enum ts_status status = take_ground(&ground, archive, err);

    options.start_ms = ts_clock_mono(ts_clock_system()).ms + START_MS +
                       (int64_t)(options.lanes / LANES_A_MS);
    /* Thousands of lanes would write thousands of lines; the report counts. */
    ts_log_set_level(TS_LOG_ERROR);
    if (status == TS_OK)
        status = run_all(&options, processes, &ground, report, err);
    if (status == TS_OK && archive)
        status = ask_hub(&ground, options.prefix, report, err);
    json_decref(ground.counts);
    if (status != TS_OK) {
        json_decref(report);
        return status;
    }
    (void)json_object_set_new(report, "processes",
                              json_integer((json_int_t)processes));
    fleet_report_finish(report);
    *out = report;
    return TS_OK;
}
