#include "hub/db_adapter.h"

extern const struct ts_slice hub_migration_0001;
extern const struct ts_slice hub_migration_0002;
extern const struct ts_slice hub_migration_0003;
extern const struct ts_slice hub_migration_0004;

/* Numbered without gaps; a migration that has been released never changes. */
const struct db_migration db_migrations[] = {
    {1, "archive", &hub_migration_0001},
    {2, "identity", &hub_migration_0002},
    {3, "clock", &hub_migration_0003},
    {4, "derive_again", &hub_migration_0004},
    {0, NULL, NULL},
};
