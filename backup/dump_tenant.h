#ifndef SETT_DUMP_TENANT_H
#define SETT_DUMP_TENANT_H
/* The dump of a tenant's database, as pg_dump makes it. */
#include "backup.h"

/** dump_tenant(world, number, fd, err): the database of tenant ${number} into ${fd} (pg_dump -Fc),
 * as the tenant's own role. Takes as long as it takes. Return 1, 0 if it has none, or -1. */
int dump_tenant(struct backup_world *world, uint64_t number, int fd, struct err *err);

#endif
