#include "shelf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void shelf_init(struct shelf *shelf, const char *store, const char *terminal,
                const char *boot) {
    *shelf = (struct shelf){.now = {INT64_C(1795600000000)}};
    memcpy(shelf->origin.store, store, strlen(store));
    memcpy(shelf->origin.terminal, terminal, strlen(terminal));
    memcpy(shelf->origin.boot, boot, strlen(boot));
}

void shelf_fini(struct shelf *shelf) {
    for (size_t i = 0; !shelf->borrowed && i < shelf->count; i++) {
        for (uint64_t row = 0; row < shelf->journals[i].newest; row++) {
            ts_buf_fini(&shelf->journals[i].rows[row]);
            ts_buf_fini(&shelf->journals[i].bodies[row]);
        }
        free(shelf->journals[i].rows);
        free(shelf->journals[i].bodies);
    }
    shelf->count = 0;
}

/* `data` is taken. */
static void add(struct shelf *shelf, const char *type, json_t *data) {
    struct shelf_journal *journal = &shelf->journals[shelf->count - 1];
    struct event event = {.type = type,
                          .time = shelf->now,
                          .uptime = {shelf->now.unix_ms % 100000000},
                          .clock = EVENT_CLOCK_SET,
                          .data = data};
    struct ts_buf *row = &journal->rows[journal->newest];
    struct ts_err err = {0};
    json_t *json = NULL;

    assert_true(journal->newest < SHELF_ROWS_MAX);
    if (event_encode(row, &shelf->origin, journal->name, journal->newest + 1,
                     &event, &err) != TS_OK ||
        ts_json_parse(&json, ts_buf_slice(row), &err) != TS_OK ||
        ts_json_canonical(&journal->bodies[journal->newest], json) != TS_OK)
        fail_msg("%s", err.text);
    journal->newest++;
    shelf->now.unix_ms += 1000;
    json_decref(json);
    json_decref(data);
}

void shelf_begin(struct shelf *shelf, const char *name) {
    struct shelf_journal *journal = &shelf->journals[shelf->count];
    json_t *data = json_pack("{s:s}", "version", "1");

    assert_true(shelf->count < SHELF_JOURNALS_MAX);
    *journal = (struct shelf_journal){.oldest = 1};
    memcpy(journal->name, name, sizeof journal->name);
    journal->rows = ts_alloc(SHELF_ROWS_MAX * sizeof *journal->rows);
    journal->bodies = ts_alloc(SHELF_ROWS_MAX * sizeof *journal->bodies);
    memset(journal->rows, 0, SHELF_ROWS_MAX * sizeof *journal->rows);
    memset(journal->bodies, 0, SHELF_ROWS_MAX * sizeof *journal->bodies);
    if (shelf->count) {
        const struct shelf_journal *before = journal - 1;
        char last[TS_COUNTER_TEXT];

        ts_counter_text(last, before->newest);
        (void)json_object_set_new(data, "previous", json_string(before->name));
        (void)json_object_set_new(data, "previous_last", json_string(last));
    }
    shelf->count++;
    add(shelf, "terminal.started", data);
}

void shelf_scan(struct shelf *shelf, const char *gtin) {
    add(shelf, "item.scanned",
        json_pack("{s:s,s:s,s:s}", "reader", "scanner", "gtin", gtin,
                  "symbology", "EAN-13"));
}

void shelf_view(struct shelf *view, const struct shelf *shelf,
                const uint64_t through[SHELF_JOURNALS_MAX]) {
    *view = *shelf;
    view->borrowed = true;
    for (size_t i = 0; i < view->count; i++) {
        view->journals[i].through = through[i];
        view->journals[i].oldest = through[i] + 1;
    }
}

static struct shelf_journal *find(const struct shelf *shelf, const char *name) {
    for (size_t i = 0; i < shelf->count; i++)
        if (!strcmp(shelf->journals[i].name, name))
            return (struct shelf_journal *)&shelf->journals[i];
    return NULL;
}

const struct ts_buf *shelf_body(const struct shelf *shelf, const char *journal,
                                uint64_t sequence) {
    const struct shelf_journal *found = find(shelf, journal);

    if (!found || !sequence || sequence > found->newest)
        return NULL;
    return &found->bodies[sequence - 1];
}

static enum ts_status spans(void *ctx, struct uplink_span *out, size_t max,
                            size_t *count, struct ts_err *err) {
    const struct shelf *shelf = ctx;

    (void)err;
    *count = 0;
    for (size_t i = 0; i < shelf->count && *count < max; i++) {
        const struct shelf_journal *journal = &shelf->journals[i];
        struct uplink_span *span = &out[*count];

        if (journal->oldest > journal->newest)
            continue;
        *span = (struct uplink_span){.oldest = journal->oldest,
                                     .newest = journal->newest,
                                     .through = journal->through};
        memcpy(span->journal, journal->name, sizeof span->journal);
        (*count)++;
    }
    return TS_OK;
}

/* The parameters are those of uplink_source.
 * NOLINTBEGIN(readability-function-size) */
static enum ts_status
read_rows(void *ctx, const char *name, uint64_t from, size_t max_rows,
          bool (*row)(void *arg, uint64_t sequence, struct ts_slice payload),
          void *arg, struct ts_err *err) {
    const struct shelf_journal *journal = find(ctx, name);

    if (!journal)
        return ts_fail(err, TS_INVALID, "journal %s is not held", name);
    for (uint64_t i = from < journal->oldest ? journal->oldest : from;
         i <= journal->newest && max_rows > 0; i++, max_rows--)
        if (!row(arg, i, ts_buf_slice(&journal->rows[i - 1])))
            break;
    return TS_OK;
}
/* NOLINTEND(readability-function-size) */

static enum ts_status release(void *ctx, const char *name, uint64_t through,
                              struct ts_err *err) {
    struct shelf_journal *journal = find(ctx, name);

    if (!journal || through > journal->newest)
        return ts_fail(err, TS_INVALID, "journal %s does not go so far", name);
    journal->through = through;
    return TS_OK;
}

struct uplink_source shelf_source(struct shelf *shelf) {
    return (struct uplink_source){shelf, spans, read_rows, release};
}
