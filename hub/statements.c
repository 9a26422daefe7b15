#include "hub/statements.h"

#include "hub/api.h"
#include "hub/archive.h"
#include "hub/audit.h"
#include "hub/dating.h"
#include "hub/derive.h"
#include "hub/identity.h"
#include "hub/journey.h"
#include "hub/people.h"
#include "hub/profile.h"
#include "hub/desk.h"
#include "hub/intake.h"
#include "hub/lane.h"
#include "hub/lease.h"
#include "hub/registry.h"
#include "hub/take.h"

const struct statement_table hub_statement_tables[] = {
    {"db", db_statements},
    {"api", api_statements},
    {"archive", archive_statements},
    {"audit", audit_statements},
    {"dating", dating_statements},
    {"derive", derive_statements},
    {"identity", identity_statements},
    {"journey", journey_statements},
    {"people", people_statements},
    {"profile", profile_statements},
    {"desk", desk_statements},
    {"intake", intake_statements},
    {"lane", lane_statements},
    {"lease", lease_statements},
    {"registry", registry_statements},
    {"take", take_statements},
    {NULL, NULL},
};
