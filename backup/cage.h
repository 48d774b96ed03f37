#ifndef SETT_CAGE_H
#define SETT_CAGE_H
/* What a process gives up, for good, before it unpacks what others have written. */
#include "err.h"

/** cage_enter(folder, user, err): from here on this process, which has one thread yet, may write
 * below ${folder} and open nothing beside it, has no network, starts no program and no process,
 * leaves no core, and keeps of root's rights only what gives files their owners; it becomes
 * ${user}, if it is root and there is one of that name (NULL: nobody else). What a kernel does not
 * have is left out; the other walls stand. Return 0 or -1. */
int cage_enter(const char *folder, const char *user, struct err *err);

#endif
