#ifndef SETT_HEALTH_OPS_H
#define SETT_HEALTH_OPS_H
/* What the history has to say to Prometheus. */
#include "op.h"

/** health_metrics(call, b): append the box's newest minute in Prometheus' text format; nothing when
 * nothing was measured in the last five minutes. */
void health_metrics(struct op_call *call, struct buf *b);

#endif
