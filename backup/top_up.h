#ifndef SETT_TOP_UP_H
#define SETT_TOP_UP_H
/*
 * Bringing a vault what it lacks: snapshots that it missed because it was away, and copies that
 * were found missing or damaged. Fetched from another vault that has them whole, read from front to
 * back (order, completeness, signature), sent.
 */
#include "saga_context.h"

/** top_up(context, most, err): the newest first, at most ${most} of them; what is done is noted, as
 * is a vault that cannot be reached. Return how many were sent, or -1: something is wanted that
 * could not be done now (the first cause in err). 0: nothing is wanted. */
int top_up(const struct saga_context *context, unsigned most, struct err *err);

#endif
