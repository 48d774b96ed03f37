#ifndef SETT_ALERT_WATCH_H
#define SETT_ALERT_WATCH_H
/*
 * The thread that looks after alerts: it takes stock of what is wrong, tells what is due, has the
 * web server follow its settings, and clears away what was kept long enough.
 */
#include "saga_context.h"

struct alert_watch;

/** alert_watch_start(w, context, err): on a thread of its own. Return 0 or -1. */
int alert_watch_start(struct alert_watch **w, const struct saga_context *context, struct err *err);

/** alert_watch_stop(w): no more rounds; waits for the one under way. NULL is fine. */
void alert_watch_stop(struct alert_watch *w);

#endif
