#ifndef SETT_HANDS_MACHINE_H
#define SETT_HANDS_MACHINE_H
/*
 * The hands' own knowledge of the machine. They come before the worker and start what ran before a
 * boot: on a copy of the machine they start nothing, until the worker, whose store says what was
 * decided, vouches for it. Its word is a file in run/, which no copy has.
 */
#include <stdbool.h>

#include <sys/types.h>

#include "machine.h"

#define MACHINE_KNOWN   "var/lib/sett/machine" /* below the root; ours */
#define MACHINE_VOUCHED "machine"              /* in run/; the worker's */

/** hands_machine_known(paths, worker, err): whether this is the machine that they know; at first
 * any is, and so is one that a worker of the user ${worker} vouches for. Return 1, 0 or -1. */
int hands_machine_known(const struct paths *paths, uid_t worker, struct err *err);

#endif
