#ifndef SETT_ACTS_H
#define SETT_ACTS_H
/* The guarded acts that only the worker can do; the list itself is in core/ops/act_ops.c. Answers
 * to the front and the CLI; see answer.h. */
#include "answer.h"

/** acts_answer(setup, params, out, err): params action and argument. JSON: what was done. 0 or -1.
 */
int acts_answer(const struct answer_setup *setup, const struct kv *params, struct buf *out,
                struct err *err);

#endif
