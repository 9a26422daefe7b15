#include "hub/collect.h"

#include "base/guard.h"
#include "base/ids.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BURST_S = 10, RETRY_S = 2, MASK_RUN = 8, KEY_TEXT = 128 };

static const char events_name[] = "tessera_collect_events_total";
static const char requests_name[] = "tessera_collect_requests_total";
static const char cards_name[] = "tessera_collect_payment_cards_removed_total";

static const char away[] = "the hub has no database now; send again";

struct bucket {
    double room;
    struct ts_mono at;
};

struct collect {
    struct collect_options options;
    struct bucket *buckets; /* one a source */
    bool ready;
};

/* One request on its way to the archive. */
struct job {
    struct collect *collect;
    struct ts_http_request *request;
    const struct collect_source *source;
    struct segment_frame frame;
    json_t *rejected;
    uint64_t shards;  /* a bit for each that has something new */
    uint64_t checked; /* a bit for each whose lease was looked at */
    size_t taken, duplicate;
};

void collect_declare(struct ts_metrics *metrics) {
    ts_metrics_declare(metrics, events_name, TS_COUNTER,
                       "Online events by source and outcome");
    ts_metrics_declare(metrics, requests_name, TS_COUNTER,
                       "Requests of online sources by answer");
    ts_metrics_declare(metrics, cards_name, TS_COUNTER,
                       "Payment card numbers wiped from online events");
}

struct collect *collect_new(const struct collect_options *options) {
    struct collect *collect = ts_alloc(sizeof *collect);
    size_t count = options->source_count ? options->source_count : 1;

    memset(collect, 0, sizeof *collect);
    collect->options = *options;
    collect->ready = options->db != NULL;
    collect->buckets = ts_alloc(count * sizeof *collect->buckets);
    for (size_t i = 0; i < count; i++)
        collect->buckets[i] =
            (struct bucket){.room = (double)options->max_events_per_s * BURST_S,
                            .at = ts_clock_mono(options->clock)};
    return collect;
}

void collect_free(struct collect *collect) {
    if (!collect)
        return;
    free(collect->buckets);
    free(collect);
}

void collect_set_ready(struct collect *collect, bool ready) {
    collect->ready = ready && collect->options.db;
}

static void count_answer(struct collect *collect, int code) {
    char text[8], label[32];

    if (!collect->options.metrics)
        return;
    snprintf(text, sizeof text, "%d", code);
    ts_metrics_label(label, sizeof label, "code", text);
    ts_metrics_add(collect->options.metrics, requests_name, label, 1);
}

/* Browsers ask from the shop's origin, with credentials in a header. */
static void add_cors(struct ts_http_request *request) {
    const char *origin = ts_http_header(request, "Origin");

    if (!origin)
        return;
    ts_http_add_header(request, "Access-Control-Allow-Origin", origin);
    ts_http_add_header(request, "Vary", "Origin");
    /* Without it a browser retries at once whatever Retry-After says. */
    ts_http_add_header(request, "Access-Control-Expose-Headers", "Retry-After");
}

static void answer_preflight(struct ts_http_request *request) {
    const char *asked =
        ts_http_header(request, "Access-Control-Request-Headers");

    add_cors(request);
    ts_http_add_header(request, "Access-Control-Allow-Methods",
                       "GET, POST, OPTIONS");
    /* Echoed: a star does not cover Authorization. */
    if (asked && strlen(asked) < 1024)
        ts_http_add_header(request, "Access-Control-Allow-Headers", asked);
    ts_http_add_header(request, "Access-Control-Max-Age", "7200");
    ts_http_reply(request, 204, "text/plain", ts_slice_text(""));
}

static void refuse(struct collect *collect, struct ts_http_request *request,
                   int code, const char *message) {
    char wait[16];

    count_answer(collect, code);
    add_cors(request);
    if (code == 429 || code == 503) {
        snprintf(wait, sizeof wait, "%d", RETRY_S);
        ts_http_add_header(request, "Retry-After", wait);
    }
    ts_http_reply_error(request, code, message);
}

static const struct collect_source *find_source(const struct collect *collect,
                                                struct ts_slice key) {
    const struct collect_source *found = NULL;

    for (size_t i = 0; i < collect->options.source_count; i++)
        if (ts_secret_equal(
                key, ts_slice_text(collect->options.sources[i].write_key)))
            found = &collect->options.sources[i];
    return found;
}

/* Basic user and an empty password; the colon may be missing. */
static bool header_key(const struct ts_http_request *request,
                       char out[KEY_TEXT]) {
    char *colon;

    if (ts_http_basic(request, out, KEY_TEXT) != TS_OK)
        return false;
    colon = strchr(out, ':');
    if (colon)
        *colon = '\0';
    return out[0] != '\0';
}

static const struct collect_source *
source_of(const struct collect *collect, const struct ts_http_request *request,
          const json_t *body) {
    char key[KEY_TEXT];
    struct ts_slice own = ts_json_text(body, "writeKey");

    if (header_key(request, key))
        return find_source(collect, ts_slice_text(key));
    if (!own.len && json_is_array(json_object_get(body, "batch")))
        own = ts_json_text(json_array_get(json_object_get(body, "batch"), 0),
                           "writeKey");
    return own.len ? find_source(collect, own) : NULL;
}

struct call {
    const char *path;
    const char *type; /* NULL: a batch */
};

static const struct call calls[] = {
    {"/v1/batch", NULL},   {"/v1/import", NULL},
    {"/v1/b", NULL},       {"/v1/track", "track"},
    {"/v1/t", "track"},    {"/v1/identify", "identify"},
    {"/v1/i", "identify"}, {"/v1/page", "page"},
    {"/v1/p", "page"},     {"/v1/screen", "screen"},
    {"/v1/s", "screen"},   {"/v1/group", "group"},
    {"/v1/g", "group"},    {"/v1/alias", "alias"},
    {"/v1/a", "alias"},    {NULL, NULL}};

static const struct call *find_call(const char *path) {
    for (const struct call *call = calls; call->path; call++)
        if (strcmp(call->path, path) == 0)
            return call;
    return NULL;
}

static void count_events(const struct job *job, const char *outcome, size_t n) {
    char label[160], name[80], what[48];

    if (!n || !job->collect->options.metrics)
        return;
    ts_metrics_label(name, sizeof name, "source", job->source->name);
    ts_metrics_label(what, sizeof what, "outcome", outcome);
    snprintf(label, sizeof label, "%s,%s", name, what);
    ts_metrics_add(job->collect->options.metrics, events_name, label,
                   (double)n);
}

/* Refills with the time; false when the source sends faster than allowed. */
static bool has_room(struct collect *collect,
                     const struct collect_source *source, size_t events) {
    struct bucket *bucket =
        &collect->buckets[source - collect->options.sources];
    double rate = collect->options.max_events_per_s;
    struct ts_mono now = ts_clock_mono(collect->options.clock);

    if (rate <= 0)
        return true;
    bucket->room += rate * (double)(now.ms - bucket->at.ms) / 1000;
    bucket->at = now;
    if (bucket->room > rate * BURST_S)
        bucket->room = rate * BURST_S;
    /* A batch above the whole burst would never fit: it may overdraw. */
    if (bucket->room < (double)events && bucket->room < rate * BURST_S)
        return false;
    bucket->room -= (double)events;
    return true;
}

/* Another hub may have taken over while this one was paused. */
static enum ts_status check_lease(struct job *job, unsigned shard,
                                  struct ts_err *err) {
    const struct collect_options *options = &job->collect->options;
    uint64_t bit = UINT64_C(1) << shard;

    if (!options->lease || job->checked & bit)
        return TS_OK;
    job->checked |= bit;
    return lease_check(options->lease, options->db, shard, err);
}

static enum ts_status quarantine(struct job *job, struct ts_slice raw,
                                 const char *reason, struct ts_err *err) {
    char source[80];
    unsigned shard;
    enum ts_status status;

    snprintf(source, sizeof source, "/online/%s", job->source->name);
    shard = ts_shard(ts_slice_text(source));
    status = check_lease(job, shard, err);
    if (status != TS_OK)
        return status;
    return archive_quarantine(job->collect->options.db, shard,
                              ts_slice_text(source), ts_slice_text(reason),
                              job->frame.received, raw, err);
}

/* Bytes that nobody can read: digits are masked, whatever they are. */
static enum ts_status quarantine_bytes(struct job *job, struct ts_slice body,
                                       const char *reason, struct ts_err *err) {
    struct db *db = job->collect->options.db;
    struct ts_buf copy = {0};
    enum ts_status status;

    ts_buf_init(&copy, COLLECT_MAX_BODY);
    status = ts_buf_add(&copy, body);
    if (status == TS_OK)
        status = db_begin(db, err);
    if (status == TS_OK) {
        ts_guard_mask(copy.data, copy.len, MASK_RUN);
        status = quarantine(job, ts_buf_slice(&copy), reason, err);
        if (status == TS_OK)
            status = db_commit(db, err);
        if (status == TS_OK)
            count_events(job, "unreadable", 1);
        else
            db_rollback(db);
    }
    ts_buf_fini(&copy);
    return status;
}

static enum ts_status reject(struct job *job, size_t index, const json_t *item,
                             const char *reason, struct ts_err *err) {
    struct ts_buf raw = {0};
    struct ts_slice id = ts_json_text(item, "messageId");
    json_t *entry =
        json_pack("{s:I, s:s}", "index", (json_int_t)index, "reason", reason);
    enum ts_status status;

    if (id.len)
        json_object_set_new(entry, "messageId",
                            json_stringn((const char *)id.data, id.len));
    json_array_append_new(job->rejected, entry);
    ts_buf_init(&raw, 0);
    status = ts_json_canonical(&raw, item);
    if (status == TS_OK)
        status = quarantine(job, ts_buf_slice(&raw), reason, err);
    ts_buf_fini(&raw);
    return status;
}

static enum ts_status take(struct job *job, size_t index, json_t *item,
                           struct segment_event *event, struct ts_err *err) {
    enum archive_outcome outcome;
    enum ts_status status = check_lease(job, event->archive.shard, err);

    if (status == TS_OK)
        status = archive_put(job->collect->options.db, &event->archive,
                             &outcome, err);
    if (status != TS_OK)
        return status;
    if (outcome == ARCHIVE_CONFLICT)
        return reject(job, index, item,
                      "this messageId was used for another event", err);
    if (outcome == ARCHIVE_NEW) {
        job->shards |= UINT64_C(1) << event->archive.shard;
        job->taken++;
    } else {
        job->duplicate++;
    }
    return TS_OK;
}

static enum ts_status take_item(struct job *job, size_t index, json_t *item,
                                const json_t *outer, const char *type,
                                struct ts_err *err) {
    struct segment_event event;
    struct ts_err why;
    enum ts_status status;

    if (outer && json_is_object(item))
        segment_merge_outer(item, outer);
    if (segment_read(&event, item, type, &job->frame, &why) != TS_OK)
        return reject(job, index, item, why.text, err);
    status = take(job, index, item, &event, err);
    segment_event_fini(&event);
    return status;
}

static enum ts_status take_all(struct job *job, json_t *body, const char *type,
                               struct ts_err *err) {
    struct db *db = job->collect->options.db;
    enum ts_status status = db_begin(db, err);
    json_t *item;
    size_t i;

    if (status != TS_OK)
        return status;
    if (type) {
        status = take_item(job, 0, body, NULL, type, err);
    } else {
        json_array_foreach(json_object_get(body, "batch"), i, item) {
            status = take_item(job, i, item, body, NULL, err);
            if (status != TS_OK)
                break;
        }
    }
    if (status == TS_OK)
        status = db_commit(db, err);
    if (status != TS_OK)
        db_rollback(db);
    return status;
}

static void tell(const struct job *job) {
    const struct collect_options *options = &job->collect->options;
    size_t rejected = json_array_size(job->rejected);

    count_events(job, "taken", job->taken);
    count_events(job, "duplicate", job->duplicate);
    count_events(job, "rejected", rejected);
    if (rejected)
        ts_log(TS_LOG_WARN, "collect",
               "%zu events of %s are in quarantine; the first: %s", rejected,
               job->source->name,
               json_string_value(json_object_get(
                   json_array_get(job->rejected, 0), "reason")));
    for (unsigned shard = 0; shard < TS_SHARDS && options->on_commit; shard++)
        if (job->shards >> shard & 1)
            options->on_commit(options->ctx, shard);
}

static void answer(const struct job *job) {
    json_t *body = json_pack("{s:b}", "success", 1);

    if (json_array_size(job->rejected))
        json_object_set(body, "rejected", job->rejected);
    count_answer(job->collect, 200);
    add_cors(job->request);
    ts_http_reply_json(job->request, 200, body);
    json_decref(body);
}

/* Browser SDKs of RudderStack send the time in a header instead. */
static void read_sent(struct job *job, const json_t *body) {
    const char *header = ts_http_header(job->request, "SentAt");
    struct ts_slice text = ts_json_text(body, "sentAt");

    if (!text.len && header)
        text = ts_slice_text(header);
    job->frame.has_sent =
        text.len && ts_wall_parse(&job->frame.sent, text) == TS_OK;
}

static bool check_shape(struct job *job, const json_t *body, const char *type,
                        size_t length) {
    const json_t *batch = json_object_get(body, "batch");
    const char *problem = NULL;

    if (!json_is_object(body))
        problem = "the body must be a JSON object";
    else if (type && length > SEGMENT_MAX_EVENT)
        problem = "an event may have at most 32 KB; send less in one";
    else if (!type && !json_is_array(batch))
        problem = "a batch needs \"batch\", an array of events";
    else if (!type && json_array_size(batch) > SEGMENT_MAX_BATCH)
        problem = "a batch may have at most 2500 events; send smaller ones";
    if (problem)
        refuse(job->collect, job->request, 400, problem);
    return problem == NULL;
}

static void refuse_unwritten(struct job *job, const struct ts_err *err) {
    ts_log(TS_LOG_ERROR, "collect", "not taken: %s", err->text);
    refuse(job->collect, job->request, 503,
           "the archive cannot be written at the moment; send again");
}

static void work(struct job *job, json_t *body, const struct call *call,
                 size_t length) {
    struct collect *collect = job->collect;
    struct ts_err err;
    size_t events =
        call->type ? 1 : json_array_size(json_object_get(body, "batch"));
    size_t cards;

    if (!check_shape(job, body, call->type, length))
        return;
    if (!has_room(collect, job->source, events)) {
        refuse(collect, job->request, 429,
               "this source sends faster than its limit; wait and send again");
        return;
    }
    cards = segment_clean(body, &collect->options.cards);
    if (cards && collect->options.metrics)
        ts_metrics_add(collect->options.metrics, cards_name, "", (double)cards);
    read_sent(job, body);
    job->rejected = json_array();
    if (take_all(job, body, call->type, &err) != TS_OK) {
        refuse_unwritten(job, &err);
    } else {
        tell(job);
        answer(job);
    }
    json_decref(job->rejected);
}

static void on_unreadable(struct job *job, struct ts_slice body,
                          const struct ts_err *why) {
    char key[KEY_TEXT];
    bool has_key = header_key(job->request, key);
    struct ts_err err = {0};

    job->source =
        has_key ? find_source(job->collect, ts_slice_text(key)) : NULL;
    if (has_key && !job->source) {
        refuse(job->collect, job->request, 401,
               "the write key is not known here; check the source's settings");
        return;
    }
    if (job->source && quarantine_bytes(job, body, why->text, &err) != TS_OK)
        refuse_unwritten(job, &err);
    else
        refuse(job->collect, job->request, 400, why->text);
}

static void take_call(struct collect *collect, struct ts_http_request *request,
                      const struct call *call) {
    struct job job = {.collect = collect, .request = request};
    struct ts_slice bytes;
    struct ts_err why;
    json_t *body;
    enum ts_status status = ts_http_body(request, &bytes);

    job.frame.received = ts_clock_wall(collect->options.clock);
    if (status == TS_FULL ||
        (status == TS_OK && bytes.len > COLLECT_MAX_BODY)) {
        refuse(collect, request, 413,
               "a request may have at most 500 KB, also when inflated");
        return;
    }
    if (status != TS_OK) {
        refuse(collect, request, 400, "the body is not valid gzip");
        return;
    }
    if (ts_json_parse(&body, bytes, &why) != TS_OK) {
        on_unreadable(&job, bytes, &why);
        return;
    }
    job.source = source_of(collect, request, body);
    if (!job.source) {
        refuse(collect, request, 401,
               "the write key is missing or not known here; send it as Basic "
               "user or as writeKey");
    } else {
        job.frame.source = job.source->name;
        job.frame.channel = job.source->channel;
        job.frame.kind = job.source->kind;
        work(&job, body, call, bytes.len);
    }
    json_decref(body);
}

/* GET /v1/projects/<write key>/settings: what the browser SDK asks first. */
static void answer_settings(struct collect *collect,
                            struct ts_http_request *request) {
    const char *from = ts_http_path(request) + strlen("/v1/projects/");
    const char *end = strchr(from, '/');
    json_t *body;

    if (!end || strcmp(end, "/settings") != 0 ||
        !find_source(collect, ts_slice_of(from, (size_t)(end - from)))) {
        refuse(collect, request, 404,
               "no settings here; check the write key in the address");
        return;
    }
    body = json_pack("{s:{s:{s:s%}}, s:{s:i}}", "integrations", "Segment.io",
                     "apiKey", from, (size_t)(end - from), "metrics",
                     "sampleRate", 0);
    count_answer(collect, 200);
    add_cors(request);
    ts_http_reply_json(request, 200, body);
    json_decref(body);
}

/* The SDK's measurements of itself: taken, and nothing is kept. */
static void answer_metrics(struct collect *collect,
                           struct ts_http_request *request) {
    json_t *body = json_pack("{s:b}", "success", 1);

    count_answer(collect, 200);
    add_cors(request);
    ts_http_reply_json(request, 200, body);
    json_decref(body);
}

void collect_handle_away(struct ts_http_request *request) {
    char wait[16];

    if (ts_http_method(request) == TS_HTTP_OPTIONS) {
        answer_preflight(request);
        return;
    }
    snprintf(wait, sizeof wait, "%d", RETRY_S);
    add_cors(request);
    ts_http_add_header(request, "Retry-After", wait);
    ts_http_reply_error(request, 503, away);
}

void collect_handle(struct collect *collect, struct ts_http_request *request) {
    const char *path = ts_http_path(request);
    unsigned method = ts_http_method(request);
    const struct call *call = find_call(path);
    bool settings = strncmp(path, "/v1/projects/", 13) == 0;

    if (method == TS_HTTP_OPTIONS)
        answer_preflight(request);
    else if (!call && !settings && strcmp(path, "/v1/m") != 0)
        refuse(collect, request, 404,
               "no such call; see the list in the HTTP API document");
    else if (!collect->ready)
        refuse(collect, request, 503, away);
    else if (settings && method == TS_HTTP_GET)
        answer_settings(collect, request);
    else if (method != TS_HTTP_POST)
        refuse(collect, request, 405, "use POST");
    else if (call)
        take_call(collect, request, call);
    else
        answer_metrics(collect, request);
}
