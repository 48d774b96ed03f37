#ifndef SETT_POST_H
#define SETT_POST_H
/*
 * The post office: takes messages from the outbox and sends them, a few at once, so that nothing
 * that is slow outside holds up anything here. Before a message is sent its next attempt is already
 * written down, and afterwards what came of it: whatever is killed in between, it is sent again
 * under the same id, and never forgotten.
 */
#include "post_item.h"
#include "post_send.h"

#define POST_THREADS 4
#define POST_LANE    2 /* at once over the same channel, or to customers */

struct post;

/** post_start(post, context, err): with threads of its own. Return 0 or -1. */
int post_start(struct post **post, const struct saga_context *context, struct err *err);

/** post_stop(post): take no more; does not wait for what is on its way. NULL is fine. */
void post_stop(struct post *post);

/** post_backoff_s(retry_s, attempts): how long to wait after so many attempts: retry_s at first,
 * growing sixfold to eight hours at most. */
uint32_t post_backoff_s(uint32_t retry_s, uint32_t attempts);

/** post_claim(context, id, item, err): begin an attempt: count it, write down when the next one is
 * due if nothing comes of it, make the link that the letter leads to. For post.c and tests. Return
 * 1, 0 if there is nothing to do, -1. */
int post_claim(const struct saga_context *context, const char *id, struct post_item *item,
               struct err *err);

/** post_note(context, item, result, err): write down what came of it. Return 0 or -1. */
int post_note(const struct saga_context *context, const struct post_item *item,
              const struct post_result *result, struct err *err);

/** post_prune(txn, most, err): forget at most ${most} messages that were kept long enough. Return
 * how many, or -1. */
int post_prune(struct txn *txn, unsigned most, struct err *err);

#endif
