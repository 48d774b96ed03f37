#ifndef SETT_HOLD_H
#define SETT_HOLD_H
/*
 * Who may use live/, and who may put another in its place. Two locks beside it (flock(2), so a
 * process that dies lets go of both): live.lock, which everybody who has live/ open holds shared
 * and a restore alone; and live.wish, which a restore holds from the moment it wants the others to
 * end until they may begin again. So nobody has to be told to start: who begins waits for the wish.
 */
#include <stdbool.h>
#include "paths.h"

struct hold {
    int live_fd, wish_fd; /* -1: not held */
};

/** hold_enter(paths, hold, waiting, err): for a program that lives on live/: wait until nobody
 * wishes to replace it, then share it for as long as the process lives. ${waiting} is called some
 * times a second meanwhile; it may be NULL. Return 0 or -1. */
int hold_enter(const struct paths *paths, struct hold *hold, void (*waiting)(void),
               struct err *err);

/** hold_try(paths, hold, err): for a command: share it or fail, ERR_UNAVAILABLE "restoring". Fine,
 * and nothing is held, where there are no locks yet. Return 0 or -1. */
int hold_try(const struct paths *paths, struct hold *hold, struct err *err);

/** hold_wished(hold): whether somebody wishes to replace live/: whoever shares it is to end. */
bool hold_wished(const struct hold *hold);

/** hold_take(paths, hold, wait_ms, stop, others, err): wish, wait until the others have ended, and
 * have it alone. ${stop} says whether the waiting is to be broken off ("interrupted"); it may be
 * NULL. *${others}: whether there were any. ERR_CONFLICT "restoring" when another restore is at it;
 * ERR_TIMEOUT, and no wish is left. Return 0 or -1. */
int hold_take(const struct paths *paths, struct hold *hold, int wait_ms, bool (*stop)(void),
              bool *others, struct err *err);

/** hold_release(hold): let go. Fine for one that holds nothing. */
void hold_release(struct hold *hold);

/** hold_mend(paths): the locks get the owner of the store, which may be new: for root. */
void hold_mend(const struct paths *paths);

#endif
