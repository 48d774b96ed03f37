#ifndef SETT_RUNTIME_PROXMOX_H
#define SETT_RUNTIME_PROXMOX_H
/*
 * The runtime over Proxmox VE: a container (LXC) on a node of a cluster, made from a template or by
 * cloning one, found again by its number and our mark in its description ("sett BOX TENANT").
 *
 *   image       of the blueprint: "local:vztmpl/NAME.tar.zst", or the number of a container to
 * clone memory, cpu_millis, storage   become memory, cores with cpulimit, and the size of its root
 * disk (which only grows); pids and nofile have no counterpart and are the template's address from
 * the order, else by DHCP and read back: status.address is "ADDRESS:inner_port" environment goes to
 * the container's init where Proxmox VE is 9.1 or newer; a first boot in the template finds it in
 * /proc/1/environ. Older ones refuse a blueprint that needs any volumes     none: its own disk
 * keeps its files. So remove without data only stops it exec        not possible: the API runs
 * nothing inside. logs: what its tasks said
 *
 * A function that started a task waits for it for a while; ERR_TIMEOUT or ERR_UNAVAILABLE means
 * that it goes on, and that asking again finds it.
 */
#include "proxmox.h"
#include "runtime.h"

struct runtime_proxmox_setup {
    struct proxmox *api; /* outlives the runtime */
    char storage[64], bridge[32], pool[64], gateway[64], nameserver[64];
    uint32_t vlan; /* 0: none */
};

/** runtime_proxmox_new(out, setup, err): to be freed. Return 0 or -1. */
int runtime_proxmox_new(struct runtime *out, const struct runtime_proxmox_setup *setup,
                        struct err *err);

/** runtime_proxmox_free(r): NULL and zeros are fine. */
void runtime_proxmox_free(struct runtime *r);

/** runtime_proxmox_place(r, o, b, nodes, not_on, node, err): choose a node for a new container:
 * ${nodes}: those that may be, "": all; ${not_on}: not this one, or NULL. ERR_QUOTA
 * "no_node_fits" saying of each why not. 0 or -1. */
int runtime_proxmox_place(struct runtime *r, const struct runtime_order *o,
                          const struct blueprint *b, const char *nodes, const char *not_on,
                          char node[PROXMOX_NODE_SIZE], struct err *err);

/** runtime_proxmox_migrate(r, o, b, node, out, err): the container is on ${node}, running if it
 * ran. Fine if it is there. 0 or -1. */
int runtime_proxmox_migrate(struct runtime *r, const struct runtime_order *o,
                            const struct blueprint *b, const char *node, struct runtime_status *out,
                            struct err *err);

#endif
