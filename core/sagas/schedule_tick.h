#ifndef SETT_SCHEDULE_TICK_H
#define SETT_SCHEDULE_TICK_H
/* What is due by time and not by anybody's wish: suspensions, deletions, orders that expire,
 * provisions that failed too long ago, sessions and kept answers that are over. */
#include <stdbool.h>
#include "saga_context.h"

struct schedule_tick {
    const struct saga_context *context;
    uint64_t seen_txn;                      /* billing has been looked at since */
    int64_t billing_ms, prune_ms, alarm_ms; /* monotonic: when each was last done */
    int64_t stuck;                          /* jobs that were stuck at the last alarm */
};

/** schedule_tick(t): once a second. It reads, and writes only when something is due; every failure
 * is logged and tried again. *${wake} is set when a job was started. */
void schedule_tick(struct schedule_tick *t, bool *wake);
/** schedule_prune(txn, most, err): in a write transaction: remove sessions, kept answers and names
 * that are over, at most ${most} of each. Return how many, or -1. */
int schedule_prune(struct txn *txn, unsigned most, struct err *err);

#endif
