#include "hub/statements.h"

#include "hub/archive.h"
#include "hub/derive.h"
#include "hub/identity.h"
#include "hub/journey.h"
#include "hub/people.h"

const struct statement_table hub_statement_tables[] = {
    {"db", db_statements},
    {"archive", archive_statements},
    {"derive", derive_statements},
    {"identity", identity_statements},
    {"journey", journey_statements},
    {"people", people_statements},
    {NULL, NULL},
};
