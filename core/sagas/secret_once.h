#ifndef SETT_SECRET_ONCE_H
#define SETT_SECRET_ONCE_H
/* Secrets that are made once, before what they belong to, and kept sealed for as long as it lives.
 */
#include "kv.h"
#include "saga_context.h"

#define SECRET_ONCE_SIZE 128 /* longest text with its NUL */

/** secret_once_recall(txn, context, name, as, secrets, err): open what is kept under ${name} and
 * put it among a step's secrets as ${as}. Return 1, 0 if none is kept, -1 (ERR_CORRUPT when it is
 * no such text). */
int secret_once_recall(struct txn *txn, const struct saga_context *context, const char *name,
                       const char *as, struct kv *secrets, struct err *err);

/** secret_once_keep(txn, context, name, as, text, secrets, err): seal ${text} under ${name} and put
 * it among the step's secrets as ${as}. The caller wipes its own copy. Return 0 or -1. */
int secret_once_keep(struct txn *txn, const struct saga_context *context, const char *name,
                     const char *as, const char *text, struct kv *secrets, struct err *err);

#endif
