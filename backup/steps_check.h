#ifndef SETT_STEPS_CHECK_H
#define SETT_STEPS_CHECK_H
/* One snapshot looked at by order: each of its copies fetched, and read from front to back. With
 * the file key, where the box keeps it, everything is compared; else signature, order,
 * completeness. Argument: snapshot_id. */
#include "step.h"

/** steps_check_key(txn, job, context, secrets, err): the file key, if it is kept. Return 0 or -1.
 */
int steps_check_key(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                    struct err *err);

/* Reads all copies. A vault that cannot be reached costs only its own copy: that is said. */
step_outside steps_check_read;
/* What was seen, into the records of the copies and of the snapshot. */
step_store steps_check_noted;

extern const struct saga saga_snapshot_check; /* "snapshot.check" */

#endif
