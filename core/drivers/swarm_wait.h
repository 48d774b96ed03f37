#ifndef SETT_SWARM_WAIT_H
#define SETT_SWARM_WAIT_H
/* Until the swarm has done what it was told. */
#include "docker_api.h"
#include "runtime.h"

/** swarm_wait_running(api, o, before, since, err): until a task other than ${before} runs, and for
 * a moment longer. One that ended by itself after ${since} (wall, ms) is why it failed:
 * "port_taken", "command_missing", "volume_elsewhere", "task_ended"; no node that may run it,
 * "no_node". 0 or -1. */
int swarm_wait_running(struct docker_api *api, const struct runtime_order *o, const char *before,
                       int64_t since, struct err *err);

/** swarm_wait_stopped(api, o, err): until no task of it lives on any node that is there. 0 or -1.
 */
int swarm_wait_stopped(struct docker_api *api, const struct runtime_order *o, struct err *err);

/** swarm_wait_updated(api, o, err): until a rolling update is done; ERR_INVALID
 * "update_rolled_back" when it has gone back by itself. Return 0 or -1. */
int swarm_wait_updated(struct docker_api *api, const struct runtime_order *o, struct err *err);

#endif
