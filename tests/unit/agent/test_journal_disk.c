/* What the journal says and counts of a disk that refuses. */
#include "journal_rows.h"
#include "journal_vfs.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One place of one file. */
static struct {
    atomic_llong hurt; /* a read there fails; 0: none does */
    atomic_ullong inode;
} sick;

static int on_read(sqlite3_file *file, void *data, int len, sqlite3_int64 at) {
    long long hurt = atomic_load(&sick.hurt);

    /* As unixRead answers to EIO. */
    if (hurt && hurt >= at && hurt < at + len &&
        vfs_inode(file) == atomic_load(&sick.inode))
        return SQLITE_IOERR_CORRUPTFS;
    return vfs_real(file)->xRead(file, data, len, at);
}

static int sick_set_up(void **state) {
    vfs_begin(&(struct vfs_calls){.read = on_read});
    return journal_set_up(state);
}

static int sick_tear_down(void **state) {
    int rc;

    atomic_store(&sick.hurt, 0);
    rc = journal_tear_down(state);
    vfs_end();
    return rc;
}

/* As the uplink does, until the end or a failure. */
static enum ts_status read_all(struct fixture *f, const char *id,
                               struct ts_err *err) {
    struct uplink_source source = journal_source(f->journal);
    enum ts_status status = TS_OK;

    for (uint64_t from = 1; status == TS_OK;) {
        uint64_t numbers[2] = {0, 0};

        status =
            source.read(source.ctx, id, from, 100, count_row, numbers, err);
        if (!numbers[0])
            break;
        from = numbers[1] + 1;
    }
    return status;
}

static off_t middle_of(const char *path) {
    struct stat info;

    assert_int_equal(stat(path, &info), 0);
    return info.st_size / 8192 * 4096;
}

static void hurt(const char *path) {
    struct stat info;

    assert_int_equal(stat(path, &info), 0);
    atomic_store(&sick.inode, info.st_ino);
    atomic_store(&sick.hurt, middle_of(path));
}

static void fill(struct fixture *f, char id[TS_JOURNAL_TEXT]) {
    memcpy(id, journal_id(f->journal), TS_JOURNAL_TEXT);
    append_many(f, 3000);
    reopen(f); /* the log goes into the file */
}

static void mend(struct fixture *f) {
    struct journal_report report = {.damaged = false};

    assert_int_equal(journal_tidy(f->journal, NULL), TS_OK);
    assert_true(journal_take_damage(f->journal, &report));
    assert_true(report.salvaged > 2900 && report.lost > 0);
    assert_true(report.salvaged + report.lost == 3000);
}

static void bring_log_home(const char *path) {
    sqlite3 *db = NULL;
    int left = -1;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "SELECT count(*) FROM meta", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_wal_checkpoint_v2(
                         db, NULL, SQLITE_CHECKPOINT_TRUNCATE, &left, NULL),
                     SQLITE_OK);
    assert_int_equal(left, 0);
    (void)sqlite3_close(db);
}

/* Each fault has its own word: what the disk refused once does not make every
 * later damage the disk's. */
static void test_word_of_a_fault(void **state) {
    struct fixture *f = *state;
    static const char *const word = "replace the disk";
    char id[TS_JOURNAL_TEXT];
    struct ts_err err = {0};
    uint64_t refused;
    int fd;

    fill(f, id);
    assert_true(journal_disk_errors(f->journal, JOURNAL_DISK_READ) == 0);
    hurt(f->path);
    assert_int_equal(read_all(f, id, &err), TS_CORRUPT);
    assert_non_null(strstr(err.text, word));
    refused = journal_disk_errors(f->journal, JOURNAL_DISK_READ);
    assert_true(refused > 0);
    atomic_store(&sick.hurt, 0);
    assert_int_equal(journal_tidy(f->journal, NULL), TS_OK);
    bring_log_home(f->path);
    fd = open(f->path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "\xff\xff\xff\xff", 4, middle_of(f->path)), 4);
    assert_int_equal(close(fd), 0);
    assert_int_equal(read_all(f, id, &err), TS_CORRUPT);
    assert_null(strstr(err.text, word));
}

/* The rest goes over; what is missing is counted; the lane goes on. */
static void test_unreadable_while_running(void **state) {
    struct fixture *f = *state;
    char id[TS_JOURNAL_TEXT];
    struct ts_err err = {0};

    fill(f, id);
    hurt(f->path);
    assert_int_equal(read_all(f, id, &err), TS_CORRUPT);
    mend(f);
    atomic_store(&sick.hurt, 0);
    assert_true(append(f) == 1);
    commit(f);
    assert_true(only_span(f).newest == 1);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_word_of_a_fault, sick_set_up,
                                        sick_tear_down),
        cmocka_unit_test_setup_teardown(test_unreadable_while_running,
                                        sick_set_up, sick_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
