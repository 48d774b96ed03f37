#ifndef SETT_REMINDERS_H
#define SETT_REMINDERS_H
/* Letters that time alone brings about: reminders that a tenant will be deleted. */
#include "db.h"

/** reminders_due(txn, err): in a read transaction: whether reminders_send would queue a letter.
 * Return 1, 0 or -1. */
int reminders_due(struct txn *txn, struct err *err);

/** reminders_send(txn, most, err): queue at most ${most} reminders of deletions that are seven,
 * three and one days ahead, each once. Return how many, or -1. */
int reminders_send(struct txn *txn, unsigned most, struct err *err);

#endif
