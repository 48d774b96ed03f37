#ifndef SETT_QUOTA_WATCH_H
#define SETT_QUOTA_WATCH_H
/* Counting what there is at Cloudflare, now and then, so that somebody hears of a limit before a
 * tenant meets it. */
#include "outside.h"
#include "saga_context.h"

/** quota_watch_start(context, outside, err): on a thread that lives as long as the process does;
 * each quarter of an hour, the first time after two minutes. Return 0 or -1. */
int quota_watch_start(const struct saga_context *context, struct outside *outside, struct err *err);

/** quota_watch_look(context, outside, err): count now; a notice cloudflare.quota about each quota
 * of which 80 % are used, grave from 95 %, is raised, and cleared when it is over. Nothing without
 * an account. Return 0 or -1. */
int quota_watch_look(const struct saga_context *context, struct outside *outside, struct err *err);

#endif
