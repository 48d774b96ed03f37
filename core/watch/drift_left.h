#ifndef SETT_DRIFT_LEFT_H
#define SETT_DRIFT_LEFT_H
/* The part of a scan that finds tunnels of this box which no record knows. */
#include "drift_compare.h"

/** drift_left(out, a, db, most, err): tunnels at the provider that bear the name of one of ours,
 * are in no record, and are ours for certain: a DNS record with our mark leads to them, or did when
 * they were found first. *${most}: the highest number in such a name, whoever made it, which no
 * tunnel of ours can be given any more. Return 0 or -1. */
int drift_left(struct drift_found *out, const struct drift_actual *a, struct db *db, uint64_t *most,
               struct err *err);

#endif
