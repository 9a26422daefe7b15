/* Every statement that the hub runs, so that one test can prepare them all on
 * both engines. */
#ifndef TS_HUB_STATEMENTS_H
#define TS_HUB_STATEMENTS_H

#include "hub/db.h"

struct statement_table {
    const char *module;
    const struct db_statement *statements;
};

/* The last row has module NULL. */
extern const struct statement_table hub_statement_tables[];

#endif
