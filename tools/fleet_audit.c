#include "tools/fleet_audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXAMPLES = 10, SLOTS_A_RUN = 4 };

/* One run of one lane, found by its name. */
struct book {
    const char *terminal;
    struct ram_run_view run;
    uint8_t *seen;      /* times, up to 255 */
    uint64_t last_seen; /* in the order of arrival */
};

struct audit {
    const struct fleet *fleet;
    struct book *books;
    size_t count;
    size_t *slots; /* index + 1, by a hash of the journal */
    size_t slot_count;
    uint64_t archived, different, duplicates, order_errors, invented;
    json_t *examples;
};

static void example_key(struct audit *audit, const char *what,
                        struct ts_slice key) {
    char text[160];

    if (json_array_size(audit->examples) >= EXAMPLES)
        return;
    (void)snprintf(text, sizeof text, "%s: %.*s", what, (int)key.len,
                   (const char *)key.data);
    (void)json_array_append_new(audit->examples, json_string(text));
}

static void example(struct audit *audit, const char *what,
                    const struct book *book, uint64_t sequence) {
    char key[120];

    (void)snprintf(key, sizeof key, "%s/%s/%020llu", book->terminal,
                   book->run.journal, (unsigned long long)sequence);
    example_key(audit, what, ts_slice_text(key));
}

/* The names of the lanes of this process end with their numbers. */
static bool is_ours(const struct fleet *fleet, struct ts_slice terminal) {
    const char *first = vlane_terminal(fleet_lane(fleet, 0));
    const char *last =
        vlane_terminal(fleet_lane(fleet, fleet_lanes(fleet) - 1));

    return terminal.len == strlen(first) &&
           memcmp(terminal.data, first, terminal.len) >= 0 &&
           memcmp(terminal.data, last, terminal.len) <= 0;
}

static size_t slot_of(const struct audit *audit, struct ts_slice journal) {
    size_t at = ts_crc32(journal) % audit->slot_count;

    while (audit->slots[at] &&
           !ts_slice_equal(
               ts_slice_text(audit->books[audit->slots[at] - 1].run.journal),
               journal))
        at = (at + 1) % audit->slot_count;
    return at;
}

static void add_lane(struct audit *audit, const struct vlane *lane) {
    const struct ram_journal *journal = vlane_journal(lane);

    for (size_t i = 0; i < ram_journal_runs(journal); i++) {
        struct book *book = &audit->books[audit->count];
        book->terminal = vlane_terminal(lane);
        book->run = ram_journal_run(journal, i);
        book->seen = ts_alloc(book->run.newest + 1);
        audit->slots[slot_of(audit, ts_slice_text(book->run.journal))] =
            ++audit->count;
    }
}

static void open_books(struct audit *audit, const struct fleet *fleet) {
    size_t runs = 0;

    for (size_t i = 0; i < fleet_lanes(fleet); i++)
        runs += ram_journal_runs(vlane_journal(fleet_lane(fleet, i)));
    audit->books = ts_alloc((runs + 1) * sizeof *audit->books);
    audit->slot_count = runs * SLOTS_A_RUN + 1;
    audit->slots = ts_alloc(audit->slot_count * sizeof *audit->slots);
    audit->examples = json_array();
    for (size_t i = 0; i < fleet_lanes(fleet); i++)
        add_lane(audit, fleet_lane(fleet, i));
}

static void close_books(struct audit *audit) {
    for (size_t i = 0; i < audit->count; i++)
        free(audit->books[i].seen);
    free(audit->books);
    free(audit->slots);
    json_decref(audit->examples);
}

/* "terminal/journal/sequence"; false: not of a terminal. */
static bool split_key(struct ts_slice key, struct ts_slice *terminal,
                      struct ts_slice *journal, uint64_t *sequence) {
    const size_t tail = 1 + TS_JOURNAL_TEXT - 1 + 1 + TS_COUNTER_TEXT - 1;

    if (key.len <= tail || key.data[key.len - tail] != '/')
        return false;
    *terminal = ts_slice_of(key.data, key.len - tail);
    *journal = ts_slice_of(key.data + key.len - tail + 1, TS_JOURNAL_TEXT - 1);
    return ts_counter_parse(sequence,
                            ts_slice_of(key.data + key.len - 20, 20)) == TS_OK;
}

static void judge(struct audit *audit, struct book *book, uint64_t sequence,
                  struct ts_slice body) {
    if (!sequence || sequence > book->run.newest) {
        audit->invented++;
        example(audit, "archived but never recorded", book, sequence);
        return;
    }
    if (book->seen[sequence]) {
        book->seen[sequence] = 2;
        audit->duplicates++;
        example(audit, "archived twice", book, sequence);
        return;
    }
    book->seen[sequence] = 1;
    audit->archived++;
    if (sequence < book->last_seen) {
        audit->order_errors++;
        example(audit, "archived behind a later one", book, sequence);
    }
    book->last_seen = sequence;
    if (ram_journal_digest(body) != book->run.digests[sequence - 1]) {
        audit->different++;
        example(audit, "other content", book, sequence);
    }
}

static bool take_event(void *arg, const struct archive_event *event) {
    struct audit *audit = arg;
    struct ts_slice terminal, journal;
    uint64_t sequence;
    struct book *book;
    size_t slot;

    if (!split_key(event->key, &terminal, &journal, &sequence))
        return true;
    slot = slot_of(audit, journal);
    if (!audit->slots[slot]) {
        if (!is_ours(audit->fleet, terminal))
            return true;
        audit->invented++;
        example_key(audit, "archived from a journal that no lane has",
                    event->key);
        return true;
    }
    book = &audit->books[audit->slots[slot] - 1];
    if (!ts_slice_equal(ts_slice_text(book->terminal), terminal)) {
        audit->invented++;
        example(audit, "archived under another terminal", book, sequence);
        return true;
    }
    judge(audit, book, sequence, event->body);
    return true;
}

static json_t *judgement(struct audit *audit) {
    uint64_t recorded = 0, missing = 0;

    for (size_t i = 0; i < audit->count; i++) {
        struct book *book = &audit->books[i];
        recorded += book->run.newest;
        for (uint64_t s = 1; s <= book->run.newest; s++) {
            if (book->seen[s])
                continue;
            missing++;
            example(audit, "missing", book, s);
        }
    }
    return json_pack(
        "{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:O}", "recorded", (json_int_t)recorded,
        "archived", (json_int_t)audit->archived, "missing", (json_int_t)missing,
        "different", (json_int_t)audit->different, "duplicates",
        (json_int_t)audit->duplicates, "order_errors",
        (json_int_t)audit->order_errors, "invented",
        (json_int_t)audit->invented, "examples", audit->examples);
}

enum ts_status fleet_audit(const struct fleet *fleet, const char *url,
                           const struct audit_mark *mark, json_t **out,
                           struct ts_err *err) {
    struct audit audit = {.fleet = fleet};
    struct db *db = NULL;
    enum ts_status status = db_open_read(&db, url, err);

    if (status != TS_OK)
        return status;
    open_books(&audit, fleet);
    status = audit_events(db, mark, take_event, &audit, err);
    if (status == TS_OK)
        *out = judgement(&audit);
    close_books(&audit);
    db_close(db);
    return status;
}
