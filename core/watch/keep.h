#ifndef SETT_KEEP_H
#define SETT_KEEP_H
/* What is over and remembered for a while: cleared away when the while is over. */
#include "conf.h"
#include "db.h"

/** keep_prune(txn, conf, most, err): remove at most ${most} of each kind: messages that were sent,
 * one-time links, and, after records.keep_days, mailings and removed domains. Return how many, or
 * -1. */
int keep_prune(struct txn *txn, const struct conf *conf, unsigned most, struct err *err);

#endif
