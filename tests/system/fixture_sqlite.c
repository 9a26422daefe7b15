/* fixture_sqlite FILE SQL: runs statements on a database, behind the back of
 * whoever else has it open. */
#include <sqlite3.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    sqlite3 *handle = NULL;
    int code = SQLITE_ERROR;

    if (argc == 3)
        code = sqlite3_open_v2(argv[1], &handle, SQLITE_OPEN_READWRITE, NULL);
    (void)sqlite3_busy_timeout(handle, 60000);
    if (code == SQLITE_OK)
        code = sqlite3_exec(handle, argv[2], NULL, NULL, NULL);
    if (code != SQLITE_OK)
        (void)fprintf(stderr, "%s\n", sqlite3_errmsg(handle));
    (void)sqlite3_close(handle);
    return code == SQLITE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
