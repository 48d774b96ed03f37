#ifndef SETT_ANSWER_DOCTOR_H
#define SETT_ANSWER_DOCTOR_H
/* The worker's answers about the box itself, which need operations' own parts. */
#include "answer.h"

/** answer_doctor(setup, params, out, err): doctor's findings as JSON. 0 or -1. */
int answer_doctor(const struct answer_setup *setup, const struct kv *params, struct buf *out,
                  struct err *err);

/** answer_bundle(setup, params, out, err): a support bundle, as a file. In answer_bundle.c. 0 or
 * -1.
 */
int answer_bundle(const struct answer_setup *setup, const struct kv *params, struct buf *out,
                  struct err *err);

/** answer_box(setup): the box as operations know it, of the worker's own parts; to be freed with
 * free. NULL: no memory. */
struct op_box *answer_box(const struct answer_setup *setup);

#endif
