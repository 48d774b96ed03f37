#ifndef SETT_DRIFT_WATCH_H
#define SETT_DRIFT_WATCH_H
/*
 * Looking for drift: each day at the setting drift.at, and whenever somebody wants it
 * (drift_scan_want). One scan at a time, on a thread of its own; a scan that a crash cut off is
 * done again.
 */
#include "outside.h"
#include "saga_context.h"

/** drift_watch_start(context, outside, err): on a thread that lives as long as the process does; a
 * process that ends need not wait for it. Return 0 or -1. */
int drift_watch_start(const struct saga_context *context, struct outside *outside, struct err *err);

/** drift_watch_due(at, last_ms, now_ms): whether a scan is due at wall time ${now_ms}, the last one
 * having begun at ${last_ms}: the newest "HH:MM" of ${at}, local time, lies between them. */
bool drift_watch_due(const char *at, int64_t last_ms, int64_t now_ms);

/** drift_watch_scan(context, outside, err): one whole scan now, on the caller's thread. 0 or -1. */
int drift_watch_scan(const struct saga_context *context, struct outside *outside, struct err *err);

#endif
