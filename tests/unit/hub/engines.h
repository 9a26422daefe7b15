/* The two engines for a test: an SQLite file and a real PostgreSQL, each in a
 * folder of its own under /tmp that ends with the test. */
#ifndef TS_TESTS_HUB_ENGINES_H
#define TS_TESTS_HUB_ENGINES_H

#include "hub/db.h"

struct engines;

/* Ends the test when a server cannot be started. */
struct engines *engines_start(void);
void engines_stop(struct engines *engines);
/* A folder for the test's files. */
const char *engines_folder(const struct engines *engines);
/* The URL of a new, empty database; the text lives until the next call. */
const char *engines_sqlite(struct engines *engines);
const char *engines_postgres(struct engines *engines);
/* kill -9 of the server and a new start over its data. */
void engines_restart_postgres(struct engines *engines);

#endif
