#ifndef SETT_ENGINE_WATCH_H
#define SETT_ENGINE_WATCH_H
/* Whether the container engines on other machines answer. */
#include "answer.h"

/** engine_watch_start(context, outside, err): a thread that asks each engine twice a minute, has
 * links made that are missing and ended that are of no engine any more. Return 0 or -1. */
int engine_watch_start(const struct saga_context *context, struct outside *outside,
                       struct err *err);

#endif
