#ifndef SETT_TWIN_WATCH_H
#define SETT_TWIN_WATCH_H
/*
 * Whether this box is the only one of its kind: a box that was moved or restored while the one that
 * it was is still there shares its tunnels with it, and visitors come out at either.
 */
#include "outside.h"
#include "saga_context.h"

/** twin_watch_start(context, outside, err): on a thread that lives as long as the process: one
 * tunnel after another is compared with what Cloudflare says of its connectors. Seen twice, it is
 * the notice "box.twin". Return 0 or -1. */
int twin_watch_start(const struct saga_context *context, struct outside *outside, struct err *err);

#endif
