#ifndef SETT_HEALTH_WATCH_H
#define SETT_HEALTH_WATCH_H
/*
 * The rounds: does each tenant that should run answer at its port and at its front door, is each
 * connector connected, what do they use? One thread asks them all, spread over health.interval_s;
 * another keeps the list, notes what changed, restarts what stays bad, measures, and writes the
 * history once a minute. The store is written only when something changed.
 */
#include "outside.h"
#include "saga_context.h"

struct health_watch;

/** health_watch_start(h, context, outside, quick_ms, err): on two threads of its own. ${quick_ms},
 * for tests, is used instead of the settings' intervals; 0: they hold. Return 0 or -1. */
int health_watch_start(struct health_watch **h, const struct saga_context *context,
                       struct outside *outside, uint32_t quick_ms, struct err *err);

/** health_watch_stop(h): no more questions; what is under way is forgotten. NULL is fine. */
void health_watch_stop(struct health_watch *h);

#endif
