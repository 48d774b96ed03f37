#ifndef SETT_STEPS_RESTORE_H
#define SETT_STEPS_RESTORE_H
/*
 * One tenant's data back from a snapshot. Arguments: tenant_id; back ("1": what it had before its
 * restore); and, where the box fetches it itself, restore_id, snapshot_id, of_number (of the tenant
 * whose data it is). Without these `sett restore FILE --tenant` has laid it ready.
 */
#include "step.h"

#define RESTORE_ARG_ID       "restore_id"
#define RESTORE_ARG_SNAPSHOT "snapshot_id"
#define RESTORE_ARG_OF       "of_number"
#define RESTORE_ARG_BACK     "back"

/** steps_restore_laid(job): the data is not to be fetched: it is there, or it goes back. */
bool steps_restore_laid(const struct job *job);

/** steps_restore_uncleared(job): nothing is left over that is this job's to clear. */
bool steps_restore_uncleared(const struct job *job);

/** steps_restore_keys(txn, job, context, secrets, err): file keys of the snapshot and what it
 * builds on: those that the box keeps, and those that the recovery secret opened for this restore.
 * ERR_PRECONDITION when one is missing. Return 0 or -1. */
int steps_restore_keys(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                       struct err *err);

/** steps_restore_plan_fetch(job, out, size): 0 or -1. */
int steps_restore_plan_fetch(const struct job *job, char *out, size_t size);

struct chain_fetch;

/** steps_restore_hand(call, fetch, unit, err): the files of ${unit} ("tenants/3") to the hands, who
 * lay them beside the folder of the tenant that the facts name. */
enum outcome steps_restore_hand(struct step_call *call, const struct chain_fetch *fetch,
                                const char *unit, struct err *err);

/* The snapshot from a vault, read whole and compared; the tenant's part of it to the hands, who lay
 * it beside the tenant's folder; and the way back. */
step_outside steps_restore_fetch, steps_restore_unfetch;
/* What waits beside it goes: after a way back. */
step_outside steps_restore_clear;
/* And what is kept of before. */
step_outside steps_restore_forget;
/* The record of the restore: at work; how it ended. */
step_store steps_restore_begun, steps_restore_ended, steps_restore_committed;

extern const struct saga saga_tenant_restore; /* "tenant.restore" */
extern const struct saga saga_restore_commit; /* "restore.commit" */

#endif
