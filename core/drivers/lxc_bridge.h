#ifndef SETT_LXC_BRIDGE_H
#define SETT_LXC_BRIDGE_H
/* The bridge that a tenant's container hangs on: an interface of the box with the gateway's
 * address, which stays while the container comes and goes, and is made again after a boot. */
#include <stdint.h>
#include "docker_network.h"

/** lxc_bridge_ensure(name, net, err): the bridge with the gateway's address of ${net}, up; fine if
 * there. An interface of that name with another address is ERR_CONFLICT "foreign_interface". Return
 * 0 or -1. */
int lxc_bridge_ensure(const char *name, const struct docker_network *net, struct err *err);

/** lxc_bridge_remove(name, net, err): fine if it is gone. ERR_CONFLICT as with ensure. 0 or -1. */
int lxc_bridge_remove(const char *name, const struct docker_network *net, struct err *err);

/** lxc_bridge_traffic(name, received, sent): the bytes that went through an interface of the box
 * (proc_net_dev(5)); zeros for one that is not there. */
void lxc_bridge_traffic(const char *name, uint64_t *received, uint64_t *sent);

#endif
