#ifndef SETT_SNAPSHOT_KEEP_OPS_H
#define SETT_SNAPSHOT_KEEP_OPS_H
/* What there is to say of snapshots to Prometheus. */
#include "op.h"

/** snapshot_metrics(call, b): append how many there are and when the newest was made, verified and
 * proven, in Prometheus' text format. */
void snapshot_metrics(struct op_call *call, struct buf *b);

#endif
