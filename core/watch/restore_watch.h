#ifndef SETT_RESTORE_WATCH_H
#define SETT_RESTORE_WATCH_H
/*
 * What a worker does in a restored box until somebody lets it go on: it reads Stripe's events since
 * the snapshot again, waits for the look at what is outside, raises the numbers that were seen
 * there, and, if it may, goes on by itself when only what the restore stopped is missing.
 */
#include "outside.h"
#include "saga_context.h"

/** restore_watch_paused(context): whether the box is in that state. */
bool restore_watch_paused(const struct saga_context *context);

/** restore_watch_may(saga): whether jobs of this saga are taken up meanwhile: those that an
 * operator starts to bring back what differs. */
bool restore_watch_may(const char *saga);

/** restore_watch_start(context, outside, err): on a thread that lives as long as the process. 0 or
 * -1. */
int restore_watch_start(const struct saga_context *context, struct outside *outside,
                        struct err *err);

#endif
