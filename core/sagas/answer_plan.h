#ifndef SETT_ANSWER_PLAN_H
#define SETT_ANSWER_PLAN_H
/* What a saga would do, before it does it. */
#include "buf.h"
#include "kv.h"
#include "outside.h"
#include "saga_context.h"
#include "step.h"

/** answer_plan(context, outside, saga, params, out, err): ${params} has the arguments that its job
 * would have; the objects they name need not be there yet. JSON. A move that cannot be
 * is refused with its cause. Return 0 or -1. */
int answer_plan(const struct saga_context *context, struct outside *outside,
                const struct saga *saga, const struct kv *params, struct buf *out, struct err *err);

#endif
