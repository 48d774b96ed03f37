#ifndef SETT_DRIFT_DOMAINS_H
#define SETT_DRIFT_DOMAINS_H
/* The part of a scan that asks the provider about customers' own zones, one after the other. */
#include "drift_compare.h"

/** drift_domains(out, a, db, outside, err): that each active domain with a zone of its own has the
 * records that lead it here. What cannot be read is counted in out->domains_unread and noted in
 * a->unread; after a few of those no more is asked. Return 0 or -1. */
int drift_domains(struct drift_found *out, struct drift_actual *a, struct db *db,
                  struct outside *outside, struct err *err);

#endif
