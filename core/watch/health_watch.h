#ifndef SETT_HEALTH_WATCH_H
#define SETT_HEALTH_WATCH_H
/*
 * The rounds from tenant to tenant: does each that should run still answer? A first bad answer
 * makes it degraded, a second unhealthy (unreachable, if nobody listens); one good answer makes it
 * healthy. At most 20 are asked a second and each at most once a minute; the store is written only
 * when something changed, once a second at most.
 */
#include "outside.h"
#include "saga_context.h"

struct health_watch;

/** health_watch_start(h, context, outside, round_ms, err): on a thread of its own; a round takes
 * ${round_ms} at least (0: a minute). Return 0 or -1. */
int health_watch_start(struct health_watch **h, const struct saga_context *context,
                       struct outside *outside, uint32_t round_ms, struct err *err);

/** health_watch_stop(h): no more questions; waits for the one under way, 2 s at most. NULL is fine.
 */
void health_watch_stop(struct health_watch *h);

#endif
