#include "hub/statements.h"

#include "hub/archive.h"

const struct statement_table hub_statement_tables[] = {
    {"db", db_statements},
    {"archive", archive_statements},
    {NULL, NULL},
};
