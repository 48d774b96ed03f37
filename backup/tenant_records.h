#ifndef SETT_TENANT_RECORDS_H
#define SETT_TENANT_RECORDS_H
/* What the store knows of one tenant, as text. */
#include "backup.h"

/** tenant_records(world, tenant_id, fd, blueprint, err): its record, with those of its customer,
 * plan, subscription and tunnels, into ${fd}: a line each, as store/FORMAT has them in a dump. No
 * secret is among them. ERR_NOT_FOUND. Return 0 or -1. */
int tenant_records(struct backup_world *world, const char *tenant_id, int fd, char blueprint[32],
                   struct err *err);

#endif
