#ifndef SETT_DRIFT_RULES_H
#define SETT_DRIFT_RULES_H
/* The part of a scan that asks the provider about one tunnel after the other. */
#include "drift_compare.h"

/** drift_rules(out, a, db, outside, err): compare the configuration of each remotely configured
 * tunnel that is in force with what the records mean, a few a second, so that the provider's budget
 * stays for those who wait for something. What cannot be read is counted in out->rules_unread and
 * noted in a->unread; after a few of those no more is asked. Return 0 or -1. */
int drift_rules(struct drift_found *out, struct drift_actual *a, struct db *db,
                struct outside *outside, struct err *err);

#endif
