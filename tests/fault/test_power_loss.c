/* The power goes at every sync of a morning: whatever the agent confirmed is
 * there when it comes back, without a hole, and nothing is called damaged. */
#include "power_vfs.h"

#include "agent/journal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { RUNS = 5, GROUPS = 60, CONFIRMED_MAX = 8192 };

struct row {
    char journal[TS_JOURNAL_TEXT];
    uint64_t sequence;
};

struct morning {
    char folder[64];
    char path[128];
    struct journal_options options;
    struct row *confirmed;
    size_t confirmed_count;
    uint64_t random;
};

static uint64_t draw_number(uint64_t *state) {
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return *state >> 33;
}

static struct journal *open_journal(const struct journal_options *options,
                                    struct journal_report *report) {
    struct journal *journal = NULL;
    struct ts_err err = {0};

    if (journal_open(&journal, options, report, &err) != TS_OK)
        fail_msg("%s", err.text);
    return journal;
}

static void run_group(struct morning *m, struct journal *journal) {
    uint64_t size = draw_number(&m->random) % 6 + 1;
    struct row rows[6];

    for (uint64_t i = 0; i < size; i++) {
        json_t *data = json_pack("{s:s}", "gtin", "08001230000015");
        struct event event = {.type = "item.scanned",
                              .time = ts_clock_wall(m->options.clock),
                              .uptime = ts_clock_mono(m->options.clock),
                              .data = data};

        assert_int_equal(journal_append(journal, JOURNAL_ITEM, &event,
                                        &rows[i].sequence, NULL),
                         TS_OK);
        memcpy(rows[i].journal, journal_id(journal), TS_JOURNAL_TEXT);
        json_decref(data);
    }
    assert_int_equal(journal_commit(journal, NULL), TS_OK);
    assert_true(m->confirmed_count + size <= CONFIRMED_MAX);
    memcpy(m->confirmed + m->confirmed_count, rows, size * sizeof *rows);
    m->confirmed_count += size;
}

/* Groups of scans, acks in between, an end and a new start now and then. */
static void live_through(struct morning *m) {
    for (int run = 0; run < RUNS; run++) {
        struct journal_report report;
        struct journal *journal = open_journal(&m->options, &report);
        struct uplink_source source = journal_source(journal);

        for (int group = 0; group < GROUPS; group++) {
            run_group(m, journal);
            if (draw_number(&m->random) % 4 == 0)
                assert_int_equal(
                    source.release(
                        source.ctx, journal_id(journal),
                        m->confirmed[m->confirmed_count - 1].sequence, NULL),
                    TS_OK);
        }
        journal_close(journal);
    }
}

struct found {
    const struct morning *morning;
    size_t matched; /* of the confirmed rows, in order */
    struct row last;
    bool contiguous;
};

static bool see(void *arg, const char *journal, uint64_t sequence,
                struct ts_slice payload) {
    struct found *found = arg;
    const struct row *next =
        &found->morning
             ->confirmed[found->matched < found->morning->confirmed_count
                             ? found->matched
                             : 0];
    bool same = !strcmp(found->last.journal, journal);

    (void)payload;
    found->contiguous &= sequence == (same ? found->last.sequence + 1 : 1);
    memcpy(found->last.journal, journal, TS_JOURNAL_TEXT);
    found->last.sequence = sequence;
    if (found->matched < found->morning->confirmed_count &&
        next->sequence == sequence && !strcmp(next->journal, journal))
        found->matched++;
    return true;
}

static void lay_out(const struct power_picture *picture) {
    for (size_t i = 0; i < picture->count; i++) {
        int fd = open(picture->files[i].path,
                      O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
        size_t len = picture->files[i].bytes.len;

        assert_true(fd >= 0);
        assert_int_equal(write(fd, picture->files[i].bytes.data, len), len);
        (void)close(fd);
    }
}

static void clear(const struct morning *m) {
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal",
                                           ".lock"};
    char path[160];

    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        (void)snprintf(path, sizeof path, "%s%s", m->path, suffixes[i]);
        (void)unlink(path);
    }
}

static void check(const struct morning *m,
                  const struct power_picture *picture) {
    struct journal_report report;
    struct found found = {.morning = m, .contiguous = true};
    struct journal *journal;
    struct ts_err err = {0};

    clear(m);
    lay_out(picture);
    journal = open_journal(&m->options, &report);
    if (report.damaged)
        fail_msg("called damaged after a power cut");
    if (journal_walk(journal, "", 0, see, &found, &err) != TS_OK)
        fail_msg("%s", err.text);
    assert_true(found.contiguous);
    assert_true(found.matched >= picture->confirmed);
    journal_close(journal);
}

static void test_every_sync(void **state) {
    struct morning m = {.random = 7};
    struct power_picture *pictures;
    size_t count;

    (void)state;
    (void)snprintf(m.folder, sizeof m.folder, "/tmp/tessera-power-XXXXXX");
    assert_non_null(mkdtemp(m.folder));
    (void)snprintf(m.path, sizeof m.path, "%s/journal.db", m.folder);
    m.options = (struct journal_options){
        .path = m.path,
        .max_bytes = 512 << 20,
        .keep_bytes = 64 << 20,
        .keep_ms = 7 * 86400000LL,
        .origin = {"milano-01", "milano-01-lane-3", "5d1e88c2"},
        .clock = ts_clock_system(),
    };
    m.confirmed = ts_alloc(CONFIRMED_MAX * sizeof *m.confirmed);
    power_vfs_begin(&m.confirmed_count, 99);
    live_through(&m);
    pictures = power_vfs_end(&count);
    assert_true(count > (size_t)RUNS * GROUPS);
    assert_true(m.confirmed_count > (size_t)RUNS * GROUPS);
    for (size_t i = 0; i < count; i++)
        check(&m, &pictures[i]);
    print_message("%zu power cuts, %zu events confirmed, none lost\n", count,
                  m.confirmed_count);
    power_pictures_free(pictures, count);
    clear(&m);
    (void)rmdir(m.folder);
    free(m.confirmed);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_sync),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
