#ifndef SETT_DOMAIN_CHECK_H
#define SETT_DOMAIN_CHECK_H
/* What must agree between records of different tables, beyond what the store itself can know. */
#include "maintain.h"

/** domain_check(txn, found, arg, err): from one snapshot: tenants against the names and ports that
 * they hold and the other way, jobs against their subjects, the audit chain. ${found} is called
 * for each finding. Return the number of findings, or -1 when it could not be looked. */
int64_t domain_check(struct txn *txn, fsck_found *found, void *arg, struct err *err);

#define DOMAIN_FAULT_SIZE 200

/** domain_faults(db, first, err): everything that sett fsck looks at: db_fsck, then domain_check.
 * ${first} says what was found first; "" when nothing was. Return the number of findings, or -1. */
int64_t domain_faults(struct db *db, char first[DOMAIN_FAULT_SIZE], struct err *err);

#endif
