#ifndef SETT_BALLAST_H
#define SETT_BALLAST_H
/*
 * The ballast: a file that only takes up room, so that on a disk that is full there is something to
 * throw overboard: `sett unstick`, and what must be deleted can be deleted. The worker makes it
 * when there is plenty of room, and again when there is once more.
 */
#include <stdint.h>
#include "err.h"

#define BALLAST_ROOM 16 /* it is made only where so many times its size is free */

/** ballast_keep(path, bytes, err): make it unless it is there, or there is too little room; with 0
 * bytes it is removed. Return 1 if it was made, 0 or -1. */
int ballast_keep(const char *path, uint64_t bytes, struct err *err);

#endif
