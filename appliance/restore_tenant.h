#ifndef SETT_RESTORE_TENANT_H
#define SETT_RESTORE_TENANT_H
/* One tenant's data out of a snapshot, into the running box. */
#include "cli.h"
#include "restore.h"

struct restore_tenants {
    const char *tenant, *customer; /* one of them: id, number or name */
    const char *as;                /* a new tenant of this name gets the data; NULL: its own */
};

/** restore_tenants(cli, source, secret, which, err): each of them: unpacked and checked beside its
 * folder, then put in place by the job tenant.restore, which goes back by itself when it does not
 * answer. What it had is kept: restore_tenant_commit. Return 0 or -1. */
int restore_tenants(struct cli *cli, const struct chain *source,
                    const struct restore_secret *secret, const struct restore_tenants *which,
                    struct err *err);

/** restore_tenant_commit(cli, tenant, err): what it had before its restore goes. 0 or -1. */
int restore_tenant_commit(struct cli *cli, const char *tenant, struct err *err);

/** restore_tenant_back(cli, tenant, err): it gets back what it had. Return 0 or -1. */
int restore_tenant_back(struct cli *cli, const char *tenant, struct err *err);

#endif
