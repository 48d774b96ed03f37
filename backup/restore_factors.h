#ifndef SETT_RESTORE_FACTORS_H
#define SETT_RESTORE_FACTORS_H
/* Second factors, passkeys and API keys of a restored box, when the box that it replaces is still
 * there. */
#include "db.h"

/** restore_factors(txn, live, err): in the restored store: whoever has a second factor in the
 * ${live} one has it here, with the app that was entered last and the codes that are left; passkeys
 * that were taken back since are gone, keys end and reach no further than they do there. What came
 * since is not taken over, nor is a second factor switched off: it would open what was shut. Return
 * 0 or -1. */
int restore_factors(struct txn *txn, struct txn *live, struct err *err);

#endif
