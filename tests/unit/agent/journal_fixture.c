#include "journal_fixture.h"

#include <stdlib.h>
#include <sys/stat.h>

void open_journal(struct fixture *f) {
    struct ts_err err = {0};

    if (journal_open(&f->journal, &f->options, &f->report, &err) != TS_OK)
        fail_msg("%s", err.text);
}

int journal_set_up(void **state) {
    struct fixture *f = ts_alloc(sizeof *f);

    folder_make(f->folder);
    hand_clock_init(&f->clock);
    f->options = test_journal_options(f->folder, f->path, &f->clock);
    open_journal(f);
    *state = f;
    return 0;
}

int journal_tear_down(void **state) {
    struct fixture *f = *state;

    journal_close(f->journal);
    (void)chmod(f->folder, 0700);
    folder_remove(f->folder);
    free(f);
    return 0;
}

void release(struct fixture *f, const char *journal, uint64_t through) {
    struct uplink_source source = journal_source(f->journal);
    struct ts_err err = {0};

    if (source.release(source.ctx, journal, through, &err) != TS_OK)
        fail_msg("%s", err.text);
}

struct journal_stats stats(struct fixture *f) {
    struct journal_stats out;

    assert_int_equal(journal_get_stats(f->journal, &out, NULL), TS_OK);
    return out;
}
