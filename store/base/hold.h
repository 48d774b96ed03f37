#ifndef SETT_HOLD_H
#define SETT_HOLD_H
/*
 * Who may use live/, and who may put another in its place. Two locks beside it (flock(2), so a
 * process that dies lets go of both): live.lock, which everybody who has live/ open holds shared
 * and a restore alone; and live.wish, which a restore holds from the moment it wants the others to
 * end until they may begin again. So nobody has to be told to start: who begins waits for the wish.
 * Two more of the kind, store.lock and store.wish, are about the store in it alone: what has
 * only other files of live/ open, as the hands and with them the tenants, runs on while a store is
 * put in another's place.
 */
#include <stdbool.h>
#include "paths.h"

enum hold_of { HOLD_LIVE, HOLD_STORE }; /* the store: and live/, which it is in */

struct hold_pair {
    int fd, wish_fd; /* -1: not held */
};

struct hold {
    struct hold_pair live, store;
};
#define HOLD_NONE ((struct hold){{-1, -1}, {-1, -1}})

/** hold_enter(paths, hold, of, waiting, err): for a program that lives on live/, or on the store,
 * too: wait until nobody wishes to replace it, then share it for as long as the process lives.
 * ${waiting} is called some times a second meanwhile; it may be NULL. Return 0 or -1. */
int hold_enter(const struct paths *paths, struct hold *hold, enum hold_of of, void (*waiting)(void),
               struct err *err);

/** hold_try(paths, hold, err): for a command that opens the store: share it or fail,
 * ERR_UNAVAILABLE "restoring" or "exchanging". Fine, and nothing is held, where there are no locks
 * yet. Return 0 or -1. */
int hold_try(const struct paths *paths, struct hold *hold, struct err *err);

/** hold_wished(hold): whether somebody wishes to replace what is shared: whoever does is to end. */
bool hold_wished(const struct hold *hold);

/** hold_take(paths, hold, of, wait_ms, stop, others, err): wish, wait until the others have ended,
 * and have it alone. ${stop} says whether the waiting is to be broken off ("interrupted"); it may
 * be NULL. *${others}: whether there were any. ERR_CONFLICT "restoring" when another is at it;
 * ERR_TIMEOUT, and no wish is left. Return 0 or -1. */
int hold_take(const struct paths *paths, struct hold *hold, enum hold_of of, int wait_ms,
              bool (*stop)(void), bool *others, struct err *err);

/** hold_release(hold): let go. Fine for one that holds nothing. */
void hold_release(struct hold *hold);

/** hold_mend(paths): the locks get the owner of the store, which may be new: for root. */
void hold_mend(const struct paths *paths);

#endif
