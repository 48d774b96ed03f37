#ifndef SETT_SWARM_SERVICE_H
#define SETT_SWARM_SERVICE_H
/* One tenant's service, its tasks and its network, as the swarm describes them, and what can be
 * asked of them. A swarm that is not active is ERR_UNAVAILABLE "swarm_inactive". */
#include "docker_api.h"
#include "swarm_spec.h"

struct swarm_service {
    char id[40], hash[DOCKER_HASH_SIZE];
    uint64_t version, force;
    uint32_t replicas;
    bool started;
    char update[32], update_message[200]; /* "", "updating", "completed", "rollback_completed", … */
};

/** swarm_service_find(api, o, out, err): the service named by the order's mark. Return 1; 0 when
 * there is none; -1, with ERR_CONFLICT "foreign_service" when it is not this tenant's. */
int swarm_service_find(struct docker_api *api, const struct runtime_order *o,
                       struct swarm_service *out, struct err *err);

/** swarm_service_create(api, p, err): ERR_CONFLICT "engine_refused" when the name is in use: then
 * look whose it is. Return 0 or -1. */
int swarm_service_create(struct docker_api *api, const struct swarm_plan *p, struct err *err);

/** swarm_service_update(api, o, p, err): bring the service to the plan, whichever version it has:
 * an "update out of sequence" means that somebody else was faster, and it is read again. 0 or -1.
 */
int swarm_service_update(struct docker_api *api, const struct runtime_order *o,
                         const struct swarm_plan *p, struct err *err);

/** swarm_service_scale(api, o, replicas, anew, err): the service as it is, with so many tasks; with
 * ${anew} a new one even where one runs. Return 0 or -1. */
int swarm_service_scale(struct docker_api *api, const struct runtime_order *o, uint32_t replicas,
                        bool anew, struct err *err);

/** swarm_service_remove(api, mark, err): and wait until its containers on this node have gone. Fine
 * if it is gone. Return 0 or -1. */
int swarm_service_remove(struct docker_api *api, const char *mark, struct err *err);

/** swarm_service_list(api, box_id, each, arg, err): as runtime.list: services, then networks (as
 * RUNTIME_ABSENT). Return 0 or -1. */
int swarm_service_list(struct docker_api *api, const char *box_id, runtime_each *each, void *arg,
                       struct err *err);

/** swarm_network_ensure(api, o, err): the tenant's own network, of the swarm's kind (overlay), by
 * its mark. ERR_CONFLICT "foreign_network". Return 0 or -1. */
int swarm_network_ensure(struct docker_api *api, const struct runtime_order *o, struct err *err);

/** swarm_network_remove(api, o, err): fine if it is gone; waits for the last task to leave it.
 * ERR_CONFLICT when it is not ours. Return 0 or -1. */
int swarm_network_remove(struct docker_api *api, const struct runtime_order *o, struct err *err);

#endif
