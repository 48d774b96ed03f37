#ifndef SETT_RUNTIME_SWARM_H
#define SETT_RUNTIME_SWARM_H
/*
 * The runtime driver over Docker Swarm: a tenant is one service of at most one task, and one
 * overlay network, both named by its mark and labelled as the docker runtime labels its containers.
 * The box's engine must be a manager.
 *
 * Where it runs: on the nodes that the blueprint's [placement] allows. Volumes are folders
 * tenants/N/NAME of whichever node that is, so without any constraint a tenant with volumes stays
 * on the box's own node; constraints of the operator's say that the folder is on shared storage. A
 * node that is lost: the status says so, and the swarm starts the tenant elsewhere if it may.
 *
 * Its port stands on every address of its node, since a swarm knows no other way: rules of nftables
 * keep it off every interface but loopback (firewall.h) on this node; the same rules, kept in the
 * file swarm.nft of the hands' folder, are for the operator to load on further ones. A task on
 * another node is reached over that node's connector.
 */
#include "runtime.h"

struct runtime_swarm_setup {
    const char *socket;  /* of the engine */
    const char *tenants; /* folder of the tenants' volumes */
    const char *folder;  /* where rules are kept */
    const char *ports;   /* that tenants may have, closed to the outside: "3100-3999" */
    const char *box_id;  /* whose the services are, for orders that do not say */
};

/** runtime_swarm_new(out, setup, err): fill the table. As runtime_docker_new; a swarm that is not
 * active is, when asked, ERR_UNAVAILABLE "swarm_inactive". Return 0 or -1.
 *
 * What exists and is ours is compared by a hash of its description: the same is left alone, another
 * is a rolling update of the swarm's (the old task stops first: both want one port), which goes
 * back by itself when the new one fails: ERR_INVALID "update_rolled_back". */
int runtime_swarm_new(struct runtime *out, const struct runtime_swarm_setup *setup,
                      struct err *err);

/** runtime_swarm_free(r): give back what runtime_swarm_new took. Services go on. */
void runtime_swarm_free(struct runtime *r);

#endif
