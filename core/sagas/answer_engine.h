#ifndef SETT_ANSWER_ENGINE_H
#define SETT_ANSWER_ENGINE_H
/* Questions about container engines. */
#include "answer.h"

/** answer_engine_test(setup, params, out, err): ask the engine that engine_id names who it is and
 * what it can: facts, and each problem with its remedy. An engine that does not answer is an
 * answer, too. Return 0 or -1. */
int answer_engine_test(const struct answer_setup *setup, const struct kv *params, struct buf *out,
                       struct err *err);

/** answer_engine_local(setup, params, out, err): what this box's own engine is, as the hands see
 * it. Return 0 or -1. */
int answer_engine_local(const struct answer_setup *setup, const struct kv *params, struct buf *out,
                        struct err *err);

/** answer_engine_note(context, engine_id, version, why, err): that it was asked and answered with
 * this version, or did not, and why (NULL: it did); raises or clears what is told of it. 0 or -1.
 */
int answer_engine_note(const struct saga_context *context, const char *engine_id,
                       const char *version, const struct err *why, struct err *err);

#endif
