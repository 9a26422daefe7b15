/* What an erasure takes from the journal's copies. */
#include "journal_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct seen {
    uint64_t rows, last;
    struct ts_buf bytes;
};

static bool see(void *arg, const char *journal, uint64_t sequence,
                struct ts_slice payload) {
    struct seen *seen = arg;

    (void)journal;
    seen->rows++;
    seen->last = sequence;
    return ts_buf_add(&seen->bytes, payload) == TS_OK;
}

#define CARD_A  "c1.uKCh5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqY"
#define CARD_B  "c1.AAAA5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqY"
#define VISIT_A "0192f3c4-0000-7000-8000-00000000000a"
#define VISIT_B "0192f3c4-0000-7000-8000-00000000000b"

/* A card when `card`, else an item. */
static void append_in(struct fixture *f, const char *visit, const char *card) {
    json_t *data = card ? json_pack("{s:s}", "card", card)
                        : json_pack("{s:s}", "gtin", "08001230000017");
    struct event event = {.type = card ? "card.presented" : "item.scanned",
                          .visit = visit,
                          .time = {f->clock.wall_ms},
                          .uptime = {f->clock.mono_ms},
                          .clock = EVENT_CLOCK_SET,
                          .data = data};
    struct ts_err err = {0};
    uint64_t sequence;

    if (journal_append(f->journal, JOURNAL_CARD, &event, &sequence, &err) !=
        TS_OK)
        fail_msg("%s", err.text);
    json_decref(data);
    assert_int_equal(journal_commit(f->journal, &err), TS_OK);
}

static bool file_holds(const char *path, const char *suffix, const char *text) {
    struct ts_buf bytes = {0};
    char name[160];
    bool found;

    (void)snprintf(name, sizeof name, "%s%s", path, suffix);
    ts_buf_init(&bytes, 64 << 20);
    found = ts_file_read(&bytes, name, 64 << 20, NULL) == TS_OK && bytes.len &&
            memmem(bytes.data, bytes.len, text, strlen(text));
    ts_buf_fini(&bytes);
    return found;
}

static void test_erase(void **state) {
    struct fixture *f = *state;
    json_t *cards = json_pack("[s]", CARD_A);
    struct ts_err err = {0};
    struct seen seen = {.rows = 0};
    char id[TS_JOURNAL_TEXT];
    char aside[160];

    memcpy(id, journal_id(f->journal), sizeof id);
    append_in(f, VISIT_B, NULL);
    append_in(f, VISIT_A, NULL);
    append_in(f, VISIT_A, CARD_A);
    append_in(f, VISIT_B, CARD_B);
    append_in(f, VISIT_A, NULL);
    append_in(f, VISIT_A, CARD_A);
    (void)snprintf(aside, sizeof aside, "%s.damaged-20261121", f->path);
    assert_int_equal(close(open(aside, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)),
                     0);
    release(f, id, 5);
    assert_int_equal(journal_erase(f->journal, cards, &err), TS_OK);
    /* The unsent row stays: it travels, and the hub suppresses it. */
    assert_int_equal(journal_walk(f->journal, id, 1, see, &seen, &err), TS_OK);
    assert_true(seen.rows == 3 && seen.last == 6);
    assert_non_null(memmem(seen.bytes.data, seen.bytes.len, CARD_B, 46));
    ts_buf_fini(&seen.bytes);
    assert_true(stats(f).copies == 2 && stats(f).unsent == 1);
    assert_true(folder_count(f->folder, ".damaged-") == 0);
    release(f, id, 6);
    assert_int_equal(journal_erase(f->journal, cards, &err), TS_OK);
    assert_true(stats(f).copies == 2);
    assert_true(file_holds(f->path, "", CARD_B));
    assert_false(file_holds(f->path, "", CARD_A));
    assert_false(file_holds(f->path, "-wal", CARD_A));
    /* The numbers go on where they were. */
    journal_close(f->journal);
    open_journal(f);
    assert_string_equal(f->report.previous, id);
    assert_true(f->report.previous_last == 6 && stats(f).copies == 2);
    json_decref(cards);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        JOURNAL_TEST(test_erase),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
