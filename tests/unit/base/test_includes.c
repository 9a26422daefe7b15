/* Dependencies go one way: the #include lines say so. */
#include "base/bytes.h"

#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

struct folder {
    const char *name;
    const char *may_see; /* blank before and behind each */
};

static const struct folder folders[] = {
    {"base", " base "},
    {"drivers/port", " drivers/port base "},
    {"drivers/code", " drivers/code drivers base "},
    {"drivers", " drivers drivers/port drivers/code base "},
    {"sync", " sync base "},
    {"agent", " agent drivers drivers/port drivers/code sync base "},
    {"hub", " hub sync base "},
    {"tools", " tools agent hub drivers drivers/port drivers/code sync base "},
};

enum { FOLDERS = sizeof folders / sizeof *folders };

static const struct folder *find_folder(const char *name, size_t len) {
    for (size_t i = 0; i < FOLDERS; i++)
        if (strlen(folders[i].name) == len &&
            !memcmp(folders[i].name, name, len))
            return &folders[i];
    return NULL;
}

/* The folder of the file that is named behind `line`'s quotation mark. */
static size_t folder_len(const char *line) {
    size_t end = strcspn(line, "\"");

    while (end > 0 && line[end] != '/')
        end--;
    return end;
}

/* `line` stands in a file of `from`. */
static bool line_is_allowed(const struct folder *from, const char *line) {
    bool narrow =
        !strncmp(from->name, "drivers", 7) || !strcmp(from->name, "sync");
    const struct folder *to;
    char word[32];

    line += strspn(line, " \t");
    if (*line++ != '#')
        return true;
    line += strspn(line, " \t");
    if (strncmp(line, "include", 7) != 0)
        return true;
    line += 7;
    line += strspn(line, " \t");
    if (narrow && (strstr(line, "base/http.h") || strstr(line, "sqlite3.h") ||
                   strstr(line, "event2/http.h")))
        return false;
    if (*line++ != '"')
        return true;
    to = find_folder(line, folder_len(line));
    if (!to)
        return true;
    (void)snprintf(word, sizeof word, " %s ", to->name);
    return strstr(from->may_see, word) != NULL;
}

static void a_bad_arrow_is_noticed(void **state) {
    static const struct {
        const char *from;
        const char *line;
        bool allowed;
    } rows[] = {
        {"base", "#include \"base/bytes.h\"", true},
        {"base", "#include \"sync/batch.h\"", false},
        {"drivers", "#include \"sync/batch.h\"", false},
        {"drivers", "  #  include \"base/http.h\"", false},
        {"drivers", "#include <sqlite3.h>", false},
        {"drivers", "#include \"drivers/code/symbology.h\"", true},
        {"drivers/port", "#include \"drivers/driver.h\"", false},
        {"drivers/code", "#include \"drivers/port/port.h\"", false},
        {"drivers/code", "#include \"base/http.h\"", false},
        {"sync", "#include <event2/http.h>", false},
        {"sync", "#include \"drivers/code/code.h\"", false},
        {"sync", "#include <event2/event.h>", true},
        {"agent", "#include \"drivers/code/code.h\"", true},
        {"agent", "#include \"hub/db.h\"", false},
        {"hub", "#include \"drivers/code/code.h\"", false},
        {"hub", "#include \"sync/batch.h\"", true},
        {"tools", "#include \"agent/journal.h\"", true},
        {"agent", "#include \"tools/command.h\"", false},
        {"base", "see #include \"sync/batch.h\"", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (line_is_allowed(find_folder(rows[i].from, strlen(rows[i].from)),
                            rows[i].line) != rows[i].allowed)
            fail_msg("%s: %s", rows[i].from, rows[i].line);
}

static unsigned check_file(const struct folder *from, const char *path) {
    FILE *file = fopen(path, "r");
    char line[512];
    unsigned bad = 0;

    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (!line_is_allowed(from, line)) {
            print_error("%s: %s", path, line);
            bad++;
        }
    assert_int_equal(fclose(file), 0);
    return bad;
}

static bool is_source(const char *name) {
    size_t len = strlen(name);

    return len > 2 && name[len - 2] == '.' &&
           (name[len - 1] == 'c' || name[len - 1] == 'h');
}

static unsigned check_folder(const struct folder *folder, unsigned *bad) {
    char path[1024];
    unsigned files = 0;
    struct dirent *entry;
    DIR *dir;

    (void)snprintf(path, sizeof path, "%s/%s", TESSERA_SOURCE_DIR,
                   folder->name);
    dir = opendir(path);
    if (!dir)
        return 0;
    while ((entry = readdir(dir))) {
        if (!is_source(entry->d_name))
            continue;
        (void)snprintf(path, sizeof path, "%s/%s/%s", TESSERA_SOURCE_DIR,
                       folder->name, entry->d_name);
        *bad += check_file(folder, path);
        files++;
    }
    assert_int_equal(closedir(dir), 0);
    return files;
}

static void no_arrow_goes_up_or_sideways(void **state) {
    unsigned bad = 0;
    unsigned files = 0;

    (void)state;
    for (size_t i = 0; i < FOLDERS; i++)
        files += check_folder(&folders[i], &bad);
    assert_true(files > 20);
    assert_int_equal(bad, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_arrow_is_noticed),
        cmocka_unit_test(no_arrow_goes_up_or_sideways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
