#ifndef SETT_SETUP_STATE_H
#define SETT_SETUP_STATE_H
/* Whether a box has been set up: somebody finished the setup, or it is plainly in use. */
#include "db.h"

#define SETUP_SETTING "box.set_up_at"

/** setup_needed(txn, err): nobody has finished the setup, and there is neither a tenant, nor a
 * customer, nor a second user. Return 1, 0 or -1. */
int setup_needed(struct txn *txn, struct err *err);

/** setup_finish(txn, actor, err): it has been set up, from now on. Return 0 or -1. */
int setup_finish(struct txn *txn, const char *actor, struct err *err);

#endif
