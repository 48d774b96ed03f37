#ifndef SETT_SUPERVISOR_CHILD_H
#define SETT_SUPERVISOR_CHILD_H
/* The supervisor without a service manager: units are kept alive by process_group.h and have
 * the environment that the supervisor has. For a checkout and for tests. */
#include "process_group.h"
#include "supervisor.h"

/** supervisor_child_new(out, group, logs, stop_s, err): ${group} stays the caller's and must
 * outlive the supervisor; its units are named as the supervisor's. ${logs}: folder for NAME.log,
 * made if missing. ${stop_s}: from SIGTERM to SIGKILL. Return 0 or -1. */
int supervisor_child_new(struct supervisor *out, struct process_group *group, const char *logs,
                         uint32_t stop_s, struct err *err);

/** supervisor_child_free(s): the units go on. */
void supervisor_child_free(struct supervisor *s);

#endif
