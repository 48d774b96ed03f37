#ifndef SETT_SNAPSHOT_KEEP_OPS_H
#define SETT_SNAPSHOT_KEEP_OPS_H
/* What there is to say of snapshots to Prometheus, and wherever the box is shown at a glance. */
#include "op.h"

/* Of the whole box's; 0: never. Milliseconds. */
struct snapshot_times {
    int64_t done, verified, proven;
};

/** snapshot_times(txn, times, err): when the newest was made, verified, and restored in a drill.
 * Return 0 or -1. */
int snapshot_times(struct txn *txn, struct snapshot_times *times, struct err *err);

/** snapshot_times_members(call): the same as members last_backup_at, last_verified_at and
 * last_proven_at of the answer; null: never. */
void snapshot_times_members(struct op_call *call);

/** snapshot_metrics(call, b): append how many there are and when the newest was made, verified and
 * proven, in Prometheus' text format. */
void snapshot_metrics(struct op_call *call, struct buf *b);

#endif
