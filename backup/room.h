#ifndef SETT_ROOM_H
#define SETT_ROOM_H
/* Whether there is room for what is about to be written: better to be told before than after an
 * hour. */
#include <stdint.h>
#include "err.h"

/** room_check(folder, bytes, what, err): that so many bytes, and a little more, fit where
 * ${folder} is. ERR_FULL "no_room": what (${what}: "a snapshot") needs how much, how much is free,
 * and what to do. Return 0 or -1. */
int room_check(const char *folder, uint64_t bytes, const char *what, struct err *err);

/** room_check_fd(folder, name, bytes, what, err): likewise, of an open one; ${name} for people. */
int room_check_fd(int folder, const char *name, uint64_t bytes, const char *what, struct err *err);

#endif
