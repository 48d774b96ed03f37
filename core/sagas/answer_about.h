#ifndef SETT_ANSWER_ABOUT_H
#define SETT_ANSWER_ABOUT_H
/* Answers about what runs and what can be bought; see answer.h for the questions. Each appends to
 * ${out}. Return 0 or -1. */
#include "answer.h"

int answer_logs(const struct answer_setup *s, const struct kv *params, struct buf *out,
                struct err *err);
int answer_stats(const struct answer_setup *s, const struct kv *params, struct buf *out,
                 struct err *err);
int answer_status(const struct answer_setup *s, const struct kv *params, struct buf *out,
                  struct err *err);
int answer_probe(const struct answer_setup *s, const struct kv *params, struct buf *out,
                 struct err *err);

/** answer_checkout: a page of Stripe's for an open order, made with the order's id as idempotency key:
 * the same order gives the same page. In answer_checkout.c. */
int answer_checkout(const struct answer_setup *s, const struct kv *params, struct buf *out,
                    struct err *err);

#endif
