#ifndef SETT_SCHEMA_H
#define SETT_SCHEMA_H
/* All tables of the box (schema.c, where the first bytes of keys are listed), and what brings older
 * stores to them (migrations.c). */
#include "maintain.h"

extern const struct schema sett_schema;
extern const struct migration sett_migrations[];
extern const size_t sett_migration_count;

#endif
