#ifndef SETT_RESTART_H
#define SETT_RESTART_H
/* A wish that one of the box's programs begins anew, left in the store for a program that nobody
 * can reach otherwise: the front, which listens to the web server alone. Whoever supervises it
 * starts it again. */
#include "db.h"

/** restart_want(txn, program, actor, err): "front" is to begin anew. Return 0 or -1. */
int restart_want(struct txn *txn, const char *program, const char *actor, struct err *err);

/** restart_wanted(txn, program, since_ms): whether that was wished after wall time ${since_ms}. */
bool restart_wanted(struct txn *txn, const char *program, int64_t since_ms);

#endif
