#ifndef SETT_TENANT_CHANGE_H
#define SETT_TENANT_CHANGE_H
/* What changes a tenant. Each decides in one transaction whether it may be, notes it, and starts
 * the job that brings it about. For the rows in tenant_ops.c. */
#include "object.h"
#include "params.h"
#include "tenant.h"

extern const struct fields tenant_change_create, tenant_change_update, tenant_change_delete,
    tenant_change_reason;

/* The runs of tenant.create and so on, as op.h says of op->run. */

/** tenant_change_create_run: take a name, make the record, start tenant.provision. */
int tenant_change_create_run(struct op_call *call, struct err *err);

/** tenant_change_update_run: what needs nothing outside is changed here; for the rest
 * tenant.update. */
int tenant_change_update_run(struct op_call *call, struct err *err);

/** tenant_change_delete_run: by the parameter action start tenant.suspend or tenant.delete; a
 * provision that is under way is turned round. */
int tenant_change_delete_run(struct op_call *call, struct err *err);

/** tenant_change_suspend_run: start tenant.suspend. */
int tenant_change_suspend_run(struct op_call *call, struct err *err);

/** tenant_change_resume_run: start tenant.resume; nothing if it is active. */
int tenant_change_resume_run(struct op_call *call, struct err *err);

/** tenant_change_rekey_run: start tenant.rekey, where it has a database. */
int tenant_change_rekey_run(struct op_call *call, struct err *err);

/** tenant_change_restart_run: start tenant.restart. */
int tenant_change_restart_run(struct op_call *call, struct err *err);

/** tenant_change_keep_run: take the tenant from its subscription, which has ended; tenant.resume.
 */
int tenant_change_keep_run(struct op_call *call, struct err *err);

#endif
