#ifndef SETT_SWARM_ASK_H
#define SETT_SWARM_ASK_H
/* How the swarm is asked; shared by the files about services, tasks and networks. */
#include "docker_api.h"

/** swarm_copy_cut(out, size, s): as much of ${s} as fits. */
void swarm_copy_cut(char *out, size_t size, const char *s);

/** swarm_refused(reply, what, err): as docker_api_refused; an engine that is no manager of a swarm
 * is ERR_UNAVAILABLE "swarm_inactive" with what to do. Return -1. */
int swarm_refused(const struct docker_reply *reply, const char *what, struct err *err);

/** swarm_ask(api, path, what, reply, err): GET something that must be there; ${reply} is then to be
 * given to docker_reply_free. Return 0 or -1. */
int swarm_ask(struct docker_api *api, const char *path, const char *what,
              struct docker_reply *reply, struct err *err);

/** swarm_ask_list(api, path, filter, value, reply, err): likewise a list, of what has ${value}.
 * Return 0 or -1. */
int swarm_ask_list(struct docker_api *api, const char *path, const char *filter, const char *value,
                   struct docker_reply *reply, struct err *err);

/** swarm_label(labels, name): the value of a label; "" when there is none. */
const char *swarm_label(const struct cJSON *labels, const char *name);

#endif
