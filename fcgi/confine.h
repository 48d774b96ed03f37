#ifndef SETT_CONFINE_H
#define SETT_CONFINE_H
/* What this process can never do again, whoever it may come to obey: a second wall behind the
 * unit's. */
#include "err.h"

/** confine(err): from here on, for this thread and those it starts: no program is run, no process
 * traced, no socket made but UNIX ones, no privilege gained (seccomp(2), prctl(2)). A refused call
 * returns EPERM. Builds under a sanitizer may still run the program that names its lines. Where the
 * kernel has no seccomp: ERR_UNAVAILABLE. Return 0 or -1. */
int confine(struct err *err);

#endif
