#ifndef SETT_CAGE_H
#define SETT_CAGE_H
/* What a process gives up, for good, before it unpacks what others have written. */
#include <stdbool.h>
#include "err.h"

#define CAGE_TEMPORARY "/tmp" /* where tmpfile() makes its files */

struct cage {
    const char *folder; /* it may write below this one, and open nothing beside it; NULL: nothing */
    const char *scratch; /* nor beside this one; NULL: none */
    const char *user;    /* whom root becomes, if there is one of that name; NULL: nobody else */
    bool child;          /* it ends when its parent does */
};

/** cage_enter(c, err): from here on this process, which has one thread yet, has only those files
 * and what it has open, no network, starts no program and no process, leaves no core, and keeps of
 * root's rights only what gives files their owners. What a kernel does not have is left out; the
 * other walls stand. Return 0 or -1. */
int cage_enter(const struct cage *c, struct err *err);

#endif
