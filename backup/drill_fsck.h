#ifndef SETT_DRILL_FSCK_H
#define SETT_DRILL_FSCK_H
/* Checking a store that is not the running one. */
#include <stdint.h>
#include "err.h"

/** drill_fsck(root, entries, err): `sett --root ROOT fsck`, by the program itself: a process opens
 * one store in its life, and the worker has opened its own. ${entries}: audit entries whose chain
 * held. ERR_CORRUPT with the first finding. Return 0 or -1. */
int drill_fsck(const char *root, uint64_t *entries, struct err *err);

#endif
