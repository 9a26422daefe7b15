#include "journal_rows.h"

#include <stdio.h>
#include <string.h>

void reopen(struct fixture *f) {
    journal_close(f->journal);
    f->journal = NULL;
    open_journal(f);
}

enum ts_status append_to(struct journal *journal,
                         const struct hand_clock *clock,
                         enum journal_class class, uint64_t *sequence,
                         struct ts_err *err) {
    json_t *data = json_pack("{s:s,s:s,s:i}", "gtin", "08001230000017",
                             "symbology", "EAN-13", "quantity", 1);
    struct event event = {.type = "item.scanned",
                          .time = {clock->wall_ms},
                          .uptime = {clock->mono_ms},
                          .clock = EVENT_CLOCK_SET,
                          .data = data};
    enum ts_status status =
        journal_append(journal, class, &event, sequence, err);

    json_decref(data);
    return status;
}

uint64_t append(struct fixture *f) {
    uint64_t sequence = 0;
    struct ts_err err = {0};

    if (append_to(f->journal, &f->clock, JOURNAL_ITEM, &sequence, &err) !=
        TS_OK)
        fail_msg("%s", err.text);
    return sequence;
}

void commit(struct fixture *f) {
    struct ts_err err = {0};

    if (journal_commit(f->journal, &err) != TS_OK)
        fail_msg("%s", err.text);
}

void append_many(struct fixture *f, size_t count) {
    for (size_t i = 0; i < count; i++)
        (void)append(f);
    commit(f);
}

bool see(void *arg, const char *journal, uint64_t sequence,
         struct ts_slice payload) {
    struct seen *seen = arg;
    json_t *json = NULL;
    struct event_view view;

    assert_int_equal(ts_json_parse(&json, payload, NULL), TS_OK);
    assert_int_equal(event_parse(&view, json, NULL), TS_OK);
    assert_string_equal(view.journal, journal);
    assert_true(view.sequence == sequence);
    json_decref(json);
    if (strcmp(journal, seen->journal) != 0) {
        seen->last = 0;
        (void)snprintf(seen->journal, sizeof seen->journal, "%s", journal);
    }
    seen->contiguous &= sequence == seen->last + 1;
    seen->last = sequence;
    seen->rows++;
    assert_int_equal(ts_buf_add(&seen->bytes, payload), TS_OK);
    return true;
}

enum ts_status walk(struct fixture *f, const char *from, struct seen *seen) {
    struct ts_err err = {0};

    *seen = (struct seen){.contiguous = true};
    return journal_walk(f->journal, from, 1, see, seen, &err);
}

struct uplink_span only_span(struct fixture *f) {
    struct uplink_source source = journal_source(f->journal);
    struct uplink_span spans[8];
    size_t count;

    assert_int_equal(source.spans(source.ctx, spans, 8, &count, NULL), TS_OK);
    assert_true(count >= 1);
    return spans[count - 1];
}

bool count_row(void *arg, uint64_t sequence, struct ts_slice payload) {
    uint64_t *numbers = arg;

    (void)payload;
    assert_true(!numbers[1] || sequence == numbers[1] + 1);
    numbers[0]++;
    numbers[1] = sequence;
    return true;
}

int64_t now_ms(void) { return ts_clock_mono(ts_clock_system()).ms; }
