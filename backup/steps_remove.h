#ifndef SETT_STEPS_REMOVE_H
#define SETT_STEPS_REMOVE_H
/* Removing one snapshot, because no rule keeps it any more. Argument: snapshot_id. */
#include "step.h"

/* That it may still go, by the rules as they are now; where it is. */
step_store steps_remove_begin;
/* Its file in each vault. One where nothing may be deleted, or that cannot be reached, is no
 * failure: it is said. */
step_outside steps_remove_files;
/* What is gone, into the records, and audited. */
step_store steps_remove_done;

extern const struct saga saga_snapshot_remove; /* "snapshot.remove" */

/** steps_remove_start(txn, snapshot_id, err): start that job. ERR_CONFLICT "busy" while another one
 * about snapshots is at work. Return 0 or -1. */
int steps_remove_start(struct txn *txn, const char *snapshot_id, struct err *err);

#endif
