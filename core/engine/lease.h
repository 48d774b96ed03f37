#ifndef SETT_LEASE_H
#define SETT_LEASE_H
/* Who runs a job: boot id, pid and start time of a process, so that a dead one is known as dead
 * after a reboot and after its pid was given to another. */
#include <stdbool.h>
#include "err.h"

#define LEASE_SIZE 64

/** lease_own(out, err): of this process. Return 0 or -1. */
int lease_own(char out[LEASE_SIZE], struct err *err);

/** lease_alive(lease): whether the process that wrote it runs. "" and nonsense: no. */
bool lease_alive(const char *lease);

#endif
