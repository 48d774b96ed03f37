/* The tables of a version after this one, for programs that are linked with them in the place of
 * this version's: the same tables, a number more, and a migration that leads there. */
#define sett_schema          sett_schema_now
#define sett_migrations      sett_migrations_now
#define sett_migration_count sett_migration_count_now
#include "schema.c"
#undef sett_schema
#undef sett_migrations
#undef sett_migration_count

#include "setting.h"

static int note_it(struct txn *txn, struct err *err)
{
    return setting_set(txn, "box.name", "of the next version", "migration", err);
}

/* The way to this version is not needed: stores of the tests are of it. */
extern const struct migration sett_migrations[];
const struct migration sett_migrations[] = {
    {SETT_NEXT_VERSION, "the version after this one", note_it},
};
extern const size_t sett_migration_count;
const size_t sett_migration_count = 1;

extern const struct schema sett_schema;
const struct schema sett_schema = {
    .tables = tables,
    .table_count = sizeof tables / sizeof tables[0],
    .feed = true,
    .version = SETT_NEXT_VERSION,
};
