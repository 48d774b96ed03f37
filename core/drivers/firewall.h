#ifndef SETT_FIREWALL_H
#define SETT_FIREWALL_H
/*
 * The rules of nftables that runtimes need, each in a table of its own (inet sett_lxc, inet
 * sett_swarm) that is replaced whole, so that nobody else's rules are read or touched. nft does it
 * (Debian: nftables); nothing here opens anything, the rules only close.
 */
#include "docker_network.h"
#include "err.h"

/** firewall_lxc(folder, pool, err): tenants behind the bridges "settb*" may speak to the world
 * (their addresses are masqueraded) and to the box, not to each other; nobody begins to speak to
 * them from elsewhere. Also lets the kernel forward IPv4. ${folder}: where the rules are written
 * for nft. 0 or -1. */
int firewall_lxc(const char *folder, const char *pool, struct err *err);

/** firewall_swarm(folder, ports, err): what a swarm publishes stands on every address of the node;
 * ${ports} ("20000-20999", several with commas) are dropped on every interface but loopback.
 * Return 0 or -1. */
int firewall_swarm(const char *folder, const char *ports, struct err *err);

/** firewall_present(): whether nft is installed. */
bool firewall_present(void);

#endif
